"""Rows that count more, and rows that count alike: the same question to every learner."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("lightgbm")
pytest.importorskip("sklearn")

from simlab.artifacts import WEIGHT, FeatureSet
from simlab.engines import engine, matrix
from tests.engines.worlds import features

pytestmark = pytest.mark.engine

LEARNERS = ["lightgbm", "linear"]
VALUES = {"lightgbm": {"num_leaves": 7}, "linear": {}}


def weighted(world: FeatureSet, weights: np.ndarray) -> FeatureSet:
    return replace(world, table=world.table.append_column(WEIGHT, pa.array(weights)))


@pytest.mark.parametrize("problem", ["binary", "regression"])
@pytest.mark.parametrize("name", LEARNERS)
@given(weight=st.floats(1e-6, 1e6))
@settings(max_examples=5)
def test_rows_that_all_count_alike_make_the_model_they_make_without_weights(
    name: str, problem: str, weight: float
) -> None:
    world = features(problem, rows=200)  # type: ignore[arg-type]
    plain = engine(name).fit(world, VALUES[name], rounds=5, seed=1)
    same = engine(name).fit(
        weighted(world, np.full(world.table.num_rows, weight)), VALUES[name], rounds=5, seed=1
    )
    assert same.native == plain.native and same.threshold == plain.threshold


@pytest.mark.parametrize("name", LEARNERS)
def test_only_the_ratios_of_weights_count(name: str) -> None:
    world = features(rows=300)
    weights = np.random.default_rng(2).uniform(0.1, 1, world.table.num_rows)
    one, other = (
        engine(name).fit(weighted(world, factor * weights), VALUES[name], rounds=5, seed=1)
        for factor in (1.0, 8.0)
    )
    asked = world.table
    assert engine(name).predict(one, asked) == pytest.approx(engine(name).predict(other, asked), abs=1e-6)


@pytest.mark.parametrize("name", LEARNERS)
def test_the_heavier_of_two_worlds_is_believed(name: str) -> None:
    """Half of the rows say the opposite of the other half; whoever weighs more is followed."""
    world = features(rows=600, missing=0.0)
    rows = world.table.num_rows
    y = world.table["y"].to_numpy()
    late = np.arange(rows) >= rows // 2
    torn = world.table.set_column(
        world.table.column_names.index("y"), "y", pa.array(np.where(late, 1 - y, y))
    )
    torn = torn.set_column(torn.column_names.index("split"), "split", pa.array(["train"] * rows))
    losses = {}
    for heavy in (0.02, 50.0):
        given = weighted(replace(world, table=torn), np.where(late, heavy, 1.0))
        model = engine(name).fit(given, VALUES[name], rounds=30, seed=1)
        losses[heavy] = np.abs(engine(name).predict(model, world.table) - y).mean()
    assert losses[0.02] < 0.4 and losses[50.0] > 0.6


@pytest.mark.parametrize("name", LEARNERS)
def test_weights_count_in_the_trials_of_tuning_too(name: str) -> None:
    world = features(rows=300)
    weights = np.where(np.arange(world.table.num_rows) % 3 == 0, 100.0, 0.01)
    scores = [
        engine(name).objective(each, metric="log_loss", rounds=5, seed=1)(VALUES[name])[0]
        for each in (world, weighted(world, weights))
    ]
    assert scores[0] != scores[1]


def test_weights_are_one_on_average() -> None:
    table = pa.table({WEIGHT: [1.0, 2.0, 3.0]})
    found = matrix.weights(table)
    assert found is not None and found.tolist() == [0.5, 1.0, 1.5]
    assert matrix.weights(pa.table({"x": [1.0]})) is None
    assert matrix.weights(pa.table({WEIGHT: [3.0, 3.0]})) is None
