"""Artifacts: what is written is read back, and the digest says exactly what is in it."""

from __future__ import annotations

import os
import shutil
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import simlab.artifacts as nouns
import simlab.built as built
import simlab.watched as watched
from simlab.digest import digest, table_digest
from simlab.errors import SimlabError
from simlab.store import Store, write_whole

COLUMN = nouns.Column("age", "numeric", sensitive=True)
VIEW = nouns.View("rows", "id", (COLUMN, nouns.Column("job", "categorical")), from_rows=True)
SCHEMA = nouns.Schema("binary", "y", "id", "at", VIEW.columns, keys=("plane",), views=(VIEW,), ordered=True)
TABLE = pa.table({"id": [1, 2, 3], "age": [20.0, None, 40.5], "job": ["baker", None, "clerk"]})
CONSTRAINT = nouns.Constraint("age", "numeric", 0.75, True, lowest=17.0, highest=90.0)
SCORE = nouns.Score("auc", 0.9, 0.85, 0.95)
SCORES = nouns.Scores(3, (SCORE,), {"auc": 0.5}, {"auc": 0.7}, "age > 30")
TRIAL = nouns.Trial(0, {"l2": 0.1}, 0.3, 7)
PARAMS = nouns.Params("linear", {"l2": 0.1, "rounds": 5}, "auc", score=0.3, trials=(TRIAL,))
MODEL = nouns.Model(
    "linear", "binary", ("age",), ("job",), {"job": ("baker",)}, "{}", {"l2": 0.1}, 0.5, TABLE
)
BIAS = nouns.BiasReport("y", "1", b"{}", b"{}")
VERSION = nouns.Version(1, MODEL, SCORES, SCHEMA, (CONSTRAINT,), TABLE, PARAMS, BIAS)
FINDING = nouns.Finding("data_quality", "drift", "age", "psi", None, 0.2, False, 3)
DAY = datetime(2026, 1, 5)

CAPTURED = nouns.Captured(
    0, 1, DAY, datetime(2026, 1, 6), TABLE, 9, "churn", ("age",), "at", "Input", "JSON", TABLE
)
NOTIFICATION = nouns.Notification(
    "pager", "ALARM", "id-1", "{}", "notifications.jsonl", "http://127.0.0.1/", True
)
DATAPOINT = nouns.Datapoint("aws/x", "f2", {"Endpoint": "churn"}, 1.0, 0.5, 0.5, 0.5, "None")
PUBLISHED = nouns.Published(DAY, DATAPOINT)
EXECUTION = nouns.Execution(
    "churn", "dq", "data_quality", DAY, DAY, DAY, 3, 1, "Completed", 0, "done", {"statistics.json": b"{}"}, (DATAPOINT,)
)  # fmt: skip
AWAITED, FIT = nouns.Awaited("dq", DAY), nouns.Fit("digest", 1.0, 0.0, True)
EVERY: dict[str, Any] = {
    type(noun).__name__: noun
    for noun in (
        COLUMN, VIEW, SCHEMA, CONSTRAINT, SCORE, SCORES, TRIAL, PARAMS, MODEL, BIAS, VERSION, FINDING,
        nouns.Rows(TABLE, SCHEMA, "by hand", {"weather": TABLE}),
        nouns.LakeRows(TABLE, SCHEMA, "by hand", 1),
        nouns.ValidRows(TABLE, SCHEMA, (CONSTRAINT,), 2),
        nouns.FeatureSet(TABLE, SCHEMA, (CONSTRAINT,), TABLE.slice(1)),
        nouns.Approved(VERSION, "good"),
        nouns.Rejected(VERSION, ("bad", "worse")),
        nouns.Deployment(
            1, b"graph", "linear", "binary", SCHEMA, ("age",), ("job",), 0.5, (), TABLE, {"auc": SCORE}, 1e-16, MODEL,
            "churn", DAY, {"dq": {"constraints.json": b"{}"}}, fit=FIT,
        ),
        nouns.Window(0, DAY, datetime(2026, 1, 6), TABLE, SCHEMA),
        nouns.Quarantined("not a number", "age", 3),
        nouns.ScreenedWindow(
            0, DAY, DAY, TABLE, TABLE.slice(0, 0), (nouns.Quarantined("x", "age", 1),), (FINDING,), 4
        ),
        nouns.Request(0, TABLE, SCHEMA, {"rows": TABLE}),
        nouns.Served(0, 1, TABLE),
        nouns.Labels(0, TABLE),
        nouns.Stretch(3, b"12345678"),
        nouns.Findings(
            0, (FINDING,), {"a": "OK"}, {"a": (True, False)}, {"m": float("nan")}, {"age": 0.5},
            (nouns.Stretch(3, b"12345678"),), (EXECUTION,), {"a": "because"},
            (nouns.Measured(2, 1, {"log_loss": 0.3}),), (AWAITED,),
        ),
        CAPTURED, DATAPOINT, EXECUTION, AWAITED, FIT, PUBLISHED, NOTIFICATION,
        nouns.Alarms(0, {"metric:f1": "OK"}, (PUBLISHED,), ("again",), (NOTIFICATION,)),
        nouns.Surrogate("age < 40: yes", 0.9, None),
        nouns.Reasons(3, "TreeShap", "mean_abs", {"age": 0.5}, -1.0, {"age": (0.1, None)}, nouns.Surrogate("", None, None), {"analysis.json": b"{}"}),
        nouns.Plan("because", (1, 2), False, (3,), 2.5, False), nouns.Rollback(1, "worse"),
        nouns.Measured(2, 1, {"log_loss": 0.3}),
        nouns.History(3, {"a": "OK"}, {"a": (True,)}, {"m": 1.0}, (nouns.Served(0, 1, TABLE),), (0,), {}, (2,), 1, {"age": (0.5,)},
            (nouns.Stretch(3, b"12345678"),), (CAPTURED,), (PUBLISHED,), {"again": 3}, 7, {"auc": 0.9},
            (nouns.Measured(2, 1, {"log_loss": 0.3}),), (1,), (2,), (AWAITED,),
        ),
    )
}  # fmt: skip
"""One of every noun, by hand."""


