"""Ways to notice, one a file: a detector compares what it is shown with what was known before.

The file name is what a scenario writes under `stages.monitor`; the keyword-only parameters are its
settings. Every module says in `KINDS` what its detector looks at:

`numeric`, `categorical`
    One column of a window beside the baseline: ``f(reference, current, *, threshold)``. The figures
    are Evidently's, so that a threshold found here holds there as well, and so does each default.
`sequence`
    Numbers in order since the deployment: ``f(values, fresh, *, ...)``. The last `fresh` of them are
    judged; the detector folds over all of them, for stages have no memory.
`rows`
    All features of a window beside the baseline: ``f(reference, current, seed, *, threshold)``.
`predictions`
    Scores of a window beside scored and labelled baseline rows:
    ``f(reference, labels, current, cut, *, ...)``.

Every module says further:

`DIRECTION`
    `above`: the figure is a distance, and drift is a value of at least the threshold. `below`: the
    figure is a p-value, and drift is a value under the threshold.
`STREAMS`
    Of a sequence: `means` (one standardised mean of a column per window) and `errors` (one per
    labelled row).
`UNITS`
    Of a sequence: `sigma` where errors are standardised by the baseline's first, `own` where the errors of
    a binary problem are 0 and 1.
`PROBLEMS`
    Kinds of problem whose errors or predictions it can read.

Every detector returns the figure, whether it breached its threshold, and the threshold. The figure is
None, and nothing is breached, where it is undefined: one sample has no values, or the statistic has
none for such values (a t test of constants).

A p-value says how surprising a difference is, not how large: with many rows it breaches over
differences that harm nobody, and among many columns it breaches by chance (20 undrifted columns at
0.05 do so 64 % of the time; see `stages.monitor.correction`). A distance says how large, but two samples
of the same law differ too, and the more so the fewer rows they hold. A sequential detector has no rate
per window but a mean time to the first false alarm, its ARL0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

from simlab.engines import engine
from simlab.statistics import METHODS, Sample, sample, statistic

if TYPE_CHECKING:
    import numpy as np

    Values = np.ndarray | Sample
    """Values of one column, or the sample made of them: a baseline is prepared once for many windows."""

Verdict = tuple[float | None, bool, float]
"""Figure (None: undefined), whether it breached, threshold."""

REFUSED: Mapping[str, str] = {
    "empirical_mmd": "it takes 4 seconds for 1,000 rows and 230 for 5,000",
    "TVD": "its permutations take 1 second for 1,000 rows, 63 for 100,000, and reset the global generator",
    "g_test": "Evidently compares raw counts: it fails unless the window has as many rows as the baseline",
    "cramer_von_mises": "it takes equal values for drift: on columns of whole numbers it breaches in 8 of 10 "
    "windows without any",
    "fisher_exact": "it needs two categories, and a window with as many rows as the baseline",
}
"""Methods of Evidently's that are not offered, and why."""


def judge(
    method: str,
    reference: Values,
    current: Values,
    threshold: float,
    *,
    kinds: Sequence[str],
    direction: Literal["above", "below"],
) -> Verdict:
    """Compare two samples of a column by one of Evidently's methods.

    Parameters
    ----------
    method
        Evidently's name of the method.
    reference, current
        Values of the column; an array of objects or text is categorical, any other numeric. Missing
        and infinite values count nowhere. What was made a `simlab.statistics.Sample` once need not be
        prepared again.
    threshold
        Where drift begins.
    kinds, direction
        `KINDS` and `DIRECTION` of the detector.

    Raises
    ------
    TypeError
        The detector does not look at this kind of column.
    """
    before = reference if isinstance(reference, Sample) else sample(reference)
    if before.kind not in kinds:
        raise TypeError(f"{method} looks at {' and '.join(kinds)} columns, and this one is {before.kind}")
    now = current if isinstance(current, Sample) else sample(current, before.kind)
    if not len(before) or not len(now):
        return None, False, threshold
    if method in METHODS:
        value = statistic(method, before, now)
    else:  # one of Evidently's that simlab does not compute itself
        value = engine("evidently").statistic(method, before.kind, before.values, now.values)
    if not isfinite(value):
        return None, False, threshold
    return value, value >= threshold if direction == "above" else value < threshold, threshold


def signalled(detector: str, values: np.ndarray, fresh: int, **settings: Any) -> Verdict:
    """Fold one of river's detectors over a sequence, and count its signals among the last values.

    Parameters
    ----------
    detector
        River's name of it.
    values
        The sequence, oldest first; missing and infinite values count nowhere.
    fresh
        How many of the last values are judged.
    settings
        What river's detector takes.

    Returns
    -------
    tuple
        The number of signals (None where nothing is judged), whether there is one, and 1.
    """
    import numpy as np

    here = np.isfinite(values)
    judged = int(here[len(values) - fresh :].sum()) if fresh else 0
    if not judged:
        return None, False, 1.0
    found = engine("river").signals(detector, values[here], **settings)
    count = int(found[-judged:].sum())
    return float(count), count > 0, 1.0
