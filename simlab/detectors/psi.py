"""The detector `psi`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, judge

if TYPE_CHECKING:
    from simlab.detectors import Values

KINDS = ("numeric", "categorical")
DIRECTION = "above"


def psi(reference: Values, current: Values, *, threshold: Annotated[float, Field(gt=0)] = 0.1) -> Verdict:
    """Population stability index: how differently two samples fill the same bins.

    ``sum of (p - q) ln(p / q)`` over the bins, with shares p of the baseline and q of the window: bins of
    equal width by Sturges' rule for numbers of more than 20 values, else one bin per value. An empty bin
    counts as 0.0001 (or a millionth of the least share). In credit scoring 0.1 is a moderate change and
    0.25 a large one.

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
    return judge("psi", reference, current, threshold, kinds=KINDS, direction="above")
