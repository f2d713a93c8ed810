"""The injector `recode_category`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simlab.injectors._columns import present, put, struck
from simlab.injectors._faults import differs, share_size, texts, translated

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "traffic"
LABELS = "keep"
COLUMN = "categorical"
PROBLEMS = ("binary", "regression")


def recode_category(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    style: Literal["number", "case", "shift"] = "number",
    share: Annotated[float, Field(gt=0, le=1)] = 1.0,
) -> pa.Table:
    """Send a category by another code than the one agreed on.

    A schema fault: with probability ``share s`` at strength s a category is written in another code
    list. The baseline's categories, in alphabetical order, make the lists; a category it does not
    know stays. The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector.
    column
        A categorical column; missing values stay missing.
    style
        `number` writes the category's place in the list, from 0; `case` writes upper case for lower
        and lower for upper; `shift` writes the next category of the list (the last becomes the
        first), which no check of the domain can see.
    share
        Share of the rows that are struck at full strength.

    Raises
    ------
    LookupError, TypeError
        There is no such column, it does not hold text, or the baseline is unknown.
    """
    if strength == 0:
        return rows
    present(rows, column)
    words = _codes(reference, column, style)
    recoded = struck(rows, mask, share * strength, rng)
    after, changed = translated(rows, column, recoded, words)
    return put(rows, column, after) if changed.any() else rows


def _codes(reference: Reference, column: str, style: str) -> dict[str, str]:
    """The new code of every category of the baseline."""
    if reference.table is None:
        raise LookupError(f"nobody knows the categories of {column!r}: this world has no baseline")
    known = sorted(word for word in texts(reference.table, column).unique().to_pylist() if word is not None)
    if style == "number":
        return {word: str(place) for place, word in enumerate(known)}
    if style == "case":
        return {word: word.swapcase() for word in known}
    return dict(zip(known, known[1:] + known[:1], strict=True))


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    style: Literal["number", "case", "shift"] = "number",
    share: float = 1.0,
) -> Size:
    """Share of the known categories that were sent by another code."""
    import pyarrow as pa
    import pyarrow.compute as pc

    words = sorted(word for word, new in _codes(reference, column, style).items() if word != new)
    old = texts(before, column)
    could = mask & pc.is_in(old, pa.array(words, pa.string())).to_numpy()
    return share_size(f"share of {column} recoded", share * strength, differs(old, after[column]), could)
