"""The detector `kl_div`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, judge

if TYPE_CHECKING:
    from simlab.detectors import Values

KINDS = ("numeric", "categorical")
DIRECTION = "above"


def kl_div(reference: Values, current: Values, *, threshold: Annotated[float, Field(gt=0)] = 0.1) -> Verdict:
    """Kullback-Leibler divergence of the baseline from the window.

    ``sum of p ln(p / q)`` with shares p of the baseline and q of the window, bins as for `psi`. Not
    symmetric: a category that vanished counts for much, one that appeared for little.

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
    return judge("kl_div", reference, current, threshold, kinds=KINDS, direction="above")
