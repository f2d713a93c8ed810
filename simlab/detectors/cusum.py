"""The detector `cusum`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict

if TYPE_CHECKING:
    import numpy as np

KINDS = ("sequence",)
DIRECTION = "above"
STREAMS = ("means", "errors")
UNITS = "sigma"
PROBLEMS = ("binary", "regression")


def cusum(
    values: np.ndarray,
    fresh: int,
    *,
    k: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.5,
    h: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 5.0,
) -> Verdict:
    """Two-sided tabular CUSUM: signals when values stay on one side of the baseline's mean.

    ``C+ = max(0, C+ + x - k)`` and ``C- = max(0, C- - x - k)``; a change is a sum above h (Page 1954).
    Both sums begin at 0 again after a signal; a shift that stays is signalled again and again, for the
    baseline's mean remains the yardstick. With k = 0.5 and h = 5 the ARL0 is 465 values of a standard
    normal law, and a shift by one standard deviation is found after 10 on average (Hawkins and Olwell
    1998).

    A baseline of few rows errs itself, and by the same amount in every window: with five times as many
    rows as a window it still moves all means by 0.4 standard errors, and ARL0 falls. For a stream of rows h
    must be higher, as one window holds hundreds: h = 12 gives half a million of normal values.

    Parameters
    ----------
    values
        The sequence since the deployment, oldest first, in standard deviations from the baseline's mean.
    fresh
        How many of the last values are judged.
    k
        Deviation that is tolerated in each value, in standard deviations: half the shift that matters.
    h
        Sum from which on it signals, in standard deviations.

    Returns
    -------
    tuple
        The largest sum among the judged values (None where there are none), whether it is above h, and h.

    >>> import numpy as np
    >>> cusum(np.array([1.5, 1.5, 1.5]), 1, k=0.5, h=2.5)
    (3.0, True, 2.5)
    """
    import numpy as np

    largest: float | None = None
    up = down = 0.0
    for left, value in zip(range(len(values) - 1, -1, -1), values.tolist(), strict=True):
        if not np.isfinite(value):
            continue
        up, down = max(0.0, up + value - k), max(0.0, down - value - k)
        sum_ = max(up, down)
        if left < fresh:
            largest = sum_ if largest is None else max(largest, sum_)
        if sum_ > h:
            up = down = 0.0
    return largest, largest is not None and largest > h, h
