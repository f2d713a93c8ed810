"""The detector `hddm_w`."""

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


def hddm_w(
    values: np.ndarray,
    fresh: int,
    *,
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.001,
    weight: Annotated[float, Field(gt=0, lt=1)] = 0.05,
) -> Verdict:
    """Hoeffding drift detection, weighted: signals when a moving error rate rises beyond its bound.

    As `hddm_a`, with means that weigh recent rows more (EWMA) and McDiarmid's bound (Frias-Blanco et al.
    2015, the W test; river). For slow changes. In 5 % of the streams of 10,000 rows of error rate 0.15 a
    false alarm (measured).

    Parameters
    ----------
    values
        The sequence since the deployment, oldest first.
    fresh
        How many of the last values are judged.
    confidence
        Chance of a false alarm in one comparison.
    weight
        Weight of the newest row in the moving rate.

    Returns
    -------
    tuple
        The number of signals among the judged values (None where there are none), whether there is one,
        and 1.
    """
    return signalled("HDDMW", values, fresh, drift_confidence=confidence, lambda_val=weight)
