"""What the report tells: a run's facts, beside what was really done to the world, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf, log
from typing import Any

from simlab.events import (
    AlarmChanged,
    DataIngested,
    DistributionShifted,
    Event,
    FeatureParityChecked,
    FindingMade,
    HindsightMeasured,
    Injected,
    Judged,
    LabelsArrived,
    MetricMeasured,
    ModelApproved,
    ModelDeployed,
    ModelRegistered,
    ModelRejected,
    ModelTrained,
    RetrainFinished,
    RetrainPlanned,
    RowsRejected,
    RunFinished,
    RunStarted,
    StageFailed,
    StageFinished,
    TrialFinished,
    WorldStarted,
)
from simlab.quality import DEFAULT_METRIC, METRICS
from simlab.views import alarms as alarms_view
from simlab.views import metrics, registry
from simlab.views.alarms import Alarm
from simlab.views.metrics import Point
from simlab.views.registry import PutBack, Retrain, VersionView


@dataclass(frozen=True)
class Episode:
    """One injection: what was declared, and what it really did."""

    id: str
    kind: str
    on: str
    start: int | None = None
    end: int | None = None
    """First window in which it no longer acts, as declared."""
    declared: Mapping[str, Any] = field(default_factory=dict)
    """Shape, where, fraction and settings, as declared."""
    expected: bool = False
    """A change the operator knows of, which no monitor needs to report."""
    intensity: Mapping[int, float] = field(default_factory=dict)
    """The shape's value in every window in which it acted."""
    training: bool = False
    """Whether it acted on the training rows."""
    rows: int = 0
    of: int = 0
    """Rows it touched, and rows of the windows in which it acted."""
    relabelled: int = 0
    measured: Mapping[str, float] = field(default_factory=dict)
    """Size on each touched column when it acted hardest."""

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last window in which it acted; None where it never did."""
        acted = [window for window, share in self.intensity.items() if share > 0]
        return (min(acted), max(acted)) if acted else None


@dataclass(frozen=True)
class Reading:
    """What one detector said of one column in one window."""

    value: float | None
    threshold: float | None
    breached: bool
    strength: float
    """1 at the threshold, more where it breached."""


@dataclass(frozen=True)
class Lane:
    """The readings of one detector on one column."""

    check: str
    column: str
    method: str
    readings: Mapping[int, Reading]
    schedule: str = ""
    """Schedule whose readings they are, where the monitor has several."""

    @property
    def label(self) -> str:
        """The column, and the check where it is another one than drift."""
        if not self.column:
            return f"{self.check}@{self.schedule}" if self.schedule else self.check
        return self.column if self.check == "drift" else f"{self.subject} · {self.check}"

    @property
    def subject(self) -> str:
        """The column, and the schedule where there are several: `age@hourly`."""
        return f"{self.column}@{self.schedule}" if self.schedule else self.column

    @property
    def breaches(self) -> int:
        """Windows in which it breached."""
        return sum(reading.breached for reading in self.readings.values())

    @property
    def peak(self) -> float:
        """Strongest reading."""
        return max((reading.strength for reading in self.readings.values()), default=0.0)


@dataclass(frozen=True)
class Build:
    """One way from rows to a version: the first, or a retrain."""

    window: int | None = None
    reason: str = ""
    windows: tuple[int, ...] = ()
    include_training: bool = True
    source: str = ""
    rows: int | None = None
    columns: int | None = None
    rejected: tuple[tuple[str, str, int], ...] = ()
    """Column, reason and number of the rows set aside."""
    parity_rows: int | None = None
    parity_differing: int = 0
    trials: tuple[TrialFinished, ...] = ()
    trained: ModelTrained | None = None
    scores: Mapping[str, Point] = field(default_factory=dict)
    """The evaluation, by metric; rivals as `dummy.auc` and `rule.auc`."""
    version: int | None = None
    approved: bool | None = None
    why: str = ""
    parity: float | None = None
    bytes: int | None = None
    deployed: bool = False
    failed: str = ""


@dataclass(frozen=True)
class Shift:
    """The two distributions of a column that drifted."""

    column: str
    labels: tuple[str, ...]
    baseline: tuple[float, ...]
    current: tuple[float, ...]

    @property
    def moved(self) -> float:
        """Share of rows that would have to change to make the two alike (total variation)."""
        return sum(abs(a - b) for a, b in zip(self.baseline, self.current, strict=False)) / 2


@dataclass(frozen=True)
class Onset:
    """A window in which alarms began to sound, and what the monitors saw."""

    window: int
    changes: tuple[AlarmChanged, ...]
    findings: tuple[FindingMade, ...]
    """The findings of that window that breached."""
    shifts: tuple[Shift, ...]
    rejected: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Story:
    """Everything the report shows, folded from the facts."""

    title: str
    shows: str = ""
    name: str = ""
    dataset: str = ""
    dataset_digest: str = ""
    synthetic: bool = False
    problem: str = "binary"
    seed: Mapping[str, int] = field(default_factory=dict)
    windows: int = 0
    """Windows that were planned."""
    lived: int = 0
    """Windows that were lived through."""
    window_rows: int = 0
    start: datetime | None = None
    step_seconds: int = 0
    status: str = ""
    """As in `RunFinished`; empty for a run that did not finish."""
    given: tuple[Judged, ...] = ()
    expected: tuple[Judged, ...] = ()
    failures: tuple[StageFailed, ...] = ()
    metric: str = ""
    """The metric the run is told by."""
    known: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    """Quality of each window in the order in which it became known, by metric."""
    hindsight: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    """Quality of each window with every true label, by metric."""
    tolerance: float | None = None
    """Share by which the metric may be worse than at evaluation before the monitor objects."""
    lanes: tuple[Lane, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    """Alarms that sounded, in the order in which they first did."""
    silent: int = 0
    """Alarms that were kept and never sounded."""
    changes: tuple[AlarmChanged, ...] = ()
    onsets: tuple[Onset, ...] = ()
    retrains: tuple[Retrain, ...] = ()
    rollbacks: tuple[PutBack, ...] = ()
    versions: tuple[VersionView, ...] = ()
    builds: tuple[Build, ...] = ()
    labels: Mapping[int, int] = field(default_factory=dict)
    answered: Mapping[int, int] = field(default_factory=dict)
    rejected: Mapping[int, int] = field(default_factory=dict)
    reasons: Mapping[int, tuple[tuple[str, str, int], ...]] = field(default_factory=dict)
    episodes: tuple[Episode, ...] = ()
    order: str = "drawn"
    """How the world's rows arrive: drawn from one pool, or replayed in their own order."""
    world_known: bool = False
    """Whether the world's own log is at hand."""
    world_rows: Mapping[str, int] = field(default_factory=dict)
    gap: Mapping[str, float] = field(default_factory=dict)
    stages: tuple[tuple[str, int, float | None], ...] = ()
    """Each stage with how often it ran and its wall-clock seconds, where known."""
    facts: Mapping[str, int] = field(default_factory=dict)
    """How many facts of each kind."""
    world_facts: int = 0

    def sounded(self, alarm: Alarm) -> list[tuple[int, int]]:
        """Windows in which an alarm sounded, each time the first one and the one after the last.

        A new version silences the alarms of the one before at the end of the window in which it was
        built, so in that window they still sounded.
        """
        taken_over = {retrain.window for retrain in self.retrains if retrain.replaced}
        taken_over |= {back.window for back in self.rollbacks}
        return [
            (onset, self.lived if end is None else end + (end in taken_over)) for onset, end in alarm.spans
        ]

    def sounding(self, window: int) -> list[str]:
        """Names of the alarms that sounded in a window."""
        return [
            alarm.name
            for alarm in self.alarms
            if any(onset <= window < after for onset, after in self.sounded(alarm))
        ]

    def version_in(self, window: int) -> VersionView | None:
        """The version that answered a window."""
        for version in reversed(self.versions):
            for first, after in version.spans:
                if first <= window and (after is None or window < after):
                    return version
        return None


