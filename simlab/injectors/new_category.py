"""The injector `new_category`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlab.injectors._columns import chosen, present, put, struck
from simlab.injectors._sizes import share as size_of_share
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "traffic"
LABELS = "ask"
COLUMN = "categorical"
PROBLEMS = ("binary", "regression")


def new_category(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    value: str,
) -> pa.Table:
    """Put one category, known or never seen, in a share of the rows.

    Covariate drift in support: the share `strength` of the rows has `value`, and the world answers
    anew for them (jenga CategoricalShift).

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector.
    column
        A categorical column.
    value
        The category.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or it does not hold text.
    """
    import pyarrow as pa

    if strength == 0:
        return rows
    old = present(rows, column)
    kind = old.type.value_type if pa.types.is_dictionary(old.type) else old.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise TypeError(f"the column {column!r} holds {kind}, not categories")
    return put(rows, column, chosen(struck(rows, mask, strength, rng), value, old))


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    value: str,
) -> Size:
    """Which share of the rows has the category, those that had it anyway among them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    old, new = (
        pc.fill_null(pc.equal(rows[column].cast(pa.string()), value), False).to_numpy()[mask]
        for rows in (before, after)
    )
    return size_of_share(f"share of {column} that is {value}", new, strength, old)
