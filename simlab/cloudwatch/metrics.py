"""The metric store: datapoints at simulated times, and their statistics.

A datapoint bears the moment at which it was published: the end of the window in which it became known,
or, of a scheduled monitor, the moment for which the execution was scheduled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor, fsum
from typing import Any

from simlab.errors import UsageError, did_you_mean
from simlab.events import Event, MetricMeasured, MetricsPublished, MonitoringExecuted, figure
from simlab.watched import Datapoint, Published
from simlab.wordings import VARIANT

LIFECYCLE = "simlab/lifecycle"
"""Namespace of what simlab measures itself: `monitor.auc`, `evaluate.log_loss`."""

SAGEMAKER = "AWS/SageMaker"
"""Namespace of the endpoint's own metrics."""

STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")

UNITS = (
    *("Seconds", "Microseconds", "Milliseconds"),
    *(f"{size}{what}" for what in ("ytes", "its") for size in ("B", "Kilob", "Megab", "Gigab", "Terab")),
    *("Percent", "Count"),
    *(
        f"{size}{what}/Second"
        for what in ("ytes", "its")
        for size in ("B", "Kilob", "Megab", "Gigab", "Terab")
    ),
    *("Count/Second", "None"),
)
"""CloudWatch's StandardUnit."""

_EXTENDED = re.compile(r"(p|tm)(\d{1,2}(?:\.\d{1,10})?|100(?:\.0+)?)")

NO_RAW = (
    "the values behind a statistic set are not kept: a percentile needs a SampleCount of 1, or a Minimum "
    "that equals the Maximum"
)
NEGATIVE = "there are no percentiles of a metric with negative values"


@dataclass(frozen=True)
class Statistic:
    """One statistic over one period."""

    value: float | None
    why: str = ""
    """Why it is undefined; empty where it is not."""


def endpoint_metrics(endpoint: str, rows: int) -> Datapoint:
    """The endpoint's `Invocations` of one window: one per row that was answered."""
    dimensions = {"EndpointName": endpoint, "VariantName": VARIANT}
    return Datapoint(SAGEMAKER, "Invocations", dimensions, float(rows), float(rows), 1.0, 1.0, "Count")


def lifecycle_metric(endpoint: str, metric: str, value: float) -> Datapoint:
    """A figure that simlab measured, as a datapoint of its own namespace."""
    return Datapoint.of(LIFECYCLE, metric, {"Endpoint": endpoint}, value)


def rounded(point: Datapoint) -> Datapoint | None:
    """A datapoint with figures of six digits, as facts keep them; None where one is undefined."""
    found = [figure(value) for value in (point.count, point.total, point.minimum, point.maximum)]
    if any(value is None for value in found):
        return None
    count, total, minimum, maximum = (value for value in found if value is not None)
    return Datapoint(
        point.namespace, point.metric, dict(point.dimensions), count, total, minimum, maximum, point.unit
    )


def published(events: Iterable[Event], endpoint: str = "simlab-endpoint") -> tuple[Published, ...]:
    """Every datapoint of a run, in the order in which they were published.

    Of a metric that was measured for several windows at one moment the newest counts, as in an alarm.

    Parameters
    ----------
    endpoint
        Name of the endpoint, for the dimensions of what simlab measures itself.

    >>> fact = MetricMeasured(window=0, time="2026-01-06T00:00:00", metric="serve.rows", value=150)
    >>> [found.point.metric for found in published([fact])]
    ['Invocations', 'serve.rows']
    """
    found: list[Published] = []
    at: dict[tuple[str, str], int] = {}
    scheduled: dict[str, datetime] = {}
    for fact in events:
        if isinstance(fact, MonitoringExecuted):
            scheduled[fact.schedule] = datetime.fromisoformat(fact.scheduled)
        elif isinstance(fact, MetricsPublished):
            moment = scheduled.get(fact.dimensions.get("MonitoringSchedule", ""))
            moment = moment or datetime.fromisoformat(fact.time)
            for name, (count, total, least, most) in fact.values.items():
                if count is None or total is None or least is None or most is None:
                    continue
                dimensions = dict(fact.dimensions)
                point = Datapoint(fact.namespace, name, dimensions, count, total, least, most, fact.unit)
                found.append(Published(moment, point))
        elif isinstance(fact, MetricMeasured) and fact.value is not None and fact.time:
            moment = datetime.fromisoformat(fact.time)
            if fact.metric == "serve.rows" and fact.value:
                found.append(Published(moment, endpoint_metrics(endpoint, int(fact.value))))
            told = Published(moment, lifecycle_metric(endpoint, fact.metric, fact.value))
            known = at.setdefault((fact.metric, fact.time), len(found))
            if known < len(found):
                found[known] = told
            else:
                found.append(told)
    return tuple(found)


