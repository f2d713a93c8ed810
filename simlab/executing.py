"""Executing: the scheduled monitors of one window, each on the rows its period holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simlab.artifacts import Deployment, Finding
from simlab.context import Context
from simlab.events import BaselineSuggested, ConstraintViolated, MonitoringExecuted
from simlab.monitors import Material, Outcome, completed
from simlab.publishing import published as published
from simlab.schedules import Firing, Schedule, firings
from simlab.signature import find, keywords, module_of, settings
from simlab.watched import Captured, Execution, Files

if TYPE_CHECKING:
    import pyarrow as pa

NO_DATA = "No data was captured in the period that the execution looks at."
NO_LABELS = "No captured inference of the period could be joined with ground truth."


def functions_of(monitor: str) -> tuple[Any, Any]:
    """A monitor's baseline job and its execution."""
    return module_of("monitors", monitor).suggest, find("monitors", monitor)


def settings_for(function: Any, schedule: Schedule) -> dict[str, Any]:
    """What a schedule sets on one of its monitor's two functions, typed."""
    values, _ = settings(functions_of(schedule.kind), schedule.settings, "")
    return {key: value for key, value in values.items() if key in keywords(function)}


def baseline_rows(deployment: Deployment) -> pa.Table:
    """The baseline with its columns named as a capture's: features, `prediction` and `label`."""
    table = deployment.baseline
    target = deployment.schema.target
    if "label" not in table.column_names and target in table.column_names:
        table = table.rename_columns(["label" if n == target else n for n in table.column_names])
    return table


def suggested(
    ctx: Context, deployment: Deployment, schedules: Mapping[str, Schedule]
) -> dict[str, dict[str, bytes]]:
    """The baseline files of every schedule, by its name."""
    if not schedules:
        return {}
    rows = ctx.seam("monitor.baseline", baseline_rows(deployment))
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


def due(schedules: Mapping[str, Schedule], captured: Captured, first: bool) -> list[tuple[str, Firing]]:
    """Which schedules fire in a window, in the order of their moments and then of their names."""
    return sorted(
        (
            (name, firing)
            for name, schedule in schedules.items()
            for firing in firings(schedule, captured.start, captured.end, first)
        ),
        key=lambda found: (found[1].moment, found[0]),
    )


def executed(
    ctx: Context,
    deployment: Deployment,
    schedules: Mapping[str, Schedule],
    captures: Sequence[Captured],
) -> tuple[list[Finding], tuple[Execution, ...]]:
    """Run every schedule that fires in the newest window; the findings, and the executions.

    Parameters
    ----------
    captures
        What was captured, oldest window first, with every label that is known by now; the newest is the
        window that just ended.
    """
    found: list[Finding] = []
    executions = []
    newest = captures[-1]
    for name, firing in ctx.seam("monitor.schedule", due(schedules, newest, newest.number == 0)):
        schedule = schedules[name]
        table = rows_between(captures, deployment, firing.start, firing.end)
        outcome = _outcome(ctx, deployment, name, schedule, firing, table, newest.number)
        execution = _execution(deployment.endpoint, name, schedule, firing, table, outcome)
        _tell(ctx, execution, outcome)
        found += outcome.findings
        executions.append(execution)
    return found, tuple(executions)


def rows_between(
    captures: Sequence[Captured], deployment: Deployment, start: datetime, end: datetime
) -> pa.Table:
    """Captured rows that the version in service answered at or after `start` and before `end`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    clock = deployment.schema.event_time
    parts = []
    for captured in captures:
        if captured.version != deployment.version or captured.end <= start or captured.start >= end:
            continue
        table = captured.table
        if captured.start < start or captured.end > end:
            kind = table[clock].type
            after = pc.greater_equal(table[clock], pa.scalar(start, kind))
            table = table.filter(pc.and_(after, pc.less(table[clock], pa.scalar(end, kind))))
        parts.append(table)
    if not parts:
        return captures[-1].table.slice(0, 0)
    return pa.concat_tables(parts, promote_options="permissive") if len(parts) > 1 else parts[0]


def _outcome(
    ctx: Context,
    deployment: Deployment,
    name: str,
    schedule: Schedule,
    firing: Firing,
    table: pa.Table,
    window: int,
) -> Outcome:
    """What the monitor says; a period without rows to judge is a failed job, as on AWS."""
    if not table.num_rows:
        return Outcome((), failed=NO_DATA)
    if module_of("monitors", schedule.kind).NEEDS_LABELS and table["label"].null_count == table.num_rows:
        return Outcome((), failed=NO_LABELS)
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
    endpoint: str, name: str, schedule: Schedule, firing: Firing, table: pa.Table, outcome: Outcome
) -> Execution:
    violations = sum(finding.breached for finding in outcome.findings)
    if outcome.failed:
        status, message = "Failed", outcome.failed
    else:
        status, message = ("CompletedWithViolations" if violations else "Completed"), completed(violations)
    return Execution(
        endpoint=endpoint,
        schedule=name,
        monitor=schedule.kind,
        scheduled=firing.moment,
        start=firing.start,
        end=firing.end,
        rows=table.num_rows,
        labelled=table.num_rows - table["label"].null_count,
        status=status,  # type: ignore[arg-type]
        violations=violations,
        message=message,
        files=outcome.files,
        datapoints=outcome.datapoints,
    )


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


def report_files(executions: Sequence[Execution]) -> Files:
    """Where an execution's report lies in a run's folder: `monitoring/ENDPOINT/SCHEDULE/yyyy/mm/dd/hh`."""
    return {
        f"monitoring/{execution.endpoint}/{execution.schedule}/{execution.scheduled:%Y/%m/%d/%H}/{name}": body
        for execution in executions
        for name, body in execution.files.items()
    }
