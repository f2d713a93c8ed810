"""Features are joined as of each row's own time, split honestly, and the same in both stores."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from simlab.artifacts import Column, ValidRows, View
from simlab.engines import engine
from simlab.errors import SimlabError
from simlab.events import FeatureParityChecked
from simlab.stages.features import build_features, look_up_features, restore_features
from simlab.stages.validate import screen_window
from tests.stages.people import SCHEMA, START, context, deployment, lake, people, valid, window

pytestmark = pytest.mark.engine


def test_rows_are_split_at_random_in_the_asked_shares(tmp_path: Path) -> None:
    found = build_features(
        context("features", workdir=tmp_path)[0], valid(), valid=0.2, test=0.3, parity_rows=0
    )
    parts = found.table["split"].to_pylist()
    assert Counter(parts) == {"train": 200, "valid": 80, "test": 120}
    assert parts[:200] != ["train"] * 200, "not simply the first ones"
    assert found.baseline.num_rows == 200 and "split" not in found.baseline.column_names
    again = build_features(
        context("features", workdir=tmp_path / "b")[0], valid(), valid=0.2, test=0.3, parity_rows=0
    )
    assert again.table.equals(found.table)


def test_where_time_is_real_the_future_never_trains_what_is_tested_on_the_past(tmp_path: Path) -> None:
    rows = valid()
    shuffled = replace(
        rows, table=rows.table.take(pa.array(range(599, -1, -1))), schema=replace(SCHEMA, ordered=True)
    )
    found = build_features(context("features", workdir=tmp_path)[0], shuffled, serve_from="request")
    last: Any = None
    for part in ("train", "valid", "test"):
        times = found.table.filter(pc.equal(found.table["split"], part))["at"]
        ends = pc.min_max(times).as_py()
        assert last is None or last <= ends["min"]
        last = ends["max"]


def test_the_stores_agree_and_it_is_said(tmp_path: Path) -> None:
    ctx, said = context("features", workdir=tmp_path)
    build_features(ctx, valid(), parity_rows=50)
    assert said == [FeatureParityChecked(rows=50, differing=0, max_difference=0.0)]


@pytest.mark.parametrize("column", ["age", "job"])
def test_stores_that_disagree_stop_the_build(
    column: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feast = engine("feast")
    real = feast.replay_window

    def off_by_a_little(*given: Any, **more: Any) -> Any:
        found, written = real(*given, **more)
        values = found[column].to_pylist()
        values[3] = values[3] + 1e-9 if column == "age" else "baron"
        return found.set_column(found.column_names.index(column), column, pa.array(values)), written

    monkeypatch.setattr(feast, "replay_window", off_by_a_little)
    ctx, said = context("features", workdir=tmp_path)
    with pytest.raises(
        SimlabError, match="features differ between the offline and the online store in 1 values of 50 rows"
    ):
        build_features(ctx, valid(), parity_rows=50)
    assert [f.differing for f in said if isinstance(f, FeatureParityChecked)] == [1]


def with_mood() -> ValidRows:
    """People with a view of its own: their mood, measured twice before and once after their row."""
    rows = valid(lake(60, 20))
    view = View("moods", "id", (Column("mood", "numeric"),))
    schema = replace(SCHEMA, views=(*SCHEMA.views, view))
    ids, times = rows.table["id"].to_pylist(), rows.table["at"].to_pylist()
    updates = pa.table(
        {
            "id": pa.array(ids * 3),
            "at": pa.array(
                [t + timedelta(seconds=s) for s in (-9, -1, 1) for t in times], pa.timestamp("us")
            ),
            "mood": pa.array([float(s * 1000 + i) for s in (1, 2, 3) for i in ids]),
        }
    )
    return replace(rows, schema=schema, updates={"moods": updates})


def test_a_row_gets_what_was_known_at_its_own_time(tmp_path: Path) -> None:
    found = build_features(context("features", workdir=tmp_path)[0], with_mood(), parity_rows=20)
    moods = dict(zip(found.table["id"].to_pylist(), found.table["mood"].to_pylist(), strict=True))
    assert moods == {key: 2000.0 + key for key in moods}, (
        "neither the older value, nor the one from the future"
    )


def test_a_request_cannot_carry_what_only_a_store_knows(tmp_path: Path) -> None:
    served = replace(deployment(tmp_path), schema=with_mood().schema)
    screened = screen_window(context("validate", window=0)[0], served, window())
    with pytest.raises(SimlabError, match="serve_from: request needs every feature in the row"):
        look_up_features(
            context("features", window=0, workdir=tmp_path)[0], served, screened, serve_from="request"
        )


def test_both_ways_of_serving_give_the_same_features(tmp_path: Path) -> None:
    served = deployment(tmp_path)
    screened = screen_window(context("validate", window=0)[0], served, window())
    ctx, _ = context("features", window=0, workdir=tmp_path)
    online = look_up_features(ctx, served, screened, serve_from="online")
    plain = look_up_features(ctx, served, screened, serve_from="request")
    for name in ("inference_id", "age", "hours", "job"):
        assert online.table[name].to_pylist() == plain.table[name].to_pylist()


def test_a_restored_store_answers_as_the_one_that_was_lost(tmp_path: Path) -> None:
    rows = with_mood()
    served = replace(deployment(tmp_path), schema=rows.schema)
    early = (
        people(5, first=0).drop_columns(["y"]).set_column(1, "at", pa.array([START] * 5, pa.timestamp("us")))
    )
    first = replace(window(table=early), updates={"moods": rows.updates["moods"]})
    second = replace(
        window(
            1, table=early.set_column(1, "at", pa.array([START + timedelta(days=1)] * 5, pa.timestamp("us")))
        )
    )
    lived, restored = tmp_path / "lived", tmp_path / "restored"
    requests = []
    for folder in (lived, restored):
        for each in (first, second):
            screened = screen_window(context("validate", window=each.number)[0], served, each)
            ctx, _ = context("features", window=each.number, workdir=folder)
            if folder == restored and each is first:
                restore_features(ctx, requests[0])
            else:
                requests.append(look_up_features(ctx, served, screened))
    assert requests[1].table.equals(requests[2].table)
    assert requests[1].table["mood"].null_count == 0
