"""The injector `set_missing`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import chosen, present, put, struck
from simlab.injectors._sizes import share as size_of_share
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "traffic"
LABELS = "keep"
COLUMN = "any"
PROBLEMS = ("binary", "regression")


def set_missing(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    share: Annotated[float, Field(gt=0, le=1)] = 0.3,
) -> pa.Table:
    """Lose a column's value in a share of the rows, completely at random.

    ``R ~ Bernoulli(share s)`` with the strength s, independent of everything (MCAR; Rubin 1976); the
    answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector.
    column
        Any column.
    share
        Share of the rows that lose the value at full strength.

    Raises
    ------
    LookupError
        There is no such column.
    """
    if strength == 0:
        return rows
    lost = struck(rows, mask, share * strength, rng)
    return put(rows, column, chosen(lost, None, present(rows, column)))


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    share: float = 0.3,
) -> Size:
    """Which share of the values that were there is lost."""
    there = mask & before[column].is_valid().to_numpy()
    lost = after[column].is_null().to_numpy()[there]
    return size_of_share(f"share of {column} lost", lost, share * strength)
