"""The detector `page_hinkley`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, signalled

if TYPE_CHECKING:
    import numpy as np

KINDS = ("sequence",)
DIRECTION = "above"
STREAMS = ("means", "errors")
UNITS = "sigma"
PROBLEMS = ("binary", "regression")


def page_hinkley(
    values: np.ndarray,
    fresh: int,
    *,
    threshold: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 6.0,
    delta: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.5,
    grace: Annotated[int, Field(ge=1)] = 5,
) -> Verdict:
    """Page-Hinkley test: signals when deviations from the running mean add up, up or down.

    ``U_t = a U_(t-1) + x_t - mean_t - delta`` against its smallest value so far, and the same downwards; a
    change is a gap above the threshold (Page 1954; river, with a = 0.9999). After a signal everything is
    forgotten, and what came after is the new normal: a shift that stays is signalled once.

    The values are in standard deviations, so the defaults, unlike river's, suit window means: ARL0 is 950
    values of one normal law (measured). A stream of rows needs a higher threshold, for one window holds
    hundreds of them.

    Parameters
    ----------
    values
        The sequence since the deployment, oldest first.
    fresh
        How many of the last values are judged.
    threshold
        Gap from which on it signals, in standard deviations.
    delta
        Deviation that is tolerated in each value, in standard deviations.
    grace
        Values before the first signal.

    Returns
    -------
    tuple
        The number of signals among the judged values (None where there are none), whether there is one,
        and 1.
    """
    return signalled("PageHinkley", values, fresh, threshold=threshold, delta=delta, min_instances=grace)
