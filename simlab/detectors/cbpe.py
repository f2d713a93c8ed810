"""The detector `cbpe`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simlab.detectors import Verdict
from simlab.engines import engine
from simlab.quality import worse_by as worse

if TYPE_CHECKING:
    import numpy as np

KINDS = ("predictions",)
DIRECTION = "above"
PROBLEMS = ("binary",)

Estimates = dict[str, float | None]
"""Expected metrics by name, None where undefined."""


def cbpe(
    reference: np.ndarray,
    labels: np.ndarray,
    current: np.ndarray,
    cut: float,
    *,
    metric: Literal["accuracy", "auc", "log_loss"] = "log_loss",
    worse_by: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.25,
    calibration: Literal["isotonic", "none"] = "isotonic",
    rows: Annotated[int, Field(ge=1)] = 50,
) -> tuple[Verdict, Estimates]:
    """Performance estimated without labels: what the window's scores promise, if they still mean the same.

    Confidence-based performance estimation (NannyML's CBPE): each score is turned into a chance p of the
    positive class, calibrated on the baseline, and the metrics are their expectations over answers drawn by
    these chances. It rests on one assumption: P(Y|X) is what it was. Under covariate drift that
    keeps it the estimate is close to what the labels will say, and on the bright side where the window holds
    scores that the baseline hardly had; under concept drift it is wrong and says nothing of it.

    Parameters
    ----------
    reference, labels
        Scores of the baseline rows and their true answers, 0 or 1.
    current
        Scores of the window.
    cut
        A score at or above it counts as the positive class.
    metric
        The metric that is judged. All three are estimated.
    worse_by
        Share by which it may be worse than its own estimate on the baseline.
    calibration
        `isotonic` fits a rising step function to the baseline's scores and answers; `none` takes the
        scores for chances.
    rows
        Scores without which nothing is estimated.

    Returns
    -------
    tuple
        The verdict (how much worse, as a share; None where undefined), and the estimates by metric.
    """
    import numpy as np

    nothing: Estimates = dict.fromkeys(("accuracy", "auc", "log_loss"))
    known = np.isfinite(reference) & np.isfinite(labels)
    before, truth, now = reference[known], labels[known], current[np.isfinite(current)]
    if len(now) < rows or not len(before):
        return (None, False, worse_by), nothing
    if calibration == "isotonic":
        isotonic = engine("sklearn").isotonic
        promised = expected(before, isotonic(before, truth, before), cut)
        found = expected(now, isotonic(before, truth, now), cut)
    else:
        promised, found = expected(before, before, cut), expected(now, now, cut)
    value, than = found[metric], promised[metric]
    if value is None or than is None:
        return (None, False, worse_by), found
    share = worse(metric, value, than)
    return (share, share > worse_by, worse_by), found


def expected(scores: np.ndarray, chances: np.ndarray, cut: float) -> Estimates:
    """What metrics are worth on average, where each row is positive with its own chance.

    Accuracy and log loss are means of each row's expectation. The AUC is the expected number of
    pairs in the right order (ties count half) over the expected number of pairs; None where there are none.

    >>> import numpy as np
    >>> expected(np.array([0.2, 0.8]), np.array([0.0, 1.0]), 0.5)["auc"]
    1.0
    """
    import numpy as np

    safe = np.clip(scores, np.finfo(float).eps, 1 - np.finfo(float).eps)
    loss = -(chances * np.log(safe) + (1 - chances) * np.log1p(-safe))
    order = np.argsort(scores, kind="stable")
    ranked, p = scores[order], chances[order]
    first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])  # equal scores are one step
    good, bad = np.add.reduceat(p, first), np.add.reduceat(1 - p, first)
    own = np.add.reduceat(p * (1 - p), first)  # a row makes no pair with itself
    pairs = float(p.sum() * (1 - p).sum() - own.sum())
    right = float((good * (np.cumsum(bad) - bad)).sum() + (good * bad - own).sum() / 2)
    return {
        "accuracy": float(np.mean(np.where(scores >= cut, chances, 1 - chances))),
        "auc": right / pairs if pairs > 1e-9 else None,
        "log_loss": float(np.mean(loss)),
    }
