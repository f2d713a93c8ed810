"""Metric and composite alarms, rules and notifications of one window, from its arguments alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from simlab.artifacts import Alarms, Findings, History, ScreenedWindow, Served
from simlab.cloudwatch.alarms import MetricAlarm
from simlab.cloudwatch.composite import CompositeAlarm
from simlab.cloudwatch.settings import EventRule, Topic
from simlab.events import AlarmChanged, Event, NotificationSent, RuleMatched
from simlab.stages.alarm import alarm_lines, alarm_posts, raise_alarms
from simlab.watched import Datapoint, Execution
from tests.stages.people import START, context

ENDPOINT: Any = SimpleNamespace(endpoint="e")
QUALITY = MetricAlarm(
    namespace="simlab/lifecycle",
    metric_name="monitor.auc",
    dimensions={"Endpoint": "e"},
    threshold=0.7,
    comparison_operator="LessThanThreshold",
    evaluation_periods=2,
    alarm_actions=("pager",),
)
CALLS = MetricAlarm(
    namespace="AWS/SageMaker",
    metric_name="Invocations",
    dimensions={"EndpointName": "e", "VariantName": "AllTraffic"},
    statistic="Sum",
    threshold=100,
    comparison_operator="LessThanThreshold",
    treat_missing_data="breaching",
)
SOUNDING: dict[str, Any] = {"source": ["aws.cloudwatch"], "detail": {"state": {"value": ["ALARM"]}}}


def live(
    history: History, number: int, auc: float | None = None, rows: int = 200, alarms: Any = None,
    executions: tuple[Execution, ...] = (), **settings: Any,
) -> tuple[Alarms, History, list[Event]]:  # fmt: skip
    """One window: its alarms, the history after it, and what was said."""
    end = START + timedelta(days=number + 1)
    empty = pa.table({"x": pa.array([], pa.int64())})
    screened = ScreenedWindow(number, end - timedelta(days=1), end, empty, empty, (), (), rows)
    served = Served(number, 1, pa.table({"prediction": pa.array([0.5] * rows)}))
    states = {**history.alarms, **(alarms or {})}
    measured = {} if auc is None else {"monitor.auc": auc}
    reasons = dict.fromkeys(alarms or {}, "it drifted")
    findings = Findings(number, (), states, {}, measured, executions=executions, reasons=reasons)
    ctx, said = context("alarm", window=number)
    found = raise_alarms(ctx, ENDPOINT, screened, served, findings, history, **settings)
    after = replace(history, window=number, alarms=states)
    return found, after.with_alarms(found), said


def test_a_metric_alarm_sounds_over_windows_and_falls_silent() -> None:
    history, states = History(), []
    for number, auc in enumerate([0.8, 0.6, 0.6, 0.6, 0.9]):
        _, history, _ = live(
            history, number, auc, metric_alarms={"quality": replace(QUALITY, alarm_actions=())}
        )
        states.append(history.alarms["metric:quality"])
    # With two of two: the first good point says OK, the second bad one ALARM.
    assert states == ["OK", "OK", "ALARM", "ALARM", "OK"]
    assert "metric:quality" not in history.onset


def test_it_keeps_no_more_than_an_alarm_may_look_at() -> None:
    history = History()
    for number in range(20):
        _, history, _ = live(
            history, number, 0.8, metric_alarms={"quality": QUALITY}, topics={"pager": Topic()}
        )
    assert len(history.published) == QUALITY.range_periods
    assert {told.point.metric for told in history.published} == {"monitor.auc"}


def test_the_onset_is_the_window_in_which_it_began() -> None:
    history = History()
    for number in range(4):
        _, history, said = live(history, number, rows=50, metric_alarms={"calls": CALLS})
    assert history.onset == {"metric:calls": 0} and said == []


def test_invocations_are_the_rows_that_were_answered_and_none_is_missing_data() -> None:
    found, history, _ = live(History(), 0, rows=150, metric_alarms={"calls": CALLS})
    assert found.states == {"metric:calls": "OK"}
    assert live(history, 1, rows=99, metric_alarms={"calls": CALLS})[0].states == {"metric:calls": "ALARM"}
    deaf = replace(CALLS, evaluation_periods=1)
    assert live(History(), 1, rows=0, metric_alarms={"calls": deaf})[0].states == {"metric:calls": "ALARM"}


def test_what_a_scheduled_monitor_published_counts_at_its_moment() -> None:
    moment = START + timedelta(hours=6)
    point = Datapoint.of(
        "aws/sagemaker/Endpoints/data-metrics", "feature_baseline_drift_x", {"Endpoint": "e"}, 0.4
    )
    ran = Execution("e", "s", "data_quality", moment, START, moment, 9, 0, "CompletedWithViolations", 1, "m", datapoints=(point,))  # fmt: skip
    drift = MetricAlarm(
        namespace=point.namespace, metric_name=point.metric, dimensions=point.dimensions, threshold=0.1,
        comparison_operator="GreaterThanThreshold", period=3600, treat_missing_data="notBreaching",
    )  # fmt: skip
    settings = {"metric_alarms": {"day": replace(drift, period=86400), "hour": drift}}
    found, _, _ = live(History(), 0, executions=(ran,), **settings)
    assert found.states == {"metric:day": "ALARM", "metric:hour": "OK"}
    assert [told.time for told in found.published] == [moment]
    job = {"detail-type": ["SageMaker Processing Job State Change"], "detail": {"ExitMessage": ["m"]}}
    rules = {"ended": EventRule(job, "retrain")}
    assert live(History(), 0, executions=(ran,), rules=rules)[0].matched == ("ended",)


def test_composite_alarms_look_at_the_monitors_alarms_too() -> None:
    composites = {
        "outer": CompositeAlarm("ALARM(both) AND TRUE"),
        "both": CompositeAlarm('ALARM(quality) AND ALARM("data_quality:drift:age")'),
    }
    settings = {"metric_alarms": {"quality": replace(QUALITY, evaluation_periods=1, alarm_actions=())}}
    _, history, _ = live(History(), 0, 0.5, composite_alarms=composites, **settings)
    assert history.alarms["composite:both"] == "OK"
    drifted = {"data_quality:drift:age": "ALARM"}
    _, history, said = live(history, 1, 0.5, alarms=drifted, composite_alarms=composites, **settings)
    assert (history.alarms["composite:both"], history.alarms["composite:outer"]) == ("ALARM", "ALARM")
    changed = [fact.alarm for fact in said if isinstance(fact, AlarmChanged)]
    assert changed == ["composite:both", "composite:outer"]  # the monitor told of its own alarm itself


def test_an_alarm_tells_its_topics_when_it_changes_and_not_while_it_lasts() -> None:
    topics = {"pager": Topic(file="n.jsonl", webhook="http://127.0.0.1:1/", terminal=True)}
    settings = {"metric_alarms": {"quality": replace(QUALITY, evaluation_periods=1)}, "topics": topics}
    found, history, said = live(History(), 0, 0.5, **settings)
    (note,) = found.notifications
    assert json.loads(json.loads(note.body)["Message"])["NewStateValue"] == "ALARM"
    (sent,) = [fact for fact in said if isinstance(fact, NotificationSent)]
    assert (sent.topic, sent.alarm, sent.to) == ("pager", "metric:quality", ("file", "terminal", "webhook"))
    assert sent.message_id == note.message_id
    assert alarm_lines(found) == {"n.jsonl": (note.body,)}
    (post,) = alarm_posts(found)
    assert (post.url, post.body) == ("http://127.0.0.1:1/", note.body)
    assert post.headers["x-amz-sns-message-id"] == note.message_id
    again, history, said = live(history, 1, 0.5, **settings)
    assert again.notifications == () and said == []
    back, _, _ = live(history, 2, 0.9, **settings)  # no ok_actions
    assert back.states == {"metric:quality": "OK"} and back.notifications == ()


def test_rules_match_alarms_that_changed_and_ask_or_tell() -> None:
    rules = {
        "ask": EventRule(SOUNDING | {"resources": [{"suffix": "drift:age"}]}, "retrain"),
        "tell": EventRule(SOUNDING, {"notify": "pager"}),
    }
    settings = {"rules": rules, "topics": {"pager": Topic(file="n.jsonl")}}
    drifted = {"data_quality:drift:age": "ALARM", "data_quality:drift:job": "ALARM"}
    found, history, said = live(History(), 3, alarms=drifted, **settings)
    matched = [(fact.rule, fact.target) for fact in said if isinstance(fact, RuleMatched)]
    assert matched == [("ask", "retrain"), ("tell", "notify pager"), ("tell", "notify pager")]
    assert found.matched == ("ask",) and history.matched == {"ask": 3}
    assert len({note.message_id for note in found.notifications}) == 2
    event = json.loads(json.loads(found.notifications[0].body)["Message"])
    assert event["detail"]["state"]["reason"] == "it drifted"
    lasting, history, said = live(history, 4, **settings)
    assert lasting.matched == () and said == [] and history.matched == {"ask": 3}


def test_the_same_window_says_the_same_and_the_first_look_at_a_column_is_no_event() -> None:
    settings = {"rules": {"any": EventRule({"source": ["aws.cloudwatch"]}, "retrain")}}
    calm = {"data_quality:drift:age": "OK"}
    assert live(History(), 0, alarms=calm, **settings)[0].matched == ()
    drifted = {"data_quality:drift:age": "ALARM"}
    assert (
        live(History(), 0, alarms=drifted, **settings)[0] == live(History(), 0, alarms=drifted, **settings)[0]
    )
