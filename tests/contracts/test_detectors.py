"""What every detector keeps to; a new file in the folder is found and held to it."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from simlab.detectors import REFUSED
from simlab.signature import find, first_line, keywords, module_of, names

DETECTORS = names("detectors")
BOTH = [(d, kind) for d in DETECTORS for kind in module_of("detectors", d).KINDS]
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
    assert module.KINDS and set(module.KINDS) <= {"numeric", "categorical"}
    assert module.DIRECTION in ("above", "below")
    assert detector not in REFUSED
    assert "threshold" in keywords(function)
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
