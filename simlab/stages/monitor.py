"""Monitor: what the operator's monitors find out in one window, and the alarms that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field

from simlab.artifacts import (
    Awaited,
    Captured,
    Deployment,
    Files,
    Finding,
    Findings,
    History,
    Labels,
    Measured,
    Request,
    ScreenedWindow,
    Served,
    Stretch,
)
from simlab.context import Context
from simlab.correction import Correction
from simlab.events import AlarmChanged, DistributionShifted, FindingMade, LabelsArrived, MetricMeasured
from simlab.executing import baseline_rows, executed, report_files, suggested, told_checks
from simlab.health import UNWATCHED, Health, answering_since, awaited_now, examined, fit_of
from simlab.measuring import metrics
from simlab.quality import DEFAULT_METRIC, Metric, worse_by
from simlab.schedules import Schedule
from simlab.signature import find
from simlab.statistics import METHODS, Numbers, Sample, prepared, sample
from simlab.views.alarms import evaluate
from simlab.watching import (
    UNFOLLOWED,
    Detector,
    Sequential,
    adjusted,
    detector_of,
    estimate_quality,
    follow_columns,
    follow_errors,
    look_at_rows,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

TOLD = ("drift", "quality", "sequential", "multivariate", "estimated")
"""Checks whose findings are facts also where they found nothing."""


@dataclass(frozen=True)
class Detectors:
    """Which detector looks at which kind of column."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    numeric: Detector = "wasserstein"
    categorical: Detector = "jensenshannon"


@dataclass(frozen=True)
class Datapoints:
    """M of N: how many of the last points must breach before an alarm sounds."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    datapoints: Annotated[int, Field(ge=1, le=100)] = 2
    of: Annotated[int, Field(ge=1, le=100)] = 3


@dataclass(frozen=True)
class Quality:
    """When model quality counts as worse than at evaluation."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    metric: Metric | None = None
    worse_by: Annotated[float, Field(gt=0)] = 0.25
    """Share by which the metric may be worse than at evaluation."""
    rows: Annotated[int, Field(ge=1)] = 50
    """Labelled rows without which nothing is concluded."""


def suggest_baselines(
    ctx: Context,
    deployment: Deployment,
    *,
    schedules: Mapping[str, Schedule] = {},
    health: Health = UNWATCHED,
) -> Deployment:
    """Run the baseline job of every scheduled monitor on the baseline rows.

    Parameters
    ----------
    schedules
        Scheduled monitors by name, as in `monitor_window`.
    health
        How the monitors themselves are watched, as in `monitor_window`.
    """
    if not schedules:
        return replace(deployment, baselines={})
    registered = baseline_rows(deployment)
    used = ctx.seam("monitor.baseline", registered)
    files = suggested(ctx, deployment, schedules, used)
    fit = fit_of(registered, used, health) if health.enable else None
    return replace(deployment, baselines=files, fit=fit)


