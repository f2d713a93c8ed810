"""Metrics, intervals, yardsticks and the labeller, against scikit-learn's own numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("onnxruntime")

from hypothesis import given, settings
from hypothesis import strategies as st

from simlab.artifacts import Problem
from simlab.engines import engine
from simlab.errors import SimlabError
from tests.engines.worlds import features, schema

pytestmark = pytest.mark.engine

TRUTH = np.array([0.0, 0.0, 1.0, 1.0])
SCORES = np.array([0.1, 0.6, 0.6, 0.9])


def test_binary_metrics_by_hand():
    figures = engine("sklearn").metrics("binary", TRUTH, SCORES, 0.6)
    assert figures["auc"] == pytest.approx(3.5 / 4)  # of four pairs three are in order, one is tied
    assert figures["brier"] == pytest.approx((0.01 + 0.36 + 0.16 + 0.01) / 4)
    assert figures["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.6, 0.9]).mean())
    assert (figures["accuracy"], figures["precision"], figures["recall"]) == (0.75, pytest.approx(2 / 3), 1.0)
    assert figures["f1"] == pytest.approx(0.8)
    assert figures["average_precision"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert (figures["positive_rate"], figures["predicted_rate"]) == (0.5, 0.75)


def test_regression_metrics_by_hand():
    figures = engine("sklearn").metrics("regression", np.array([1.0, 2.0]), np.array([2.0, 4.0]), 0.5)
    assert figures == {
        "mae": 1.5,
        "rmse": pytest.approx(np.sqrt(2.5)),
        "r2": pytest.approx(-9.0),
        "bias": 1.5,
        "mape": 1.0,
    }


def test_what_is_undefined_is_none():
    sklearn = engine("sklearn")
    none = sklearn.metrics("binary", np.zeros(3), np.array([0.1, 0.2, 0.3]), 0.5)
    assert {name for name, value in none.items() if value is None} == {
        "auc", "log_loss", "precision", "recall", "f1", "average_precision",
    }  # fmt: skip
    assert set(sklearn.metrics("binary", np.empty(0), np.empty(0), 0.5).values()) == {None}
    flat = sklearn.metrics("regression", np.zeros(3), np.ones(3), 0.5)
    assert flat["r2"] is None and flat["mape"] is None and flat["mae"] == 1.0


def test_a_metric_of_the_other_problem_is_refused():
    with pytest.raises(SimlabError, match="binary problem has no metric 'rmse'"):
        engine("sklearn").measure("binary", "rmse", TRUTH, SCORES)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10_000), steps=st.sampled_from([3, 10, 1000]))
def test_the_best_threshold_is_found(seed: int, steps: int):
    rng = np.random.default_rng(seed)
    truth = (rng.random(30) > 0.6).astype(float)
    scores = np.round(rng.random(30) * steps) / steps
    found = engine("sklearn").best_threshold(truth, scores)
    if not 0 < truth.sum() < 30:
        assert found == 0.5
        return

    def f1(threshold: float) -> float:
        called = scores >= threshold
        return 2 * float((truth * called).sum()) / float(called.sum() + truth.sum())

    assert f1(found) == pytest.approx(
        max(f1(at / 10_000) for at in range(1, 10_000, 7)), abs=0.0 + 1e-12
    ) or f1(found) > max(f1(at / 10_000) for at in range(1, 10_000, 7))


# --- intervals ---------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(
    seed=st.integers(0, 10_000),
    problem=st.sampled_from(["binary", "regression"]),
    steps=st.sampled_from([2, 20, 10_000]),
)
def test_metrics_of_counted_rows_are_the_metrics_of_repeated_rows(seed: int, problem: Problem, steps: int):
    """Few steps make ties: they must count as scikit-learn counts them."""
    sklearn, rng = engine("sklearn"), np.random.default_rng(seed)
    scores = np.sort(np.round(rng.random(40) * steps) / steps)
    truth = (rng.random(40) < scores).astype(float) if problem == "binary" else rng.normal(size=40)
    counts = np.stack([np.bincount(rng.integers(0, 40, 40), minlength=40) for _ in range(3)])
    with np.errstate(divide="ignore", invalid="ignore"):
        found = sklearn._weighted(problem, truth, scores, 0.5, counts.astype(float))
    for repeat, count in enumerate(counts):
        expected = sklearn.metrics(problem, np.repeat(truth, count), np.repeat(scores, count), 0.5)
        for name, value in expected.items():
            if value is None:
                assert not np.isfinite(found[name][repeat])
            else:
                assert found[name][repeat] == pytest.approx(value, rel=1e-9, abs=1e-12), name


def test_intervals_hold_the_value_and_shrink_with_more_rows():
    rng = np.random.default_rng(0)

    def auc(rows: int) -> tuple[float, float, float]:
        scores = rng.random(rows)
        truth = (rng.random(rows) < scores).astype(float)
        made = engine("sklearn").bootstrap("binary", truth, scores, 0.5, repeats=200, seed=1)
        return next((s.low, s.value, s.high) for s in made if s.metric == "auc")

    few, many = auc(200), auc(8000)
    assert few[0] < few[1] < few[2] and many[0] < many[1] < many[2]
    assert 3 < (few[2] - few[0]) / (many[2] - many[0]) < 12  # about the square root of forty


def test_an_interval_has_the_width_of_the_normal_law():
    truth = np.r_[np.ones(300), np.zeros(700)]
    made = engine("sklearn").bootstrap("binary", truth, np.full(1000, 0.3), 0.5, repeats=1000, seed=1)
    rate = next(s for s in made if s.metric == "positive_rate")
    assert (rate.high - rate.low) / (2 * 1.96 * np.sqrt(0.3 * 0.7 / 1000)) == pytest.approx(1.0, abs=0.1)


def test_intervals_are_the_same_every_time_and_leave_out_the_undefined():
    one, other = (
        engine("sklearn").bootstrap("binary", np.zeros(50), np.full(50, 0.2), 0.5, repeats=20, seed=4)
        for _ in range(2)
    )
    assert one == other
    assert [s.metric for s in one] == ["brier", "accuracy", "positive_rate", "predicted_rate"]
    assert engine("sklearn").bootstrap("binary", np.empty(0), np.empty(0), 0.5, repeats=5, seed=1) == ()


# --- yardsticks --------------------------------------------------------------------------------


def test_the_dummy_knows_the_mean_of_the_training_rows_only():
    table = pa.table(
        {"x": [1.0] * 5, "y": [1.0, 3.0, 9.0, 2.0, 4.0], "split": ["train"] * 2 + ["valid"] + ["test"] * 2}
    )
    world = replace(features("regression"), table=table, schema=schema(("x",), (), "regression"))
    assert engine("sklearn_yardsticks").dummy("regression", world)["mae"] == 1.0
    assert engine("sklearn_yardsticks").dummy("regression", world)["bias"] == -1.0
    assert engine("sklearn_yardsticks").dummy("binary", features())["auc"] == 0.5


def test_a_rule_is_two_questions_in_words():
    rng = np.random.default_rng(0)
    age, place = rng.integers(20, 60, 900).astype(float), rng.choice(["farm", "town"], 900)
    table = pa.table(
        {
            "age": age,
            "noise": rng.normal(size=900),
            "place": place,
            "y": ((age > 40) & (place == "town")).astype(float),
            "split": ["train", "test", "valid"] * 300,
        }
    )
    world = replace(features(), table=table, schema=schema(("age", "noise"), ("place",)))
    figures, text = engine("sklearn_yardsticks").rule(world)
    assert figures["accuracy"] == 1.0
    assert len(text.splitlines()) <= 4
    assert any(
        "age > 40.5" in ln and ("'town'" in ln or "not 'farm'" in ln) and ln.endswith("then 1")
        for ln in text.splitlines()
    )
    assert "noise" not in text


def test_a_rule_has_at_most_two_columns_and_is_no_better_than_the_model():
    world = features("regression", missing=0.2)
    figures, text = engine("sklearn_yardsticks").rule(world)
    assert sum(f"{name} " in text for name in ("age", "hours", "place", "job")) <= 2
    assert figures["rmse"] < engine("sklearn_yardsticks").dummy("regression", world)["rmse"]


def test_a_rule_on_a_target_that_never_varies_is_one_line():
    world = features()
    ones = world.table.set_column(4, "y", pa.array([1.0] * world.table.num_rows))
    figures, text = engine("sklearn_yardsticks").rule(replace(world, table=ones))
    assert text == "always 1"
    assert figures["accuracy"] == 1.0


# --- the labeller ------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", ["binary", "regression"])
def test_the_graph_is_the_forest(problem: Problem, monkeypatch: pytest.MonkeyPatch):
    sklearn, matrix, kept = engine("sklearn"), engine("matrix"), []
    write = sklearn._forest
    monkeypatch.setattr(sklearn, "_forest", lambda grown, *rest: kept.append(grown) or write(grown, *rest))
    world = features(problem, rows=800)
    graph = sklearn.fit_labeller(world.table, world.schema, seed=3)
    strange = pa.table(
        {"age": [None, 1e9], "hours": [None, -1e9], "place": [None, "moon"], "job": ["", "baker"]}
    )
    rows = pa.concat_tables([world.table.select(["age", "hours", "place", "job"]), strange])
    medians = np.nanmedian(matrix.numbers(world.table, ["age", "hours"]), axis=0)
    numbers = matrix.numbers(rows, ["age", "hours"])
    codes = matrix.codes(rows, matrix.known(world.table, ["place", "job"]))
    inputs = np.hstack([np.where(np.isnan(numbers), medians, numbers), np.nan_to_num(codes, nan=-1.0)])
    expected = kept[0].predict_proba(inputs)[:, 1] if problem == "binary" else kept[0].predict(inputs)
    assert np.abs(engine("onnxruntime").score(graph, rows) - expected).max() <= 1e-12


def test_the_labeller_is_the_same_bytes_every_time_and_names_its_columns():
    import onnx

    world = features()
    one, other = (engine("sklearn").fit_labeller(world.table, world.schema, seed=3) for _ in range(2))
    assert one == other
    said = {each.key: each.value for each in onnx.load_from_string(one).metadata_props}
    assert json.loads(said["numeric"]) == ["age", "hours"]
    assert json.loads(said["categorical"]) == ["place", "job"]


def test_the_labeller_knows_that_the_old_in_town_earn_more():
    world = features(missing=0.0)
    graph = engine("sklearn").fit_labeller(world.table, world.schema, seed=3)
    rows = pa.table(
        {
            "age": [20.0, 45.0, 75.0],
            "hours": [40.0] * 3,
            "place": ["farm", "farm", "town"],
            "job": ["clerk"] * 3,
        }
    )
    eta = engine("onnxruntime").score(graph, rows)
    assert all(low < high for low, high in pairwise(eta))
    assert eta.min() >= 0 and eta.max() <= 1


def test_rows_without_a_target_do_not_teach_the_labeller():
    world = features()
    holes = world.table.slice(0, 50).set_column(4, "y", pa.array([None] * 50, pa.float64()))
    graph = engine("sklearn").fit_labeller(pa.concat_tables([world.table, holes]), world.schema, seed=3)
    assert graph == engine("sklearn").fit_labeller(world.table, world.schema, seed=3)
    with pytest.raises(SimlabError, match="rows with a known target"):
        engine("sklearn").fit_labeller(holes, world.schema, seed=3)


def test_the_majority_of_the_nearest_answers():
    known = np.array([[0.0], [1.0], [2.0], [10.0], [11.0]])
    answers = np.array([True, False, False, True, True])
    asked = np.array([[0.4], [10.2]])
    votes = engine("sklearn").votes
    assert votes(known, answers, asked, 1).tolist() == [True, True]
    assert votes(known, answers, asked, 3).tolist() == [False, True]
