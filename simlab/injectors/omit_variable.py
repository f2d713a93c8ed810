"""The injector `omit_variable`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simlab.injectors._columns import chosen, moments, numbers, present, put, put_numbers, struck
from simlab.reference import Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

SEAM = "traffic"
LABELS = "keep"
COLUMN = "any"
PROBLEMS = ("binary", "regression")


def omit_variable(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
) -> pa.Table:
    """Keep a variable from the model: the column says the same of everybody.

    Omitted variable bias: a share s of the rows, at strength s, carries the baseline's mean, or of a
    categorical column its most common value, where something is missing too (BiasOnDemand's `l_o`). What
    the variable explained is left to those it goes together with. Written `on: training` and once more on
    live rows, it is a variable nobody ever collected; on live rows alone it is one that is lost.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; one uniform draw per row is taken.
    column
        Any column. A numeric one holds doubles afterwards.

    Raises
    ------
    LookupError
        There is no such column, or no baseline to take its most common value from.
    """
    if strength == 0:
        return rows
    where = struck(rows, mask, strength, rng)
    said = _constant(rows, column, reference)
    if isinstance(said, float):
        _, missing = numbers(rows, column)
        values = _full(rows.num_rows, said)
        return put_numbers(rows, column, where, values, missing & ~where)
    return put(rows, column, chosen(where, said, present(rows, column)))


def _full(count: int, value: float) -> np.ndarray:
    import numpy as np

    return np.full(count, value)


def _constant(rows: pa.Table, column: str, reference: Reference) -> float | str | None:
    """What the column says of everybody: a number, or the most common value (the first by name of two)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = present(rows, column).type
    if column in reference.moments and not (pa.types.is_string(kind) or pa.types.is_dictionary(kind)):
        return float(moments(reference, column)[0])
    if reference.table is None:
        raise LookupError(f"there is no baseline to take the most common {column} from")
    counts = pc.value_counts(present(reference.table, column).cast(pa.string()).drop_null()).to_pylist()
    if not counts:
        return None
    return str(min(counts, key=lambda found: (-found["counts"], found["values"]))["values"])


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
) -> Size:
    """The share of rows that carry the one value: ``s``, and of the others those that did before."""
    import pyarrow.compute as pc

    what = f"share of rows in which {column} says nothing"
    said = _constant(before, column, reference)
    count = int(mask.sum())
    if not count or said is None:
        return Size(what, None, None)
    old, new = (
        float(pc.fill_null(pc.equal(table[column].cast(_plain(said)), said), False).to_numpy()[mask].mean())
        for table in (before, after)
    )
    error = math.sqrt(strength * (1 - strength) * (1 - old) / count)
    return Size(what, strength + (1 - strength) * old, new, error)


def _plain(said: float | str) -> pa.DataType:
    import pyarrow as pa

    return pa.float64() if isinstance(said, float) else pa.string()
