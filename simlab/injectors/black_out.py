"""The injector `black_out`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlab.injectors._columns import chosen, present, put, struck
from simlab.injectors._faults import Columns, share_size, valid

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "traffic"
LABELS = "keep"
COLUMN = None
ALSO = {"columns": "any"}
PROBLEMS = ("binary", "regression")


def black_out(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    columns: Columns,
) -> pa.Table:
    """Lose every column of one source at once, as when the source is down.

    Missing by block (badgers drops): the share `strength` of the rows loses the values of all the
    named columns together. The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; one uniform draw per row is taken, whatever the number of columns.
    columns
        The columns that the source fills.

    Raises
    ------
    LookupError
        There is no such column.
    """
    if strength == 0:
        return rows
    lost = struck(rows, mask, strength, rng)
    for name in columns:
        rows = put(rows, name, chosen(lost, None, present(rows, name)))
    return rows


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    columns: Columns,
) -> Size:
    """Share of the rows with any of the values that have none of them left."""
    import numpy as np

    some = np.any([valid(before, name) for name in columns], axis=0)
    none = ~np.any([valid(after, name) for name in columns], axis=0)
    return share_size(f"share of rows without {', '.join(columns)}", strength, none, mask & some)
