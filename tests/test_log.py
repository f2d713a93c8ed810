"""The two chained logs: nothing can be changed, cut or swapped without being noticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simlab import events as e
from simlab import log
from simlab.errors import LogBroken, SimlabError
from simlab.lab import Lab

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
figures = st.none() | st.floats(allow_nan=True) | st.integers(-(10**9), 10**9)
windows = st.none() | st.integers(0, 1000)
some_facts = st.one_of(
    st.builds(e.MetricMeasured, window=windows, metric=texts, value=figures, of_window=windows),
    st.builds(e.ModelRejected, window=windows, version=st.integers(1, 9), reasons=st.tuples(texts, texts)),
    st.builds(
        e.StageFinished, stage=texts, artifact=texts, metrics=st.dictionaries(texts, figures, max_size=2)
    ),
    st.builds(e.LabelsArrived, rows=st.integers(0, 99), of_windows=st.tuples(st.integers(0, 9))),
)
fresh = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

FACTS = [
    e.MetricMeasured(window=w, metric="serve.rows", value=10 * w, time=f"2026-01-0{w + 1}") for w in range(6)
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of six facts."""
    path = tmp_path / "events.jsonl"
    write(path, FACTS)
    return path


def write(path: Path, facts: list[e.Event]) -> log.Log:
    out = log.Log(path)
    out.append(facts)
    out.close()
    return out


@fresh
@given(facts=st.lists(some_facts, max_size=8), cuts=st.data())
def test_what_was_said_is_read_back_however_it_was_grouped(
    facts: list[e.Event], cuts: st.DataObject, tmp_path: Path
) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    for path in (one, two):
        path.unlink(missing_ok=True)
    write(one, facts)
    out, rest = log.Log(two), facts
    while rest:
        size = cuts.draw(st.integers(1, len(rest)))
        out.append(rest[:size])
        rest = rest[size:]
    out.close()
    assert log.read(one) == facts
    assert one.read_bytes() == two.read_bytes()
    assert log.verify(one, out.count, out.head) == len(facts)


