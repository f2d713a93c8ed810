"""The detector `mannw`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.detectors import Verdict, judge

if TYPE_CHECKING:
    from simlab.detectors import Values

KINDS = ("numeric",)
DIRECTION = "below"


def mannw(
    reference: Values, current: Values, *, threshold: Annotated[float, Field(gt=0, lt=1)] = 0.05
) -> Verdict:
    """Mann-Whitney U test: p-value of the window's values being larger than the baseline's.

    One-sided, as Evidently computes it: it sees values rise and is blind to values that fall. `ks` sees
    both.

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
    return judge("mannw", reference, current, threshold, kinds=KINDS, direction="below")
