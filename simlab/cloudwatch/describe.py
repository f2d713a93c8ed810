"""DescribeAlarms and DescribeAlarmHistory, as folds over a run's facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from simlab.cloudwatch import alarm_arn, compact
from simlab.cloudwatch.alarms import MetricAlarm, evaluate, reason_data, state
from simlab.cloudwatch.composite import CompositeAlarm
from simlab.cloudwatch.metrics import is_extended, published
from simlab.cloudwatch.settings import COMPOSITE, METRIC, Settings, aws_name
from simlab.cloudwatch.sns import topic_arn
from simlab.errors import UsageError, did_you_mean
from simlab.events import AlarmChanged, Event, FindingMade, NotificationSent

NEVER = "Unchecked: Initial alarm creation"
"""StateReason of an alarm that never changed, in the service's words."""


def describe_alarms(
    facts: Sequence[Event], settings: Settings, *, endpoint: str = "simlab-endpoint"
) -> dict[str, list[dict[str, Any]]]:
    """Every alarm with its state after the last fact.

    Parameters
    ----------
    facts
        What the run said.
    settings
        The alarms that its scenario sets.
    endpoint
        The endpoint's name, for metrics that simlab measures itself.

    Returns
    -------
    dict
        `CompositeAlarms` and `MetricAlarms` as in AWS's answer, and under `MonitorAlarms`, a key of simlab's
        own, the alarms of the monitors' findings, which watch no metric. Timestamps are datetimes.
    """
    newest = {fact.alarm: fact for fact in facts if isinstance(fact, AlarmChanged)}
    now = max((datetime.fromisoformat(f.time) for f in facts if f.time), default=datetime(1970, 1, 1))
    store = published(facts, endpoint)
    composites = [
        _composite(name, alarm, newest.get(f"{COMPOSITE}:{name}"))
        for name, alarm in sorted(settings.composite_alarms.items())
    ]
    metrics = []
    for name, alarm in sorted(settings.metric_alarms.items()):
        change = newest.get(f"{METRIC}:{name}")
        told = state(change.state if change else "")
        found = evaluate(alarm, store, now, told)
        metrics.append(_metric(name, alarm, change) | {"StateReasonData": reason_data(found)})
    own = {name for name, _ in settings.alarms}
    seen = {fact.alarm for fact in facts if isinstance(fact, FindingMade)}
    monitors = [
        {"AlarmName": name, "AlarmArn": alarm_arn(name), **_state(newest.get(name), "OK")}
        for name in sorted((seen | set(newest)) - own)
    ]
    return {"CompositeAlarms": composites, "MetricAlarms": metrics, "MonitorAlarms": monitors}


def _state(change: AlarmChanged | None, never: str = "INSUFFICIENT_DATA") -> dict[str, Any]:
    """An alarm's state and why it has it; an alarm of the monitors that never changed is OK."""
    if change is None:
        return {"StateValue": never, "StateReason": NEVER}
    moment = datetime.fromisoformat(change.time)
    return {
        "StateValue": change.state,
        "StateReason": change.reason,
        "StateUpdatedTimestamp": moment,
        "StateTransitionedTimestamp": moment,
    }


def _shared(name: str, alarm: MetricAlarm | CompositeAlarm) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "AlarmArn": alarm_arn(name),
        "AlarmDescription": alarm.alarm_description,
        "ActionsEnabled": True,
        "OKActions": [topic_arn(topic) for topic in alarm.ok_actions],
        "AlarmActions": [topic_arn(topic) for topic in alarm.alarm_actions],
        "InsufficientDataActions": [topic_arn(topic) for topic in alarm.insufficient_data_actions],
    }


