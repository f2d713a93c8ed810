"""The injector `shift_class`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simlab.injectors._columns import moments, numbers, put_numbers
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "traffic"
LABELS = "keep"
COLUMN = "numeric"
PROBLEMS = ("binary",)


def shift_class(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    by: Annotated[float, Field(allow_inf_nan=False)],
    label: Literal[0, 1] = 1,
) -> pa.Table:
    """Move a numeric column in the rows of one class alone, and let every answer stand.

    Class-conditional drift: P(X|Y = label) moves by ``by s sigma`` with the strength s and sigma of
    the baseline, P(Y) and the other class stay as they were (badgers RandomShiftClasses). The class
    is the true one, whatever will be recorded.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; the rows have the target; nothing is drawn.
    column
        A numeric column. It holds doubles afterwards; missing values stay missing.
    by
        How far it moves, in standard deviations of the baseline.
    label
        Which class: 1 is yes, 0 is no.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or it does not hold numbers.
    """
    if strength == 0:
        return rows
    sigma = moments(reference, column)[1]
    x, missing = numbers(rows, column)
    answers, _ = numbers(rows, reference.target)
    return put_numbers(rows, column, mask & (answers == label), x + by * strength * sigma, missing)


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    by: float,
    label: int = 1,
) -> Size:
    """How much farther the class's mean moved than the other class's, which stays."""
    import numpy as np

    what = f"mean of {column} where the answer is {label}, in standard deviations"
    sigma = moments(reference, column)[1]
    old, new = numbers(before, column)[0], numbers(after, column)[0]
    answers, _ = numbers(before, reference.target)
    there = mask & np.isfinite(old)
    gap = [
        float((new - old)[there & chosen].mean()) if (there & chosen).any() else None
        for chosen in (answers == label, answers == 1 - label)
    ]
    if gap[0] is None or sigma == 0:
        return Size(what, None, None)
    return Size(what, by * strength, (gap[0] - (gap[1] or 0.0)) / sigma)
