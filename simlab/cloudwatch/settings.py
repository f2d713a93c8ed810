"""What a scenario says of alarms, rules and topics, and what may be wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pydantic import ConfigDict

from simlab.cloudwatch.alarms import MetricAlarm, problems_with
from simlab.cloudwatch.composite import CompositeAlarm, order, parse
from simlab.cloudwatch.metrics import UNITS
from simlab.cloudwatch.patterns import LONGEST, problems_in
from simlab.errors import did_you_mean
from simlab.signature import adapter
from simlab.webhooks import problem_with as webhook_problem

METRIC, COMPOSITE = "metric", "composite"
"""What stands before the names of these alarms in facts, histories and expectations: `metric:NAME`."""

_NAME = re.compile(r"[A-Za-z0-9][\w .-]{0,254}")
_OURS = ("events.jsonl", "world.jsonl", "timings.jsonl")
_FOLDERS = ("artifacts", "bias", "capture", "explanations", "ground-truth", "monitoring", "work")


@dataclass(frozen=True)
class Topic:
    """An SNS topic, and where what is published to it goes."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    file: str | None = None
    """A file under the run's folder that gets one envelope a line: `notifications.jsonl`."""
    webhook: str | None = None
    """A URL that gets each envelope by POST, once: `http://127.0.0.1:8080/`. A failure is only noted."""
    terminal: bool = False
    """Whether a line in the terminal tells of it."""
    allow_network: bool = False
    """Whether the webhook may lie beyond this machine."""


@dataclass(frozen=True)
class EventRule:
    """An EventBridge rule: which events it matches, and what follows."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    event_pattern: dict[str, Any]
    """An EventBridge pattern: `{source: [aws.cloudwatch], detail: {state: {value: [ALARM]}}}`."""
    target: str | dict[str, str]
    """`retrain`, which the policy `on_event` sees, or `{notify: TOPIC}`."""

    @property
    def topic(self) -> str | None:
        """The topic that is told, if one is."""
        return self.target.get("notify") if isinstance(self.target, dict) else None


@dataclass(frozen=True)
class Settings:
    """Everything that the stage `alarm` is told."""

    metric_alarms: Mapping[str, MetricAlarm] = field(default_factory=dict)
    composite_alarms: Mapping[str, CompositeAlarm] = field(default_factory=dict)
    rules: Mapping[str, EventRule] = field(default_factory=dict)
    topics: Mapping[str, Topic] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """What a scenario's section says, typed; it was checked before."""
        found: Settings = adapter(Settings).validate_python(dict(given))
        return found

    @property
    def alarms(self) -> Iterator[tuple[str, MetricAlarm | CompositeAlarm]]:
        """Every alarm by the name under which facts speak of it."""
        yield from ((f"{METRIC}:{name}", alarm) for name, alarm in self.metric_alarms.items())
        yield from ((f"{COMPOSITE}:{name}", alarm) for name, alarm in self.composite_alarms.items())


def is_own(alarm: str) -> bool:
    """Whether an alarm is one of these, and none of the monitors' own.

    >>> is_own("metric:drift"), is_own("data_quality:drift:income")
    (True, False)
    """
    return alarm.partition(":")[0] in (METRIC, COMPOSITE)


def aws_name(alarm: str) -> str:
    """The AlarmName of an alarm: without the word before it.

    >>> aws_name("metric:drift"), aws_name("data_quality:drift:income")
    ('drift', 'data_quality:drift:income')
    """
    return alarm.partition(":")[2] if is_own(alarm) else alarm


def actions(alarm: MetricAlarm | CompositeAlarm, state: str) -> tuple[str, ...]:
    """Topics that are told when an alarm goes to a state."""
    return {"ALARM": alarm.alarm_actions, "OK": alarm.ok_actions}.get(state, alarm.insufficient_data_actions)


