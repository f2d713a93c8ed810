"""Alarm: alarms over metrics and over other alarms, and whom they and EventBridge's rules tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from simlab.artifacts import (
    Alarms,
    Deployment,
    Findings,
    History,
    Notification,
    Published,
    ScreenedWindow,
    Served,
)
from simlab.cloudwatch import sns
from simlab.cloudwatch.alarms import MetricAlarm, evaluate, kept, state
from simlab.cloudwatch.composite import CompositeAlarm, decide, order, parse
from simlab.cloudwatch.events import alarm_change, job_change
from simlab.cloudwatch.metrics import endpoint_metrics, lifecycle_metric, rounded
from simlab.cloudwatch.patterns import matches
from simlab.cloudwatch.settings import (
    COMPOSITE,
    METRIC,
    EventRule,
    Settings,
    Topic,
    actions,
    aws_name,
    is_own,
)
from simlab.context import Context
from simlab.events import AlarmChanged, NotificationSent, RuleMatched
from simlab.webhooks import Post


def raise_alarms(
    ctx: Context,
    deployment: Deployment,
    screened: ScreenedWindow,
    served: Served,
    findings: Findings,
    history: History,
    *,
    metric_alarms: Mapping[str, MetricAlarm] = {},
    composite_alarms: Mapping[str, CompositeAlarm] = {},
    rules: Mapping[str, EventRule] = {},
    topics: Mapping[str, Topic] = {},
) -> Alarms:
    """Evaluate metric and composite alarms at a window's end, match rules, and notify.

    Metric alarms come first, composite ones after those they look at, rules last: they see every alarm
    that changed in the window and every processing job of a scheduled monitor. Facts call the alarms
    `metric:NAME` and `composite:NAME`, so expectations, policies and the scorecard know them.

    Parameters
    ----------
    metric_alarms
        Alarms over one metric, by name, with PutMetricAlarm's keys in small letters: `namespace`,
        `metric_name`, `dimensions`, `statistic`, `period`, `evaluation_periods`, `datapoints_to_alarm`,
        `threshold`, `comparison_operator`, `treat_missing_data`, `alarm_actions`, `ok_actions`.
    composite_alarms
        Alarms over other alarms, by name: `{alarm_rule: 'ALARM("drift") AND NOT OK("quality")'}`. The
        monitors' own alarms are named as they sound: `ALARM("data_quality:drift:x")`.
    rules
        EventBridge rules, by name: `{event_pattern: {source: [aws.cloudwatch]}, target: retrain}`.
    topics
        SNS topics, by name, and where their notifications go: `{file: notifications.jsonl}`,
        `{webhook: "http://127.0.0.1:8080/"}`, `{terminal: true}`. A webhook is tried once, when a window
        is lived through for the first time; a run that is repeated from the cache sends nothing.
    """
    now = screened.end
    settings = Settings(metric_alarms, composite_alarms, rules, topics)
    fresh = _fresh(deployment, screened, served, findings)
    store = kept(tuple(metric_alarms.values()), (*history.published, *fresh), now)
    before = {name: told for name, told in history.alarms.items() if is_own(name)}
    told = _Told(ctx, settings, now)
    for name, was, now_is in _changed_findings(history, findings):
        told.changed(name, now_is, was, findings.reasons.get(name, ""))
    states = {}
    for name, alarm in sorted(metric_alarms.items()):
        full = f"{METRIC}:{name}"
        found = evaluate(alarm, store, now, state(before.get(full, "")))
        states[full] = found.state
        if found.state != state(before.get(full, "")):
            told.alarm(full, alarm, found.state, state(before.get(full, "")), found.reason)
    seen = {name: value for name, value in findings.alarms.items() if not is_own(name)}
    seen |= {aws_name(name): value for name, value in states.items()}
    for name in order(composite_alarms):
        full, composite = f"{COMPOSITE}:{name}", composite_alarms[name]
        rule = parse(composite.alarm_rule)
        states[full] = seen[name] = decide(rule, seen)
        was = state(before.get(full, ""))
        if states[full] != was:
            sounding = sorted(child for child in set(rule.children()) if seen.get(child) == "ALARM")
            told.alarm(full, composite, states[full], was, _why(sounding, states[full]), sounding)
    told.jobs(deployment.endpoint, findings)
    matched = tuple(_matched(told, rules))
    return Alarms(
        window=findings.window,
        states=dict(sorted(states.items())),
        published=store,
        matched=matched,
        notifications=tuple(told.notifications),
    )


def alarm_lines(result: Alarms) -> Mapping[str, tuple[str, ...]]:
    """The envelopes of a window's notifications, by the file that gets them."""
    found: dict[str, tuple[str, ...]] = {}
    for note in result.notifications:
        if note.file is not None:
            found[note.file] = (*found.get(note.file, ()), note.body)
    return found


