"""The exporter says exactly what the model says, or refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

lightgbm = pytest.importorskip("lightgbm")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from simlab.artifacts import Model, Problem  # noqa: E402
from simlab.engines import engine  # noqa: E402
from simlab.errors import SimlabError  # noqa: E402
from tests.engines.worlds import features  # noqa: E402

pytestmark = pytest.mark.engine


def _table(rng: np.random.Generator, rows: int, numeric: int, levels: list[int], missing: float) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    for at in range(numeric):  # few distinct values, zero among them: splits fall on and beside data
        values = rng.integers(-4, 5, rows) * rng.choice([1.0, 0.1, 1e-7])
        columns[f"x{at}"] = pa.array(values, pa.float64(), mask=rng.random(rows) < missing)
    for at, count in enumerate(levels):
        texts = [f"v{value}" for value in rng.integers(0, count, rows)]
        columns[f"c{at}"] = pa.array(texts, pa.string(), mask=rng.random(rows) < missing)
    return pa.table(columns)


def _grown(
    table: pa.Table, y: np.ndarray, levels: list[int], problem: Problem, rounds: int = 4, **params: Any
) -> Model:
    """A model grown with parameters that let tiny data split in every way."""
    matrix = engine("matrix")
    numeric = tuple(name for name in table.column_names if name.startswith("x"))
    categorical = tuple(name for name in table.column_names if name.startswith("c"))
    categories = matrix.known(table, categorical)
    inputs = np.hstack([matrix.numbers(table, numeric), matrix.codes(table, categories)])
    loose = {
        "objective": problem,
        "min_data_in_leaf": 1,
        "min_data_in_bin": 1,
        "min_data_per_group": 1,
        "min_sum_hessian_in_leaf": 0.0,
        "cat_smooth": 0.0,
        "max_cat_threshold": 200,
        "num_leaves": 12,
        "verbosity": -1,
        "num_threads": 1,
    }
    booster = lightgbm.train(
        {**loose, **params},
        lightgbm.Dataset(
            inputs, y, categorical_feature=list(range(len(numeric), inputs.shape[1])), params=loose | params
        ),
        rounds,
    )
    text = booster.model_to_string()
    return Model("lightgbm", problem, numeric, categorical, categories, text, {}, 0.5, table)


def _strange(rng: np.random.Generator, table: pa.Table, model: Model) -> pa.Table:
    """Rows the training never had: unknown, unseen, extreme, on and right beside every split."""
    thresholds = [
        float(value)
        for line in model.native.splitlines()
        if line.startswith("threshold=")
        for value in line.removeprefix("threshold=").split()
    ]
    odd = np.array([np.nan, 0.0, -0.0, 1e300, -1e300, np.inf, -np.inf, *thresholds])
    odd = np.concatenate([odd, np.nextafter(odd, np.inf), np.nextafter(odd, -np.inf)])
    columns: dict[str, pa.Array] = {}
    for name in table.column_names:
        values = table[name].to_pylist()
        if name.startswith("x"):
            columns[name] = pa.array([*values, *rng.permutation(odd).tolist()], pa.float64())
        else:
            extra = rng.choice([None, "", "v0", "V0", "v1", "v2", "never seen"], len(odd)).tolist()
            columns[name] = pa.array([*values, *extra], pa.string())
    return pa.table(columns)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    seed=st.integers(0, 10_000),
    numeric=st.integers(0, 3),
    levels=st.lists(st.sampled_from([1, 2, 3, 5, 12, 40, 150]), max_size=3),
    problem=st.sampled_from(["binary", "regression"]),
    missing=st.sampled_from([0.0, 0.2]),
    use_missing=st.booleans(),
)
def test_every_small_tree_model_answers_alike_on_every_row(
    seed: int, numeric: int, levels: list[int], problem: Problem, missing: float, use_missing: bool
):
    if not numeric + len(levels):
        return
    rng = np.random.default_rng(seed)
    table = _table(rng, 150, numeric, levels, missing)
    y = rng.normal(size=150) * 100
    y = (y > 0).astype(float) if problem == "binary" else y
    model = _grown(table, y, levels, problem, use_missing=use_missing)
    asked = _strange(rng, table, model)
    native = engine("lightgbm").predict(model, asked)
    exported = engine("onnxruntime").score(engine("onnx").export(model), asked)
    assert np.max(np.abs(native - exported) / np.maximum(1.0, np.abs(native))) <= 1e-12


def test_the_small_models_above_do_split_on_sets_of_categories_and_on_missing_numbers():
    rng = np.random.default_rng(0)
    table = _table(rng, 150, 1, [150], 0.2)
    text = _grown(table, rng.normal(size=150), [150], "regression").native
    kinds = {int(k) for ln in text.splitlines() if ln.startswith("decision_type=") for k in ln[14:].split()}
    words = [ln for ln in text.splitlines() if ln.startswith("cat_boundaries=")]
    assert any(kind & 1 for kind in kinds)
    assert any(not kind & 1 and kind >> 2 == 2 for kind in kinds)
    assert any(int(word) >= 2 for line in words for word in line[15:].split())  # codes beyond 32


@pytest.mark.parametrize("algorithm", ["lightgbm", "linear"])
@pytest.mark.parametrize("problem", ["binary", "regression"])
def test_a_fitted_model_answers_alike_on_its_probe_and_on_all_rows(algorithm: str, problem: Problem):
    world = features(problem)
    model = engine(algorithm).fit(world, {}, rounds=30, seed=1)
    graph = engine("onnx").export(model)
    for rows in (model.probe, world.table, world.table.slice(0, 1)):
        gap = np.abs(engine(algorithm).predict(model, rows) - engine("onnxruntime").score(graph, rows))
        assert gap.max() <= 1e-12


@pytest.mark.parametrize("algorithm", ["lightgbm", "linear"])
def test_an_export_is_the_same_bytes_every_time(algorithm: str):
    model = engine(algorithm).fit(features(), {}, rounds=5, seed=1)
    assert engine("onnx").export(model) == engine("onnx").export(replace(model))


def test_a_model_that_learned_nothing_still_answers_every_row():
    table = pa.table({"x0": [1.0, 2.0, 3.0, 4.0]})
    model = _grown(table, np.array([5.0, 5.0, 5.0, 5.0]), [], "regression")
    assert engine("onnxruntime").score(engine("onnx").export(model), table).tolist() == [5.0] * 4


@pytest.mark.parametrize(
    "params",
    [
        {"objective": "poisson"},
        {"objective": "tweedie"},
        {"objective": "gamma"},
        {"objective": "cross_entropy"},
        {"objective": "regression", "reg_sqrt": True},
        {"objective": "binary", "sigmoid": 2.0},
        {"objective": "multiclassova", "num_class": 2},
        {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
        {"linear_tree": True},
        {"zero_as_missing": True},
    ],
    ids=str,
)
def test_what_has_no_exact_export_is_refused(params: dict[str, Any]):
    rng = np.random.default_rng(0)
    table = _table(rng, 150, 2, [], 0.0)
    y = (rng.random(150) > 0.5).astype(float)
    y = y + 1 if params.get("objective") == "gamma" else y
    model = _grown(table, y, [], "binary", **params)
    for problem in ("binary", "regression"):
        with pytest.raises(SimlabError, match="no exact export"):
            engine("onnx").export(replace(model, problem=problem))


def test_an_unknown_algorithm_is_refused_by_name():
    model = engine("lightgbm").fit(features(), {}, rounds=2, seed=1)
    with pytest.raises(SimlabError, match="'forest' has no exact export"):
        engine("onnx").export(replace(model, algorithm="forest"))
