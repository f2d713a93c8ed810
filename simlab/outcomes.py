"""Outcomes: what a world came to, in one row of plain figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from simlab import events as e
from simlab.episodes import episodes
from simlab.errors import ScenarioInvalid, UsageError
from simlab.quality import DEFAULT_METRIC
from simlab.scoring import card_of
from simlab.views.runlength import mean_interval
from simlab.views.scorecard import OVERALL
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
    return [(f.window or 0, f.alarm) for f in events if isinstance(f, e.AlarmChanged) and f.state == "ALARM"]


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
    """One row of a sweep: how it ended, alarms against the truth, retrains, cost, quality, seconds."""
    sounded = [window for window, _ in onsets(lived.events)]
    row: dict[str, Any] = {
        "status": lived.status,
        "exit": lived.exit,
        "held": lived.status == "held",
        "why": lived.why if lived.status in ("gate", "failed") else None,
        "alarms": len(sounded),
        "first_alarm": min(sounded, default=None),
        "retrains": sum(isinstance(f, e.RetrainFinished) and f.replaced for f in lived.events),
        "rows": _total(lived.events, "serve.rows"),
        "rejected": _total(lived.events, "validate.rejected"),
        **_score(lived),
        **_run_lengths(lived, sounded),
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


def _score(lived: Lived) -> dict[str, Any]:
    """Alarms held against the truth, all monitors together; None each where there is no truth."""
    names = ("recall", "precision", "f1", "delay", "restricted_delay", "false_alarms", "benign_alarms")
    try:
        card = card_of(lived.scenario, lived.events, lived.world, rivals=False)
    except (UsageError, ScenarioInvalid):
        card = None
    overall = card.monitor(OVERALL) if card is not None else None
    found: dict[str, Any] = {n: None if overall is None else getattr(overall.figures, n) for n in names}
    found["missed"] = None if overall is None else overall.figures.missed
    found["false_alarm_rate"] = None if overall is None else overall.figures.false_alarm_rate
    found["cost"] = None if card is None else card.total_cost
    return found


def _run_lengths(lived: Lived, sounded: Sequence[int]) -> dict[str, int | None]:
    """Windows to the first false alarm and to the first true one, and how many there were to sound in.

    Counted from 1: an alarm in the first window is a run length of 1. None where none sounded: such a
    run length is censored, and longer than what was lived through.
    """
    scenario = lived.scenario
    # A world that failed, or never met its gate, was not there to sound in.
    last = max((f.window for f in lived.events if f.window is not None), default=-1)
    windows = min(scenario.clock.windows, last + 1)
    changes = [e.first for e in episodes(scenario, lived.world)] if scenario.inject else []
    begins = min([*changes, windows])
    before, after = [w for w in sounded if w < begins], [w for w in sounded if w >= begins]
    return {
        "length.null": min(before) + 1 if before else None,
        "length.null_of": begins,
        "length.change": min(after) - begins + 1 if after else None,
        "length.change_of": windows - begins,
    }


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
    """One row of a calibration: what each check said in each window (None: undefined), and its alarms.

    A domain check says nothing of a window without any value outside, which is a figure of 0.
    """
    found: dict[str, list[list[float | None]]] = {}
    sparse = set()
    for fact in lived.events:
        if isinstance(fact, e.FindingMade) and fact.window is not None:
            name = fact.alarm
            found.setdefault(name, []).append([fact.window, fact.value])
            if fact.check == "domain":
                sparse.add(name)
    for name in sparse:
        said = {window: value for window, value in found[name]}
        found[name] = [[window, said.get(window, 0.0)] for window in range(lived.scenario.clock.windows)]
    return {
        "points": found,
        "alarms": [list(onset) for onset in onsets(lived.events)],
        "windows": lived.scenario.clock.windows,
        "status": lived.status,
        "why": lived.why,
    }
