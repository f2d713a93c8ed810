"""The labeller: what Y would have been, coupled to what it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.artifacts import Column, Schema, View
from simlab.labeller import Labeller

COLUMNS = (Column("x", "numeric"),)


def labeller(
    problem: Any = "binary", rows: pa.Table | None = None, calls: list[str] | None = None
) -> Labeller:
    schema = Schema(problem, "y", "id", "at", COLUMNS, views=(View("v", "id", COLUMNS, from_rows=True),))

    def memo(name: str, inputs: Any, compute: Any) -> Any:
        if calls is not None:
            calls.append(name)
        return compute()

    return Labeller(pa.table({}) if rows is None else rows, schema, "d", memo)


shares = st.floats(0.001, 0.999)
rows = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0]), shares, shares, st.floats(0, 0.999)), min_size=1, max_size=20
)


@given(rows)
def test_where_nothing_moved_the_label_stays(drawn: list[tuple[float, float, float, float]]) -> None:
    y, before, _, uniform = map(np.array, zip(*drawn, strict=True))
    assert (labeller().answer(y, before, before.copy(), uniform) == y).all()


@given(rows)
def test_labels_move_only_the_way_the_chance_moves(drawn: list[tuple[float, float, float, float]]) -> None:
    y, before, after, uniform = map(np.array, zip(*drawn, strict=True))
    answered = labeller().answer(y, before, after, uniform)
    assert set(answered.tolist()) <= {0.0, 1.0}
    assert (answered[after > before] >= y[after > before]).all()
    assert (answered[after < before] <= y[after < before]).all()


@pytest.mark.parametrize(("before", "after"), [(0.2, 0.7), (0.7, 0.2), (0.5, 0.5), (0.01, 0.99)])
def test_the_new_labels_follow_the_new_chance(before: float, after: float) -> None:
    rng = np.random.default_rng(0)
    count = 20_000
    y = (rng.random(count) < before).astype(float)
    answered = labeller().answer(y, np.full(count, before), np.full(count, after), rng.random(count))
    assert answered.mean() == pytest.approx(after, abs=0.015)
    # Coupled: no more labels change than must.
    assert (answered != y).mean() == pytest.approx(abs(after - before), abs=0.015)


def test_the_latent_draw_is_uniform_and_agrees_with_the_label() -> None:
    rng = np.random.default_rng(1)
    eta = rng.random(20_000)
    y = (rng.random(20_000) < eta).astype(float)
    u = labeller().latent(y, eta, rng.random(20_000))
    assert ((u <= eta) == (y == 1)).all()
    assert np.quantile(u, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.015)


def test_a_regression_keeps_its_residual() -> None:
    found = labeller("regression").answer(
        np.array([10.0, 3.0]), np.array([8.0, 3.0]), np.array([9.5, 3.0]), np.array([0.1, 0.9])
    )
    assert found.tolist() == [11.5, 3.0]


@pytest.mark.engine
@pytest.mark.parametrize("problem", ["binary", "regression"])
def test_it_is_fitted_once_and_knows_the_datas_law(problem: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, 4000)
    y = (rng.random(4000) < x / 10).astype(float) if problem == "binary" else 3 * x
    calls: list[str] = []
    found = labeller(problem, pa.table({"id": np.arange(4000), "x": x, "y": y}), calls)
    probe = np.linspace(0.5, 9.5, 200)
    first, again = found.eta(pa.table({"x": probe})), found.eta(pa.table({"x": probe}))
    assert calls == ["labeller"] and (first == again).all()
    law, size = (probe / 10, 1) if problem == "binary" else (3 * probe, 30)
    assert np.abs(first - law).mean() < 0.1 * size