def problems(found: Settings) -> Iterator[str]:
    """What is wrong with the section, one sentence each, with the key's path below `stages.alarm`."""
    for part in ("metric_alarms", "composite_alarms", "rules", "topics"):
        for name in getattr(found, part):
            if not _NAME.fullmatch(name):
                yield f"{part}: {name!r} is no name; letters, digits, spaces and the signs . - _ make one"
    for name in sorted(set(found.metric_alarms) & set(found.composite_alarms)):
        yield f"composite_alarms.{name}: a metric alarm has that name already"
    for name, alarm in found.metric_alarms.items():
        yield from (f"metric_alarms.{name}{problem}" for problem in problems_with(alarm))
        if alarm.unit is not None and alarm.unit not in UNITS:
            yield f"metric_alarms.{name}.unit: no unit called {alarm.unit!r}{did_you_mean(alarm.unit, UNITS)}"
    yield from _composites(found)
    for kind, several in (
        ("metric_alarms", found.metric_alarms),
        ("composite_alarms", found.composite_alarms),
    ):
        for name, one in several.items():
            for key in ("alarm_actions", "ok_actions", "insufficient_data_actions"):
                for topic in getattr(one, key):
                    yield from _topic(found, topic, f"{kind}.{name}.{key}")
    for name, rule in found.rules.items():
        yield from _rule(found, name, rule)
    for name, topic in found.topics.items():
        yield from (f"topics.{name}.{problem}" for problem in _target(topic))


def _composites(found: Settings) -> Iterator[str]:
    """Composite alarms whose rule is none, names nobody, or leads back to itself."""
    sound = True
    known = {*found.metric_alarms, *found.composite_alarms}
    for name, alarm in found.composite_alarms.items():
        where = f"composite_alarms.{name}.alarm_rule"
        try:
            children = set(parse(alarm.alarm_rule).children())
        except ValueError as wrong:
            sound = False
            yield f"{where}: {wrong}"
            continue
        for child in sorted(children - known):
            if is_own(child):
                yield f"{where}: name {child!r} by its own name: {aws_name(child)!r}"
            elif ":" not in child:  # names of the monitors' alarms have colons, and depend on the data
                yield f"{where}: no alarm called {child!r}{did_you_mean(child, known)}"
    if sound:
        try:
            order(found.composite_alarms)
        except ValueError as wrong:
            yield f"composite_alarms: {wrong}"


def _topic(found: Settings, topic: str, where: str) -> Iterator[str]:
    if topic not in found.topics:
        yield f"{where}: no topic called {topic!r}{did_you_mean(topic, found.topics)}"


def _rule(found: Settings, name: str, rule: EventRule) -> Iterator[str]:
    where = f"rules.{name}"
    yield from (f"{where}.event_pattern.{problem}" for problem in problems_in(rule.event_pattern))
    if len(str(rule.event_pattern)) > LONGEST:
        yield f"{where}.event_pattern: it is longer than {LONGEST} characters"
    if isinstance(rule.target, str):
        if rule.target != "retrain":
            yield f"{where}.target: {rule.target!r} is none; right are retrain and {{notify: TOPIC}}"
    elif set(rule.target) != {"notify"}:
        yield f"{where}.target: right are retrain and {{notify: TOPIC}}"
    else:
        yield from _topic(found, rule.target["notify"], f"{where}.target.notify")


def _target(topic: Topic) -> Iterator[str]:
    """What is wrong with where a topic's messages go."""
    if topic.file is not None:
        path = PurePosixPath(topic.file)
        if path.is_absolute() or ".." in path.parts or not path.name.endswith(".jsonl") or "\\" in topic.file:
            yield f"file: {topic.file!r} is no path under the run's folder that ends with .jsonl"
        elif str(path) in _OURS or path.parts[0] in _FOLDERS:
            yield f"file: {topic.file!r} is the run's own; take notifications.jsonl"
        elif any(part.endswith(".jsonl") for part in path.parts[:-1]):
            yield f"file: {topic.file!r} lies in a folder that is named like another topic's file"
    if topic.webhook is not None and (problem := webhook_problem(topic.webhook, topic.allow_network)):
        yield f"webhook: {problem}"
