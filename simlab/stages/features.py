"""Features: point-in-time correct for training, from the online store when serving, one definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simlab.artifacts import WEIGHT, Deployment, FeatureSet, Request, ScreenedWindow, ValidRows
from simlab.context import Context
from simlab.engines import engine
from simlab.errors import SimlabError
from simlab.events import FeatureParityChecked

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

ServeFrom = Literal["online", "request"]


def build_features(
    ctx: Context,
    rows: ValidRows,
    *,
    serve_from: ServeFrom = "online",
    valid: float = 0.2,
    test: float = 0.2,
    parity_rows: int = 200,
) -> FeatureSet:
    """Join features to training rows as of each row's own time, and check that serving would agree.

    Rows are split into train, valid and test: by time where the dataset's clock is real, else at
    random, with all rows of an entity in the same part.

    Parameters
    ----------
    serve_from
        `online`: requests carry an entity key and features are read from the online store;
        `request`: the request carries the features itself.
    valid, test
        Shares of rows to tune on and to evaluate on.
    parity_rows
        How many rows are read through both stores and compared; 0 skips the comparison.

    Raises
    ------
    SimlabError
        The two stores disagree on a feature.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    schema = rows.schema
    feast = engine("feast")
    table = rows.table
    also = [name for name in ("split", WEIGHT) if name in table.column_names]
    joined = feast.join_training(schema, table.drop_columns(also), rows.updates, ctx.workdir / "offline")
    for name in also:
        joined = joined.append_column(name, table[name])
    if serve_from == "online" and parity_rows:
        _check_parity(ctx, rows, joined, parity_rows)
    baseline, held_out = (
        joined.filter(pc.equal(joined["split"], name)).drop_columns(also) for name in ("baseline", "held_out")
    )
    history = joined.filter(pc.equal(joined["split"], "history")).drop_columns(["split"])
    if schema.ordered:
        history = history.sort_by(schema.event_time)
    part = _parts(ctx, history[schema.entity], schema.ordered, valid, test)
    history = history.append_column("split", pa.array(part))
    return FeatureSet(
        table=history,
        schema=schema,
        constraints=rows.constraints,
        baseline=baseline if baseline.num_rows else history.drop_columns(also),
        held_out=held_out if held_out.num_rows else None,
    )


def _parts(ctx: Context, entities: pa.ChunkedArray, ordered: bool, valid: float, test: float) -> list[str]:
    """The part of each row.

    The future never trains a model that is tested on the past, nor a row one that is tested on its copy.
    """
    import numpy as np

    rows = len(entities)
    place = np.arange(rows)
    if not ordered:
        keys = entities.combine_chunks().dictionary_encode()
        rows = len(keys.dictionary)
        place = ctx.rng("split").permutation(rows)[keys.indices.to_numpy()]
    tested, tuned = round(rows * (1 - test)), round(rows * (1 - test - valid))
    parts: list[str] = np.where(place < tuned, "train", np.where(place < tested, "valid", "test")).tolist()
    return parts


def _check_parity(ctx: Context, rows: ValidRows, joined: pa.Table, count: int) -> None:
    """Read some rows through the online store and compare with the point-in-time join."""
    import numpy as np
    import pyarrow as pa

    schema = rows.schema
    # Neighbours in time, as a window's rows are: the store is brought up to date once, not once a row.
    order = np.argsort(rows.table[schema.event_time].to_numpy(), kind="stable")
    first = int(ctx.rng("parity").integers(0, max(1, len(order) - count)))
    picked = pa.array(order[first : first + count])
    sample = rows.table.take(picked)
    sample = sample.drop_columns([n for n in ("split", WEIGHT, schema.target) if n in sample.column_names])
    wanted = joined.take(picked)
    folder = ctx.workdir / "parity"
    # What an earlier build left in the store is newer than these rows, and the store has no past.
    found, _ = engine("feast").replay_window(schema, sample, rows.updates, folder, forget=True)
    differing, largest = 0, 0.0
    for column in schema.features:
        left, right = wanted[column.name].combine_chunks(), found[column.name].combine_chunks()
        if column.kind == "numeric":
            a, b = left.to_numpy(zero_copy_only=False), right.to_numpy(zero_copy_only=False)
            apart = ~((a == b) | (_nan(a) & _nan(b)))
            gaps = np.abs(a - b)[apart]
            largest = max(largest, float(np.nanmax(gaps)) if gaps.size and not np.isnan(gaps).all() else 0.0)
            differing += int(apart.sum())
        else:
            differing += sum(x != y for x, y in zip(left.to_pylist(), right.to_pylist(), strict=True))
    ctx.emit(FeatureParityChecked(rows=sample.num_rows, differing=differing, max_difference=largest))
    if differing:
        raise SimlabError(
            f"features differ between the offline and the online store in {differing} values of "
            f"{sample.num_rows} rows: the model would be served other features than it learned from"
        )


def _nan(values: np.ndarray) -> np.ndarray:
    import numpy as np

    found: np.ndarray = np.isnan(values)
    return found


def look_up_features(
    ctx: Context, deployment: Deployment, window: ScreenedWindow, *, serve_from: ServeFrom = "online"
) -> Request:
    """Write a window's fresh values to the online store and read every row's features back by key."""
    schema = deployment.schema
    if serve_from == "online":
        found, written = engine("feast").replay_window(
            schema, window.table, window.updates, ctx.workdir / "online"
        )
    else:
        if any(not view.from_rows for view in schema.views):
            raise SimlabError(
                "serve_from: request needs every feature in the row; this dataset has feature views"
            )
        found, written = window.table, {}
    names = ["inference_id", schema.event_time, *(c.name for c in schema.features)]
    present = set(found.column_names)
    found = found.select([n for n in names if n in present])
    if "inference_id" not in present:
        found = found.add_column(0, "inference_id", window.table["inference_id"])
    return Request(number=window.number, table=found, schema=schema, view_rows=written)


def restore_features(ctx: Context, request: Request) -> None:
    """Write a recorded window to the online store again, without reading it back."""
    if request.view_rows:
        engine("feast").push(request.schema, request.view_rows, ctx.workdir / "online")
