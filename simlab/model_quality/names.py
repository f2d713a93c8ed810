"""The metrics of Model Monitor's model quality monitor, in the order of its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Kind = Literal["regression", "binary_classification", "multiclass_classification"]

CONFUSION = "confusion_matrix"
ROC = "receiver_operating_characteristic_curve"
PRECISION_RECALL = "precision_recall_curve"

_WEIGHTED = (
    "accuracy",
    "weighted_recall",
    "weighted_precision",
    "weighted_f0_5",
    "weighted_f1",
    "weighted_f2",
)

KINDS: Mapping[Kind, tuple[str, ...]] = {
    "regression": ("mae", "mse", "rmse", "r2"),
    "binary_classification": (
        CONFUSION,
        "recall",
        "precision",
        "accuracy",
        "recall_best_constant_classifier",
        "precision_best_constant_classifier",
        "accuracy_best_constant_classifier",
        "true_positive_rate",
        "true_negative_rate",
        "false_positive_rate",
        "false_negative_rate",
        ROC,
        PRECISION_RECALL,
        "auc",
        "f0_5",
        "f1",
        "f2",
        "f0_5_best_constant_classifier",
        "f1_best_constant_classifier",
        "f2_best_constant_classifier",
    ),
    "multiclass_classification": (
        CONFUSION,
        *_WEIGHTED,
        *(f"{name}_best_constant_classifier" for name in _WEIGHTED),
    ),
}
"""Every key of `statistics.json`, by kind of problem."""

NO_FIGURES = (CONFUSION, ROC, PRECISION_RECALL)
"""Keys that hold more than one figure."""

WORSE_WHEN_GREATER = frozenset({"mae", "mse", "rmse", "false_positive_rate", "false_negative_rate"})
"""Metrics that get worse as they grow."""

CONSTRAINED: Mapping[Kind, tuple[str, ...]] = {
    kind: tuple(n for n in names if n not in NO_FIGURES and "constant" not in n)
    for kind, names in KINDS.items()
}
"""Metrics for which a threshold is suggested. What the best constant answer would be worth says something
of the traffic and nothing of the model, so it is published and not judged."""

Judged = Literal[
    "mae",
    "mse",
    "rmse",
    "r2",
    "recall",
    "precision",
    "accuracy",
    "true_positive_rate",
    "true_negative_rate",
    "false_positive_rate",
    "false_negative_rate",
    "auc",
    "f0_5",
    "f1",
    "f2",
    "weighted_recall",
    "weighted_precision",
    "weighted_f0_5",
    "weighted_f1",
    "weighted_f2",
]
"""Every metric that may have a threshold."""

REPLACEMENT: Mapping[str, float] = {"f1": 0.70, "accuracy": 0.80, "auc": 0.75}
"""Thresholds of AWS's own sample that replaces Model Monitor (`sample-aiops-on-amazon-sagemakerai`); a
classifier must reach them."""
