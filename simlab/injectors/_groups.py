"""Groups of people, and flips of their records, for the injectors beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.errors import did_you_mean
from simlab.injectors._columns import present
from simlab.reference import Size

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

Share = Annotated[float, Field(ge=0, le=1)]
"""A share that may be nothing at all."""

Part = Annotated[float, Field(gt=0, le=1)]
"""A share above nothing."""

Step = Annotated[float, Field(allow_inf_nan=False)]
"""Any number, however far it moves something."""


def members(rows: pa.Table, group: str, value: str, reference: Reference) -> np.ndarray:
    """Which rows belong to a group; a row whose group is missing belongs to none.

    Raises
    ------
    LookupError
        There is no such column, or nobody of that value, neither here nor in the baseline.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    same = pc.equal(present(rows, group).cast(pa.string()), value)
    found: np.ndarray = pc.fill_null(same, False).to_numpy()
    if not found.any():
        _known(group, value, reference)
    return found


def _known(group: str, value: str, reference: Reference) -> None:
    """Refuse a value that nobody has: it is a slip of the pen, and would do nothing in silence."""
    import pyarrow as pa

    if reference.table is None or group not in reference.table.column_names:
        return
    values = [v for v in reference.table[group].cast(pa.string()).unique().to_pylist() if v is not None]
    if value not in values:
        raise LookupError(f"nobody in the baseline has {group} = {value!r}{did_you_mean(value, values)}")


def rate_by_value(rows: pa.Table, group: str, rates: Mapping[str, float], reference: Reference) -> np.ndarray:
    """The rate of each row's group; 0 where none is named."""
    import numpy as np

    found = np.zeros(rows.num_rows)
    for value, rate in rates.items():
        found[members(rows, group, value, reference)] = rate
    return found


def whole(labels: np.ndarray, kind: str) -> np.ndarray:
    """Which labels are known.

    Raises
    ------
    ValueError
        A label is neither 0 nor 1.
    """
    import numpy as np

    known: np.ndarray = ~np.isnan(labels)
    if not np.isin(labels[known], (0, 1)).all():
        raise ValueError(f"{kind} needs labels that are 0 or 1")
    return known


def flipped(labels: np.ndarray, chance: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The labels, each of the masked ones as the other class with its own chance; one draw per row."""
    import numpy as np

    wrong = mask & (rng.random(len(labels)) < chance)
    return np.where(wrong, 1 - labels, labels).astype(labels.dtype)


def wrong_share(before: np.ndarray, after: np.ndarray, mask: np.ndarray, chance: np.ndarray) -> Size:
    """The share of records that changed, beside the mean of the chances each row had to."""
    import numpy as np

    where = mask & ~np.isnan(before)
    count = int(where.sum())
    if not count:
        return Size("share of records changed", None, None)
    p = chance[where]
    return Size(
        "share of records changed",
        declared=float(p.mean()),
        measured=float((before != after)[where].mean()),
        error=float(np.sqrt((p * (1 - p)).sum()) / count),
    )
