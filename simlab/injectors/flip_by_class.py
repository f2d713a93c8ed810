"""The injector `flip_by_class`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlab.injectors._groups import Share, flipped, whole, wrong_share

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "labels"
LABELS = "noise"
COLUMN = None
PROBLEMS = ("binary",)


def flip_by_class(
    labels: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    from_0: Share = 0.0,
    from_1: Share = 0.2,
) -> np.ndarray:
    """Record the wrong class more often for one class than for the other.

    Class-conditional label noise: ``P(record = 1 | y = 0) = from_0 s`` and ``P(record = 0 | y = 1) =
    from_1 s`` at strength s, the two rates of Natarajan et al. 2013; what truly happened stays. With a
    `start` in the middle of a run it is a labeller who changed: it looks like concept drift and is none.

    Parameters
    ----------
    labels
        0 or 1 per row; NaN where unknown, which stays so.
    rows, mask, strength, rng, reference
        As for every injector of the record; one uniform draw per row is taken.
    from_0
        Share of the rows of class 0 that are recorded as 1, at full strength.
    from_1
        Share of the rows of class 1 that are recorded as 0, at full strength.

    Returns
    -------
    numpy.ndarray
        The labels as recorded, in the type they were given in.

    Raises
    ------
    ValueError
        A label is neither 0 nor 1.
    """
    if strength == 0:
        return labels
    whole(labels, "flip_by_class")
    return flipped(labels, _chance(labels, strength, from_0, from_1), mask, rng)


def _chance(labels: np.ndarray, strength: float, from_0: float, from_1: float) -> np.ndarray:
    import numpy as np

    return np.where(labels >= 0.5, from_1, from_0) * strength


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table | None = None,
    from_0: float = 0.0,
    from_1: float = 0.2,
) -> Size:
    """The share of records that are wrong: ``s (from_0 P(y = 0) + from_1 P(y = 1))``."""
    return wrong_share(before, after, mask, _chance(before, strength, from_0, from_1))
