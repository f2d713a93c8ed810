"""Evaluate: the model on rows it never saw, beside a dummy and a simple rule."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simlab.artifacts import FeatureSet, Model, Scores
from simlab.context import Context
from simlab.engines import engine
from simlab.events import MetricMeasured


def evaluate_model(
    ctx: Context,
    model: Model,
    features: FeatureSet,
    *,
    repeats: Annotated[int, Field(ge=20, le=10_000)] = 200,
) -> Scores:
    """Measure the model on its test rows, with bootstrap intervals, and two rivals on the same rows.

    The rivals are a dummy that ignores the features and a rule a person could write down.

    Parameters
    ----------
    repeats
        Bootstrap resamples behind each 95 % percentile interval (Efron 1979).
    """
    sklearn, yardsticks = engine("sklearn"), engine("sklearn_yardsticks")
    test = features.part("test")
    truth = test[features.schema.target].to_numpy()
    predicted = engine(model.algorithm).predict(model, test)
    scores = sklearn.bootstrap(
        model.problem, truth, predicted, model.threshold, repeats=repeats, seed=ctx.seed
    )
    dummy = yardsticks.dummy(model.problem, features)
    rule, text = yardsticks.rule(features)
    for score in scores:
        ctx.emit(
            MetricMeasured(
                metric=f"evaluate.{score.metric}",
                value=score.value,
                low=score.low,
                high=score.high,
                rows=len(truth),
            )
        )
    for rival, figures in (("dummy", dummy), ("rule", rule)):
        for name, value in figures.items():
            ctx.emit(MetricMeasured(metric=f"evaluate.{rival}.{name}", value=value, rows=len(truth)))
    return Scores(rows=len(truth), model=scores, dummy=dummy, rule=rule, rule_text=text)
