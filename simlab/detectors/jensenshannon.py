"""The detector `jensenshannon`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, judge

if TYPE_CHECKING:
    from simlab.detectors import Values

KINDS = ("numeric", "categorical")
DIRECTION = "above"


def jensenshannon(
    reference: Values, current: Values, *, threshold: Annotated[float, Field(gt=0)] = 0.1
) -> Verdict:
    """Jensen-Shannon distance between the shares of two samples in the same bins.

    ``sqrt((KL(p, m) + KL(q, m)) / 2)`` with ``m = (p + q) / 2``, natural logarithms, bins as for `psi`; 0 to
    0.83. It grows with the number of categories where a window has few rows: with 40 categories and
    500 rows two samples of the same law differ by 0.11.

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
    return judge("jensenshannon", reference, current, threshold, kinds=KINDS, direction="above")
