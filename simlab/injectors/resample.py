"""The injector `resample`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import moments, numbers, present
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "draw"
LABELS = "weights"
COLUMN = "any"
PROBLEMS = ("binary", "regression")

LARGEST = 600.0
"""Largest exponent of a weight; sums of a million such weights are still finite doubles."""


def resample(
    pool: pa.Table,
    strength: float,
    reference: Reference,
    *,
    column: str,
    by: Annotated[float, Field(allow_inf_nan=False)],
    value: str | None = None,
) -> np.ndarray:
    """Draw rows with a high value (or a given category) more often; each row keeps its own answer.

    Covariate drift that keeps the real P(Y|X) exactly: weights ``w = exp(by s phi(x))`` with the
    strength s, where ``phi(x) = (x - mean) / sigma`` in units of the baseline, or ``phi(x) = 1[x = value]``
    (Shimodaira 2000). For a normal column the mean moves by `by` standard deviations at full strength.

    Parameters
    ----------
    pool
        The rows that may be drawn.
    strength
        In [0, 1]; at 0 every weight is 1.
    reference
        The undisturbed world.
    column
        A numeric column, or with `value` any column.
    by
        The exponent per standard deviation (or for the category); negative draws it less often.
    value
        The category to draw more often.

    Returns
    -------
    numpy.ndarray
        One weight above 0 per row of the pool, not normalised. A missing value weighs 1.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or it does not hold numbers.
    """
    import numpy as np

    if strength == 0:
        return np.ones(pool.num_rows)
    if value is not None:
        import pyarrow as pa
        import pyarrow.compute as pc

        same = pc.equal(present(pool, column).cast(pa.string()), value)
        phi = pc.fill_null(same, False).to_numpy().astype(float)
    else:
        mean, sigma = moments(reference, column)
        x, missing = numbers(pool, column)
        # A column without spread cannot be tilted.
        phi = np.where(missing | np.isnan(x), 0.0, (x - mean) / sigma) if sigma > 0 else np.zeros(len(x))
    exponent = by * strength * phi
    # Only ratios of weights matter, so a common factor may keep them finite.
    exponent -= max(0.0, float(exponent.max(initial=0.0)) - LARGEST)
    return np.asarray(np.exp(np.maximum(exponent, -LARGEST)))


def size(
    before: pa.Table,
    after: np.ndarray,
    mask: None,
    strength: float,
    reference: Reference,
    *,
    column: str,
    by: float,
    value: str | None = None,
) -> Size:
    """What the weights make of the pool: the category's share, or how far the column's mean moves.

    The mean of a column that is not normal has no closed form, and a draw that is restricted to some
    rows has another one.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if value is None:
        what = f"mean of {column}, in standard deviations"
        x, _ = numbers(before, column)
        sigma, there = moments(reference, column)[1], np.isfinite(x)
        if sigma == 0 or not there.any():
            return Size(what, None, None)
        gap = np.average(x[there], weights=after[there]) - x[there].mean()
        return Size(what, None, float(gap) / sigma)
    what = f"share of {column} that is {value}"
    same = pc.fill_null(pc.equal(before[column].cast(pa.string()), value), False).to_numpy()
    if not len(same):
        return Size(what, None, None)
    whole = all(len(np.unique(after[some])) <= 1 for some in (same, ~same))  # nobody was left out
    plain, odds = float(same.mean()), float(np.exp(min(by * strength, LARGEST)))
    declared = plain * odds / (1 - plain + plain * odds) if whole else None
    return Size(what, declared, float(after[same].sum() / after.sum()))
