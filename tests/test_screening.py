"""Which rows meet a schema: types, completeness and domains, whatever the senders sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlab.artifacts import Column, Constraint, Quarantined, Schema, View, Window
from simlab.screening import Screened, judge_columns, learn_constraints, own_columns, screen

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


def plainly_cast(column: Any, kind: str) -> tuple[Any, np.ndarray]:
    """A column in its schema type, and which of its present values could not be converted."""
    column = column.combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    nothing = np.zeros(len(column), bool)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        return column.cast(pa.float64() if kind == "numeric" else pa.string()), nothing
    if kind == "categorical":
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            return column.cast(pa.string()), nothing
        present = column.is_valid().to_numpy(zero_copy_only=False)
        return pa.nulls(len(column), pa.string()), present  # a number where a name belongs
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        plain = pc.match_substring_regex(column, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
        fits = pc.fill_null(plain, True)
        numbers = pc.cast(pc.if_else(fits, column, None), pa.float64())
        return numbers, ~fits.to_numpy(zero_copy_only=False)
    if pa.types.is_boolean(column.type):
        return column.cast(pa.int8()).cast(pa.float64()), nothing
    return column.cast(pa.float64()), nothing


def plainly_screened(table: pa.Table, schema: Schema, constraints: Sequence[Constraint]) -> Screened:
    """The same, column by column and row by row, without a thought for time."""
    rows = table.num_rows
    strict = {c.column for c in constraints if not c.nullable}
    declared = own_columns(schema)
    reason = np.full(rows, "", dtype=object)
    blamed = np.full(rows, "", dtype=object)
    cast: dict[str, Any] = {}
    missing: dict[str, int] = {}
    retyped: dict[str, int] = {}
    for column in declared:
        absent = column.name not in table.column_names
        kind = pa.float64() if column.kind == "numeric" else pa.string()
        if absent:
            values, wrong = pa.nulls(rows, kind), np.zeros(rows, bool)
        else:
            values, wrong = plainly_cast(table[column.name], column.kind)
        empty = values.is_null().to_numpy(zero_copy_only=False) & ~wrong
        missing[column.name], retyped[column.name] = int(empty.sum()), int(wrong.sum())
        cast[column.name] = values
        bad = [(wrong, f"not {'a number' if column.kind == 'numeric' else 'text'}")]
        if column.name in strict:
            bad.append((empty, "column missing" if absent else "value missing"))
        for mask, why in bad:
            fresh = mask & (reason == "")
            reason[fresh], blamed[fresh] = why, column.name
    good = reason == ""
    known = {c.name for c in declared}
    others = {"inference_id", "split", schema.target, schema.entity, schema.event_time, *schema.keys}
    kept = {n: table[n] for n in table.column_names if n in others}
    accepted = pa.table({**kept, **cast}).filter(pa.array(good))
    refused = table.filter(pa.array(~good))
    counts: dict[tuple[str, str], int] = {}
    for column_name, why in zip(blamed[~good], reason[~good], strict=True):
        counts[column_name, why] = counts.get((column_name, why), 0) + 1
    return Screened(
        table=accepted,
        quarantine=pa.table(
            {
                "column": pa.array(blamed[~good].tolist(), pa.string()),
                "reason": pa.array(reason[~good].tolist(), pa.string()),
                "row": pa.array(
                    [json.dumps(row, default=str, sort_keys=True) for row in refused.to_pylist()], pa.string()
                ),
            }
        ),
        reasons=tuple(Quarantined(reason=w, column=c, rows=n) for (c, w), n in sorted(counts.items())),
        missing=missing,
        retyped=retyped,
        unexpected=tuple(n for n in table.column_names if n not in known and n not in others),
    )


def plainly_outside(screened: Screened, constraint: Constraint) -> float:
    values = screened.table[constraint.column]
    if constraint.lowest is not None:
        outside = pc.or_(pc.less(values, constraint.lowest), pc.greater(values, constraint.highest))
    else:
        outside = pc.invert(pc.is_in(values, pa.array([*constraint.domain, None], pa.string())))
    return (pc.sum(outside).as_py() or 0) / len(values)


count = st.shared(st.integers(0, 12), key="rows")


def column(of: st.SearchStrategy[Any], kind: pa.DataType) -> st.SearchStrategy[pa.Array]:
    return count.flatmap(lambda n: st.lists(st.none() | of, min_size=n, max_size=n)).map(
        lambda values: pa.array(values, kind)
    )


written = st.sampled_from(["1", "1,000", "two", "", "3.5", "-2e3"])
numeric = st.one_of(
    column(st.floats(-3, 3), pa.float64()),
    column(st.floats(-3, 3) | st.sampled_from([float("nan"), float("inf")]), pa.float64()),
    column(st.integers(-3, 9), pa.int64()),
    column(st.booleans(), pa.bool_()),
    column(written, pa.string()),
    column(written, pa.string()).map(lambda array: array.dictionary_encode()),
    column(st.nothing(), pa.null()),
)
named = st.one_of(
    column(st.sampled_from(["baker", "clerk", "smith", ""]), pa.string()),
    column(st.sampled_from(["baker", "clerk"]), pa.large_string()),
    column(st.sampled_from(["baker", "clerk"]), pa.string()).map(lambda array: array.dictionary_encode()),
    column(st.integers(0, 3), pa.int64()),
    column(st.nothing(), pa.null()),
)
LEARNED = (
    Constraint("x", "numeric", 0.9, True, lowest=-1.0, highest=2.0),
    Constraint("job", "categorical", 1.0, False, domain=("baker", "clerk")),
)


@given(st.none() | numeric, st.none() | named, st.sampled_from([(), STRICT, LEARNED]), st.booleans())
@settings(max_examples=200, deadline=None)
def test_the_short_way_finds_what_the_plain_way_finds(x, job, constraints, split) -> None:
    columns = {name: values for name, values in (("x", x), ("job", job)) if values is not None}
    rows = len(next(iter(columns.values()))) if columns else 3
    sent = pa.table({"id": pa.array(range(rows)), **columns, "extra": pa.array([1] * rows)})
    if split:  # in pieces, as tables are that were put together
        sent = pa.concat_tables([sent.slice(0, rows // 2), sent.slice(rows // 2)])
    ours, plain = screen(sent, SCHEMA, constraints), plainly_screened(sent, SCHEMA, constraints)
    for left, right in ((ours.table, plain.table), (ours.quarantine, plain.quarantine)):
        assert left.schema == right.schema and str(left.to_pydict()) == str(right.to_pydict())
    for name in ("reasons", "missing", "retyped", "unexpected"):
        assert getattr(ours, name) == getattr(plain, name), name
    window = Window(0, datetime(2026, 1, 5), datetime(2026, 1, 5) + timedelta(1), sent, SCHEMA)
    told = judge_columns(window, ours, LEARNED, 0.05)
    domains = {f.column: f.value for f in told if f.check == "domain"}
    assert domains == {c.column: plainly_outside(plain, c) for c in LEARNED if len(plain.table[c.column])}


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
