"""The injector `set_sentinel`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simlab.injectors._columns import numbers, present, put, struck
from simlab.injectors._faults import is_text, plain, share_size, valid

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "traffic"
LABELS = "keep"
COLUMN = "any"
PROBLEMS = ("binary", "regression")


def set_sentinel(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    value: Annotated[float, Field(allow_inf_nan=False)] | str = -999.0,
    instead_of: Literal["missing", "any"] = "any",
    share: Annotated[float, Field(gt=0, le=1)] = 0.3,
) -> pa.Table:
    """Write a sentinel such as -999 where nothing is known, in a share of the rows.

    Disguised missing values (jenga `na_value`): with probability ``share s`` at strength s the value
    is the sentinel, which looks like an answer and is none. The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector.
    column
        Any column.
    value
        The sentinel. A number in a numeric column stays a number, and the column holds doubles
        afterwards; text such as ``""`` makes text of all of it. In a categorical column a number is
        written as text.
    instead_of
        What it takes the place of: of values that are `missing` anyway, or of `any` value, so that
        the row's own is lost.
    share
        Share of those rows that are struck at full strength.

    Raises
    ------
    LookupError
        There is no such column.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if strength == 0:
        return rows
    old = plain(present(rows, column))
    hit = struck(rows, mask, share * strength, rng)
    if instead_of == "missing":
        hit &= ~valid(rows, column)
    if not hit.any():
        return rows
    if is_text(old) or isinstance(value, str):
        # Numbers keep the digits that any parser takes: only the sentinel is none of them.
        old, value = old.cast(pa.string()), _text(value)
    else:
        old = old.cast(pa.float64())
    return put(rows, column, pc.if_else(pa.array(hit), pa.scalar(value, old.type), old))


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    value: float | str = -999.0,
    instead_of: Literal["missing", "any"] = "any",
    share: float = 0.3,
) -> Size:
    """Share of the values that could become the sentinel and did."""
    could = mask & ~_is(before, column, value)
    if instead_of == "missing":
        could &= ~valid(before, column)
    return share_size(
        f"share of {column} set to {_text(value)!r}", share * strength, _is(after, column, value), could
    )


def _is(rows: pa.Table, column: str, value: float | str) -> np.ndarray:
    """Which rows hold the sentinel."""
    import pyarrow.compute as pc

    values = plain(rows[column])
    if is_text(values):
        found: np.ndarray = pc.fill_null(pc.equal(values, _text(value)), False).to_numpy()
        return found
    same: np.ndarray = valid(rows, column) & (numbers(rows, column)[0] == value)
    return same
