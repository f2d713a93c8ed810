"""The detector `ed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, judge

if TYPE_CHECKING:
    import numpy as np

KINDS = ("numeric",)
DIRECTION = "above"


def ed(
    reference: np.ndarray, current: np.ndarray, *, threshold: Annotated[float, Field(gt=0)] = 0.1
) -> Verdict:
    """Energy distance: how far apart the distribution functions of two samples lie.

    ``sqrt(2 integral (F - G)^2)`` (Szekely and Rizzo 2013, Cramer's distance). It grows with the square root
    of the column's unit, and nothing is divided out: a threshold fits one column, not all. Two
    samples of a standard normal law, 5,000 and 1,000 rows, differ by 0.03 as a rule.

    Parameters
    ----------
    reference, current
        Values of one column in the baseline and in the window.
    threshold
        Distance from which on the column counts as drifted, in square roots of the column's unit.

    Returns
    -------
    tuple
        The figure (None where undefined), whether it breached, and the threshold.
    """
    return judge("ed", reference, current, threshold, kinds=KINDS, direction="above")
