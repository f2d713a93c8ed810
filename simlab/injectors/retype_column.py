"""The injector `retype_column`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simlab.injectors._columns import numbers, present, put, struck
from simlab.injectors._sizes import share as size_of_share
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "traffic"
LABELS = "keep"
COLUMN = "numeric"
PROBLEMS = ("binary", "regression")

Style = Literal["comma", "text", "currency", "unit"]


def retype_column(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    style: Style = "comma",
) -> pa.Table:
    """Send numbers as text that a parser for numbers does not take.

    A schema fault (jenga BrokenCharacters): in the share `strength` of the rows the value becomes
    text in the given style. A column of a table has one type, so the other rows' numbers become
    text as well, plain digits that any parser takes. The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector.
    column
        A numeric column. It holds text afterwards; missing values stay missing.
    style
        `comma` writes 40.0 as ``40,0``, `text` as ``'40.0'`` with its quotes, `currency` as
        ``$40.00``, `unit` as ``40.0 units``.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or it does not hold numbers.
    """
    import numpy as np
    import pyarrow as pa

    if strength == 0:
        return rows
    values, missing = numbers(rows, column)
    hurt = struck(rows, mask, strength, rng) & ~missing
    if not hurt.any():
        return rows
    styled = _styled(values[hurt], style)
    if hurt.all():
        return put(rows, column, styled)
    texts = _plain(present(rows, column))
    # Each row takes its text from the plain ones or, where hurt, from the styled ones behind them.
    place = np.arange(len(hurt))
    place[hurt] = len(hurt) + np.arange(len(styled))
    return put(rows, column, pa.concat_arrays([texts, styled]).take(pa.array(place)))


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    style: Style = "comma",
) -> Size:
    """Which share of the numbers that can be written in this style is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    some = pa.array(mask & before[column].is_valid().to_numpy())
    there, sent = before.select([column]).filter(some), after[column].filter(some)
    styled, plain = _styled(numbers(there, column)[0], style), _plain(there[column])
    telling = pc.not_equal(styled, plain)
    found = pc.equal(sent, styled).filter(telling).to_numpy()
    return size_of_share(f"share of {column} written as {style}", found, strength)


def _plain(values: pa.ChunkedArray) -> pa.Array:
    """Numbers as the digits of a sender who is well; whole numbers keep their form: 40, not 40.0."""
    import pyarrow as pa

    if pa.types.is_floating(values.type):
        return _digits(_one(values.cast(pa.float64())))
    return _one(values.cast(pa.string()))


def _styled(values: np.ndarray, style: Style) -> pa.Array:
    """Numbers, none missing, as text in a style."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if style == "currency":
        texts = pa.array(np.char.mod("$%.2f", values), pa.string())
        while pc.any(pc.match_substring_regex(texts, r"\d{4}[,.]")).as_py():
            texts = pc.replace_substring_regex(texts, r"(\d)(\d{3}[,.])", r"\1,\2", max_replacements=1)
        return texts
    digits = _digits(pa.array(values))
    if style == "comma":
        return pc.replace_substring(digits, ".", ",")
    quote, end = ("'", "'") if style == "text" else ("", " units")
    return pc.binary_join_element_wise(quote, digits, end, "")


def _digits(values: pa.Array) -> pa.Array:
    """The shortest digits that tell a double from every other, as Python writes them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = values.cast(pa.string())
    x = values.fill_null(0.5).to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore"):
        whole = (x == np.floor(x)) & np.isfinite(x)
    texts = pc.if_else(pa.array(whole), pc.binary_join_element_wise(texts, ".0", ""), texts)
    # Where very large or small, Arrow turns to another notation than Python does.
    other = np.isfinite(x) & ((np.abs(x) >= 1e9) | (np.abs(x) < 1e-3)) & (x != 0)
    if other.any():
        texts = pc.replace_with_mask(texts, pa.array(other), pa.array(x[other].astype(str), pa.string()))
    return texts


def _one(values: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    joined = values.combine_chunks()
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined
