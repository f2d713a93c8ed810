"""Two models on the same rows: what a difference is worth, and how often chance makes one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from simlab.measuring import metrics
from simlab.statistics.paired import bootstrap, mcnemar, row_losses

WORLDS = 400
ALPHA = 0.05
MOST = int(binom.ppf(0.999, WORLDS, 1.2 * ALPHA))
"""More rejections than that in so many worlds, and the test does not keep its level, give or take a fifth."""


def answers(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.02, 0.98, rows)
    return (rng.random(rows) < scores).astype(float), scores


@pytest.mark.parametrize("metric", ["log_loss", "brier", "accuracy"])
def test_the_mean_of_the_losses_is_the_metric(metric: str) -> None:
    truth, scores = answers(200, 1)
    loss = row_losses(metric, truth, scores, 0.4).mean()  # type: ignore[arg-type]
    figure = metrics("binary", truth, scores, 0.4)[metric]
    assert loss == pytest.approx(1 - figure if metric == "accuracy" else figure, abs=1e-12)


def test_the_losses_of_values_by_hand() -> None:
    truth, said = np.array([1.0, 2.0, 5.0]), np.array([2.0, 2.0, 3.0])
    assert row_losses("mae", truth, said, 0.5).tolist() == [1.0, 0.0, 2.0]
    assert row_losses("rmse", truth, said, 0.5).tolist() == [1.0, 0.0, 4.0]
    rng = np.random.default_rng(0)
    found = bootstrap(np.array([4.0, 4.0]), np.array([1.0, 1.0]), rng=rng, metric="rmse")
    assert (found.difference, found.low, found.high) == (1.0, 1.0, 1.0), "roots of means, not means of roots"


def test_a_factor_asks_for_more_than_a_difference() -> None:
    first, second = np.full(50, 1.05), np.full(50, 1.0)
    rng = np.random.default_rng(0)
    assert bootstrap(first, second, rng=rng).p < 0.001
    assert bootstrap(first, second, rng=rng, factor=1.1).p == 1.0, "5 % worse is not 10 % worse"
    assert bootstrap(first, second, rng=rng, bound=0.1).p == 1.0


def test_without_rows_nothing_is_known() -> None:
    none = np.empty(0)
    for found in (bootstrap(none, none, rng=np.random.default_rng(0)), mcnemar(none, none)):
        assert (found.p, found.rows) == (1.0, 0) and np.isnan(found.difference)
    same = np.array([1, 0, 1])
    assert mcnemar(same, same).p == 1.0, "no row speaks for either"


def test_mcnemar_by_hand() -> None:
    first = np.array([1] * 9 + [0] + [1] * 5 + [0] * 85)
    second = np.array([0] * 9 + [1] + [1] * 5 + [0] * 85)
    found = mcnemar(first, second)
    assert found.p == pytest.approx(11 / 1024)  # P(B >= 9) of ten coins
    assert found.difference == 0.08 and found.low < 0.08 < found.high


@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_two_turns_the_difference_round(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.random(40), rng.random(40)
    there, back = (
        bootstrap(*pair, rng=np.random.default_rng(7), repeats=200)
        for pair in ((first, second), (second, first))
    )
    assert there.difference == pytest.approx(-back.difference)
    assert there.low == pytest.approx(-back.high) and there.low <= there.difference <= there.high


def test_two_equally_good_models_are_seldom_told_apart() -> None:
    """Both see the truth through noise of the same size: whoever wins, wins by chance."""
    rejected = {"bootstrap": 0, "mcnemar": 0}
    for seed in range(WORLDS):
        rng = np.random.default_rng([seed, 1])
        logit = rng.normal(0, 1.5, 250)
        truth = (rng.random(250) < 1 / (1 + np.exp(-logit))).astype(float)
        said = [1 / (1 + np.exp(-(logit + rng.normal(0, 0.7, 250)))) for _ in range(2)]
        losses = [row_losses("log_loss", truth, scores, 0.5) for scores in said]
        wrong = [row_losses("accuracy", truth, scores, 0.5) for scores in said]
        rejected["bootstrap"] += bootstrap(*losses, rng=rng, repeats=400).p <= ALPHA
        rejected["mcnemar"] += mcnemar(*wrong).p <= ALPHA
    assert rejected["bootstrap"] <= MOST and rejected["mcnemar"] <= MOST, rejected
    assert rejected["bootstrap"] > 0, "a test that never rejects tells nothing"


def test_a_better_model_is_found() -> None:
    found = 0
    for seed in range(40):
        rng = np.random.default_rng([seed, 2])
        logit = rng.normal(0, 1.5, 600)
        truth = (rng.random(600) < 1 / (1 + np.exp(-logit))).astype(float)
        worse, better = (1 / (1 + np.exp(-(logit + rng.normal(0, noise, 600)))) for noise in (1.5, 0.3))
        losses = [row_losses("log_loss", truth, scores, 0.5) for scores in (worse, better)]
        found += bootstrap(*losses, rng=rng, repeats=400).p <= ALPHA
    assert found >= 36, found
