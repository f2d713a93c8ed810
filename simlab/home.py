"""Home: run folders and their records, locks, and how a run is stopped politely."""

from __future__ import annotations

import json
import os
import re
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from simlab import __version__
from simlab.errors import EnvironmentProblem
from simlab.machine import environment
from simlab.provenance import versions
from simlab.run import Watch
from simlab.scenario import Scenario
from simlab.store import write_whole

FINISHED = ("held", "deviated", "under", "gate", "failed")
"""What a run's record says once it has come to its end."""


def numbered(home: Path, name: str) -> dict[int, Path]:
    """The run folders of a scenario by number, oldest first; `a-b-001` is none of the scenario `a`."""
    root, own = home / "runs", re.compile(re.escape(name) + r"-(\d{3,})")
    folders = root.iterdir() if root.is_dir() else ()
    found = {int(match[1]): folder for folder in folders if (match := own.fullmatch(folder.name))}
    return dict(sorted(found.items()))


def newest(home: Path, scenario: Scenario) -> Path | None:
    """The newest unfinished run of the same resolved scenario, else the newest finished one."""
    text = scenario.text()
    unfinished: list[Path] = []
    finished: list[Path] = []
    for folder in numbered(home, scenario.name).values():
        with suppress(OSError, json.JSONDecodeError):
            record = json.loads((folder / "run.json").read_text())
            if (folder / "scenario.yaml").read_text() == text:
                (finished if record["status"] in FINISHED else unfinished).append(folder)
    same = unfinished or finished
    return same[-1] if same else None


def claim(home: Path, scenario: Scenario) -> Path:
    """A fresh run folder: making it claims its number, also against a run at the same time."""
    root = home / "runs"
    root.mkdir(parents=True, exist_ok=True)
    taken = numbered(home, scenario.name)
    number = max(taken, default=0) + 1
    while True:
        folder = root / f"{scenario.name}-{number:03d}"
        try:
            folder.mkdir()
            break
        except FileExistsError:
            number += 1
    (folder / "artifacts").mkdir()
    write_whole(folder / "scenario.yaml", scenario.text())
    record = {
        "run": folder.name,
        "scenario": scenario.name,
        "title": scenario.title,
        "status": "running",
        "exit": None,
        "started": now(),
        "finished": None,
        "simlab": __version__,
        "engines": versions(),
    }
    write_record(folder, record)
    return folder


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """An operating-system lock on a run: it goes with the process, however that ends."""
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise EnvironmentProblem(
            f"{folder.name} is being run by another process; wait for it, or leave out --resume"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writable(home: Path) -> Iterator[None]:
    """What the machine refuses, in words for a person; engines' temporary files stay in the home."""
    before = tempfile.tempdir, os.environ.get("TMPDIR")
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle, probe = tempfile.mkstemp(dir=home, prefix=".probe-")
        os.close(handle)
        os.unlink(probe)
        temporary = home.resolve() / "tmp"
        temporary.mkdir(exist_ok=True)
    except OSError as wrong:
        said = environment(wrong)
        raise EnvironmentProblem(
            f"the home {home} cannot be written: {said}; --home names another"
        ) from wrong
    try:
        # So that even a killed run leaves none outside.
        os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
        yield
    except OSError as wrong:
        raise environment(wrong) from wrong
    finally:
        tempfile.tempdir = before[0]
        if before[1] is None:
            os.environ.pop("TMPDIR", None)
        else:
            os.environ["TMPDIR"] = before[1]


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write a run's record."""
    write_whole(folder / "run.json", json.dumps(record, indent=1) + "\n")


def now() -> str:
    """The wall clock, for records that are no facts."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


_stop = threading.Event()
"""Somebody asked the process to end."""


def stop_on_terminate() -> None:
    """Treat a polite kill like Ctrl-C, so that the run folder is whole."""

    def interrupted(number: int, frame: Any) -> None:
        _stop.set()
        raise KeyboardInterrupt

    _stop.clear()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)


def attentive(watch: Watch) -> Watch:
    """Ask again at every step: an engine's callback may have swallowed the interrupt."""

    def told(what: str, value: Any) -> None:
        if _stop.is_set():
            raise KeyboardInterrupt
        watch(what, value)

    return told
