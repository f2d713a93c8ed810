"""The detector `eddm`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, signalled

if TYPE_CHECKING:
    import numpy as np

KINDS = ("sequence",)
DIRECTION = "above"
STREAMS = ("errors",)
UNITS = "own"
PROBLEMS = ("binary",)


def eddm(
    values: np.ndarray,
    fresh: int,
    *,
    beta: Annotated[float, Field(gt=0, lt=1)] = 0.9,
    grace: Annotated[int, Field(ge=1)] = 30,
) -> Verdict:
    """Early drift detection method: signals when errors come closer together.

    A change is ``(p + 2 s) / (p_max + 2 s_max) < beta`` with mean and standard deviation of the rows between
    two errors, beside their largest sum so far (Baena-Garcia et al. 2006; river). Made for slow changes, and
    quick to cry: ARL0 is 660 rows at an error rate of 0.15 (measured), less than one window as a rule.

    Parameters
    ----------
    values
        The sequence since the deployment, oldest first.
    fresh
        How many of the last values are judged.
    beta
        Share of the largest distance below which it signals.
    grace
        Errors before the first signal.

    Returns
    -------
    tuple
        The number of signals among the judged values (None where there are none), whether there is one,
        and 1.
    """
    return signalled("EDDM", values, fresh, alpha=1.0, beta=beta, warm_start=grace)
