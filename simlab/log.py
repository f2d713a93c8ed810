"""Append-only, hash-chained JSON Lines: `events.jsonl` and `world.jsonl`.

Every line carries its ordinal and a chain value, SHA-256 over the previous chain value and the
line's own canonical body (first 32 hex digits). One transaction is one write and one sync. A log
that is opened again drops a torn tail, and then *replays*: what is appended must be, byte for byte,
what already stands there, until the recorded part is used up. So a resumed run cannot diverge in
silence.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from simlab.errors import LogBroken, SimlabError
from simlab.events import FACT, WORLD_FACT, Event

ROOT = "0" * 32
"""Chain value before the first line."""


def _line(number: int, body: dict[str, Any], previous: str) -> tuple[str, str]:
    text = json.dumps({"n": number, **body}, separators=(",", ":"), ensure_ascii=False)
    chain = hashlib.sha256((previous + text).encode()).hexdigest()[:32]
    return f'{text[:-1]},"chain":"{chain}"}}\n', chain


def _split(line: bytes, number: int, previous: str) -> tuple[dict[str, Any], str]:
    """Body and chain of a raw line.

    Raises
    ------
    LogBroken
        It is torn, altered, or not the line that belongs here.
    """
    place = f"line {number + 1}"
    if not line.endswith(b"\n"):
        raise LogBroken(f"{place} is torn: it has no end")
    try:
        record = json.loads(line)
        chain = record.pop("chain")
        expected, _ = _line(record.pop("n"), record, previous)
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as wrong:
        raise LogBroken(f"{place} is not a fact") from wrong
    if expected.encode() != line:
        raise LogBroken(f"{place} does not fit the chain: it, or a line before it, was changed or cut out")
    return record, chain


def scan(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Bodies and chain values of a log's lines, each checked against the chain.

    Raises
    ------
    LogBroken
        At the first line that does not fit.
    """
    previous = ROOT
    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            body, previous = _split(line, number, previous)
            yield body, previous


def verify(path: Path, count: int | None = None, head: str | None = None) -> int:
    """Check a whole log; the number of its lines.

    Parameters
    ----------
    count, head
        What the run's record says of the log, so that a cut tail shows as well.

    Raises
    ------
    LogBroken
        A byte was changed, a line is missing, or the tail was cut.
    """
    chains = [chain for _, chain in scan(path)]
    lines, last = len(chains), chains[-1] if chains else ROOT
    if count is not None and lines != count:
        raise LogBroken(
            f"it has {lines} lines where the run's record says {count}: its tail was cut or added to"
        )
    if head is not None and last != head:
        raise LogBroken("its last chain value is not the one in the run's record")
    return lines


def read(path: Path) -> list[Event]:
    """The facts of an `events.jsonl`, in order; a torn last line is left out."""
    return _parsed(path, FACT)


def read_world(path: Path) -> list[Event]:
    """The facts of a `world.jsonl`, in order; a torn last line is left out."""
    return _parsed(path, WORLD_FACT)


def _parsed(path: Path, adapter: Any) -> list[Event]:
    found = []
    with path.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            record = json.loads(line)
            del record["n"], record["chain"]
            found.append(adapter.validate_python(record))
    return found


class Log:
    """One open log.

    Parameters
    ----------
    path
        The file; made if it does not exist. A torn last line is dropped.
    sync
        Whether each transaction is synced, or the file only when it is closed: what a power cut
        takes of such a log is written again, to the byte, when the run is resumed.
    """

    def __init__(self, path: Path, *, sync: bool = True):
        self.path = path
        self._sync = sync
        self._recorded: list[bytes] = []
        previous = ROOT
        if path.exists():
            for number, line in enumerate(BytesIO(path.read_bytes())):
                try:
                    _, previous = _split(line, number, previous)
                except LogBroken:
                    if line.endswith(b"\n"):
                        raise
                    break
                self._recorded.append(line)
        self._out = path.open("ab", buffering=0)
        whole = sum(map(len, self._recorded))
        if path.stat().st_size != whole:
            self._out.truncate(whole)
        self.count = 0
        self.head = ROOT

    @property
    def replaying(self) -> bool:
        """Whether what is appended next already stands in the file."""
        return self.count < len(self._recorded)

    def append(self, facts: Sequence[Event] | Iterable[Event], *, repeated: bool = False) -> None:
        """Append facts as one transaction: one write, and one sync unless the log was opened without.

        Parameters
        ----------
        facts
            What was said.
        repeated
            Whether they come from the step cache: then the next sync is early enough.

        Raises
        ------
        SimlabError
            The log is being replayed and says otherwise.
        """
        fresh = []
        for fact in facts:
            line, chain = _line(self.count, fact.model_dump(mode="json"), self.head)
            raw = line.encode()
            if self.replaying:
                if self._recorded[self.count] != raw:
                    raise SimlabError(
                        f"{self.path.name}: line {self.count + 1} was recorded differently: this run was "
                        "begun by another version of simlab or on another machine, and cannot be "
                        "continued here; start it anew without --resume"
                    )
            else:
                fresh.append(raw)
            self.count += 1
            self.head = chain
        if fresh:
            start = self._out.seek(0, os.SEEK_END)
            left = memoryview(b"".join(fresh))
            try:
                while left:
                    left = left[self._out.write(left) or 0 :]
                if self._sync and not repeated:
                    os.fsync(self._out.fileno())
            except OSError:
                self._undo(start)
                raise

    def _undo(self, start: int) -> None:
        """Leave no half transaction behind when the disk is full."""
        try:
            os.ftruncate(self._out.fileno(), start)
        except OSError:  # pragma: no cover - the torn tail is dropped at the next opening
            return

    def close(self) -> None:
        """Close the file; doing it again changes nothing."""
        if not self._out.closed:
            os.fsync(self._out.fileno())
        self._out.close()


class Unwritten:
    """A log that keeps no line: the facts of a world lived through in memory are the run's own."""

    count = 0
    head = ROOT
    replaying = False

    def append(self, facts: Sequence[Event] | Iterable[Event], *, repeated: bool = False) -> None:
        """Take facts, and write nothing."""

    def close(self) -> None:
        """Do nothing: nothing is open."""
