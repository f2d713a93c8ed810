"""What every injector of the delivery and of the views' updates keeps to; a new file is found by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlab.digest import table_digest
from simlab.reference import Reference
from simlab.signature import find, module_of, names
from tests.contracts.test_injector_undo import windows
from tests.contracts.test_injectors import BASELINE, written

DELIVERY = [k for k in names("injectors") if module_of("injectors", k).SEAM == "delivery"]
UPDATES = [k for k in names("injectors") if module_of("injectors", k).SEAM == "updates"]
REFERENCE = Reference({"amount": (10.0, 4.0), "count": (40.0, 12.0)}, BASELINE)
NEVER_CHANGED = ("entity", "amount", "count", "city", "target")


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_both_seams_have_somebody_who_acts_there() -> None:
    assert DELIVERY and UPDATES
    assert all(module_of("injectors", kind).LABELS == "keep" for kind in DELIVERY + UPDATES)


@pytest.mark.parametrize("kind", DELIVERY)
@given(window=windows(), strength=st.floats(0.01, 1), data=st.data())
@settings(max_examples=80)
def test_messages_come_again_late_or_out_of_order_and_say_what_they_said(
    kind: str, window: tuple[pa.Table, np.ndarray], strength: float, data: st.DataObject
) -> None:
    rows, mask = window
    values: dict[str, Any] = data.draw(written(kind))
    function = find("injectors", kind)
    digest, mask_before = table_digest(rows), mask.copy()

    after = function(rows, mask, strength, rng(), REFERENCE, **values)

    assert table_digest(after) == table_digest(function(rows, mask, strength, rng(), REFERENCE, **values))
    assert table_digest(rows) == digest and (mask == mask_before).all()
    assert after.schema == rows.schema
    ids = after["inference_id"].to_pylist()
    assert len(set(ids)) == len(ids), "every message has an id of its own"
    sent = rows["inference_id"].to_pylist()
    if not getattr(module_of("injectors", kind), "LOSES", False):
        assert set(sent) <= set(ids), "no row is lost"
    # Rows are known by their entity, which here no two share: what they carry is what was sent.
    place = pc.index_in(after["entity"], value_set=rows["entity"])
    assert place.null_count == 0, "nobody came who was not sent"
    carried = rows.take(place)
    for name in NEVER_CHANGED:
        assert carried[name].combine_chunks().to_pylist().__repr__() == after[name].to_pylist().__repr__(), (
            name
        )
    untouched = {entity for entity, m in zip(rows["entity"].to_pylist(), mask, strict=True) if not m}
    times = dict(zip(rows["entity"].to_pylist(), rows["event_time"].to_pylist(), strict=True))
    here = [row for row in after.select(["entity", "event_time"]).to_pylist() if row["entity"] in untouched]
    assert len(here) == len(untouched), "a row that may not be touched comes once"
    assert all(row["event_time"] == times[row["entity"]] for row in here)
    where = {entity: n for n, entity in enumerate(rows["entity"].to_pylist())}
    assert all(after["entity"][where[entity]].as_py() == entity for entity in untouched), "in its place"


@pytest.mark.parametrize("kind", DELIVERY)
@given(window=windows(), data=st.data())
@settings(max_examples=20)
def test_no_strength_is_no_change_at_all(
    kind: str, window: tuple[pa.Table, np.ndarray], data: st.DataObject
) -> None:
    rows, mask = window
    assert find("injectors", kind)(rows, mask, 0.0, rng(), REFERENCE, **data.draw(written(kind))) is rows


@pytest.mark.parametrize("kind", DELIVERY)
@given(window=windows(), data=st.data())
@settings(max_examples=20)
def test_the_mask_does_not_decide_how_much_is_drawn(
    kind: str, window: tuple[pa.Table, np.ndarray], data: st.DataObject
) -> None:
    rows, mask = window
    values = data.draw(written(kind))
    some, none = rng(), rng()
    find("injectors", kind)(rows, mask, 0.5, some, REFERENCE, **values)
    find("injectors", kind)(rows, np.zeros(rows.num_rows, bool), 0.5, none, REFERENCE, **values)
    assert some.bit_generator.state == none.bit_generator.state


@pytest.mark.parametrize("kind", UPDATES)
@given(
    hours=st.integers(0, 10_000),
    strengths=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)),
    view=st.none() | st.just("weather"),
    lag=st.timedeltas(timedelta(0), timedelta(days=40)),
)
def test_a_view_is_told_later_never_earlier(
    kind: str, hours: int, strengths: tuple[float, float], view: str | None, lag: timedelta
) -> None:
    end = datetime(2013, 5, 6) + timedelta(hours=hours)
    function = find("injectors", kind)
    weak, strong = (function("weather", end, s, lag=lag, view=view) for s in sorted(strengths))
    assert strong <= weak <= end
    assert function("weather", end, strengths[0], lag=lag, view=view) in (weak, strong)
    assert function("planes", end, 1.0, lag=lag, view="weather") is end, "another view is not touched"
    assert function("weather", end, 0.0, lag=lag, view=view) is end
