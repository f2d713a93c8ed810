"""Model Monitor's distances, held to worked numbers and to SciPy."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.model_monitor import distances
from simlab.model_monitor.sketch import Sketch
from simlab.model_monitor.statistics import summarised

samples = st.lists(st.floats(-1e6, 1e6) | st.integers(0, 4).map(float), min_size=1, max_size=120)
counts = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 400), min_size=1)


def sketch(values) -> Sketch:
    return Sketch.of(np.sort(np.array(values, float)))


def test_the_worked_numbers_of_the_sample_size_correction():
    assert distances.robust(0.25, 1000, 1000) == pytest.approx(0.1695, abs=5e-5)
    assert 0.25 - distances.robust(0.25, 1000, 1000) == pytest.approx(0.0805, abs=5e-5)
    assert 1.8 * sqrt(200 / 10_000) == pytest.approx(0.2546, abs=5e-5)
    assert distances.robust(0.25, 100, 100) == 0.0
    assert distances.robust(0.25, 0, 100) == 0.0


@pytest.mark.filterwarnings("ignore:divide by zero")  # in SciPy's p-value, which nobody asked for
@given(before=samples, now=samples)
def test_the_numeric_distance_is_the_kolmogorov_smirnov_statistic(before, now):
    from scipy.stats import ks_2samp

    mine = distances.numeric(sketch(before), sketch(now))
    assert mine == pytest.approx(ks_2samp(before, now, method="asymp").statistic, abs=1e-12)


def test_sketches_of_many_rows_give_the_distance_to_a_thousandth():
    from scipy.stats import ks_2samp

    rng = np.random.default_rng(3)
    before, now = rng.normal(size=60_000), rng.normal(0.2, 1, 90_000)
    mine = distances.numeric(sketch(before), sketch(now))
    assert mine == pytest.approx(ks_2samp(before, now).statistic, abs=0.002)


@given(before=samples, now=samples)
def test_buckets_alone_give_a_lower_bound(before, now):
    buckets = summarised(np.sort(np.array(before))).buckets
    edges = [b.lower for b in buckets] + [buckets[-1].upper]
    rough = distances.at_edges(edges, [b.count for b in buckets], sketch(now))
    assert 0 <= rough <= distances.numeric(sketch(before), sketch(now)) + 1e-12


def test_buckets_see_a_shift_that_crosses_them():
    values = np.linspace(0, 1, 1001)
    buckets = summarised(values).buckets
    edges = [b.lower for b in buckets] + [buckets[-1].upper]
    shifted = distances.at_edges(edges, [b.count for b in buckets], sketch(values + 0.3))
    assert shifted == pytest.approx(0.3, abs=0.01)


@given(before=counts, now=counts)
def test_the_categorical_distance_is_the_largest_gap_of_a_share(before, now):
    n, m = sum(before.values()), sum(now.values())
    gaps = [abs(before.get(name, 0) / n - now.get(name, 0) / m) for name in "abcdef"]
    assert distances.categorical(before, now) == pytest.approx(max(gaps))
    assert distances.categorical(before, before) == 0


@given(
    before=st.dictionaries(st.sampled_from("abcd"), st.integers(200, 400), min_size=2),
    now=st.dictionaries(st.sampled_from("abcd"), st.integers(100, 400), min_size=2),
)
def test_chi_square_without_regrouping_is_scipy_s(before, now):
    from scipy.stats import chisquare

    names = sorted(before)
    observed = np.array([now.get(name, 0) for name in names], float)
    if not observed.sum():
        assert isnan(distances.chi_square(before, now))
        return
    expected = np.array([before[name] for name in names]) / sum(before.values()) * observed.sum()
    if (expected >= 10).all():
        mine = distances.chi_square(before, now)
        assert mine == pytest.approx(chisquare(observed, expected).pvalue, abs=1e-12)


def test_rare_categories_are_added_to_the_next_rarest_until_the_test_may_be_made():
    # 100 rows expect 3, 3, 3, 41 and 50: three of five under 5 are more than a fifth.
    before = {"a": 30, "b": 30, "c": 30, "d": 410, "e": 500}
    now = {"a": 1, "b": 0, "c": 8, "d": 41, "e": 50}
    # a + b expect 6 and saw 1; then c alone is one of four, more than int(0.8), and joins them.
    merged = distances.chi_square({"abc": 90, "d": 410, "e": 500}, {"abc": 9, "d": 41, "e": 50})
    assert distances.chi_square(before, now) == pytest.approx(merged)
    assert merged == pytest.approx(1.0)


def test_chi_square_is_undefined_where_fewer_than_two_categories_remain():
    assert isnan(distances.chi_square({"a": 10}, {"a": 5}))
    assert isnan(distances.chi_square({"a": 90, "b": 10}, {"a": 9, "b": 1}))  # b expects 1 of 10
    assert isnan(distances.chi_square({}, {"a": 5}))
    assert isnan(distances.chi_square({"a": 5, "b": 5}, {"c": 5}))


def test_a_category_that_the_baseline_does_not_know_counts_nowhere_in_chi_square():
    before = {"a": 500, "b": 500}
    assert distances.chi_square(before, {"a": 60, "b": 40, "z": 900}) == distances.chi_square(
        before, {"a": 60, "b": 40}
    )


def test_nothing_to_compare_is_undefined():
    assert isnan(distances.numeric(Sketch.read([]), sketch([1])))
    assert isnan(distances.categorical({}, {"a": 1}))
    assert isnan(distances.at_edges([0.0, 1.0], [0], sketch([1])))
