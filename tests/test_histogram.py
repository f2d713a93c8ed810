"""Two distributions on the same bins."""

from __future__ import annotations

import numpy as np
import pytest

from simlab.histogram import OTHERS, histogram


def test_both_samples_fall_into_the_same_bins_and_every_value_counts():
    labels, before, now = histogram("numeric", np.array([0.0, 1.0, 2.0]), np.array([9.0, 10.0]), bins=5)
    assert labels == ["0", "2", "4", "6", "8", "10"]
    assert before == pytest.approx([2 / 3, 1 / 3, 0, 0, 0])
    assert now == [0, 0, 0, 0, 1]


def test_a_few_whole_numbers_have_a_bin_each():
    labels, before, _ = histogram("numeric", np.array([1.0, 1.0, 3.0]), np.array([2.0]), bins=20)
    assert labels == ["0.5", "1.5", "2.5", "3.5"]
    assert before == pytest.approx([2 / 3, 0, 1 / 3])


def test_one_far_value_does_not_squeeze_the_others_into_one_bin():
    labels, before, now = histogram("numeric", np.append(np.arange(200.0), 1e6), np.arange(200.0), bins=4)
    assert float(labels[-1]) < 200
    assert before == pytest.approx([0.25] * 4, abs=0.02)
    assert sum(now) == pytest.approx(1)


def test_missing_values_count_nowhere_and_an_empty_sample_has_no_shares():
    _, before, now = histogram("numeric", np.array([1.0, np.nan, np.inf, 1.0]), np.array([]))
    assert (before, now) == ([1.0], [0.0])
    assert histogram("numeric", np.array([]), np.array([np.nan])) == ([], [], [])
    assert histogram("categorical", np.array([None, "a"], object), np.array([], object)) == (
        ["a"],
        [1.0],
        [0.0],
    )


def test_rare_categories_are_counted_together():
    names = np.array(["a"] * 5 + ["b"] * 3 + ["c", "d"], object)
    labels, before, now = histogram("categorical", names, np.array(["d"] * 4 + ["c"], object), bins=3)
    assert labels == ["d", "a", OTHERS]
    assert before == pytest.approx([0.1, 0.5, 0.4])
    assert now == pytest.approx([0.8, 0, 0.2])


def test_counted_names_are_as_good_as_the_names():
    names = (["a"] * 5 + ["b"] * 3 + ["c", "d"], ["d"] * 4 + ["c", "e"])
    arrays = [np.array(each, object) for each in names]
    counts = [{name: each.count(name) for name in each} for each in names]
    for bins in (3, 20):
        assert histogram("categorical", *counts, bins=bins) == histogram("categorical", *arrays, bins=bins)
