"""What every detector keeps to; a new file in the folder is found and held to it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from simlab.detectors import REFUSED
from simlab.signature import find, first_line, keywords, module_of, names

DETECTORS = names("detectors")
KINDS = {"numeric", "categorical", "sequence", "rows", "predictions"}
BOTH = [
    (d, kind)
    for d in DETECTORS
    for kind in module_of("detectors", d).KINDS
    if kind in ("numeric", "categorical")
]
SEQUENCES = [
    (d, stream)
    for d in DETECTORS
    if "sequence" in module_of("detectors", d).KINDS
    for stream in module_of("detectors", d).STREAMS
]
FALL_UNSEEN = {"mannw"}
"""Detectors that see values rise and not fall, and say so."""


def sample(kind: str, rows: int, seed: int, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if kind == "numeric":
        return rng.normal(shift, 1, rows)
    p = 0.5 - shift / 4
    return rng.choice(np.array(["no", "yes"], object), rows, p=[p, 1 - p])


@pytest.mark.parametrize("detector", DETECTORS)
def test_it_says_what_it_looks_at_and_explains_its_settings(detector):
    module, function = module_of("detectors", detector), find("detectors", detector)
    assert module.KINDS and set(module.KINDS) <= KINDS
    assert module.DIRECTION in ("above", "below")
    assert detector not in REFUSED
    if set(module.KINDS) & {"numeric", "categorical", "rows"}:
        assert "threshold" in keywords(function)
    if "sequence" in module.KINDS:
        assert module.STREAMS and set(module.STREAMS) <= {"means", "errors"}
        assert module.UNITS in ("own", "sigma")
    if set(module.KINDS) & {"sequence", "predictions"}:
        assert set(module.PROBLEMS) <= {"binary", "regression"}
    assert first_line(function).endswith(".")
    for name in keywords(function):
        assert f"\n{name}\n" in inspect.getdoc(function), f"{detector}: {name} is not explained"


@pytest.mark.engine
@pytest.mark.parametrize(("detector", "kind"), BOTH)
class TestEngine:
    def test_the_same_sample_twice_is_no_drift(self, detector, kind):
        x = sample(kind, 400, seed=1)
        value, breached, threshold = find("detectors", detector)(x, x)
        assert value is not None and not breached
        assert threshold == keywords(find("detectors", detector))["threshold"][1]

    def test_a_large_shift_is_drift(self, detector, kind):
        value, breached, _ = find("detectors", detector)(
            sample(kind, 2000, 1), sample(kind, 500, 2, shift=1.0)
        )
        assert value is not None and breached is True

    def test_a_fall_is_seen_as_well_as_a_rise(self, detector, kind):
        _, breached, _ = find("detectors", detector)(sample(kind, 2000, 1), sample(kind, 500, 2, shift=-1.0))
        assert breached is (detector not in FALL_UNSEEN)

    def test_the_threshold_is_the_one_given_and_decides_in_the_declared_direction(self, detector, kind):
        function = find("detectors", detector)
        before, now = sample(kind, 600, 1), sample(kind, 300, 2, shift=0.15)
        value, _, _ = function(before, now)
        assert 0 < value < 0.999
        _, wide, given = function(before, now, threshold=value * 1.001)
        _, narrow, _ = function(before, now, threshold=value * 0.999)
        assert given == value * 1.001
        assert (narrow, wide) == (
            (True, False) if module_of("detectors", detector).DIRECTION == "above" else (False, True)
        )

    def test_nothing_to_compare_is_undefined_and_no_breach(self, detector, kind):
        function, x = find("detectors", detector), sample(kind, 50, 1)
        missing = np.full(3, np.nan) if kind == "numeric" else np.array([None, None], object)
        assert function(x, x[:0])[:2] == (None, False)
        assert function(x[:0], x)[:2] == (None, False)
        assert function(x, missing)[:2] == (None, False)

    def test_missing_values_count_nowhere(self, detector, kind):
        function, before, now = find("detectors", detector), sample(kind, 300, 1), sample(kind, 200, 2)
        hole = np.nan if kind == "numeric" else None
        holed = np.insert(now, [3, 7], [hole, hole])
        assert function(before, holed) == function(before, now)

    def test_samples_are_left_as_they_were(self, detector, kind):
        before, now = sample(kind, 300, 1), sample(kind, 200, 2)
        kept = before.copy(), now.copy()
        find("detectors", detector)(before, now)
        assert (before == kept[0]).all() and (now == kept[1]).all()

    @pytest.mark.parametrize("rows", [1, 2])
    def test_tiny_windows_and_constants_never_fail(self, detector, kind, rows):
        function, x = find("detectors", detector), sample(kind, 40, 1)
        same = np.full(40, x[0], dtype=x.dtype)
        for before, now in (
            (x, x[:rows]),
            (x[:rows], x),
            (same, same),
            (same, same[:rows]),
            (same[:1], same[:1]),
        ):
            value, breached, _ = function(before, now)
            assert value is None or np.isfinite(value)
            assert isinstance(breached, bool)


def within(count: int, trials: int, rate: float, miss: float = 0.001) -> bool:
    """Whether a rate lies in the Clopper-Pearson interval of a count (which misses it once in a thousand)."""
    from scipy.stats import binom

    at_most, at_least = binom.cdf(count, trials, rate), binom.sf(count - 1, trials, rate)
    return bool(min(at_most, at_least) > miss / 2)


# --- false alarms -------------------------------------------------------------------------------

P_VALUES = [(d, kind) for d, kind in BOTH if module_of("detectors", d).DIRECTION == "below"]
DISTANCES = [(d, kind) for d, kind in BOTH if module_of("detectors", d).DIRECTION == "above"]


@pytest.mark.engine
@pytest.mark.parametrize(("detector", "kind"), P_VALUES)
def test_a_p_value_breaches_without_drift_as_often_as_its_threshold_says(detector, kind):
    function, trials = find("detectors", detector), 300
    threshold = keywords(function)["threshold"][1]
    # Evidently's chi-square takes the baseline's shares for exact, so the baseline must be large.
    before = sample(kind, 20_000, seed=1) if detector == "chisquare" else None
    breaches = sum(
        function(sample(kind, 2000, 2 * n) if before is None else before, sample(kind, 400, 2 * n + 1))[1]
        for n in range(1000, 1000 + trials)
    )
    assert within(breaches, trials, threshold), f"{breaches} of {trials} at {threshold}"


@pytest.mark.engine
@pytest.mark.parametrize(("detector", "kind"), DISTANCES)
def test_a_distance_seldom_breaches_without_drift(detector, kind):
    """With 5,000 rows of baseline and 1,000 in the window, in at most 3 % of the windows."""
    function, trials = find("detectors", detector), 100
    breaches = sum(
        function(sample(kind, 5000, 2 * n), sample(kind, 1000, 2 * n + 1))[1]
        for n in range(500, 500 + trials)
    )
    assert breaches / trials <= 0.03 or within(breaches, trials, 0.03), f"{breaches} of {trials}"


FALSE_ALARMS = {
    ("cusum", "means"): 465,
    ("page_hinkley", "means"): 950,
    ("kswin", "means"): 460,
    ("adwin", "means"): None,
    ("adwin", "errors"): None,
    ("cusum", "errors"): None,  # declared for normal values alone
    ("page_hinkley", "errors"): None,
    ("ddm", "errors"): None,
    ("eddm", "errors"): 660,
    ("hddm_a", "errors"): None,
    ("hddm_w", "errors"): None,
}
"""ARL0 that a docstring declares, by detector and stream; None where it declares another figure."""

SHARES = {
    ("adwin", "means"): 0.005,
    ("adwin", "errors"): 0.005,
    ("ddm", "errors"): 0.22,
    ("hddm_a", "errors"): 0.083,
    ("hddm_w", "errors"): 0.05,
}
"""Declared share of streams with a false alarm: 10,000 rows of errors, or 2,000 means."""


def quiet(stream: str, length: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng([77, seed])
    return rng.normal(size=length) if stream == "means" else (rng.random(length) < 0.15).astype(float)


def first_signal(detector: str, values: np.ndarray) -> int | None:
    """Number of values after which it signals for the first time, by bisection over prefixes."""
    function = find("detectors", detector)
    low, high = 0, len(values)
    if not function(values, high)[1]:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if function(values[:middle], middle)[1] else (middle, high)
    return high


@pytest.mark.engine
@pytest.mark.parametrize(("detector", "stream"), SEQUENCES)
def test_a_sequential_detector_states_its_false_alarms_and_keeps_to_them(detector, stream):
    arl0 = FALSE_ALARMS[detector, stream]  # a new detector must state one
    if arl0 is not None:
        length, trials = (120, 40) if detector == "kswin" else (1500, 60)
        runs = [first_signal(detector, quiet(stream, length, n)) for n in range(trials)]
        alarms = sum(run is not None for run in runs)
        exposure = sum(length if run is None else run for run in runs)
        # Alarms of a constant rate are a Poisson count; 4 standard deviations, and the first values are free.
        assert abs(alarms - exposure / arl0) <= 4 * math.sqrt(exposure / arl0) + 1, (alarms, exposure / arl0)
    elif (detector, stream) in SHARES:
        length, trials = (2000, 60) if stream == "means" else (10_000, 40)
        alarms = sum(find("detectors", detector)(quiet(stream, length, n), length)[1] for n in range(trials))
        assert within(alarms, trials, SHARES[detector, stream]), (alarms, trials)


# --- sequences ----------------------------------------------------------------------------------


def moved(stream: str, seed: int = 0, length: int = 200) -> np.ndarray:
    """A sequence whose second half is another world: means two sigma up, errors three times as many."""
    rng = np.random.default_rng([78, seed])
    if stream == "means":
        return np.concatenate([rng.normal(size=length), rng.normal(2.0, 1.0, length)])
    return np.concatenate([rng.random(5 * length) < 0.15, rng.random(5 * length) < 0.45]).astype(float)


def units(detector: str, stream: str, values: np.ndarray) -> np.ndarray:
    """Errors in the units that the detector asks for."""
    if stream == "errors" and module_of("detectors", detector).UNITS == "sigma":
        return (values - 0.15) / math.sqrt(0.15 * 0.85)
    return values


@pytest.mark.engine
@pytest.mark.parametrize(("detector", "stream"), SEQUENCES)
class TestSequence:
    def test_a_change_is_found_in_the_values_that_changed(self, detector, stream):
        function, found = find("detectors", detector), 0
        for seed in range(5):
            values = units(detector, stream, moved(stream, seed))
            value, breached, threshold = function(values, len(values) // 2)
            assert value is not None and (value >= threshold) is breached
            found += breached
        assert found >= 4

    def test_only_the_fresh_values_are_judged(self, detector, stream):
        function, values = find("detectors", detector), units(detector, stream, moved(stream, 3, length=30))
        breaches = [function(values[:n], 1)[1] for n in range(1, len(values) + 1)]
        assert any(breaches) is function(values, len(values))[1]
        assert breaches[-1] is function(values, 1)[1] and not all(breaches)

    def test_no_fresh_values_are_undefined_and_no_breach(self, detector, stream):
        function, values = find("detectors", detector), moved(stream)
        assert function(values, 0)[:2] == (None, False)
        assert function(values[:0], 0)[:2] == (None, False)
        assert function(np.append(values, np.nan), 1)[:2] == (None, False)

    def test_missing_values_count_nowhere(self, detector, stream):
        function, values = find("detectors", detector), moved(stream)
        holed = np.insert(values, [3, 7], np.nan)
        assert function(holed, 100) == function(values, 100)

    def test_it_is_repeatable_and_leaves_the_values_alone(self, detector, stream):
        function, values = find("detectors", detector), moved(stream)
        kept = values.copy()
        assert function(values, 50) == function(values, 50)
        assert (values == kept).all()

    @pytest.mark.parametrize("values", [[0.0], [1.0, 1.0], [0.0] * 50, [1.0] * 50])
    def test_short_and_constant_sequences_never_fail(self, detector, stream, values):
        value, breached, threshold = find("detectors", detector)(np.array(values), 1)
        assert value is None or np.isfinite(value)
        assert isinstance(breached, bool) and threshold > 0


# --- all columns at once, and predictions -------------------------------------------------------


def table(rows: int, seed: int, shift: float = 0.0) -> pa.Table:
    rng = np.random.default_rng([79, seed])
    job = rng.choice(["a", "b"], rows)
    return pa.table({"x": rng.normal(shift, 1, rows), "y": rng.normal(size=rows), "job": job})


def look(detector: str, before: pa.Table, now: pa.Table, seed: int = 0, **settings):
    return find("detectors", detector)(before, now, ["x", "y"], ["job"], seed, **settings)


@pytest.mark.engine
@pytest.mark.parametrize("detector", [d for d in DETECTORS if "rows" in module_of("detectors", d).KINDS])
class TestRows:
    def test_without_drift_it_seldom_breaches(self, detector):
        """In at most one of a hundred windows (5,000 rows of baseline, 1,000 in the window)."""
        before, trials = table(5000, 0), 20
        breaches = sum(look(detector, before, table(1000, 100 + n), n)[1] for n in range(trials))
        assert within(breaches, trials, 0.01) or not breaches, breaches

    def test_a_shift_is_found(self, detector):
        assert look(detector, table(1000, 0), table(500, 1, shift=1.0))[1]

    def test_the_threshold_decides_and_the_seed_repeats(self, detector):
        before, now = table(1000, 0), table(500, 1, shift=0.5)
        value, _, _ = look(detector, before, now)
        assert look(detector, before, now)[0] == value
        assert look(detector, before, now, threshold=value + 0.001)[1] is False
        assert look(detector, before, now, threshold=value - 0.001)[1] is True

    def test_too_few_rows_or_columns_are_undefined(self, detector):
        assert look(detector, table(1000, 0), table(49, 1))[:2] == (None, False)
        assert find("detectors", detector)(table(100, 0), table(100, 1), [], [], 0)[:2] == (None, False)


def scored(rows: int, seed: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Honest scores with their answers; a shift moves the rows towards where nothing is certain."""
    rng = np.random.default_rng([80, seed])
    scores = 1 / (1 + np.exp(-rng.normal(-2.5 + shift, 1.0, rows)))
    return scores, (rng.random(rows) < scores).astype(float)


@pytest.mark.engine
@pytest.mark.parametrize(
    "detector", [d for d in DETECTORS if "predictions" in module_of("detectors", d).KINDS]
)
class TestPredictions:
    def test_without_drift_it_seldom_breaches(self, detector):
        function = find("detectors", detector)
        breaches = sum(function(*scored(5000, n), scored(1000, 500 + n)[0], 0.5)[0][1] for n in range(100))
        assert breaches <= 1, breaches

    def test_rows_of_which_less_is_certain_are_a_breach(self, detector):
        (value, breached, threshold), _ = find("detectors", detector)(
            *scored(5000, 0), scored(1000, 1, shift=2.5)[0], 0.5
        )
        assert breached and value > threshold

    def test_too_few_scores_are_undefined(self, detector):
        function: Callable = find("detectors", detector)
        for before, now in ((scored(100, 0), np.empty(0)), ((np.empty(0), np.empty(0)), scored(100, 0)[0])):
            verdict, estimates = function(*before, now, 0.5)
            assert verdict[:2] == (None, False)
            assert set(estimates.values()) == {None}
