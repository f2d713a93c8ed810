"""The injector `swap_columns`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import present, struck
from simlab.injectors._faults import brought_back, differs, exchanged, share_size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "traffic"
LABELS = "keep"
COLUMN = "any"
ALSO = {"other": "any"}
PROBLEMS = ("binary", "regression")
APART = ("column", "other")


def swap_columns(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    other: str,
    share: Annotated[float, Field(gt=0, le=1)] = 1.0,
) -> pa.Table:
    """Send two columns under each other's names in a share of the rows.

    A measurement error (jenga SwappedValues; menelaus FeatureSwap): with probability ``share s`` at
    strength s a row's values change places. The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector.
    column
        Any column.
    other
        The column it changes places with. Where whole numbers and fractions mix, both hold doubles
        afterwards; where numbers and text mix, both hold text.
    share
        Share of the rows that are struck at full strength.

    Raises
    ------
    LookupError
        There is no such column.
    ValueError
        They are one and the same.
    """
    if strength == 0:
        return rows
    if column == other:
        raise ValueError(f"the column {column!r} cannot be swapped with itself")
    for name in (column, other):
        present(rows, name)
    swapped = struck(rows, mask, share * strength, rng)
    return exchanged(rows, (column, other), swapped) if swapped.any() else rows


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    other: str,
    share: float = 1.0,
) -> Size:
    """Share of the rows that were swapped, among those with two values that are not the same."""
    could = mask & differs(before[column], before[other])
    return share_size(
        f"share of {column} swapped with {other}",
        share * strength,
        differs(before[column], after[column]),
        could,
    )


def undo(
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    other: str,
    share: float = 1.0,
) -> pa.Table:
    """The rows with both values under their own names, in the baseline's types."""
    if strength == 0:
        return after
    swapped = struck(after, mask, share * strength, rng)
    return brought_back(after, (column, other), swapped, reference) if swapped.any() else after
