"""How large an injection was, beside how large it says it is; for the injectors beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlab.injectors._columns import baseline
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np


def share(what: str, now: np.ndarray, chance: float, before: np.ndarray | None = None) -> Size:
    """A share of rows that something happened to with the same chance, each on its own.

    Parameters
    ----------
    what
        Words for it.
    now
        Whether it is so of each row that is looked at, shape (n,).
    chance
        Declared chance that it happens to a row.
    before
        Whether it was so already, which it then stays; of no row when not given.
    """
    import numpy as np

    count = len(now)
    if count == 0:
        return Size(what, None, None)
    already = int(before.sum()) if before is not None else 0
    chances = np.full(count - already, chance)
    return tally(what, now, chances, already)


def tally(what: str, now: np.ndarray, chances: np.ndarray, already: int = 0) -> Size:
    """A share of rows that something happened to, each with a chance of its own.

    Parameters
    ----------
    what
        Words for it.
    now
        Whether it is so of each row that is looked at, shape (n,).
    chances
        Declared chance of each row of which it was not so already.
    already
        How many rows it was so of already.
    """
    count = len(now)
    if count == 0:
        return Size(what, None, None)
    variance = float((chances * (1 - chances)).sum())
    # Where hardly a row is expected, one more or less is no error: the normal law does not hold there.
    error = (variance + 1) ** 0.5 / count if variance > 0 else 0.0
    return Size(what, (already + float(chances.sum())) / count, float(now.mean()), error)


def steps(before: np.ndarray, after: np.ndarray, declared: np.ndarray, reference: Reference) -> Size:
    """How far a regression's answers moved on average, in standard deviations of the baseline's."""
    sigma = float(baseline(reference, reference.target).std())
    what = "mean of the answers, in standard deviations"
    if not len(before) or sigma == 0:
        return Size(what, None, None)
    # A law may be told in single precision, and its sum over trees may run in another order.
    error = 1e-6 * (1 + float(abs(declared).max()) / sigma)
    return Size(what, float(declared.mean()) / sigma, float((after - before).mean()) / sigma, error)
