"""The detector `ks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, judge

if TYPE_CHECKING:
    from simlab.detectors import Values

KINDS = ("numeric",)
DIRECTION = "below"


def ks(
    reference: Values, current: Values, *, threshold: Annotated[float, Field(gt=0, lt=1)] = 0.05
) -> Verdict:
    """Kolmogorov-Smirnov test: p-value of the largest gap between two distribution functions.

    ``sup |F_reference - F_current|`` of two samples, two-sided. Where many values are equal (whole
    numbers, mostly zeros) the p-value is too large, and it breaches too seldom.

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
    return judge("ks", reference, current, threshold, kinds=KINDS, direction="below")
