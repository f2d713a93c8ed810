"""Executing: the scheduled monitors of one window, each on the rows its period holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from simlab.artifacts import Deployment, Finding
from simlab.context import Context
from simlab.errors import SimlabError
from simlab.events import BaselineSuggested, ConstraintViolated, MetricMeasured, MonitoringExecuted
from simlab.monitors import Material, Outcome, completed
from simlab.publishing import published as published
from simlab.schedules import Due, Firing, Schedule, firings, several
from simlab.signature import find, keywords, module_of, settings
from simlab.watched import Captured, Execution, Files
from simlab.wordings import FAILURES

if TYPE_CHECKING:
    import pyarrow as pa


def functions_of(monitor: str) -> tuple[Any, Any]:
    """A monitor's baseline job and its execution."""
    return module_of("monitors", monitor).suggest, find("monitors", monitor)


def told_checks(schedules: Mapping[str, Schedule]) -> frozenset[str]:
    """Checks of the scheduled monitors whose findings are facts also where they found nothing."""
    return frozenset(check for s in schedules.values() for check in module_of("monitors", s.kind).TOLD)


def settings_for(function: Any, schedule: Schedule) -> dict[str, Any]:
    """What a schedule sets on one of its monitor's two functions, typed.

    Raises
    ------
    SimlabError
        A setting no longer holds: a file that it names has gone since the run began, say.
    """
    own = {key: value for key, value in schedule.settings.items() if key in keywords(function)}
    values, wrong = settings(function, own, schedule.kind)
    if wrong:
        raise SimlabError("; ".join(wrong))
    return values


def baseline_rows(deployment: Deployment) -> pa.Table:
    """The baseline with its columns named as a capture's: features, `prediction` and `label`."""
    table = deployment.baseline
    target = deployment.schema.target
    if "label" not in table.column_names and target in table.column_names:
        table = table.rename_columns(["label" if n == target else n for n in table.column_names])
    return table


def suggested(
    ctx: Context, deployment: Deployment, schedules: Mapping[str, Schedule], rows: pa.Table
) -> dict[str, dict[str, bytes]]:
    """The baseline files of every schedule, by its name.

    Parameters
    ----------
    rows
        What the baseline jobs look at: see `baseline_rows`.
    """
    if schedules and not rows.num_rows:
        raise SimlabError("no row is left for the baseline jobs to look at")
    found = {}
    for name, schedule in schedules.items():
        suggest, _ = functions_of(schedule.kind)
        files = dict(suggest(deployment, rows, **settings_for(suggest, schedule)))
        ctx.emit(
            BaselineSuggested(
                schedule=name, monitor=schedule.kind, rows=rows.num_rows, files=tuple(sorted(files))
            )
        )
        found[name] = files
    return found


def due(schedules: Mapping[str, Schedule], newest: Captured, back: int) -> dict[int, tuple[Due, ...]]:
    """What is due in the newest window and in some before it, by window.

    Those before are there because an execution may be held up: a stage has no memory, so what comes late
    is reckoned anew.

    Parameters
    ----------
    newest
        The window that just ended.
    back
        How many windows before it.
    """
    step = newest.end - newest.start
    found = {}
    for number in range(newest.number - back, newest.number + 1):
        start = newest.start - (newest.number - number) * step
        fired = (
            Due(name, firing, firing.moment)
            for name, schedule in schedules.items()
            for firing in firings(schedule, start, start + step, number == 0)
        )
        found[number] = tuple(sorted(fired, key=_turn))
    return found


def _turn(one: Due) -> tuple[datetime, datetime, str]:
    return one.runs, one.firing.moment, one.schedule


def executed(
    ctx: Context,
    deployment: Deployment,
    schedules: Mapping[str, Schedule],
    captures: Sequence[Captured],
) -> tuple[list[Finding], tuple[Execution, ...]]:
    """Run whatever is due in the newest window; the findings, and the executions.

    Parameters
    ----------
    captures
        What was captured, oldest window first, with every label that is known by now; the newest is the
        window that just ended.
    """
    found: list[Finding] = []
    executions = []
    newest = captures[-1]
    stretch = ctx.seam("monitor.schedule", due(schedules, newest, newest.number - captures[0].number))
    shared = several(schedules)
    now = [
        (one, number)
        for number, fired in stretch.items()
        for one in fired
        if newest.start < one.runs <= newest.end
    ]
    for one, number in sorted(now, key=lambda pair: _turn(pair[0])):
        name, firing, schedule = one.schedule, one.firing, schedules[one.schedule]
        table = rows_between(captures, deployment, firing.start, firing.end, one.runs)
        last = max((c.number for c in captures if c.start < firing.end), default=number)
        during = [c for c in captures if c.start < firing.end and firing.start < c.end and c.table.num_rows]
        missing = FAILURES["another version" if during else "no data"].words
        outcome = _outcome(ctx, deployment, name, schedule, firing, table, last, missing)
        step = newest.end - newest.start
        execution = _execution(deployment.endpoint, one, schedule, table, outcome, step)
        _tell(ctx, execution, outcome)
        if module_of("monitors", schedule.kind).NEEDS_LABELS:
            ctx.emit(coverage(execution, last))
        told = name if name in shared else ""
        executions.append(execution)
        found += (replace(f, schedule=told, execution=len(executions)) for f in outcome.findings)
    return found, tuple(executions)


