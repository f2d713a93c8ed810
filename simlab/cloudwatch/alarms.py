"""Metric alarms: PutMetricAlarm's keys, and how CloudWatch decides between OK, ALARM and INSUFFICIENT_DATA.

An alarm is evaluated once a window, at its end. It looks back over sliding periods, of which the newest
ends with the window; a datapoint published at that very moment belongs to it. As in CloudWatch it
retrieves more periods than EvaluationPeriods (the evaluation range) and treats a period as missing only
where too few of these hold data. By how many the service does not say; its examples have 5 for 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import ge, gt, le, lt
from typing import Annotated, Any, Literal, cast

from pydantic import ConfigDict, Field

from simlab.cloudwatch import compact
from simlab.cloudwatch.metrics import is_extended, problem_with, problem_with_period, same_metric, statistic
from simlab.events import figure
from simlab.watched import Published

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Comparison = Literal[
    "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"
]
Missing = Literal["missing", "ignore", "breaching", "notBreaching"]

BEYOND = 2
"""Periods of the evaluation range beyond EvaluationPeriods."""

LONGEST = 7 * 86400
"""Seconds that all evaluation periods of an alarm may last; PutMetricAlarm takes up to seven days."""

_BREACHES: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (ge, "greater than or equal to the threshold"),
    "GreaterThanThreshold": (gt, "greater than the threshold"),
    "LessThanThreshold": (lt, "less than the threshold"),
    "LessThanOrEqualToThreshold": (le, "less than or equal to the threshold"),
}


@dataclass(frozen=True)
class MetricAlarm:
    """An alarm over one metric, with the keys of PutMetricAlarm."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    namespace: str
    """Its namespace: `simlab/lifecycle`, `AWS/SageMaker`, or one that a monitor publishes to."""
    metric_name: str
    """Its name: `feature_baseline_drift_age`, `monitor.auc`, `Invocations`."""
    threshold: Annotated[float, Field(allow_inf_nan=False)]
    comparison_operator: Comparison
    dimensions: Mapping[str, str] = field(default_factory=dict)
    """Exactly the dimensions it is published with, as `simlab metrics` lists them."""
    statistic: str = "Average"
    """SampleCount, Average, Sum, Minimum or Maximum; or of ExtendedStatistic `p99`, `tm90`."""
    period: Annotated[int, Field(ge=1)] = 86400
    """Seconds. A metric that is published once a window wants the window's length."""
    evaluation_periods: Annotated[int, Field(ge=1)] = 1
    """N: how many of the newest periods are evaluated."""
    datapoints_to_alarm: Annotated[int, Field(ge=1)] | None = None
    """M: how many of them must breach; all of them when not said."""
    treat_missing_data: Missing = "missing"
    """What a period without data counts as where there are fewer than N with data."""
    unit: str | None = None
    """Only datapoints of this unit."""
    alarm_description: str = ""
    alarm_actions: tuple[str, ...] = ()
    """Topics that are told when it goes to ALARM."""
    ok_actions: tuple[str, ...] = ()
    """Topics that are told when it goes to OK."""
    insufficient_data_actions: tuple[str, ...] = ()
    """Topics that are told when it goes to INSUFFICIENT_DATA."""

    @property
    def needed(self) -> int:
        """M, said or not."""
        return self.datapoints_to_alarm or self.evaluation_periods

    @property
    def range_periods(self) -> int:
        """How many periods the evaluation range has."""
        return self.evaluation_periods + BEYOND

    @property
    def reach(self) -> timedelta:
        """How far back the evaluation range goes."""
        return timedelta(seconds=self.period) * self.range_periods

    def watches(self, told: Published) -> bool:
        """Whether a datapoint is of the metric it watches."""
        return same_metric(told.point, self.namespace, self.metric_name, self.dimensions, self.unit)


