"""SNS: the envelope of a notification, and what CloudWatch writes into it.

The envelope is that of an HTTP POST by SNS. It is not signed: there is no key that a receiver could check
it with, and `Signature` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from simlab.cloudwatch import ACCOUNT, REGION, REGION_NAME, alarm_arn, arn, compact, id_of, iso_millis
from simlab.cloudwatch.alarms import MetricAlarm
from simlab.cloudwatch.composite import CompositeAlarm
from simlab.cloudwatch.metrics import is_extended
from simlab.watched import Notification

UNSIGNED = "unsigned"
_STATISTICS = {"SampleCount": "SAMPLE_COUNT"}


def topic_arn(topic: str) -> str:
    """The ARN of a topic; a space, which AWS refuses in its name, is a hyphen there."""
    return arn("sns", topic.replace(" ", "-"))


def envelope(topic: str, subject: str, message: str, moment: datetime, number: int) -> dict[str, str]:
    """The body of SNS's HTTP POST, keys in its order.

    Parameters
    ----------
    subject
        Left out where it is empty, as EventBridge does.
    number
        Which notification of the moment it is: two of the same text are two.
    """
    where = topic_arn(topic)
    message_id = id_of("sns", where, iso_millis(moment), number, message)
    service = f"https://sns.{REGION}.amazonaws.com"
    return {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": where,
        **({"Subject": subject[:100]} if subject else {}),
        "Message": message,
        "Timestamp": f"{iso_millis(moment)}Z",
        "SignatureVersion": "1",
        "Signature": UNSIGNED,
        "SigningCertURL": f"{service}/SimpleNotificationService-{UNSIGNED}.pem",
        "UnsubscribeURL": f"{service}/?Action=Unsubscribe&SubscriptionArn={subscription_arn(topic)}",
    }


def subscription_arn(topic: str) -> str:
    """The ARN of a topic's one subscription."""
    return f"{topic_arn(topic)}:{id_of('subscription', topic)}"


def headers(topic: str, body: Mapping[str, str]) -> dict[str, str]:
    """The headers of SNS's HTTP POST."""
    return {
        "x-amz-sns-message-type": body["Type"],
        "x-amz-sns-message-id": body["MessageId"],
        "x-amz-sns-topic-arn": body["TopicArn"],
        "x-amz-sns-subscription-arn": subscription_arn(topic),
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
    }


def notification(
    topic: str, subject: str, message: Mapping[str, Any], moment: datetime, number: int
) -> Notification:
    """A notification ready to go: its envelope as one line."""
    body = envelope(topic, subject, compact(message), moment, number)
    return Notification(topic, subject[:100], body["MessageId"], compact(body))


def subject(name: str, state: str) -> str:
    """The subject of an alarm's notification.

    >>> subject("drift", "ALARM")
    'ALARM: "drift" in US East (N. Virginia)'
    """
    return f'{state}: "{name}" in {REGION_NAME}'


def alarm_message(
    name: str,
    alarm: MetricAlarm | CompositeAlarm,
    state: str,
    previous: str,
    reason: str,
    moment: datetime,
    sounding: Sequence[str] = (),
) -> dict[str, Any]:
    """What CloudWatch writes into a notification when an alarm changes, keys in its order.

    Parameters
    ----------
    sounding
        Of a composite alarm, those of its children that are in ALARM.
    """
    body: dict[str, Any] = {
        "AlarmName": name,
        "AlarmDescription": alarm.alarm_description or None,
        "AWSAccountId": ACCOUNT,
        "NewStateValue": state,
        "NewStateReason": reason,
        "StateChangeTime": f"{iso_millis(moment)}+0000",
        "Region": REGION_NAME,
        "AlarmArn": alarm_arn(name),
        "OldStateValue": previous,
        "OKActions": [topic_arn(topic) for topic in alarm.ok_actions],
        "AlarmActions": [topic_arn(topic) for topic in alarm.alarm_actions],
        "InsufficientDataActions": [topic_arn(topic) for topic in alarm.insufficient_data_actions],
    }
    if isinstance(alarm, MetricAlarm):
        return body | {"Trigger": _trigger(alarm)}
    children = [{"Arn": alarm_arn(child), "State": {"Value": "ALARM"}} for child in sounding]
    return body | {"AlarmRule": alarm.alarm_rule, "TriggeringChildren": children}


def _trigger(alarm: MetricAlarm) -> dict[str, Any]:
    """What the alarm watches."""
    if is_extended(alarm.statistic):
        statistic = {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": alarm.statistic}
    else:
        name = _STATISTICS.get(alarm.statistic, alarm.statistic.upper())
        statistic = {"StatisticType": "Statistic", "Statistic": name}
    return {
        "MetricName": alarm.metric_name,
        "Namespace": alarm.namespace,
        **statistic,
        "Unit": alarm.unit,
        "Dimensions": [{"value": value, "name": key} for key, value in alarm.dimensions.items()],
        "Period": alarm.period,
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.needed,
        "ComparisonOperator": alarm.comparison_operator,
        "Threshold": float(alarm.threshold),
        "TreatMissingData": alarm.treat_missing_data,
        "EvaluateLowSampleCountPercentile": "",
    }
