"""DescribeAlarms and DescribeAlarmHistory speak of a run's facts."""

from __future__ import annotations

import json
from typing import Any

from simlab import events as e
from simlab.cloudwatch.alarms import MetricAlarm
from simlab.cloudwatch.composite import CompositeAlarm
from simlab.cloudwatch.describe import describe_alarm_history, describe_alarms
from simlab.cloudwatch.settings import Settings

SETTINGS = Settings(
    {
        "quality": MetricAlarm(
            namespace="simlab/lifecycle",
            metric_name="monitor.auc",
            dimensions={"Endpoint": "e"},
            threshold=0.7,
            comparison_operator="LessThanThreshold",
            alarm_actions=("pager",),
        )
    },
    {"both": CompositeAlarm("ALARM(quality)")},
)


def at(day: int, kind: type[e.Event], **more: Any) -> e.Event:
    return kind(**more).placed(day, f"2026-01-{day:02}T00:00:00")


def change(day: int, alarm: str, state: str, previous: str, reason: str = "why") -> e.Event:
    return at(day, e.AlarmChanged, alarm=alarm, state=state, previous=previous, reason=reason)


FACTS = [
    at(6, e.FindingMade, monitor="data_quality", check="drift", column="x", method="ks", breached=False, of_window=0),
    change(6, "metric:quality", "OK", "INSUFFICIENT_DATA", "first"),
    at(7, e.MetricMeasured, metric="monitor.auc", value=0.6),
    change(7, "metric:quality", "ALARM", "OK", "second"),
    at(7, e.NotificationSent, topic="pager", subject="s", message_id="i", alarm="metric:quality", to=("file",)),
    change(7, "data_quality:drift:y", "ALARM", "OK"),
]  # fmt: skip


def test_alarms_are_described_with_their_newest_state() -> None:
    found = describe_alarms(FACTS, SETTINGS, endpoint="e")
    (quality,) = found["MetricAlarms"]
    assert (quality["StateValue"], quality["StateReason"]) == ("ALARM", "second")
    assert quality["StateUpdatedTimestamp"].day == 7
    assert json.loads(quality["StateReasonData"])["recentDatapoints"] == [0.6]
    assert quality["AlarmActions"] == ["arn:aws:sns:us-east-1:000000000000:pager"]
    (both,) = found["CompositeAlarms"]
    assert (both["StateValue"], both["AlarmRule"]) == ("INSUFFICIENT_DATA", "ALARM(quality)")
    monitors = {one["AlarmName"]: one["StateValue"] for one in found["MonitorAlarms"]}
    assert monitors == {"data_quality:drift:x": "OK", "data_quality:drift:y": "ALARM"}


def test_every_key_of_an_alarm_is_one_of_the_apis() -> None:
    known = set(
        [
            "AlarmName",
            "AlarmArn",
            "AlarmDescription",
            "ActionsEnabled",
            "OKActions",
            "AlarmActions",
            "InsufficientDataActions",
            "StateValue",
            "StateReason",
            "StateReasonData",
            "StateUpdatedTimestamp",
            "StateTransitionedTimestamp",
            "MetricName",
            "Namespace",
            "Statistic",
            "ExtendedStatistic",
            "Dimensions",
            "Period",
            "Unit",
            "EvaluationPeriods",
            "DatapointsToAlarm",
            "Threshold",
            "ComparisonOperator",
            "TreatMissingData",
        ]
    )
    found = describe_alarms(FACTS, SETTINGS, endpoint="e")
    assert set(found["MetricAlarms"][0]) <= known
    assert set(found["CompositeAlarms"][0]) <= known | {"AlarmRule"}


def test_the_history_is_told_newest_first() -> None:
    items = describe_alarm_history(FACTS)["AlarmHistoryItems"]
    assert [(i["AlarmName"], i["HistoryItemType"]) for i in items] == [
        ("data_quality:drift:y", "StateUpdate"),
        ("quality", "Action"),
        ("quality", "StateUpdate"),
        ("quality", "StateUpdate"),
    ]
    assert items[2]["HistorySummary"] == "Alarm updated from OK to ALARM"
    data = json.loads(items[2]["HistoryData"])
    assert data["oldState"] == {"stateValue": "OK", "stateReason": "first"}
    assert [i["AlarmName"] for i in describe_alarm_history(FACTS, "quality")["AlarmHistoryItems"]] == [
        "quality"
    ] * 3
