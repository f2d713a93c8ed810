"""Scheduled monitors run when their time has come, on what was captured, with labels known by then."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from simlab import events as e
from simlab.errors import ScenarioInvalid, SimlabError
from simlab.executing import functions_of, rows_between, settings_for
from simlab.lab import Lab
from simlab.schedules import Schedule
from simlab.stages.capture import capture_files
from simlab.watched import Captured

DAY = datetime(2026, 1, 5)
COUNTS = "tests.monitors.counting.counts"


def scheduled(**schedules: Any) -> dict[str, Any]:
    return {"stages.capture": {"enable": True}, "stages.monitor.schedules": schedules, "expect": []}


def executions(lab: Lab) -> list[e.MonitoringExecuted]:
    return [f for f in lab.events(None) if isinstance(f, e.MonitoringExecuted)]


def test_an_execution_looks_at_its_period_and_leaves_its_report(tiny: Path, warm: Lab) -> None:
    run = warm.run(tiny, scheduled(rows={"monitor": COUNTS}), project=False)
    found = executions(warm)
    assert [(f.window, f.rows, f.status) for f in found] == [(w, 150, "Completed") for w in range(4)]
    reports = sorted((run.path / "monitoring/simlab-endpoint/rows").rglob("counts.json"))
    assert len(reports) == 4 and json.loads(reports[0].read_text())["rows"] == 150
    baseline = run.path / "monitoring/baselines/v1/rows/constraints.json"
    assert json.loads(baseline.read_text()) == {"rows": 250}
    published = [
        f for f in warm.events(None) if isinstance(f, e.MetricsPublished) and f.namespace == "simlab"
    ]
    assert published[0].dimensions == {"Endpoint": "simlab-endpoint", "MonitoringSchedule": "rows"}


def test_a_violation_is_told_in_words_and_makes_an_alarm(tiny: Path, warm: Lab) -> None:
    asked = {"monitor": {COUNTS: {"at_least": 151}}}
    warm.run(tiny, scheduled(rows=asked) | {"stages.monitor.every_window": False}, project=False)
    said = [f for f in warm.events(None) if isinstance(f, e.ConstraintViolated)]
    assert said[0].description == "150 rows where 151 were wanted"
    assert executions(warm)[0].message.startswith("CompletedWithViolations")
    changed = [f for f in warm.events(None) if isinstance(f, e.AlarmChanged)]
    assert [(f.alarm, f.state, f.window) for f in changed] == [("counts:rows_check:rows", "ALARM", 1)]


def test_a_schedule_needs_a_capture_and_known_names(tiny: Path, warm: Lab) -> None:
    wrong = {"stages.monitor.schedules": {"a b": {"monitor": "data_qualty"}, "b": {"monitor": {COUNTS: {"atleast": 1}}}}}  # fmt: skip
    with pytest.raises(ScenarioInvalid) as told:
        warm.check(tiny, wrong)
    text = str(told.value)
    assert "nothing is captured" in text and "single hyphens" in text
    assert "no monitor called" in text and "did you mean 'at_least'" in text


def test_a_period_without_rows_is_a_failed_job(tiny: Path, warm: Lab) -> None:
    early = {"monitor": COUNTS, "start_time_offset": "-P20D", "end_time_offset": "-P19D"}
    warm.run(tiny, scheduled(rows=early), project=False)
    assert {(f.status, f.rows) for f in executions(warm)} == {("Failed", 0)}


def test_labels_are_joined_by_inference_id_as_they_become_known() -> None:
    table = pa.table({"inference_id": [7, 5, 6], "label": pa.nulls(3, pa.float64())})
    captured = Captured(2, 1, DAY, DAY + timedelta(days=1), table, 3)
    known = pa.table({"inference_id": [6, 9, 5], "label": [1.0, 1.0, 0.0], "window": [2, 2, 3]})
    once = captured.merged(known)
    assert once.table["label"].to_pylist() == [None, None, 1.0]
    again = once.merged(pa.table({"inference_id": [7], "label": [0.0], "window": [2]}))
    assert again.table["label"].to_pylist() == [0.0, None, 1.0]


def test_a_constraint_that_is_kept_is_a_fact_only_where_its_monitor_says_so(tiny: Path, warm: Lab) -> None:
    quiet = {"stages.monitor.every_window": False}
    warm.run(tiny, scheduled(inputs={"monitor": "data_quality"}) | quiet, project=False)
    told = [f for f in warm.events(None) if isinstance(f, e.FindingMade)]
    assert any(not f.breached and f.check == "baseline_drift_check" for f in told)
    assert {f.check for f in told if not f.breached} <= {"baseline_drift_check", "drifted_columns_share"}


def test_two_schedules_of_a_monitor_keep_alarms_of_their_own(tiny: Path, warm: Lab) -> None:
    """One wants more rows than there are, the other is content: neither hides the other."""
    asked = scheduled(few={"monitor": COUNTS}, many={"monitor": {COUNTS: {"at_least": 151}}})
    warm.run(tiny, asked | {"stages.monitor.every_window": False}, project=False)
    changed = [f for f in warm.events(None) if isinstance(f, e.AlarmChanged)]
    assert [(f.alarm, f.state) for f in changed] == [("counts:rows_check:rows@many", "ALARM")]
    made = [f for f in warm.events(None) if isinstance(f, e.FindingMade)]
    assert {(f.schedule, f.breached) for f in made} == {("few", False), ("many", True)}
    said = [f for f in warm.events(None) if isinstance(f, e.ConstraintViolated)]
    assert {(f.schedule, f.description) for f in said} == {("many", "150 rows where 151 were wanted")}


def test_a_schedule_that_never_finds_labels_is_noticed(tiny: Path, warm: Lab) -> None:
    """Labels come after two windows, and the schedule looks at the last one."""
    asked = scheduled(quality={"monitor": "model_quality", "expression": "daily"})
    watched = {"stages.monitor.health": {"enable": True}, "stages.monitor.every_window": False}
    warm.run(tiny, asked | watched, project=False)
    assert {f.status for f in executions(warm)} == {"Failed"}
    changed = [f for f in warm.events(None) if isinstance(f, e.AlarmChanged) and f.state == "ALARM"]
    assert [f.alarm for f in changed] == ["health:failed:quality"]


def held_up() -> Captured:
    """A day in which a message of the evening before came, one of noon, and one dated after midnight."""
    hours = (-3, 12, 25)
    table = pa.table(
        {
            "inference_id": [1, 2, 3],
            "at": pa.array([DAY + timedelta(hours=hour) for hour in hours], pa.timestamp("us")),
            "age": [30.0, 40.0, 50.0],
            "prediction": [0.1, 0.2, 0.3],
            "label": pa.nulls(3, pa.float64()),
        }
    )
    truth = pa.table({"inference_id": pa.array([], pa.int64()), "label": [], "collected": table["at"][:0]})
    return Captured(
        0, 1, DAY, DAY + timedelta(days=1), table, 3, "ep", ("age",), "at", "InputAndOutput", truth=truth
    )


def test_no_message_falls_between_the_hours_of_its_window() -> None:
    captured, model = held_up(), SimpleNamespace(version=1, schema=SimpleNamespace(event_time="at"))
    seen = [
        rows_between([captured], model, DAY + timedelta(hours=h), DAY + timedelta(hours=h + 1), captured.end)
        for h in range(24)
    ]  # fmt: skip
    ids = {hour: rows["inference_id"].to_pylist() for hour, rows in enumerate(seen) if rows.num_rows}
    assert ids == {0: [1], 12: [2], 23: [3]}
    assert seen[0]["at"].to_pylist() == [DAY - timedelta(hours=3)], "it still says when its event was"
    hours = sorted(name.split("/")[6] for name in capture_files(captured) if name.startswith("capture/"))
    assert hours == ["00", "12", "23"]


def test_an_execution_speaks_of_the_last_window_of_its_period(tiny: Path, warm: Lab) -> None:
    asked = scheduled(rows={"monitor": {COUNTS: {"at_least": 999}}, "expression": "daily", "end_time_offset": "-P1D"})  # fmt: skip
    warm.run(tiny, asked | {"stages.monitor.every_window": False}, project=False)
    made = [f for f in warm.events(None) if isinstance(f, e.FindingMade)]
    assert [(f.window, f.of_window) for f in made] == [(1, 0), (2, 1), (3, 2)]


def test_reports_of_windows_within_an_hour_do_not_overwrite_each_other(tiny: Path, warm: Lab) -> None:
    often = scheduled(rows={"monitor": COUNTS}) | {"clock.step": "15m"}
    run = warm.run(tiny, often, project=False)
    found = sorted((run.path / "monitoring/simlab-endpoint/rows").rglob("counts.json"))
    assert len(found) == len(executions(warm)) == 4
    assert [path.parent.name for path in found] == ["15", "30", "45", "00"]


def test_every_execution_of_a_window_is_a_point_of_its_alarm(tiny: Path, warm: Lab) -> None:
    """Four executions a day see 37 or 38 rows each, and 999 were wanted: two are enough on the first day."""
    asked = {"monitor": {COUNTS: {"at_least": 999}}, "expression": "cron(0 0/6 ? * * *)"}
    warm.run(tiny, scheduled(rows=asked) | {"stages.monitor.every_window": False}, project=False)
    changed = [f for f in warm.events(None) if isinstance(f, e.AlarmChanged)]
    assert [(f.state, f.window) for f in changed] == [("ALARM", 0)]


def test_a_baseline_job_without_a_row_says_so(tiny: Path, warm: Lab) -> None:
    gone = {"id": "gone", "kind": "poison_baseline", "on": "ops", "start": 0, "with": {"drop": True}}
    run = warm.run(tiny, {**scheduled(rows={"monitor": COUNTS}), "inject": [gone]}, project=False)
    assert run.exit == 8 and "no row is left for the baseline jobs" in run.why


def test_rows_that_an_earlier_version_answered_are_not_called_missing(eventful: Path, warm: Lab) -> None:
    late = {"monitor": COUNTS, "end_time_offset": "-P1D"}
    warm.run(eventful, scheduled(rows=late), project=False)
    (took_over,) = [f.window for f in warm.events(None) if isinstance(f, e.RetrainFinished) and f.replaced]
    said = {f.window: f.message for f in executions(warm) if f.status == "Failed"}
    assert "answered by another version" in said[took_over + 1]


def test_a_file_that_has_gone_is_told_and_nothing_is_suggested_in_its_place(tmp_path: Path) -> None:
    mine = tmp_path / "constraints.json"
    mine.write_text('{"features": []}')
    schedule = Schedule({"data_quality": {"constraints": str(mine), "ignore": ["age"]}})
    suggest, execute = functions_of("data_quality")
    assert settings_for(suggest, schedule) == {"constraints": str(mine)}
    mine.unlink()
    assert settings_for(execute, schedule) == {"ignore": ("age",)}, "who does not read it does not miss it"
    with pytest.raises(SimlabError, match="cannot be read"):
        settings_for(suggest, schedule)
