"""The injector `expand_concept`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simlab.injectors._columns import baseline, numbers
from simlab.injectors._law import Mode, moved, turned
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "labels"
LABELS = "concept"
COLUMN = "numeric"
PROBLEMS = ("binary",)


def expand_concept(
    eta: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    share: Annotated[float, Field(gt=0, le=1)] = 0.3,
    side: Literal["above", "below"] = "above",
    mode: Mode = "invert",
    by: Annotated[float, Field(allow_inf_nan=False)] = 0.0,
) -> np.ndarray:
    """Change the law in a region that grows, from one end of a column towards the other.

    Local concept drift that expands (FriedmanDrift `lea` of Ikonomovska, Gama and Dzeroski 2011;
    subspace drift of Webb et al. 2016): at strength s the rows above the baseline's quantile ``1 -
    share s`` (or below its quantile ``share s``) have the new law in full, all others the old one. The
    regions lie in each other: ``G_1 in G_2 in ...``. P(X) stays. Rows level with the quantile are
    outside, unless the region is everything; a missing value is never inside.

    Parameters
    ----------
    eta
        The world's probability of the positive class, one per row, in [0, 1].
    rows, mask, strength, reference
        As for every injector of the law.
    column
        A numeric column.
    share
        Share of the baseline that the region covers at full strength.
    side
        From which end it grows.
    mode
        `invert` swaps the classes inside, `logit` moves the log odds.
    by
        How far the log odds move (mode `logit`).

    Returns
    -------
    numpy.ndarray
        The new probabilities, in [0, 1].

    Raises
    ------
    LookupError, TypeError
        There is no such column, it does not hold numbers, or the baseline has none of it.
    """
    import numpy as np

    if strength == 0:
        return eta
    inside = mask & _region(rows, strength, reference, column, share, side)
    return np.where(inside, moved(eta, mode, by, 1.0), eta)


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table,
    column: str,
    share: float = 0.3,
    side: Literal["above", "below"] = "above",
    mode: Mode = "invert",
    by: float = 0.0,
) -> Size:
    """Which share of the answers is another one; of several changes of answers at once, all of theirs."""
    import numpy as np

    eta = reference.eta(rows)
    inside = _region(rows, strength, reference, column, share, side)
    law = np.where(inside, moved(eta, mode, by, 1.0), eta)
    return turned(before[mask], after[mask], eta[mask], law[mask])


def _region(
    rows: pa.Table, strength: float, reference: Reference, column: str, share: float, side: str
) -> np.ndarray:
    """Which rows lie in the region as it is by now."""
    import numpy as np

    x, _ = numbers(rows, column)
    covered = share * strength
    if covered >= 1:
        there: np.ndarray = ~np.isnan(x)
        return there
    known = baseline(reference, column)
    above = side == "above"
    edge = float(np.quantile(known, 1 - covered if above else covered))
    found: np.ndarray = x > edge if above else x < edge
    return found
