"""A small world for the stage tests: people, what they work, and whether they earn much."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from simlab.artifacts import (
    Column,
    Deployment,
    LakeRows,
    Request,
    Schema,
    ScreenedWindow,
    ValidRows,
    View,
    Window,
)
from simlab.context import Context
from simlab.events import Event
from simlab.stages.approve import approve_version
from simlab.stages.bias import measure_bias
from simlab.stages.deploy import deploy_model
from simlab.stages.evaluate import evaluate_model
from simlab.stages.features import build_features
from simlab.stages.register import register_model
from simlab.stages.train import train_model
from simlab.stages.tune import tune_params
from simlab.stages.validate import validate_rows

START = datetime(2026, 1, 5)
COLUMNS = (Column("age", "numeric"), Column("hours", "numeric"), Column("job", "categorical"))
SCHEMA = Schema(
    "binary", "y", "id", "at", COLUMNS, views=(View("people", "id", COLUMNS, from_rows=True),), ordered=False
)


def context(
    stage: str, window: int | None = None, ordinal: int = 0, workdir: Path = Path()
) -> tuple[Context, list[Event]]:
    """A stage's context, and the facts it will say."""
    said: list[Event] = []
    return Context(stage, window, seed=7, emit=said.append, workdir=workdir, ordinal=ordinal), said


def people(count: int, seed: int = 0, first: int = 0) -> pa.Table:
    """Rows as they arrive: the older and the longer at work, the likelier to earn much."""
    rng = np.random.default_rng(seed)
    age, hours = rng.uniform(18, 70, count), rng.normal(40, 8, count)
    job = rng.choice(["baker", "clerk", "smith"], count)
    odds = (age - 44) / 8 + (hours - 40) / 8 + (job == "clerk")
    return pa.table(
        {
            "id": pa.array(np.arange(first, first + count)),
            "at": pa.array([START - timedelta(minutes=count - i) for i in range(count)], pa.timestamp("us")),
            "age": pa.array(age),
            "hours": pa.array(hours),
            "job": pa.array(job, pa.string()),
            "y": pa.array((rng.random(count) < 1 / (1 + np.exp(-odds))).astype(float)),
        }
    )


def lake(history: int = 400, baseline: int = 200, schema: Schema = SCHEMA) -> LakeRows:
    """Labelled rows in the lake, the last of them the monitors' baseline."""
    split = ["history"] * history + ["baseline"] * baseline
    table = people(history + baseline).append_column("split", pa.array(split))
    return LakeRows(table=table, schema=schema, source="by hand", version=1)


def valid(rows: LakeRows | None = None) -> ValidRows:
    return validate_rows(context("validate")[0], rows or lake())


def deployment(tmp_path: Path, rounds: int = 15) -> Deployment:
    """A model in service, built by the stages themselves."""
    features = build_features(context("features", workdir=tmp_path)[0], valid(), serve_from="request")
    params = tune_params(context("tune")[0], features, "lightgbm", trials=0)
    model = train_model(context("train")[0], features, params, rounds=rounds)
    scores = evaluate_model(context("evaluate")[0], model, features, repeats=20)
    bias = measure_bias(context("bias")[0], model, features)
    version = register_model(context("register")[0], model, scores, features, params, bias)
    approved = approve_version(context("approve")[0], version, better_than="nothing")
    return deploy_model(context("deploy")[0], approved, None)  # type: ignore[arg-type]


def window(number: int = 0, count: int = 60, table: pa.Table | None = None) -> Window:
    """A window of traffic: no label."""
    shown = (
        people(count, seed=100 + number, first=10_000 * (number + 1)).drop_columns(["y"])
        if table is None
        else table
    )
    if "inference_id" not in shown.column_names:
        shown = shown.add_column(0, "inference_id", shown["id"])
    start = START + timedelta(days=number)
    return Window(number=number, start=start, end=start + timedelta(days=1), table=shown, schema=SCHEMA)


def request(screened: ScreenedWindow) -> Request:
    names = ["inference_id", "at", "age", "hours", "job"]
    return Request(number=screened.number, table=screened.table.select(names), schema=SCHEMA)
