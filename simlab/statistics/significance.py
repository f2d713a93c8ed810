"""Tests of two samples: the p-value of there being no difference."""

from __future__ import annotations

import warnings

from simlab.statistics.distances import counts_by_name
from simlab.statistics.samples import Names, Numbers, tied


def ks(reference: Numbers, current: Numbers) -> float:
    """Kolmogorov-Smirnov test of two samples, two-sided, as ``scipy.stats.ks_2samp``."""
    from scipy.stats import ks_2samp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an exact value it could not find SciPy gives the asymptotic one
        return float(ks_2samp(reference.sorted, current.sorted).pvalue)


def anderson(reference: Numbers, current: Numbers) -> float:
    """Anderson-Darling test of two samples, as ``scipy.stats.anderson_ksamp``; in [0.001, 0.25]."""
    from scipy.stats import anderson_ksamp

    if len(reference) + len(current) < 3:
        return float("nan")
    ends = (reference.sorted[0], reference.sorted[-1], current.sorted[0], current.sorted[-1])
    if min(ends) == max(ends):
        return float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it caps p-values
        return float(anderson_ksamp([reference.sorted, current.sorted]).pvalue)


def mannw(reference: Numbers, current: Numbers) -> float:
    """Mann-Whitney U test, alternative ``less``, as ``scipy.stats.mannwhitneyu``.

    ``z = (U - n m / 2 - 1/2) / sqrt(n m / 12 (n + m + 1 - sum(t^3 - t) / ((n + m)(n + m - 1))))`` with
    the numbers t of equal values; the exact distribution where a sample has at most 8 values and no
    two are equal.
    """
    import numpy as np
    from scipy.special import ndtr

    n, m = len(reference), len(current)
    left, right = reference.distinct, current.distinct
    place = left.searchsorted(right)
    inside = place.clip(max=len(left) - 1)
    same = left[inside] == right
    shared = np.where(same, reference.counts[inside], 0).astype(float)
    if min(n, m) <= 8 and len(left) == n and len(right) == m and not same.any():
        from scipy.stats import mannwhitneyu

        return float(mannwhitneyu(reference.sorted, current.sorted, alternative="less").pvalue)
    below = np.concatenate(([0], reference.ranked[1]))[place]
    u = float((current.counts * (below + shared / 2)).sum())
    # A value in both samples is tied with its like in the other one as well.
    ties = reference.ties - tied(shared) + tied(shared + current.counts)
    rows = n + m
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(n * m / 12 * ((rows + 1) - ties / (rows * (rows - 1))))
        return float(np.clip(ndtr(-((u - n * m / 2 - 0.5) / spread)), 0.0, 1.0))


def t_test(reference: Numbers, current: Numbers) -> float:
    """Student's t test of two means with one variance, two-sided, as ``scipy.stats.ttest_ind``."""
    import numpy as np
    from scipy.special import stdtr

    n, m = len(reference), len(current)
    degrees = n + m - 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        # Of one value alone the variance is zero, and so is its part of the common one.
        samples = ((n, reference), (m, current))
        parts = [(k - 1) * (each.variance * np.divide(k, k - 1)) for k, each in samples if k > 1]
        common = np.float64(sum(parts)) / degrees
        t = (reference.mean - current.mean) / np.sqrt(common * (1.0 / n + 1.0 / m))
        return float(2 * stdtr(degrees, -np.abs(t)))


def chisquare(reference: Names, current: Names) -> float:
    """Chi-square test of the current counts against the reference's shares, as ``scipy.stats.chisquare``."""
    import numpy as np
    from scipy.special import chdtrc

    before, now = counts_by_name(reference, current)
    expected = before * (len(current) / len(reference))
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(chdtrc(len(expected) - 1, ((now - expected) ** 2 / expected).sum()))


def z(reference: Names, current: Names) -> float:
    """Z test of the share of all names but the first, two-sided."""
    import numpy as np
    from scipy.special import ndtr

    before, now = counts_by_name(reference, current)
    if len(before) == 1:
        return 1.0
    n, m = len(reference), len(current)
    p, q = (n - before[0]) / n, (m - now[0]) / m
    common = (p * n + q * m) / (n + m)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = (p - q) / np.sqrt(common * (1 - common) * (1.0 / n + 1.0 / m))
    return float(2 * (1 - ndtr(np.abs(size))))
