"""From Arrow tables to the arrays that the model engines take.

One rule for the unknown, the same in training, in scoring and in the exported graphs: a null or
NaN number is NaN; a null category, a category not seen in training and the empty string are all
the same unknown category.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from simlab.artifacts import WEIGHT
from simlab.errors import SimlabError, did_you_mean

Matrix = NDArray[np.float64]

SMALL = 2_000
"""So many texts are sooner copied one by one than sorted into a dictionary, which costs less memory."""


def column(table: pa.Table, name: str) -> pa.ChunkedArray:
    """The named column, or an error that says which columns there are."""
    index = table.schema.get_field_index(name)
    if index < 0:
        raise SimlabError(f"the table has no column {name!r}{did_you_mean(name, table.column_names)}")
    return table.column(index)


def numbers(table: pa.Table, names: Sequence[str]) -> Matrix:
    """The named columns as doubles, one row each, NaN where unknown.

    Returns
    -------
    Array of shape [rows, len(names)], C order.

    Raises
    ------
    SimlabError
        A column is missing or does not hold numbers.
    """
    matrix = np.empty((table.num_rows, len(names)))
    for position, name in enumerate(names):
        values = column(table, name)
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            raise SimlabError(f"column {name!r} must hold numbers, and is {values.type}")
        try:
            doubles = pc.cast(values, pa.float64(), safe=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as cause:
            raise SimlabError(f"column {name!r} must hold numbers, and is {values.type}: {cause}") from cause
        matrix[:, position] = doubles.to_numpy()  # nulls become NaN
    return matrix


def _dictionary(values: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """Positions into a list of distinct texts; the last text, empty, stands for null."""
    if not pa.types.is_dictionary(values.type):
        if not pa.types.is_string(values.type):
            values = pc.cast(values, pa.string())
        values = values.dictionary_encode()
    whole = values.unify_dictionaries().combine_chunks()
    texts: list[str] = [text or "" for text in pc.cast(whole.dictionary, pa.string()).to_pylist()]
    positions = pc.fill_null(pc.cast(whole.indices, pa.int64()), len(texts)).to_numpy(zero_copy_only=False)
    return positions, [*texts, ""]


def weights(table: pa.Table) -> Matrix | None:
    """How much each row counts, one on average; None where all rows count alike.

    Returns
    -------
    Doubles of shape [rows].
    """
    if WEIGHT not in table.column_names:
        return None
    found: Matrix = table[WEIGHT].to_numpy().astype(np.float64)
    if not len(found) or (found == found[0]).all():
        return None
    shares: Matrix = found / found.mean()
    return shares


def words(table: pa.Table, names: Sequence[str]) -> NDArray[np.object_]:
    """The named columns as text, one row each, empty where unknown.

    Returns
    -------
    Array of Python strings of shape [rows, len(names)], C order.
    """
    matrix = np.empty((table.num_rows, len(names)), dtype=object)
    for position, name in enumerate(names if table.num_rows else ()):
        values = column(table, name)
        if table.num_rows <= SMALL and values.type == pa.string():
            matrix[:, position] = (pc.fill_null(values, "") if values.null_count else values).to_numpy()
            continue
        positions, texts = _dictionary(values)
        matrix[:, position] = np.array(texts, dtype=object)[positions]
    return matrix


def codes(table: pa.Table, categories: Mapping[str, Sequence[str]]) -> Matrix:
    """Each categorical column as the position of its value among the known ones, NaN where unknown.

    Parameters
    ----------
    categories
        Known values of each column, in code order.

    Returns
    -------
    Array of shape [rows, len(categories)], C order.
    """
    matrix = np.empty((table.num_rows, len(categories)))
    for position, (name, known) in enumerate(categories.items() if table.num_rows else ()):
        positions, texts = _dictionary(column(table, name))
        code = {text: float(at) for at, text in enumerate(known)}
        matrix[:, position] = np.array([code.get(text, np.nan) for text in texts])[positions]
    return matrix


def known(table: pa.Table, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The sorted values of each categorical column; the empty string counts as unknown."""
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        distinct = pc.unique(pc.cast(column(table, name), pa.string())).to_pylist()
        found[name] = tuple(sorted(value for value in distinct if value))
    return found


def part(table: pa.Table, split: str) -> pa.Table:
    """The rows of one split (train, valid or test) of a feature table."""
    return table.filter(pc.equal(pc.cast(column(table, "split"), pa.string()), split))


def truth(table: pa.Table, target: str) -> Matrix:
    """The target as doubles.

    Raises
    ------
    SimlabError
        A target is unknown: such a row cannot teach or judge anything.
    """
    values = numbers(table, [target])[:, 0]
    unknown = int(np.isnan(values).sum())
    if unknown:
        raise SimlabError(f"{unknown} of {len(values)} rows have no {target!r}, the target")
    return values


def probe(table: pa.Table, numeric: Sequence[str], categorical: Sequence[str], rows: int = 512) -> pa.Table:
    """Feature rows on which two implementations of one model must agree.

    The first rows of the table; then, as far as they do not hold them, one row per feature with
    that feature unknown, one with every feature unknown, one per categorical feature with a value
    never seen, and rows with zero and with extreme numbers.

    Returns
    -------
    Table of the numeric features (double) and the categorical ones (string), rows in that order.
    """
    some = table.slice(0, rows)
    columns: dict[str, list[Any]] = {name: numbers(some, [name])[:, 0].tolist() for name in numeric}
    columns |= {name: words(some, [name])[:, 0].tolist() for name in categorical}
    first = {name: values[0] if values else None for name, values in columns.items()}
    unseen = "\N{REPLACEMENT CHARACTER} never seen"
    extra = [first | {name: None} for name in columns]
    extra += [dict.fromkeys(columns)]
    extra += [first | {name: unseen} for name in categorical]
    extra += [first | dict.fromkeys(numeric, value) for value in (0.0, 1e12, -1e12)]
    for row in extra:
        for name, value in row.items():
            columns[name].append(value)
    arrays = {name: pa.array(columns[name], pa.float64(), from_pandas=True) for name in numeric}
    texts = {name: [value or None for value in columns[name]] for name in categorical}
    arrays |= {name: pa.array(values, pa.string()) for name, values in texts.items()}
    return pa.table(arrays)
