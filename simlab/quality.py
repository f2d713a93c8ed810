"""Names of the model-quality metrics, and which of them are better when lower."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

Metric = Literal[
    "auc",
    "log_loss",
    "brier",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "average_precision",
    "mae",
    "rmse",
    "r2",
]

METRICS: dict[str, tuple[str, ...]] = {
    "binary": ("auc", "log_loss", "brier", "accuracy", "precision", "recall", "f1", "average_precision"),
    "regression": ("mae", "rmse", "r2"),
}
"""Metrics that judge a model, by kind of problem."""

DEFAULT_METRIC = {"binary": "log_loss", "regression": "mae"}
"""What tuning and monitoring look at when the scenario does not say."""

LOWER_IS_BETTER = frozenset({"log_loss", "brier", "mae", "rmse"})


def worse_by(metric: str, value: float, than: float) -> float:
    """How much worse a value is than another one, as a share of the other's size.

    >>> round(worse_by("log_loss", 0.36, 0.30), 6), round(worse_by("auc", 0.81, 0.90), 6)
    (0.2, 0.1)
    """
    gap = value - than if metric in LOWER_IS_BETTER else than - value
    return gap / abs(than) if than else gap


def steps(yes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True and false positives from each distinct score on, from the highest down.

    Parameters
    ----------
    yes
        Whether each row is positive, [rows], booleans.
    scores
        In descending order, [rows].
    """
    import numpy as np

    last = np.append(scores[1:] != scores[:-1], True)
    true = yes.cumsum()[last]
    return true, np.flatnonzero(last) + 1 - true


def area(true: np.ndarray, false: np.ndarray) -> float | None:
    """Area under the ROC curve by trapezoids: pairs in order count 1, tied pairs one half.

    Undefined with one class only. What it takes are `steps`.

    >>> import numpy as np
    >>> area(*steps(np.array([True, False, True]), np.array([0.9, 0.5, 0.5])))
    0.75
    """
    import numpy as np

    if not true[-1] or not false[-1]:
        return None
    before = np.append(0, true[:-1])
    twice = ((true + before) * np.diff(false, prepend=0)).sum()
    return float(twice) / 2 / (int(true[-1]) * int(false[-1]))


def log_losses(yes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """``-log P(truth)`` of each row; no probability counts as nearer to 0 or 1 than the machine can tell."""
    import numpy as np

    nearest = np.finfo(float).eps
    found: np.ndarray = -np.log(np.where(yes, scores, 1 - scores).clip(nearest, 1 - nearest))
    return found