def monitor_window(
    ctx: Context,
    deployment: Deployment,
    screened: ScreenedWindow,
    request: Request,
    served: Served,
    captures: tuple[Captured, ...],
    labels: Labels,
    history: History,
    *,
    schedules: Mapping[str, Schedule] = {},
    every_window: bool = True,
    detectors: Detectors = Detectors(),
    alarm: Datapoints = Datapoints(),
    quality: Quality = Quality(),
    correction: Correction = "none",
    sequential: Sequential = UNFOLLOWED,
    multivariate: Detector | None = None,
    estimate: Detector | None = None,
    ignore: tuple[str, ...] = (),
    health: Health = UNWATCHED,
    muted: bool = False,
) -> Findings:
    """Compare a window with the baseline, and labelled windows with the evaluation.

    The data-quality monitor looks at the window that just ended. The model-quality monitor looks at
    whichever windows' labels arrived during it, and at nothing that arrives later; with `estimate` it
    also says what the window that just ended promises before any label of it is known. Scheduled
    monitors run when their time has come, on the rows that were captured in their period.

    Parameters
    ----------
    schedules
        Monitors that run as on SageMaker, by name of the schedule: on a cron expression, on captured
        rows, judged by their own baseline files.
    every_window
        Whether the detectors and the quality check below look at every window; without it only the
        schedules do.
    detectors
        One detector for numeric and one for categorical columns.
    alarm
        M-of-N rule of every alarm.
    quality
        Metric and tolerance of the model-quality monitor.
    correction
        How the thresholds of p-values allow for the number of columns tested in one window: 20
        undrifted columns at 0.05 breach at least once in 64 % of the windows. `bonferroni` and `holm`
        keep that share at 5 %; `benjamini_hochberg` keeps 5 % of all breaches false.
    sequential
        Detectors that follow the columns' means and the model's errors since the deployment.
    multivariate
        A detector of all columns at once, or none.
    estimate
        A detector that estimates the model's quality without labels, or none.
    ignore
        Columns whose drift is expected and raises no finding.
    health
        How the monitors themselves are watched: with `enable: true` a check outside of them finds an
        execution that is `missing`, `late` or `failed`, a monitor that ran and is `muted`, and a `baseline`
        that is not the version's own. Its alarms are called `health:missing:SCHEDULE` and follow the same
        `alarm`.
    muted
        The monitors stay silent: no findings, no alarms. For trying out what a lifecycle is worth
        without them.
    """
    if muted:
        return Findings(window=screened.number, findings=(), alarms={}, points={}, metrics={})
    if labels.table.num_rows:
        of = tuple(sorted(labels.table["window"].unique().to_pylist()))
        ctx.emit(LabelsArrived(rows=labels.fresh, of_windows=of))
    seen = Seen()
    if every_window:
        looks = Looks(detectors, quality, correction, sequential, multivariate, estimate, ignore)
        seen = _look(ctx, deployment, screened, request, served, labels, history, looks)
    scheduled, executions = executed(ctx, deployment, schedules, captures) if schedules else ([], ())
    found = list(ctx.seam("monitor.run", (*seen.findings, *scheduled)))
    awaited: tuple[Awaited, ...] = ()
    if health.enable:  # behind the seam, so that what silences the monitors does not silence it
        first = screened.number == 0
        awaited = awaited_now(schedules, history.awaited, executions, screened.start, screened.end, first)
        promised = every_window and any(c.name not in ignore for c in deployment.schema.features)
        wrong, awaited = examined(
            health,
            schedules,
            awaited,
            executions,
            found,
            deployment.fit,
            promised,
            screened.number,
            screened.end,
            answering_since(captures, deployment.version),
        )
        found += wrong
    told = {*TOLD, *told_checks(schedules)}
    quiet = {f.check for f in scheduled} - told
    for finding in found:
        if finding.breached or finding.check in told or (finding.value and finding.check not in quiet):
            ctx.emit(_fact(finding))
    states, points, changes = evaluate(
        found, history.points, history.alarms, datapoints=alarm.datapoints, of=alarm.of
    )
    for change in changes:
        if change.previous == "INSUFFICIENT_DATA" and change.state == "OK":
            continue  # the first look at a column is no news
        ctx.emit(
            AlarmChanged(
                alarm=change.alarm, state=change.state, previous=change.previous, reason=change.reason
            )
        )
        if change.state == "ALARM" and ":drift:" in change.alarm:
            _show(ctx, deployment, request, change.alarm.rpartition(":")[2])
    return Findings(
        window=screened.number,
        findings=tuple(found),
        alarms=states,
        points=points,
        metrics=seen.metrics,
        means=seen.means,
        errors=seen.errors,
        executions=executions,
        reasons={change.alarm: change.reason for change in changes},
        measured=seen.measured,
        awaited=awaited,
    )


def monitor_files(result: Deployment | Findings) -> Files:
    """Baselines under `monitoring/baselines`, and the report of every execution."""
    if isinstance(result, Findings):
        return report_files(result.executions)
    return {
        f"monitoring/baselines/v{result.version}/{schedule}/{name}": body
        for schedule, files in result.baselines.items()
        for name, body in files.items()
    }


