"""Register: the model becomes a numbered version, with what is known of it."""

from __future__ import annotations

from simlab.artifacts import BiasReport, FeatureSet, Model, Params, Scores, Version
from simlab.context import Context
from simlab.digest import digest
from simlab.events import ModelRegistered


def register_model(
    ctx: Context, model: Model, scores: Scores, features: FeatureSet, params: Params, bias: BiasReport
) -> Version:
    """Give the model the run's next version number.

    The fact is the registry; MLflow's runs and registered versions are a projection of it.
    """
    version = Version(
        number=ctx.ordinal + 1,
        model=model,
        scores=scores,
        schema=features.schema,
        constraints=features.constraints,
        baseline=features.baseline,
        params=params,
        bias=bias,
    )
    ctx.emit(
        ModelRegistered(
            version=version.number,
            artifact=digest(model)[:16],
            algorithm=model.algorithm,
            metrics={score.metric: score.value for score in scores.model},
        )
    )
    return version