@dataclass(frozen=True)
class Slot:
    """One period of an evaluation range."""

    start: datetime
    value: float | None
    """None where the period holds no data."""
    count: float = 0


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation decided, and in AWS's words why."""

    state: State
    reason: str
    data: Mapping[str, Any]
    """StateReasonData."""


def problems_with(alarm: MetricAlarm) -> list[str]:
    """What is wrong with an alarm's settings beyond their types, one sentence each."""
    found = []
    if problem := problem_with(alarm.statistic):
        found.append(f".statistic: {problem}")
    if problem := problem_with_period(alarm.period):
        found.append(f".period: {problem}")
    if alarm.needed > alarm.evaluation_periods:
        found.append(
            f".datapoints_to_alarm: {alarm.needed} of {alarm.evaluation_periods} datapoints can never breach"
        )
    if alarm.period * alarm.evaluation_periods > LONGEST:
        found.append(
            f": {alarm.evaluation_periods} periods of {alarm.period} seconds are longer than the seven days "
            "that CloudWatch evaluates"
        )
    return found


def slots_of(alarm: MetricAlarm, store: Sequence[Published], now: datetime) -> tuple[Slot, ...]:
    """The periods of an alarm's evaluation range, oldest first; each is open at its start.

    Parameters
    ----------
    now
        End of the newest period. Nothing published later or before the range counts.
    """
    length, n = timedelta(seconds=alarm.period), alarm.range_periods
    groups: dict[int, list[Any]] = {}
    for told in store:
        if now - alarm.reach < told.time <= now and alarm.watches(told):
            groups.setdefault((now - told.time) // length, []).append(told.point)
    found = []
    for back in range(n - 1, -1, -1):
        points = groups.get(back, [])
        value = figure(statistic(points, alarm.statistic).value)
        count = sum(p.count for p in points)
        found.append(Slot(now - (back + 1) * length, value, count if value is not None else 0))
    return tuple(found)


def decide(
    points: Sequence[bool | None], *, needed: int, of: int, missing: Missing, previous: State
) -> tuple[State, int]:
    """The state of an alarm by its evaluation range, and how many missing points were filled in.

    With at least N real points the newest N of them count and missing ones do not. With fewer, all of them
    count and missing ones are filled in up to N as `missing` says. Where only breaching points are known,
    and the oldest of them is at least M points old, `missing` makes an alarm and `ignore` keeps the state;
    where they are more recent both keep it, so that no alarm is premature.

    Parameters
    ----------
    points
        Whether each point of the range breached, oldest first; None where it is missing.
    needed, of
        M of N.
    missing
        TreatMissingData.
    previous
        The state before.

    >>> decide([False, None, True, None, None], needed=2, of=3, missing="breaching", previous="OK")
    ('ALARM', 1)
    """
    real = [point for point in points if point is not None]
    filled = max(of - len(real), 0)
    if filled == 0:
        return ("ALARM" if sum(real[-of:]) >= needed else "OK"), 0
    if missing in ("breaching", "notBreaching"):
        breaching = sum(real) + (filled if missing == "breaching" else 0)
        return ("ALARM" if breaching >= needed else "OK"), filled
    if not real:
        return ("INSUFFICIENT_DATA" if missing == "missing" else previous), filled
    if sum(real) >= needed:
        return "ALARM", filled
    if not all(real):
        return "OK", filled
    age = len(points) - next(n for n, point in enumerate(points) if point is not None)
    return ("ALARM" if missing == "missing" and age >= needed else previous), filled


def evaluate(
    alarm: MetricAlarm, store: Sequence[Published], now: datetime, previous: State = "INSUFFICIENT_DATA"
) -> Evaluation:
    """Evaluate an alarm at a moment.

    Parameters
    ----------
    store
        What was published.
    now
        The moment; nothing later counts.
    previous
        Its state before.
    """
    slots = slots_of(alarm, store, now)
    breaches = _BREACHES[alarm.comparison_operator][0]
    points = [None if s.value is None else breaches(s.value, alarm.threshold) for s in slots]
    n = alarm.evaluation_periods
    state, filled = decide(
        points, needed=alarm.needed, of=n, missing=alarm.treat_missing_data, previous=previous
    )
    real = [slot for slot in slots if slot.value is not None][-n:]
    return Evaluation(state, _reason(alarm, real, state, previous, filled), _data(alarm, real, now))


def _reason(alarm: MetricAlarm, real: Sequence[Slot], state: State, previous: State, filled: int) -> str:
    """StateReason, as the service words it."""
    treated = {"breaching": "Breaching", "notBreaching": "NonBreaching"}.get(alarm.treat_missing_data)
    n = alarm.evaluation_periods
    if not real and treated is None:
        return f"Insufficient Data: {_counted(n, 'datapoint')} {_was(n)} unknown."
    if not real:
        return (
            f"Threshold Crossed: no datapoints were received for {_counted(n, 'period')} and "
            f"{_counted(filled, 'missing datapoint')} {_was(filled)} treated as [{treated}]."
        )
    breaches, words = _BREACHES[alarm.comparison_operator]
    breaching = [slot for slot in real if slot.value is not None and breaches(slot.value, alarm.threshold)]
    if state == "OK":
        shown, negated = [slot for slot in real if slot not in breaching] or list(real), "not "
    else:
        shown, negated = breaching or list(real), ""
    listed = ", ".join(f"{slot.value} ({slot.start:%d/%m/%y %H:%M:%S})" for slot in reversed(shown))
    counted = f"{len(shown)} out of the last {_counted(len(real), 'datapoint')} [{listed}]"
    text = f"Threshold Crossed: {counted} {_was(len(shown))} {negated}{words} ({float(alarm.threshold)})"
    if treated and filled:
        text += f" and {_counted(filled, 'missing datapoint')} {_was(filled)} treated as [{treated}]"
    if state != previous and state != "INSUFFICIENT_DATA" and previous != "INSUFFICIENT_DATA":
        least = alarm.needed if state == "ALARM" else n - alarm.needed + 1
        text += f" (minimum {_counted(least, 'datapoint')} for {previous} -> {state} transition)"
    return text + "."


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _data(alarm: MetricAlarm, real: Sequence[Slot], now: datetime) -> dict[str, Any]:
    """StateReasonData, as the service writes it."""
    body: dict[str, Any] = {"version": "1.0", "queryDate": _stamp(now)}
    if real:
        body["startDate"] = _stamp(real[0].start)
    if alarm.unit is not None:
        body["unit"] = alarm.unit
    body |= {
        "extendedStatistic" if is_extended(alarm.statistic) else "statistic": alarm.statistic,
        "period": alarm.period,
        "recentDatapoints": [slot.value for slot in real],
        "threshold": float(alarm.threshold),
    }
    if real:
        body["evaluatedDatapoints"] = [
            {"timestamp": _stamp(slot.start), "sampleCount": slot.count, "value": slot.value}
            for slot in reversed(real)
        ]
    return body


def _stamp(moment: datetime) -> str:
    """A moment as StateReasonData holds it."""
    return f"{moment.isoformat(timespec='milliseconds')}+0000"


def reason_data(evaluation: Evaluation) -> str:
    """StateReasonData as the text that DescribeAlarms gives."""
    return compact(dict(evaluation.data))


def state(given: str) -> State:
    """A state's name as a state; of an alarm that nobody evaluated yet, INSUFFICIENT_DATA.

    >>> state("OK"), state("")
    ('OK', 'INSUFFICIENT_DATA')
    """
    return cast(State, given) if given in ("OK", "ALARM") else "INSUFFICIENT_DATA"


def kept(alarms: Sequence[MetricAlarm], store: Sequence[Published], now: datetime) -> tuple[Published, ...]:
    """What of the store some alarm may still look at, at this moment or later."""
    return tuple(told for told in store if any(now - a.reach < told.time and a.watches(told) for a in alarms))
