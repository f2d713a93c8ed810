"""What the scheduled monitors did and what followed, folded from the facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from simlab.events import (
    AlarmChanged,
    ChallengerJudged,
    ConstraintViolated,
    Event,
    FindingMade,
    MetricsPublished,
    MonitoringExecuted,
    NotificationSent,
    RetrainFinished,
    RetrainPlanned,
    VersionRolledBack,
)
from simlab.views.alarms import Alarm, alarms

ENDLESS = 1e100
"""CloudWatch holds no infinity: Clarify writes ±2.348543e108 in its place."""


@dataclass(frozen=True)
class ExecutionView:
    """One run of a scheduled monitor, with the constraints it found broken."""

    fact: MonitoringExecuted
    violations: tuple[ConstraintViolated, ...] = ()


@dataclass(frozen=True)
class Spot:
    """One figure of a series."""

    value: float | None
    threshold: float | None = None
    breached: bool = False


@dataclass(frozen=True)
class BiasSeries:
    """One bias metric of one facet over the windows."""

    facet: str
    """`facet=value`, and its schedule where several measure bias."""
    stage: str
    """Clarify's BiasStage."""
    metric: str
    spots: Mapping[int, Spot]

    @property
    def breaches(self) -> int:
        """Windows in which it broke its constraint."""
        return sum(spot.breached for spot in self.spots.values())


@dataclass(frozen=True)
class Attribution:
    """How much each feature counted, window by window, for one label of one schedule."""

    name: str
    values: Mapping[int, Mapping[str, float]]

    @property
    def ranks(self) -> dict[str, dict[int, int]]:
        """Rank by feature and window: 1 counts most, and of equals the first by name."""
        found: dict[str, dict[int, int]] = {}
        for window, values in sorted(self.values.items()):
            ordered = sorted(values, key=lambda name: (-values[name], name))
            for rank, name in enumerate(ordered, 1):
                found.setdefault(name, {})[window] = rank
        return dict(sorted(found.items(), key=lambda item: (min(item[1].items())[1], item[0])))


@dataclass(frozen=True)
class Step:
    """One thing that was done, or that came of it."""

    window: int
    words: str
    outcome: bool = False
    """Whether it says what changed, not what was done."""


@dataclass(frozen=True)
class Followed:
    """Alarms that began in one window, and what followed."""

    window: int | None
    """None where no alarm sounded: a policy retrained by the calendar, say."""
    alarms: tuple[AlarmChanged, ...] = ()
    steps: tuple[Step, ...] = ()
    ended: Mapping[str, int | None] = field(default_factory=dict)
    """First silent window of each alarm; None where it still sounds."""


@dataclass(frozen=True)
class Monitoring:
    """What the scheduled monitors did, and what followed an alarm."""

    executions: tuple[ExecutionView, ...] = ()
    bias: tuple[BiasSeries, ...] = ()
    attributions: tuple[Attribution, ...] = ()
    ndcg: Mapping[str, Mapping[int, Spot]] = field(default_factory=dict)
    """How alike the order of the features was to that at training, by schedule and window; the schedule
    is empty where there is one only."""
    followed: tuple[Followed, ...] = ()


def monitoring(events: Iterable[Event]) -> Monitoring:
    """What the scheduled monitors did and what followed.

    >>> monitoring([]).executions
    ()
    """
    said = list(events)
    return Monitoring(_executions(said), _bias(said), _attributions(said), _ndcg(said), _followed(said))


def _executions(events: Sequence[Event]) -> tuple[ExecutionView, ...]:
    """Executions in order; a violation belongs to the last one of its schedule."""
    found: list[ExecutionView] = []
    latest: dict[str, int] = {}
    for event in events:
        if isinstance(event, MonitoringExecuted):
            latest[event.schedule] = len(found)
            found.append(ExecutionView(event))
        elif isinstance(event, ConstraintViolated) and event.schedule in latest:
            at = latest[event.schedule]
            found[at] = replace(found[at], violations=(*found[at].violations, event))
    return tuple(found)


def _value(figures: Sequence[float | None]) -> float | None:
    """The average of a statistic set; None where there is none, or it is endless."""
    count, total = figures[0], figures[1]
    if not count or total is None or abs(total) > ENDLESS:
        return None
    return total / count


