"""The detector `kswin`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from simlab.detectors import Verdict, signalled

if TYPE_CHECKING:
    import numpy as np

KINDS = ("sequence",)
DIRECTION = "above"
STREAMS = ("means",)
UNITS = "own"
PROBLEMS = ("binary", "regression")


def problems_in(given: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with settings that are fine one by one."""
    past, newest = given.get("past", 20), given.get("newest", 8)
    if isinstance(past, int) and isinstance(newest, int) and 2 * newest > past:
        yield f"kswin.newest: {newest} of {past} values leave too few to compare with; at most half"


def kswin(
    values: np.ndarray,
    fresh: int,
    *,
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.005,
    past: Annotated[int, Field(ge=4)] = 20,
    newest: Annotated[int, Field(ge=2)] = 8,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> Verdict:
    """Kolmogorov-Smirnov windowing: compares the newest values with a sample of those before.

    A two-sample Kolmogorov-Smirnov test of the last values against as many drawn from the rest of a sliding
    window; a change is a p-value of at most alpha and a gap above 0.1 (Raab et al. 2020; river). It sees more
    than means. One value costs half a millisecond, so it is offered for window means alone, and its
    default window of 20 values, unlike river's 100, suits them: ARL0 is 460 values (measured).

    Parameters
    ----------
    values
        The sequence since the deployment, oldest first.
    fresh
        How many of the last values are judged.
    alpha
        p-value from which downwards it signals. With 8 values each no p-value is below 0.00016.
    past
        Length of the sliding window.
    newest
        How many of the newest values are compared; at most half of `past`.
    seed
        Where the draws come from.

    Returns
    -------
    tuple
        The number of signals among the judged values (None where there are none), whether there is one,
        and 1.
    """
    return signalled("KSWIN", values, fresh, alpha=alpha, window_size=past, stat_size=newest, seed=seed)
