"""No figure of a time uses a label that is collected after it: the property, and leaks that break it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import simlab.executing
from simlab.artifacts import History, Labels
from simlab.checking import Checked, check
from simlab.events import Event
from simlab.lab import Lab
from simlab.monitors.model_quality import suggest
from simlab.schedules import Schedule
from simlab.stream import Stream
from simlab.watched import Captured
from simlab.worlds import Worlds
from tests.stages.people import SCHEMA, context

DAY, STEP = datetime(2026, 1, 5), timedelta(days=1)
ROWS, WINDOWS = 8, 3
HOURS = WINDOWS * 24

# --- the driver alone: captures, labels and schedules, on the hour ------------------------------

SCHEDULES = {
    "now": Schedule("model_quality", "cron(0 0/6 ? * * *)"),
    "late": Schedule("model_quality", "daily", "-P2D", "-P1D"),
    "window": Schedule("model_quality"),
}


def a_model() -> Any:
    rng = np.random.default_rng(0)
    baseline = pa.table({"prediction": rng.random(50), "label": np.round(rng.random(50))})
    model = SimpleNamespace(
        problem="binary", threshold=0.5, version=1, deployed=DAY, schema=SCHEMA, endpoint="churn"
    )
    model.baselines = dict.fromkeys(SCHEDULES, suggest(model, baseline))  # type: ignore[arg-type]
    return model


MODEL = a_model()

Answer = tuple[bool, int]
"""A label, and how many hours after the beginning it is collected; beyond the end is never."""

worlds = st.lists(
    st.tuples(st.booleans(), st.integers(0, HOURS + 24)), min_size=ROWS * WINDOWS, max_size=ROWS * WINDOWS
)


def asked(number: int) -> Captured:
    """A window's captured rows, spread evenly; nothing is known of their labels."""
    rng = np.random.default_rng(number)
    moments = [DAY + number * STEP + i * STEP / ROWS for i in range(ROWS)]
    table = pa.table(
        {
            "inference_id": np.arange(ROWS) + number * ROWS,
            "at": pa.array(moments, pa.timestamp("us")),
            "prediction": rng.random(ROWS),
            "label": pa.nulls(ROWS, pa.float64()),
        }
    )
    return Captured(number, 1, DAY + number * STEP, DAY + (number + 1) * STEP, table, ROWS)


