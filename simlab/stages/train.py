"""Train: fit the model with the parameters that tuning chose."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simlab.artifacts import FeatureSet, Model, Params
from simlab.context import Context
from simlab.engines import engine
from simlab.events import ModelTrained

Algorithm = Literal["lightgbm", "linear"]
"""What can be trained: only what is exported exactly to the serving graph."""


def train_model(
    ctx: Context,
    features: FeatureSet,
    params: Params,
    *,
    algorithm: Algorithm = "lightgbm",
    rounds: Annotated[int, Field(ge=1, le=5000)] = 200,
    fixed: dict[str, float | int | str] | None = None,
) -> Model:
    """Fit the model: gradient-boosted trees, or a linear one.

    Parameters
    ----------
    algorithm
        `lightgbm`, or `linear` (logistic or ridge regression).
    rounds
        Boosting rounds where tuning did not choose them.
    fixed
        Hyperparameters that are not to be tuned, by the engine's own name.
    """
    values = {**params.values, **(fixed or {})}
    model: Model = engine(algorithm).fit(features, values, rounds=rounds, seed=ctx.seed)
    trained = sum(part == "train" for part in features.table["split"].to_pylist())
    ctx.emit(ModelTrained(algorithm=algorithm, rows=trained, values=values))
    return model
