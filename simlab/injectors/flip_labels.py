"""The injector `flip_labels`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlab.injectors._groups import Part, flipped, whole, wrong_share

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "labels"
LABELS = "noise"
COLUMN = None
PROBLEMS = ("binary",)


def flip_labels(
    labels: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    share: Part = 0.1,
) -> np.ndarray:
    """Record the wrong class for a share of the rows.

    Label noise: the recorded answer is the other class with probability ``share s`` at strength s
    (Angluin and Laird 1988); what truly happened stays as it was.

    Parameters
    ----------
    labels
        0 or 1 per row; NaN where unknown, which stays so.
    rows, mask, strength, rng, reference
        As for every injector of the record; one uniform draw per row is taken.
    share
        Share of the rows whose record is wrong at full strength.

    Returns
    -------
    numpy.ndarray
        The labels as recorded, in the type they were given in.

    Raises
    ------
    ValueError
        A label is neither 0 nor 1.
    """
    import numpy as np

    if strength == 0:
        return labels
    whole(labels, "flip_labels")
    return flipped(labels, np.full(len(labels), share * strength), mask, rng)


undo = flip_labels  # who is struck does not depend on the record, so striking twice is not striking


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table | None = None,
    share: float = 0.1,
) -> Size:
    """The share of records that are wrong: ``share s``."""
    import numpy as np

    return wrong_share(before, after, mask, np.full(len(before), share * strength))
