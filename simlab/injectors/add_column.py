"""The injector `add_column`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import struck
from simlab.injectors._faults import share_size, valid

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "traffic"
LABELS = "keep"
COLUMN = None
PROBLEMS = ("binary", "regression")
NEW = "name"


def add_column(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    name: Annotated[str, Field(min_length=1)],
    value: float | str | None = None,
) -> pa.Table:
    """Send a column that nobody declared.

    A schema fault: the share `strength` of the rows carries a further column, the other rows carry
    nothing there. The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; without `value` a normal number is drawn for every row as well.
    name
        Name of the column, which no column has yet.
    value
        What it holds in every row that carries it; standard normal noise when not given.

    Raises
    ------
    ValueError
        There is a column of that name already.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if strength == 0:
        return rows
    if name in rows.column_names:
        raise ValueError(f"cannot add {name!r}: there is a column of that name already")
    carried = struck(rows, mask, strength, rng)
    if value is None:
        held = pa.array(rng.standard_normal(rows.num_rows), pa.float64(), mask=~carried)
    else:
        kind = pa.string() if isinstance(value, str) else pa.float64()
        held = pc.if_else(pa.array(carried), pa.scalar(value, kind), pa.scalar(None, kind))
    if not carried.any():
        return rows  # no message had it, so nobody knows of it
    return rows.append_column(name, held)


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    name: str,
    value: float | str | None = None,
) -> Size:
    """Share of the rows that carry the column; each does with the chance `strength`."""
    return share_size(f"share of rows with {name}", strength, valid(after, name), mask)


def undo(
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    name: str,
    value: float | str | None = None,
) -> pa.Table:
    """The rows without the column."""
    return after.drop_columns([name]) if strength > 0 and name in after.column_names else after
