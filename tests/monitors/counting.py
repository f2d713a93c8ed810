"""Somebody else's monitor: how many rows its period held, and how many of them were labelled."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from simlab.artifacts import Deployment, Finding
from simlab.monitors import Material, Outcome
from simlab.watched import Datapoint
from simlab.wire import as_json

MONITORING_TYPE = "DataQuality"
NEEDS_LABELS = False
TOLD = ("rows_check",)


def suggest(model: Deployment, rows: pa.Table, *, share: float = 0.5) -> Mapping[str, bytes]:
    """At least so many rows as a share of the baseline's."""
    return {"constraints.json": as_json({"rows": round(rows.num_rows * share)})}


def counts(
    model: Deployment, baseline: Mapping[str, bytes], material: Material, *, at_least: int = 0
) -> Outcome:
    """Count rows."""
    rows = material.table.num_rows
    finding = Finding(
        "counts", "rows_check", "rows", "count", rows, at_least, rows < at_least, material.window
    )
    labelled = rows - material.table["label"].null_count
    return Outcome(
        (finding,),
        {finding.alarm: f"{rows} rows where {at_least} were wanted"},
        {"counts.json": as_json({"rows": rows, "labelled": labelled})},
        (Datapoint.of("simlab", "rows", material.dimensions, float(rows), "Count"),),
    )
