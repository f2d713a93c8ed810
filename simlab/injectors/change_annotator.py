"""The injector `change_annotator`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlab.injectors._groups import Part, Share, whole, wrong_share

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "labels"
LABELS = "noise"
COLUMN = None
PROBLEMS = ("binary",)


def change_annotator(
    labels: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    cut: Share = 0.5,
    share: Part = 1.0,
) -> np.ndarray:
    """Hand the labelling to somebody with a rule of their own, whatever really happened.

    A share ``share s`` of the rows, at strength s, is recorded as ``1[eta(x) >= cut]`` with the world's
    own chance of a yes eta(x), and no longer as what happened: a new guideline, another annotator. To
    who sees only records it is concept drift; the truth says it is noise, and hindsight does not move.
    For a labeller who merely errs more often see `flip_by_class`. As fast as the world's labeller, which
    is asked about every row.

    Parameters
    ----------
    labels
        0 or 1 per row; NaN where unknown, which stays so.
    rows, mask, strength, rng, reference
        As for every injector of the record; one uniform draw per row is taken.
    cut
        Chance of a yes from which on the new annotator says yes.
    share
        Share of the rows that the new annotator labels at full strength.

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
    import numpy as np

    if strength == 0:
        return labels
    known = whole(labels, "change_annotator")
    theirs = known & mask & (rng.random(len(labels)) < share * strength)
    return np.where(theirs, reference.eta(rows) >= cut, labels).astype(labels.dtype)


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table,
    cut: float = 0.5,
    share: float = 1.0,
) -> Size:
    """The share of records that changed: ``share s`` of those on which the two disagree."""
    disagree = (reference.eta(rows) >= cut) != (before >= 0.5)
    return wrong_share(before, after, mask, disagree * share * strength)
