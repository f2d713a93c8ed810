"""The injector `add_outliers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simlab.injectors._columns import moments, numbers, put_numbers, struck
from simlab.injectors._sizes import share as size_of_share
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "traffic"
LABELS = "keep"
COLUMN = "numeric"
PROBLEMS = ("binary", "regression")

Side = Literal["above", "below", "both"]


def add_outliers(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    share: Annotated[float, Field(gt=0, le=1)] = 0.05,
    beyond: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 4.0,
    side: Side = "both",
) -> pa.Table:
    """Replace a share of a column's values by outliers; the answers stay.

    A burst of outliers: with probability ``share s`` at strength s a value becomes ``mean + z sigma``,
    where mean and sigma are the baseline's and ``|z| = beyond + e`` with e exponential of mean 1
    (badgers ZScoreSampling). A skewed column has values beyond such a z of its own.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; two uniform draws per row are taken.
    column
        A numeric column. It holds doubles afterwards; missing values stay missing.
    share
        Share of the values that are replaced at full strength.
    beyond
        Least distance from the baseline's mean, in its standard deviations.
    side
        Above the mean, below it, or either with the same chance.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or it does not hold numbers.
    """
    import numpy as np

    if strength == 0:
        return rows
    mean, sigma = moments(reference, column)
    x, missing = numbers(rows, column)
    hit = struck(rows, mask, share * strength, rng)
    u = rng.random(rows.num_rows)
    if side == "both":
        sign, u = np.where(u >= 0.5, 1.0, -1.0), np.where(u >= 0.5, 2 * u - 1, 2 * u)
    else:
        sign = np.full(len(u), 1.0 if side == "above" else -1.0)
    return put_numbers(rows, column, hit, mean + sign * (beyond - np.log1p(-u)) * sigma, missing)


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    share: float = 0.05,
    beyond: float = 4.0,
    side: Side = "both",
) -> Size:
    """Which share of the values lies so far out, those that did anyway among them."""
    import numpy as np

    what = f"share of {column} beyond {beyond:g} standard deviations"
    mean, sigma = moments(reference, column)
    old, new = numbers(before, column)[0][mask], numbers(after, column)[0][mask]
    there = ~np.isnan(old)
    if sigma == 0:
        return Size(what, None, None)

    def outlying(x: np.ndarray) -> np.ndarray:
        z = (x - mean) / sigma
        z = np.abs(z) if side == "both" else z if side == "above" else -z
        found: np.ndarray = z >= beyond * (1 - 1e-12)  # what rounding may take away
        return found

    return size_of_share(what, outlying(new)[there], share * strength, outlying(old)[there])
