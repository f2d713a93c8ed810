"""The statistics are Evidently's own, whatever the samples look like."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simlab.engines import engine
from simlab.signature import module_of, names
from simlab.statistics import METHODS, Names, Numbers, prepared, sample, statistic

pytestmark = pytest.mark.engine

NUMERIC = [m for m in METHODS if "numeric" in module_of("detectors", m).KINDS]
CATEGORICAL = [m for m in METHODS if "categorical" in module_of("detectors", m).KINDS]

few = st.sampled_from([-1.5, 0.0, -0.0, 0.1, 1.0, 2.0, 2.5, 1e6])
wide = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 6))
whole = st.integers(-30, 90).map(float)
numbers = st.one_of(*(st.lists(kind, min_size=1, max_size=60) for kind in (few, wide, whole)))
places = st.lists(st.sampled_from(["Bonn", "Köln", "Ulm", "", "é", "Zug", "a b"]), min_size=1, max_size=50)


def same(ours: float, theirs: float) -> bool:
    return (math.isnan(ours) and math.isnan(theirs)) or ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


def theirs(method: str, kind: str, before: np.ndarray, now: np.ndarray) -> float:
    return engine("evidently").statistic(method, kind, before, now)


def large(seed: int, rows: int, law: str) -> list[float]:
    rng = np.random.default_rng(seed)
    drawn = {
        "normal": lambda: rng.normal(seed / 10, 1 + seed / 10, rows),
        "grades": lambda: rng.integers(1, 7 + seed, rows).astype(float),
        "mostly zero": lambda: np.where(rng.random(rows) < 0.9, 0.0, rng.lognormal(8, 1, rows)),
        "constant": lambda: np.full(rows, 0.1),
    }
    return drawn[law]().tolist()


def test_every_statistic_is_offered_as_a_detector():
    assert set(METHODS) <= set(names("detectors"))


@pytest.mark.parametrize("method", NUMERIC)
@given(before=numbers, now=numbers)
@example([1.0], [1.0])
@example([1.0], [2.0])
@example([0.1] * 30, [0.1] * 7)
@example([0.1] * 30, [0.2])
@example([1.0, 2.0], [1.0, 2.0, 2.0])
@example(large(0, 400, "normal"), large(1, 150, "normal"))
@example(large(0, 400, "normal"), large(0, 400, "normal"))
@example(large(0, 300, "normal"), large(1, 5, "normal"))
@example(large(0, 900, "grades"), large(1, 200, "grades"))
@example(large(0, 900, "mostly zero"), large(1, 200, "mostly zero"))
@example(large(0, 900, "mostly zero"), large(0, 200, "constant"))
@example(large(0, 200, "constant"), large(0, 200, "constant"))
@settings(max_examples=60, deadline=None)
def test_a_statistic_of_numbers_is_evidentlys(method, before, now):
    a, b = np.array(before), np.array(now)
    assert same(statistic(method, Numbers(a), Numbers(b)), theirs(method, "numeric", a, b))


@pytest.mark.parametrize("method", CATEGORICAL)
@given(before=places, now=places)
@example(["a"], ["a"])
@example(["a"], ["b"])
@example(["a"] * 7, ["a"] * 3)
@example(["a", "b"] * 50, ["b", "a"] * 9)
@example(["a"] * 9999 + ["b"], ["a"] * 50)
@example([f"place {n % 43}" for n in range(5000)], [f"place {n % 41}" for n in range(200)])
@settings(max_examples=60, deadline=None)
def test_a_statistic_of_names_is_evidentlys(method, before, now):
    a, b = np.array(before, object), np.array(now, object)
    assert same(statistic(method, sample(a), sample(b)), theirs(method, "categorical", a, b))


@pytest.mark.parametrize("method", NUMERIC)
@pytest.mark.parametrize("law", ["normal", "grades", "mostly zero"])
def test_a_large_baseline_prepared_once_serves_many_windows(method, law):
    before = np.array(large(0, 5000, law))
    reference = Numbers(before)
    for seed, rows in ((1, 200), (2, 200), (3, 5000)):
        now = np.array(large(seed, rows, law))
        assert same(statistic(method, reference, Numbers(now)), theirs(method, "numeric", before, now))


def test_samples_of_arrays_and_of_arrow_columns_are_the_same():
    numbers, words = [3.0, None, 1.0, 3.0], ["b", None, "a", "b"]
    table = pa.table({"x": pa.array(numbers, pa.float64()), "w": pa.array(words, pa.string())})
    for x in (sample(np.array([3.0, np.nan, 1.0, 3.0])), sample(table["x"]), sample(table["x"], "numeric")):
        assert isinstance(x, Numbers) and x.distinct.tolist() == [1.0, 3.0] and x.counts.tolist() == [1, 2]
    for w in (
        sample(np.array(words, object)),
        sample(table["w"]),
        sample(np.array(["b", "a", "b"])),
        sample(table["w"].dictionary_encode(), "categorical"),
    ):
        assert isinstance(w, Names) and dict(w.counts) == {"b": 2, "a": 1} and len(w) == 3


def test_infinite_and_missing_numbers_count_nowhere():
    assert Numbers(np.array([1.0, np.inf, np.nan, -np.inf, 2.0])).values.tolist() == [1.0, 2.0]


def test_an_empty_sample_is_empty():
    assert len(sample(np.array([], float))) == 0 and len(sample(np.array([None], object))) == 0
    assert len(sample(pa.chunked_array([], pa.string()), "categorical")) == 0
    assert Numbers(np.array([])).distinct.tolist() == []


def test_a_table_is_prepared_once_and_only_a_few_are_remembered():
    table = pa.table({"x": [1.0, 2.0]})
    first = prepared(table)
    assert prepared(table) is first and first.sample("x", "numeric") is first.sample("x", "numeric")
    assert prepared(pa.table({"x": [1.0, 2.0]})) is not first  # equal is not the same
    others = [pa.table({"x": [float(n)]}) for n in range(4)]
    for other in others:
        prepared(other)
    assert prepared(table) is not first


def test_an_unknown_statistic_is_an_error():
    with pytest.raises(ValueError, match="wasserstain"):
        statistic("wasserstain", Numbers(np.ones(1)), Numbers(np.ones(1)))


def test_a_window_is_watched_without_evidently_scikit_learn_or_pandas():
    program = """
import sys
import numpy as np
from simlab.detectors import judge
from simlab.signature import module_of
from simlab.statistics import METHODS
samples = {"numeric": [np.arange(n) % 31.0 for n in (400, 90)],
           "categorical": [np.array(["a", "b", "c"] * n, object) for n in (50, 20)]}
for method in METHODS:
    module = module_of("detectors", method)
    for kind in module.KINDS:
        judge(method, *samples[kind], 0.1, kinds=module.KINDS, direction=module.DIRECTION)
print([name for name in ("evidently", "sklearn", "pandas") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
