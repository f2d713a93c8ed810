"""Names of the model-quality metrics, and which of them are better when lower."""

from __future__ import annotations

from typing import Literal

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
