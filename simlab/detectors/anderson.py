"""The detector `anderson`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, judge

if TYPE_CHECKING:
    from simlab.detectors import Values

KINDS = ("numeric",)
DIRECTION = "below"


def anderson(
    reference: Values, current: Values, *, threshold: Annotated[float, Field(gt=0, lt=1)] = 0.1
) -> Verdict:
    """Anderson-Darling test: p-value of the gaps between distribution functions, tails counted more.

    The k-sample statistic with two samples (Scholz and Stephens 1987). The p-value is read from a
    table, so it is never under 0.001 or above 0.25: a threshold outside of these says nothing. Undefined
    for a constant column.

    Parameters
    ----------
    reference, current
        Values of one column in the baseline and in the window.
    threshold
        p-value below which the column counts as drifted.

    Returns
    -------
    tuple
        The figure (None where undefined), whether it breached, and the threshold.
    """
    return judge("anderson", reference, current, threshold, kinds=KINDS, direction="below")
