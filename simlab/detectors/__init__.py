"""Ways to notice, one a file: a detector compares one column of a window with the baseline.

The file name is what a scenario writes under `stages.monitor.detectors`; the keyword-only parameters
are its settings. The figures are Evidently's, so that a threshold found here holds there as well, and
so does each default threshold.

Every module says:

`KINDS`
    Kinds of column it can look at: `numeric`, `categorical`.
`DIRECTION`
    `above`: the figure is a distance, and drift is a value of at least the threshold. `below`: the
    figure is a p-value, and drift is a value under the threshold.

Every detector returns the figure, whether it breached its threshold, and the threshold. The figure is
None, and nothing is breached, where it is undefined: one sample has no values, or the statistic has
none for such values (a t test of constants).

A p-value says how surprising a difference is, not how large: with many rows it breaches over
differences that harm nobody, and among many columns it breaches by chance (20 undrifted columns at
0.05 do so 64 % of the time). A distance says how large, but two samples of the same law differ too,
and the more so the fewer rows they hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Literal

from simlab.engines import engine
from simlab.statistics import METHODS, Sample, sample, statistic

if TYPE_CHECKING:
    import numpy as np

    Values = np.ndarray | Sample
    """Values of one column, or the sample made of them: a baseline is prepared once for many windows."""

Verdict = tuple[float | None, bool, float]
"""Figure (None: undefined), whether it breached, threshold."""

REFUSED: Mapping[str, str] = {
    "empirical_mmd": "it takes 4 seconds for 1,000 rows and 230 for 5,000",
    "TVD": "its permutations take 1 second for 1,000 rows, 63 for 100,000, and reset the global generator",
    "g_test": "Evidently compares raw counts: it fails unless the window has as many rows as the baseline",
    "cramer_von_mises": "it takes equal values for drift: on columns of whole numbers it breaches in 8 of 10 "
    "windows without any",
    "fisher_exact": "it needs two categories, and a window with as many rows as the baseline",
    "es": "it fails on a column whose middle half is one value",
}
"""Methods of Evidently's that are not offered, and why."""


def judge(
    method: str,
    reference: Values,
    current: Values,
    threshold: float,
    *,
    kinds: Sequence[str],
    direction: Literal["above", "below"],
) -> Verdict:
    """Compare two samples of a column by one of Evidently's methods.

    Parameters
    ----------
    method
        Evidently's name of the method.
    reference, current
        Values of the column; an array of objects or text is categorical, any other numeric. Missing
        and infinite values count nowhere. What was made a `simlab.statistics.Sample` once need not be
        prepared again.
    threshold
        Where drift begins.
    kinds, direction
        `KINDS` and `DIRECTION` of the detector.

    Raises
    ------
    TypeError
        The detector does not look at this kind of column.
    """
    before = reference if isinstance(reference, Sample) else sample(reference)
    if before.kind not in kinds:
        raise TypeError(f"{method} looks at {' and '.join(kinds)} columns, and this one is {before.kind}")
    now = current if isinstance(current, Sample) else sample(current, before.kind)
    if not len(before) or not len(now):
        return None, False, threshold
    if method in METHODS:
        value = statistic(method, before, now)
    else:  # one of Evidently's that simlab does not compute itself
        value = engine("evidently").statistic(method, before.kind, before.values, now.values)
    if not isfinite(value):
        return None, False, threshold
    return value, value >= threshold if direction == "above" else value < threshold, threshold
