"""SNS's envelope and EventBridge's events have AWS's keys in AWS's order."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from simlab import events as e
from simlab.cloudwatch import compact, id_of
from simlab.cloudwatch.alarms import MetricAlarm
from simlab.cloudwatch.composite import CompositeAlarm
from simlab.cloudwatch.events import ENDPOINT_CHANGE, alarm_change, eventbridge, job_change
from simlab.cloudwatch.patterns import matches
from simlab.cloudwatch.settings import Settings
from simlab.cloudwatch.sns import alarm_message, envelope, headers, notification, subject

NOW = datetime(2026, 1, 8)
ALARM = MetricAlarm(
    namespace="simlab/lifecycle",
    metric_name="monitor.auc",
    dimensions={"Endpoint": "simlab-endpoint"},
    threshold=0.7,
    comparison_operator="LessThanThreshold",
    alarm_actions=("pager",),
)
GOLDEN_MESSAGE = """\
{"AlarmName":"quality","AlarmDescription":null,"AWSAccountId":"000000000000","NewStateValue":"ALARM",\
"NewStateReason":"why","StateChangeTime":"2026-01-08T00:00:00.000+0000","Region":"US East (N. Virginia)",\
"AlarmArn":"arn:aws:cloudwatch:us-east-1:000000000000:alarm:quality","OldStateValue":"OK","OKActions":[],\
"AlarmActions":["arn:aws:sns:us-east-1:000000000000:pager"],"InsufficientDataActions":[],\
"Trigger":{"MetricName":"monitor.auc","Namespace":"simlab/lifecycle","StatisticType":"Statistic",\
"Statistic":"AVERAGE","Unit":null,"Dimensions":[{"value":"simlab-endpoint","name":"Endpoint"}],"Period":86400,\
"EvaluationPeriods":1,"DatapointsToAlarm":1,"ComparisonOperator":"LessThanThreshold","Threshold":0.7,\
"TreatMissingData":"missing","EvaluateLowSampleCountPercentile":""}}"""
GOLDEN_EVENT = """\
{"version":"0","id":"ID","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch",\
"account":"000000000000","time":"2026-01-08T00:00:00Z","region":"us-east-1",\
"resources":["arn:aws:cloudwatch:us-east-1:000000000000:alarm:quality"],"detail":{"alarmName":"quality",\
"state":{"value":"ALARM","reason":"why","timestamp":"2026-01-08T00:00:00.000+0000"},\
"previousState":{"value":"OK"},"configuration":{"metrics":[{"id":"METRIC","metricStat":{"metric":\
{"namespace":"simlab/lifecycle","name":"monitor.auc","dimensions":{"Endpoint":"simlab-endpoint"}},\
"period":86400,"stat":"Average"},"returnData":true}]}}}"""


def test_the_message_of_a_metric_alarm_is_golden() -> None:
    assert compact(alarm_message("quality", ALARM, "ALARM", "OK", "why", NOW)) == GOLDEN_MESSAGE


def test_an_extended_statistic_and_a_composite_alarm_are_told_apart() -> None:
    extended = alarm_message("q", replace(ALARM, statistic="p99"), "OK", "ALARM", "", NOW)["Trigger"]
    assert (extended["StatisticType"], extended["ExtendedStatistic"]) == ("ExtendedStatistic", "p99")
    assert "Statistic" not in extended
    both = CompositeAlarm("ALARM(a) OR ALARM(b)", alarm_description="either")
    told = alarm_message("both", both, "ALARM", "OK", "", NOW, ["b"])
    assert "Trigger" not in told and told["AlarmRule"] == "ALARM(a) OR ALARM(b)"
    assert [child["Arn"].rpartition(":")[2] for child in told["TriggeringChildren"]] == ["b"]


def test_the_envelope_is_that_of_an_http_post_and_unsigned() -> None:
    body = envelope("pager", subject("quality", "ALARM"), "text", NOW, 0)
    assert list(body) == [
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature",
        "SigningCertURL", "UnsubscribeURL",
    ]  # fmt: skip
    assert body["Subject"] == 'ALARM: "quality" in US East (N. Virginia)'
    assert (body["Type"], body["Timestamp"]) == ("Notification", "2026-01-08T00:00:00.000Z")
    assert body["Signature"] == "unsigned"
    assert headers("pager", body)["x-amz-sns-message-id"] == body["MessageId"]
    assert "Subject" not in envelope("pager", "", "text", NOW, 0)  # as EventBridge publishes


def test_ids_are_made_of_what_they_name() -> None:
    ids = {envelope("pager", "", "text", NOW, number)["MessageId"] for number in (0, 1)}
    assert len(ids) == 2
    assert envelope("pager", "", "text", NOW, 0) == envelope("pager", "", "text", NOW, 0)
    assert id_of("a", "b") != id_of("a b")
    note = notification("pager", "x" * 200, {"a": 1}, NOW, 0)
    assert len(note.subject) == 100 and json.loads(json.loads(note.body)["Message"]) == {"a": 1}


def test_the_event_of_an_alarm_is_golden() -> None:
    told = alarm_change("metric:quality", "ALARM", "OK", "why", NOW, Settings({"quality": ALARM}))
    told["id"], told["detail"]["configuration"]["metrics"][0]["id"] = "ID", "METRIC"
    assert compact(told) == GOLDEN_EVENT


def test_configurations_of_the_other_alarms() -> None:
    settings = Settings(composite_alarms={"both": CompositeAlarm("TRUE", alarm_description="d")})

    def of(name: str) -> Any:
        return alarm_change(name, "OK", "ALARM", "", NOW, settings)["detail"]["configuration"]

    assert of("composite:both") == {"description": "d", "alarmRule": "TRUE"}
    assert of("data_quality:drift:x") == {}


def fact(kind: type[e.Event], **more: Any) -> e.Event:
    return kind(**more).placed(2, "2026-01-08T00:00:00")


FACTS = [
    fact(e.ModelTrained, algorithm="linear", rows=9, values={"eta": 0.1}, metrics={"auc": 0.8, "f1": None}),
    fact(e.ModelRegistered, version=1, artifact="a", algorithm="linear"),
    fact(e.ModelApproved, version=1, why="good"),
    fact(e.ModelRejected, version=1, reasons=("bad", "worse")),
    fact(e.ModelDeployed, version=1, onnx="o", bytes=3),
    fact(e.StageFailed, stage="train", why="no"),
    fact(e.StageFailed, stage="deploy", why="no"),
    fact(e.AlarmChanged, alarm="metric:quality", state="ALARM", previous="OK", reason="why"),
    fact(e.RetrainPlanned, policy="p", reason="r", windows=(1,), include_training=True),
    fact(e.RetrainFinished, version=2, replaced=True, why="w"),
]


def test_a_runs_facts_are_the_services_events() -> None:
    found = eventbridge(FACTS, group="Income", settings=Settings({"quality": ALARM}))
    assert [(one["detail-type"].removeprefix("SageMaker "), one["source"]) for one in found] == [
        ("Training Job State Change", "aws.sagemaker"),
        ("Model Package State Change", "aws.sagemaker"),
        ("Model Package State Change", "aws.sagemaker"),
        ("Model Package State Change", "aws.sagemaker"),
        ("Endpoint State Change", "aws.sagemaker"),
        ("Training Job State Change", "aws.sagemaker"),
        ("CloudWatch Alarm State Change", "aws.cloudwatch"),
        ("Model Building Pipeline Execution Status Change", "aws.sagemaker"),
        ("Model Building Pipeline Execution Status Change", "aws.sagemaker"),
    ]
    assert all(
        list(one)
        == ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"]
        for one in found
    )
    assert len({one["id"] for one in found}) == len(found)
    trained = found[0]["detail"]
    assert trained["HyperParameters"] == {"eta": "0.1"} and len(trained["FinalMetricDataList"]) == 1
    assert trained["CreationTime"] == 1767830400000  # milliseconds, as in the service's events of jobs
    assert [one["detail"]["ModelApprovalStatus"] for one in found[1:4]] == [
        "PendingManualApproval",
        "Approved",
        "Rejected",
    ]
    assert found[1]["resources"] == ["arn:aws:sagemaker:us-east-1:000000000000:model-package/income/1"]
    assert found[4]["detail"]["EndpointStatus"] == "IN_SERVICE"
    assert found[5]["detail"]["FailureReason"] == "AlgorithmError: no"
    assert found[8]["detail"]["currentPipelineExecutionStatus"] == "Succeeded"
    assert found[7]["detail"]["pipelineExecutionArn"] == found[8]["detail"]["pipelineExecutionArn"]
    contract = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Model Package State Change"],
                "detail": {"ModelPackageGroupName": ["Income"], "ModelApprovalStatus": ["Approved"]}}  # fmt: skip
    assert [one["id"] for one in found if matches(contract, one)] == [found[2]["id"]]


def test_the_job_of_a_scheduled_monitor_ends_with_its_message_or_fails() -> None:
    done = job_change("e", "s", "CompletedWithViolations", "with 2", datetime(2026, 1, 7, 6), NOW)["detail"]
    assert (done["ProcessingJobStatus"], done["ExitMessage"]) == ("Completed", "with 2")
    assert done["MonitoringScheduleArn"].endswith(":monitoring-schedule/s")
    failed = job_change("e", "s", "Failed", "no data", datetime(2026, 1, 7, 6), NOW)["detail"]
    assert failed["FailureReason"] == "no data" and "ExitMessage" not in failed


def test_a_rollback_changes_the_endpoint_and_a_jobs_name_ends_in_no_hyphen() -> None:
    back = e.VersionRolledBack(window=4, version=1, replaced=2, why="worse", time="2026-01-05T00:00:00")
    (told,) = eventbridge([back])
    assert told["detail-type"] == ENDPOINT_CHANGE
    assert told["detail"]["EndpointConfigName"] == "simlab-endpoint-v1"
    for hours in range(30):
        at = datetime(2026, 1, 5) + timedelta(hours=hours)
        name = job_change("e", "s", "Completed", "", at, at)["detail"]["ProcessingJobName"]
        assert name[-1] != "-" and len(name) <= 63