def _metric(name: str, alarm: MetricAlarm, change: AlarmChanged | None) -> dict[str, Any]:
    extended = "ExtendedStatistic" if is_extended(alarm.statistic) else "Statistic"
    return {
        **_shared(name, alarm),
        **_state(change),
        "MetricName": alarm.metric_name,
        "Namespace": alarm.namespace,
        extended: alarm.statistic,
        "Dimensions": [{"Name": key, "Value": value} for key, value in alarm.dimensions.items()],
        "Period": alarm.period,
        **({"Unit": alarm.unit} if alarm.unit is not None else {}),
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.needed,
        "Threshold": float(alarm.threshold),
        "ComparisonOperator": alarm.comparison_operator,
        "TreatMissingData": alarm.treat_missing_data,
    }


def _composite(name: str, alarm: CompositeAlarm, change: AlarmChanged | None) -> dict[str, Any]:
    return {**_shared(name, alarm), **_state(change), "AlarmRule": alarm.alarm_rule}


KINDS = {"CompositeAlarms": f"{COMPOSITE}:", "MetricAlarms": f"{METRIC}:", "MonitorAlarms": ""}
"""What `describe_alarms` lists, and what stands before a name of each in facts."""


def only(found: Mapping[str, Any], alarm: str) -> tuple[str, dict[str, Any]]:
    """One alarm of those that `describe_alarms` lists: its AlarmName, and the lists with it alone.

    Parameters
    ----------
    alarm
        Its AlarmName, or its name as facts have it: `metric:loss`.

    Raises
    ------
    UsageError
        There is no such alarm; the message says the nearest right name.
    """
    kept = {
        kind: [one for one in found[kind] if alarm in (one["AlarmName"], before + one["AlarmName"])]
        for kind, before in KINDS.items()
    }
    named = {one["AlarmName"] for ones in kept.values() for one in ones}
    if not named:
        known = {before + one["AlarmName"] for kind, before in KINDS.items() for one in found[kind]}
        known |= {one["AlarmName"] for kind in KINDS for one in found[kind]}
        raise UsageError(f"no alarm called {alarm!r}{did_you_mean(alarm, known)}")
    return named.pop(), kept


def describe_alarm_history(facts: Iterable[Event], alarm: str | None = None) -> dict[str, Any]:
    """What happened to the alarms, newest first.

    Parameters
    ----------
    facts
        What the run said.
    alarm
        Only of this alarm, by its AlarmName.
    """
    reasons: dict[str, str] = {}
    items = []
    for fact in facts:
        if isinstance(fact, AlarmChanged):
            items.append((fact.alarm, _update(fact, reasons.get(fact.alarm, NEVER))))
            reasons[fact.alarm] = fact.reason
        elif isinstance(fact, NotificationSent) and fact.alarm:
            items.append((fact.alarm, _action(fact)))
    shown = [item for name, item in items if alarm in (None, aws_name(name))]
    return {"AlarmHistoryItems": shown[::-1]}


def _kind(alarm: str) -> str:
    return "CompositeAlarm" if alarm.startswith(f"{COMPOSITE}:") else "MetricAlarm"


def _update(fact: AlarmChanged, before: str) -> dict[str, Any]:
    data = {
        "version": "1.0",
        "oldState": {"stateValue": fact.previous, "stateReason": before},
        "newState": {"stateValue": fact.state, "stateReason": fact.reason},
    }
    return {
        "AlarmName": aws_name(fact.alarm),
        "AlarmType": _kind(fact.alarm),
        "Timestamp": datetime.fromisoformat(fact.time),
        "HistoryItemType": "StateUpdate",
        "HistorySummary": f"Alarm updated from {fact.previous} to {fact.state}",
        "HistoryData": compact(data),
    }


def _action(fact: NotificationSent) -> dict[str, Any]:
    """A notification; whether a webhook took it nobody knows here."""
    where = topic_arn(fact.topic)
    data = {"actionState": "Published", "notificationResource": where, "messageId": fact.message_id}
    return {
        "AlarmName": aws_name(fact.alarm),
        "AlarmType": _kind(fact.alarm),
        "Timestamp": datetime.fromisoformat(fact.time),
        "HistoryItemType": "Action",
        "HistorySummary": f"Published to action {where}",
        "HistoryData": compact(data),
    }
