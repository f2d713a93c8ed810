"""The injector `delay_rows`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simlab.injectors._columns import present, put
from simlab.injectors._faults import share_size
from simlab.yamlfile import Duration

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "delivery"
LABELS = "keep"
COLUMN = None
PROBLEMS = ("binary", "regression")


def delay_rows(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    share: Annotated[float, Field(gt=0, le=1)] = 0.1,
    by: Duration = timedelta(hours=1),
    law: Literal["constant", "exponential"] = "constant",
    shuffle: bool = False,
) -> pa.Table:
    """Let a share of the rows arrive later than they happened, and out of order.

    Late data (badgers RandomTimeSwitch): with probability ``share s`` at strength s a row of this
    window carries an event time that lies earlier, by a constant or by a delay drawn from an
    exponential law. Nothing else of it changes, and the answers stay; a label comes as long after the
    event time as ever.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; two numbers are drawn for every row, and with `shuffle` a third.
    share
        Share of the rows that are late at full strength.
    by
        How much earlier the event time is, or its mean under the exponential law; 0 leaves it alone.
    law
        `constant`: every late row by as much; `exponential`: many a little, few a lot.
    shuffle
        Whether late rows also change places among themselves at random, so that they arrive out of
        order.

    Raises
    ------
    LookupError
        The rows have no event time.
    """
    import pyarrow as pa

    if strength == 0:
        return rows
    present(rows, reference.event_time)
    late, microseconds, order = _drawn(rows.num_rows, mask, share * strength, rng, by, law, shuffle)
    if not late.any():
        return rows
    rows = _dated(rows, reference.event_time, -microseconds)
    return rows if order is None else rows.take(pa.array(order))


def _drawn(
    count: int,
    mask: np.ndarray,
    share: float,
    rng: np.random.Generator,
    by: timedelta,
    law: str,
    shuffle: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Which rows are late, by how many microseconds, and in which order they come."""
    import numpy as np

    late = mask & (rng.random(count) < share)
    spread = -np.log1p(-rng.random(count)) if law == "exponential" else np.ones(count)
    length = by // timedelta(microseconds=1)
    # A million years is late enough, and still a date.
    microseconds = np.where(late, np.minimum(np.round(spread * length), 3e16), 0).astype(np.int64)
    order = None
    if shuffle:
        order, places = np.arange(count), np.flatnonzero(late)
        order[places] = places[np.argsort(rng.random(count)[places], kind="stable")]
    return late, microseconds, order


def _dated(rows: pa.Table, event_time: str, microseconds: np.ndarray) -> pa.Table:
    """The rows with event times moved."""
    import pyarrow as pa
    import pyarrow.compute as pc

    times = rows[event_time]
    moved = pc.add(times.cast(pa.timestamp("us")), pa.array(microseconds, pa.duration("us")))
    return put(rows, event_time, moved.cast(times.type))


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    share: float = 0.1,
    by: timedelta = timedelta(hours=1),
    law: Literal["constant", "exponential"] = "constant",
    shuffle: bool = False,
) -> Size | None:
    """Share of the rows that are late; None where they only change places."""
    import numpy as np

    if not by:
        return None
    # Shuffled or not, a row is known by its inference id.
    old, new = (np.argsort(rows["inference_id"].to_numpy(), kind="stable") for rows in (before, after))
    times = [rows[reference.event_time].to_numpy() for rows in (before, after)]
    late = np.zeros(len(mask), bool)
    late[old] = times[0][old] != times[1][new]
    return share_size("share of rows that are late", share * strength, late, mask)


def undo(
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    share: float = 0.1,
    by: timedelta = timedelta(hours=1),
    law: Literal["constant", "exponential"] = "constant",
    shuffle: bool = False,
) -> pa.Table:
    """The rows in their order and with their event times."""
    import numpy as np
    import pyarrow as pa

    if strength == 0:
        return after
    late, microseconds, order = _drawn(after.num_rows, mask, share * strength, rng, by, law, shuffle)
    if not late.any():
        return after
    if order is not None:
        after = after.take(pa.array(np.argsort(order)))
    return _dated(after, reference.event_time, microseconds)
