"""What an injector with `undo` did can be taken back to the byte; a new file is found by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlab.digest import table_digest
from simlab.reference import Reference
from simlab.signature import find, module_of, names
from tests.contracts.test_injectors import BASELINE, written

ON_ROWS = ("traffic", "delivery")
KINDS = [
    k
    for k in names("injectors")
    if hasattr(module_of("injectors", k), "undo") and module_of("injectors", k).SEAM in ON_ROWS
]
"""What is done to rows; test_injectors.py holds what is done to records to the same."""
REFERENCE = Reference({"amount": (10.0, 4.0), "count": (40.0, 12.0)}, BASELINE)

cell = st.tuples(
    st.none() | st.floats(allow_nan=True, allow_infinity=True),
    st.none() | st.integers(-(2**53), 2**53),
    st.none() | st.sampled_from(["Bonn", "Köln", "Ulm", "", "40"]),
    st.integers(0, 3_000_000_000),
)


@st.composite
def windows(draw: st.DrawFn) -> tuple[pa.Table, np.ndarray]:
    """A window of any values whatever, and which of its rows may be touched."""
    rows = draw(st.lists(cell, max_size=12))
    mask = np.array(draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), bool)
    amounts, counts, cities, moments = zip(*rows, strict=True) if rows else ((), (), (), ())
    start = datetime(2026, 1, 5)
    table = pa.table(
        {
            "inference_id": pa.array(np.arange(len(rows)) + 30_000_000),
            "entity": pa.array(np.arange(len(rows)) * 7),
            "event_time": pa.array([start + timedelta(microseconds=m) for m in moments], pa.timestamp("us")),
            "amount": pa.array(amounts, pa.float64()),
            "count": pa.array(counts, pa.int64()),
            "city": pa.array(cities, pa.string()),
            "target": pa.array(np.arange(len(rows)) % 2.0),
        }
    )
    return table, mask


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_there_is_something_to_undo_and_all_of_it_is_done_to_rows() -> None:
    assert len(KINDS) >= 5
    seams = {
        module_of("injectors", k).SEAM
        for k in names("injectors")
        if hasattr(module_of("injectors", k), "undo")
    }
    assert seams <= {*ON_ROWS, "labels"}, "teach a test the seam"


@pytest.mark.parametrize("kind", KINDS)
@given(
    window=windows(), strength=st.sampled_from([0.0, 0.3, 0.7, 1.0]), everyone=st.booleans(), data=st.data()
)
@settings(max_examples=80)
def test_what_was_done_is_taken_back_to_the_byte(
    kind: str, window: tuple[pa.Table, np.ndarray], strength: float, everyone: bool, data: st.DataObject
) -> None:
    rows, mask = window
    mask = np.ones_like(mask) if everyone else mask
    values: dict[str, Any] = data.draw(written(kind))
    after = find("injectors", kind)(rows, mask, strength, rng(), REFERENCE, **values)
    digest = table_digest(after)

    back = module_of("injectors", kind).undo(after, mask, strength, rng(), REFERENCE, **values)

    assert back.schema == rows.schema
    assert table_digest(back) == table_digest(rows)
    for name in rows.column_names:
        here, there = rows[name].combine_chunks(), back[name].combine_chunks()
        assert here.is_null().equals(there.is_null())
        if pa.types.is_floating(here.type):  # to the bit: NaN is NaN, and -0.0 is not 0.0
            here, there = (
                pa.array(x.fill_null(0.0).to_numpy(zero_copy_only=False).view(np.int64))
                for x in (here, there)
            )
        assert here.equals(there), name
    assert table_digest(after) == digest, "undoing changes nothing it is given"


@pytest.mark.parametrize("kind", KINDS)
def test_of_many_rows_there_is_something_to_take_back(kind: str) -> None:
    # Enough rows and columns that doing it a second time is not by chance the same as taking it back.
    times = [datetime(2026, 1, 5) + timedelta(minutes=n) for n in range(200)]
    rows = pa.table(
        {
            "inference_id": pa.array(np.arange(200)),
            "event_time": pa.array(times, pa.timestamp("us")),
            "amount": np.arange(200.0),
            "count": pa.array(np.arange(200) * 3 + 1),
            "age": np.arange(200) / 7,
            "city": pa.array(["Bonn", "Ulm"] * 100, pa.string()),
            "target": np.arange(200) % 2.0,
        }
    )
    for values in MANY.get(kind, [{}]):
        function, module = find("injectors", kind), module_of("injectors", kind)
        mask = np.arange(200) % 5 > 0
        after = function(rows, mask, 0.7, rng(), REFERENCE, **values)
        assert table_digest(after) != table_digest(rows) or after.column_names != rows.column_names
        back = module.undo(after, mask, 0.7, rng(), REFERENCE, **values)
        assert back.schema == rows.schema and back.equals(rows), values


MANY: dict[str, list[dict[str, Any]]] = {
    "add_column": [{"name": "new"}, {"name": "new", "value": "x"}],
    "reorder_columns": [
        {"columns": ("amount", "count", "age"), "read_by": by} for by in ("position", "name")
    ],
    "swap_columns": [{"column": "amount", "other": other} for other in ("age", "count", "city")],
    "rename_column": [{"column": "amount", "to": "sum"}],
    "delay_rows": [{"share": 1.0, "law": "exponential", "shuffle": True}],
    "duplicate_rows": [{"share": 1.0, "times": 5, "gap": timedelta(minutes=1)}],
}
"""Settings of injectors that have some without a default, or whose defaults do little."""
