"""The injector `clip_column`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import numbers, present, put_numbers, struck
from simlab.injectors._faults import share_size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "traffic"
LABELS = "keep"
COLUMN = "numeric"
PROBLEMS = ("binary", "regression")


def clip_column(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    tail: Annotated[float, Field(gt=0, lt=0.5)] = 0.05,
) -> pa.Table:
    """Send no number beyond the ends of a sensor's range.

    A measurement error (badgers, transmission faults): in the share `strength` of the rows a value
    below the baseline's quantile `tail` or above its quantile ``1 - tail`` is sent as that quantile.
    The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector.
    column
        A numeric column. It holds doubles afterwards; missing values stay missing.
    tail
        Share of the baseline beyond either end.

    Raises
    ------
    LookupError, TypeError
        There is no such column, it does not hold numbers, or the baseline is unknown.
    """
    if strength == 0:
        return rows
    import numpy as np

    x, missing = numbers(rows, column)
    low, high = _ends(reference, column, tail)
    return put_numbers(rows, column, struck(rows, mask, strength, rng), np.clip(x, low, high), missing)


def _ends(reference: Reference, column: str, tail: float) -> tuple[float, float]:
    """The two quantiles of the baseline."""
    import numpy as np

    if reference.table is None:
        raise LookupError(f"nobody knows the range of {column!r}: this world has no baseline")
    present(reference.table, column)
    x, missing = numbers(reference.table, column)
    known = x[~missing & ~np.isnan(x)]
    if not len(known):
        return -np.inf, np.inf
    low, high = np.quantile(known, (tail, 1 - tail))
    return float(low), float(high)


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    tail: float = 0.05,
) -> Size:
    """Share of the values beyond the ends that were clipped; each is with the chance `strength`."""
    x, _ = numbers(before, column)
    low, high = _ends(reference, column, tail)
    could = mask & ((x < low) | (x > high))
    clipped = numbers(after, column)[0] != x
    return share_size(f"share of {column} beyond the ends that is clipped", strength, clipped, could)
