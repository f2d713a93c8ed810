"""EventBridge: what a run did, as the events that AWS's services would have put on the bus.

An event's id is made of what it says, so that a rule that matched in the run and the same event shown
later bear one id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simlab.cloudwatch import ACCOUNT, REGION, alarm_arn, arn, compact, id_of, iso_millis, seconds
from simlab.cloudwatch.alarms import MetricAlarm
from simlab.cloudwatch.settings import METRIC, Settings, aws_name, is_own
from simlab.events import (
    AlarmChanged,
    Event,
    ModelApproved,
    ModelDeployed,
    ModelRegistered,
    ModelRejected,
    ModelTrained,
    MonitoringExecuted,
    RetrainFinished,
    RetrainPlanned,
    StageFailed,
    VersionRolledBack,
)
from simlab.wordings import VARIANT

ALARM_CHANGE = "CloudWatch Alarm State Change"
JOB_CHANGE = "SageMaker Processing Job State Change"
PACKAGE_CHANGE = "SageMaker Model Package State Change"
ENDPOINT_CHANGE = "SageMaker Endpoint State Change"
TRAINING_CHANGE = "SageMaker Training Job State Change"
PIPELINE_CHANGE = "SageMaker Model Building Pipeline Execution Status Change"

SAGEMAKER = "aws.sagemaker"


def event(
    detail_type: str, source: str, moment: datetime, resources: Sequence[str], detail: Mapping[str, Any]
) -> dict[str, Any]:
    """An event in EventBridge's envelope, keys in its order."""
    return {
        "version": "0",
        "id": id_of(source, detail_type, moment.isoformat(), compact(dict(detail))),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": f"{moment.isoformat(timespec='seconds')}Z",
        "region": REGION,
        "resources": list(resources),
        "detail": dict(detail),
    }


def alarm_change(
    alarm: str, state: str, previous: str, reason: str, moment: datetime, settings: Settings
) -> dict[str, Any]:
    """The event of an alarm that changed.

    Parameters
    ----------
    alarm
        Its name as facts have it: `metric:drift`.
    settings
        Where its configuration is looked up; an alarm of the monitors has none.
    """
    name = aws_name(alarm)
    detail = {
        "alarmName": name,
        "state": {"value": state, "reason": reason, "timestamp": f"{iso_millis(moment)}+0000"},
        "previousState": {"value": previous},
        "configuration": _configuration(alarm, settings),
    }
    return event(ALARM_CHANGE, "aws.cloudwatch", moment, [alarm_arn(name)], detail)


def _configuration(alarm: str, settings: Settings) -> dict[str, Any]:
    """What an alarm watches, as its event tells."""
    name = aws_name(alarm)
    if alarm.startswith(f"{METRIC}:") and name in settings.metric_alarms:
        told = settings.metric_alarms[name]
        return {**_description(told.alarm_description), "metrics": [_metric(alarm, told)]}
    if is_own(alarm) and name in settings.composite_alarms:
        composite = settings.composite_alarms[name]
        return {**_description(composite.alarm_description), "alarmRule": composite.alarm_rule}
    return {}


def _description(text: str) -> dict[str, str]:
    return {"description": text} if text else {}


def _metric(name: str, alarm: MetricAlarm) -> dict[str, Any]:
    metric = {
        "namespace": alarm.namespace,
        "name": alarm.metric_name,
        "dimensions": dict(alarm.dimensions),
    }
    stat = {"metric": metric, "period": alarm.period, "stat": alarm.statistic}
    if alarm.unit is not None:
        stat["unit"] = alarm.unit
    return {"id": id_of("metric", name), "metricStat": stat, "returnData": True}


def job_change(
    endpoint: str, schedule: str, status: str, message: str, scheduled: datetime, moment: datetime
) -> dict[str, Any]:
    """The event of a scheduled monitor's processing job that ended.

    Parameters
    ----------
    status
        SageMaker's MonitoringExecutionStatus; the job's own is Completed or Failed.
    scheduled
        When its schedule fired.
    moment
        When it ended.
    """
    own = id_of("job", endpoint, schedule, scheduled).replace("-", "")[:24]  # a name ends with no hyphen
    name = f"model-monitoring-{scheduled:%Y%m%d%H%M}-{own}"
    where = arn("sagemaker", f"processing-job/{name}")
    told = _times(CreationTime=scheduled, ProcessingStartTime=scheduled, ProcessingEndTime=moment)
    failed = status == "Failed"
    detail = {
        "ProcessingJobName": name,
        "ProcessingJobArn": where,
        "ProcessingJobStatus": "Failed" if failed else "Completed",
        **({"FailureReason": message} if failed else {"ExitMessage": message}),
        **told,
        "LastModifiedTime": told["ProcessingEndTime"],
        "MonitoringScheduleArn": arn("sagemaker", f"monitoring-schedule/{schedule}"),
    }
    return event(JOB_CHANGE, SAGEMAKER, moment, [where], detail)


def _times(**moments: datetime) -> dict[str, int]:
    """Moments as the details of jobs hold them: milliseconds since 1970."""
    return {key: int(seconds(moment) * 1000) for key, moment in moments.items()}


@dataclass
class _Told:
    """What a run told so far that a later event repeats."""

    group: str
    endpoint: str
    settings: Settings
    packages: dict[int, dict[str, Any]] = field(default_factory=dict)
    jobs: int = 0
    started: datetime | None = None
    """When the retrain that runs now began."""


