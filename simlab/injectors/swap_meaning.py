"""The injector `swap_meaning`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlab.injectors._columns import moments, numbers, put_numbers
from simlab.injectors._law import turned
from simlab.injectors._sizes import steps
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "labels"
LABELS = "concept"
COLUMN = "numeric"
ALSO = {"other": "numeric"}
APART = ("column", "other")
PROBLEMS = ("binary", "regression")


def swap_meaning(
    eta: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    other: str,
) -> np.ndarray:
    """Let the world answer as if two numeric columns had exchanged their meaning.

    Concept drift by feature permutation (Cerqueira et al. 2026): P(X) stays, and the law becomes ``eta
    + s (eta' - eta)`` with the strength s, where eta' is the law at the row with the two columns
    exchanged. Each takes the other's standing, not its number: ``mean_a + sigma_a z_b`` with mean,
    sigma and the distance z from the mean of the baseline.

    Parameters
    ----------
    eta
        The world's probability of the positive class, or a regression's mean, one per row.
    rows, mask, strength, reference
        As for every injector of the law; the world is asked for its law at the exchanged rows.
    column
        A numeric column.
    other
        Another numeric column.

    Returns
    -------
    numpy.ndarray
        The new probabilities or means.

    Raises
    ------
    LookupError, TypeError
        There is no such column, it does not hold numbers, or the world has no law to ask.
    ValueError
        Both are the same column.
    """
    if strength == 0:
        return eta
    return _law(eta, rows, mask, strength, reference, column, other)


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table,
    column: str,
    other: str,
) -> Size:
    """How many answers are other ones, or how far they move; of several changes at once, all of theirs."""
    eta = reference.eta(rows)
    law = _law(eta, rows, mask, strength, reference, column, other)
    if reference.problem == "regression":
        return steps(before[mask], after[mask], (law - eta)[mask], reference)
    return turned(before[mask], after[mask], eta[mask], law[mask])


def _law(
    eta: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    column: str,
    other: str,
) -> np.ndarray:
    import numpy as np
    import pyarrow as pa

    if column == other:
        raise ValueError(f"cannot swap {column!r} with itself: column and other are the same")
    if not mask.any():
        return eta
    some = rows.filter(pa.array(mask))
    (mine, my_spread), (theirs, their_spread) = moments(reference, column), moments(reference, other)
    (x, no_x), (y, no_y) = numbers(some, column), numbers(some, other)
    mean_as_other = theirs + their_spread * ((x - mine) / my_spread if my_spread else np.zeros(len(x)))
    other_as_mine = mine + my_spread * ((y - theirs) / their_spread if their_spread else np.zeros(len(y)))
    everywhere = np.ones(len(x), bool)
    swapped = put_numbers(some, column, everywhere, other_as_mine, no_y)
    swapped = put_numbers(swapped, other, everywhere, mean_as_other, no_x)
    law = eta.copy()
    law[mask] += strength * (reference.eta(swapped) - eta[mask])
    return law