@dataclass(frozen=True)
class Looks:
    """How every window is looked at: the settings of `monitor_window` that say so."""

    detectors: Detectors
    quality: Quality
    correction: Correction
    sequential: Sequential
    multivariate: Detector | None
    estimate: Detector | None
    ignore: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """What a look at one window found, and what it adds to the trails."""

    findings: tuple[Finding, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    means: Mapping[str, float] = field(default_factory=dict)
    errors: tuple[Stretch, ...] = ()
    measured: tuple[Measured, ...] = ()


def _look(
    ctx: Context,
    deployment: Deployment,
    screened: ScreenedWindow,
    request: Request,
    served: Served,
    labels: Labels,
    history: History,
    looks: Looks,
) -> Seen:
    """Compare a window with the baseline, and labelled windows with the evaluation."""
    found = list(screened.findings)
    found += adjusted(_drift(ctx, deployment, request, looks.detectors, looks.ignore), looks.correction)
    by_quality, judged = _quality(ctx, deployment, served, labels, history, looks.quality)
    measured = {f"monitor.{name}": value for one in judged for name, value in one.figures.items()}
    found += by_quality
    by_columns, means = follow_columns(deployment, request, history, looks.sequential, looks.ignore)
    by_errors, errors = follow_errors(deployment, served, labels, history, looks.sequential)
    found += [*by_columns, *by_errors]
    if looks.multivariate is not None:
        found.append(look_at_rows(deployment, request, looks.multivariate, looks.ignore, ctx.seed))
    if looks.estimate is not None:
        by_scores, estimates = estimate_quality(deployment, served, looks.estimate)
        found.append(by_scores)
        measured |= _estimated(ctx, served, estimates)
        figures = {f"estimated.{name}": v for name, v in estimates.items() if v is not None}
        judged.append(Measured(served.number, served.version, figures))
    return Seen(tuple(found), measured, means, errors, tuple(judged))


def _estimated(ctx: Context, served: Served, estimates: dict[str, float | None]) -> dict[str, float]:
    """Say what was estimated; the defined figures by metric."""
    for metric, value in estimates.items():
        ctx.emit(
            MetricMeasured(
                metric=f"monitor.estimated.{metric}",
                value=value,
                of_window=served.number,
                rows=served.table.num_rows,
            )
        )
    return {f"monitor.estimated.{metric}": v for metric, v in estimates.items() if v is not None}


def _fact(finding: Finding) -> FindingMade:
    return FindingMade(
        monitor=finding.monitor,
        check=finding.check,
        column=finding.column,
        method=finding.method,
        value=finding.value,
        threshold=finding.threshold,
        breached=finding.breached,
        of_window=finding.of_window,
        schedule=finding.schedule,
    )


def _values(table: pa.Table, column: str, kind: str) -> np.ndarray:
    values: np.ndarray = table[column].drop_null().to_numpy()
    return values if kind == "numeric" else values.astype(object)


def _drift(
    ctx: Context, deployment: Deployment, request: Request, detectors: Detectors, ignore: tuple[str, ...]
) -> list[Finding]:
    """One finding per feature."""
    baseline = prepared(deployment.baseline)
    found = []
    for column in deployment.schema.features:
        if column.name in ignore:
            continue
        name, settings = detector_of(getattr(detectors, column.kind))
        before: Any = baseline.sample(column.name, column.kind)
        now: Any = sample(request.table[column.name], column.kind)
        if name not in METHODS:  # somebody else's detector knows arrays
            before = _values(deployment.baseline, column.name, column.kind)
            now = _values(request.table, column.name, column.kind)
        value, breached, threshold = find("detectors", name)(before, now, **settings)
        found.append(
            Finding(
                monitor="data_quality",
                check="drift",
                column=column.name,
                method=name,
                value=value,
                threshold=threshold,
                breached=breached,
                of_window=request.number,
            )
        )
    return found


def _quality(
    ctx: Context, deployment: Deployment, served: Served, labels: Labels, history: History, quality: Quality
) -> tuple[list[Finding], list[Measured]]:
    """Findings and metrics of every window whose labels arrived now, oldest first."""
    import pyarrow.compute as pc

    belongs = pc.field("window")
    windows = sorted(labels.table["window"].unique().to_pylist())
    answered = {s.number: s for s in (*history.pending, served)}
    name = quality.metric or DEFAULT_METRIC[deployment.problem]
    found: list[Finding] = []
    measured: list[Measured] = []
    for window in windows:
        if window not in answered:
            continue
        known = labels.table if len(windows) == 1 else labels.table.filter(belongs == window)
        predicted, truth = _answered_and_known(answered[window].table, known)
        if len(truth) < quality.rows:
            continue
        figures = metrics(deployment.problem, truth, predicted, deployment.threshold)
        for metric, value in figures.items():
            ctx.emit(
                MetricMeasured(metric=f"monitor.{metric}", value=value, of_window=window, rows=len(truth))
            )
        defined = {metric: value for metric, value in figures.items() if value is not None}
        measured.append(Measured(window, answered[window].version, defined))
        value, reference = figures.get(name), deployment.quality.get(name)
        # A window answered by an earlier version says nothing about this one.
        if value is not None and reference is not None and answered[window].version == deployment.version:
            worse = worse_by(name, value, reference.value)
            found.append(
                Finding(
                    monitor="model_quality",
                    check="quality",
                    column=name,
                    method="relative",
                    value=worse,
                    threshold=quality.worse_by,
                    breached=worse > quality.worse_by,
                    of_window=window,
                )
            )
    return found, measured


def _answered_and_known(served: pa.Table, known: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and labels of the answers whose label is known, in the order of their ids."""
    import numpy as np

    ids, asked = served["inference_id"].to_numpy(), known["inference_id"].to_numpy()
    if len(np.unique(ids)) == len(ids) and len(np.unique(asked)) == len(asked):
        _, at, of = np.intersect1d(ids, asked, assume_unique=True, return_indices=True)
        return served["prediction"].to_numpy()[at], known["label"].to_numpy()[of]
    # A row that was delivered twice under one id was answered twice.
    both = served.join(known, "inference_id", join_type="inner", use_threads=False).sort_by("inference_id")
    return both["prediction"].to_numpy(), both["label"].to_numpy()


def _show(ctx: Context, deployment: Deployment, request: Request, column: str) -> None:
    """Keep the two distributions behind an alarm for the report."""
    from simlab.histogram import histogram

    kind = next(c.kind for c in deployment.schema.features if c.name == column)
    before, now = prepared(deployment.baseline).sample(column, kind), sample(request.table[column], kind)
    labels, baseline, current = histogram(kind, _shown(before), _shown(now))
    ctx.emit(
        DistributionShifted(
            column=column, labels=tuple(map(str, labels)), baseline=tuple(baseline), current=tuple(current)
        )
    )


def _shown(found: Sample) -> np.ndarray | Mapping[str, int]:
    return found.sorted if isinstance(found, Numbers) else found.counts