def eventbridge(
    facts: Iterable[Event],
    *,
    group: str = "simlab",
    endpoint: str = "simlab-endpoint",
    settings: Settings | None = None,
) -> list[dict[str, Any]]:
    """A run's events, in the order in which they came.

    Parameters
    ----------
    facts
        What the run said.
    group
        The model package group; a run's is its scenario's name.
    endpoint
        The endpoint's name.
    settings
        What the scenario says of alarms, for their configuration.
    """
    told = _Told(group, endpoint, settings or Settings())
    return [found for fact in facts if fact.time for found in _events(fact, told)]


def _events(fact: Event, told: _Told) -> Iterator[dict[str, Any]]:
    moment = datetime.fromisoformat(fact.time)
    match fact:
        case AlarmChanged():
            yield alarm_change(fact.alarm, fact.state, fact.previous, fact.reason, moment, told.settings)
        case MonitoringExecuted():
            scheduled = datetime.fromisoformat(fact.scheduled)
            yield job_change(told.endpoint, fact.schedule, fact.status, fact.message, scheduled, moment)
        case ModelTrained():
            metrics = [
                {"MetricName": name, "Value": value, "Timestamp": int(seconds(moment) * 1000)}
                for name, value in fact.metrics.items()
                if value is not None
            ]
            values = {key: str(value) for key, value in fact.values.items()}
            yield _training(told, moment, "Completed", HyperParameters=values, FinalMetricDataList=metrics)
        case StageFailed(stage="train"):
            yield _training(told, moment, "Failed", FailureReason=f"AlgorithmError: {fact.why}")
        case ModelRegistered():
            yield _package(told, fact.version, moment, "PendingManualApproval", "")
        case ModelApproved():
            yield _package(told, fact.version, moment, "Approved", fact.why)
        case ModelRejected():
            yield _package(told, fact.version, moment, "Rejected", "; ".join(fact.reasons))
        case ModelDeployed() | VersionRolledBack():
            yield _endpoint(told, fact.version, moment)
        case RetrainPlanned():
            told.started = moment
            yield _pipeline(told, moment, "Executing", fact.reason)
        case RetrainFinished():
            yield _pipeline(told, moment, "Succeeded" if fact.replaced else "Failed", fact.why)
        case _:
            return


def _training(told: _Told, moment: datetime, status: str, **more: Any) -> dict[str, Any]:
    told.jobs += 1
    name = f"{told.group}-train-{told.jobs}"
    where = arn("sagemaker", f"training-job/{name}")
    detail = {
        "TrainingJobName": name,
        "TrainingJobArn": where,
        "TrainingJobStatus": status,
        "SecondaryStatus": status,
        **more,
        **_times(CreationTime=moment, TrainingEndTime=moment, LastModifiedTime=moment),
    }
    return event(TRAINING_CHANGE, SAGEMAKER, moment, [where], detail)


def _package(told: _Told, version: int, moment: datetime, approval: str, why: str) -> dict[str, Any]:
    where = arn("sagemaker", f"model-package/{told.group.lower()}/{version}")
    known = told.packages.setdefault(
        version,
        {
            "ModelPackageGroupName": told.group,
            "ModelPackageVersion": version,
            "ModelPackageArn": where,
            "CreationTime": f"{iso_millis(moment)}Z",
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
            "CertifyForMarketplace": False,
        },
    )
    detail = {**known, "ModelApprovalStatus": approval}
    if why:
        detail["ApprovalDescription"] = why
    detail["LastModifiedTime"] = f"{iso_millis(moment)}Z"
    return event(PACKAGE_CHANGE, SAGEMAKER, moment, [where], detail)


def _endpoint(told: _Told, version: int, moment: datetime) -> dict[str, Any]:
    where = arn("sagemaker", f"endpoint/{told.endpoint}")
    detail = {
        "EndpointName": told.endpoint,
        "EndpointArn": where,
        "EndpointConfigName": f"{told.endpoint}-v{version}",
        "ProductionVariants": [
            {
                "VariantName": VARIANT,
                "CurrentWeight": 1.0,
                "DesiredWeight": 1.0,
                "CurrentInstanceCount": 1,
                "DesiredInstanceCount": 1,
            }
        ],
        "EndpointStatus": "IN_SERVICE",
        **_times(CreationTime=moment, LastModifiedTime=moment),
    }
    return event(ENDPOINT_CHANGE, SAGEMAKER, moment, [where], detail)


def _pipeline(told: _Told, moment: datetime, status: str, why: str) -> dict[str, Any]:
    pipeline = arn("sagemaker", f"pipeline/{told.group.lower()}")
    started = told.started or moment
    execution = f"{pipeline}/execution/{id_of('execution', told.group, started)[:12]}"
    ended = {"executionEndTime": f"{iso_millis(moment)}Z"} if status != "Executing" else {}
    detail = {
        "pipelineExecutionDescription": why,
        "currentPipelineExecutionStatus": status,
        **({"previousPipelineExecutionStatus": "Executing"} if ended else {}),
        "executionStartTime": f"{iso_millis(started)}Z",
        **ended,
        "pipelineArn": pipeline,
        "pipelineExecutionArn": execution,
    }
    return event(PIPELINE_CHANGE, SAGEMAKER, moment, [pipeline, execution], detail)
