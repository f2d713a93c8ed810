"""The watcher fails on purpose, and a health check outside of it notices."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from simlab import events as e
from simlab.checking import Checked
from simlab.errors import ScenarioInvalid
from simlab.faults import inject_ops, strikes_the_build
from simlab.lab import Lab
from simlab.scenario import Clock, Injection, Scenario
from simlab.schedules import Due, Firing
from simlab.worlds import build_key

COUNTS = "tests.monitors.counting.counts"
START = datetime(2026, 1, 5)
DAY = timedelta(days=1)


def scenario(*inject: Injection) -> Scenario:
    clock = Clock(start=START, step=DAY, windows=9, rows=100)
    return Scenario(simlab=1, title="t", dataset="adult-income", clock=clock, inject=inject)


def ops(kind: str, **more: Any) -> Injection:
    return Injection.model_validate({"id": "it", "kind": kind, "on": "ops", **more})


def stretch(*windows: int) -> dict[int, tuple[Due, ...]]:
    """One execution a window, at its end."""
    found = {}
    for window in windows:
        firing = Firing(START + (window + 1) * DAY, START + window * DAY, START + (window + 1) * DAY)
        found[window] = (Due("daily", firing, firing.moment),)
    return found


def test_each_execution_is_as_late_as_the_window_in_which_it_was_due_says():
    said: list[e.Event] = []
    late = scenario(ops("delay_monitor", start=2, end=4, **{"with": {"by": "2d"}}))
    found = inject_ops(late, "monitor.schedule", stretch(1, 2, 3, 4), 4, said.append)
    assert [(one.runs - one.firing.moment) / DAY for fired in found.values() for one in fired] == [0, 2, 2, 0]
    assert said == [], "in window 4 nothing is held back any more, though what was held back still is"
    inject_ops(late, "monitor.schedule", stretch(1, 2, 3), 3, said.append)
    assert [(f.window, f.rows, f.of) for f in said] == [(3, 1, 1)]


def test_what_is_missing_is_the_same_whenever_it_is_asked_for():
    half = scenario(ops("skip_monitor", **{"with": {"share": 0.5}}))
    whole = inject_ops(half, "monitor.schedule", stretch(*range(9)), 8, lambda fact: None)
    assert 0 < sum(map(len, whole.values())) < 9
    for window in range(9):
        alone = inject_ops(half, "monitor.schedule", stretch(window), window, lambda fact: None)
        assert alone[window] == whole[window]


def test_the_first_baseline_is_struck_by_what_starts_with_window_0():
    rows = pa.table({"age": [20.0, 40.0], "label": [0.0, 1.0], "prediction": [0.1, 0.9]})
    poison = {"column": "age", "scale": 2.0, "flip": True}
    said: list[e.Event] = []
    now, later = (ops("poison_baseline", start=start, **{"with": poison}) for start in (0, 3))
    assert (strikes_the_build(now), strikes_the_build(later)) == (True, False)
    struck = inject_ops(scenario(now), "monitor.baseline", rows, None, said.append)
    assert struck.to_pydict() == {"age": [40.0, 80.0], "label": [1.0, 0.0], "prediction": [0.1, 0.9]}
    assert [(f.window, f.on, f.rows, f.of) for f in said] == [(None, "ops", 2, 2)]
    assert inject_ops(scenario(later), "monitor.baseline", rows, None, said.append) is rows
    assert inject_ops(scenario(later), "monitor.baseline", rows, 3, said.append) is not rows
    assert inject_ops(scenario(later), "monitor.baseline", rows, 2, said.append) is rows


def test_only_the_rows_of_the_condition_leave_the_baseline():
    rows = pa.table({"sex": ["Female", "Male", "Male"], "label": [0.0, 1.0, 0.0]})
    gone = ops("poison_baseline", where="sex = 'Male'", **{"with": {"drop": True}})
    said: list[e.Event] = []
    assert inject_ops(scenario(gone), "monitor.baseline", rows, None, said.append).num_rows == 1
    assert said[0].measured == {"rows left out": pytest.approx(2 / 3)}


def test_captures_are_kept_for_executions_that_come_late(tiny: Path, lab: Lab):
    body = yaml.safe_load(tiny.read_text())
    body["stages"]["capture"] = {"enable": True}
    body["stages"].setdefault("monitor", {})["schedules"] = {"rows": {"monitor": COUNTS}}
    plain = Scenario.model_validate({**body, "inject": []})
    late = Scenario.model_validate(
        {**body, "inject": [{"id": "a", "kind": "delay_monitor", "on": "ops", "with": {"by": "3d"}}]}
    )
    assert (late.reach - plain.reach) * plain.clock.step == 3 * DAY


def test_worlds_with_another_baseline_do_not_share_a_build(tiny: Path, lab: Lab):
    def key(**injection: Any) -> str:
        checked: Checked = lab.check(tiny, watched(injection) if injection else watched())
        return build_key(checked)

    poison = {"id": "p", "kind": "poison_baseline", "on": "ops", "with": {"drop": True}, "fraction": 0.5}
    assert key() != key(**poison)
    assert key() == key(**{**poison, "start": 2})
    assert key() == key(id="s", kind="silence_monitor", on="ops")


# --- a lifecycle whose watcher fails --------------------------------------------------------------


def watched(*inject: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "stages.capture": {"enable": True},
        "stages.monitor.schedules": {"rows": {"monitor": COUNTS}},
        "stages.monitor.health": {"enable": True},
        "stages.monitor.alarm": {"datapoints": 1, "of": 1},
        "inject": [{"id": "it", "on": "ops", **i} for i in inject],
        "expect": [],
        **more,
    }


def sounded(lab: Lab) -> list[tuple[int | None, str]]:
    """Windows in which alarms of the watcher's health began to sound."""
    return [
        (f.window, f.alarm)
        for f in lab.events(None)
        if isinstance(f, e.AlarmChanged) and f.state == "ALARM" and f.alarm.startswith("health:")
    ]