def equal(a: Any, b: Any) -> bool:
    """Whether two nouns hold the same, tables and undefined figures included."""
    if is_dataclass(a):
        return type(a) is type(b) and all(equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, pa.Table):
        return bool(a.equals(b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(equal, a, b))
    return bool(a == b) or (a != a and b != b)


def forgotten(noun: Any) -> Any:
    """The same noun without the digest it remembers."""
    return replace(noun)


def test_there_is_one_of_every_noun() -> None:
    declared = {
        n
        for n, kind in vars(nouns).items()
        if is_dataclass(kind) and kind.__module__ in {module.__name__ for module in (nouns, built, watched)}
    }
    assert declared == set(EVERY), "a new noun belongs into this table"


@pytest.mark.parametrize("kind", sorted(EVERY))
def test_every_noun_is_read_back_as_it_was(kind: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    name = store.save(EVERY[kind])
    found = store.load(name)
    assert equal(found, EVERY[kind])
    assert digest(forgotten(found)) == name == digest(forgotten(EVERY[kind]))


@pytest.mark.parametrize("kind", sorted(EVERY))
def test_every_field_of_a_noun_counts_in_its_digest(kind: str) -> None:
    noun = EVERY[kind]
    for field in fields(noun):
        other = replace(noun, **{field.name: "something else"})
        assert digest(other) != digest(forgotten(noun)), field.name


def test_nothing_is_written_twice_and_nothing_half(tmp_path: Path) -> None:
    store = Store(tmp_path)
    name = store.save(VERSION)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    assert store.save(forgotten(VERSION)) == name
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before
    assert not list(tmp_path.rglob(".new-*"))


def test_a_full_disk_leaves_no_artifact_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        Store(tmp_path).save(VERSION)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_an_artifact_that_another_process_wrote_first_is_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = Store(tmp_path / "mine"), Store(tmp_path / "theirs")
    name = other.save(forgotten(VERSION))
    real = Path.rename

    def late(self: Path, target: Path) -> Path:
        if not Path(target).exists():
            shutil.copytree(other.folder(name), target)
        return real(self, target)

    monkeypatch.setattr(Path, "rename", late)
    assert store.save(forgotten(VERSION)) == name
    assert equal(store.load(name), VERSION)


def test_a_noun_may_not_hold_just_anything() -> None:
    with pytest.raises(SimlabError, match="a noun may not hold a object"):
        digest(nouns.Plan(object(), (), True))  # type: ignore[arg-type]


# --- digests ------------------------------------------------------------------------------------

cells = st.lists(
    st.tuples(
        st.none() | st.floats(allow_nan=False), st.none() | st.text(max_size=3), st.none() | st.integers(0, 9)
    ),
    max_size=6,
)


def a_table(rows: list[tuple[Any, Any, Any]]) -> pa.Table:
    x, name, count = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {
            "x": pa.array(x, pa.float64()),
            "name": pa.array(name, pa.string()),
            "count": pa.array(count, pa.int64()),
        }
    )


@given(one=cells, other=cells)
def test_tables_are_equal_exactly_when_their_digests_are(one: list[Any], other: list[Any]) -> None:
    left, right = a_table(one), a_table(other)
    # Two zeros of different sign are different bytes, and may have different digests.
    if str(one) == str(other):
        assert table_digest(left) == table_digest(right)
    if not left.equals(right):
        assert table_digest(left) != table_digest(right)


@given(rows=cells, before=cells, after=cells, at=st.integers(0, 6))
def test_chunks_and_slices_do_not_count(
    rows: list[Any], before: list[Any], after: list[Any], at: int
) -> None:
    plain = a_table(rows)
    chunked = pa.concat_tables([plain.slice(0, at), plain.slice(at)])
    sliced = (
        pa.concat_tables([a_table(before), plain, a_table(after)])
        .combine_chunks()
        .slice(len(before), len(rows))
    )
    filtered = a_table(before + rows).filter(pa.array([False] * len(before) + [True] * len(rows), pa.bool_()))
    taken = a_table(rows[::-1]).take(pa.array(range(len(rows) - 1, -1, -1), pa.int64()))
    assert {table_digest(t) for t in (chunked, sliced, filtered, taken)} == {table_digest(plain)}


def test_a_table_is_the_same_after_a_trip_to_the_disk(tmp_path: Path) -> None:
    table = pa.table(
        {
            "flag": [True, None, False],
            "at": pa.array([DAY, None, DAY], pa.timestamp("us")),
            "x": [1.5, None, 2.0],
        }
    )
    store = Store(tmp_path)
    found = store.load(store.save(nouns.Served(0, 1, table.slice(1)))).table
    assert table_digest(found) == table_digest(table.slice(1))


def test_what_hides_under_a_missing_value_does_not_count() -> None:
    with_junk = pa.Array.from_buffers(
        pa.float64(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(np.array([1.0, 99.0]).tobytes())]
    )
    assert with_junk.to_pylist() == [1.0, None]
    clean = pa.table({"x": pa.array([1.0, None], pa.float64())})
    assert table_digest(pa.table({"x": with_junk})) == table_digest(clean)


def test_names_types_and_order_of_columns_count() -> None:
    table = pa.table({"a": [1, 2], "b": [1, 2]})
    others = [
        table.rename_columns(["a", "c"]),
        table.select(["b", "a"]),
        table.cast(pa.schema({"a": pa.int32(), "b": pa.int64()})),
    ]
    assert len({table_digest(t) for t in (table, *others)}) == 4
    assert table_digest(table.replace_schema_metadata({"note": "no matter"})) == table_digest(table)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=3),
    lambda inner: st.tuples(inner, inner) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=values)
def test_plain_values_survive(value: Any, tmp_path: Path) -> None:
    store = Store(tmp_path)
    noun = nouns.Trial(0, {"value": value}, 0.5)
    assert equal(store.load(store.save(noun)).values["value"], value)


# --- remembered steps ---------------------------------------------------------------------------


def test_a_step_is_recalled_only_while_its_artifact_is_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    name = store.save(TRIAL)
    store.remember("ab12", name, [{"kind": "LabelsArrived"}])
    assert store.recall("ab12") == (name, [{"kind": "LabelsArrived"}])
    assert store.recall("ffff") is None
    shutil.rmtree(store.folder(name))
    assert store.recall("ab12") is None


@pytest.mark.parametrize("junk", ["", "{", "[]", "{}", '{"artifact": 5}', "\x00"])
def test_a_damaged_step_is_forgotten_not_fatal(junk: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.remember("ab12", store.save(TRIAL), [])
    (tmp_path / "steps" / "ab" / "ab12.json").write_text(junk)
    assert store.recall("ab12") is None


def test_write_whole_leaves_the_old_file_when_the_new_one_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.json"
    write_whole(path, "old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]
