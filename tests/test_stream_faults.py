"""Faults in a living stream: views told too late, rows that come twice or late, columns that stop coming."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from simlab.artifacts import Column, History, View, Window
from simlab.checking import check
from simlab.scenario import Clock, Injection, World
from simlab.screening import judge_columns, screen
from simlab.story import source_of
from simlab.stream import Source
from tests.test_stream import SCHEMA, START, Kept, answer, make, scenario, source, windows

SHIPPED = sorted((Path(__file__).parent.parent / "scenarios").glob("*.yaml"))
HOURLY = (Column("temp", "numeric"),)
WEATHER = View("weather", "place", HOURLY)
TIDE = View("tide", "place", (Column("level", "numeric"),))


def with_views() -> Source:
    """Rows with a weather report every hour and a tide every three, from ten days before the start on."""
    rows = source(ordered=True)
    at = [START + timedelta(hours=h) for h in range(-240, 24 * 30)]
    views = {
        view.name: pa.table(
            {
                "place": pa.array(["pier"] * len(at[::every]), pa.string()),
                "at": pa.array(at[::every], pa.timestamp("us")),
                view.columns[0].name: np.arange(float(len(at[::every]))),
            }
        )
        for view, every in ((WEATHER, 1), (TIDE, 3))
    }
    schema = replace(rows.schema, views=(*rows.schema.views, WEATHER, TIDE), keys=("place",))
    return replace(rows, views=views, schema=schema)


def stale(lag: str = "30h", **more: Any) -> Injection:
    view = more.pop("view", None)
    return Injection(id="stale", kind="stale_features", settings={"lag": lag, "view": view}, **more)


def told(*injections: Injection, windows: int = 8) -> tuple[list[Window], Kept]:
    given = scenario(
        inject=injections,
        clock=Clock(start=START, windows=windows, rows=100),
        world=World(order="replay", training=200, baseline_rows=100),
    )
    stream, kept = make(given, with_views())
    found = [stream.next(History()) for _ in range(windows)]
    return [window for window in found if window is not None], kept


def moments(window: Window, view: str) -> list[datetime]:
    found: list[datetime] = window.updates[view]["at"].to_pylist()
    return found


# --- views told too late ------------------------------------------------------------------------


@pytest.mark.parametrize("lag", ["0s", "90m", "6h", "24h", "30h", "100h"])
@pytest.mark.parametrize(
    "shape", ["sudden", {"linear": 3}, {"steps": {0: 1.0, 1: 0.2, 2: 0.9}}], ids=["sudden", "linear", "steps"]
)
def test_no_update_is_lost_and_none_comes_twice(lag: str, shape: Any) -> None:
    late, _ = told(stale(lag, start=2, end=5, shape=shape))
    plain, _ = told()
    for view in ("weather", "tide"):
        here = [moment for window in late for moment in moments(window, view)]
        assert here == [moment for window in plain for moment in moments(window, view)]
        assert here == sorted(set(here))


def test_a_view_is_told_as_much_too_late_as_it_says() -> None:
    late, kept = told(stale("6h", start=2, end=5))
    plain, _ = told()
    newest = [max(moments(window, "weather"), default=None) for window in late]
    on_time = [max(moments(window, "weather")) for window in plain]
    gaps = [None if a is None else b - a for a, b in zip(newest, on_time, strict=True)]
    assert gaps == [timedelta(hours=6 if 2 <= n < 5 else 0) for n in range(8)]
    facts = kept.injected()
    assert [fact.window for fact in facts] == [2, 3, 4]
    assert [fact.rows for fact in facts] == [6 + 2] * 3, "six reports and two tides were held back"
    assert all(f.measured == {"lag of weather, in hours": 6.0, "lag of tide, in hours": 6.0} for f in facts)
    assert all(f.size is not None and f.size.declared == f.size.measured == 6.0 for f in facts)


def test_a_lag_longer_than_a_window_leaves_windows_without_news_and_ends_with_a_flood() -> None:
    late, _ = told(stale("30h", start=2, end=5))
    assert [len(moments(window, "weather")) for window in late][1:] == [24, 0, 18, 24, 54, 24, 24]


def test_a_lag_from_the_first_window_on_keeps_back_what_the_store_would_have_known() -> None:
    late, _ = told(stale("30h"))
    plain, _ = told()
    assert len(moments(plain[0], "weather")) - len(moments(late[0], "weather")) == 30
    assert [len(moments(window, "weather")) for window in late][1:] == [24] * 7


def test_only_the_view_that_is_named_is_late() -> None:
    late, kept = told(stale("6h", start=2, end=5, view="tide"))
    plain, _ = told()
    assert [w.updates["weather"] for w in late] == [w.updates["weather"] for w in plain]
    assert [w.updates["tide"] for w in late] != [w.updates["tide"] for w in plain]
    assert [fact.rows for fact in kept.injected()] == [2, 2, 2]


def test_a_retrain_knows_what_the_online_store_was_not_told() -> None:
    given = scenario(inject=(stale("100h"),), world=World(order="replay", training=200, baseline_rows=100))
    rows = make(given, with_views())[0].training()
    assert rows.updates["weather"].equals(
        make(scenario(world=given.world), with_views())[0].training().updates["weather"]
    )


# --- rows that come twice, or late --------------------------------------------------------------


def findings(window: Window, key_per_row: bool = True) -> dict[str, tuple[float, bool]]:
    window = replace(window, schema=replace(window.schema, key_per_row=key_per_row))
    found = judge_columns(window, screen(window.table, window.schema, ()), (), 0.05)
    return {f.check: (f.value or 0.0, f.breached) for f in found if f.check in ("lateness", "duplicates")}


def test_rows_of_a_quiet_world_are_neither_late_nor_repeated() -> None:
    for window in (*windows(scenario()), *told()[0]):
        assert set(findings(window).values()) == {(0.0, False)}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_no_shipped_world_has_late_or_repeated_rows_of_its_own(path: Path) -> None:
    ready = check(path)
    given = ready.scenario.model_copy(update={"inject": ()})
    stream, _ = make(given, source_of(ready))
    # Where the source has no key of its own, the place in its file is one.
    assert ready.schema.key_per_row == ready.card.entity.simulated
    lived = [stream.next(History()) for _ in range(given.clock.windows)]
    for window in lived:
        assert window is not None and window.table.num_rows
        assert set(findings(window, ready.schema.key_per_row).values()) == {(0.0, False)}


def test_late_rows_are_noticed_where_they_reach_into_another_window() -> None:
    late = Injection(id="late", kind="delay_rows", start=3, settings={"share": 0.25, "by": "2d"})
    found = [findings(window)["lateness"] for window in windows(scenario(inject=(late,)))]
    assert [breached for _, breached in found] == [False] * 3 + [True] * 3
    assert all(0.1 < share < 0.4 for share, _ in found[3:])


def test_a_row_that_comes_again_is_noticed_where_every_row_has_a_key_of_its_own() -> None:
    twice = Injection(id="twice", kind="duplicate_rows", start=3, settings={"share": 0.25})
    lived = windows(scenario(inject=(twice,)))
    assert [findings(window)["duplicates"][1] for window in lived] == [False] * 3 + [True] * 3
    assert "duplicates" not in findings(lived[3], key_per_row=False), "guests of one table share its key"
    assert [window.table.num_rows for window in lived[:3]] == [100] * 3
    assert all(110 <= window.table.num_rows <= 140 for window in lived[3:])


def test_a_copy_is_answered_and_labelled_as_its_row_is() -> None:
    twice = Injection(id="twice", kind="duplicate_rows", settings={"share": 1.0, "gap": "5m"})
    stream, kept = make(scenario(inject=(twice,)))
    window = stream.next(History())
    assert window is not None and window.table.num_rows == 200
    answer(stream, kept, window)
    due = stream.labels_due(0).table
    assert due.num_rows > 190  # those that come after the window's end are labelled in the next
    labels = dict(zip(due["inference_id"].to_pylist(), due["label"].to_pylist(), strict=True))
    ids, keys = window.table["inference_id"].to_pylist(), window.table["id"].to_pylist()
    first = {key: labels[i] for i, key in zip(ids[:100], keys[:100], strict=True)}
    assert all(labels[i] == first[key] for i, key in zip(ids[100:], keys[100:], strict=True) if i in labels)


# --- columns that stop coming -------------------------------------------------------------------


def test_what_is_done_to_a_column_that_no_longer_comes_is_nothing() -> None:
    gone = Injection(id="a-gone", kind="drop_column", start=2, settings={"column": "age"})
    after = Injection(id="b-after", kind="set_missing", start=1, settings={"column": "age"})
    stream, kept = make(scenario(inject=(gone, after)))
    lived = [stream.next(History()) for _ in range(3)]
    assert ["age" in window.table.column_names for window in lived if window] == [True, True, False]
    assert lived[1] is not None and lived[1].table["age"].null_count > 0
    said = {(fact.injection, fact.window): fact.size for fact in kept.injected()}
    assert set(said) == {("b-after", 1), ("a-gone", 2), ("b-after", 2)}


def test_a_condition_knows_people_as_they_are_also_where_a_column_no_longer_comes() -> None:
    gone = Injection(id="gone", kind="drop_column", settings={"column": "age"})
    twice = Injection(id="twice", kind="duplicate_rows", where="age > 0", settings={"share": 1.0})
    assert [window.table.num_rows for window in windows(scenario(inject=(gone, twice)))] == [200] * 6


def test_a_condition_knows_people_as_they_are_also_where_numbers_were_sent_as_text() -> None:
    quoted = Injection(id="quoted", kind="retype_column", fraction=0.5, settings={"column": "age"})
    twice = Injection(id="twice", kind="duplicate_rows", where="age > 0", settings={"share": 1.0})
    lived = windows(scenario(inject=(quoted, twice)))
    assert [window.table.num_rows for window in lived] == [200] * 6


@pytest.mark.parametrize(
    "kind", ["drop_column", "retype_column", "rename_column", "set_sentinel", "leak_target"]
)
def test_training_rows_can_be_hurt_and_the_baseline_is_not(kind: str) -> None:
    given: dict[str, Any] = {"column": "age"}
    given |= {"rename_column": {"to": "years"}, "set_sentinel": {"value": "n/a"}}.get(kind, {})
    hurt = Injection(id="hurt", kind=kind, on="training", settings=given)
    stream, _ = make(scenario(inject=(hurt,)))
    table = stream.training().table
    plain = make(scenario())[0].training().table
    parts = {
        name: screen(rows.filter(pa.compute.equal(rows["split"], "baseline")), SCHEMA, ()).table["age"]
        for name, rows in (("hurt", table), ("plain", plain))
    }
    assert parts["hurt"].equals(parts["plain"])
    history = [
        screen(rows.filter(pa.compute.equal(rows["split"], "history")), SCHEMA, ()).table
        for rows in (table, plain)
    ]
    assert not history[0].equals(history[1])
