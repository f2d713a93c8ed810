"""Calibration: thresholds chosen on null worlds, and held to on fresh ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simlab.artifacts import Finding
from simlab.calibration import _calibrated, _clear, _rate, budget, calibrate, null_world, onsets, sets_of
from simlab.checking import check
from simlab.errors import UsageError
from simlab.gauges import gauges, ungauged
from simlab.lab import Lab
from simlab.stages.monitor import Datapoints
from simlab.views.alarms import evaluate

TWO_OF_THREE = Datapoints(2, 3)


def test_a_budget_is_a_count_in_a_time() -> None:
    assert budget("1/month", timedelta(days=1)) == pytest.approx(1 / 30)
    assert budget("2/week", timedelta(hours=12)) == pytest.approx(1 / 7)
    assert budget("3 / 2 days", timedelta(days=1)) == pytest.approx(1.5)
    assert budget("0.01/window", timedelta(days=9)) == 0.01
    for wrong in (
        "1",
        "month",
        "0/month",
        "-1/day",
        "1/fortnight",
        "1/0week",
        "5/99999999999year",
        "1.2.3/day",
    ):
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


def test_a_window_is_one_point_and_an_undefined_figure_is_one_without_a_breach() -> None:
    # Two windows' labels came in window 1: one point. The undefined figure parts the two breaches.
    series = [[[0, 0.1], [1, 0.9], [1, 0.9], [2, None], [3, None], [4, 0.9]]]
    assert onsets(series, 0.5, True, Datapoints(2, 2)) == []
    assert onsets(series, 0.5, True, Datapoints(1, 1)) == [1, 4]
    assert onsets(series, 0.5, True, Datapoints(2, 4)) == [4]


def test_a_figure_of_exactly_the_threshold_breaches_only_where_the_monitor_says_so() -> None:
    at = [[[0, 0.25]]]
    assert onsets(at, 0.25, True, Datapoints(1, 1)) == [0]
    assert onsets(at, 0.25, True, Datapoints(1, 1), strict=True) == []
    assert onsets(at, 0.25, False, Datapoints(1, 1)) == []


@pytest.mark.parametrize("value", [0.57, 0.29, 1.0, 0.1, 1.005, 123.0, 4e-9, -0.57])
def test_a_rounded_threshold_is_never_breached_by_the_figure_it_came_from(value: float) -> None:
    assert _clear(value, True) > value
    assert _clear(value, False) <= value


WATCHED = {
    "stages.monitor.multivariate": {"domain_classifier": {"threshold": 0.6}},
    "stages.monitor.estimate": {"cbpe": {"metric": "auc", "worse_by": 0.1}},
    "stages.monitor.sequential": {"columns": "cusum", "errors": "ddm"},
}


def test_every_gauge_writes_a_scenario_that_uses_its_threshold(tiny: Path) -> None:
    found = gauges(check(tiny, WATCHED))
    assert {g.key for g in found} == {
        "stages.monitor.detectors.numeric",
        "stages.monitor.detectors.categorical",
        "stages.monitor.multivariate",
        "stages.monitor.quality.worse_by",
        "stages.monitor.estimate",
        "stages.validate.domain_share",
    }
    for gauge in found:
        for threshold in (gauge.legal(-1.0), gauge.legal(0.61)):
            written = check(tiny, {**WATCHED, gauge.key: gauge.written(threshold)})
            again = next(g for g in gauges(written) if g.key == gauge.key)
            assert again.present == threshold and again.check == gauge.check
            assert {**(again.settings or {}), gauge.setting: 0} == {
                **(gauge.settings or {}),
                gauge.setting: 0,
            }


def test_what_begins_anew_after_a_signal_is_left_out_with_the_reason(tiny: Path) -> None:
    assert [(u.name, u.check) for u in ungauged(check(tiny, WATCHED))] == [
        ("columns in sequence (cusum)", "data_quality:sequential"),
        ("errors in sequence (ddm)", "model_quality:sequential"),
    ]


def test_corrected_p_values_are_not_calibrated(tiny: Path, tmp_path: Path) -> None:
    sets = {"stages.monitor.detectors": {"numeric": "ks"}, "stages.monitor.correction": "holm"}
    with pytest.raises(UsageError, match="correction=none"):
        calibrate(check(tiny, sets), tmp_path)


def test_few_worlds_and_figures_at_their_extreme_are_doubted(tiny: Path) -> None:
    gauge = next(g for g in gauges(check(tiny)) if g.check == "data_quality:drift:numeric")
    kinds = {"c0": "numeric"}
    few = _calibrated([gauge], rows(2, 10, 1, 1), rows(2, 10, 1, 2), Datapoints(1, 1), kinds, 200, 0.01)
    assert "too few null worlds" in few.monitors[0].doubt
    zero = [{"points": {"data_quality:drift:c0": [[w, 0.0] for w in range(0, 60, 2)]}, "windows": 60}] * 20
    falls = replace(gauge, rises=False, least=1e-12)
    sparse = [
        {**world, "points": {"data_quality:drift:c0": [[w, float(w % 3 > 0)] for w in range(60)]}}
        for world in zero
    ]
    loud = _calibrated([falls], sparse, sparse, Datapoints(1, 1), kinds, 200, 0.01)
    assert "no threshold" in loud.monitors[0].doubt


def test_false_alarms_of_what_has_no_threshold_are_counted_beside(tiny: Path) -> None:
    worlds = [{**world, "alarms": [[3, "data_quality:sequential:c0"]]} for world in rows(5, 20, 1, 1)]
    found = _calibrated(
        gauges(check(tiny)),
        worlds,
        worlds,
        Datapoints(1, 1),
        {"c0": "numeric"},
        200,
        0.1,
        ungauged(check(tiny, WATCHED)),
    )
    (columns,) = [other for other in found.others if other.name.startswith("columns in sequence")]
    assert (columns.achieved.alarms, columns.achieved.windows) == (5, 100)


def test_alarms_in_clusters_widen_the_interval() -> None:
    worlds = [{"windows": 20}] * 10
    even, clustered = _rate([[1]] * 10, worlds), _rate([list(range(10))] + [[]] * 9, worlds)
    assert even.rate == clustered.rate and even.dispersion == 1 and clustered.dispersion == pytest.approx(10)
    assert clustered.high > 2 * even.high
