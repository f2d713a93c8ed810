"""The injector `flip_near_boundary`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._groups import Part, Share, flipped, whole, wrong_share

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "labels"
LABELS = "noise"
COLUMN = None
PROBLEMS = ("binary",)

Steepness = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def flip_near_boundary(
    labels: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    most: Part = 0.4,
    steepness: Steepness = 10.0,
    boundary: Share = 0.5,
) -> np.ndarray:
    """Record the wrong class where the case is unclear: the nearer the boundary, the more often.

    Instance-dependent label noise: ``P(record != y | x) = 2 most s / (1 + exp(steepness d))`` at
    strength s, with the distance ``d = |eta(x) - boundary|`` between the world's own chance of a yes and
    the boundary. On the boundary it is ``most s``, and it falls with the distance: at the default
    steepness to a half of that at 0.11 and to a tenth at 0.29 (``eta_max sigmoid(-k d)``, doubled
    so that it reaches eta_max; instance-dependent noise as in SYNLABEL, arXiv 2309.04318). What truly
    happened stays. As fast as the world's labeller, which is asked about every row.

    Parameters
    ----------
    labels
        0 or 1 per row; NaN where unknown, which stays so.
    rows, mask, strength, rng, reference
        As for every injector of the record; one uniform draw per row is taken.
    most
        Share of wrong records on the boundary itself, at full strength.
    steepness
        How fast that share falls with the distance.
    boundary
        Chance of a yes at which a case is least clear.

    Returns
    -------
    numpy.ndarray
        The labels as recorded, in the type they were given in.

    Raises
    ------
    LookupError
        The world has no labeller.
    ValueError
        A label is neither 0 nor 1.
    """
    if strength == 0:
        return labels
    whole(labels, "flip_near_boundary")
    return flipped(labels, _chance(rows, strength, reference, most, steepness, boundary), mask, rng)


undo = flip_near_boundary  # who is struck does not depend on the record


def _chance(
    rows: pa.Table, strength: float, reference: Reference, most: float, steepness: float, boundary: float
) -> np.ndarray:
    import numpy as np

    distance = np.abs(reference.eta(rows) - boundary)
    with np.errstate(over="ignore"):  # far from the boundary the chance is nothing
        found: np.ndarray = 2 * most * strength / (1 + np.exp(steepness * distance))
    return found


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table,
    most: float = 0.4,
    steepness: float = 10.0,
    boundary: float = 0.5,
) -> Size:
    """The share of records that are wrong: the mean of the rows' chances."""
    chance = _chance(rows, strength, reference, most, steepness, boundary)
    return wrong_share(before, after, mask, chance)
