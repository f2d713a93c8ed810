"""The injector `flip_by_group`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._groups import Share, flipped, rate_by_value, whole, wrong_share

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "labels"
LABELS = "noise"
COLUMN = None
ALSO = {"group": "categorical"}
PROBLEMS = ("binary",)


def flip_by_group(
    labels: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    group: str,
    rates: Annotated[Mapping[str, Share], Field(min_length=1)],
) -> np.ndarray:
    """Record the wrong class more often for some groups of people than for others.

    Group-conditional label noise: ``P(record != y | a) = rates[a] s`` at strength s (Wang et al. 2021);
    what truly happened stays. For errors that depend on the class as well see `bias_labels`.

    Parameters
    ----------
    labels
        0 or 1 per row; NaN where unknown, which stays so.
    rows, mask, strength, rng, reference
        As for every injector of the record; one uniform draw per row is taken.
    group
        A categorical column.
    rates
        Share of wrong records by value of that column, at full strength. A value that is not named,
        and a row whose value is missing, is recorded as it happened.

    Returns
    -------
    numpy.ndarray
        The labels as recorded, in the type they were given in.

    Raises
    ------
    LookupError
        There is no such column, or nobody of such a value.
    ValueError
        A label is neither 0 nor 1.
    """
    if strength == 0:
        return labels
    whole(labels, "flip_by_group")
    return flipped(labels, rate_by_value(rows, group, rates, reference) * strength, mask, rng)


undo = flip_by_group  # who is struck does not depend on the record, so striking twice is not striking


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table,
    group: str,
    rates: Mapping[str, float],
) -> Size:
    """The share of records that are wrong: ``s`` times the mean of the rows' rates."""
    return wrong_share(before, after, mask, rate_by_value(rows, group, rates, reference) * strength)
