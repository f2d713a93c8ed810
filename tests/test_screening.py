"""Which rows meet a schema: types, completeness and domains, whatever the senders sent."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.artifacts import Column, Constraint, Schema, View, Window
from simlab.screening import judge_columns, learn_constraints, screen

COLUMNS = (Column("x", "numeric"), Column("job", "categorical"))
SCHEMA = Schema("binary", "y", "id", "at", COLUMNS, views=(View("v", "id", COLUMNS, from_rows=True),))
STRICT = (Constraint("x", "numeric", 1.0, False), Constraint("job", "categorical", 1.0, False))


def table(x: Any, job: Any = None) -> pa.Table:
    return pa.table(
        {"id": pa.array(range(len(x))), "x": x, "job": pa.array(["baker"] * len(x)) if job is None else job}
    )


@pytest.mark.parametrize(
    ("values", "kept", "wrong"),
    [
        (pa.array(["1", "2.5", "-3e2", ".5", "+7."]), [1.0, 2.5, -300.0, 0.5, 7.0], 0),
        (pa.array(["1,400", "12%", "$3", "", " 1", "nan", "0x1F", "1_000"]), [], 8),
        (pa.array([1, 2, None], pa.int32()), [1.0, 2.0, None], 0),
        (pa.array([True, False]), [1.0, 0.0], 0),
        (pa.array([None, None], pa.null()), [None, None], 0),
        (pa.array(["5", None, "x"]).dictionary_encode(), [5.0, None], 1),
    ],
)
def test_numbers_are_what_a_plain_parser_takes(values: pa.Array, kept: list[Any], wrong: int) -> None:
    found = screen(table(values), SCHEMA, ())
    assert found.table["x"].to_pylist() == kept and found.table["x"].type == pa.float64()
    assert (found.retyped["x"], found.quarantine.num_rows) == (wrong, wrong)


def test_a_number_where_a_name_belongs_is_refused() -> None:
    found = screen(table([1.0, 2.0], pa.array([3, None])), SCHEMA, ())
    assert [(r.column, r.reason, r.rows) for r in found.reasons] == [("job", "not text", 1)]
    assert found.table["job"].to_pylist() == [None]


def test_missing_values_are_refused_only_where_the_constraints_say_so() -> None:
    rows = table([1.0, None, 3.0])
    assert screen(rows, SCHEMA, ()).quarantine.num_rows == 0
    strict = screen(rows, SCHEMA, STRICT)
    assert [(r.column, r.reason, r.rows) for r in strict.reasons] == [("x", "value missing", 1)]
    assert strict.missing == {"x": 1, "job": 0}


def test_a_missing_column_is_missing_in_every_row() -> None:
    found = screen(table([1.0, 2.0]).drop_columns(["job"]), SCHEMA, STRICT)
    assert [(r.column, r.reason, r.rows) for r in found.reasons] == [("job", "column missing", 2)]
    lenient = screen(table([1.0, 2.0]).drop_columns(["job"]), SCHEMA, ())
    assert lenient.table["job"].to_pylist() == [None, None]


cells = st.lists(st.none() | st.sampled_from(["1", "1,000", "two", "", "3.5"]), max_size=12)


@given(cells, st.booleans())
def test_no_row_is_lost_and_a_refused_one_is_kept_as_it_came(values: list[Any], strict: bool) -> None:
    rows = table(pa.array(values, pa.string()))
    found = screen(rows, SCHEMA, STRICT if strict else ())
    kept = set(found.table["id"].to_pylist())
    refused = [json.loads(text) for text in found.quarantine["row"].to_pylist()]
    assert kept | {row["id"] for row in refused} == set(range(len(values)))
    assert len(kept) + len(refused) == len(values)
    assert all(row["x"] == values[row["id"]] for row in refused)
    assert sum(r.rows for r in found.reasons) == len(refused)


def test_constraints_are_learned_from_the_baseline() -> None:
    x, job = learn_constraints(
        table([0.0, 10.0, None, 4.0], pa.array(["b", None, "a", "b"])), SCHEMA, slack=0.5, nullable_from=0.01
    )
    assert (x.lowest, x.highest, x.completeness, x.nullable) == (-5.0, 15.0, 0.75, True)
    assert (job.domain, job.completeness) == (("a", "b"), 0.75)


def test_a_column_of_names_has_no_domain() -> None:
    many = pa.array([f"name {n}" for n in range(201)])
    _, job = learn_constraints(table([1.0] * 201, many), SCHEMA, slack=0.1, nullable_from=0.01)
    assert job.domain == ()


def arrived(times: pa.Array, keys: list[int], *, key_per_row: bool = True) -> dict[str, Any]:
    """Findings of a window from noon to one o'clock whose rows say when they happened, by check."""
    start = datetime(2026, 1, 5, 12)
    rows = pa.table({"id": pa.array(keys), "at": times, "x": [1.0] * len(keys), "job": ["baker"] * len(keys)})
    schema = replace(SCHEMA, key_per_row=key_per_row)
    window = Window(3, start, start + timedelta(hours=1), rows, schema)
    return {f.check: f for f in judge_columns(window, screen(rows, schema, ()), (), 0.05)}


def at(*minutes: float) -> pa.Array:
    return pa.array([datetime(2026, 1, 5, 12) + timedelta(minutes=m) for m in minutes], pa.timestamp("us"))


@pytest.mark.parametrize(
    ("minutes", "share"),
    [
        ((0, 10, 20, 59.999), 0.0),
        ((0, 10, 20, 60), 0.25),
        ((-0.001, 10, 20, 59), 0.25),
        ((-90, -1, 61, 900), 1.0),
    ],
)
def test_a_row_of_another_window_is_late(minutes: tuple[float, ...], share: float) -> None:
    found = arrived(at(*minutes), [1, 2, 3, 4])["lateness"]
    assert (found.column, found.value, found.breached) == ("at", share, share > 0)


@pytest.mark.parametrize(("keys", "share"), [([1, 2, 3, 4], 0.0), ([1, 2, 2, 4], 0.25), ([7, 7, 7, 7], 0.75)])
def test_a_key_that_came_before_is_a_duplicate(keys: list[int], share: float) -> None:
    found = arrived(at(1, 2, 3, 4), keys)["duplicates"]
    assert (found.column, found.value, found.breached) == ("id", share, share > 0)


def test_keys_repeat_where_a_row_is_no_key_of_its_own() -> None:
    assert "duplicates" not in arrived(at(1, 2), [5, 5], key_per_row=False)


def test_times_that_are_none_make_nobody_late() -> None:
    assert "lateness" in arrived(pa.array(["noon", "one"]), [1, 2])
    assert arrived(pa.array(["noon", "one"]), [1, 2])["lateness"].value == 0
    assert arrived(at()[:0], [])["lateness"].value == 0
