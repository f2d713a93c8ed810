"""The metrics of a window are scikit-learn's, undefined ones and ties included."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simlab.engines import engine
from simlab.errors import SimlabError
from simlab.measuring import METRICS, metrics

tied = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0, np.nextafter(0.5, 1)])
answered = st.lists(st.tuples(st.booleans(), tied | st.floats(0, 1)), max_size=50)
value = st.sampled_from([-2.0, 0.0, 1.0, 3.5]) | st.floats(-1e4, 1e4).map(lambda x: round(x, 6))
valued = st.lists(st.tuples(value, value), max_size=50)


def arrays(pairs) -> tuple[np.ndarray, np.ndarray]:
    return np.array([float(a) for a, _ in pairs]), np.array([float(b) for _, b in pairs])


def assert_alike(ours: dict[str, float | None], theirs: dict[str, float | None], least: float) -> None:
    assert list(ours) == list(theirs)
    for name, figure in theirs.items():
        if figure is None:
            assert ours[name] is None, name
        else:
            assert ours[name] == pytest.approx(figure, rel=1e-12, abs=least), name


@pytest.mark.engine
@given(pairs=answered, threshold=st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0]))
@example([], 0.5)
@example([(True, 0.3)], 0.5)
@example([(False, 0.3)], 0.5)
@example([(True, 0.5), (False, 0.5)], 0.5)
@example([(True, 0.0), (False, 1.0)], 0.5)
@example([(True, 1.0), (False, 0.0), (True, 0.2)], 1.0)
@settings(max_examples=200, deadline=None)
def test_metrics_of_a_binary_problem_are_scikit_learns(pairs, threshold):
    truth, scores = arrays(pairs)
    ours = metrics("binary", truth, scores, threshold)
    theirs = engine("sklearn").metrics("binary", truth, scores, threshold)
    assert list(ours) == list(METRICS["binary"])
    assert_alike(ours, theirs, 1e-15)


@pytest.mark.engine
@given(pairs=valued)
@example([])
@example([(1.0, 2.0)])
@example([(1.0, 2.0), (1.0, 3.0)])
@settings(max_examples=200, deadline=None)
def test_metrics_of_a_regression_are_scikit_learns(pairs):
    truth, scores = arrays(pairs)
    ours = metrics("regression", truth, scores, 0.5)
    theirs = engine("sklearn").metrics("regression", truth, scores, 0.5)
    assert list(ours) == list(METRICS["regression"])
    assert_alike(ours, theirs, 1e-12)


@pytest.mark.engine
def test_a_large_window_is_measured_alike():
    rng = np.random.default_rng(0)
    scores = rng.random(20_000).round(4)
    truth = (rng.random(20_000) < scores).astype(float)
    theirs = engine("sklearn").metrics("binary", truth, scores, 0.4)
    assert_alike(metrics("binary", truth, scores, 0.4), theirs, 0.0)


def test_metrics_by_hand():
    found = metrics("binary", np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.2, 0.2, 0.8, 0.1]), 0.5)
    assert found["auc"] == (0.5 + 1 + 1 + 1) / 4
    assert found["average_precision"] == 0.5 * 1 + 0.5 * 2 / 3
    assert (found["precision"], found["recall"], found["accuracy"]) == (1.0, 0.5, 0.75)
    assert metrics("regression", np.array([1.0, 3.0]), np.array([2.0, 1.0]), 0.0) == {
        "mae": 1.5, "rmse": pytest.approx(2.5**0.5), "r2": 1 - 5 / 2, "bias": -0.5, "mape": (1 + 2 / 3) / 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("truth", "scores", "why"),
    [
        ([0.0, 1.0], [0.5, np.nan], "a number for every answer"),
        ([np.nan, 1.0], [0.5, 0.1], "a number for every answer"),
        ([0.0, 1.0], [0.5, 1.1], r"0.5 to 1.1"),
        ([0.0, 2.0], [0.5, 0.5], "0 or 1"),
    ],
)
def test_what_cannot_be_measured_is_said(truth, scores, why):
    with pytest.raises(SimlabError, match=why):
        metrics("binary", np.array(truth), np.array(scores), 0.5)


def test_measuring_a_window_needs_no_scikit_learn():
    program = (
        "import sys, numpy as np; from simlab.measuring import metrics;"
        "metrics('binary', np.array([0., 1.]), np.array([.2, .6]), .5); print('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
