"""Outcomes: what a world came to, in one row of plain figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from simlab import events as e
from simlab.quality import DEFAULT_METRIC
from simlab.shapes import span
from simlab.views.runlength import mean_interval
from simlab.worlds import Lived


@dataclass(frozen=True)
class Interval:
    """A mean over worlds, and where it would lie for other seeds."""

    value: float | None
    """None where no world has such a figure."""
    low: float | None
    high: float | None
    """Bounds of its 95 % interval; None with fewer than two worlds."""
    n: int
    """Worlds that have such a figure."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"mean": self.value, "low": self.low, "high": self.high, "n": self.n}


def interval(values: Sequence[float | None]) -> Interval:
    """The mean of a figure over worlds in which it is defined, with its interval over seeds.

    >>> found = interval([1.0, None, 3.0])
    >>> found.value, found.n
    (2.0, 2)
    """
    known = [value for value in values if value is not None]
    return Interval(*mean_interval(known), n=len(known))


def onsets(events: Sequence[e.Event]) -> list[tuple[int, str]]:
    """Window and name of every alarm that began to sound, in order."""
    return [
        (f.window or 0, f.alarm) for f in events if isinstance(f, e.AlarmChanged) and f.state == "ALARM"
    ]


def hindsight(lived: Lived, metric: str | None = None) -> dict[int, float]:
    """A metric by window, judged with every true answer."""
    name = metric or DEFAULT_METRIC[lived.problem]
    found = {}
    for fact in lived.world:
        if isinstance(fact, e.HindsightMeasured) and fact.window is not None:
            value = fact.metrics.get(name)
            if value is not None:
                found[fact.window] = value
    return found


def figures(lived: Lived) -> dict[str, Any]:
    """One row of a sweep: how it ended, alarms, delays, retrains, quality in hindsight, seconds."""
    scenario = lived.scenario
    episodes = [
        found
        for i in scenario.inject
        if i.enabled and not i.expected and i.on != "training"
        if (found := span(i.shape, i.start, i.end, scenario.clock.windows)) is not None
    ]
    sounded = [window for window, _ in onsets(lived.events)]
    begins = min((first for first, _ in episodes), default=None)
    false = [w for w in sounded if begins is None or w < begins]
    after = [w for w in sounded if begins is not None and w >= begins]
    row: dict[str, Any] = {
        "status": lived.status,
        "exit": lived.exit,
        "held": lived.status == "held",
        "alarms": len(sounded),
        "alarms_before": len(false),
        "first_alarm": min(sounded, default=None),
        "delay": min(after) - begins if after and begins is not None else None,
        "retrains": sum(isinstance(f, e.RetrainFinished) and f.replaced for f in lived.events),
        "rows": _total(lived.events, "serve.rows"),
        "rejected": _total(lived.events, "validate.rejected"),
    }
    sums: dict[str, list[float]] = {}
    for fact in lived.world:
        if isinstance(fact, e.HindsightMeasured):
            for name, value in fact.metrics.items():
                if value is not None:
                    sums.setdefault(name, []).append(value)
    for name in sorted(sums):
        row[f"hindsight.{name}"] = e.figure(fsum(sums[name]) / len(sums[name]))
    row["seconds.build"], row["seconds.live"] = round(lived.build_seconds, 6), round(lived.live_seconds, 6)
    return row


def _total(events: Sequence[e.Event], metric: str) -> int:
    found = (f.value or 0 for f in events if isinstance(f, e.MetricMeasured) and f.metric == metric)
    return int(fsum(found))


def trace(lived: Lived) -> dict[str, Any]:
    """One row of a twin: the figures, and quality and alarms window by window."""
    return {
        **figures(lived),
        "by_window": {str(window): value for window, value in hindsight(lived).items()},
        "onsets": [list(onset) for onset in onsets(lived.events)],
    }


def points(lived: Lived) -> dict[str, Any]:
    """One row of a calibration: what each check said in each window, and in how many windows."""
    found: dict[str, list[list[float]]] = {}
    methods: dict[str, str] = {}
    for fact in lived.events:
        if isinstance(fact, e.FindingMade) and fact.window is not None and fact.value is not None:
            name = ":".join(part for part in (fact.monitor, fact.check, fact.column) if part)
            found.setdefault(name, []).append([fact.window, fact.value])
            methods[name] = fact.method
    return {"points": found, "methods": methods, "windows": lived.scenario.clock.windows}
