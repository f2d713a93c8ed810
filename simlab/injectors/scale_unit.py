"""The injector `scale_unit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import numbers, put_numbers, struck
from simlab.injectors._sizes import share as size_of_share
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "traffic"
LABELS = "keep"
COLUMN = "numeric"
PROBLEMS = ("binary", "regression")


def scale_unit(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    factor: Annotated[float, Field(allow_inf_nan=False)] = 100.0,
) -> pa.Table:
    """Send a numeric column in another unit: cents for dollars, minutes for hours.

    A measurement error: ``factor x`` in the share `strength` of the rows, and the answers stay (jenga
    Scaling).

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector.
    column
        A numeric column. It holds doubles afterwards; missing values stay missing.
    factor
        What the values are multiplied by.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or it does not hold numbers.
    """
    if strength == 0:
        return rows
    x, missing = numbers(rows, column)
    return put_numbers(rows, column, struck(rows, mask, strength, rng), x * factor, missing)


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    factor: float = 100.0,
) -> Size:
    """In how many of the rows whose value a change of unit can be seen in it was changed."""
    import numpy as np

    old, new = numbers(before, column)[0][mask], numbers(after, column)[0][mask]
    seen = np.isfinite(old) & (old * factor != old)
    return size_of_share(f"share of {column} times {factor:g}", (new == old * factor)[seen], strength)
