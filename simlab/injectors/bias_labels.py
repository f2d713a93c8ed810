"""The injector `bias_labels`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlab.injectors._groups import Share, flipped, members, whole, wrong_share

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "labels"
LABELS = "noise"
COLUMN = None
ALSO = {"group": "categorical"}
PROBLEMS = ("binary",)


def bias_labels(
    labels: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    group: str,
    value: str,
    from_1: Share = 0.3,
    from_0: Share = 0.0,
) -> np.ndarray:
    """Record a proxy of the answer that treats one group worse: arrests for crimes.

    Measurement bias on the label: of the group's rows alone, ``P(record = 0 | y = 1) = from_1 s`` and
    ``P(record = 1 | y = 0) = from_0 s`` at strength s (BiasOnDemand's `l_m_y`; Suresh and Guttag 2021).
    What truly happened stays, so a model may look fair by the record and be unfair.

    Parameters
    ----------
    labels
        0 or 1 per row; NaN where unknown, which stays so.
    rows, mask, strength, rng, reference
        As for every injector of the record; one uniform draw per row is taken.
    group
        A categorical column.
    value
        The value in it that is the group.
    from_1
        Share of the group's rows of class 1 that are recorded as 0, at full strength.
    from_0
        Share of the group's rows of class 0 that are recorded as 1, at full strength.

    Returns
    -------
    numpy.ndarray
        The labels as recorded, in the type they were given in.

    Raises
    ------
    LookupError
        There is no such column, or nobody of that value.
    ValueError
        A label is neither 0 nor 1.
    """
    import numpy as np

    if strength == 0:
        return labels
    whole(labels, "bias_labels")
    theirs = mask & members(rows, group, value, reference)
    return flipped(labels, np.where(labels >= 0.5, from_1, from_0) * strength, theirs, rng)


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
    from_1: float = 0.3,
    from_0: float = 0.0,
) -> Size:
    """The share of the group's records that are wrong: ``s (from_1 P(y = 1 | a) + from_0 P(y = 0 | a))``."""
    import numpy as np

    theirs = mask & members(rows, group, value, reference)
    return wrong_share(before, after, theirs, np.where(before >= 0.5, from_1, from_0) * strength)
