"""The detector `wasserstein`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, judge

if TYPE_CHECKING:
    from simlab.detectors import Values

KINDS = ("numeric",)
DIRECTION = "above"


def wasserstein(
    reference: Values, current: Values, *, threshold: Annotated[float, Field(gt=0)] = 0.1
) -> Verdict:
    """How far values must be moved to turn one sample into the other, in standard deviations.

    The first Wasserstein distance, ``integral |F_reference - F_current| dx``, divided by the standard
    deviation of the baseline (0.001 where that is less). A shift of the whole column by 0.1 standard
    deviations gives 0.1. Two samples of the same law differ as well: with 5,000 rows of baseline and
    1,000 in the window by 0.04 as a rule, now and then by 0.1.

    Parameters
    ----------
    reference, current
        Values of one column in the baseline and in the window.
    threshold
        Distance from which on the column counts as drifted.

    Returns
    -------
    tuple
        The figure (None where undefined), whether it breached, and the threshold.
    """
    return judge("wasserstein", reference, current, threshold, kinds=KINDS, direction="above")
