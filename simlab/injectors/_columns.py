"""Reading and replacing a column of a window, for the injectors beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simlab.errors import did_you_mean

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference


def struck(rows: pa.Table, mask: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Which masked rows a change without a halfway strikes: each with probability `share`.

    One draw per row, masked or not.
    """
    chosen: np.ndarray = mask & (rng.random(rows.num_rows) < share)
    return chosen


def present(rows: pa.Table, column: str) -> pa.ChunkedArray:
    """A column by name.

    Raises
    ------
    LookupError
        The window has no such column; the message says the nearest right name.
    """
    if column not in rows.column_names:
        raise LookupError(f"no column called {column!r}{did_you_mean(column, rows.column_names)}")
    return rows[column]


def numbers(rows: pa.Table, column: str) -> tuple[np.ndarray, np.ndarray]:
    """A numeric column as doubles, and which of its values are missing.

    Raises
    ------
    LookupError
        There is no such column.
    TypeError
        It does not hold numbers.
    """
    import numpy as np
    import pyarrow as pa

    values = present(rows, column)
    kind = values.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
        raise TypeError(f"the column {column!r} holds {kind}, not numbers")
    missing = values.is_null().to_numpy()
    return values.cast(pa.float64()).fill_null(np.nan).to_numpy(), missing


def put_numbers(
    rows: pa.Table, column: str, where: np.ndarray, values: np.ndarray, missing: np.ndarray
) -> pa.Table:
    """The rows with a numeric column changed where asked; doubles from now on, missing stays missing."""
    import numpy as np
    import pyarrow as pa

    old, _ = numbers(rows, column)
    changed = pa.array(np.where(where, values, old), pa.float64(), mask=missing)
    return put(rows, column, changed)


def put(rows: pa.Table, column: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The rows with one column replaced in its place."""
    return rows.set_column(rows.schema.get_field_index(column), column, values)


def chosen(where: np.ndarray, new: Any, old: pa.ChunkedArray) -> pa.ChunkedArray:
    """`new` where asked, the old value elsewhere, in the old type."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(old.type):
        old = old.cast(old.type.value_type)
    return pc.if_else(pa.array(where), pa.scalar(new, old.type), old)


def moments(reference: Reference, column: str) -> tuple[float, float]:
    """Mean and standard deviation of a numeric column in the baseline.

    Raises
    ------
    LookupError
        The baseline has no such numeric column.
    """
    if column not in reference.moments:
        raise LookupError(
            f"the baseline has no numeric column called {column!r}{did_you_mean(column, reference.moments)}"
        )
    return reference.moments[column]


def baseline(reference: Reference, column: str) -> np.ndarray:
    """The finite values of a numeric column in the baseline rows, at least one.

    Raises
    ------
    LookupError
        The world has no baseline rows, or no value of the column is known in them.
    """
    import numpy as np

    if reference.table is None:
        raise LookupError("this world has no baseline rows, so nobody knows what is usual in them")
    values, _ = numbers(reference.table, column)
    known: np.ndarray = values[np.isfinite(values)]
    if not len(known):
        raise LookupError(f"the column {column!r} has no value in the baseline")
    return known