def ran(lab: Lab) -> list[tuple[int | None, str]]:
    return [(f.window, f.scheduled[:10]) for f in lab.events(None) if isinstance(f, e.MonitoringExecuted)]


def test_a_healthy_watcher_has_no_alarm(tiny: Path, warm: Lab) -> None:
    warm.run(tiny, watched(), project=False)
    assert sounded(warm) == []
    assert len(ran(warm)) == 4


def test_what_comes_late_is_reported_when_it_comes_and_missing_before(tiny: Path, warm: Lab) -> None:
    late = {"kind": "delay_monitor", "start": 1, "end": 2, "with": {"by": "2d"}}
    warm.run(tiny, watched(late), project=False)
    assert [window for window, _ in ran(warm)] == [0, 2, 3, 3], "that of window 1 runs in window 3"
    assert sounded(warm) == [(2, "health:missing:rows"), (3, "health:late:rows")]
    held = [f for f in warm.events(None) if isinstance(f, e.MonitoringExecuted) and f.window == 3]
    assert [(f.rows, f.status) for f in held] == [(150, "Completed")] * 2, "on the rows of its own period"


def test_what_does_not_come_is_missing_a_day_later(tiny: Path, warm: Lab) -> None:
    warm.run(tiny, watched({"kind": "skip_monitor", "start": 2}), project=False)
    assert [window for window, _ in ran(warm)] == [0, 1]
    assert sounded(warm) == [(3, "health:missing:rows")]


def test_a_watcher_that_is_silent_as_a_whole_is_heard_to_be_silent(tiny: Path, warm: Lab) -> None:
    warm.run(tiny, watched({"kind": "silence_monitor", "start": 1}), project=False)
    assert sounded(warm) == [(1, "health:muted:every_window"), (1, "health:muted:rows")]
    assert [f.monitor for f in warm.events(None) if isinstance(f, e.FindingMade) and f.window == 2] == [
        "health",
        "health",
    ]


@pytest.mark.parametrize("way", ["digest", "statistics"])
def test_a_poisoned_baseline_does_not_fit_the_version(way: str, tiny: Path, warm: Lab) -> None:
    poison = {"kind": "poison_baseline", "with": {"column": "age", "scale": 1.5}}
    health = {"enable": True, "baseline": way}
    warm.run(tiny, watched(poison, **{"stages.monitor.health": health}), project=False)
    assert sounded(warm) == [(0, "health:baseline:rows")]
    acted = [f for f in warm.events(None, world=True) if isinstance(f, e.Injected)]
    assert [(f.window, f.injector) for f in acted[:1]] == [(None, "poison_baseline")]
    warm.run(tiny, watched(**{"stages.monitor.health": health}), project=False)
    assert sounded(warm) == []


def test_without_the_health_check_nobody_notices(tiny: Path, warm: Lab) -> None:
    off = {"stages.monitor.health": {"enable": False}}
    warm.run(tiny, watched({"kind": "skip_monitor", "start": 1}, **off), project=False)
    assert sounded(warm) == []


def test_a_health_alarm_is_held_against_faults_of_the_machinery(tiny: Path, warm: Lab) -> None:
    asked = {"score": {"within": 1}}
    run = warm.run(tiny, watched({"kind": "skip_monitor", "start": 1, "end": 2}, **asked), project=False)
    card = warm.score(run.run).card
    health = card.monitor("health:missing")
    assert health is not None and health.target == "faulty"
    assert (health.figures.episodes, health.figures.hits, health.figures.precision) == (1, 1.0, 1.0)
    overall = card.monitor("overall")
    assert overall is not None and overall.figures.false_alarms == 0, "no false alarm of the data"
    assert [f["id"] for f in card.as_json()["faults"]] == ["it"]


def test_a_fault_needs_a_schedule_of_its_name(tiny: Path, lab: Lab) -> None:
    with pytest.raises(ScenarioInvalid, match="did you mean 'rows'"):
        lab.check(tiny, watched({"kind": "skip_monitor", "with": {"schedule": "row"}}))
    none = watched({"kind": "skip_monitor"}, **{"stages.monitor.schedules": {}})
    with pytest.raises(ScenarioInvalid, match="stages.monitor.schedules has none"):
        lab.check(tiny, none)


def test_worlds_in_memory_tell_the_same_of_a_failing_watcher(tiny: Path, warm: Lab) -> None:
    from simlab.worlds import Worlds

    asked = watched(
        {"kind": "poison_baseline", "with": {"column": "age", "scale": 1.5}},
        {"id": "late", "kind": "delay_monitor", "start": 1, "with": {"by": "1d"}},
    )
    warm.run(tiny, asked, project=False)
    whole = [f for f in warm.events(None) if isinstance(f, e.AlarmChanged)]
    lived = Worlds(warm.home).live(warm.check(tiny, asked))
    assert [f for f in lived.events if isinstance(f, e.AlarmChanged)] == whole
