"""The injector `duplicate_rows`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import present, put, struck
from simlab.reference import Size
from simlab.yamlfile import Duration

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "delivery"
LABELS = "keep"
COLUMN = None
PROBLEMS = ("binary", "regression")


def duplicate_rows(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    share: Annotated[float, Field(gt=0, le=1)] = 0.1,
    times: Annotated[int, Field(ge=1, le=5)] = 1,
    gap: Duration = timedelta(0),
) -> pa.Table:
    """Deliver a share of the rows again, as a queue that delivers at least once does.

    With probability ``share s`` at strength s a row comes again, 1 to `times` times, each number as
    likely (badgers RandomRepeat). A copy has an inference id of its own and the same entity key, and
    comes after all other rows. The answers stay: a copy's is that of its row.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; two numbers are drawn for every row.
    share
        Share of the rows that come again at full strength.
    times
        How often one comes again at most.
    gap
        How much later the event time of each further copy is; with 0 it is the row's own.

    Raises
    ------
    LookupError, TypeError
        The rows have no inference ids, or ids that are not whole numbers.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if strength == 0:
        return rows
    ids = present(rows, "inference_id")
    if not pa.types.is_integer(ids.type):
        raise TypeError(f"the inference ids are {ids.type}, not whole numbers")
    hit = struck(rows, mask, share * strength, rng)
    again = np.where(hit, rng.integers(1, times + 1, rows.num_rows), 0)
    place = np.repeat(np.arange(rows.num_rows), again)
    if not len(place):
        return rows
    first = np.repeat(np.cumsum(again) - again, again)
    turn = np.arange(len(place)) - first + 1
    copies = rows.take(pa.array(place))
    fresh = pc.max(ids).as_py() + 1 + np.arange(len(place))
    copies = put(copies, "inference_id", pa.array(fresh, ids.type))
    if gap:
        copies = put(copies, reference.event_time, _later(copies[reference.event_time], turn, gap))
    return pa.concat_tables([rows, copies])


def _later(times: pa.ChunkedArray, turn: np.ndarray, gap: timedelta) -> pa.ChunkedArray:
    """Event times of copies: the first one gap later, the second two."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    microseconds = turn * np.int64(gap // timedelta(microseconds=1))
    moved = pc.add(times.cast(pa.timestamp("us")), pa.array(microseconds, pa.duration("us")))
    return moved.cast(times.type)


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    share: float = 0.1,
    times: int = 1,
    gap: timedelta = timedelta(0),
) -> Size:
    """Copies per row that may be touched: ``share s (times + 1) / 2``, a Bernoulli times a uniform."""
    rows, hit = int(mask.sum()), share * strength
    declared = hit * (times + 1) / 2
    if not rows:
        return Size("copies per row", declared, None)
    square = hit * (times + 1) * (2 * times + 1) / 6
    measured = (after.num_rows - before.num_rows) / rows
    return Size("copies per row", declared, measured, ((square - declared**2) / rows) ** 0.5)


def undo(
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    share: float = 0.1,
    times: int = 1,
    gap: timedelta = timedelta(0),
) -> pa.Table:
    """The rows without the copies, which stand behind them."""
    return after if strength == 0 or after.num_rows == len(mask) else after.slice(0, len(mask))
