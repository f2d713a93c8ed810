"""Partial dependence and permutation importance of models that can be worked out by hand."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import pyarrow as pa
import pytest

from simlab.clarify.dependence import (
    categorical_dependence,
    numeric_dependence,
    permutation_importance,
)

TABLE = pa.table({"x": [0.0, 1.0, 3.0, 4.0], "z": [1.0, 2.0, 3.0, 6.0], "job": ["a", "b", "b", None]})


def ask(table: pa.Table) -> np.ndarray:
    job = np.array(table["job"].to_pylist(), object) == "b"
    return np.asarray(table["x"].to_numpy() ** 2 * table["z"].to_numpy() + 10 * job)


def test_partial_dependence_is_the_mean_answer_with_the_feature_held_at_each_centre() -> None:
    found = numeric_dependence(TABLE, "x", ask, 2)
    assert (found.values, found.shares) == ((1.0, 3.0), (0.5, 0.5))
    assert found.answers == pytest.approx([1 * 3 + 5, 9 * 3 + 5])  # the mean of z is 3, half are bakers


def test_against_brute_force_row_by_row() -> None:
    rows = TABLE.to_pylist()
    found = numeric_dependence(TABLE, "z", ask, 5)
    assert found.values == (1.5, 2.5, 3.5, 4.5, 5.5) and found.shares == (0.25, 0.25, 0.25, 0.0, 0.25)
    for value, answer in zip(found.values, found.answers, strict=True):
        each = [float(ask(pa.Table.from_pylist([row | {"z": value}]))[0]) for row in rows]
        assert answer == pytest.approx(fmean(each))


def test_categories_come_by_frequency_and_unknown_ones_do_not_count() -> None:
    found = categorical_dependence(TABLE, "job", ask, 5)
    assert (found.values, found.shares) == (("b", "a"), pytest.approx((2 / 3, 1 / 3)))
    plain = fmean(TABLE["x"].to_numpy() ** 2 * TABLE["z"].to_numpy())
    assert found.answers == pytest.approx([plain + 10, plain])
    assert categorical_dependence(TABLE, "job", ask, 1).values == ("b",)


def test_a_constant_feature_has_one_bucket_and_an_empty_one_none() -> None:
    table = TABLE.set_column(0, "x", pa.array([2.0, 2.0, None, 2.0]))
    found = numeric_dependence(table, "x", ask, 7)
    assert (found.values, found.shares) == ((2.0,), (1.0,))
    empty = TABLE.set_column(0, "x", pa.nulls(4, pa.float64()))
    assert numeric_dependence(empty, "x", ask, 7).values == ()


def test_a_feature_that_nobody_asks_for_has_no_importance_and_shuffling_the_other_costs() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    table = pa.table({"x": x, "noise": rng.normal(size=400), "y": x})

    def loss(rows: pa.Table) -> float:
        return float(np.mean((rows["x"].to_numpy() - rows["y"].to_numpy()) ** 2))

    found = permutation_importance(table, ("x", "noise"), loss, 20, np.random.default_rng(1))
    assert found["noise"] == (0.0, 0.0)
    mean, spread = found["x"]
    # x against an independent copy of itself: E (x - x')^2 is twice the variance
    assert mean == pytest.approx(2 * x.var(), rel=0.1) and 0 < spread < mean
    assert found == permutation_importance(table, ("x", "noise"), loss, 20, np.random.default_rng(1))
