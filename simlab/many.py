"""Many worlds at once: over the processes of this machine, or over a Dask cluster by its address.

The same function lives through the same worlds in one process, in several, or elsewhere; what comes
back does not depend on where, on how many there were, or on the order in which they ended.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from simlab.checking import Checked, checked
from simlab.engines import engine, mute_warnings
from simlab.scenario import from_content
from simlab.worlds import Worlds, with_scenario, with_seed

AT_ONCE = 4
"""Worlds that a worker is handed at a time: few enough to see progress, enough to hide the way there."""

Row = dict[str, Any]
"""What a fold makes of a world: plain values."""


@dataclass(frozen=True)
class Cell:
    """One variant of a scenario, as plain values that travel between processes."""

    name: str
    body: Mapping[str, Any]
    """The scenario as resolved, JSON-able."""
    varied: Mapping[str, Any]
    """Which keys were changed, and to what."""


@dataclass(frozen=True)
class Task:
    """One world to live through: a cell and a seed."""

    cell: int
    seed: int


def cell_of(ready: Checked, varied: Mapping[str, Any]) -> Cell:
    """A checked scenario as a cell."""
    body = ready.scenario.model_dump(mode="json", by_alias=True)
    return Cell(name=ready.scenario.name, body=body, varied=dict(varied))


def ready_of(cell: Cell) -> Checked:
    """The checked scenario of a cell.

    How its score is kept was checked where the cell was made. It is not checked again, because a twin
    without an injection may leave episodes that cannot be told apart, and is no worse a twin for it.
    """
    scenario = from_content(cell.body, Path(f"{cell.name}.yaml"))
    ready = checked(scenario.model_copy(update={"score": None}), f"{cell.name}.yaml")
    return with_scenario(ready, scenario)


class Worker:
    """What one process needs to live through the tasks of a set of cells.

    Parameters
    ----------
    cells
        The variants.
    home
        Where builds are cached.
    fold
        Dotted name of the function that makes a row of a world: ``simlab.outcomes.figures``.
    """

    def __init__(self, cells: Sequence[Cell], home: Path, fold: str):
        self.cells, self.worlds = cells, Worlds(home)
        self.home, self.fold = str(home), fold
        module, _, name = fold.rpartition(".")
        self._fold: Callable[..., Row] = getattr(import_module(module), name)
        self._ready: dict[int, Checked] = {}

    def ready(self, cell: int) -> Checked:
        """The checked scenario of a cell."""
        if cell not in self._ready:
            self._ready[cell] = ready_of(self.cells[cell])
        return self._ready[cell]

    def live(self, tasks: Sequence[Task]) -> list[tuple[Task, Row]]:
        """Live through some worlds; the row of each."""
        return [(t, self._fold(self.worlds.live(with_seed(self.ready(t.cell), t.seed)))) for t in tasks]


_worker: Worker | None = None
_one_at_a_time = threading.Lock()


def _begin(cells: Sequence[Cell], home: str, fold: str) -> None:
    """Make this process a worker."""
    global _worker
    mute_warnings()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked
    _worker = Worker(cells, Path(home), fold)


def _live(tasks: Sequence[Task]) -> list[tuple[Task, Row]]:
    assert _worker is not None
    return _worker.live(tasks)


def live_elsewhere(
    cells: Sequence[Cell], home: str, fold: str, tasks: Sequence[Task]
) -> list[tuple[Task, Row]]:
    """Live through some worlds in a process of a cluster, which may have been a worker before.

    A process of a cluster may serve several who ask, and in several threads: one world at a time.
    """
    global _worker
    with _one_at_a_time:
        if _worker is None or (_worker.cells, _worker.home, _worker.fold) != (cells, home, fold):
            mute_warnings()
            _worker = Worker(cells, Path(home), fold)
        return _live(tasks)


def live_through(
    cells: Sequence[Cell],
    tasks: Sequence[Task],
    home: Path,
    fold: str,
    *,
    workers: int | None = None,
    dask: str | None = None,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Iterator[tuple[Task, Row]]:
    """Live through worlds, and give the row of each as it ends.

    Parameters
    ----------
    cells, tasks
        The variants, and which worlds of them.
    home
        Where builds are cached; over a cluster, a folder that every worker sees, or its own.
    fold
        Dotted name of the function from `simlab.worlds.Lived` to a row.
    workers
        Processes of this machine; as many as it has cores when not given, 1 for none but this one.
    dask
        Address of a Dask scheduler, ``tcp://host:8786``, instead of processes of this machine.
    told
        Told how many worlds are done, of how many.

    Raises
    ------
    UsageError
        There is no scheduler at that address.
    """
    tasks = list(tasks)
    done = 0
    told(0, len(tasks))
    for found in _parts(cells, tasks, home.resolve(), fold, workers or os.cpu_count() or 1, dask):
        done += len(found)
        yield from found
        told(done, len(tasks))


def _parts(
    cells: Sequence[Cell], tasks: Sequence[Task], home: Path, fold: str, workers: int, dask: str | None
) -> Iterator[list[tuple[Task, Row]]]:
    if not tasks:
        return
    if dask is not None:
        parts = [tasks[n : n + AT_ONCE] for n in range(0, len(tasks), AT_ONCE)]
        calls = [(cells, str(home), fold, part) for part in parts]
        yield from engine("dask").over(dask, live_elsewhere, calls)
        return
    here = Worker(cells, home, fold)
    # Each distinct build once, before workers would all begin the same one.
    first = list({t.cell: t for t in tasks}.values())
    for task in first:
        here.worlds.prepare(here.ready(task.cell))
    workers = min(workers, -(-len(tasks) // AT_ONCE))
    if workers <= 1:
        for task in tasks:
            yield here.live([task])
        return
    parts = [tasks[n : n + AT_ONCE] for n in range(0, len(tasks), AT_ONCE)]
    with (
        _one_thread_each(),
        ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(cells, str(home), fold)
        ) as pool,
    ):
        waiting: set[Future[list[tuple[Task, Row]]]] = {pool.submit(_live, part) for part in parts}
        try:
            while waiting:
                ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ended:
                    yield future.result()
        finally:
            for future in waiting:
                future.cancel()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes are the parallelism: threads within them would only get in each other's way."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
