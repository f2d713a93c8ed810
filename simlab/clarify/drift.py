"""Bias drift: what a baseline allows, and whether a live metric is surely outside of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import inf, log
from statistics import NormalDist
from typing import TYPE_CHECKING

from simlab.clarify.bias import NEUTRAL, BiasStage, computed

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Range:
    """Values between two bounds, the bounds included."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value is within it."""
        return self.low <= value <= self.high

    def apart(self, other: Range) -> bool:
        """Whether it has no value in common with another one."""
        return self.low > other.high or self.high < other.low


def allowed(metric: str, baseline: float) -> Range:
    """Values no further from neutral than the baseline's.

    Neutral is 0, and for DI, a ratio, 1: twice as many and half as many are equally far from it, so the
    distance is ``|ln DI|``. AWS's guide only speaks of the distance from 0, and of no ratio.

    >>> allowed("DPPL", -0.2), allowed("DI", 0.8)
    (Range(low=-0.2, high=0.2), Range(low=0.8, high=1.25))
    """
    if NEUTRAL.get(metric, 0.0) == 0.0:
        return Range(-abs(baseline), abs(baseline))
    if baseline <= 0 or baseline == inf:
        return Range(0.0, inf)
    return Range(min(baseline, 1 / baseline), max(baseline, 1 / baseline))


def distance(metric: str, value: float) -> float:
    """How far a value is from neutral: ``|ln value|`` for DI, else ``|value|``.

    >>> distance("DPPL", -0.2), round(distance("DI", 0.8), 6)
    (0.2, 0.223144)
    """
    if NEUTRAL.get(metric, 0.0) == 0.0:
        return abs(value)
    return inf if value <= 0 or value == inf else abs(log(value))


def resampled(cells: np.ndarray, repeats: int, rng: np.random.Generator) -> np.ndarray:
    """Counts of bootstrap samples: [repeats, *cells.shape].

    Rows drawn with replacement fall into the cells as a multinomial law says, and the metrics only see
    the cells; so drawing those is the same bootstrap, at the price of a few numbers a sample.

    Parameters
    ----------
    cells
        Counts of one group beside everyone else.
    repeats
        How many samples.
    rng
        Source of randomness.
    """
    flat = cells.reshape(-1)
    drawn = rng.multinomial(int(flat.sum()), flat / flat.sum(), size=repeats)
    found: np.ndarray = drawn.reshape(repeats, *cells.shape)
    return found


@cache
def _quantile(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def intervals(
    stage: BiasStage, metrics: Sequence[str], values: Sequence[float], samples: np.ndarray, confidence: float
) -> dict[str, Range | None]:
    """The Normal Bootstrap Interval of every metric: ``value ± z se``, with the samples' deviation as se.

    Wasserman (2004), All of Statistics, section 8.3; AWS names the method for bias drift. Samples in
    which a metric is infinite or undefined are left out; there is no interval, and so None, where that
    leaves fewer than half of them, or where the value itself is infinite.

    Parameters
    ----------
    stage
        Whose metrics they are.
    metrics, values
        Names, and what they are on all rows.
    samples
        What `resampled` drew.
    confidence
        Share of such intervals that hold the true value, as if the metric were normal.
    """
    import numpy as np

    found: dict[str, Range | None] = {}
    drawn = computed(stage, metrics, samples)
    for name, value in zip(metrics, values, strict=True):
        if name not in drawn:
            found[name] = None
            continue
        finite = drawn[name][np.isfinite(drawn[name])]
        if 2 * len(finite) < len(samples) or not np.isfinite(value):
            found[name] = None
            continue
        half = _quantile(confidence) * float(finite.std(ddof=1))
        found[name] = Range(value - half, value + half)
    return found