def _bias(events: Sequence[Event]) -> tuple[BiasSeries, ...]:
    """Bias metrics by facet, the facets in the order of the facts, what broke most first."""
    found: dict[tuple[str, str, str, str], dict[int, Spot]] = {}
    judged: dict[tuple[int | None, str, str], FindingMade] = {}
    for event in events:
        if isinstance(event, FindingMade) and event.check == "bias_drift_check":
            judged[event.window, event.schedule, event.column] = event
        elif (
            isinstance(event, MetricsPublished)
            and event.namespace.endswith("bias-metrics")
            and event.window is not None
        ):
            told = event.dimensions
            facet = f"{told.get('Facet', '')}={told.get('FacetValue', '')}"
            for name, figures in event.values.items():
                schedule, stage = told.get("MonitoringSchedule", ""), told.get("BiasStage", "")
                key = (schedule, facet, stage, name.removeprefix("bias_metric_"))
                found.setdefault(key, {})[event.window] = Spot(_value(figures))
    series = []
    apart = len({schedule for schedule, *_ in found}) > 1
    for (schedule, facet, stage, metric), spots in found.items():
        with_verdicts = dict(spots)
        for window, spot in spots.items():
            subject = f"{facet}:{metric}"
            finding = judged.get((window, schedule, subject)) or judged.get((window, "", subject))
            if finding is not None:
                with_verdicts[window] = Spot(spot.value, finding.threshold, finding.breached)
        series.append(BiasSeries(f"{facet} ({schedule})" if apart else facet, stage, metric, with_verdicts))
    facets = {name: n for n, name in enumerate(dict.fromkeys(s.facet for s in series))}
    return tuple(sorted(series, key=lambda s: (facets[s.facet], -s.breaches)))


def _attributions(events: Sequence[Event]) -> tuple[Attribution, ...]:
    found: dict[tuple[str, str], dict[int, dict[str, float]]] = {}
    for event in events:
        if (
            isinstance(event, MetricsPublished)
            and event.namespace.endswith("explainability-metrics")
            and event.dimensions.get("ValueType") == "GlobalShapValues"
            and event.window is not None
        ):
            key = (event.dimensions.get("MonitoringSchedule", ""), event.dimensions.get("Label", ""))
            for name, figures in event.values.items():
                value = _value(figures)
                if name.startswith("feature_") and value is not None:
                    window = found.setdefault(key, {}).setdefault(event.window, {})
                    window[name.removeprefix("feature_")] = value
    several = {
        schedule: sum(other == schedule for other, _ in found) > 1 for schedule, _ in found
    }  # a label is worth naming only beside another
    return tuple(
        Attribution(f"{schedule}, {label}" if several[schedule] else schedule, values)
        for (schedule, label), values in found.items()
    )


def _ndcg(events: Sequence[Event]) -> dict[str, dict[int, Spot]]:
    found: dict[str, dict[int, Spot]] = {}
    for event in events:
        if isinstance(event, FindingMade) and event.check == "feature_attribution_drift_check":
            window = event.of_window if event.window is None else event.window
            spot = Spot(event.value, event.threshold, event.breached)
            found.setdefault(event.schedule, {})[window] = spot
    return found


def _followed(events: Sequence[Event]) -> tuple[Followed, ...]:
    """Each thing done under every alarm that sounded then; what was done while none did, alone."""
    rang = alarms(events)
    begun: dict[int, list[AlarmChanged]] = {}
    for event in events:
        if isinstance(event, AlarmChanged) and event.state == "ALARM" and event.window is not None:
            begun.setdefault(event.window, []).append(event)
    steps: dict[int | None, list[Step]] = {}
    for event in events:
        step = _step(event)
        if step is not None:
            for onset in _causes(step.window, begun, rang) or (None,):
                steps.setdefault(onset, []).append(step)
    found = [
        Followed(
            window,
            tuple(changes),
            tuple(steps.get(window, ())),
            {change.alarm: _end(rang[change.alarm], window) for change in changes},
        )
        for window, changes in sorted(begun.items())
    ]
    if None in steps:
        found.append(Followed(None, (), tuple(steps[None])))
    return tuple(found)


def _end(alarm: Alarm, onset: int) -> int | None:
    return next(end for begin, end in alarm.spans if begin == onset)


def _causes(
    window: int, begun: Mapping[int, Sequence[AlarmChanged]], rang: Mapping[str, Alarm]
) -> tuple[int, ...]:
    """Windows whose alarms still sounded, or fell silent just then."""
    found = []
    for onset in sorted(w for w in begun if w <= window):
        ends = [_end(rang[change.alarm], onset) for change in begun[onset]]
        if any(end is None or end >= window for end in ends):
            found.append(onset)
    return tuple(found)


def _step(event: Event) -> Step | None:
    """What a fact says was done, or changed by it; None where it says neither."""
    window = -1 if event.window is None else event.window
    if isinstance(event, RetrainPlanned):
        return Step(window, f"retrain by the policy {event.policy}: {event.reason}")
    if isinstance(event, RetrainFinished):
        return Step(window, event.why, outcome=True)
    if isinstance(event, VersionRolledBack):
        return Step(window, f"version {event.version} is put back: {event.why}", outcome=True)
    if isinstance(event, ChallengerJudged):
        fate = "may take over" if event.replaced else "stays out"
        return Step(window, f"the challenger, version {event.challenger}, {fate}: {event.why}")
    if isinstance(event, NotificationSent):
        return Step(window, f"{event.topic} is told: {event.subject}")
    return None
