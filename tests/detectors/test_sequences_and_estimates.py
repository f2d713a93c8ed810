"""Sequential detectors, the domain classifier and CBPE on samples whose answer is known beforehand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from simlab.detectors.cbpe import cbpe, expected
from simlab.detectors.cusum import cusum
from simlab.detectors.domain_classifier import domain_classifier
from simlab.detectors.es import es
from simlab.detectors.ks import ks
from simlab.detectors.kswin import problems_in
from simlab.detectors.wasserstein import wasserstein
from simlab.engines import engine

# --- CUSUM --------------------------------------------------------------------------------------


def test_cusum_by_hand():
    x = np.array([1.0, 0.2, 2.0, 2.0, -3.0, -3.0])
    # up:   .5 .2 1.7 3.2  restart  0   0     down: 0 0 0 0  2.5 5.0
    sums = [0.5, 0.2, 1.7, 3.2, 2.5, 5.0]
    for n, wanted in enumerate(sums, 1):
        value, breached, threshold = cusum(x[:n], 1, k=0.5, h=3.0)
        assert value == pytest.approx(wanted)
        assert (breached, threshold) == (wanted > 3.0, 3.0)


def test_cusum_begins_again_after_a_signal_and_signals_again_while_the_shift_stays():
    x = np.full(9, 2.0)  # 1.5, 3.0, 4.5 > 4, again
    signals = [n for n in range(1, 10) if cusum(x[:n], 1, k=0.5, h=4.0)[1]]
    assert signals == [3, 6, 9]


def test_cusum_sees_a_fall_as_well_as_a_rise():
    x = np.full(5, 1.5)
    assert cusum(x, 1, h=3.0) == cusum(-x, 1, h=3.0)


def test_cusum_finds_one_sigma_after_ten_values_on_average():
    delays = []
    for seed in range(200):
        x = np.random.default_rng(seed).normal(1.0, 1.0, 100)
        delays.append(next(n for n in range(1, 101) if cusum(x[:n], 1)[1]))
    assert 9.0 < np.mean(delays) < 12.0


# --- others -------------------------------------------------------------------------------------


def test_a_kswin_that_leaves_nothing_to_compare_is_told():
    assert not list(problems_in({})) and not list(problems_in({"past": 40, "newest": 20}))
    (said,) = problems_in({"past": 12})
    assert "newest" in said and "8 of 12" in said


@pytest.mark.engine
def test_epps_singleton_is_undefined_where_its_scale_is_zero():
    mostly = np.array([0.0] * 80 + [1.0] * 20)
    assert es(mostly, mostly[:40])[:2] == (None, False)
    assert es(np.arange(10.0), np.arange(4.0))[:2] == (None, False)


# --- the domain classifier ----------------------------------------------------------------------


def pair(rows: int, rho: float, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, rows))
    return pa.table({"a": a, "b": rho * a + np.sqrt(1 - rho**2) * b})


@pytest.mark.engine
def test_a_change_of_correlation_alone_is_seen_by_the_classifier_and_by_no_column():
    before, now = pair(4000, 0.0, 1), pair(1000, 0.7, 2)
    value, breached, _ = domain_classifier(before, now, ["a", "b"], [], 0)
    assert breached and value is not None and value > 0.62
    for column in ("a", "b"):
        x, y = before[column].to_numpy(), now[column].to_numpy()
        assert not ks(x, y)[1] and not wasserstein(x, y)[1]


@pytest.mark.engine
def test_rows_drawn_twice_are_not_known_again():
    pool = pair(1500, 0.0, 3)
    rng = np.random.default_rng(0)
    before, now = (pool.take(rng.integers(0, 1500, rows)) for rows in (3000, 1000))
    value, breached, _ = domain_classifier(before, now, ["a", "b"], [], 0)
    assert value is not None and value < 0.55 and not breached


@pytest.mark.engine
def test_missing_values_and_new_categories_tell_rows_apart():
    rng = np.random.default_rng(0)
    x = rng.normal(size=600)
    before = pa.table({"x": x, "c": ["a"] * 600})
    holed = pa.table({"x": pa.array(np.where(x > 0, np.nan, x), from_pandas=True), "c": ["a"] * 600})
    other = pa.table({"x": x, "c": ["a"] * 300 + ["b"] * 300})
    assert domain_classifier(before, holed, ["x"], ["c"], 0)[1]
    assert domain_classifier(before, other, ["x"], ["c"], 0)[1]


# --- CBPE ---------------------------------------------------------------------------------------


def test_expected_metrics_by_hand():
    # two rows, chances 0.25 and 0.75, scores likewise, called by 0.5
    found = expected(np.array([0.25, 0.75]), np.array([0.25, 0.75]), 0.5)
    assert found["accuracy"] == pytest.approx(0.75)
    # right order: 0.75 * 0.75; wrong order: 0.25 * 0.25; pairs: their sum
    assert found["auc"] == pytest.approx(0.5625 / 0.625)
    loss = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    assert found["log_loss"] == pytest.approx(loss)


def test_equal_scores_are_half_right_and_certain_rows_of_one_class_make_no_pairs():
    half = expected(np.array([0.5, 0.5, 0.5]), np.array([0.2, 0.6, 0.9]), 0.5)
    assert half["auc"] == pytest.approx(0.5)
    assert expected(np.array([0.3, 0.4]), np.array([1.0, 1.0]), 0.5)["auc"] is None


def test_expectations_agree_with_answers_drawn_by_the_chances():
    rng = np.random.default_rng(1)
    scores = rng.beta(2, 3, 400)
    drawn = [
        engine("sklearn").metrics("binary", (rng.random(400) < scores) * 1.0, scores, 0.5) for _ in range(100)
    ]
    for metric, value in expected(scores, scores, 0.5).items():
        figures = np.array([each[metric] for each in drawn])
        assert abs(figures.mean() - value) < 4 * figures.std() / np.sqrt(100) + 0.001, metric


def world(rows: int, seed: int, mean: float = 0.0, turned: bool = False):
    """Scores of a model that is overconfident but ranks rightly, and the answers of the world."""
    rng = np.random.default_rng(seed)
    x = rng.normal(mean, 1.0, rows)
    eta = 1 / (1 + np.exp(-1.5 * x))
    if turned:  # concept drift: the same rows mean something else
        eta = 1 / (1 + np.exp(1.5 * x))
    scores = 1 / (1 + np.exp(-2.5 * x))
    return scores, (rng.random(rows) < eta).astype(float)


@pytest.mark.engine
@pytest.mark.parametrize("mean", [-0.7, 0.0, 0.7])
def test_under_covariate_drift_the_estimate_is_what_the_labels_will_say(mean):
    scores, labels = world(50_000, 1, mean)
    _, found = cbpe(*world(20_000, 0), scores, 0.5)
    truth = engine("sklearn").metrics("binary", labels, scores, 0.5)
    for metric, tolerance in (("accuracy", 0.015), ("auc", 0.015), ("log_loss", 0.035)):
        assert found[metric] == pytest.approx(truth[metric], abs=tolerance), metric


@pytest.mark.engine
def test_under_concept_drift_the_estimate_is_wrong_and_does_not_say_so():
    scores, labels = world(5000, 1, turned=True)
    (_, breached, _), found = cbpe(*world(20_000, 0), scores, 0.5)
    truth = engine("sklearn").metrics("binary", labels, scores, 0.5)
    assert truth["auc"] < 0.25 and found["auc"] > 0.8
    assert truth["accuracy"] < 0.35 and found["accuracy"] > 0.7
    assert not breached


@pytest.mark.engine
def test_uncalibrated_scores_are_taken_at_their_word():
    scores, labels = world(5000, 1)
    truth = engine("sklearn").metrics("binary", labels, scores, 0.5)["log_loss"]
    (_, mended), (_, plain) = (
        cbpe(*world(20_000, 0), scores, 0.5, calibration=how) for how in ("isotonic", "none")
    )
    assert abs(mended["log_loss"] - truth) < 0.02 < truth - plain["log_loss"]


@pytest.mark.engine
def test_the_verdict_is_about_the_metric_that_was_named():
    before, (now, _) = world(5000, 0), world(2000, 1)
    for metric in ("accuracy", "auc", "log_loss"):
        (value, breached, threshold), _ = cbpe(*before, now, 0.5, metric=metric, worse_by=0.3)
        assert (breached, threshold) == (False, 0.3) and abs(value) < 0.1
    narrow = 1 / (1 + np.exp(-np.random.default_rng(2).normal(0, 0.05, 500)))
    assert cbpe(*before, narrow, 0.5, metric="log_loss", worse_by=0.2)[0][1]
