"""What a scenario says of alarms is checked before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simlab.cloudwatch.composite import parse
from simlab.cloudwatch.patterns import problems_in
from simlab.cloudwatch.settings import Settings, Topic, problems
from simlab.errors import ScenarioInvalid
from simlab.lab import Lab

ALARM = {
    "namespace": "n",
    "metric_name": "m",
    "threshold": 1,
    "comparison_operator": "GreaterThanThreshold",
}
EVENT = {"event_pattern": {"source": ["aws.cloudwatch"]}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"metric_alarms": {"a:b": ALARM}}, "metric_alarms: 'a:b' is no name"),
        ({"metric_alarms": {"a": ALARM}, "composite_alarms": {"a": {"alarm_rule": "TRUE"}}}, "a metric alarm has"),
        ({"metric_alarms": {"a": ALARM | {"period": 61}}}, "metric_alarms.a.period: a period of 61"),
        ({"metric_alarms": {"a": ALARM | {"unit": "count"}}}, "did you mean 'Count'"),
        ({"metric_alarms": {"a": ALARM | {"alarm_actions": ["pagr"]}}, "topics": {"pager": {}}}, "did you mean 'pager'"),
        ({"composite_alarms": {"a": {"alarm_rule": "ALARM(qualty)"}}, "metric_alarms": {"quality": ALARM}}, "no alarm called 'qualty'; did you mean 'quality'"),
        ({"composite_alarms": {"a": {"alarm_rule": "ALARM(metric:b)"}}}, "by its own name: 'b'"),
        ({"composite_alarms": {"a": {"alarm_rule": "ALARM("}}}, "composite_alarms.a.alarm_rule"),
        ({"composite_alarms": {"a": {"alarm_rule": "ALARM(a)"}}}, "in a circle"),
        ({"rules": {"r": {"event_pattern": {"source": "x"}, "target": "retrain"}}}, "rules.r.event_pattern.source"),
        ({"rules": {"r": EVENT | {"target": "retran"}}}, "'retran' is none"),
        ({"rules": {"r": EVENT | {"target": {"tell": "x"}}}}, "right are retrain"),
        ({"rules": {"r": EVENT | {"target": {"notify": "x"}}}}, "rules.r.target.notify: no topic called 'x'"),
        ({"topics": {"t": {"file": "../x.jsonl"}}}, "no path under the run's folder"),
        ({"topics": {"t": {"file": "/tmp/x.jsonl"}}}, "no path under the run's folder"),
        ({"topics": {"t": {"file": "x.txt"}}}, "ends with .jsonl"),
        ({"topics": {"t": {"file": "events.jsonl"}}}, "the run's own"),
        ({"topics": {"t": {"file": "work/x.jsonl"}}}, "the run's own"),
        ({"topics": {"t": {"webhook": "http://example.org/"}}}, "topics.t.webhook: 'example.org' is not this machine"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_key(given: dict[str, Any], said: str) -> None:
    assert said in " ".join(problems(Settings.of(given)))


def test_what_is_right_is_silent() -> None:
    given = {
        "metric_alarms": {"quality": ALARM | {"alarm_actions": ["pager"], "unit": "Count"}},
        "composite_alarms": {"both": {"alarm_rule": 'ALARM(quality) AND ALARM("data_quality:drift:x")'}},
        "rules": {"r": EVENT | {"target": "retrain"}, "n": EVENT | {"target": {"notify": "pager"}}},
        "topics": {
            "pager": {"file": "notes/all.jsonl", "webhook": "https://example.org/", "allow_network": True}
        },
    }
    assert list(problems(Settings.of(given))) == []


def test_a_scenario_is_refused_with_every_problem(tiny: Path, lab: Lab) -> None:
    wrong = {"stages.alarm": {"metric_alarms": {"a": {**ALARM, "periods": 60}}}}
    with pytest.raises(ScenarioInvalid, match="stages.alarm.metric_alarms.a: no key called 'periods'"):
        lab.check(tiny, wrong)
    with pytest.raises(
        ScenarioInvalid, match="stages.alarm.composite_alarms.a.alarm_rule: no alarm called 'b'"
    ):
        lab.check(tiny, {"stages.alarm": {"composite_alarms": {"a": {"alarm_rule": "OK(b)"}}}})


@pytest.mark.parametrize(
    "file",
    [
        "events.jsonl",
        "./events.jsonl",
        "world.jsonl/",
        "capture/x.jsonl",
        "ground-truth/x.jsonl",
        "a.jsonl/b.jsonl",
    ],
)
def test_no_topic_writes_over_what_is_the_runs_own(file: str) -> None:
    found = list(problems(Settings(topics={"pager": Topic(file=file)})))
    assert len(found) == 1 and repr(file) in found[0]
    assert not list(problems(Settings(topics={"pager": Topic(file="pages/notifications.jsonl")})))


@pytest.mark.parametrize("rule", ["(" * 2000 + "TRUE" + ")" * 2000, "NOT " * 2500 + "TRUE"])
def test_a_rule_that_is_nested_without_end_is_refused_in_words(rule: str) -> None:
    with pytest.raises(ValueError, match="more than"):
        parse(rule)


def test_a_comparison_that_is_no_text_is_told() -> None:
    assert any("compares nothing" in problem for problem in problems_in({"a": [{"numeric": [[], 1]}]}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_threshold_is_a_finite_number(tiny: Path, warm: Lab, value: float) -> None:
    alarm = {
        "namespace": "n",
        "metric_name": "m",
        "threshold": value,
        "comparison_operator": "LessThanThreshold",
    }
    with pytest.raises(ScenarioInvalid, match="threshold"):
        warm.check(tiny, {"stages.alarm": {"metric_alarms": {"low": alarm}}})
