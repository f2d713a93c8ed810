"""The detector `z`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, judge

if TYPE_CHECKING:
    from simlab.detectors import Values

KINDS = ("categorical",)
DIRECTION = "below"


def z(
    reference: Values, current: Values, *, threshold: Annotated[float, Field(gt=0, lt=1)] = 0.05
) -> Verdict:
    """Z test: p-value of the difference in the share of one category, for columns of two.

    Two-sided, pooled variance: ``(p - q) / sqrt(P (1 - P) (1/n + 1/m))`` with the shares of everything but
    the first category by name. Among more than two categories it does not see the others change
    places.

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
    return judge("z", reference, current, threshold, kinds=KINDS, direction="below")
