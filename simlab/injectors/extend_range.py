"""The injector `extend_range`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simlab.injectors._columns import baseline, moments, numbers, put_numbers, struck
from simlab.injectors._sizes import share as size_of_share
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "traffic"
LABELS = "ask"
COLUMN = "numeric"
PROBLEMS = ("binary", "regression")

Side = Literal["above", "below", "both"]


def extend_range(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    share: Annotated[float, Field(gt=0, le=1)] = 0.1,
    by: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0,
    side: Side = "above",
) -> pa.Table:
    """Send numbers that lie outside everything the baseline has seen, in a share of the rows.

    Covariate drift in support: with probability ``share s`` at strength s a value becomes ``max + by
    sigma u`` (or ``min - by sigma u``) with u uniform on (0, 1], and max, min and sigma of the
    baseline; the world answers anew for these rows, from where it has never been.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; two uniform draws per row are taken.
    column
        A numeric column. It holds doubles afterwards; missing values stay missing.
    share
        Share of the values that go outside at full strength.
    by
        How far outside the farthest lie, in standard deviations of the baseline.
    side
        Beyond the greatest value, the least, or either with the same chance.

    Raises
    ------
    LookupError, TypeError
        There is no such column, it does not hold numbers, or the baseline has none of it.
    """
    import numpy as np

    if strength == 0:
        return rows
    sigma = moments(reference, column)[1]
    x, missing = numbers(rows, column)
    known = baseline(reference, column)
    out = struck(rows, mask, share * strength, rng)
    u = rng.random(rows.num_rows)
    if side == "both":
        above, far = u >= 0.5, 2 * np.where(u >= 0.5, 1 - u, 0.5 - u)
    else:
        above, far = np.full(len(u), side == "above"), 1 - u
    # A column without spread has no sigma to go by; its values still must not stay where they are.
    far = far * by * (sigma or 1.0)
    new = np.where(above, known.max() + far, known.min() - far)
    return put_numbers(rows, column, out, new, missing)


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    share: float = 0.1,
    by: float = 1.0,
    side: Side = "above",
) -> Size:
    """Which share of the values lies outside the baseline's range, those that did anyway among them."""
    import numpy as np

    known = baseline(reference, column)
    old, new = numbers(before, column)[0][mask], numbers(after, column)[0][mask]
    there = ~np.isnan(old)

    def outside(x: np.ndarray) -> np.ndarray:
        low = x < known.min() if side != "above" else np.zeros(len(x), bool)
        high = x > known.max() if side != "below" else np.zeros(len(x), bool)
        found: np.ndarray = low | high
        return found

    what = f"share of {column} outside the baseline's range"
    return size_of_share(what, outside(new)[there], share * strength, outside(old)[there])
