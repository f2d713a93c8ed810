"""The detector `adwin`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, signalled

if TYPE_CHECKING:
    import numpy as np

KINDS = ("sequence",)
DIRECTION = "above"
STREAMS = ("means", "errors")
UNITS = "own"
PROBLEMS = ("binary", "regression")


def adwin(
    values: np.ndarray,
    fresh: int,
    *,
    delta: Annotated[float, Field(gt=0, lt=1)] = 0.002,
    clock: Annotated[int, Field(ge=1)] = 1,
    grace: Annotated[int, Field(ge=1)] = 10,
) -> Verdict:
    """Adaptive windowing: signals when two parts of the recent past have different means.

    Cuts the kept past into an older and a newer part wherever that can be done; a change is a gap in their
    means above ``sqrt(2 v ln(2/d) / m) + 2 ln(2/d) / (3 m)`` with the variance v, the harmonic size m of
    the parts and d the confidence divided by the logarithm of the length (Bifet and Gavalda 2007;
    river). The older part is then forgotten. Cautious: with its defaults no signal in 300,000 values of
    one normal law. Among means a change must be of several standard errors or last for many windows.

    Parameters
    ----------
    values
        The sequence since the deployment, oldest first.
    fresh
        How many of the last values are judged.
    delta
        Confidence of one comparison; smaller is more cautious.
    clock
        Values between two looks. River looks at every 32nd value.
    grace
        Values before the first look.

    Returns
    -------
    tuple
        The number of signals among the judged values (None where there are none), whether there is one,
        and 1.
    """
    return signalled("ADWIN", values, fresh, delta=delta, clock=clock, grace_period=grace)
