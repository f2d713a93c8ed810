"""The injector `lose_labels`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from simlab.injectors._columns import moments, numbers
from simlab.injectors._groups import Part, Step
from simlab.reference import Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

SEAM = "arrival"
LABELS = "keep"
COLUMN = "numeric"
PROBLEMS = ("binary", "regression")

Of = Literal["all", "positive", "negative"]


def lose_labels(
    delays: np.ndarray,
    rows: pa.Table,
    answered: np.ndarray,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    share: Part = 0.3,
    of: Of = "all",
    column: str | None = None,
    slope: Step = 1.0,
) -> np.ndarray:
    """Lose a share of the labels for good, at random or of the high and the low ends of a column.

    Partial labels: lost with probability ``share s`` at strength s; or with a column, with ``s
    sigmoid(b + slope z)``, z the column's distance from its mean in standard deviations of the baseline
    and b solved so that in the baseline a share `share` is lost (as mice's `ampute` does for MAR).

    Parameters
    ----------
    delays
        Seconds until each label is known; infinity for never.
    rows, answered, mask, strength, rng, reference
        As for every injector of the arrival; one uniform draw per row is taken.
    share
        Share of the labels that are lost at full strength.
    of
        Whose labels are lost: of `all`, or only of rows whose record says yes (or no).
    column
        A numeric column that drives the loss; none when not said. A missing value counts as the mean.
    slope
        How much the log odds of a loss grow per standard deviation of the column.

    Returns
    -------
    numpy.ndarray
        Seconds until each label is known, infinity where it never will be.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or it does not hold numbers.
    ValueError
        `of` names a class in a regression.
    """
    import numpy as np

    if strength == 0:
        return delays
    chance = strength * _chance(rows, reference, share, column, slope)
    lost = mask & (rng.random(len(delays)) < chance)
    if of != "all":
        lost &= _of_class(rows, reference, of)
    return np.where(lost, np.inf, delays)


def _of_class(rows: pa.Table, reference: Reference, of: Of) -> np.ndarray:
    """Which rows the record says yes (or no) of."""
    if reference.problem != "binary":
        raise ValueError(f"lose_labels: a regression says neither yes nor no, so leave out `of: {of}`")
    y: np.ndarray = rows[reference.target].to_numpy()
    return y >= 0.5 if of == "positive" else y < 0.5


def _chance(
    rows: pa.Table, reference: Reference, share: float, column: str | None, slope: float
) -> np.ndarray:
    """The chance of each row at full strength."""
    import numpy as np

    if column is None or share == 1:
        return np.full(rows.num_rows, share)
    mean, sigma = moments(reference, column)
    baseline = rows if reference.table is None else reference.table
    here, there = (slope * _distance(table, column, mean, sigma) for table in (rows, baseline))
    return _sigmoid(_offset(there, share) + here)


def _distance(rows: pa.Table, column: str, mean: float, sigma: float) -> np.ndarray:
    import numpy as np

    x, missing = numbers(rows, column)
    if sigma <= 0:
        return np.zeros(len(x))
    return np.where(missing | np.isnan(x), 0.0, (x - mean) / sigma)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    import numpy as np

    found: np.ndarray = 1 / (1 + np.exp(-np.clip(x, -700, 700)))
    return found


def _offset(tilt: np.ndarray, share: float) -> float:
    """The b with ``mean sigmoid(b + tilt) = share``, by bisection: the mean grows with b."""
    import numpy as np

    if not len(tilt):
        return math.log(share / (1 - share))
    plain = math.log(share / (1 - share))
    low, high = plain - float(np.max(tilt)), plain - float(np.min(tilt))
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _sigmoid(middle + tilt).mean() < share else (low, middle)
    return (low + high) / 2


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table | None = None,
    answered: np.ndarray | None = None,
    share: float = 0.3,
    of: Of = "all",
    column: str | None = None,
    slope: float = 1.0,
) -> Size:
    """The share of the labels that are lost: ``share s``.

    With a column the declared share is that of the baseline; the error then counts the baseline's own,
    and a class that differs from the whole in the column has no closed form.
    """
    import numpy as np

    what = "share of labels lost"
    where = mask & np.isfinite(before)
    if of != "all":
        if rows is None:
            return Size(what, None, None)
        where = where & _of_class(rows, reference, of)
    count = int(where.sum())
    if not count:
        return Size(what, None, None)
    measured = float(np.isinf(after[where]).mean())
    if column is not None and of != "all":
        return Size(what, None, measured)
    p = share * strength
    known = 0.0 if column is None or reference.table is None else 1 / reference.table.num_rows
    return Size(what, p, measured, math.sqrt(p * (1 - p) * (1 / count + known)))