def collected(world: Sequence[Answer], window: int) -> Labels:
    """Every label that is collected before a window's end, and not before its request was answered."""
    kept = []
    for place, (label, hour) in enumerate(world):
        after = max(hour, place // ROWS * 24)
        if after < (window + 1) * 24:
            kept.append((place, float(label), place // ROWS, DAY + timedelta(hours=after)))
    names = ("inference_id", "label", "window", "collected")
    kinds = (pa.int64(), pa.float64(), pa.int64(), pa.timestamp("us"))
    columns = zip(*kept, strict=True) if kept else ((),) * 4
    return Labels(
        window, pa.table({n: pa.array(c, k) for n, c, k in zip(names, columns, kinds, strict=True)})
    )


def told(world: Sequence[Answer], until: int) -> list[Any]:
    """Everything that executions up to an hour say."""
    history, found = History(), []
    for number in range(WINDOWS):
        captures = history.with_capture(asked(number), collected(world, number))
        ctx, _ = context("monitor", number)
        _, executions = simlab.executing.executed(ctx, MODEL, SCHEDULES, captures)
        found += [x for x in executions if x.scheduled <= DAY + timedelta(hours=until)]
        history = History(captures=captures)
    return found


def changed(world: Sequence[Answer], after: int, gone: bool) -> list[Answer]:
    """The same world, in which what is collected from an hour on says otherwise, or never comes."""
    return [
        (label, hour) if max(hour, place // ROWS * 24) < after else (not label, HOURS + 99 if gone else hour)
        for place, (label, hour) in enumerate(world)
    ]


@given(world=worlds, after=st.integers(0, HOURS), gone=st.booleans())
def test_what_is_said_by_a_time_knows_no_label_collected_from_it_on(
    world: list[Answer], after: int, gone: bool
) -> None:
    assert told(world, after) == told(changed(world, after, gone), after)


@contextmanager
def blind_to_the_hour() -> Iterator[None]:
    """A driver that uses in the morning what its window learns in the evening."""
    real = simlab.executing.rows_between

    def leaking(captures: Any, model: Any, start: datetime, end: datetime, now: datetime) -> pa.Table:
        return real(captures, model, start, end, captures[-1].end)

    with mock.patch.object(simlab.executing, "rows_between", leaking):
        yield


def test_the_property_finds_a_driver_that_looks_ahead_within_a_window() -> None:
    def leaks(case: tuple[list[Answer], int]) -> bool:
        world, after = case
        return told(world, after) != told(changed(world, after, False), after)

    with blind_to_the_hour():
        find(st.tuples(worlds, st.integers(0, HOURS)), leaks, settings=_once())


def test_the_property_finds_labels_that_are_told_a_window_early() -> None:
    def leaks(case: tuple[list[Answer], int]) -> bool:
        # Even the driver's own look at the clock does not help where the moment itself is told wrongly.
        world, day = case
        early = [(label, max(0, hour - 24)) for label, hour in world]
        late = changed(world, day * 24, False)
        other = [(label, max(0, hour - 24)) for label, hour in late]
        return told(early, day * 24) != told(other, day * 24)

    find(st.tuples(worlds, st.integers(1, WINDOWS)), leaks, settings=_once())


def _once() -> Any:
    return settings(phases=[Phase.generate], max_examples=200)


# --- whole worlds -------------------------------------------------------------------------------


@contextmanager
def another_future(after: int | None, gone: bool) -> Iterator[None]:
    """Worlds whose labels differ as soon as they become known after a window."""
    real = Stream.observe

    def observe(self: Stream, deployment: Any, served: Any, screened: str) -> None:
        real(self, deployment, served, screened)
        if after is None:
            return
        then = np.datetime64(self.scenario.clock.moment(after + 1), "us")
        for number, waiting in self._pending.items():
            late = waiting["due"].to_numpy() >= then
            if gone:
                self._pending[number] = waiting.filter(pa.array(~late))
            else:
                labels = waiting["label"].to_numpy()
                told = pa.array(np.where(late, 1 - labels, labels))
                place = waiting.column_names.index("label")
                self._pending[number] = waiting.set_column(place, "label", told)

    with mock.patch.object(Stream, "observe", observe):
        yield


@contextmanager
def labels_too_early() -> Iterator[None]:
    """A stream that tells labels a day before they are due."""
    real = Stream.labels_due

    def labels_due(self: Stream, window: int) -> Labels:
        for number, waiting in self._pending.items():
            due = pa.array(waiting["due"].to_numpy() - np.timedelta64(86_400_000_000, "us"))
            self._pending[number] = waiting.set_column(waiting.column_names.index("due"), "due", due)
        return real(self, window)

    with mock.patch.object(Stream, "labels_due", labels_due):
        yield


@pytest.fixture
def ready(tiny: Path) -> Checked:
    schedules = {
        "now": {"monitor": "model_quality"},
        "often": {
            "monitor": "model_quality",
            "expression": "cron(0 0/6 ? * * *)",
            "start_time_offset": "-P2D",
        },
        "late": {"monitor": "model_quality", "start_time_offset": "-P3D", "end_time_offset": "-P1D"},
    }
    slowly = {
        "id": "slow", "kind": "delay_labels", "on": "labels", "with": {"mean": "1d", "law": "exponential"}
    }  # fmt: skip
    sets = {
        "labels": {"delay": "6h", "horizon": "3d"},
        "inject": [slowly],
        "stages.capture": {"enable": True},
        "stages.monitor.schedules": schedules,
        "expect": [],
    }
    return check(tiny, sets)


def said(world: Worlds, ready: Checked, until: int, after: int | None, gone: bool = False) -> list[str]:
    """Facts of the windows up to one, to the byte, in a world whose labels differ after another."""
    with another_future(after, gone):
        facts: Sequence[Event] = world.live(ready).events
    return [fact.model_dump_json() for fact in facts if fact.window is None or fact.window <= until]


def test_facts_of_a_window_know_no_label_of_a_later_one(ready: Checked, warm: Lab) -> None:
    world = Worlds(warm.home)
    for after in range(4):
        plain = said(world, ready, after, None)
        assert any('"MonitoringExecuted"' in fact for fact in plain)
        for gone in (False, True):
            assert said(world, ready, after, after, gone) == plain
    # Labels after a window do show once they are known, or nothing would have been tested.
    assert said(world, ready, 3, 0, True) != said(world, ready, 3, None)


def test_a_stream_that_tells_labels_early_is_found_out(ready: Checked, warm: Lab) -> None:
    world = Worlds(warm.home)
    with labels_too_early():
        assert said(world, ready, 1, 1) != said(world, ready, 1, None)
