"""Alarms, rules and notifications in whole runs: what is sent, once, and what is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from simlab import events as e
from simlab.checking import check
from simlab.lab import Lab
from simlab.progress import Progress
from simlab.worlds import Worlds
from tests.receiver import receiving

LOSS = {
    "namespace": "simlab/lifecycle",
    "metric_name": "monitor.log_loss",
    "dimensions": {"Endpoint": "simlab-endpoint"},
    "threshold": 0,
    "comparison_operator": "GreaterThanThreshold",
    "evaluation_periods": 2,
    "alarm_actions": ["pager"],
}
SOUNDS = {"source": ["aws.cloudwatch"], "detail": {"alarmName": ["both"], "state": {"value": ["ALARM"]}}}


def alarmed(url: str | None = None, **more: Any) -> dict[str, Any]:
    """A metric alarm, a composite one that follows it, and a rule that retrains."""
    topic = {"file": "notifications.jsonl"} | ({} if url is None else {"webhook": url})
    section = {
        "metric_alarms": {"loss": LOSS},
        "composite_alarms": {"both": {"alarm_rule": "ALARM(loss) AND TRUE", "alarm_actions": ["pager"]}},
        "rules": {"again": {"event_pattern": SOUNDS, "target": "retrain"}},
        "topics": {"pager": topic},
    }
    sets = {
        "stages.alarm": section,
        "stages.retrain": {"policy": "on_event"},
        "expect": [],
        "clock.windows": 4,
    }
    return sets | more


def facts(lab: Lab, kind: type[e.Event]) -> list[Any]:
    return [fact for fact in lab.events(None) if isinstance(fact, kind)]


def test_an_alarm_sounds_a_rule_matches_and_the_policy_retrains(tiny: Path, warm: Lab) -> None:
    run = warm.run(tiny, alarmed(), project=False)
    # Labels come a day late, so the second loss is known in window 2.
    changes = [(f.alarm, f.state, f.window) for f in facts(warm, e.AlarmChanged)]
    assert changes == [
        ("composite:both", "OK", 0),
        ("metric:loss", "ALARM", 2),
        ("composite:both", "ALARM", 2),
    ]
    assert [(f.rule, f.window) for f in facts(warm, e.RuleMatched)] == [("again", 2)]
    (planned,) = facts(warm, e.RetrainPlanned)
    assert (planned.policy, planned.reason, planned.window) == ("on_event", "rule again matched", 2)
    lines = [json.loads(line) for line in (run.path / "notifications.jsonl").read_text().splitlines()]
    assert [json.loads(line["Message"])["AlarmName"] for line in lines] == ["loss", "both"]
    # The alarm watches the endpoint: the new version does not silence it.
    assert {a["AlarmName"]: a["StateValue"] for a in warm.alarms(None)["MetricAlarms"]} == {"loss": "ALARM"}
    ids = {f.event_id for f in facts(warm, e.RuleMatched)}
    assert {event["id"] for event in warm.bus(None, SOUNDS)} == ids


def test_expectations_and_policies_know_the_alarms(tiny: Path, warm: Lab) -> None:
    wanted = [
        {"alarm_between": {"alarm": "metric:loss", "first": 2, "last": 2}},
        {"alarms_at_most": {"alarm": "composite:*", "count": 1}},
        {"retrained": {"first": 2, "last": 2}},
    ]
    policy = {"stages.retrain": {"policy": {"on_alarm": {"alarms": "metric:*"}}}}
    assert warm.run(tiny, alarmed(expect=wanted) | policy, project=False).exit == 0


def test_a_webhook_is_told_once_and_never_by_the_cache_or_a_resume(
    tiny: Path, lab: Lab, facts: Callable[[Path], tuple[bytes, bytes]]
) -> None:
    with receiving() as receiver:
        sets = alarmed(receiver.url)
        first = lab.run(tiny, sets, project=False)
        notes = (first.path / "notifications.jsonl").read_text()
        assert [body for _, body in receiver.told] == notes.splitlines()
        again = lab.run(tiny, sets, project=False)
        assert facts(again.path) == facts(first.path)
        assert (again.path / "notifications.jsonl").read_text() == notes
        events, world = facts(again.path)
        record = json.loads((again.path / "run.json").read_text())
        (again.path / "run.json").write_text(json.dumps(record | {"status": "running", "exit": None}))
        # Stopped just after the log was written, with nothing in the cache.
        lines = events.splitlines(keepends=True)
        sent = max(n for n, line in enumerate(lines) if b'"NotificationSent"' in line)
        finished = next(n for n in range(sent, len(lines)) if b'"StageFinished"' in lines[n])
        (again.path / "events.jsonl").write_bytes(b"".join(lines[: finished + 1]))
        shutil.rmtree(lab.home / "store")
        resumed = lab.run(tiny, sets, resume=True, project=False)
        assert (resumed.run, facts(resumed.path)) == (again.run, (events, world))
        assert (resumed.path / "notifications.jsonl").read_text() == notes
        assert len(receiver.told) == 2


def test_a_webhook_that_does_not_answer_changes_no_fact(
    tiny: Path, warm: Lab, facts: Callable[[Path], tuple[bytes, bytes]]
) -> None:
    with receiving() as receiver:
        url = receiver.url
        receiver.status = 500
        told: list[str] = []
        bad = warm.run(
            tiny, alarmed(url), watch=lambda what, value: told.append(f"{what} {value}"), project=False
        )
        assert len(receiver.told) == 2
    assert [line for line in told if line.startswith("warn")][0].endswith(
        "HTTPError: HTTP Error 500: Internal Server Error"
    )
    notes = [json.loads(line) for line in (bad.path / "timings.jsonl").read_text().splitlines()]
    assert sum(note.get("note") == "webhook" for note in notes) == 2
    shutil.rmtree(warm.home / "store" / "steps")
    unheard = warm.run(tiny, alarmed(url), project=False)  # nobody listens there any more
    assert facts(unheard.path) == facts(bad.path)


def test_a_light_world_says_the_same_and_sends_nothing(tiny: Path, warm: Lab) -> None:
    with receiving() as receiver:
        sets = alarmed(receiver.url)
        lived = Worlds(warm.home).live(check(tiny, sets))
        assert receiver.told == []
        warm.run(tiny, sets, project=False)

    def told(events: Any) -> list[Any]:
        return [f.model_dump(mode="json") for f in events if not isinstance(f, e.StageFinished)]

    assert told(lived.events) == told(warm.events(None))


def test_nobody_asked_so_nobody_works(tiny: Path, warm: Lab) -> None:
    warm.run(tiny, {"stages.alarm": {"topics": {"pager": {"terminal": True}}}}, project=False)
    assert not [f for f in facts(warm, e.StageFinished) if f.stage == "alarm"]


def test_muted_monitors_leave_an_alarm_without_data(tiny: Path, warm: Lab) -> None:
    warm.run(tiny, alarmed(**{"stages.monitor.muted": True}), project=False)
    (loss,) = warm.alarms(None)["MetricAlarms"]
    assert loss["StateValue"] == "INSUFFICIENT_DATA" and facts(warm, e.RetrainPlanned) == []


def test_the_example_of_the_docs_can_run(tiny: Path, lab: Lab) -> None:
    page = (Path(__file__).parent.parent / "docs/alarms.md").read_text()
    shown = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    lab.check(tiny, {f"stages.{name}": section for name, section in shown["stages"].items()})


def test_the_terminal_tells_of_a_notification_that_asks_for_it() -> None:
    out = StringIO()
    with Progress(console=Console(file=out, width=100)) as progress:
        for to in (("terminal",), ("file",)):
            sent = e.NotificationSent(topic="pager", subject=f"[{to[0]}] rings", message_id="i", to=to)
            progress.watch("fact", sent.placed(3, ""))
    assert out.getvalue() == "  window 3: pager [terminal] rings\n"
