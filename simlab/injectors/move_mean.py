"""The injector `move_mean`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import baseline
from simlab.injectors._sizes import steps
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "labels"
LABELS = "concept"
COLUMN = None
PROBLEMS = ("regression",)


def move_mean(
    eta: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    by: Annotated[float, Field(allow_inf_nan=False)] = 0.0,
    scale: Annotated[float, Field(allow_inf_nan=False)] = 1.0,
) -> np.ndarray:
    """Change what the features mean in a regression: the same rows get higher or lower answers.

    Concept drift: P(X) stays, and the mean m(x) of the answer becomes ``m + (scale - 1) s (m - mean) +
    by s sigma`` with the strength s, and mean and sigma of the answers in the baseline. What is left
    over, ``y - m(x)``, stays as it was.

    Parameters
    ----------
    eta
        The world's mean of the answer, one per row.
    rows, mask, strength, reference
        As for every injector of the law; the answers of the baseline rows are looked at.
    by
        How far the answers move at full strength, in standard deviations of the baseline's.
    scale
        Factor on the distance of the mean from the baseline's: 0 and every row is alike, -1 and what
        was high is low.

    Returns
    -------
    numpy.ndarray
        The new means.

    Raises
    ------
    LookupError
        The world has no baseline rows with answers.
    """
    import numpy as np

    if strength == 0:
        return eta
    return np.where(mask, _law(eta, strength, reference, by, scale), eta)


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table,
    by: float = 0.0,
    scale: float = 1.0,
) -> Size:
    """How far the answers moved, on average; of several changes of answers at once, all of theirs."""
    eta = reference.eta(rows)
    law = _law(eta, strength, reference, by, scale)
    return steps(before[mask], after[mask], (law - eta)[mask], reference)


def _law(eta: np.ndarray, strength: float, reference: Reference, by: float, scale: float) -> np.ndarray:
    answers = baseline(reference, reference.target)
    mean, sigma = float(answers.mean()), float(answers.std())
    return eta + (scale - 1) * strength * (eta - mean) + by * strength * sigma