def is_extended(name: str) -> bool:
    """Whether a statistic is one of ExtendedStatistics: `p99`, `p95.45`, `tm90`.

    >>> is_extended("p99.9"), is_extended("tm90"), is_extended("Average"), is_extended("p101")
    (True, True, False, False)
    """
    return bool(_EXTENDED.fullmatch(name))


def problem_with(name: str) -> str:
    """What is wrong with the name of a statistic; empty where nothing is.

    >>> problem_with("average")
    "no statistic called 'average'; did you mean 'Average'?"
    """
    if name in STATISTICS or is_extended(name):
        return ""
    return f"no statistic called {name!r}{did_you_mean(name, (*STATISTICS, 'p99', 'tm90'))}"


def statistic(points: Sequence[Datapoint], name: str) -> Statistic:
    """One statistic over the datapoints of one period.

    `pNN` is the nearest rank: the least value that at least NN % of the values do not exceed. `tmNN` is
    the mean without the greatest (100 - NN) %, rounded down to whole values. CloudWatch documents
    neither its interpolation nor its rounding.

    Raises
    ------
    UsageError
        There is no such statistic.

    >>> def of(value): return Datapoint.of("n", "m", {}, value)
    >>> statistic([of(1.0), of(3.0)], "Average").value, statistic([of(1.0), of(3.0)], "p50").value
    (2.0, 1.0)
    """
    if problem := problem_with(name):
        raise UsageError(problem)
    if not points:
        return Statistic(None, "no datapoint was published in the period")
    if name == "SampleCount":
        return Statistic(fsum(p.count for p in points))
    if name == "Sum":
        return Statistic(figure(fsum(p.total for p in points)))
    if name == "Minimum":
        return Statistic(min(p.minimum for p in points))
    if name == "Maximum":
        return Statistic(max(p.maximum for p in points))
    if name == "Average":
        count = fsum(p.count for p in points)
        if not count:
            return Statistic(None, "the datapoints hold no value")
        return Statistic(figure(fsum(p.total for p in points) / count))
    return _extended(points, name)


def _extended(points: Sequence[Datapoint], name: str) -> Statistic:
    """A percentile or a trimmed mean, where the single values are known."""
    if any(p.count != 1 and p.minimum != p.maximum for p in points):
        return Statistic(None, NO_RAW)
    if any(p.minimum < 0 for p in points):
        return Statistic(None, NEGATIVE)
    values = sorted((p.minimum, p.count) for p in points)
    count = fsum(weight for _, weight in values)
    found = _EXTENDED.fullmatch(name)
    assert found is not None  # the name was checked
    share = float(found[2]) / 100
    if found[1] == "p":
        wanted, passed = max(ceil(round(share * count, 9)), 1), 0.0
        for value, weight in values:
            passed += weight
            if passed >= wanted:
                return Statistic(value)
        return Statistic(values[-1][0])
    left = kept = count - floor(round((1 - share) * count, 9))
    if not kept:
        return Statistic(None, "nothing is left after trimming")
    total = []
    for value, weight in values:
        taken = min(weight, left)
        total.append(value * taken)
        left -= taken
    return Statistic(figure(fsum(total) / kept))


def same_metric(
    point: Datapoint, namespace: str, metric: str, dimensions: Mapping[str, str], unit: str | None = None
) -> bool:
    """Whether a datapoint is of a metric: namespace, name and every dimension, no more and no less."""
    return (
        point.namespace == namespace
        and point.metric == metric
        and dict(point.dimensions) == dict(dimensions)
        and unit in (None, point.unit)
    )


def problem_with_period(period: int) -> str:
    """What is wrong with a period in seconds; empty where nothing is."""
    if period in (1, 5, 10, 20, 30) or (period > 0 and period % 60 == 0):
        return ""
    return f"a period of {period} seconds is none: 1, 5, 10, 20, 30 or a multiple of 60 is right"


def latest(store: Iterable[Published]) -> list[Published]:
    """The newest datapoint of every metric, by namespace, name and dimensions."""
    found: dict[tuple[Any, ...], Published] = {}
    for told in store:
        point = told.point
        key = (point.namespace, point.metric, tuple(sorted(point.dimensions.items())))
        if key not in found or told.time >= found[key].time:
            found[key] = told
    return [found[key] for key in sorted(found)]
