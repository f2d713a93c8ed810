"""The detector `hellinger`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, judge

if TYPE_CHECKING:
    from simlab.detectors import Values

KINDS = ("numeric", "categorical")
DIRECTION = "above"


def hellinger(
    reference: Values, current: Values, *, threshold: Annotated[float, Field(gt=0)] = 0.1
) -> Verdict:
    """Hellinger distance between the shares of two samples in the same bins.

    ``sqrt(1 - sum of sqrt(p q))``, 0 to 1; bins of equal width by Sturges' rule for numbers, one bin per
    category. Like `jensenshannon` it grows with the number of categories where a window has few rows.

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
    return judge("hellinger", reference, current, threshold, kinds=KINDS, direction="above")
