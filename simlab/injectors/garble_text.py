"""The injector `garble_text`."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simlab.injectors._columns import put, struck
from simlab.injectors._faults import differs, share_size, texts, translated

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "traffic"
LABELS = "keep"
COLUMN = "categorical"
PROBLEMS = ("binary", "regression")

ACCENTS = str.maketrans("aeiouAEIOU", "áéíóúÁÉÍÓÚ")

STYLES: Mapping[str, Callable[[str], str]] = {
    "mojibake": lambda word: word.encode().decode("latin-1"),
    "accents": lambda word: word.translate(ACCENTS),
    "plain": lambda word: "".join(
        c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c)
    ),
}


def garble_text(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    style: Literal["mojibake", "accents", "plain"] = "mojibake",
    share: Annotated[float, Field(gt=0, le=1)] = 1.0,
) -> pa.Table:
    """Send text in the wrong encoding, so that its letters are others.

    A schema fault (jenga BrokenCharacters): with probability ``share s`` at strength s a row's text
    is garbled. The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector.
    column
        A categorical column; missing values stay missing.
    style
        `mojibake` writes UTF-8 and reads Latin-1: ``Köln`` becomes ``KÃ¶ln``, and text without
        accents stays as it was; `accents` gives every plain vowel one: ``Bonn`` becomes ``Bónn``;
        `plain` loses them: ``Köln`` becomes ``Koln``.
    share
        Share of the rows that are struck at full strength.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or it does not hold text.
    """
    if strength == 0:
        return rows
    words = _garbled(texts(rows, column), style)
    garbled = struck(rows, mask, share * strength, rng)
    after, changed = translated(rows, column, garbled, words)
    return put(rows, column, after) if changed.any() else rows


def _garbled(values: pa.ChunkedArray, style: str) -> dict[str, str]:
    """Every word of a column in the style."""
    write = STYLES[style]
    return {word: write(word) for word in values.unique().to_pylist() if word is not None}


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    style: Literal["mojibake", "accents", "plain"] = "mojibake",
    share: float = 1.0,
) -> Size:
    """Share of the texts that were garbled, among those that the style changes."""
    words = {word for word, new in _garbled(texts(before, column), style).items() if word != new}
    old = texts(before, column)
    could = mask & _among(old, words)
    return share_size(f"share of {column} garbled", share * strength, differs(old, after[column]), could)


def _among(values: pa.ChunkedArray, words: set[str]) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    found: np.ndarray = pc.is_in(values, pa.array(sorted(words), pa.string())).to_numpy()
    return found
