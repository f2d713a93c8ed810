"""The detector `t_test`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, judge

if TYPE_CHECKING:
    from simlab.detectors import Values

KINDS = ("numeric",)
DIRECTION = "below"


def t_test(
    reference: Values, current: Values, *, threshold: Annotated[float, Field(gt=0, lt=1)] = 0.05
) -> Verdict:
    """Student's t test: p-value of the difference between two means.

    Two-sided, equal variances. It sees means only: a wider spread around the same mean escapes it.
    Undefined for constants.

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
    return judge("t_test", reference, current, threshold, kinds=KINDS, direction="below")
