"""Clarify's pre-training metrics: what the labels say of a group before any model does.

*a* is everyone but the facet's group, *d* the group. Each takes counts and answers for every table in
them; where a metric is undefined the answer is NaN. Natural logarithms throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from simlab.clarify.counts import Counts, demographic_disparity

if TYPE_CHECKING:
    import numpy as np


def ci(counts: Counts) -> np.ndarray:
    """Class Imbalance: ``(n_a - n_d) / (n_a + n_d)``, in [-1, 1]."""
    a, d = counts.rows
    found: np.ndarray = (a - d) / (a + d)
    return found


def dpl(counts: Counts) -> np.ndarray:
    """Difference in Positive Proportions in Labels: ``n_a1 / n_a - n_d1 / n_d``, in [-1, 1]."""
    a, d = counts.labels
    n_a, n_d = counts.rows
    found: np.ndarray = a[1] / n_a - d[1] / n_d
    return found


def _aligned(a: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares of the label values in each group, and which values both groups have (first axis)."""
    import numpy as np

    a, d = np.asarray(a, float), np.asarray(d, float)
    with np.errstate(invalid="ignore"):
        p, q = a / a.sum(axis=0), d / d.sum(axis=0)
    return p, q, (a > 0) & (d > 0)


def _summed(terms: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Sums over the values that both groups have; NaN where they have none in common."""
    import numpy as np

    return np.where(both.any(axis=0), np.where(both, terms, 0.0).sum(axis=0), np.nan)


def kullback_leibler(a: np.ndarray, d: np.ndarray) -> np.ndarray:
    """``sum_y P_a(y) ln(P_a(y) / P_d(y))`` over the label values that both groups have.

    Parameters
    ----------
    a, d
        Counts of each label value in the two groups, along the first axis; any number of values.

    >>> import numpy as np
    >>> round(float(kullback_leibler(np.array([3, 7]), np.array([5, 5]))), 6)
    0.082283
    """
    import numpy as np

    p, q, both = _aligned(a, d)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _summed(p * np.log(p / q), both)


def jensen_shannon(a: np.ndarray, d: np.ndarray) -> np.ndarray:
    """``(KL(P_a, P) + KL(P_d, P)) / 2`` with ``P = (P_a + P_d) / 2``, whatever the groups' sizes.

    Parameters
    ----------
    a, d
        As in `kullback_leibler`.
    """
    import numpy as np

    p, q, both = _aligned(a, d)
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = p * np.log(p / middle) + q * np.log(q / middle)
    return 0.5 * _summed(terms, both)


def norm(a: np.ndarray, d: np.ndarray, order: float) -> np.ndarray:
    """``(sum_y |P_a(y) - P_d(y)| ** order) ** (1 / order)`` over the label values both groups have.

    Parameters
    ----------
    a, d
        As in `kullback_leibler`.
    order
        1 or 2, or infinity for the largest difference.
    """
    import numpy as np

    p, q, both = _aligned(a, d)
    apart = np.where(both, np.abs(p - q), 0.0)
    if order == np.inf:
        return np.where(both.any(axis=0), apart.max(axis=0), np.nan)
    found: np.ndarray = _summed(apart**order, both) ** (1 / order)
    return found


def kl(counts: Counts) -> np.ndarray:
    """Kullback-Leibler divergence of the labels, in [0, inf)."""
    return kullback_leibler(*counts.labels)


def js(counts: Counts) -> np.ndarray:
    """Jensen-Shannon divergence of the labels, in [0, ln 2)."""
    return jensen_shannon(*counts.labels)


def lp(counts: Counts) -> np.ndarray:
    """Euclidean norm of the difference between the distributions of the labels, in [0, sqrt 2)."""
    a, d = counts.labels
    return norm(a, d, 2)


def tvd(counts: Counts) -> np.ndarray:
    """Total variation distance of the labels: half their L1 norm, in [0, 1)."""
    a, d = counts.labels
    return 0.5 * norm(a, d, 1)


def ks(counts: Counts) -> np.ndarray:
    """Greatest difference between the labels' shares, in [0, 1]."""
    import numpy as np

    a, d = counts.labels
    return norm(a, d, np.inf)


def cddl(counts: Counts) -> np.ndarray:
    """Conditional Demographic Disparity in Labels, over the values of the group variable."""
    return demographic_disparity(counts.cells.sum(axis=-1))


DESCRIPTIONS: Mapping[str, str] = {
    "CDDL": "Conditional Demographic Disparity in Labels (CDDL)",
    "CI": "Class Imbalance (CI)",
    "DPL": "Difference in Positive Proportions in Labels (DPL)",
    "JS": "Jensen-Shannon Divergence (JS)",
    "KL": "Kullback-Liebler Divergence (KL)",  # the service's own spelling
    "KS": "Kolmogorov-Smirnov Distance (KS)",
    "LP": "L-p Norm (LP)",
    "TVD": "Total Variation Distance (TVD)",
}
"""What `analysis.json` calls each of them, in its order."""

FORMULAS: Mapping[str, Callable[[Counts], np.ndarray]] = {
    "CDDL": cddl,
    "CI": ci,
    "DPL": dpl,
    "JS": js,
    "KL": kl,
    "KS": ks,
    "LP": lp,
    "TVD": tvd,
}
