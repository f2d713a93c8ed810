"""The injector `bias_measurement`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlab.injectors._columns import moments, numbers, put_numbers
from simlab.injectors._groups import Step, members
from simlab.reference import Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

SEAM = "traffic"
LABELS = "keep"
COLUMN = "numeric"
ALSO = {"group": "categorical"}
PROBLEMS = ("binary", "regression")


def bias_measurement(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    group: str,
    value: str,
    by: Step = 0.5,
) -> pa.Table:
    """Measure one group lower than it is; the people and their answers are as they were.

    Measurement bias: ``x - by s sigma`` is observed of the group's rows at strength s, with sigma of the
    baseline (BiasOnDemand's `l_m`; Suresh and Guttag 2021).

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; nothing is drawn.
    column
        A numeric column. It holds doubles afterwards; missing values stay missing.
    group
        A categorical column.
    value
        The value in it that is the group.
    by
        How much too low it is measured at full strength, in standard deviations; negative is too high.

    Raises
    ------
    LookupError, TypeError
        There is no such column, it does not hold numbers, or nobody has that value.
    """
    if strength == 0:
        return rows
    _, sigma = moments(reference, column)
    x, missing = numbers(rows, column)
    theirs = mask & members(rows, group, value, reference)
    return put_numbers(rows, column, theirs, x - by * strength * sigma, missing)


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    group: str,
    value: str,
    by: float = 0.5,
) -> Size:
    """How much lower the group is measured, in standard deviations: ``by s``."""
    what = f"how much lower {column} is measured where {group} is {value}, in standard deviations"
    _, sigma = moments(reference, column)
    x, missing = numbers(before, column)
    seen, _ = numbers(after, column)
    theirs = mask & members(before, group, value, reference) & ~missing
    if not theirs.any() or sigma <= 0:
        return Size(what, None, None)
    # Nothing is drawn: what is left is the last digit of numbers that are far from zero.
    rounding = 4e-16 * float(abs(x[theirs]).max()) / sigma
    return Size(what, by * strength, float((x - seen)[theirs].mean() / sigma), rounding)
