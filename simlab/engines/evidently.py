"""Evidently: its drift statistics, called directly.

A report of Evidently's computes each statistic three times and draws every plot; the statistics alone
cost a sixtieth of that and give the same numbers. `simlab.statistics` computes those that the detectors
offer from a baseline prepared once, at a fraction again; what is here is the measure it is held to, and
the way to any other method of Evidently's. A whole report is for people to open: see `report`.
"""

from __future__ import annotations

import sys
import warnings
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Literal

import numpy as np
import pandas as pd

Kind = Literal["numeric", "categorical"]

REGISTRY = "evidently.legacy.calculations.stattests.registry"
CORE = "evidently.legacy.core"


def statistic(method: str, kind: Kind, reference: np.ndarray, current: np.ndarray) -> float:
    """One drift statistic of Evidently's: a distance or a p-value, as its report would say.

    Parameters
    ----------
    method
        Evidently's name of it: ``wasserstein``, ``psi``, ``ks`` …
    kind
        Whether the values are numbers or category names.
    reference, current
        Values of one column, at least one each, none missing.

    Returns
    -------
    float
        NaN where the statistic is not defined (a t test of constants, say).

    Raises
    ------
    ValueError
        Evidently has no such method for this kind of column, or the method refuses the values.
    """
    test, column_type = _test(method, kind)
    before, now = _series(kind, reference, current)
    if method == "anderson" and (len(before) + len(now) < 3 or pd.concat([before, now]).nunique() < 2):
        return float("nan")  # its own answer is an error that names neither cause nor column
    if method == "es" and _too_plain(before, now):
        return float("nan")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # an undefined figure is said once, by its value
        result = test(before, now, column_type, None)
    return float(result.drift_score)


def _too_plain(before: pd.Series, now: pd.Series) -> bool:
    """Whether Epps and Singleton's statistic fails: it is scaled by the spread of the middle half."""
    if min(len(before), len(now)) < 5:
        return True
    low, high = np.percentile(np.concatenate([before, now]), [25, 75])
    return bool(low == high)


def default_threshold(method: str, kind: Kind) -> float:
    """The threshold Evidently itself uses for a method."""
    return float(_test(method, kind)[0].default_threshold)


@cache
def _test(method: str, kind: Kind) -> tuple[Any, Any]:
    registry, core = _statistics()
    column_type = core.ColumnType.Numerical if kind == "numeric" else core.ColumnType.Categorical
    return registry.get_registered_stattest(method, column_type), column_type


def _series(kind: Kind, reference: np.ndarray, current: np.ndarray) -> tuple[pd.Series, pd.Series]:
    if kind == "numeric":
        return pd.Series(np.asarray(reference, float)), pd.Series(np.asarray(current, float))
    # Evidently sums over a set of the values. A set of text has another order in every process,
    # and so would the sum's last digits; a set of small whole numbers has the same one everywhere.
    codes, names = pd.factorize(np.concatenate([reference, current]).astype(object))
    rank = np.argsort(np.argsort(np.array([str(name) for name in names])))
    ranked = rank[codes]
    return pd.Series(ranked[: len(reference)]), pd.Series(ranked[len(reference) :])


@cache
def _statistics() -> tuple[ModuleType, ModuleType]:
    """Evidently's registry of statistics and its core, without the rest of the package if possible.

    Importing `evidently` loads reports, presets, language models and a web client, several seconds of
    them. The statistics need none of that: with an empty package in its place they load alone.
    """
    if "evidently" not in sys.modules:
        try:
            return _alone()
        except Exception:  # another layout than the one this was written for: take the long way
            pass
    return import_module(REGISTRY), import_module(CORE)


def _alone() -> tuple[ModuleType, ModuleType]:
    """Load the statistics under an empty `evidently`, and leave no trace in the list of modules.

    Whoever imports `evidently` later gets the whole package, freshly loaded and whole.
    """
    spec = find_spec("evidently")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("evidently is not a package")
    empty = ModuleType("evidently")
    empty.__path__ = list(spec.submodule_search_locations)
    empty.__spec__ = spec
    sys.modules["evidently"] = empty
    try:
        return import_module(REGISTRY), import_module(CORE)
    finally:
        for name in [n for n in sys.modules if n == "evidently" or n.startswith("evidently.")]:
            del sys.modules[name]