def story(
    events: Iterable[Event],
    world: Iterable[Event] = (),
    scenario: Mapping[str, Any] | None = None,
    timings: Iterable[Mapping[str, Any]] = (),
) -> Story:
    """What a run's facts come to, as the report tells it; see `simlab.views.report.report`."""
    said, outside, scenario = list(events), list(world), scenario or {}
    started = next((event for event in said if isinstance(event, RunStarted)), None)
    finished = next((event for event in reversed(said) if isinstance(event, RunFinished)), None)
    origin = next((event for event in outside if isinstance(event, WorldStarted)), None)
    judged = [event for event in said if isinstance(event, Judged)]
    problem = started.problem if started else "binary"
    found = metrics.series(said)
    hindsight = _hindsight(outside)
    lived = 1 + max((e.window for e in (*said, *outside) if e.window is not None), default=-1)
    rang = alarms_view.alarms(said)
    sounded = sorted(
        (alarm for alarm in rang.values() if alarm.spans), key=lambda alarm: (alarm.spans[0][0], alarm.name)
    )
    watched = {event.alarm for event in said if isinstance(event, FindingMade)}
    metric = _main_metric(said, problem)
    reasons, rejected = _quarantine(said)
    return Story(
        title=str(scenario.get("title") or (started.title if started else "") or "A run of simlab"),
        shows=str(scenario.get("shows") or ""),
        name=started.scenario if started else str(scenario.get("name") or ""),
        dataset=started.dataset if started else "",
        dataset_digest=started.dataset_digest if started else "",
        synthetic=started.synthetic if started else False,
        problem=problem,
        seed=dict(started.seed) if started else {},
        windows=max(started.windows if started else 0, lived),
        lived=lived,
        window_rows=started.rows if started else 0,
        start=_moment(started.time) if started else None,
        step_seconds=started.step_seconds if started else 0,
        status=finished.status if finished else "",
        given=tuple(event for event in judged if event.of == "given"),
        expected=tuple(event for event in judged if event.of != "given"),
        failures=tuple(event for event in said if isinstance(event, StageFailed)),
        metric=metric,
        known={
            name.removeprefix("monitor."): points
            for name, points in found.items()
            if name.startswith("monitor.") and any(point.value is not None for point in points)
        },
        hindsight=hindsight,
        tolerance=_tolerance(said, metric),
        lanes=_lanes(said),
        alarms=tuple(sounded),
        silent=len({*rang, *watched}) - len(sounded),
        changes=tuple(event for event in said if isinstance(event, AlarmChanged)),
        onsets=_onsets(said, reasons),
        retrains=registry.retrains(said),
        rollbacks=registry.rollbacks(said),
        versions=registry.versions(said),
        builds=_builds(said),
        labels=_labels(said),
        answered=_by_window(found.get("serve.rows", ())),
        rejected=_by_window(found.get("validate.rejected", ())) or rejected,
        reasons=reasons,
        episodes=_episodes(outside, scenario.get("injections") or scenario.get("inject") or ()),
        order=origin.order if origin else "drawn",
        world_known=bool(outside),
        world_rows={}
        if origin is None
        else {
            "training": origin.training_rows,
            "baseline": origin.baseline_rows,
            "pool": origin.pool_rows,
        },
        gap={name: gap for name, gap in (origin.baseline_gap if origin else {}).items() if gap is not None},
        stages=_stages(said, timings),
        facts=_counts(said),
        world_facts=len(outside),
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _main_metric(events: Sequence[Event], problem: str) -> str:
    """What the quality monitor looks at, else what tuning did, else the problem's default."""
    for event in events:
        if isinstance(event, FindingMade) and event.check == "quality" and event.column:
            return event.column
    for event in events:
        if isinstance(event, TrialFinished):
            return event.metric
    return DEFAULT_METRIC.get(problem, next(iter(METRICS.get(problem, ("",)))))


def _tolerance(events: Sequence[Event], metric: str) -> float | None:
    for event in events:
        if isinstance(event, FindingMade) and event.check == "quality" and event.column == metric:
            return event.threshold
    return None


def _hindsight(world: Sequence[Event]) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for event in world:
        if isinstance(event, HindsightMeasured) and event.window is not None:
            for name, value in event.metrics.items():
                if value is not None:
                    found.setdefault(name, {})[event.window] = value
    return found


def _by_window(points: Iterable[Point]) -> dict[int, int]:
    return {p.about: round(p.value) for p in points if p.about is not None and p.value is not None}


def _labels(events: Sequence[Event]) -> dict[int, int]:
    found: dict[int, int] = {}
    for event in events:
        if isinstance(event, LabelsArrived) and event.window is not None:
            found[event.window] = found.get(event.window, 0) + event.rows
    return found


Reasons = tuple[tuple[str, str, int], ...]


def _quarantine(events: Sequence[Event]) -> tuple[dict[int, Reasons], dict[int, int]]:
    """Why rows of each window were set aside, and how many; rows of a build are not traffic."""
    reasons: dict[int, list[tuple[str, str, int]]] = {}
    building = True
    for event in events:
        if isinstance(event, RetrainPlanned):
            building = True
        elif isinstance(event, (RetrainFinished, ModelDeployed)):
            building = False
        elif isinstance(event, RowsRejected) and not building and event.window is not None:
            reasons.setdefault(event.window, []).append((event.column, event.reason, event.rows))
    counts = {window: sum(rows for _, _, rows in found) for window, found in reasons.items()}
    return {window: tuple(found) for window, found in reasons.items()}, counts


def _strength(value: float | None, threshold: float | None, breached: bool, low_is_drift: bool) -> float:
    """A finding on one scale for every method: 1 at the threshold, more where it breached.

    Distances are divided by their threshold; for p-values, which breach *below* it, logarithms are.
    """
    if value is None or threshold is None:
        return inf if breached else 0.0
    if low_is_drift:
        return log(max(value, 1e-300)) / log(threshold) if 0 < threshold < 1 else float(breached)
    if threshold > 0:
        return value / threshold
    return inf if breached else 0.0


def _lanes(events: Sequence[Event]) -> tuple[Lane, ...]:
    """Readings of every data-quality check, the column that breached hardest first."""
    found: dict[tuple[str, str, str], list[FindingMade]] = {}
    low: set[str] = set()
    for event in events:
        if isinstance(event, FindingMade) and event.monitor == "data_quality":
            found.setdefault((event.check, event.column, event.schedule), []).append(event)
            if event.value is not None and event.threshold is not None and event.value != event.threshold:
                # Nobody says which way a method points; its own verdicts do.
                (low.add if event.breached != (event.value > event.threshold) else low.discard)(event.method)
    lanes = []
    for (check, column, schedule), findings in found.items():
        if check != "drift" and not any(f.value or f.breached for f in findings):
            continue
        readings = {
            f.of_window: Reading(
                f.value,
                f.threshold,
                f.breached,
                _strength(f.value, f.threshold, f.breached, f.method in low),
            )
            for f in findings
        }
        lanes.append(Lane(check, column, findings[-1].method, readings, schedule))
    return tuple(sorted(lanes, key=lambda lane: (-lane.breaches, -lane.peak)))


def _onsets(events: Sequence[Event], reasons: Mapping[int, Reasons]) -> tuple[Onset, ...]:
    changes: dict[int, list[AlarmChanged]] = {}
    findings: dict[int, list[FindingMade]] = {}
    shifts: dict[int, list[Shift]] = {}
    for event in events:
        window = -1 if event.window is None else event.window
        if isinstance(event, AlarmChanged) and event.state == "ALARM":
            changes.setdefault(window, []).append(event)
        elif isinstance(event, FindingMade) and event.breached:
            findings.setdefault(window, []).append(event)
        elif isinstance(event, DistributionShifted):
            shares = [tuple(share or 0.0 for share in side) for side in (event.baseline, event.current)]
            shifts.setdefault(window, []).append(Shift(event.column, event.labels, shares[0], shares[1]))
    return tuple(
        Onset(
            window,
            tuple(changes[window]),
            tuple(findings.get(window, ())),
            tuple(sorted(shifts.get(window, ()), key=lambda shift: (-shift.moved, shift.column))),
            reasons.get(window, ()),
        )
        for window in sorted(changes)
    )


def _builds(events: Sequence[Event]) -> tuple[Build, ...]:
    """Every way from rows to a version, the first and each retrain's."""
    found: list[dict[str, Any]] = [{}]
    open_: bool = True
    for event in events:
        if isinstance(event, RetrainPlanned):
            found.append(
                {
                    "window": event.window,
                    "reason": event.reason,
                    "windows": event.windows,
                    "include_training": event.include_training,
                }
            )
            open_ = True
        if not open_:
            continue
        build = found[-1]
        if isinstance(event, DataIngested):
            build.update(rows=event.rows, columns=event.columns, source=event.source)
        elif isinstance(event, RowsRejected):
            build["rejected"] = (*build.get("rejected", ()), (event.column, event.reason, event.rows))
        elif isinstance(event, FeatureParityChecked):
            build.update(parity_rows=event.rows, parity_differing=event.differing)
        elif isinstance(event, TrialFinished):
            build["trials"] = (*build.get("trials", ()), event)
        elif isinstance(event, ModelTrained):
            build["trained"] = event
        elif isinstance(event, MetricMeasured) and event.metric.startswith("evaluate."):
            point = Point(event.window, None, event.value, event.low, event.high, event.rows)
            build.setdefault("scores", {})[event.metric.removeprefix("evaluate.")] = point
        elif isinstance(event, StageFinished) and event.stage == "evaluate":
            for name, value in event.metrics.items():
                name = name.removeprefix("evaluate.")
                build.setdefault("scores", {}).setdefault(name, Point(event.window, None, value))
        elif isinstance(event, ModelRegistered):
            build["version"] = event.version
        elif isinstance(event, ModelApproved):
            build.update(version=event.version, approved=True, why=event.why)
        elif isinstance(event, ModelRejected):
            build.update(version=event.version, approved=False, why="; ".join(event.reasons))
        elif isinstance(event, ModelDeployed):
            build.update(version=event.version, parity=event.parity, bytes=event.bytes, deployed=True)
            open_ = False
        elif isinstance(event, StageFailed):
            build["failed"] = f"{event.stage}: {event.why}"
            open_ = False
        elif isinstance(event, RetrainFinished):
            open_ = False
    return tuple(Build(**build) for build in found if build)


def _episodes(world: Sequence[Event], declared: Iterable[Mapping[str, Any]]) -> tuple[Episode, ...]:
    """Every injection, declared and as it really acted, in the order in which it began."""
    acted: dict[str, list[Injected]] = {}
    for event in world:
        if isinstance(event, Injected):
            acted.setdefault(event.injection, []).append(event)
    known: dict[str, Mapping[str, Any]] = {}
    for item in declared:
        if item.get("enabled", True):
            known[str(item.get("id", ""))] = item
    found = []
    for id in (*known, *(id for id in acted if id not in known)):
        item, facts = known.get(id, {}), acted.get(id, [])
        hardest = max(facts, key=lambda fact: fact.intensity or 0.0, default=None)
        found.append(
            Episode(
                id=id,
                kind=str(item.get("kind") or (facts[0].injector if facts else "")),
                on=str(item.get("on") or (facts[0].on if facts else "live")),
                start=item.get("start"),
                end=item.get("end"),
                declared={
                    "shape": item.get("shape"),
                    "where": item.get("where"),
                    "fraction": item.get("fraction"),
                    "with": item.get("with") or {},
                },
                expected=bool(item.get("expected")),
                intensity={f.window: f.intensity or 0.0 for f in facts if f.window is not None},
                training=any(fact.window is None for fact in facts),
                rows=sum(fact.rows for fact in facts),
                of=sum(fact.of for fact in facts),
                relabelled=sum(fact.relabelled for fact in facts),
                measured=_measured(hardest),
            )
        )
    # Python's sort is stable, so what began together stays in the scenario's order.
    return tuple(sorted(found, key=lambda episode: episode.span[0] if episode.span else -1))


def _measured(fact: Injected | None) -> dict[str, float]:
    sizes = fact.measured if fact else {}
    return {name: size for name, size in sizes.items() if size is not None}


def _stages(
    events: Sequence[Event], timings: Iterable[Mapping[str, Any]]
) -> tuple[tuple[str, int, float | None], ...]:
    """Each stage in the order of its first run, how often it ran, and the seconds it took."""
    runs: dict[str, int] = {}
    seconds: dict[str, float] = {}
    for event in events:
        if isinstance(event, (StageFinished, StageFailed)):
            runs[event.stage] = runs.get(event.stage, 0) + 1
    for note in timings:
        stage, took = note.get("stage"), note.get("seconds")
        if isinstance(stage, str) and isinstance(took, (int, float)):
            seconds[stage] = seconds.get(stage, 0.0) + took
    return tuple((stage, count, seconds.get(stage)) for stage, count in runs.items())


def _counts(events: Sequence[Event]) -> dict[str, int]:
    found: dict[str, int] = {}
    for event in events:
        found[event.kind] = found.get(event.kind, 0) + 1
    return dict(sorted(found.items()))
