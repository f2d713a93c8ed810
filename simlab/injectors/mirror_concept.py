"""The injector `mirror_concept`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlab.injectors._law import yes
from simlab.injectors._sizes import tally
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "labels"
LABELS = "concept"
COLUMN = None
PROBLEMS = ("binary",)


def mirror_concept(
    eta: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
) -> np.ndarray:
    """Exchange false positives and false negatives, so that the accuracy stays and their kind does not.

    Concept drift that a watcher of the error rate alone does not see (the blind spot of DDM; Gama et
    al. 2004). The law's best rule says yes where ``eta >= 1/2`` and errs there with chance ``1 - eta``;
    elsewhere it says no and errs with chance eta. Let F and N be the sums of these chances over the
    touched rows: the false positives and false negatives to expect of it. At full strength the first
    chances are multiplied by N / F and the second by F / N; at strength s the law is ``eta + s (eta' -
    eta)``. P(X) stays. A chance that would exceed 1 is cut to 1, and then the exchange is not whole
    (`size` declares what is left of it); where F or N is 0 nothing can be exchanged, and nothing is.

    Parameters
    ----------
    eta
        The world's probability of the positive class, one per row, in [0, 1].
    rows, mask, strength, reference
        As for every injector of the law.

    Returns
    -------
    numpy.ndarray
        The new probabilities, in [0, 1].
    """
    import numpy as np

    if strength == 0:
        return eta
    return np.where(mask, eta + strength * (_mirrored(eta, mask) - eta), eta)


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table,
) -> Size:
    """False positives of the law's old rule; of several changes of answers at once, after all of them."""
    eta = reference.eta(rows)
    law = eta + strength * (_mirrored(eta, mask) - eta)
    said = mask & (eta >= 0.5)
    chances = 1 - yes(before, eta, law)
    # Rows of which the rule says no cannot be false positives.
    return tally("share of false positives", (said & (after < 0.5))[mask], (said * chances)[mask])


def _mirrored(eta: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The law whose best old rule errs the other way, on the masked rows."""
    import numpy as np

    said = eta >= 0.5
    positives, negatives = float((1 - eta)[mask & said].sum()), float(eta[mask & ~said].sum())
    if positives == 0 or negatives == 0:
        return eta
    more = np.minimum((1 - eta) * (negatives / positives), 1.0)
    less = np.minimum(eta * (positives / negatives), 1.0)
    found: np.ndarray = np.where(said, 1 - more, less)
    return found
