"""Drift statistics: Evidently's definitions, computed from samples that were prepared once.

A statistic compares two samples of a column. Whatever depends on one sample alone (its sorted values,
its distinct values and their counts, its moments) is computed at most once and kept with the sample,
so a baseline is prepared once and serves every window. The figures are Evidently's own to 1e-9; where
they come from is `evidently.legacy.calculations.stattests`, and the formulas are its.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simlab.statistics.distances import hellinger, jensenshannon, kl_div, psi, wasserstein
from simlab.statistics.samples import Names, Numbers, Prepared, Sample, prepared, sample
from simlab.statistics.significance import anderson, chisquare, ks, mannw, t_test, z

__all__ = ["METHODS", "Names", "Numbers", "Prepared", "Sample", "prepared", "sample", "statistic"]

METHODS: Mapping[str, Callable[[Any, Any], float]] = {
    "anderson": anderson,
    "chisquare": chisquare,
    "hellinger": hellinger,
    "jensenshannon": jensenshannon,
    "kl_div": kl_div,
    "ks": ks,
    "mannw": mannw,
    "psi": psi,
    "t_test": t_test,
    "wasserstein": wasserstein,
    "z": z,
}
"""Every statistic, by Evidently's name."""


def statistic(method: str, reference: Sample, current: Sample) -> float:
    """One drift statistic: a distance or a p-value, NaN where it is not defined.

    Parameters
    ----------
    method
        Evidently's name of it.
    reference, current
        Samples of one column and of one kind, at least one value each.

    Raises
    ------
    ValueError
        There is no such statistic.
    """
    if method not in METHODS:
        raise ValueError(f"no statistic called {method!r}; there are {', '.join(METHODS)}")
    return float(METHODS[method](reference, current))
