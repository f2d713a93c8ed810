"""Run.do: the one place where clock, log, store, cache and randomness meet the stages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simlab import log
from simlab.artifacts import LakeRows, Rows
from simlab.checking import check
from simlab.context import Context
from simlab.errors import EnvironmentProblem, SimlabError, StageFailed
from simlab.events import DataIngested
from simlab.run import Reached, Run
from simlab.stages import ingest
from simlab.store import Store
from tests.stages.people import SCHEMA, people

ROWS = Rows(people(20), SCHEMA, "by hand")


@pytest.fixture
def begun(tiny: Path, tmp_path: Path) -> Iterator[Any]:
    """Begin runs of the tiny scenario in folders of their own, over one store."""
    runs = []

    def begin(name: str = "one", **more: Any) -> Run:
        ready = check(tiny, more.pop("sets", None))
        (tmp_path / name).mkdir(exist_ok=True)
        runs.append(Run(ready.scenario, ready.settings, tmp_path / name, Store(tmp_path / "store"), **more))
        return runs[-1]

    yield begin
    for run in runs:
        run.close()


def timings(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.folder / "timings.jsonl").read_text().splitlines()]


def test_a_stage_is_called_once_and_its_facts_end_with_what_it_made(begun: Any) -> None:
    run = begun()
    kept = run.do(ingest.ingest_rows, ROWS)
    assert isinstance(kept, LakeRows) and kept.version == 1
    said = log.read(run.folder / "events.jsonl")
    assert [fact.kind for fact in said] == ["DataIngested", "StageFinished"]
    assert {fact.time for fact in said} == {"2026-01-05T00:00:00"} and {fact.window for fact in said} == {
        None
    }
    assert run.store.folder(run.store.save(kept)).is_dir()


def test_the_second_call_is_another_one(begun: Any) -> None:
    run = begun()
    assert [run.do(ingest.ingest_rows, ROWS).version for _ in range(3)] == [1, 2, 3]


def test_a_remembered_step_is_repeated_with_its_facts_and_not_called(begun: Any) -> None:
    first, second = begun("one"), begun("two")
    one = first.do(ingest.ingest_rows, ROWS)
    two = second.do(breaking(AssertionError("called")), ROWS)
    assert two.table.equals(one.table)
    assert [t["cached"] for t in timings(first) + timings(second)] == [False, True]
    assert (first.folder / "events.jsonl").read_bytes() == (second.folder / "events.jsonl").read_bytes()


@pytest.mark.parametrize("change", [{"seed.build": 9}, {"clock.start": "2026-02-01"}, {"stages.ingest": {}}])
def test_only_what_a_step_depends_on_makes_it_anew(change: dict[str, Any], begun: Any) -> None:
    begun("one").do(ingest.ingest_rows, ROWS)
    other = begun("two", sets=change)
    other.do(ingest.ingest_rows, ROWS)
    assert timings(other)[0]["cached"] is (change == {"stages.ingest": {}})


def test_other_rows_make_another_step(begun: Any) -> None:
    begun("one").do(ingest.ingest_rows, ROWS)
    other = begun("two")
    other.do(ingest.ingest_rows, Rows(people(20, seed=1), SCHEMA, "by hand"))
    assert timings(other)[0]["cached"] is False


def breaking(wrong: BaseException) -> Any:
    """The ingest stage, failing after it has said something."""

    def ingest_rows(ctx: Context, rows: Rows) -> LakeRows:
        ctx.emit(DataIngested(version=1, rows=1, columns=1, digest="", source="half"))
        raise wrong

    ingest_rows.__module__ = "simlab.stages.ingest"
    return ingest_rows


@pytest.mark.parametrize(
    ("wrong", "why"),
    [(SimlabError("no good"), "no good"), (ValueError("engine says\nmuch"), "ValueError: engine says")],
    ids=["simlab's own", "an engine's"],
)
def test_a_failure_is_recorded_with_what_was_said_before(wrong: Exception, why: str, begun: Any) -> None:
    run = begun()
    with pytest.raises(StageFailed, match="stage ingest failed before the first window") as failed:
        run.do(breaking(wrong), ROWS)
    assert failed.value.why == why
    said = log.read(run.folder / "events.jsonl")
    assert [fact.kind for fact in said] == ["DataIngested", "StageFailed"]
    assert said[1].why == why  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "wrong", [OSError(28, "No space left on device"), RuntimeError("database or disk is full")], ids=str
)
def test_a_full_disk_is_no_stages_failure(wrong: Exception, begun: Any) -> None:
    run = begun()
    with pytest.raises(EnvironmentProblem, match="the disk is full"):
        run.do(breaking(wrong), ROWS)
    assert log.read(run.folder / "events.jsonl") == []


@pytest.mark.parametrize("wrong", [KeyboardInterrupt(), MemoryError()], ids=repr)
def test_an_interrupt_is_no_stages_failure(wrong: BaseException, begun: Any) -> None:
    run = begun()
    with pytest.raises(type(wrong)):
        run.do(breaking(wrong), ROWS)
    assert log.read(run.folder / "events.jsonl") == []


def test_a_failed_step_is_not_remembered(begun: Any) -> None:
    with pytest.raises(StageFailed):
        begun("one").do(breaking(SimlabError("no good")), ROWS)
    run = begun("two")
    run.do(ingest.ingest_rows, ROWS)
    assert timings(run)[0]["cached"] is False


def test_it_stops_after_the_stage_somebody_asked_for(begun: Any) -> None:
    run = begun(until="ingest")
    with pytest.raises(Reached, match="ingest"):
        run.do(ingest.ingest_rows, ROWS)
    assert [fact.kind for fact in log.read(run.folder / "events.jsonl")] == ["DataIngested", "StageFinished"]


def test_a_memo_is_computed_once_per_home_and_says_nothing(begun: Any) -> None:
    calls: list[int] = []

    def compute() -> tuple[float, ...]:
        calls.append(1)
        return (1.5, float("inf"))

    found = [begun(name).memo("figures", ("a", 1), compute) for name in ("one", "two")]
    assert found == [(1.5, float("inf"))] * 2 and len(calls) == 1
    begun("three").memo("figures", ("a", 2), compute)
    assert len(calls) == 2
    assert (begun("one").folder / "events.jsonl").read_bytes() == b""


def test_a_fact_is_placed_as_pydantic_would_copy_it() -> None:
    from simlab.events import AlarmChanged

    fact = AlarmChanged(alarm="a", state="OK", previous="ALARM", reason="r", window=3)
    for window, time in ((3, "t"), (None, ""), (9, "2026-01-05T00:00:00")):
        ours, theirs = fact.placed(window, time), fact.model_copy(update={"window": window, "time": time})
        assert ours == theirs and ours.model_dump_json() == theirs.model_dump_json()
        assert ours.model_fields_set == theirs.model_fields_set
        assert fact.window == 3 and fact.time == ""
