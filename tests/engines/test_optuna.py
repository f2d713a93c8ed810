"""Generational search: the same trials however many cores there are and whoever ends first."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import pytest

pytest.importorskip("optuna")

from simlab.artifacts import Trial
from simlab.engines import engine
from simlab.errors import SimlabError

pytestmark = pytest.mark.engine

SPACE = {
    "x": {"low": -10.0, "high": 10.0, "log": False, "int": False},
    "n": {"low": 1, "high": 64, "log": True, "int": True},
}


def bowl(values: Mapping[str, Any]) -> tuple[float, int]:
    """Least, 0, at x = 2, n = 8."""
    return (values["x"] - 2) ** 2 + (values["n"] - 8) ** 2 / 10, values["n"]


def search(objective: Any = bowl, **changed: Any) -> tuple[Trial, ...]:
    settings: dict[str, Any] = {
        "strategy": "bayesian",
        "trials": 24,
        "generation": 4,
        "seed": 3,
        "direction": "minimize",
    }
    found: tuple[Trial, ...] = engine("optuna").search(objective, SPACE, **{**settings, **changed})
    return found


def test_trials_stay_in_the_space_and_carry_score_and_round():
    for trial in search():
        assert -10 <= trial.values["x"] <= 10
        assert trial.values["n"] in range(1, 65)
        assert (trial.score, trial.best_round) == bowl(trial.values)


def test_neither_cores_nor_finishing_order_change_a_trial(monkeypatch: pytest.MonkeyPatch):
    def slow_first(values: Mapping[str, Any]) -> tuple[float, int]:
        time.sleep(0.01 if values["x"] > 0 else 0.0)
        return bowl(values)

    many = search(slow_first)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert search() == many


def test_the_generation_and_the_seed_do_change_them():
    assert search(generation=8) != search()
    assert search(seed=4) != search()


def test_bayesian_search_gets_closer_than_its_first_ten_blind_trials():
    tried = search(trials=40)
    assert min(t.score for t in tried[10:]) < min(t.score for t in tried[:10])
    blind = search(trials=40, strategy="random")
    assert sum(t.score for t in tried[20:]) < sum(t.score for t in blind[20:])


def test_the_direction_is_heeded():
    upside = search(lambda values: (-bowl(values)[0], 1), direction="maximize")
    assert [t.values for t in upside] == [t.values for t in search()]


def test_trials_are_reported_in_order_also_in_a_short_last_generation():
    told: list[Trial] = []
    tried = search(trials=10, report=told.append)
    assert tuple(told) == tried
    assert [t.number for t in tried] == list(range(10))


def test_the_start_is_the_first_trial_where_the_space_allows_it():
    assert search(start={"x": 2.0, "n": 8, "other": 1})[0].values == {"x": 2.0, "n": 8}
    assert search(start={"x": 99.0, "n": 8})[0].values["x"] <= 10


def test_an_undefined_score_is_the_worst_and_the_search_goes_on():
    tried = search(lambda values: (float("nan") if values["x"] < 0 else bowl(values)[0], 1))
    lost = [t for t in tried if t.values["x"] < 0]
    assert lost and all(t.score == float("inf") for t in lost)
    assert min(tried, key=lambda t: t.score).values["x"] >= 0


def test_choices_are_chosen_among():
    tried = engine("optuna").search(
        lambda values: (float(values["kind"] == "b"), 1),
        {"kind": {"choices": ["a", "b"]}},
        strategy="random",
        trials=12,
        generation=2,
        seed=1,
        direction="maximize",
    )
    assert {t.values["kind"] for t in tried} == {"a", "b"}


def test_what_goes_wrong_in_a_trial_is_not_swallowed():
    def broken(values: Mapping[str, Any]) -> tuple[float, int]:
        raise SimlabError("no rows to train on")

    with pytest.raises(SimlabError, match="no rows to train on"):
        search(broken)


def test_nonsense_is_refused():
    with pytest.raises(SimlabError, match="at least one trial"):
        search(trials=0)
    with pytest.raises(SimlabError, match="'bayesian' and 'random'"):
        search(strategy="grid")
    with pytest.raises(SimlabError, match="search space of 'x'"):
        engine("optuna").search(
            bowl, {"x": {"low": 2.0, "high": 1.0}}, strategy="random", trials=1, generation=1, seed=1,
            direction="minimize",
        )  # fmt: skip
