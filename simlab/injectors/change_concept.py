"""The injector `change_concept`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._law import Mode, moved, turned
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "labels"
LABELS = "concept"
COLUMN = None
PROBLEMS = ("binary",)


def change_concept(
    eta: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    mode: Mode = "logit",
    by: Annotated[float, Field(allow_inf_nan=False)] = 0.0,
) -> np.ndarray:
    """Change what the features mean: the same rows get other answers.

    Concept drift: P(X) stays, P(Y|X) moves (Gama et al. 2014). Restricted with `where:` it is local.

    Parameters
    ----------
    eta
        The world's probability of the positive class, one per row, in [0, 1].
    rows, mask, strength, reference
        As for every injector of the law.
    mode
        `logit` moves the log odds, ``sigmoid(logit(eta) + by s)``: answers become more or less
        often positive. `invert` swaps the classes, ``eta + s (1 - 2 eta)``: at one half nothing can
        be learned, at 1 every answer is the opposite.
    by
        How far the log odds move at full strength (mode `logit`).

    Returns
    -------
    numpy.ndarray
        The new probabilities, in [0, 1].
    """
    import numpy as np

    if strength == 0:
        return eta
    return np.where(mask, moved(eta, mode, by, strength), eta)


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table,
    mode: Mode = "logit",
    by: float = 0.0,
) -> Size:
    """Which share of the answers is another one; of several changes of answers at once, all of theirs."""
    eta = reference.eta(rows)
    law = moved(eta, mode, by, strength)
    return turned(before[mask], after[mask], eta[mask], law[mask])
