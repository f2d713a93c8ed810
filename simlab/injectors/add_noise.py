"""The injector `add_noise`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import moments, numbers, put_numbers
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "traffic"
LABELS = "keep"
COLUMN = "numeric"
PROBLEMS = ("binary", "regression")


def add_noise(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    by: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.5,
) -> pa.Table:
    """Add normal noise to a numeric column, as from a worse instrument; the answers stay.

    A measurement error: ``x + by s sigma e`` with the strength s, sigma of the baseline and e
    standard normal, independent of everything (jenga GaussianNoise).

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; one normal draw per row is taken.
    column
        A numeric column. It holds doubles afterwards; missing values stay missing.
    by
        Standard deviation of the noise at full strength, in those of the baseline.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or it does not hold numbers.
    """
    if strength == 0:
        return rows
    sigma = moments(reference, column)[1]
    x, missing = numbers(rows, column)
    noise = rng.standard_normal(rows.num_rows)
    return put_numbers(rows, column, mask, x + by * strength * sigma * noise, missing)


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    by: float = 0.5,
) -> Size:
    """How large the noise is: the root mean square of what was added."""
    import numpy as np

    what = f"noise in {column}, in standard deviations"
    sigma = moments(reference, column)[1]
    old, new = numbers(before, column)[0][mask], numbers(after, column)[0][mask]
    added = (new - old)[np.isfinite(old)]
    if not len(added) or sigma == 0:
        return Size(what, None, None)
    found = float(np.sqrt((added**2).mean())) / sigma
    # The variance of a normal variance is 2 sigma^4 / n; the root halves the relative error.
    return Size(what, by * strength, found, by * strength / (2 * len(added)) ** 0.5)
