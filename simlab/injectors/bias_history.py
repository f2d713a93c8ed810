"""The injector `bias_history`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlab.injectors._groups import Step, members
from simlab.reference import Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

SEAM = "labels"
LABELS = "concept"
COLUMN = None
ALSO = {"group": "categorical"}
PROBLEMS = ("binary",)


def bias_history(
    eta: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    group: str,
    value: str,
    by: Step = 1.0,
) -> np.ndarray:
    """Make the world itself unequal: the same person of one group succeeds less often.

    Historical bias: ``sigmoid(logit(eta) - by s)`` for the group's rows at strength s (Suresh and Guttag
    2021; BiasOnDemand's `l_y`, on the scale of the log odds). It is no error of anybody's record: what
    truly happens is unequal, so hindsight agrees with the labels. `on: training` it is a history that
    has ended since; with a shape on live rows it is temporal bias.

    Parameters
    ----------
    eta
        The world's probability of the positive class, one per row, in [0, 1].
    rows, mask, strength, reference
        As for every injector of the law.
    group
        A categorical column.
    value
        The value in it that is the group.
    by
        How far the group's log odds fall at full strength; negative favours it.

    Returns
    -------
    numpy.ndarray
        The new probabilities, in [0, 1].

    Raises
    ------
    LookupError
        There is no such column, or nobody of that value.
    """
    import numpy as np

    if strength == 0:
        return eta
    theirs = mask & members(rows, group, value, reference)
    return np.where(theirs, _lowered(eta, by * strength), eta)


def _lowered(eta: np.ndarray, by: float) -> np.ndarray:
    import numpy as np

    with np.errstate(divide="ignore", over="ignore"):  # certain answers stay certain
        found: np.ndarray = 1 / (1 + np.exp(-(np.log(eta) - np.log1p(-eta) - by)))
    return found


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table,
    group: str,
    value: str,
    by: float = 1.0,
) -> Size:
    """How much the group's share of yes moves, given the answers before.

    Where the chance falls from eta to eta', a yes stays one with probability ``eta' / eta``; where it
    rises, a no stays one with probability ``(1 - eta') / (1 - eta)``. As no other injection changes the
    law at the same time; where one does there is no closed form, and the error is too small.
    """
    import numpy as np

    what = f"change of the share of yes where {group} is {value}"
    theirs = mask & members(rows, group, value, reference) & ~np.isnan(before)
    count = int(theirs.sum())
    if not count:
        return Size(what, None, None)
    eta = reference.eta(rows)[theirs]
    new, y = _lowered(eta, by * strength), before[theirs] >= 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        leaves = np.where(y, 1 - new / eta, 1 - (1 - new) / (1 - eta))
    # A certain answer stays certain, and one that can only become likelier never changes.
    leaves = np.nan_to_num(leaves, nan=0.0, neginf=0.0).clip(0, 1)
    return Size(
        what,
        declared=float(np.where(y, -leaves, leaves).mean()),
        measured=float((after - before)[theirs].mean()),
        error=float(np.sqrt((leaves * (1 - leaves)).sum()) / count),
    )
