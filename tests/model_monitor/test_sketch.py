"""A sketch is exact while it is small, near enough when it is not, and the same for the same rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.model_monitor.sketch import SIZE, Sketch

numbers = st.lists(st.floats(-1e9, 1e9) | st.integers(-3, 3).map(float), min_size=1, max_size=400)


def true_cdf(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.sort(values), at, side="right") / len(values)


@given(values=numbers)
def test_up_to_k_values_nothing_is_lost(values):
    array = np.array(values)
    sketch = Sketch.of(np.sort(array))
    assert len(sketch.levels) == 1 and sketch.error == 0
    assert (sketch.cdf(array) == true_cdf(array, array)).all()


@given(values=numbers, k=st.integers(8, 40))
def test_above_it_ranks_are_off_by_less_than_the_error_says(values, k):
    array = np.array(values)
    sketch = Sketch.of(np.sort(array), k)
    assert sketch.count == len(array)
    assert len(sketch.levels[-1]) <= k and all(len(level) <= 1 for level in sketch.levels[:-1])
    at = np.concatenate([array, array - 0.5, array + 0.5])
    assert np.abs(sketch.cdf(at) - true_cdf(array, at)).max() <= sketch.error + 1e-12
    assert sketch.error <= 2 / k


@pytest.mark.parametrize("rows", [2048, 2049, 5000, 100_001])
def test_the_error_at_deequ_s_size_is_under_a_thousandth(rows):
    values = np.sort(np.random.default_rng(1).lognormal(size=rows))
    sketch = Sketch.of(values)
    assert sketch.k == SIZE and sketch.error <= 0.001
    assert np.abs(sketch.cdf(values) - true_cdf(values, values)).max() <= sketch.error + 1e-12
    assert abs(true_cdf(values, np.array([sketch.quantile(0.9)]))[0] - 0.9) <= 0.002


def test_a_file_with_several_values_on_lower_levels_is_read_with_their_weights():
    sketch = Sketch.read([[1.0, 9.0], [2.0], [5.0, 3.0]])
    assert sketch.count == 2 + 2 + 8
    assert sketch.cdf(np.array([0.0, 1.0, 2.0, 4.0, 9.0])).tolist() == [0, 1 / 12, 3 / 12, 7 / 12, 1]
    assert sketch.quantile(0.5) == 3.0


def test_an_empty_sketch_counts_nothing():
    assert Sketch.read([]).count == 0 and Sketch.read([[]]).error == 0
