"""Schedules: when a monitor runs on the simulated clock, and which rows it looks at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, WithJsonSchema

NAMES = {"hourly": "cron(0 * ? * * *)", "daily": "cron(0 0 ? * * *)"}
"""Short names of two expressions, as SageMaker's CronExpressionGenerator has them."""

_CRON = re.compile(r"cron\(0 (?:(?P<every>\*)|(?P<first>\d{1,2})(?:/(?P<step>\d{1,2}))?) \? \* \* \*\)")
_OFFSET = re.compile(r"-P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?")

LONGEST_NOW = timedelta(hours=24)
"""The longest period that an execution `NOW` may look at."""


def _expression(given: str) -> str:
    if given and given != "NOW":
        hours(given)
    return given


def _offset(given: str) -> str:
    duration(given)
    return given


Expression = Annotated[
    str,
    AfterValidator(_expression),
    WithJsonSchema({"type": "string", "pattern": r"^(|NOW|hourly|daily|cron\(0 .+ \? \* \* \*\))$"}),
]
Offset = Annotated[
    str, AfterValidator(_offset), WithJsonSchema({"type": "string", "pattern": r"^(|-P(\d+D)?(T.+)?)$"})
]


@dataclass(frozen=True)
class Schedule:
    """A monitor, when it runs, and which rows it looks at."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    monitor: str | dict[str, dict[str, Any]]
    """A monitor's name, or its name with its settings: `{model_bias: {facets: {sex: [Female]}}}`."""
    expression: Expression = ""
    """SageMaker's ScheduleExpression: `cron(0 * ? * * *)` or `hourly`, `cron(0 6 ? * * *)`, `daily`,
    `cron(0 0/6 ? * * *)`, or `NOW` for once. Left out, it runs at the end of every window."""
    start_time_offset: Offset = ""
    end_time_offset: Offset = ""
    """Move the period it looks at into the past, so that labels can arrive: `-P8D` and `-P1D`."""

    @property
    def kind(self) -> str:
        """The monitor's name."""
        return self.monitor if isinstance(self.monitor, str) else next(iter(self.monitor))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The monitor's settings, as written."""
        return {} if isinstance(self.monitor, str) else next(iter(self.monitor.values())) or {}


@dataclass(frozen=True)
class Firing:
    """One moment at which a schedule fires, and the period of which it looks at the rows."""

    moment: datetime
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Due:
    """An execution that is due: its schedule, its firing, and when it really runs."""

    schedule: str
    firing: Firing
    runs: datetime


def several(schedules: Mapping[str, Schedule]) -> frozenset[str]:
    """Schedules whose monitor has another one, so that its name does not tell which of them spoke.

    >>> sorted(several({"a": Schedule("data_quality"), "b": Schedule("data_quality", "daily")}))
    ['a', 'b']
    """
    kinds = [schedule.kind for schedule in schedules.values()]
    return frozenset(name for name, schedule in schedules.items() if kinds.count(schedule.kind) > 1)


def hours(expression: str) -> tuple[int, ...]:
    """The hours of the day at which an expression fires.

    Raises
    ------
    ValueError
        It is none of the forms that Model Monitor takes.

    >>> hours("cron(0 0/6 ? * * *)"), hours("cron(0 17 ? * * *)")
    ((0, 6, 12, 18), (17,))
    """
    found = _CRON.fullmatch(NAMES.get(expression, expression))
    first = int(found["first"]) if found and found["first"] else 0
    step = int(found["step"]) if found and found["step"] else 24
    if found is None or first > 23 or not 1 <= step <= 24:
        raise ValueError(
            f"{expression!r} is no schedule Model Monitor takes; right would be hourly, daily, "
            "cron(0 6 ? * * *), cron(0 0/6 ? * * *) with steps of 1 to 24 hours, or NOW"
        )
    return tuple(range(24)) if found["every"] else tuple(range(first, 24, step))


