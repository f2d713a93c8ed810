"""The injector `skew_prevalence`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import numbers
from simlab.injectors._groups import members
from simlab.reference import Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

SEAM = "draw"
LABELS = "weights"
COLUMN = None
ALSO = {"group": "categorical"}
PROBLEMS = ("binary",)


def skew_prevalence(
    pool: pa.Table,
    strength: float,
    reference: Reference,
    *,
    group: str,
    value: str,
    ratio: Annotated[float, Field(gt=0, allow_inf_nan=False)],
) -> np.ndarray:
    """Make yes more common in one group than in the rest, at the same rate overall.

    Prevalence disparity: the ratio ``r = P(Y=1|a) / P(Y=1|rest)`` becomes `ratio` while the overall rate
    and the group's share p stay, so ``P(Y=1|rest) = rate / (r p + 1 - p)`` and the group's is r times
    that (Bank Account Fraud, variant II). At strength s the ratio is ``r0^(1-s) ratio^s``, r0 being the
    pool's own. Rows of one group and answer are drawn more or less often, all alike. Rows whose group
    is missing belong to the rest.

    Parameters
    ----------
    pool
        The rows that may be drawn, with the target. Without rows of each group and answer every weight
        is 1: what is not there cannot be drawn.
    strength
        In [0, 1]; at 0 every weight is 1.
    reference
        The undisturbed world.
    group
        A categorical column.
    value
        The value in it that is the group.
    ratio
        How many times as common a yes is in the group as in the rest, at full strength.

    Returns
    -------
    numpy.ndarray
        One weight above 0 per row of the pool, not normalised.

    Raises
    ------
    LookupError
        There is no such column, or nobody of that value.
    ValueError
        No group can be so much above the other at that overall rate.
    """
    import numpy as np

    if strength == 0:
        return np.ones(pool.num_rows)
    place, counts = _cells(pool, group, value, reference)
    if not counts.all():
        return np.ones(pool.num_rows)
    natural = _ratio(counts)
    wanted = _rates(counts, natural ** (1 - strength) * ratio**strength)
    now = counts[:, 1] / counts.sum(axis=1)
    return np.asarray(np.stack([(1 - wanted) / (1 - now), wanted / now], axis=1).ravel()[place])


def _cells(pool: pa.Table, group: str, value: str, reference: Reference) -> tuple[np.ndarray, np.ndarray]:
    """Each row's cell, twice its group plus its answer; and how many rows each has, by group and answer."""
    import numpy as np

    theirs = members(pool, group, value, reference)
    yes = numbers(pool, reference.target)[0] >= 0.5
    place = theirs.astype(np.int8) * np.int8(2) + yes
    return place, np.bincount(place, minlength=4).reshape(2, 2)


def _ratio(counts: np.ndarray) -> float:
    """The group's rate of yes over that of the rest."""
    rates = counts[:, 1] / counts.sum(axis=1)
    return float(rates[1] / rates[0])


def _rates(counts: np.ndarray, ratio: float) -> np.ndarray:
    """The rates of yes in the rest and in the group at this ratio."""
    import numpy as np

    overall, share = float(counts[:, 1].sum() / counts.sum()), float(counts[1].sum() / counts.sum())
    rest = overall / (ratio * share + 1 - share)
    if not (0 < rest < 1 and 0 < ratio * rest < 1):
        raise ValueError(
            f"skew_prevalence: at {overall:.3g} yes overall and a group of {share:.3g}, "
            f"a ratio of {ratio:.3g} would need rates of {ratio * rest:.3g} and {rest:.3g}; "
            "both must be below 1"
        )
    return np.array([rest, ratio * rest])


def size(
    before: pa.Table,
    after: np.ndarray,
    mask: np.ndarray | None,
    strength: float,
    reference: Reference,
    *,
    group: str,
    value: str,
    ratio: float,
) -> Size:
    """How many times as common a yes is in the group as in the rest: ``r0^(1-s) ratio^s``."""
    import numpy as np

    what = f"rate of yes where {group} is {value}, over that of the rest"
    place, counts = _cells(before, group, value, reference) if before.num_rows else (None, np.zeros(1))
    if place is None or not counts.all():
        return Size(what, None, None)
    weighed = np.bincount(place, weights=after, minlength=4).reshape(2, 2)
    return Size(what, float(_ratio(counts) ** (1 - strength) * ratio**strength), _ratio(weighed))
