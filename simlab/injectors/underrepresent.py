"""The injector `underrepresent`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlab.injectors._groups import Part, members
from simlab.reference import Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

SEAM = "draw"
LABELS = "weights"
COLUMN = None
ALSO = {"group": "categorical"}
PROBLEMS = ("binary", "regression")


def underrepresent(
    pool: pa.Table,
    strength: float,
    reference: Reference,
    *,
    group: str,
    value: str,
    keep: Part = 0.2,
) -> np.ndarray:
    """Let one group arrive less often than it should; each row keeps its own answer.

    Representation bias: a row of the group is kept with probability ``1 - s (1 - keep)`` at strength s,
    any other always (BiasOnDemand's `p_u`; Bank Account Fraud, variant I). With `where:` only the rows
    that meet it are kept less often. `on: training` the model learns from such a sample and serves all.

    Parameters
    ----------
    pool
        The rows that may be drawn.
    strength
        In [0, 1]; at 0 every weight is 1.
    reference
        The undisturbed world.
    group
        A categorical column.
    value
        The value in it that is the group.
    keep
        Share of the group's rows that are kept at full strength.

    Returns
    -------
    numpy.ndarray
        One weight above 0 per row of the pool, not normalised.

    Raises
    ------
    LookupError
        There is no such column, or nobody of that value.
    """
    import numpy as np

    if strength == 0:
        return np.ones(pool.num_rows)
    return np.where(members(pool, group, value, reference), 1 - strength * (1 - keep), 1.0)


def size(
    before: pa.Table,
    after: np.ndarray,
    mask: np.ndarray | None,
    strength: float,
    reference: Reference,
    *,
    group: str,
    value: str,
    keep: float = 0.2,
) -> Size:
    """The group's share in the draw: ``p k / (p k + 1 - p)``, k the share kept and p its share before."""
    what = f"share of rows where {group} is {value}"
    if not before.num_rows:
        return Size(what, None, None)
    theirs = members(before, group, value, reference)
    p, kept = float(theirs.mean()), 1 - strength * (1 - keep)
    return Size(what, p * kept / (p * kept + 1 - p), float(after[theirs].sum() / after.sum()))
