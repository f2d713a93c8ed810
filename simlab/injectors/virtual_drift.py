"""The injector `virtual_drift`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import moments, numbers
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "draw"
LABELS = "weights"
COLUMN = "numeric"
PROBLEMS = ("binary",)

LARGEST = 500.0
"""Largest distance between two exponents; the least weight is still a normal double."""

STEPS = 100
"""Most steps of Newton's way; a handful suffices."""


def virtual_drift(
    pool: pa.Table,
    strength: float,
    reference: Reference,
    *,
    column: str,
    by: Annotated[float, Field(allow_inf_nan=False)] = 1.0,
    margin: Annotated[float, Field(gt=0, lt=0.5)] = 0.25,
) -> np.ndarray:
    """Let others arrive where the answer is clear, so that the inputs drift and no error grows.

    Virtual drift (Gama et al. 2014): P(X) moves, the law and the errors of its best rule do not. Rows
    near the boundary, where ``|eta - 1/2| < margin``, weigh 1. On each of its clear sides, the sure yes
    and the sure no, a row weighs ``c exp(by s z(x) + m eta(x))`` with the strength s, where z is the
    distance from the baseline's mean in its standard deviations. Weights look at the row alone, so
    P(Y|X) is kept exactly; `c` and `m` are solved for each side so that two things are kept exactly
    (to rounding): how many rows lie on the side, and the mean of eta on it. With them the law's share
    of yes, and the false positives and false negatives of its best rule, stay what they were. What a
    model makes of it is near that where it has learned the clear rows.

    Parameters
    ----------
    pool
        The rows that may be drawn.
    strength
        In [0, 1]; at 0 every weight is 1.
    reference
        The undisturbed world; it is asked for its law.
    column
        The numeric column by which others arrive; a missing value counts as the mean.
    by
        The exponent per standard deviation; negative draws low values more often.
    margin
        How far from one half the law must be for a row to count as clear.

    Returns
    -------
    numpy.ndarray
        One weight above 0 per row of the pool; their mean is 1.

    Raises
    ------
    LookupError, TypeError
        There is no such column, it does not hold numbers, or the world has no law to ask.
    """
    import numpy as np

    weights = np.ones(pool.num_rows)
    if strength == 0:
        return weights
    mean, sigma = moments(reference, column)
    x, _ = numbers(pool, column)
    z = np.where(np.isfinite(x), (x - mean) / sigma, 0.0) if sigma > 0 else np.zeros(len(x))
    eta = reference.eta(pool)
    for side in (eta >= 0.5 + margin, eta <= 0.5 - margin):
        if side.any():
            weights[side] = _tilted(by * strength * z[side], eta[side].astype(float))
    return weights


def size(
    before: pa.Table,
    after: np.ndarray,
    mask: None,
    strength: float,
    reference: Reference,
    *,
    column: str,
    by: float = 1.0,
    margin: float = 0.25,
) -> Size:
    """How far the column's mean moves; how far has no closed form."""
    import numpy as np

    what = f"mean of {column}, in standard deviations"
    x, _ = numbers(before, column)
    sigma, there = moments(reference, column)[1], np.isfinite(x)
    if sigma == 0 or not there.any():
        return Size(what, None, None)
    gap = np.average(x[there], weights=after[there]) - x[there].mean()
    return Size(what, None, float(gap) / sigma)


def _tilted(exponent: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Weights of mean 1 in proportion to ``exp(exponent + m eta)``, with m such that eta keeps its mean."""
    import numpy as np

    wanted, spread = float(eta.mean()), float(eta.std())

    def weighed(m: float) -> np.ndarray:
        total = exponent + m * (eta - wanted)
        weights = np.exp(np.maximum(total - total.max(), -LARGEST))
        return np.asarray(weights / weights.mean())

    if spread < 1e-9:
        return weighed(0.0)
    # The weighted mean grows with m: Newton's steps, and halving where one would leave the bracket.
    m, low, high = 0.0, -np.inf, np.inf
    for _ in range(STEPS):
        weights = weighed(m)
        gap = float((weights * eta).mean()) - wanted
        if abs(gap) <= 1e-12:
            break
        low, high = (low, m) if gap > 0 else (m, high)
        slope = float((weights * (eta - wanted - gap) ** 2).mean())
        step = m - gap / slope if slope > 0 else np.nan
        if not low < step < high:
            step = (low + high) / 2 if np.isfinite(high - low) else 2 * m - np.sign(gap) / spread
        m = step
    return weights