@fresh
@given(facts=st.lists(some_facts, min_size=1, max_size=5), where=st.data())
def test_no_byte_can_be_changed_unnoticed(facts: list[e.Event], where: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.unlink(missing_ok=True)
    out = write(path, facts)
    text = bytearray(path.read_bytes())
    place = where.draw(st.integers(0, len(text) - 1))
    text[place] ^= where.draw(st.integers(1, 255))
    path.write_bytes(text)
    with pytest.raises(LogBroken):
        log.verify(path, out.count, out.head)


def test_every_single_byte_of_a_log_counts(path: Path) -> None:
    whole = path.read_bytes()
    for place in range(len(whole)):
        for flip in (0x01, 0x80):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
            with pytest.raises(LogBroken, match=r"line \d"):
                log.verify(path)


@pytest.mark.parametrize("gone", range(6))
def test_no_line_can_be_taken_out_unnoticed(path: Path, gone: int) -> None:
    out = log.verify(path)
    head = [chain for _, chain in log.scan(path)][-1]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
    with pytest.raises(LogBroken):
        log.verify(path, out, head)


def test_a_cut_tail_shows_only_beside_the_runs_record(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    assert log.verify(path) == 5, "the chain alone cannot know what came after"
    with pytest.raises(LogBroken, match="5 lines where the run's record says 6: its tail was cut"):
        log.verify(path, count=6)


def test_another_log_of_the_same_length_is_noticed(path: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.jsonl", FACTS[::-1])
    with pytest.raises(LogBroken, match="last chain value"):
        log.verify(path, count=6, head=other.head)


@pytest.mark.parametrize("first", range(5))
def test_two_lines_cannot_be_swapped_unnoticed(path: Path, first: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[first], lines[first + 1] = lines[first + 1], lines[first]
    path.write_bytes(b"".join(lines))
    with pytest.raises(LogBroken, match=f"line {first + 1} does not fit the chain"):
        log.verify(path)


@pytest.mark.parametrize(
    "junk",
    [
        b"[]\n",
        b"5\n",
        b"null\n",
        b"{}\n",
        b"\n",
        b"\xff\xfe\n",
        b'{"n":0,"chain":"x"}\n',
        b"[" * 9999 + b"\n",
    ],
)
def test_a_line_that_is_no_fact_is_refused_by_name(path: Path, junk: bytes) -> None:
    path.write_bytes(junk + path.read_bytes())
    with pytest.raises(LogBroken, match="line 1 "):
        log.verify(path)
    with pytest.raises(LogBroken, match="line 1 "):
        log.Log(path)


# --- torn tails and replay ----------------------------------------------------------------------


def test_a_torn_tail_is_dropped_wherever_it_was_torn(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    whole = path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for place in range(len(whole)):
        path.write_bytes(whole[:place])
        log.Log(path).close()
        assert len(path.read_bytes()) == max((end for end in ends if end <= place), default=0)
        write(path, FACTS)
        assert path.read_bytes() == whole


@pytest.mark.parametrize("flipped", [b"\r", b"\x0b", b"\x00", b"\xff"])
def test_damage_in_the_middle_is_no_torn_tail_and_nothing_is_dropped(path: Path, flipped: bytes) -> None:
    whole = path.read_bytes()
    damaged = whole[:100] + flipped + whole[101:]
    path.write_bytes(damaged)
    with pytest.raises(LogBroken, match="line 1"):
        log.Log(path)
    assert path.read_bytes() == damaged


def test_reading_leaves_a_torn_last_line_out(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])
    assert log.read(path) == FACTS[:-1]


def test_replay_repeats_to_the_byte_or_refuses(path: Path) -> None:
    again = log.Log(path)
    assert again.replaying
    again.append(FACTS[:3])
    with pytest.raises(SimlabError, match="line 4 was recorded differently"):
        again.append([FACTS[5]])
    again.close()
    assert log.read(path) == FACTS


def test_a_transaction_may_begin_in_the_recorded_part_and_end_beyond_it(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:4]))
    again = log.Log(path)
    again.append(FACTS)
    again.close()
    assert (path.read_bytes(), again.count, again.replaying) == (whole, 6, False)


def test_half_a_transaction_is_taken_back_when_the_disk_is_full(tmp_path: Path) -> None:
    import errno

    out = log.Log(tmp_path / "events.jsonl")
    out.append(FACTS[:2])
    before = (tmp_path / "events.jsonl").read_bytes()
    real = out._out

    class Full:
        """A file on a disk with room for ten more bytes."""

        left = 10

        def write(self, view: memoryview) -> int:
            if not self.left:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = real.write(view[: self.left]) or 0
            self.left -= written
            return written

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

    out._out = Full()  # type: ignore[assignment]
    with pytest.raises(OSError, match="No space left"):
        out.append(FACTS[2:])
    assert (tmp_path / "events.jsonl").read_bytes() == before


# --- as the command shows it --------------------------------------------------------------------


def test_verify_names_run_file_and_line(tiny: Path, warm: Lab) -> None:
    run = warm.run(tiny, project=False)
    for name in ("events.jsonl", "world.jsonl"):
        file = run.path / name
        whole = file.read_bytes()
        lines = whole.splitlines(keepends=True)
        for damaged in (
            whole[:200] + bytes([whole[200] ^ 1]) + whole[201:],
            b"".join(lines[:-1]),
            b"".join([lines[1], lines[0], *lines[2:]]),
            whole[:-1],
            whole + lines[-1],
            b"",
        ):
            file.write_bytes(damaged)
            with pytest.raises(LogBroken, match=rf"tiny-001/{name}: "):
                warm.verify(run.run)
        file.unlink()
        with pytest.raises(LogBroken, match=rf"tiny-001/{name}: the file is missing"):
            warm.verify(run.run)
        file.write_bytes(whole)
    assert warm.verify(run.run)["events"] > 50
