"""The injector `reorder_columns`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simlab.injectors._columns import present, struck
from simlab.injectors._faults import Several, brought_back, differs, exchanged, share_size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "traffic"
LABELS = "keep"
COLUMN = None
ALSO = {"columns": "numeric"}
PROBLEMS = ("binary", "regression")
SCHEMA = "changes"


def reorder_columns(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    columns: Several,
    read_by: Literal["name", "position"] = "position",
) -> pa.Table:
    """Send columns in another order, with their names or without.

    A schema fault. Read by name it is harmless: the named columns change places, each with its values,
    as soon as one row is struck. Read by position, as a CSV file without a header is, the values of
    the struck rows travel under each other's names: every column gets what the one named before it
    held, and the first gets what the last held. The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; the share `strength` of the rows is struck.
    columns
        Two or more numeric columns, in the order in which their values move on.
    read_by
        `name`: columns move with their values; `position`: values move and the names stay. Where whole
        numbers and fractions mix, the columns hold doubles afterwards.

    Raises
    ------
    LookupError
        There is no such column.
    """
    if strength == 0:
        return rows
    for name in columns:
        present(rows, name)
    moved = struck(rows, mask, strength, rng)
    if not moved.any():
        return rows
    if read_by == "position":
        return exchanged(rows, columns, moved)
    return rows.select(_moved_on(rows.column_names, columns))


def _moved_on(names: list[str], columns: tuple[str, ...]) -> list[str]:
    """Names in an order in which each of some columns stands where the next of them stood."""
    before = dict(zip(columns[1:] + columns[:1], columns, strict=True))
    return [before.get(name, name) for name in names]


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    columns: Several,
    read_by: Literal["name", "position"] = "position",
) -> Size | None:
    """Share of the rows whose values moved, among those with values that are not all the same."""
    if read_by == "name":
        return None
    could = differs(before[columns[-1]], before[columns[0]])
    hit = differs(before[columns[0]], after[columns[0]])
    return share_size(f"share of rows with {columns[0]} from {columns[-1]}", strength, hit, mask & could)


def undo(
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    columns: Several,
    read_by: Literal["name", "position"] = "position",
) -> pa.Table:
    """The rows in their order, or with their values under their own names."""
    if strength == 0:
        return after
    moved = struck(after, mask, strength, rng)
    if not moved.any():
        return after
    if read_by == "position":
        return brought_back(after, columns, moved, reference)
    return after.select(_moved_on(after.column_names, columns[::-1]))