def rows_between(
    captures: Sequence[Captured], deployment: Deployment, start: datetime, end: datetime, now: datetime
) -> pa.Table:
    """Captured rows that the version in service answered at or after `start` and before `end`.

    Parameters
    ----------
    now
        A label that was collected at this moment or later is not known yet.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    clock = deployment.schema.event_time
    parts = []
    for captured in captures:
        if captured.version != deployment.version or captured.end <= start or captured.start >= end:
            continue
        table = captured.known_before(now)
        if captured.start < start or captured.end > end:
            at = captured.answered(clock)
            after = pc.greater_equal(at, pa.scalar(start, at.type))
            table = table.filter(pc.and_(after, pc.less(at, pa.scalar(end, at.type))))
        parts.append(table)
    if not parts:
        return captures[-1].known_before(now).slice(0, 0)
    return pa.concat_tables(parts, promote_options="permissive") if len(parts) > 1 else parts[0]


def _outcome(
    ctx: Context,
    deployment: Deployment,
    name: str,
    schedule: Schedule,
    firing: Firing,
    table: pa.Table,
    window: int,
    missing: str,
) -> Outcome:
    """What the monitor says; a period without rows to judge is a failed job, as on AWS."""
    if not table.num_rows:
        return Outcome((), failed=missing)
    if module_of("monitors", schedule.kind).NEEDS_LABELS and table["label"].null_count == table.num_rows:
        return Outcome((), failed=FAILURES["no labels"].words)
    _, execute = functions_of(schedule.kind)
    material = Material(
        table=table,
        window=window,
        start=firing.start,
        end=firing.end,
        now=firing.moment,
        endpoint=deployment.endpoint,
        schedule=name,
        seed=ctx.seed,
    )
    outcome: Outcome = execute(
        deployment, deployment.baselines[name], material, **settings_for(execute, schedule)
    )
    return outcome


def _execution(
    endpoint: str, one: Due, schedule: Schedule, table: pa.Table, outcome: Outcome, step: timedelta
) -> Execution:
    violations = sum(finding.breached for finding in outcome.findings)
    if outcome.failed:
        status, message = "Failed", outcome.failed
    else:
        status, message = ("CompletedWithViolations" if violations else "Completed"), completed(violations)
    return Execution(
        endpoint=endpoint,
        schedule=one.schedule,
        monitor=schedule.kind,
        scheduled=one.firing.moment,
        start=one.firing.start,
        end=one.firing.end,
        rows=table.num_rows,
        labelled=table.num_rows - table["label"].null_count,
        status=status,  # type: ignore[arg-type]
        violations=violations,
        message=message,
        files=outcome.files,
        datapoints=outcome.datapoints,
        made=len(outcome.findings),
        folder=f"{one.firing.moment:{_fine(schedule, step)}}",
        ran=one.runs,
    )


def _fine(schedule: Schedule, step: timedelta) -> str:
    """How finely folders of reports tell apart when a schedule fired: to the hour, as on AWS.

    Only one that runs at the end of every window can fire oftener.
    """
    if schedule.expression or step >= timedelta(hours=1):
        return "%Y/%m/%d/%H"
    return "%Y/%m/%d/%H/%M" if step >= timedelta(minutes=1) else "%Y/%m/%d/%H/%M/%S"


def _tell(ctx: Context, execution: Execution, outcome: Outcome) -> None:
    """Say what was executed, what it found and what it published."""
    ctx.emit(
        MonitoringExecuted(
            schedule=execution.schedule,
            monitor=execution.monitor,
            monitoring_type=module_of("monitors", execution.monitor).MONITORING_TYPE,
            status=execution.status,
            scheduled=execution.scheduled.isoformat(timespec="seconds"),
            start=execution.start.isoformat(timespec="seconds"),
            end=execution.end.isoformat(timespec="seconds"),
            rows=execution.rows,
            labelled=execution.labelled,
            violations=execution.violations,
            message=execution.message,
        )
    )
    for finding in outcome.findings:
        if finding.breached:
            ctx.emit(
                ConstraintViolated(
                    schedule=execution.schedule,
                    monitor=execution.monitor,
                    check=finding.check,
                    subject=finding.column,
                    description=outcome.descriptions.get(finding.alarm, ""),
                )
            )
    for fact in published(execution.datapoints):
        ctx.emit(fact)


def coverage(execution: Execution, window: int) -> MetricMeasured:
    """The share of the captured rows of an execution's period whose label it could know.

    It is `monitor.coverage.SCHEDULE`, told of every execution that needs labels; undefined where the
    period held no rows.
    """
    return MetricMeasured(
        metric=f"monitor.coverage.{execution.schedule}",
        value=execution.labelled / execution.rows if execution.rows else None,
        of_window=window,
        rows=execution.rows,
    )


def report_files(executions: Sequence[Execution]) -> Files:
    """Where an execution's report lies in a run's folder: `monitoring/ENDPOINT/SCHEDULE/yyyy/mm/dd/hh`.

    Minutes, and seconds, follow where windows are shorter than an hour or a minute.
    """
    return {
        f"monitoring/{execution.endpoint}/{execution.schedule}/{execution.folder}/{name}": body
        for execution in executions
        for name, body in execution.files.items()
    }
