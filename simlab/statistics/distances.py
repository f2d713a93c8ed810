"""Distances between two samples: how far apart, not how surprising."""

from __future__ import annotations

from math import nan, sqrt
from typing import TYPE_CHECKING

from simlab.statistics.samples import Names, Numbers, Sample

if TYPE_CHECKING:
    import numpy as np

FEW = 20
"""A numeric baseline with at most as many distinct values is compared value by value, as Evidently does."""


def wasserstein(reference: Numbers, current: Numbers) -> float:
    """First Wasserstein distance in standard deviations of the reference (0.001 where that is less).

    ``integral |F_reference - F_current| dx`` over the steps of both distribution functions, as
    ``scipy.stats.wasserstein_distance``; equal values make one step, which leaves the integral as it is.
    """
    import numpy as np

    (left, below_left), (right, below_right) = reference.ranked, current.ranked
    # Where each distinct value goes in the two lists merged; of equal ones, the current's goes first.
    place = left.searchsorted(right) + np.arange(len(right))
    ours = np.ones(len(left) + len(right), bool)
    ours[place] = False
    merged = np.empty(len(ours))
    merged[ours], merged[place] = left, right
    upto_left = ours.cumsum()
    upto_right = np.arange(1, len(ours) + 1) - upto_left
    share_left = np.concatenate(([0], below_left)) / len(reference)
    share_right = np.concatenate(([0], below_right)) / len(current)
    gaps = np.abs(share_left[upto_left[:-1]] - share_right[upto_right[:-1]])
    # NumPy's own standard deviation is the square root of this variance.
    return float(gaps @ np.diff(merged)) / max(sqrt(reference.variance), 0.001)


def jensenshannon(reference: Sample, current: Sample) -> float:
    """Jensen-Shannon distance of the binned shares, natural logarithm, as ``scipy.spatial.distance``."""
    from scipy.special import rel_entr

    before, now = _shares(reference, current)
    p, q = before / before.sum(), now / now.sum()
    middle = (p + q) / 2.0
    divergence = float(rel_entr(p, middle).sum() + rel_entr(q, middle).sum()) / 2.0
    return sqrt(divergence) if divergence >= 0 else nan  # below zero by rounding: SciPy's root is NaN


def psi(reference: Sample, current: Sample) -> float:
    """Population stability index of the binned shares; an empty bin counts as 0.0001 or less."""
    import numpy as np

    before, now = map(_filled, _shares(reference, current))
    return float(np.sum((before - now) * np.log(before / now)))


def kl_div(reference: Sample, current: Sample) -> float:
    """Kullback-Leibler divergence of the current sample from the reference, as ``scipy.stats.entropy``."""
    from scipy.special import rel_entr

    before, now = map(_filled, _shares(reference, current))
    return float(rel_entr(before / before.sum(), now / now.sum()).sum())


def hellinger(reference: Sample, current: Sample) -> float:
    """Hellinger distance ``sqrt(1 - sum sqrt(p q))`` of the binned shares."""
    import numpy as np

    if isinstance(reference, Names) and isinstance(current, Names):
        before, now = counts_by_name(reference, current)
        overlap = np.sqrt(before / len(reference) * (now / len(current)))
    else:
        assert isinstance(reference, Numbers) and isinstance(current, Numbers)
        # Evidently's bins are those of the distinct values, each once.
        edges = _edges(reference, current, _union(reference, current))
        width = np.diff(edges)
        before, now = (_histogram(each, edges) for each in (reference, current))
        dense = before / width / before.sum(), now / width / now.sum()
        overlap = np.sqrt(dense[0] * dense[1]) * ((edges[-1] - edges[0]) / (len(edges) - 1))
    # One after the other: near 1 the square root of what is missing shows the last digit of the sum.
    total = np.cumsum(overlap)[-1]
    return float(np.sqrt(1 - np.clip(total, 0, 1)))


def counts_by_name(reference: Names, current: Names) -> tuple[np.ndarray, np.ndarray]:
    """How often each name of either sample occurs in the one and in the other, in the order of names."""
    import numpy as np

    names, before = reference.ordered
    here = current.counts
    if here.keys() <= reference.counts.keys():
        return before, np.array([here.get(name, 0) for name in names], float)
    names = tuple(sorted({*names, *here}, key=str))
    known = reference.counts
    return (
        np.array([known.get(name, 0) for name in names], float),
        np.array([here.get(name, 0) for name in names], float),
    )


def _shares(reference: Sample, current: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Shares of both samples by name, by value where there are few, else by bin of Sturges' width."""
    if isinstance(reference, Names) and isinstance(current, Names):
        before, now = counts_by_name(reference, current)
    else:
        assert isinstance(reference, Numbers) and isinstance(current, Numbers)
        if len(reference.distinct) > FEW:
            edges = _edges(reference, current, len(reference) + len(current))
            before, now = _histogram(reference, edges), _histogram(current, edges)
        else:
            before, now = _by_value(reference, current)
    return before / len(reference), now / len(current)


def _by_value(reference: Numbers, current: Numbers) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    values = np.unique(np.concatenate([reference.distinct, current.distinct]))
    before, now = np.zeros(len(values)), np.zeros(len(values))
    before[values.searchsorted(reference.distinct)] = reference.counts
    now[values.searchsorted(current.distinct)] = current.counts
    return before, now


def _union(reference: Numbers, current: Numbers) -> int:
    """How many distinct values the two samples have together."""
    left, right = reference.distinct, current.distinct
    place = left.searchsorted(right).clip(max=len(left) - 1)
    return len(left) + len(right) - int((left[place] == right).sum())


def _edges(reference: Numbers, current: Numbers, rows: int) -> np.ndarray:
    """Edges as ``numpy.histogram_bin_edges(both, "sturges")`` draws them for so many rows."""
    import numpy as np

    first = min(reference.sorted[0], current.sorted[0])
    last = max(reference.sorted[-1], current.sorted[-1])
    width = (last - first) / (np.log2(rows) + 1.0)
    bins = 1
    if first == last:
        first, last = first - 0.5, last + 0.5
    if width:
        bins = int(np.ceil((last - first) / width))
    edges: np.ndarray = np.linspace(first, last, bins + 1)
    return edges


def _histogram(values: Numbers, edges: np.ndarray) -> np.ndarray:
    """How many values fall in each bin; the last one holds its right edge."""
    import numpy as np

    below = values.sorted.searchsorted(edges, "left")
    below[-1] = values.sorted.searchsorted(edges[-1], "right")
    found: np.ndarray = np.diff(below)
    return found


def _filled(shares: np.ndarray) -> np.ndarray:
    """Shares with something in the place of zero: 0.0001, or a millionth of the least share below that."""
    import numpy as np

    least = shares[shares != 0].min()
    found: np.ndarray = np.where(shares == 0, least / 10**6 if least <= 0.0001 else 0.0001, shares)
    return found
