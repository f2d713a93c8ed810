"""The injector `miss_not_at_random`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simlab.injectors._columns import chosen, moments, numbers, present, put
from simlab.injectors._faults import chance_size, chances

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "traffic"
LABELS = "keep"
COLUMN = "numeric"
PROBLEMS = ("binary", "regression")


def miss_not_at_random(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    share: Annotated[float, Field(gt=0, le=1)] = 0.3,
    beta: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0,
    side: Literal["low", "high", "both"] = "high",
) -> pa.Table:
    """Lose a column's value more often where that value is high, low, or far from the mean.

    Missing not at random (MNAR; Rubin 1976): ``logit P(R = 1) = b0 + beta z`` with z the value itself
    in standard deviations from the baseline's mean (``-beta z`` for the side `low`, ``beta |z|`` for
    `both`), and b0 solved on the rows at hand so that the expected share is ``share s`` at strength s.
    What is left is no fair sample: with the side `high` its mean is too low. The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; one uniform draw per row is taken.
    column
        A numeric column.
    share
        Expected share of the touched values that is lost at full strength.
    beta
        How much the log odds of losing the value grow per standard deviation.
    side
        Which values are lost more often: `high`, `low`, or those far from the mean on `both` sides.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or it does not hold numbers.
    """
    if strength == 0:
        return rows
    slope, known = _slope(rows, reference, column, beta, side)
    among = mask & known
    lost = among & (rng.random(rows.num_rows) < chances(slope, among, share * strength))
    return put(rows, column, chosen(lost, None, present(rows, column)))


def _slope(
    rows: pa.Table, reference: Reference, column: str, beta: float, side: str
) -> tuple[np.ndarray, np.ndarray]:
    """What its value adds to the log odds of each row, and which rows have one."""
    import numpy as np

    x, missing = numbers(rows, column)
    mean, sigma = moments(reference, column)
    z = np.nan_to_num((x - mean) / sigma, nan=0.0) if sigma > 0 else np.zeros(len(x))
    if side == "both":
        z = np.abs(z)
    return z * (-beta if side == "low" else beta), ~missing


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    share: float = 0.3,
    beta: float = 1.0,
    side: Literal["low", "high", "both"] = "high",
) -> Size:
    """Share of the values that was lost; the error is that of rows with a chance of their own each."""
    slope, known = _slope(before, reference, column, beta, side)
    among = mask & known
    chance = chances(slope, among, share * strength)
    lost = after[column].is_null().to_numpy()
    return chance_size(f"share of {column} lost", share * strength, chance, lost, among)
