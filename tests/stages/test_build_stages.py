"""Tune, train, evaluate and register: nouns in, noun out."""

from __future__ import annotations

import math
from dataclasses import replace

import pyarrow.compute as pc
import pytest

from simlab.artifacts import FeatureSet
from simlab.digest import digest
from simlab.engines import engine
from simlab.events import MetricMeasured, ModelRegistered, ModelTrained, TrialFinished
from simlab.stages.bias import measure_bias
from simlab.stages.evaluate import evaluate_model
from simlab.stages.features import build_features
from simlab.stages.register import register_model
from simlab.stages.train import train_model
from simlab.stages.tune import tune_params
from tests.stages.people import context, valid

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> FeatureSet:
    folder = tmp_path_factory.mktemp("features")
    return build_features(context("features", workdir=folder)[0], valid(), serve_from="request")


def test_no_trials_take_the_algorithms_own_defaults(features: FeatureSet) -> None:
    ctx, said = context("tune")
    params = tune_params(ctx, features, "lightgbm", trials=0)
    assert (dict(params.values), params.metric, params.trials, said) == (
        engine("lightgbm").DEFAULTS,
        "log_loss",
        (),
        [],
    )


@pytest.mark.parametrize(("metric", "best"), [("log_loss", min), ("auc", max)])
def test_the_best_trial_is_chosen_and_each_is_said_in_order(
    metric: str, best: object, features: FeatureSet
) -> None:
    ctx, said = context("tune")
    params = tune_params(ctx, features, "lightgbm", trials=4, rounds=10, metric=metric)  # type: ignore[arg-type]
    told = [f for f in said if isinstance(f, TrialFinished)]
    assert [f.number for f in told] == [0, 1, 2, 3]
    scores = [trial.score for trial in params.trials]
    assert params.score == best(scores)  # type: ignore[operator]
    chosen = params.trials[scores.index(params.score)]
    assert all(params.values[key] == value for key, value in chosen.values.items())


def test_tuning_repeats_and_another_seed_tries_something_else(features: FeatureSet) -> None:
    def tried(seed: int) -> list[dict[str, object]]:
        ctx, _ = context("tune")
        found = tune_params(
            replace(ctx, seed=seed), features, "lightgbm", strategy="random", trials=3, rounds=5
        )
        return [dict(trial.values) for trial in found.trials]

    assert tried(1) == tried(1) != tried(2)


def test_tuning_never_looks_at_test_rows(features: FeatureSet) -> None:
    is_test = pc.equal(features.table["split"], "test")
    spoilt = pc.if_else(is_test, pc.subtract(1.0, features.table["y"]), features.table["y"])
    other = replace(
        features, table=features.table.set_column(features.table.column_names.index("y"), "y", spoilt)
    )
    settings = {"trials": 2, "rounds": 5}
    one = tune_params(context("tune")[0], features, "lightgbm", **settings)  # type: ignore[arg-type]
    two = tune_params(context("tune")[0], other, "lightgbm", **settings)  # type: ignore[arg-type]
    assert one == two


@pytest.mark.parametrize("algorithm", ["lightgbm", "linear"])
def test_training_repeats_to_the_byte(algorithm: str, features: FeatureSet) -> None:
    params = tune_params(context("tune")[0], features, algorithm, trials=0)
    models = []
    for _ in range(2):
        ctx, said = context("train")
        models.append(train_model(ctx, features, params, algorithm=algorithm, rounds=8))  # type: ignore[arg-type]
    assert digest(models[0]) == digest(models[1])
    (fact,) = said
    assert isinstance(fact, ModelTrained) and (fact.algorithm, fact.rows) == (algorithm, 240)


def test_what_the_scenario_fixes_beats_what_tuning_found(features: FeatureSet) -> None:
    params = tune_params(context("tune")[0], features, "lightgbm", trials=0)
    ctx, said = context("train")
    model = train_model(ctx, features, params, rounds=5, fixed={"num_leaves": 3})
    assert said[0].values["num_leaves"] == 3  # type: ignore[attr-defined]
    assert "num_leaves=3" in model.native


def test_the_model_is_measured_beside_rivals_on_rows_it_never_saw(features: FeatureSet) -> None:
    params = tune_params(context("tune")[0], features, "lightgbm", trials=0)
    model = train_model(context("train")[0], features, params, rounds=20)
    ctx, said = context("evaluate")
    scores = evaluate_model(ctx, model, features, repeats=50)
    assert scores.rows == 80
    for score in scores.model:
        assert score.low <= score.value <= score.high, score
    auc = scores.get("auc")
    assert auc is not None and auc.value > scores.dummy["auc"] == 0.5
    assert scores.dummy["log_loss"] == pytest.approx(math.log(2), abs=0.1)
    assert scores.rule_text and scores.rule["auc"] > 0.5
    names = {f.metric for f in said if isinstance(f, MetricMeasured)}
    assert {"evaluate.auc", "evaluate.dummy.auc", "evaluate.rule.auc"} <= names


def test_versions_count_up_within_the_run(features: FeatureSet) -> None:
    params = tune_params(context("tune")[0], features, "lightgbm", trials=0)
    model = train_model(context("train")[0], features, params, rounds=5)
    scores = evaluate_model(context("evaluate")[0], model, features, repeats=20)
    bias = measure_bias(context("bias")[0], model, features)
    ctx, said = context("register", ordinal=4)
    version = register_model(ctx, model, scores, features, params, bias)
    assert version.number == 5 and version.baseline.equals(features.baseline)
    (fact,) = said
    assert isinstance(fact, ModelRegistered)
    assert (fact.version, fact.artifact) == (5, digest(model)[:16])
