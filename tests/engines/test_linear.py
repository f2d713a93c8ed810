"""The linear model: JSON that says everything, and edges that do not break it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("sklearn")

from simlab import hyperparameters
from simlab.engines import engine
from simlab.errors import SimlabError
from tests.engines.worlds import features, schema

pytestmark = pytest.mark.engine


def _line(values: list[float | None], y: list[float]) -> object:
    table = pa.table({"x": pa.array(values, pa.float64()), "y": y, "split": ["train"] * len(y)})
    return replace(features("regression"), table=table, schema=schema(("x",), (), "regression"))


def test_it_finds_a_straight_line():
    world = _line([1.0, 2.0, 3.0, 4.0], [3.0, 5.0, 7.0, 9.0])
    model = engine("linear").fit(world, {"l2": 1e-9, "clip": 0.0}, rounds=1, seed=1)
    answers = engine("linear").predict(model, pa.table({"x": [1.5, 4.0, 100.0, None]}))
    assert answers == pytest.approx(
        [4.0, 9.0, 9.0, 6.0], abs=1e-6
    )  # beyond what it saw: clipped; unknown: median


def test_the_native_model_is_json_without_a_nan():
    fitted = json.loads(
        engine("linear").fit(features(), {}, rounds=1, seed=1).native, parse_constant=pytest.fail
    )
    assert set(fitted) == {"median", "low", "high", "mean", "scale", "weight", "intercept", "effect"}
    assert list(fitted["effect"]) == ["place", "job"]


def test_logistic_regression_is_scikit_learns():
    from sklearn.linear_model import LogisticRegression

    world = features(missing=0.0)
    model = engine("linear").fit(world, {"clip": 0.0, "l2": 2.0}, rounds=1, seed=1)
    train = world.table.filter(pa.array(np.array(world.table["split"]) == "train"))
    numbers = np.stack([train["age"].to_numpy(), train["hours"].to_numpy()], axis=1)
    flags = [np.array(train[c]) == v for c in ("place", "job") for v in sorted(set(train[c].to_pylist()))]
    inputs = np.column_stack([(numbers - numbers.mean(0)) / numbers.std(0), *flags])
    own = LogisticRegression(C=0.5, tol=1e-9, max_iter=5000).fit(inputs, train["y"].to_numpy())
    expected = own.predict_proba(inputs)[:, 1]
    assert engine("linear").predict(model, train) == pytest.approx(expected, abs=1e-5)


def test_an_unknown_category_has_no_effect():
    model = engine("linear").fit(features(), {}, rounds=1, seed=1)
    rows = {"age": [50.0] * 3, "hours": [40.0] * 3, "place": [None, "", "moon"], "job": ["clerk"] * 3}
    assert len(set(engine("linear").predict(model, pa.table(rows)).tolist())) == 1


def test_constant_empty_and_infinite_columns_do_no_harm():
    for values in ([7.0] * 4, [None] * 4, [1.0, 2.0, np.inf, -np.inf]):
        model = engine("linear").fit(_line(values, [1.0, 2.0, 3.0, 4.0]), {}, rounds=1, seed=1)
        rows = pa.table({"x": [0.0, 1e300, np.inf, -np.inf, None]})
        answers = engine("linear").predict(model, rows)
        assert np.isfinite(answers).all()
        assert (
            np.abs(answers - engine("onnxruntime").score(engine("onnx").export(model), rows)).max() <= 1e-12
        )


def test_many_categories_are_solved_as_well():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 1500, 6000)
    table = pa.table(
        {
            "c": [f"v{code}" for code in codes],
            "y": (rng.random(6000) < codes / 1500).astype(float),
            "split": rng.choice(["train", "valid"], 6000),
        }
    )
    world = replace(features(), table=table, schema=schema((), ("c",)))
    model = engine("linear").fit(world, {}, rounds=1, seed=1)
    assert (
        engine("sklearn").metrics(
            "binary", table["y"].to_numpy(), engine("linear").predict(model, table), 0.5
        )["auc"]
        > 0.7
    )


def test_a_trial_scores_like_a_model_fitted_with_the_same_values():
    world = features("regression")
    score, rounds = engine("linear").objective(world, metric="rmse", rounds=1, seed=1)({"l2": 3.0})
    model = engine("linear").fit(world, {"l2": 3.0}, rounds=1, seed=1)
    valid = world.table.filter(pa.array(np.array(world.table["split"]) == "valid"))
    error = engine("linear").predict(model, valid) - valid["y"].to_numpy()
    assert (score, rounds) == (pytest.approx(np.sqrt(np.mean(error**2))), 0)


def test_what_cannot_be_fitted_is_refused():
    world = features()
    ones = world.table.set_column(4, "y", pa.array([1.0] * world.table.num_rows))
    with pytest.raises(SimlabError, match="both classes"):
        engine("linear").fit(replace(world, table=ones), {}, rounds=1, seed=1)
    with pytest.raises(SimlabError, match="no value 'l1'; it takes 'clip', 'l2'"):
        engine("linear").fit(world, {"l1": 1.0}, rounds=1, seed=1)
    with pytest.raises(SimlabError, match="l2 above 0"):
        engine("linear").fit(world, {"l2": 0.0}, rounds=1, seed=1)
    with pytest.raises(SimlabError, match="no rows to train on"):
        engine("linear").fit(replace(world, table=world.table.slice(0, 0)), {}, rounds=1, seed=1)


def test_blas_adds_on_one_thread():
    from threadpoolctl import threadpool_info

    engine("linear")
    ours = [pool for pool in threadpool_info() if "numpy" in pool["filepath"] or "scipy" in pool["filepath"]]
    assert {pool["num_threads"] for pool in ours if pool["user_api"] == "blas"} == {1}


def test_what_a_scenario_may_fix_is_what_the_engine_takes():
    assert hyperparameters.TAKES["linear"] == engine("linear").TAKES