def alarm_posts(result: Alarms) -> tuple[Post, ...]:
    """The notifications that go to webhooks."""
    import json

    return tuple(
        Post(note.webhook, sns.headers(note.topic, json.loads(note.body)), note.body, note.allow_network)
        for note in result.notifications
        if note.webhook is not None
    )


@dataclass
class _Told:
    """What one window's alarms say, in order: facts, events and notifications."""

    ctx: Context
    settings: Settings
    moment: datetime
    events: list[dict[str, Any]] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)

    def changed(self, alarm: str, to: str, was: str, reason: str) -> None:
        """Put an alarm's change on the bus."""
        self.events.append(alarm_change(alarm, to, was, reason, self.moment, self.settings))

    def alarm(
        self,
        name: str,
        alarm: MetricAlarm | CompositeAlarm,
        to: str,
        was: str,
        reason: str,
        sounding: list[str] | None = None,
    ) -> None:
        """Say that an alarm changed, put it on the bus, and carry out its actions."""
        self.ctx.emit(AlarmChanged(alarm=name, state=state(to), previous=state(was), reason=reason))
        self.changed(name, to, was, reason)
        called = aws_name(name)
        for topic in actions(alarm, to):
            message = sns.alarm_message(called, alarm, to, was, reason, self.moment, sounding or [])
            self.notify(topic, sns.subject(called, to), message, name)

    def jobs(self, endpoint: str, findings: Findings) -> None:
        """Put the scheduled monitors' jobs on the bus."""
        self.events += [
            job_change(endpoint, one.schedule, one.status, one.message, one.scheduled, self.moment)
            for one in findings.executions
        ]

    def notify(self, topic: str, subject: str, message: Mapping[str, Any], alarm: str = "") -> None:
        """Publish to a topic."""
        to = self.settings.topics[topic]
        note = sns.notification(topic, subject, message, self.moment, len(self.notifications))
        self.notifications.append(
            replace(note, file=to.file, webhook=to.webhook, allow_network=to.allow_network)
        )
        ways = (("file", to.file is not None), ("terminal", to.terminal), ("webhook", to.webhook is not None))
        self.ctx.emit(
            NotificationSent(
                topic=topic,
                subject=note.subject or str(message["detail-type"]),
                message_id=note.message_id,
                alarm=alarm,
                to=tuple(way for way, taken in ways if taken),
            )
        )


def _matched(told: _Told, rules: Mapping[str, EventRule]) -> Iterator[str]:
    """Say which rules match which events and tell their topics; the rules that ask for a retrain."""
    for name, rule in sorted(rules.items()):
        asked = False
        for event in told.events:
            if not matches(rule.event_pattern, event):
                continue
            target = "retrain" if rule.topic is None else f"notify {rule.topic}"
            told.ctx.emit(
                RuleMatched(rule=name, detail_type=event["detail-type"], event_id=event["id"], target=target)
            )
            if rule.topic is None:
                asked = True
            else:
                told.notify(rule.topic, "", event)
        if asked:
            yield name


def _changed_findings(history: History, findings: Findings) -> Iterator[tuple[str, str, str]]:
    """The monitors' alarms that changed: name, state before, state now. The first look at one is no news."""
    for name, now in findings.alarms.items():
        was = state(history.alarms.get(name, ""))
        if not is_own(name) and now != was and (was, now) != ("INSUFFICIENT_DATA", "OK"):
            yield name, was, now


def _fresh(
    deployment: Deployment, screened: ScreenedWindow, served: Served, findings: Findings
) -> Iterator[Published]:
    """What was published since the last window's end, in the order of its moments."""
    endpoint, rows = deployment.endpoint, served.table.num_rows
    for execution in sorted(findings.executions, key=lambda found: found.scheduled):
        for point in execution.datapoints:
            if whole := rounded(point):
                yield Published(execution.scheduled, whole)
    figures = {
        "validate.rejected": float(screened.quarantine.num_rows),
        "serve.rows": float(rows),
        **findings.metrics,
    }
    for metric, value in figures.items():
        if whole := rounded(lifecycle_metric(endpoint, metric, value)):
            yield Published(screened.end, whole)
    if rows:
        yield Published(screened.end, endpoint_metrics(endpoint, rows))


def _why(sounding: list[str], to: str) -> str:
    """Why a composite alarm changed, by the alarms it looks at that sound."""
    if not sounding:
        return f"AlarmRule became {'TRUE' if to == 'ALARM' else 'FALSE'}; none of its alarms is in ALARM"
    named = ", ".join(sounding)
    return f"AlarmRule became {'TRUE' if to == 'ALARM' else 'FALSE'}; in ALARM: {named}"
