"""The metric store: every figure of a run under one name, as a fold over its facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from simlab.events import Event, MetricMeasured, StageFinished, figure

Statistic = Literal["average", "minimum", "maximum", "sum", "sample_count"]


@dataclass(frozen=True)
class Point:
    """One figure of a metric."""

    window: int | None
    """Window during which it became known; None before the first."""
    of_window: int | None
    """Window it speaks about; None where it speaks about no window of traffic."""
    value: float | None
    """None where it is undefined."""
    low: float | None = None
    high: float | None = None
    """Bounds of its 95 % interval, where one was computed."""
    rows: int | None = None
    """Rows behind it, where they were counted."""

    @property
    def about(self) -> int | None:
        """The window it speaks about, or else the one in which it became known."""
        return self.window if self.of_window is None else self.of_window


def series(events: Iterable[Event]) -> dict[str, tuple[Point, ...]]:
    """Every metric with its points in the order in which they became known, by name.

    A stage's metrics are named after it (`tune.score`). Where the stage also measured one of them
    by a fact of its own, which may hold an interval, that fact is the point.

    >>> series([MetricMeasured(window=3, metric="serve.rows", value=1000, of_window=3)])["serve.rows"]
    (Point(window=3, of_window=3, value=1000.0, low=None, high=None, rows=None),)
    """
    found: dict[str, list[Point]] = {}
    said: set[str] = set()  # names measured since the last stage finished: one stage call is one transaction
    for event in events:
        if isinstance(event, MetricMeasured):
            point = Point(event.window, event.of_window, event.value, event.low, event.high, event.rows)
            found.setdefault(event.metric, []).append(point)
            said.add(event.metric)
        elif isinstance(event, StageFinished):
            for key, value in event.metrics.items():
                name = key if key.startswith(f"{event.stage}.") else f"{event.stage}.{key}"
                if name not in said:
                    found.setdefault(name, []).append(Point(event.window, None, value))
            said.clear()
    return {name: tuple(points) for name, points in sorted(found.items())}


def latest(events: Iterable[Event]) -> dict[str, float]:
    """The newest defined value of every metric, by name.

    >>> latest([MetricMeasured(window=w, metric="serve.rows", value=10 * w) for w in (1, 2)])
    {'serve.rows': 20.0}
    """
    found = {}
    for name, points in series(events).items():
        known = [point.value for point in points if point.value is not None]
        if known:
            found[name] = known[-1]
    return found


def statistic(
    points: Sequence[Point], name: Statistic, first: int | None = None, last: int | None = None
) -> float | None:
    """A statistic of a metric over the windows it speaks about, both ends included.

    Undefined values are left out. Undefined, and therefore None, when no value is left; the
    `sample_count` of nothing is 0.

    >>> statistic([Point(0, 0, 1.0), Point(1, 1, 3.0), Point(2, 2, 8.0)], "average", last=1)
    2.0
    """
    values = [
        point.value
        for point in points
        if point.value is not None
        and (first is None or (point.about is not None and point.about >= first))
        and (last is None or (point.about is not None and point.about <= last))
    ]
    if name == "sample_count":
        return float(len(values))
    if not values:
        return None
    if name == "minimum":
        return min(values)
    if name == "maximum":
        return max(values)
    return figure(sum(values) / len(values) if name == "average" else sum(values))
