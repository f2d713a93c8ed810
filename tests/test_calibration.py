"""Calibration: thresholds chosen on null worlds, and held to on fresh ones."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simlab.artifacts import Finding
from simlab.calibration import _calibrated, budget, null_world, onsets, sets_of
from simlab.checking import check
from simlab.errors import UsageError
from simlab.gauges import gauges
from simlab.lab import Lab
from simlab.stages.monitor import Datapoints
from simlab.views.alarms import evaluate

TWO_OF_THREE = Datapoints(2, 3)


def test_a_budget_is_a_count_in_a_time() -> None:
    assert budget("1/month", timedelta(days=1)) == pytest.approx(1 / 30)
    assert budget("2/week", timedelta(hours=12)) == pytest.approx(1 / 7)
    assert budget("3 / 2 days", timedelta(days=1)) == pytest.approx(1.5)
    assert budget("0.01/window", timedelta(days=9)) == 0.01
    for wrong in ("1", "month", "0/month", "-1/day", "1/fortnight", "1.2.3/day"):
        with pytest.raises(UsageError, match="write COUNT/TIME"):
            budget(wrong, timedelta(days=1))


@pytest.mark.parametrize("rises", [True, False])
@pytest.mark.parametrize("alarm", [Datapoints(1, 1), Datapoints(2, 3), Datapoints(3, 5)])
def test_alarms_are_counted_as_the_monitor_counts_them(rises: bool, alarm: Datapoints) -> None:
    rng = np.random.default_rng(3)
    values = rng.random(200)
    counted = onsets([[[w, v] for w, v in enumerate(values)]], 0.6 if rises else 0.4, rises, alarm)
    states: dict[str, Any] = {}
    points: dict[str, Any] = {}
    sounded = []
    for window, value in enumerate(values):
        breached = bool(value >= 0.6 if rises else value < 0.4)
        finding = Finding("data_quality", "drift", "age", "psi", value, 0.6, breached, window)
        states, points, changes = evaluate(
            [finding], points, states, datapoints=alarm.datapoints, of=alarm.of
        )
        sounded += [window for c in changes if c.state == "ALARM"]
    assert counted == sounded and len(sounded) > 5


def rows(worlds: int, windows: int, columns: int, seed: int) -> list[dict[str, Any]]:
    """Null worlds in which every check's figure is uniform."""
    rng = np.random.default_rng(seed)
    return [
        {
            "points": {
                f"data_quality:drift:c{n}": [[w, float(v)] for w, v in enumerate(rng.random(windows))]
                for n in range(columns)
            },
            "windows": windows,
        }
        for _ in range(worlds)
    ]


@pytest.mark.parametrize("rises", [True, False])
def test_on_a_known_null_law_the_threshold_is_the_one_that_theory_says(rises: bool, tiny: Path) -> None:
    gauge = next(g for g in gauges(check(tiny)) if g.check == "data_quality:drift:numeric")
    gauge = type(gauge)(**{**gauge.__dict__, "rises": rises, "present": 0.9 if rises else 0.1})
    kinds = {f"c{n}": "numeric" for n in range(5)}
    found = _calibrated([gauge], rows(60, 60, 5, 1), rows(60, 60, 5, 2), Datapoints(1, 1), kinds, 200, 0.05)
    (only,) = found.monitors
    # Five columns, each breaching with the chance q: a column begins to sound with q (1 - q), so 5 q is
    # the budget, nearly.
    tail = 1 - only.threshold if rises else only.threshold
    assert tail == pytest.approx(0.05 / 5, rel=0.25)
    assert only.achieved.low <= 0.05 and only.achieved.rate > 0.035
    assert only.before.rate == pytest.approx(5 * 0.1 * 0.9, rel=0.1), "the threshold as it was is 0.9"
    assert found.achieved.run_length.mean == pytest.approx(1 / 0.05, rel=0.5)


def test_the_budget_is_shared_by_the_monitors_that_speak(tiny: Path) -> None:
    kinds = {"c0": "numeric", "c1": "categorical"}
    found = _calibrated(
        gauges(check(tiny)), rows(60, 60, 2, 1), rows(60, 60, 2, 2), Datapoints(1, 1), kinds, 200, 0.1
    )
    assert [m.gauge.check for m in found.monitors] == [
        "data_quality:drift:numeric",
        "data_quality:drift:categorical",
    ]
    assert [m.threshold for m in found.monitors] == [pytest.approx(0.95, abs=0.02)] * 2
    assert found.achieved.low <= 0.1 and found.achieved.rate > 0.07, "no more than can be borne, nor far less"


def test_a_null_world_has_nothing_in_it(eventful: Path) -> None:
    null = null_world(check(eventful), rows=77).scenario
    assert not [i for i in null.inject if i.enabled]
    assert (null.clock.rows, null.setting("retrain", "policy"), null.expect) == (77, "never", ())


def test_real_rows_replayed_are_no_null_world() -> None:
    path = Path(__file__).parent.parent / "scenarios" / "bike-season.yaml"
    with pytest.raises(UsageError, match="drift by themselves"):
        null_world(check(path))


@pytest.mark.slow
def test_thresholds_hold_where_they_are_written(tiny: Path, warm: Lab) -> None:
    quiet = {"expect": [], "inject": [], "stages.features": {"serve_from": "request"}, "clock.windows": 20}
    (found,) = warm.calibrate(tiny, quiet, false_alarms="0.05/window", worlds=30, workers=1)
    assert found.achieved.low <= 0.05 <= found.achieved.high or found.achieved.rate < 0.05
    written = sets_of(found)
    assert set(written) >= {"stages.monitor.detectors.numeric", "stages.monitor.detectors.categorical"}
    # A world of fresh chance, with the thresholds in its file, counts as the calibration did.
    again = warm.calibrate(tiny, {**quiet, **written}, false_alarms="0.05/window", worlds=30, workers=1)
    assert again[0].before == again[0].achieved == found.achieved
