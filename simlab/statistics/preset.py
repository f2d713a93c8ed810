"""What Evidently's DataDriftPreset would say: which statistic it takes for a column, and its threshold."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from simlab.statistics import statistic
from simlab.statistics.samples import Names, Numbers, Sample

MANY_ROWS = 1000
"""Above so many reference values Evidently takes distances, up to them p-values."""
FEW_VALUES = 5
"""Numbers with at most so many distinct values are compared as categories."""
THRESHOLDS = {"ks": 0.05, "chisquare": 0.05, "z": 0.05, "wasserstein": 0.1, "jensenshannon": 0.1}
"""Evidently's own, by statistic."""
DRIFT_SHARE = 0.5
"""Share of drifted columns from which on Evidently calls a whole table drifted."""


@dataclass(frozen=True)
class Drift:
    """How one column compares."""

    method: str
    value: float | None
    """None where one sample has no values or the statistic is not defined."""
    threshold: float
    drifted: bool


def method_for(reference: Sample, current: Sample) -> str:
    """The statistic that Evidently's preset takes: by kind, rows of the reference, distinct values of both.

    Its source is `evidently.legacy.calculations.stattests.registry`.
    """
    many = len(reference) > MANY_ROWS
    numeric = isinstance(reference, Numbers) and isinstance(current, Numbers)
    distinct = _distinct(reference, current)
    if numeric and distinct > FEW_VALUES:
        return "wasserstein" if many else "ks"
    if many:
        return "jensenshannon"
    return "chisquare" if distinct > 2 else "z"


def drift_of(reference: Sample, current: Sample) -> Drift:
    """One column judged as Evidently's preset judges it.

    Parameters
    ----------
    reference, current
        Samples of one column and of one kind.
    """
    method = method_for(reference, current)
    threshold = THRESHOLDS[method]
    if not len(reference) or not len(current):
        return Drift(method, None, threshold, False)
    value = _value(method, reference, current)
    if not isfinite(value):
        return Drift(method, None, threshold, False)
    below = method in ("ks", "chisquare", "z")
    return Drift(method, value, threshold, value < threshold if below else value >= threshold)


def _value(method: str, reference: Sample, current: Sample) -> float:
    if method in ("chisquare", "z") and isinstance(reference, Numbers) and isinstance(current, Numbers):
        reference, current = _names(reference), _names(current)
    return statistic(method, reference, current)


def _names(numbers: Numbers) -> Names:
    """Numbers as names, counted."""
    return Names(dict(zip(numbers.distinct.tolist(), numbers.counts.tolist(), strict=True)))


def _distinct(reference: Sample, current: Sample) -> int:
    """Distinct values of both together, as far as it matters."""
    found = [_known(sample) for sample in (reference, current)]
    return len(found[0] | found[1])


def _known(sample: Sample) -> set[object]:
    if isinstance(sample, Names):
        return set(sample.counts)
    return set(sample.distinct[: FEW_VALUES + 1].tolist())
