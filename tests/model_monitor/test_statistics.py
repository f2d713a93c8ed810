"""`statistics.json`: the service's keys, order and types, written and read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.errors import UsageError
from simlab.model_monitor.reading import read_statistics
from simlab.model_monitor.statistics import MOST_NAMES, as_body, statistics_of
from simlab.wire import as_json
from tests.model_monitor.mixed import rows, table


def feature(values: Any, expected: Any = None) -> Any:
    statistics = statistics_of(pa.table({"x": values}), {"x": expected} if expected else None)
    return statistics.features[0]


CHURN = pa.table(
    {
        "Churn": pa.array([0.0] * 2008 + [1.0] * 325),
        "State": pa.array(["OH"] * 51 + [f"S{i % 50}" for i in range(2282)]),
    }
)
"""As many customers as in the recorded excerpt, of whom 325 left."""


def test_the_recorded_excerpt_of_a_numeric_feature():
    body = as_body(statistics_of(CHURN))
    assert body["version"] == 0.0 and isinstance(body["version"], float)
    assert body["dataset"] == {"item_count": 2333}
    said = body["features"][0]
    assert list(said) == ["name", "inferred_type", "numerical_statistics"]
    numbers = said["numerical_statistics"]
    assert (said["name"], said["inferred_type"]) == ("Churn", "Integral")
    assert list(numbers) == ["common", "mean", "sum", "std_dev", "min", "max", "distribution"]
    assert numbers["common"] == {"num_present": 2333, "num_missing": 0}
    assert (round(numbers["mean"], 3), numbers["sum"]) == (0.139, 325.0)
    assert (round(numbers["std_dev"], 3), numbers["min"], numbers["max"]) == (0.346, 0.0, 1.0)
    kll = numbers["distribution"]["kll"]
    assert list(kll) == ["buckets", "sketch"]
    assert kll["buckets"][0] == {"lower_bound": 0.0, "upper_bound": 0.1, "count": 2008.0}
    assert len(kll["buckets"]) == 10 and isinstance(kll["buckets"][0]["count"], float)
    assert kll["sketch"]["parameters"] == {"c": 0.64, "k": 2048.0}
    assert [len(level) for level in kll["sketch"]["data"]] == [1, 1166]


def test_the_recorded_excerpt_of_a_text_feature():
    said = as_body(statistics_of(CHURN))["features"][1]
    assert list(said) == ["name", "inferred_type", "string_statistics"]
    texts = said["string_statistics"]
    assert list(texts) == ["common", "distinct_count", "distribution"]
    assert texts["distinct_count"] == 51.0 and isinstance(texts["distinct_count"], float)
    assert texts["distribution"]["categorical"]["buckets"][0] == {"value": "OH", "count": 51}


def test_the_figures_of_a_file_that_the_service_wrote():
    """100 values of which 24 were 1, 21 were 2 and 55 were 3: mean, deviation, bounds and counts."""
    numbers = as_body(statistics_of(pa.table({"_c0": [1.0] * 24 + [2.0] * 21 + [3.0] * 55})))
    said = numbers["features"][0]["numerical_statistics"]
    assert (said["mean"], said["sum"]) == (2.31, 231.0)
    assert said["std_dev"] == pytest.approx(0.8330066026148891, abs=1e-15)
    buckets = said["distribution"]["kll"]["buckets"]
    assert [b["count"] for b in buckets] == [24, 0, 0, 0, 0, 21, 0, 0, 0, 55]
    assert [b["lower_bound"] for b in buckets[:6]] == [1.0, 1.2, 1.4, 1.6, 1.8, 2.0]
    assert buckets[-1]["upper_bound"] == 3.0


@given(given=rows)
def test_what_is_written_is_read_again(given):
    statistics = statistics_of(table(given))
    text = as_json(as_body(statistics))
    again = read_statistics(text)
    assert as_json(as_body(again)) == text
    assert again.items == len(given) and [f.name for f in again.features] == ["whole", "broken", "word"]


@given(given=rows, seed=st.integers(0, 99))
def test_the_order_of_the_rows_does_not_count(given, seed):
    shuffled = [given[i] for i in np.random.default_rng(seed).permutation(len(given))]
    assert as_json(as_body(statistics_of(table(shuffled)))) == as_json(as_body(statistics_of(table(given))))


@given(given=rows)
def test_every_value_is_present_or_missing_and_falls_in_one_bucket(given):
    for found in statistics_of(table(given)).features:
        assert found.present + found.missing == len(given)
        if found.numeric and found.numeric.buckets:
            assert sum(b.count for b in found.numeric.buckets) == found.present
            assert found.numeric.least <= found.numeric.mean <= found.numeric.greatest


@pytest.mark.parametrize(
    ("values", "expected", "kind", "matching"),
    [
        ([1.0, 2.0], None, "Integral", 1.0),
        ([1.0, 2.5], None, "Fractional", 1.0),
        ([1.0, 2.5, 3.0, 4.0], "Integral", "Integral", 0.75),
        ([1.0, 2.5], "Fractional", "Fractional", 1.0),
        (["1", "2", "x", None], "Integral", "Integral", 2 / 3),
        (["1", "2.0", "-3", "+ 4", "1e3"], "Integral", "Integral", 3 / 5),
        (["1", "2.5", "", "1e3"], "Fractional", "Fractional", 0.75),
        (["a", "b"], None, "String", 1.0),
        ([1.0, 2.0, 2.0], "String", "String", 1.0),
        ([None, None], None, "Unknown", None),
        ([float("nan"), float("inf")], None, "Unknown", None),
        ([float("nan"), None], "Fractional", "Fractional", None),
    ],
)
def test_a_type_is_read_from_the_values_or_they_are_held_to_it(values, expected, kind, matching):
    found = feature(values, expected)
    assert (found.inferred_type, found.matching) == (kind, matching)


def test_numbers_in_a_column_of_texts_are_counted_as_their_names():
    assert dict(feature([3.0, 1.0, 3.0], "String").text.counts) == {"3": 2, "1": 1}
    assert dict(feature([1.5, 1.0], "String").text.counts) == {"1": 1, "1.5": 1}
    assert feature(pa.array(["a", "b", "a"]).dictionary_encode()).text.counts == {"a": 2, "b": 1}


def test_a_file_holds_no_counts_of_very_many_texts():
    statistics = statistics_of(pa.table({"x": [f"t{i}" for i in range(MOST_NAMES + 1)]}))
    assert statistics.features[0].text.counts is not None
    assert "distribution" not in as_body(statistics)["features"][0]["string_statistics"]


def test_a_file_without_distributions_or_moments_loads():
    text = json.dumps(
        {
            "version": 0.0,
            "dataset": {"item_count": 5},
            "features": [
                {"name": "_c0", "inferred_type": "Fractional", "numerical_statistics": {"common": {"num_present": 5, "num_missing": 0}, "mean": "NaN"}},
                {"name": "_c1", "inferred_type": "String", "string_statistics": {"common": {"num_present": 4, "num_missing": 1}, "distinct_count": 4.0}},
                {"name": "_c2", "inferred_type": "Unknown"},
                {"name": "_c3", "inferred_type": "Integral", "later": 1, "numerical_statistics": {"common": {"num_present": 3, "num_missing": 2}, "distribution": {"kll": {"sketch": {"parameters": {"c": 0.64, "k": 2048.0}, "data": [[1.0], [], [2.0, 3.0]]}}}}},
            ],
        }
    )  # fmt: skip
    found = read_statistics(text.encode())
    assert [f.numeric.sketch.count if f.numeric and f.numeric.sketch else None for f in found.features] == [
        None,
        None,
        None,
        9.0,
    ]
    assert found.features[1].text.counts is None and found.features[1].completeness == 0.8


def test_a_file_that_is_none_is_refused_with_its_place():
    with pytest.raises(UsageError, match="not JSON"):
        read_statistics(b"{")
    with pytest.raises(UsageError) as told:
        read_statistics(b'{"dataset": {"item_count": 1}, "features": [{"inferred_type": "Text"}]}', "s.json")
    assert "s.json: features[0]: the key 'name' is missing" in str(told.value)
    assert "features[0].inferred_type: 'Text' is not one of them" in str(told.value)


@pytest.mark.filterwarnings("error")
def test_bounds_of_buckets_are_numbers_up_to_the_greatest_of_them():
    for least, greatest in ((-1.7e308, 1.7e308), (0.0, 1.79e308), (-1e307, 1e308)):
        found = feature([least, 0.0, greatest, greatest]).numeric
        edges = [bucket.lower for bucket in found.buckets] + [found.buckets[-1].upper]
        assert np.isfinite(edges).all() and edges == sorted(edges)
        assert (edges[0], edges[-1]) == (least, greatest)
        assert found.mean == pytest.approx(least / 4 + greatest / 2)
        assert sum(bucket.count for bucket in found.buckets) == 4
