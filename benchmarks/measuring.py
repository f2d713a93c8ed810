"""What the benchmarks share: run a child, and say what it took."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from tempfile import gettempdir

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Taken:
    """What a child process and those it waited for took."""

    code: int
    seconds: float
    """Wall time."""
    cpu: float
    """User and system seconds: what other people's work on the machine changes least."""
    peak_mb: float
    """Largest resident set of any one of the processes."""
    output: str


@cache
def environment() -> dict[str, str]:
    """The children's environment: silent engines, and compiled bytecode as after an installation."""
    from simlab.engines import QUIET

    silent = {name: value for name, value in QUIET.items() if not name.startswith("OMP_")}
    found = {**os.environ, **silent}
    for name in ("SIMLAB_HOME", "PYTHONDONTWRITEBYTECODE"):
        found.pop(name, None)
    found["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    feast = find_spec("feast")
    if not (feast and feast.origin and Path(cache_from_source(feast.origin)).exists()):
        found["PYTHONPYCACHEPREFIX"] = str(Path(gettempdir()) / f"simlab-bench-bytecode-{os.getuid()}")
    return found


def take(
    command: Sequence[str],
    log: Path,
    more: Mapping[str, str] | None = None,
    meanwhile: Callable[[int], None] | None = None,
) -> Taken:
    """Run a Python command to its end.

    Parameters
    ----------
    command
        What follows the interpreter.
    log
        File for everything it prints.
    more
        Further environment.
    meanwhile
        Called about twice a second with the child's process id.
    """
    began = time.perf_counter()
    with log.open("w") as out:
        child = subprocess.Popen(
            [sys.executable, *command],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**environment(), **(more or {})},
        )
        if meanwhile is not None:
            while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
                meanwhile(child.pid)
                time.sleep(0.5)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    kilo = 1024 * 1024 if sys.platform == "darwin" else 1024
    return Taken(
        child.returncode, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / kilo, log.read_text()
    )


def must(taken: Taken, what: str) -> Taken:
    """The same, or an end with what the child said."""
    if taken.code:
        sys.exit(f"{what} ended with code {taken.code}:\n{taken.output[-4000:]}")
    return taken


def generate(work: Path, rows: int) -> Path:
    """Make the dataset, in a process of its own; the file of its rows."""
    must(
        take(
            [str(ROOT / "benchmarks" / "synthetic.py"), str(work / "datasets"), str(rows)], work / "data.txt"
        ),
        "generating rows",
    )
    return work / "datasets" / "synthetic" / "rows.parquet"


def machine() -> str:
    """The machine and the versions that the figures belong to."""
    names = ("lightgbm", "optuna", "feast", "mlflow", "evidently", "onnxruntime")
    load = os.getloadavg()[0]
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load {load:.1f} before, "
        f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in names)
    )
