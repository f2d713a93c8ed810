"""The injector `miss_at_random`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simlab.injectors._columns import chosen, moments, numbers, present, put
from simlab.injectors._faults import chance_size, chances, valid

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "traffic"
LABELS = "keep"
COLUMN = "any"
ALSO = {"driver": "numeric"}
PROBLEMS = ("binary", "regression")
APART = ("column", "driver")


def miss_at_random(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    driver: str,
    share: Annotated[float, Field(gt=0, le=1)] = 0.3,
    beta: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0,
    side: Literal["low", "high"] = "high",
) -> pa.Table:
    """Lose a column's value more often where another column is high, or low.

    Missing at random (MAR; Rubin 1976, mice ampute): ``logit P(R = 1) = b0 + beta z`` with z the
    driver in standard deviations from the baseline's mean (``-beta z`` for the side `low`), and b0
    solved on the rows at hand so that the expected share is ``share s`` at strength s. Given the
    driver, whether a value is lost does not depend on the value. The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; one uniform draw per row is taken.
    column
        Any column, the one that loses values.
    driver
        A numeric column that decides where; where it is missing itself, it counts as the mean.
    share
        Expected share of the touched values that is lost at full strength.
    beta
        How much the log odds of losing the value grow per standard deviation of the driver.
    side
        Whether rows with a `high` or with a `low` driver lose the value more often.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or the driver does not hold numbers.
    """
    if strength == 0:
        return rows
    values = present(rows, column)
    among = mask & valid(rows, column)
    chance = chances(_slope(rows, reference, driver, beta, side), among, share * strength)
    lost = among & (rng.random(rows.num_rows) < chance)
    return put(rows, column, chosen(lost, None, values))


def _slope(rows: pa.Table, reference: Reference, driver: str, beta: float, side: str) -> np.ndarray:
    """What the driver adds to the log odds of each row."""
    import numpy as np

    x, _ = numbers(rows, driver)
    mean, sigma = moments(reference, driver)
    z = np.nan_to_num((x - mean) / sigma, nan=0.0) if sigma > 0 else np.zeros(len(x))
    return z * (beta if side == "high" else -beta)


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    driver: str,
    share: float = 0.3,
    beta: float = 1.0,
    side: Literal["low", "high"] = "high",
) -> Size:
    """Share of the values that was lost; the error is that of rows with a chance of their own each."""
    among = mask & valid(before, column)
    chance = chances(_slope(before, reference, driver, beta, side), among, share * strength)
    lost = ~valid(after, column)
    return chance_size(f"share of {column} lost", share * strength, chance, lost, among)
