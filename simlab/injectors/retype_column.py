"""The injector `retype_column`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from simlab.injectors._columns import numbers, present, put, struck

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

SEAM = "traffic"
LABELS = "keep"
COLUMN = "numeric"
PROBLEMS = ("binary", "regression")

STYLES: Mapping[str, Callable[[float], str]] = {
    "comma": lambda x: repr(x).replace(".", ","),
    "text": lambda x: f"'{x!r}'",
    "currency": lambda x: f"${x:,.2f}",
    "unit": lambda x: f"{x!r} units",
}


def retype_column(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    style: Literal["comma", "text", "currency", "unit"] = "comma",
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
    import pyarrow as pa

    if strength == 0:
        return rows
    values, missing = numbers(rows, column)
    hurt = struck(rows, mask, strength, rng) & ~missing
    if not hurt.any():
        return rows
    write = STYLES[style]
    # Whole numbers keep their form: a sender who is well writes 40, not 40.0.
    plain = [None if x is None else repr(x) for x in present(rows, column).to_pylist()]
    texts = [write(float(x)) if bad else text for x, bad, text in zip(values, hurt, plain, strict=True)]
    return put(rows, column, pa.array(texts, pa.string()))
