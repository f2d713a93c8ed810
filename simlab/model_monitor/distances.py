"""Model Monitor's distances between a baseline and a window: L-infinity, simple and robust, and chi-square.

The formulas are those of Deequ's `com.amazon.deequ.analyzers.Distance`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, nan, sqrt

from simlab.model_monitor.sketch import Sketch

ALPHA = 1.8
"""c(α) of the sample-size correction; Deequ's default, which belongs to α = 0.003."""

FEW_EXPECTED, FEW_SHARE, FEW_OF_TWO = 5, 0.2, 10
"""At most a fifth of more than two categories may expect fewer than 5 rows (Yates); of two none may
expect fewer than 10 (Cochran)."""


def robust(simple: float, n: float, m: float, c: float = ALPHA) -> float:
    """A distance less what two samples of the same law may differ by: ``simple - c sqrt((n+m)/(nm))``.

    Never below zero, which is also the distance where a sample has no rows.

    Parameters
    ----------
    simple
        The distance as it was measured.
    n, m
        Values in the two samples.
    c
        c(α).

    >>> round(robust(0.25, 1000, 1000), 4), robust(0.25, 100, 100)
    (0.1695, 0.0)
    """
    return max(0.0, simple - c * sqrt((n + m) / (n * m))) if n and m else 0.0


def numeric(baseline: Sketch, current: Sketch) -> float:
    """L-infinity distance of two distribution functions: the two-sample Kolmogorov-Smirnov statistic.

    The largest gap between the two over every value that either sketch holds; NaN where one is empty.

    >>> import numpy as np
    >>> numeric(Sketch.of(np.array([1.0, 2.0, 3.0, 4.0])), Sketch.of(np.array([1.0, 2.0])))
    0.5
    """
    import numpy as np

    if not baseline.count or not current.count:
        return nan
    at = np.concatenate((baseline.ranked[0], current.ranked[0]))
    return float(np.abs(baseline.cdf(at) - current.cdf(at)).max())


def at_edges(edges: Sequence[float], counts: Sequence[float], current: Sketch) -> float:
    """The same gap where a file holds buckets and no sketch: at the edges between them alone.

    A lower bound of `numeric`; NaN where either side is empty. A bucket holds its lower edge and not its
    upper one, the last one holds both.

    Parameters
    ----------
    edges
        One more than there are buckets.
    counts
        Values in each bucket.

    >>> import numpy as np
    >>> at_edges([0.0, 1.0, 2.0], [3, 1], Sketch.of(np.array([0.5, 1.0, 1.5, 2.0])))
    0.5
    """
    import numpy as np

    total = float(sum(counts))
    if not total or not current.count:
        return nan
    before = np.append(0.0, np.cumsum(np.asarray(counts, float)) / total)
    below = np.asarray(edges, float)
    now = current.cdf(np.nextafter(below, -inf))
    now[-1] = current.cdf(below[-1:])[0]
    return float(np.abs(before - now).max())


def categorical(baseline: Mapping[str, float], current: Mapping[str, float]) -> float:
    """L-infinity distance of two sets of shares: the largest difference of any category's share.

    NaN where one side has no rows.

    >>> categorical({"a": 3, "b": 1}, {"a": 1, "c": 1})
    0.5
    """
    n, m = sum(baseline.values()), sum(current.values())
    if not n or not m:
        return nan
    names = baseline.keys() | current.keys()
    return max(abs(baseline.get(name, 0) / n - current.get(name, 0) / m) for name in names)


def chi_square(baseline: Mapping[str, float], current: Mapping[str, float]) -> float:
    """Chi-square test of the window's counts against the baseline's shares; the p-value.

    As in Deequ, a category that the baseline does not know counts nowhere, and the rarest category is
    added to the next rarest until the expected counts are large enough for the test. NaN where fewer
    than two categories remain, which cannot be tested. The baseline's shares are taken as certain: where
    it has no more rows than the window, p-values are too small.

    >>> round(chi_square({"a": 500, "b": 500}, {"a": 60, "b": 40}), 4)
    0.0455
    """
    import numpy as np
    from scipy.special import chdtrc

    rows = float(sum(n for name, n in current.items() if name in baseline))
    total = float(sum(baseline.values()))
    if not rows or not total:
        return nan
    pairs = sorted((n / total * rows, name, float(current.get(name, 0))) for name, n in baseline.items())
    while len(pairs) >= 2 and _too_few([expected for expected, _, _ in pairs]):
        (least, _, seen), (next_least, name, next_seen) = pairs[:2]
        pairs = sorted([(least + next_least, name, seen + next_seen), *pairs[2:]])
    if len(pairs) < 2:
        return nan
    expected, observed = (np.array([pair[i] for pair in pairs]) for i in (0, 2))
    if (expected == 0).any():  # a category whose bucket in the file counts none
        return nan
    return float(chdtrc(len(pairs) - 1, ((observed - expected) ** 2 / expected).sum()))


def _too_few(expected: Sequence[float]) -> bool:
    """Whether too many categories expect too few rows for the test."""
    least, allowed = (FEW_EXPECTED, int(FEW_SHARE * len(expected))) if len(expected) > 2 else (FEW_OF_TWO, 0)
    return sum(n < least for n in expected) > allowed
