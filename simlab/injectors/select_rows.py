"""The injector `select_rows`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlab.injectors._columns import moments, numbers
from simlab.injectors._groups import Step, members

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

SEAM = "draw"
LABELS = "weights"
COLUMN = "numeric"
ALSO = {"group": "categorical"}
PROBLEMS = ("binary", "regression")

LOWEST = -600.0
"""Smallest log odds of being selected; below that a weight would no longer be above 0."""


def select_rows(
    pool: pa.Table,
    strength: float,
    reference: Reference,
    *,
    base: Step = 0.0,
    column: str | None = None,
    by_column: Step = 0.0,
    by_answer: Step = 0.0,
    group: str | None = None,
    value: str | None = None,
    by_group: Step = 0.0,
) -> np.ndarray:
    """Select who is seen at all, by a column, by the answer and by a group; answers stay.

    Selection bias: ``P(S = 1 | x, y, a) = sigmoid(base + s (by_column z(x) + by_answer y + by_group
    1[a = value]))`` at strength s (Moreno-Torres et al. 2012), with z in standard deviations of the
    baseline. By the column alone it is covariate shift, by the answer alone prior shift, by both neither,
    and no correction by one of them mends it. The answer y is 0 or 1, or in a regression its distance
    from the mean in standard deviations. There is no closed form of how far the rows move.

    Parameters
    ----------
    pool
        The rows that may be drawn, with the target.
    strength
        In [0, 1]; at 0 every weight is 1.
    reference
        The undisturbed world.
    base
        Log odds of selecting a row at the mean. Far below 0 selection is proportional to the odds, far
        above 0 nearly everybody is selected.
    column
        A numeric column. A missing value counts as the mean.
    by_column
        How much the log odds grow per standard deviation of the column.
    by_answer
        How much the log odds grow with the answer.
    group
        A categorical column.
    value
        The value in it that is the group.
    by_group
        How much higher the group's log odds are.

    Returns
    -------
    numpy.ndarray
        One weight above 0 per row of the pool: its chance of being selected, over that at the base.

    Raises
    ------
    LookupError, TypeError
        There is no such column, it does not hold numbers, or nobody has that value.
    """
    import numpy as np

    if strength == 0:
        return np.ones(pool.num_rows)
    odds = np.zeros(pool.num_rows)
    if column is not None:
        mean, sigma = moments(reference, column)
        x, missing = numbers(pool, column)
        if sigma > 0:
            odds += by_column * np.where(missing | np.isnan(x), 0.0, (x - mean) / sigma)
    if by_answer:
        odds += by_answer * _answer(pool, reference)
    if group is not None and value is not None:
        odds += by_group * members(pool, group, value, reference)
    return np.asarray(_selected(base + strength * odds) / _selected(np.array(base)))


def _answer(pool: pa.Table, reference: Reference) -> np.ndarray:
    """The answers, in standard deviations of the pool where they are numbers."""
    import numpy as np

    y, missing = numbers(pool, reference.target)
    if reference.problem == "regression":
        known = y[~missing]
        if len(known) and known.std() > 0:
            y = (y - known.mean()) / known.std()
    return np.where(missing, 0.0, y)


def _selected(odds: np.ndarray) -> np.ndarray:
    import numpy as np

    found: np.ndarray = 1 / (1 + np.exp(-np.clip(odds, LOWEST, -LOWEST)))
    return found
