"""Trees: what is learned, what is refused, and that threads change nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("lightgbm")

from simlab import hyperparameters
from simlab.engines import engine
from simlab.errors import SimlabError
from tests.engines.worlds import features, schema

pytestmark = pytest.mark.engine


def test_it_learns_who_earns_more():
    world = features()
    model = engine("lightgbm").fit(world, {}, rounds=40, seed=1)
    test = world.table.filter(pa.array(np.array(world.table["split"]) == "test"))
    figures = engine("sklearn").metrics(
        "binary", test["y"].to_numpy(), engine("lightgbm").predict(model, test), model.threshold
    )
    assert figures["auc"] > 0.85
    assert figures["accuracy"] > 0.75


def test_only_the_training_split_teaches():
    world = features()
    fake = pa.array(np.where(np.array(world.table["split"]) == "train", world.table["y"], 1.0))
    spoilt = replace(world, table=world.table.set_column(4, "y", fake))
    fitted = engine("lightgbm").fit(world, {}, rounds=5, seed=1)
    assert fitted.native == engine("lightgbm").fit(spoilt, {}, rounds=5, seed=1).native


@pytest.mark.parametrize("problem", ["binary", "regression"])
def test_the_number_of_threads_changes_no_byte_of_the_model(problem, monkeypatch: pytest.MonkeyPatch):
    world = features(problem, rows=4000)
    lightgbm, texts = engine("lightgbm"), []
    for threads in (1, 2, 3):
        monkeypatch.setattr(lightgbm, "_threads", lambda rows, threads=threads: threads)
        texts.append(lightgbm.fit(world, {"feature_fraction": 0.6}, rounds=10, seed=3).native)
    assert texts[0] == texts[1] == texts[2]


def test_another_seed_draws_other_columns():
    world = features()
    one, other = (engine("lightgbm").fit(world, {"feature_fraction": 0.5}, rounds=5, seed=s) for s in (1, 2))
    assert one.native != other.native


def test_rounds_among_the_values_win():
    model = engine("lightgbm").fit(features(), {"rounds": 3}, rounds=50, seed=1)
    assert model.native.count("\nTree=") == 3
    assert model.values["rounds"] == 3


def test_the_probe_holds_unknown_and_unseen_values_of_every_feature():
    model = engine("lightgbm").fit(features(missing=0.0), {}, rounds=2, seed=1)
    for name in (*model.numeric, *model.categorical):
        assert model.probe[name].null_count >= 2
    for name in model.categorical:
        assert any("never seen" in str(value) for value in model.probe[name].to_pylist())


def test_the_threshold_is_the_one_with_the_best_f1_on_the_valid_split():
    world = features()
    model = engine("lightgbm").fit(world, {}, rounds=20, seed=1)
    valid = world.table.filter(pa.array(np.array(world.table["split"]) == "valid"))
    truth, scores = valid["y"].to_numpy(), engine("lightgbm").predict(model, valid)
    measured = {t: engine("sklearn").metrics("binary", truth, scores, t)["f1"] for t in (0.2, 0.5, 0.8)}
    assert engine("sklearn").metrics("binary", truth, scores, model.threshold)["f1"] >= max(measured.values())
    assert model.threshold == round(model.threshold, 4)


def test_odd_column_names_are_no_obstacle():
    table = pa.table(
        {'a "b": [c]': np.arange(80.0), "y": np.arange(80) % 2 * 1.0, "split": ["train", "valid"] * 40}
    )
    world = replace(features(), table=table, schema=schema(('a "b": [c]',), ()))
    model = engine("lightgbm").fit(world, {"min_child_samples": 5}, rounds=2, seed=1)
    assert len(engine("lightgbm").predict(model, table)) == 80


def test_regression_objectives_that_export_exactly_are_taken():
    world = features("regression")
    for objective in ("regression", "regression_l1", "huber"):
        model = engine("lightgbm").fit(world, {"objective": objective}, rounds=5, seed=1)
        gap = engine("lightgbm").predict(model, model.probe) - engine("onnxruntime").score(
            engine("onnx").export(model), model.probe
        )
        assert np.abs(gap).max() <= 1e-12


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"objective": "tweedie"}, "'tweedie' has no exact export"),
        ({"objective": "huber"}, "'huber' has no exact export for a binary"),
        ({"zero_as_missing": True}, "no value 'zero_as_missing'"),
        ({"num_leafs": 7}, "did you mean 'num_leaves'"),
        ({"rounds": 0}, "at least one round"),
        ({"num_leaves": 1}, "LightGBM could not grow the trees"),
    ],
)
def test_values_without_an_exact_export_are_refused(values, said: str):
    with pytest.raises(SimlabError, match=said):
        engine("lightgbm").fit(features(), values, rounds=5, seed=1)


def test_rows_without_a_target_and_no_rows_at_all_are_refused():
    world = features()
    holes = pa.array([None] * world.table.num_rows, pa.float64())
    with pytest.raises(SimlabError, match="have no 'y', the target"):
        engine("lightgbm").fit(
            replace(world, table=world.table.set_column(4, "y", holes)), {}, rounds=5, seed=1
        )
    with pytest.raises(SimlabError, match="no rows to train on"):
        engine("lightgbm").fit(replace(world, table=world.table.slice(0, 0)), {}, rounds=5, seed=1)


def test_a_trial_scores_like_a_model_fitted_with_the_same_values_and_rounds():
    world = features()
    values = {"num_leaves": 12, "min_child_samples": 5}
    score, best = engine("lightgbm").objective(world, metric="auc", rounds=60, seed=5)(values)
    model = engine("lightgbm").fit(world, {**values, "rounds": best}, rounds=60, seed=5)
    valid = world.table.filter(pa.array(np.array(world.table["split"]) == "valid"))
    figures = engine("sklearn").metrics(
        "binary", valid["y"].to_numpy(), engine("lightgbm").predict(model, valid), 0.5
    )
    assert figures["auc"] == pytest.approx(score, abs=1e-12)
    assert 1 <= best < 60


def test_trials_in_parallel_threads_score_as_they_do_alone():
    ask = engine("lightgbm").objective(features(rows=2000), metric="log_loss", rounds=25, seed=5)
    tried = [{"num_leaves": n, "min_child_samples": m} for n in (8, 31) for m in (5, 20, 60)]
    alone = [ask(values) for values in tried]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(ask, tried)) == alone


def test_what_a_scenario_may_fix_is_what_the_engine_takes():
    assert hyperparameters.TAKES["lightgbm"] == engine("lightgbm").TAKES
    assert set(hyperparameters.OBJECTIVES) == {
        o for each in engine("lightgbm").OBJECTIVES.values() for o in each
    }
    assert set(engine("lightgbm").SPACE) == set(engine("lightgbm").DEFAULTS)
