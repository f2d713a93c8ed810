"""The injector `plant_proxy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import moments, numbers, put_numbers
from simlab.injectors._groups import members
from simlab.reference import Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

SEAM = "traffic"
LABELS = "keep"
COLUMN = "numeric"
ALSO = {"group": "categorical"}
PROBLEMS = ("binary", "regression")


def plant_proxy(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    group: str,
    value: str,
    correlation: Annotated[float, Field(gt=-1, lt=1)] = 0.8,
) -> pa.Table:
    """Make a harmless column a proxy of a group, at the same mean and spread.

    ``x' = mean + sigma (r m + sqrt(1 - r^2) e)``, with m the membership and e what of x the membership
    does not explain, both at mean 0 and variance 1 in the baseline, and ``r = r0 + s (correlation - r0)``
    at strength s, r0 being the column's own correlation with the group. Tests of the column alone on
    mean and spread see nothing, and a model without the group knows it all the same.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; nothing is drawn. A baseline is needed.
    column
        A numeric column. It holds doubles afterwards; missing values stay missing. One without spread,
        or that the group explains wholly, stays as it is.
    group
        A categorical column.
    value
        The value in it that is the group.
    correlation
        Correlation of the column with membership at full strength.

    Raises
    ------
    LookupError, TypeError
        There is no such column, it does not hold numbers, nobody has that value, or no baseline is known.
    """
    import numpy as np

    if strength == 0:
        return rows
    mean, sigma = moments(reference, column)
    x, missing = numbers(rows, column)
    theirs = members(rows, group, value, reference)
    share, natural = _baseline(reference, column, group, value)
    if sigma <= 0 or not 0 < share < 1 or abs(natural) >= 1:
        return rows
    membership = (theirs - share) / np.sqrt(share * (1 - share))
    rest = ((x - mean) / sigma - natural * membership) / np.sqrt(1 - natural**2)
    r = natural + strength * (correlation - natural)
    proxy = mean + sigma * (r * membership + np.sqrt(1 - r**2) * rest)
    return put_numbers(rows, column, mask, proxy, missing)


def _baseline(reference: Reference, column: str, group: str, value: str) -> tuple[float, float]:
    """The group's share in the baseline, and its correlation with the column there."""
    import numpy as np

    if reference.table is None:
        raise LookupError("there is no baseline to measure the group and the column in")
    x, missing = numbers(reference.table, column)
    theirs = members(reference.table, group, value, reference)[~missing]
    return (float(theirs.mean()) if len(theirs) else 0.0), _correlation(
        x[~missing], theirs.astype(np.float64)
    )


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's correlation; 0 where one of them has no spread."""
    import numpy as np

    if len(x) < 2 or x.std() == 0 or y.std() == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    group: str,
    value: str,
    correlation: float = 0.8,
) -> Size:
    """The column's correlation with membership: ``r0 + s (correlation - r0)``.

    The error, ``(1 - r^2) sqrt(1/n + 1/m)``, is that of a correlation in n rows and of the m rows of the
    baseline that the column was fitted to.
    """
    import numpy as np

    what = f"correlation of {column} with {group} = {value}"
    _, natural = _baseline(reference, column, group, value)
    r = natural + strength * (correlation - natural)
    x, missing = numbers(after, column)
    where = mask & ~missing
    theirs = members(after, group, value, reference)[where].astype(np.float64)
    count = len(theirs)
    if count < 10 or theirs.std() == 0 or x[where].std() == 0 or reference.table is None:
        return Size(what, r, None)
    error = (1 - r**2) * np.sqrt(1 / count + 1 / max(reference.table.num_rows, 1))
    return Size(what, r, _correlation(x[where], theirs), float(error))
