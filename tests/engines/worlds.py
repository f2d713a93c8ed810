"""Small feature sets that the engine tests share."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from simlab.artifacts import Column, FeatureSet, Problem, Schema, View


def schema(numeric: tuple[str, ...], categorical: tuple[str, ...], problem: Problem = "binary") -> Schema:
    columns = (
        *(Column(name, "numeric") for name in numeric),
        *(Column(name, "categorical") for name in categorical),
    )
    view = View("rows", "id", columns, from_rows=True)
    return Schema(problem, "y", "id", "at", columns, views=(view,))


def features(problem: Problem = "binary", rows: int = 600, missing: float = 0.1, seed: int = 0) -> FeatureSet:
    """People: the older earn more, more so in town; one value in ten is unknown."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, rows).astype(float)
    hours = rng.normal(40, 10, rows)
    place = rng.choice(["farm", "town", "village", "wood", "lake", "shore"], rows)
    job = rng.choice(["baker", "clerk"], rows)
    value = age / 20 + (place == "town") * 2 + (job == "clerk") + rng.normal(0, 0.5, rows)
    y = (value > 3.5).astype(float) if problem == "binary" else value
    gone = rng.random((4, rows)) < missing
    table = pa.table(
        {
            "age": pa.array(age, mask=gone[0]),
            "hours": pa.array(hours, mask=gone[1]),
            "place": pa.array(place, pa.string(), mask=gone[2]),
            "job": pa.array(job, pa.string(), mask=gone[3]),
            "y": y,
            "split": rng.choice(["train", "valid", "test"], rows, p=[0.6, 0.2, 0.2]),
        }
    )
    return FeatureSet(table, schema(("age", "hours"), ("place", "job"), problem), (), table)
