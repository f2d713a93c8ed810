"""Validate: rows meet the schema and the constraints learned from them, or are set aside."""

from __future__ import annotations

from simlab.artifacts import Deployment, LakeRows, ScreenedWindow, ValidRows, Window
from simlab.context import Context
from simlab.errors import SimlabError
from simlab.events import MetricMeasured, RowsRejected
from simlab.screening import judge_columns, learn_constraints, screen


def validate_rows(
    ctx: Context, rows: LakeRows, *, slack: float = 0.1, nullable_from: float = 0.001
) -> ValidRows:
    """Learn constraints from the baseline rows and set bad training rows aside.

    Parameters
    ----------
    slack
        How far outside the learned range, as a share of its width, a number may still lie.
    nullable_from
        Share of missing values in the baseline from which a missing value is acceptable.

    Raises
    ------
    SimlabError
        Fewer than 50 rows are left to train on.
    """
    import pyarrow.compute as pc

    table = rows.table
    schema = rows.schema
    # Training rows are judged by type alone: their own range is what is being learned.
    screened = screen(table, schema, ())
    kept = screened.table
    for reason in screened.reasons:
        ctx.emit(
            RowsRejected(column=reason.column, reason=reason.reason, rows=reason.rows, of=table.num_rows)
        )
    baseline = kept.filter(pc.equal(kept["split"], "baseline"))
    learned = learn_constraints(
        baseline if baseline.num_rows else kept, schema, slack=slack, nullable_from=nullable_from
    )
    usable = kept.filter(pc.equal(kept["split"], "history")).num_rows
    if usable < 50:
        raise SimlabError(f"only {usable} rows are left to train on after validation; at least 50 are needed")
    return ValidRows(
        table=kept,
        schema=schema,
        constraints=learned,
        rejected=table.num_rows - kept.num_rows,
        updates=rows.updates,
    )


def screen_window(
    ctx: Context, deployment: Deployment, window: Window, *, domain_share: float = 0.05
) -> ScreenedWindow:
    """Set aside a window's rows that the model must not see, with reasons, and count them.

    A row is set aside when a column is missing or of the wrong type. Values outside the learned
    range or domain are let through and reported as findings.

    Parameters
    ----------
    domain_share
        Share of a column's values outside its learned range or domain above which that is a finding.
    """
    found = screen(window.table, window.schema, deployment.constraints)
    for reason in found.reasons:
        ctx.emit(
            RowsRejected(
                column=reason.column, reason=reason.reason, rows=reason.rows, of=window.table.num_rows
            )
        )
    ctx.emit(
        MetricMeasured(metric="validate.rejected", value=found.quarantine.num_rows, of_window=window.number)
    )
    return ScreenedWindow(
        number=window.number,
        start=window.start,
        end=window.end,
        table=found.table,
        quarantine=found.quarantine,
        reasons=found.reasons,
        findings=judge_columns(window, found, deployment.constraints, domain_share),
        arrived=window.table.num_rows,
        updates=window.updates,
    )
