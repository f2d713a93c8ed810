"""The detector `chisquare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, judge

if TYPE_CHECKING:
    from simlab.detectors import Values

KINDS = ("categorical",)
DIRECTION = "below"


def chisquare(
    reference: Values, current: Values, *, threshold: Annotated[float, Field(gt=0, lt=1)] = 0.05
) -> Verdict:
    """Chi-square test: p-value of the window's counts against the baseline's shares.

    ``sum of (observed - expected)^2 / expected``, with the baseline's shares taken for exact. They are a
    sample as well, so it breaches without drift more often than the threshold says, the more so the
    larger the window beside the baseline: at 0.05 and a baseline of 5,000 rows in 17 % of columns for
    windows of 1,000 rows, in 45 % for windows of 5,000. A category the baseline lacks gives 0 at once.
    Undefined for a column of one category.

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
    return judge("chisquare", reference, current, threshold, kinds=KINDS, direction="below")
