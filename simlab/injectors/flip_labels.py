"""The injector `flip_labels`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._sizes import share as size_of_share
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

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
    share: Annotated[float, Field(gt=0, le=1)] = 0.1,
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
    if not np.isin(labels[~np.isnan(labels)], (0, 1)).all():
        raise ValueError("flip_labels needs labels that are 0 or 1")
    wrong = mask & (rng.random(len(labels)) < share * strength)
    return np.where(wrong, 1 - labels, labels).astype(labels.dtype)


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table,
    share: float = 0.1,
) -> Size:
    """Which share of the known labels is recorded wrong."""
    import numpy as np

    known = mask & ~np.isnan(before)
    return size_of_share("share of labels wrong", (before != after)[known], share * strength)


def undo(
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    share: float = 0.1,
) -> np.ndarray:
    """The true labels: the same draws say which records are wrong, and a class has one opposite."""
    import numpy as np

    if strength == 0:
        return after
    wrong = mask & (rng.random(len(after)) < share * strength)
    return np.where(wrong, 1 - after, after).astype(after.dtype)
