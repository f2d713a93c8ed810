"""What faults of schema and quality have in common: how often they struck, and a rate that is solved for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from simlab.injectors._columns import present, put
from simlab.reference import Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference


def _apart(columns: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise ValueError(f"the column {twice[0]!r} is named twice")
    return columns


Columns = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_apart)]
"""Names of one column or several, each of them once."""

Several = Annotated[tuple[str, ...], Field(min_length=2), AfterValidator(_apart)]
"""Names of two columns or more, each of them once."""


def share_size(what: str, declared: float, hit: np.ndarray, among: np.ndarray) -> Size:
    """The share of some rows that were hit, beside the share each of them is hit with.

    Parameters
    ----------
    what
        What the share is of.
    declared
        The chance of a hit, the same for every row.
    hit, among
        Which rows were hit, and which of them could be; shape (n,).
    """
    rows = int(among.sum())
    if not rows:
        return Size(what, declared, None)
    return Size(
        what, declared, measured=float(hit[among].mean()), error=(declared * (1 - declared) / rows) ** 0.5
    )


def valid(rows: pa.Table, column: str) -> np.ndarray:
    """Which rows carry a value of a column; none where the column is not there."""
    import numpy as np

    if column not in rows.column_names:
        return np.zeros(rows.num_rows, bool)
    found: np.ndarray = rows[column].is_valid().to_numpy()
    return found


def plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without an encoding: text is text, not numbers that stand for it."""
    import pyarrow as pa

    return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values


def is_text(values: pa.ChunkedArray) -> bool:
    """Whether a column holds text."""
    import pyarrow as pa

    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def texts(rows: pa.Table, column: str) -> pa.ChunkedArray:
    """A categorical column as plain text.

    Raises
    ------
    LookupError
        There is no such column.
    TypeError
        It does not hold text.
    """
    import pyarrow as pa

    values = present(rows, column)
    if not is_text(values):
        raise TypeError(f"the column {column!r} holds {values.type}, not categories")
    return values.cast(pa.string())


def translated(
    rows: pa.Table, column: str, where: np.ndarray, words: dict[str, str]
) -> tuple[pa.ChunkedArray, np.ndarray]:
    """A categorical column with some words replaced where asked, and which rows that changed.

    Each distinct value is looked up once, however many rows have it.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    values = texts(rows, column)
    known = pc.unique(values).drop_null()
    new = pa.array([words.get(word, word) for word in known.to_pylist()], pa.string())
    place = pc.index_in(values, value_set=known)
    after = pc.if_else(pa.array(where), pc.take(new, place), values)
    return after, differs(values, after)


def differs(before: pa.ChunkedArray, after: pa.ChunkedArray) -> np.ndarray:
    """Which of two columns' values are not the same; nothing equals nothing, and NaN equals NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    old, new = plain(before), plain(after)
    if old.type != new.type:
        number = pa.types.is_floating(old.type) or pa.types.is_integer(old.type)
        both = number and (pa.types.is_floating(new.type) or pa.types.is_integer(new.type))
        kind = pa.float64() if both else pa.string()
        old, new = old.cast(kind), new.cast(kind)
    same = pc.fill_null(pc.equal(old, new), False)
    same = pc.or_(same, pc.and_(pc.is_null(old), pc.is_null(new)))
    if pa.types.is_floating(old.type):
        same = pc.or_(same, pc.fill_null(pc.and_(pc.is_nan(old), pc.is_nan(new)), False))
    found: np.ndarray = ~same.to_numpy()
    return found


def exchanged(rows: pa.Table, names: tuple[str, ...], where: np.ndarray) -> pa.Table:
    """Rows whose values move one column on where asked, from the last of the columns to the first.

    Columns of one type keep it. Where numbers of several types mix all become doubles, and where
    numbers and text mix all become text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    values = [plain(present(rows, name)) for name in names]
    kinds = {column.type for column in values}
    if len(kinds) > 1:
        kind = pa.string() if any(is_text(column) for column in values) else pa.float64()
        values = [column.cast(kind) for column in values]
    moved = pa.array(where)
    for name, own, other in zip(names, values, [values[-1], *values[:-1]], strict=True):
        rows = put(rows, name, pc.if_else(moved, other, own))
    return rows


def brought_back(
    after: pa.Table, names: tuple[str, ...], where: np.ndarray, reference: Reference
) -> pa.Table:
    """The inverse of `exchanged`, with the types that the columns have in the baseline."""
    rows = exchanged(after, names[::-1], where)
    known = None if reference.table is None else reference.table.schema
    for name in names:
        if known is not None and name in known.names and rows[name].type != known.field(name).type:
            rows = put(rows, name, rows[name].cast(known.field(name).type))
    return rows


def chances(slope: np.ndarray, among: np.ndarray, share: float) -> np.ndarray:
    """The chance of each row, ``1 / (1 + exp(-(b0 + slope)))``, with b0 solved for a mean chance.

    Parameters
    ----------
    slope
        What is added to the log odds of each row; shape (n,).
    among
        Over which rows the mean is taken.
    share
        The mean chance, in [0, 1].
    """
    import numpy as np

    if share <= 0 or share >= 1 or not among.any():
        return np.full(len(slope), min(max(share, 0.0), 1.0))
    inside = slope[among]
    odds = np.log(share) - np.log1p(-share)
    # The mean chance grows with b0, and at these ends it lies on either side of the share.
    low, high = odds - inside.max(), odds - inside.min()
    start = odds - float(inside.mean())
    with np.errstate(over="ignore"):
        for _ in range(100):
            chance = 1 / (1 + np.exp(-(start + inside)))
            gap = float(chance.mean()) - share
            if abs(gap) <= 1e-14:
                break
            low, high = (low, start) if gap > 0 else (start, high)
            steep = float((chance * (1 - chance)).mean())
            step = start - gap / steep if steep > 0 else low
            step = step if low < step < high else (low + high) / 2
            if step == start or high - low <= 1e-15 * max(1.0, abs(start)):
                break
            start = step
        found: np.ndarray = 1 / (1 + np.exp(-(start + slope)))
    return found


def chance_size(what: str, share: float, chance: np.ndarray, hit: np.ndarray, among: np.ndarray) -> Size:
    """The share of some rows that were hit, where every row has a chance of its own."""
    rows = int(among.sum())
    if not rows:
        return Size(what, share, None)
    spread = float((chance[among] * (1 - chance[among])).sum()) ** 0.5 / rows
    return Size(what, share, measured=float(hit[among].mean()), error=spread)
