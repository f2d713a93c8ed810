"""Questions to the metric store: GetMetricStatistics and ListMetrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from simlab.cloudwatch.metrics import is_extended, problem_with_period, same_metric, statistic
from simlab.errors import UsageError, did_you_mean
from simlab.watched import Datapoint, Published

MOST = 1440
"""Datapoints that one request may ask for."""


def rounded_start(start: datetime, period: int, now: datetime) -> datetime:
    """A start time as CloudWatch rounds it: the older, the coarser.

    Down to the whole minute within the last 15 days, to 5 minutes within 63 days, to the hour before
    that; to the period itself where that is under a minute.

    >>> moment = datetime(2026, 1, 5, 12, 32, 34)
    >>> rounded_start(moment, 60, moment + timedelta(days=20)).isoformat()
    '2026-01-05T12:30:00'
    """
    age = now - start
    grain = 60 if age < timedelta(days=15) else 300 if age <= timedelta(days=63) else 3600
    if period < 60:
        grain = period
    since = (start - datetime(1970, 1, 1)) // timedelta(seconds=1)
    return datetime(1970, 1, 1) + timedelta(seconds=since - since % grain)


def get_metric_statistics(
    store: Iterable[Published],
    *,
    namespace: str,
    metric: str,
    dimensions: Mapping[str, str],
    start: datetime,
    end: datetime,
    period: int,
    statistics: Sequence[str],
    unit: str | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """GetMetricStatistics: datapoints per period, oldest first; periods without data are left out.

    Parameters
    ----------
    store
        What was published.
    namespace, metric, dimensions
        The metric. Dimensions must be exactly those it was published with.
    start, end
        From `start`, which is rounded down, to before `end`.
    period
        Seconds: 1, 5, 10, 20, 30 or a multiple of 60.
    statistics
        `Average`, `p99` and others. One that is undefined in a period is None there, and the reason
        stands under `Undefined`.
    unit
        Only datapoints of this unit.
    now
        When the request is made, which decides how `start` is rounded; `end` when not said.

    Returns
    -------
    dict
        `Label` and `Datapoints`, as in AWS's answer; timestamps are datetimes. Unlike the service's the
        datapoints are in order.

    Raises
    ------
    UsageError
        The period, a statistic or the number of datapoints is none that CloudWatch takes.
    """
    if problem := problem_with_period(period):
        raise UsageError(problem)
    if end <= start:
        raise UsageError(f"the end {end} is not after the start {start}")
    if not statistics:
        raise UsageError("name at least one statistic: Average, Sum, p99 …")
    first, length = rounded_start(start, period, now or end), timedelta(seconds=period)
    if (end - first) / length > MOST:
        raise UsageError(
            f"{ceil((end - first) / length)} datapoints are more than the {MOST} that one request may ask "
            "for; take a longer period"
        )
    groups: dict[int, list[Datapoint]] = {}
    for told in store:
        if first <= told.time < end and same_metric(told.point, namespace, metric, dimensions, unit):
            groups.setdefault((told.time - first) // length, []).append(told.point)
    return {
        "Label": metric,
        "Datapoints": [_row(first + n * length, groups[n], statistics) for n in sorted(groups)],
    }


def _row(moment: datetime, points: Sequence[Datapoint], statistics: Sequence[str]) -> dict[str, Any]:
    """One of AWS's Datapoints; the reason of every undefined statistic stands beside it."""
    row: dict[str, Any] = {"Timestamp": moment}
    extended: dict[str, float | None] = {}
    undefined: dict[str, str] = {}
    for name in statistics:
        found = statistic(points, name)
        if is_extended(name):
            extended[name] = found.value
        else:
            row[name] = found.value
        if found.value is None:
            undefined[name] = found.why
    row["Unit"] = points[0].unit
    if extended:
        row["ExtendedStatistics"] = extended
    if undefined:
        row["Undefined"] = undefined
    return row


def list_metrics(store: Iterable[Published]) -> list[dict[str, Any]]:
    """ListMetrics: every metric that was published, by namespace, name and dimensions."""
    found = {
        (told.point.namespace, told.point.metric, tuple(told.point.dimensions.items())) for told in store
    }
    return [
        {
            "Namespace": space,
            "MetricName": name,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
        }
        for space, name, dimensions in sorted(found)
    ]


def find_metric(
    store: Iterable[Published], metric: str, namespace: str | None, dimensions: Mapping[str, str] | None
) -> tuple[str, Mapping[str, str]]:
    """The namespace and the dimensions of a metric, where what was said of it means exactly one.

    Parameters
    ----------
    metric
        Its name.
    namespace, dimensions
        None where they were not said.

    Raises
    ------
    UsageError
        No metric or several are meant; the message says which there are.
    """
    known = {
        (told.point.namespace, told.point.metric, tuple(sorted(told.point.dimensions.items())))
        for told in store
    }
    named = [key for key in sorted(known) if key[1] == metric]
    if not named:
        names = {name for space, name, _ in known if namespace in (None, space)}
        raise UsageError(f"no metric called {metric!r} was published{did_you_mean(metric, names)}")
    wanted = None if dimensions is None else tuple(sorted(dimensions.items()))
    meant = [key for key in named if namespace in (None, key[0]) and wanted in (None, key[2])]
    if len(meant) != 1:
        shown = "\n".join(
            f"  --namespace {space}" + "".join(f" --dimension {key}={value}" for key, value in dims)
            for space, _, dims in meant or named
        )
        what = "several metrics have" if meant else "no metric with these dimensions has"
        raise UsageError(f"{what} the name {metric!r}; there are\n{shown}")
    return meant[0][0], dict(meant[0][2])
