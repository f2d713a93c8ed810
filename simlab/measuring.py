"""Model-quality metrics of one window: scikit-learn's figures, without its questions about the input.

A window has a few hundred rows, and a metric of them is a few sums; checking what kind of thing the
labels are costs scikit-learn a hundred times as much. The figures agree to the last digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import TYPE_CHECKING

from simlab.artifacts import Problem
from simlab.errors import SimlabError
from simlab.quality import area, log_losses, steps

if TYPE_CHECKING:
    import numpy as np

METRICS: Mapping[Problem, tuple[str, ...]] = {
    "binary": (
        "auc",
        "log_loss",
        "brier",
        "accuracy",
        "precision",
        "recall",
        "f1",
        "average_precision",
        "positive_rate",
        "predicted_rate",
    ),
    "regression": ("mae", "rmse", "r2", "bias", "mape"),
}
"""Every metric, by problem."""


def metrics(
    problem: Problem, truth: np.ndarray, scores: np.ndarray, threshold: float
) -> dict[str, float | None]:
    """Every metric of the problem, None where undefined.

    Parameters
    ----------
    truth
        True answers, [rows]: 0 and 1, or values.
    scores
        Probabilities of the positive class, or values, [rows].
    threshold
        A score at or above it counts as positive (binary problems).

    Returns
    -------
    By name, in the order of `METRICS`. Undefined are: everything without rows; `auc` and
    `log_loss` with one class only; `precision` with no predicted and `recall`, `f1` and
    `average_precision` with no true positive; `r2` where the truth does not vary; `mape` where a
    true value is 0.

    Raises
    ------
    SimlabError
        A truth or a score is no number, a probability lies outside [0, 1], or a truth of a binary
        problem is neither 0 nor 1.
    """
    import numpy as np

    truth, scores = np.asarray(truth, float), np.asarray(scores, float)
    if not len(truth):
        return dict.fromkeys(METRICS[problem])
    if not (np.isfinite(truth).all() and np.isfinite(scores).all()):
        raise SimlabError("a metric needs a number for every answer and for every truth")
    return _regression(truth, scores) if problem == "regression" else _binary(truth, scores, threshold)


def _binary(truth: np.ndarray, scores: np.ndarray, threshold: float) -> dict[str, float | None]:
    import numpy as np

    yes = truth == 1
    rows, positives = len(truth), int(yes.sum())
    if scores.min() < 0 or scores.max() > 1:
        raise SimlabError(f"probabilities must lie in [0, 1], and are {scores.min():g} to {scores.max():g}")
    if int((truth == 0).sum()) + positives != rows:
        raise SimlabError("the truth of a binary problem must be 0 or 1")
    called = scores >= threshold
    predicted, hits = int(called.sum()), int((called & yes).sum())
    two = 0 < positives < rows
    order = np.argsort(-scores, kind="stable")
    ranks = steps(yes[order], scores[order]) if positives else None
    return {
        "auc": area(*ranks) if ranks else None,
        "log_loss": float(log_losses(yes, scores).mean()) if two else None,
        "brier": float(np.mean((scores - truth) ** 2)),
        "accuracy": (rows - positives - predicted + 2 * hits) / rows,
        "precision": hits / predicted if predicted else None,
        "recall": hits / positives if positives else None,
        "f1": 2 * hits / (predicted + positives) if positives else None,
        "average_precision": _average_precision(*ranks) if ranks else None,
        "positive_rate": positives / rows,
        "predicted_rate": predicted / rows,
    }


def _average_precision(true: np.ndarray, false: np.ndarray) -> float:
    """``sum (R_n - R_(n-1)) P_n`` over the distinct scores."""
    import numpy as np

    return float((np.diff(true, prepend=0) / true[-1] * (true / (true + false))).sum())


def _regression(truth: np.ndarray, scores: np.ndarray) -> dict[str, float | None]:
    import numpy as np

    off = np.abs(truth - scores)
    square = off**2
    spread = ((truth - truth.mean()) ** 2).sum()
    return {
        "mae": float(off.mean()),
        "rmse": sqrt(square.mean()),
        "r2": float(1 - square.sum() / spread) if np.ptp(truth) > 0 else None,
        "bias": float(scores.mean() - truth.mean()),
        "mape": float((off / np.maximum(np.abs(truth), np.finfo(float).eps)).mean())
        if np.all(truth != 0)
        else None,
    }
