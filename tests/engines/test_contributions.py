"""What each feature adds to an answer: it adds up, and it is the Shapley value by its definition."""

from __future__ import annotations

import json
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("lightgbm")

import lightgbm

from simlab.artifacts import Model
from simlab.engines import engine
from tests.engines.worlds import features

pytestmark = pytest.mark.engine


def fitted(algorithm: str, problem: str = "binary", **values: Any) -> tuple[Model, pa.Table]:
    world = features(problem)  # type: ignore[arg-type]
    return engine(algorithm).fit(world, values, rounds=12, seed=1), world.table


def raw(model: Model, table: pa.Table) -> np.ndarray:
    answers = engine(model.algorithm).predict(model, table)
    return np.asarray(np.log(answers / (1 - answers)) if model.problem == "binary" else answers)


@pytest.mark.parametrize("algorithm", ["lightgbm", "linear"])
@pytest.mark.parametrize("problem", ["binary", "regression"])
def test_base_and_contributions_sum_to_the_raw_score(algorithm: str, problem: str) -> None:
    model, table = fitted(algorithm, problem)
    for rows in (table, model.probe):  # the probe holds unknown, unseen and extreme values
        found, base = engine(algorithm).contributions(model, rows, table)
        assert found.shape == (rows.num_rows, 4)
        kept = np.abs(raw(model, rows)) < 30  # beyond it a probability is 1 to the last digit
        assert kept.mean() > 0.9
        assert (base + found.sum(axis=1))[kept] == pytest.approx(raw(model, rows)[kept], abs=1e-6)


@pytest.mark.parametrize("algorithm", ["lightgbm", "linear"])
def test_rows_are_explained_one_by_one_and_alike_every_time(algorithm: str) -> None:
    model, table = fitted(algorithm)
    found, base = engine(algorithm).contributions(model, table, table)
    again, _ = engine(algorithm).contributions(model, table, table)
    assert found.tobytes() == again.tobytes()
    some, _ = engine(algorithm).contributions(model, table.slice(100, 7), table)
    assert some.tobytes() == found[100:107].tobytes()
    nothing, other = engine(algorithm).contributions(model, table.slice(0, 0), table)
    assert nothing.shape == (0, 4) and other == base


def test_a_linear_model_by_hand() -> None:
    model, table = fitted("linear", "regression", clip=0.0)
    said = json.loads(model.native)
    known = table.filter(pa.compute.is_valid(table["age"])).slice(0, 50)
    background = pa.table(
        {"age": [20.0, 40.0], "hours": [40.0, 40.0], "place": ["farm", "town"], "job": [None, "clerk"]}
    )
    found, base = engine("linear").contributions(model, known, background)
    slope = said["weight"][0] / said["scale"][0]
    assert found[:, 0] == pytest.approx(slope * (known["age"].to_numpy() - 30.0))
    town, farm = (said["effect"]["place"][model.categories["place"].index(p)] for p in ("town", "farm"))
    in_town = np.array(known["place"].to_pylist(), object) == "town"
    assert in_town.any() and found[in_town, 2] == pytest.approx(town - (town + farm) / 2)
    assert base == pytest.approx(engine("linear").predict(model, background).mean())


def test_trees_against_shapley_values_by_their_definition() -> None:
    """Every subset of features is tried; what is unknown goes both ways, as the training rows did."""
    model, table = fitted("lightgbm", num_leaves=8, min_child_samples=5, learning_rate=0.6)
    trees = lightgbm.Booster(model_str=model.native).dump_model()["tree_info"]
    names = (*model.numeric, *model.categorical)
    # Rows with every value known: how an unknown one goes is LightGBM's own affair, tested by the sum.
    whole = table.drop_null().slice(0, 8)
    inputs = np.hstack(
        [engine("matrix").numbers(whole, model.numeric), engine("matrix").codes(whole, model.categories)]
    )
    found, base = engine("lightgbm").contributions(model, whole, table)
    assert {node for tree in trees for node in asked(tree["tree_structure"])} == set(range(len(names)))
    for row, contributions in zip(inputs, found, strict=True):
        assert base == pytest.approx(
            sum(expected(tree["tree_structure"], row, frozenset()) for tree in trees)
        )
        for feature in range(len(names)):
            by_hand = sum(shapley(tree["tree_structure"], row, feature, len(names)) for tree in trees)
            assert contributions[feature] == pytest.approx(by_hand, abs=1e-9)


def asked(node: Any) -> set[int]:
    if "leaf_value" in node:
        return set()
    return {node["split_feature"]} | asked(node["left_child"]) | asked(node["right_child"])


def rows_of(node: Any) -> float:
    return float(node["leaf_count"] if "leaf_value" in node else node["internal_count"])


def expected(node: Any, row: np.ndarray, known: frozenset[int]) -> float:
    """A tree's mean answer where only some features are known (algorithm 1 of the TreeSHAP paper)."""
    if "leaf_value" in node:
        return float(node["leaf_value"])
    left, right = node["left_child"], node["right_child"]
    feature = node["split_feature"]
    if feature in known:
        if node["decision_type"] == "==":
            goes_left = int(row[feature]) in {int(code) for code in str(node["threshold"]).split("||")}
        else:
            goes_left = row[feature] <= node["threshold"]
        return expected(left if goes_left else right, row, known)
    share = rows_of(left) / (rows_of(left) + rows_of(right))
    return share * expected(left, row, known) + (1 - share) * expected(right, row, known)


def shapley(tree: Any, row: np.ndarray, feature: int, count: int) -> float:
    others = [other for other in range(count) if other != feature]
    total = 0.0
    for size in range(count):
        weight = factorial(size) * factorial(count - size - 1) / factorial(count)
        for some in combinations(others, size):
            known = frozenset(some)
            total += weight * (expected(tree, row, known | {feature}) - expected(tree, row, known))
    return total


def test_a_surrogate_of_a_tree_is_that_tree() -> None:
    world = features("regression", missing=0.0)
    schema = world.schema
    answers = np.where(np.array(world.table["place"].to_pylist()) == "town", 3.0, 1.0)
    text, r2, agreement = engine("sklearn_yardsticks").surrogate(
        schema, (world.table, answers), (world.table, answers), 2.0, depth=3
    )
    assert text.splitlines() == ["if place is 'town' then 3", "if place is not 'town' then 1"]
    assert (r2, agreement) == (1.0, None)


def test_a_surrogate_too_shallow_is_told_by_its_figures() -> None:
    world = features()
    answers = engine("lightgbm").predict(fitted("lightgbm")[0], world.table)
    figures = [
        engine("sklearn_yardsticks").surrogate(
            world.schema, (world.table, answers), (world.table, answers), 0.5, depth=d
        )
        for d in (1, 4)
    ]
    assert 0 < figures[0][1] < figures[1][1] < 1 and 0.5 < figures[0][2] <= figures[1][2] <= 1
    _, r2, agreement = engine("sklearn_yardsticks").surrogate(
        world.schema, (world.table, answers), (world.table.slice(0, 0), answers[:0]), 0.5, depth=2
    )
    assert (r2, agreement) == (None, None)
