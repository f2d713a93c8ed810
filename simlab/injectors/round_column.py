"""The injector `round_column`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import numbers, put_numbers, struck
from simlab.injectors._faults import share_size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "traffic"
LABELS = "keep"
COLUMN = "numeric"
PROBLEMS = ("binary", "regression")


def round_column(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    digits: Annotated[int, Field(ge=-12, le=12)] = 0,
) -> pa.Table:
    """Send a numeric column with fewer digits, as from a coarser instrument.

    A measurement error: the share `strength` of the rows is rounded, a half to the even neighbour
    (IEEE 754). The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector.
    column
        A numeric column. It holds doubles afterwards; missing values stay missing.
    digits
        Digits kept behind the point: 1 makes 12.34 to 12.3, -1 makes it 10.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or it does not hold numbers.
    """
    if strength == 0:
        return rows
    x, missing = numbers(rows, column)
    return put_numbers(rows, column, struck(rows, mask, strength, rng), _rounded(x, digits), missing)


def _rounded(x: np.ndarray, digits: int) -> np.ndarray:
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        near = np.round(x, digits)
    # Scaling the largest doubles up overflows; they have no such digits to lose.
    found: np.ndarray = np.where(np.isfinite(near), near, x)
    return found


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    digits: int = 0,
) -> Size:
    """Share of the values with more digits that were rounded; each is with the chance `strength`."""
    x, missing = numbers(before, column)
    could = mask & ~missing & (x == x) & (_rounded(x, digits) != x)
    rounded = numbers(after, column)[0] != x
    return share_size(f"share of {column} that is rounded", strength, rounded, could)