def duration(offset: str) -> timedelta:
    """How far back an offset reaches; it is a negative ISO 8601 duration of days, hours and minutes.

    Raises
    ------
    ValueError
        It is no such duration.

    >>> duration("-P8D"), duration("-PT1H30M"), duration("")
    (datetime.timedelta(days=8), datetime.timedelta(seconds=5400), datetime.timedelta(0))
    """
    if not offset:
        return timedelta(0)
    found = _OFFSET.fullmatch(offset)
    if found is None or not any(v is not None for v in found.groupdict().values()):
        raise ValueError(f"{offset!r} is no negative ISO 8601 duration, such as -P8D or -PT1H")
    return timedelta(**{unit: int(value or 0) for unit, value in found.groupdict().items()})


def _before(moment: datetime, allowed: tuple[int, ...]) -> datetime:
    """The last firing before a moment."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    if hour == moment:
        hour -= timedelta(hours=1)
    while hour.hour not in allowed:
        hour -= timedelta(hours=1)
    return hour


def firings(schedule: Schedule, start: datetime, end: datetime, first: bool) -> Iterator[Firing]:
    """When a schedule fires in a window, and what it looks at then.

    A window's end belongs to it and its beginning to the one before. As on AWS, an execution looks at the
    whole period since the schedule fired last, moved into the past by the offsets: from `moment -
    start_time_offset` until `moment - end_time_offset` where they are given.

    Parameters
    ----------
    start, end
        The window.
    first
        Whether it is the first window, in which `NOW` fires.

    >>> from datetime import datetime
    >>> night, day = datetime(2026, 1, 5), datetime(2026, 1, 6)
    >>> [f.moment.hour for f in firings(Schedule("data_quality", "cron(0 0/8 ? * * *)"), night, day, True)]
    [8, 16, 0]
    """
    begin, finish = duration(schedule.start_time_offset), duration(schedule.end_time_offset)
    if schedule.expression == "NOW":
        if first:
            length = begin or min(end - start, LONGEST_NOW)
            yield Firing(end, end - length, end - finish)
        return
    if not schedule.expression:
        moments = [(end, start)]
    else:
        allowed = hours(schedule.expression)
        moments = []
        at = end.replace(minute=0, second=0, microsecond=0)
        while at > start:
            if at.hour in allowed:
                moments.append((at, _before(at, allowed)))
            at -= timedelta(hours=1)
    for moment, previous in reversed(moments):
        yield Firing(moment, moment - begin if begin else previous - finish, moment - finish)


def problems_in(schedule: Schedule, step: timedelta) -> Iterator[str]:
    """Why a schedule could never look at a row, or why Model Monitor would not take it.

    Parameters
    ----------
    step
        Length of a window.

    >>> list(problems_in(Schedule("data_quality", "daily", "-P1D", "-P1D"), timedelta(days=1)))
    ['start_time_offset: -P1D is not before end_time_offset, -P1D, so no row is between them']
    """
    begin, finish = duration(schedule.start_time_offset), duration(schedule.end_time_offset)
    now = schedule.expression == "NOW"
    if begin and begin <= finish:
        yield (
            f"start_time_offset: {schedule.start_time_offset} is not before end_time_offset, "
            f"{schedule.end_time_offset}, so no row is between them"
        )
    elif now and not begin and finish >= min(step, LONGEST_NOW):
        yield "start_time_offset: it is missing; NOW looks back from there to end_time_offset"
    elif now and begin - finish > LONGEST_NOW:
        yield "start_time_offset: NOW looks at no more than 24 hours"


def reach(schedules: Iterable[Schedule], step: timedelta) -> int:
    """How many whole windows before the present one the schedules may look at.

    >>> reach([Schedule("data_quality", "daily")], timedelta(hours=6))
    4
    """
    furthest = timedelta(0)
    for schedule in schedules:
        begin, finish = duration(schedule.start_time_offset), duration(schedule.end_time_offset)
        if schedule.expression in ("", "NOW"):
            period = step if not schedule.expression else LONGEST_NOW
        else:
            allowed = sorted(hours(schedule.expression))
            gaps = [b - a for a, b in zip(allowed, [*allowed[1:], allowed[0] + 24], strict=True)]
            period = timedelta(hours=max(gaps))
        furthest = max(furthest, begin or period + finish)
    return -(-furthest // step) if furthest else 0
