"""Rollback: decide whether the version before was better, from what is known by now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.artifacts import Deployment, History, Rollback
from simlab.context import Context
from simlab.engines import engine
from simlab.events import VersionsCompared
from simlab.statistics.paired import ROW_METRICS, RowMetric, bootstrap, row_losses

if TYPE_CHECKING:
    import pyarrow as pa


def plan_rollback(
    ctx: Context,
    deployment: Deployment,
    previous: Deployment,
    history: History,
    *,
    windows: Annotated[int, Field(ge=0, le=1000)] = 0,
    metric: RowMetric | None = None,
    worse_by: Annotated[float, Field(ge=0)] = 0.0,
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95,
    rows: Annotated[int, Field(ge=10)] = 200,
    repeats: Annotated[int, Field(ge=100, le=100_000)] = 4000,
) -> Rollback | None:
    """Compare a version that took over with the one before it; it decides, and the lifecycle acts.

    Both answer the same live rows: those that were captured since the new version took over, and whose
    labels are known by now. The version before has never seen them, and neither has the new one, which was
    built earlier. The paired bootstrap of the difference, one-sided, is looked at once in each window; each
    look has its share of what the confidence leaves (Bonferroni), so that a version that is no worse is
    taken out of service by chance at most that often.

    Parameters
    ----------
    windows
        Windows after a new version took over in which it is watched; 0 for none. Make it longer than labels
        take to arrive. It needs `stages.capture.enable`.
    metric
        What they are compared by; `log_loss` or `mae` when not said.
    worse_by
        Share of the earlier version's loss (with `accuracy`: of its wrong answers) by which the new one may
        be worse.
    confidence
        How sure one must be that it is worse by more than that, over all looks together.
    rows
        Labelled rows without which nothing is concluded.
    repeats
        Resamples of the bootstrap.
    """
    import numpy as np

    known = labelled_rows(deployment, history)
    if known is None or known.num_rows < rows or not windows:
        return None
    name: RowMetric = metric or ROW_METRICS[deployment.problem][0]
    truth = np.asarray(known["label"].to_numpy(), float)
    ours = known["prediction"].to_numpy()
    theirs = engine("onnxruntime").score(previous.onnx, known)
    found = bootstrap(
        row_losses(name, truth, ours, deployment.threshold),
        row_losses(name, truth, theirs, previous.threshold),
        rng=ctx.rng("rollback"),
        metric=name,
        factor=1 + worse_by,
        confidence=confidence,
        repeats=repeats,
    )
    worse = found.p <= (1 - confidence) / windows
    ctx.emit(
        VersionsCompared(
            version=deployment.version,
            previous=previous.version,
            metric=name,
            difference=found.difference,
            low=found.low,
            high=found.high,
            p=found.p,
            rows=found.rows,
            worse=worse,
        )
    )
    if not worse:
        return None
    allowed = f" more than {worse_by:.0%}" if worse_by else ""
    return Rollback(
        version=previous.version,
        why=(
            f"{name} of version {deployment.version} is{allowed} worse than version {previous.version}'s on "
            f"{found.rows} labelled rows that both answered (p {found.p:.2g})"
        ),
    )


def labelled_rows(deployment: Deployment, history: History) -> pa.Table | None:
    """Captured rows that a version answered and whose labels are known by now; None where there are none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [
        captured.table.filter(pc.is_valid(captured.table["label"]))
        for captured in history.captures
        if captured.version == deployment.version
    ]
    parts = [part for part in parts if part.num_rows]
    return pa.concat_tables(parts, promote_options="permissive") if parts else None
