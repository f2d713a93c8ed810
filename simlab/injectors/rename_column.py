"""The injector `rename_column`."""

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
NEW = "to"
PROBLEMS = ("binary", "regression")


def rename_column(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    to: Annotated[str, Field(min_length=1)],
) -> pa.Table:
    """Send a column under another name.

    A schema fault: the share `strength` of the rows carries the value under `to` and nothing under
    `column`; the other rows carry nothing under `to`. The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector.
    column
        Any column.
    to
        Its new name, which no column has yet.

    Raises
    ------
    LookupError
        There is no such column.
    ValueError
        There is a column of the new name already.
    """
    if strength == 0:
        return rows
    values = present(rows, column)
    if to in rows.column_names:
        raise ValueError(f"cannot rename {column!r} to {to!r}: there is a column of that name already")
    renamed = struck(rows, mask, strength, rng)
    if not renamed.any():
        return rows  # no message said the new name, so nobody knows of it
    without = put(rows, column, chosen(renamed, None, values))
    return without.append_column(to, chosen(~renamed, None, values))


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    to: str,
) -> Size:
    """Which share of the values came under the new name, and not under the old one."""
    there = mask & before[column].is_valid().to_numpy()
    renamed = after[to].is_valid().to_numpy() & after[column].is_null().to_numpy()
    return size_of_share(f"share of {column} sent as {to}", renamed[there], strength)


def undo(
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    to: str,
) -> pa.Table:
    """Every value under the old name again."""
    import pyarrow.compute as pc

    if to not in after.column_names:
        return after
    return put(after, column, pc.coalesce(after[column], after[to])).drop_columns([to])
