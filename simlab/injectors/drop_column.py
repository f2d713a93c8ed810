"""The injector `drop_column`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlab.injectors._columns import chosen, present, put, struck
from simlab.injectors._faults import share_size, valid

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "traffic"
LABELS = "keep"
COLUMN = "any"
PROBLEMS = ("binary", "regression")
SCHEMA = "changes"


def drop_column(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
) -> pa.Table:
    """Stop sending a column.

    A schema fault: the share `strength` of the rows comes without the column. Rows of a window share
    a header, so the column is there, and empty in those rows, as long as any row sends it; where no
    row does, it is absent. The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector.
    column
        Any column.

    Raises
    ------
    LookupError
        There is no such column.
    """
    if strength == 0:
        return rows
    values = present(rows, column)
    dropped = struck(rows, mask, strength, rng)
    if not dropped.any():
        return rows
    if dropped.all():
        return rows.drop_columns([column])
    return put(rows, column, chosen(dropped, None, values))


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
) -> Size:
    """Share of the values that were not sent; each is dropped with the chance `strength`."""
    return share_size(
        f"share of {column} not sent", strength, ~valid(after, column), mask & valid(before, column)
    )
