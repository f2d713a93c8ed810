"""Hyperparameters a scenario may fix, by algorithm: only what the serving graph says exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simlab.errors import did_you_mean

TAKES: dict[str, frozenset[str]] = {
    "lightgbm": frozenset(
        {
            "num_leaves",
            "learning_rate",
            "min_child_samples",
            "feature_fraction",
            "lambda_l2",
            "objective",
            "rounds",
            "max_depth",
            "lambda_l1",
            "min_gain_to_split",
            "min_child_weight",
            "bagging_fraction",
            "bagging_freq",
            "path_smooth",
            "scale_pos_weight",
            "cat_smooth",
            "cat_l2",
            "max_cat_threshold",
            "alpha",
        }
    ),
    "linear": frozenset({"l2", "clip", "rounds"}),
}
"""Names that each algorithm takes; the engines refuse others as well."""

OBJECTIVES = ("binary", "regression", "regression_l1", "huber")
"""LightGBM objectives whose link exports exactly; others (poisson, tweedie …) would be served wrongly."""


def problems_in(algorithm: str, fixed: Mapping[str, Any], where: str) -> Iterator[str]:
    """What is wrong with fixed hyperparameters, one sentence each.

    >>> list(problems_in("lightgbm", {"objective": "regresion"}, "fixed"))
    ["fixed.objective: 'regresion' has no exact exporter; did you mean 'regression'?"]
    """
    known = TAKES.get(algorithm, frozenset())
    for name, value in fixed.items():
        if name not in known:
            hint = did_you_mean(name, known)
            yield f"{where}: {algorithm} has no parameter {name!r} that exports exactly{hint}"
        elif name == "objective" and value not in OBJECTIVES:
            yield f"{where}.objective: {value!r} has no exact exporter{did_you_mean(value, OBJECTIVES)}"
