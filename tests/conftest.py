"""What every test stands on: a home of its own, a guard, and the smallest scenarios worth living through."""

from __future__ import annotations

import ipaddress
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

from simlab.lab import Lab

set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "simlab-hypothesis")
settings.register_profile(
    "simlab", derandomize=True, max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("simlab")

TINY = """\
simlab: 1
title: A tiny world
shows: That four small windows are enough to see everything move.
dataset: adult-income
seed: 3
clock: {start: 2026-01-05, step: 1d, windows: 4, rows: 150}
world: {training: 1500, baseline_rows: 500}
labels: {delay: 1d}
stages:
  features: {serve_from: request}
  tune: {trials: 0}
  train: {rounds: 10}
  evaluate: {repeats: 20}
  approve: {better_than: dummy}
  monitor: {detectors: {numeric: {wasserstein: {threshold: 0.5}}, categorical: {jensenshannon: {threshold: 0.5}}}}
given:
  - metric_above: {metric: evaluate.auc, value: 0.6}
expect:
  - rows_served: {at_least: 600}
"""

EVENTFUL = """\
simlab: 1
title: A tiny world in which much happens
dataset: adult-income
seed: 3
clock: {start: 2026-01-05, step: 1d, windows: 4, rows: 150}
world: {training: 1500, baseline_rows: 500}
labels: {delay: 1d}
stages:
  features: {serve_from: online, parity_rows: 20}
  tune: {trials: 0}
  train: {rounds: 10}
  evaluate: {repeats: 20}
  approve: {better_than: dummy}
  monitor:
    detectors: {numeric: {wasserstein: {threshold: 0.4}}, categorical: {jensenshannon: {threshold: 0.4}}}
    alarm: {datapoints: 1, of: 1}
    ignore: [education_num, capital_gain, capital_loss, workclass, education, occupation, race, native_country]
  retrain: {policy: {every: {windows: 3}}}
inject:
  - {id: older, kind: shift_column, start: 1, with: {column: age, by: 1.0}}
  - {id: comma, kind: retype_column, start: 2, fraction: 0.3, with: {column: hours_per_week, style: comma}}
expect:
  - alarm_within: {injection: older, windows: 0, alarm: "data_quality:drift:age"}
  - rows_rejected: {at_least: 1, column: hours_per_week, first: 2}
  - retrained: {at_least: 1, at_most: 1}
"""


# --- the guard ----------------------------------------------------------------------------------

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHECKOUT = os.path.realpath(Path(__file__).parent.parent) + os.sep
_golden: tuple[str, ...] = ()
"""Where golden logs may be written, if somebody asked for it."""
_allowed: tuple[str, ...] | None = None
"""Folders a test may write in; None while no test runs."""


def _refuse(what: str) -> None:
    # Not an Exception, so that no `except Exception` on the way can hide it.
    raise pytest.fail.Exception(f"the guard of tests/conftest.py: {what}")


def _inside(path: Any) -> bool:
    assert _allowed is not None
    name = os.path.realpath(os.fsdecode(path))
    if "__pycache__" in name.split(os.sep):
        return True
    # The checkout itself may lie under the temporary folder, and is no place to write in all the same.
    return name.startswith(_allowed) and not name.startswith(_CHECKOUT) or name.startswith(_golden)


def _is_loopback(address: Any) -> bool:
    if not isinstance(address, tuple):  # a Unix socket
        return True
    host = str(address[0])
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """See every file opened for writing and every socket, as far as Python is asked for it."""
    if _allowed is None:
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, (str, bytes, os.PathLike)) and flags & _WRITES and not _inside(path):
            _refuse(f"{path} was opened for writing, outside the test's own folder")
    elif event == "os.mkdir":
        path, _, folder = arguments
        if folder in (None, -1) and not _inside(path) and not os.path.isdir(path):
            _refuse(f"the folder {path} was made, outside the test's own")
    elif event == "os.rename":
        _, path, _, folder = arguments
        if folder in (None, -1) and not _inside(path):
            _refuse(f"{path} was written by a rename, outside the test's own folder")
    elif event in ("os.remove", "os.rmdir"):
        path, folder = arguments
        if folder in (None, -1) and not _inside(path) and os.path.exists(path):
            _refuse(f"{path} was removed, outside the test's own folder")
    elif event in ("socket.connect", "socket.sendto"):
        if not _is_loopback(arguments[1]):
            _refuse(f"a socket was to reach {arguments[1]}")
    elif event == "socket.getaddrinfo" and arguments[0] and not _is_loopback((arguments[0],)):
        _refuse(f"the name {arguments[0]} was looked up")


sys.addaudithook(_watch)


@pytest.fixture(autouse=True)
def guard(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Writes outside temporary folders, and sockets to anywhere but this machine, fail the test."""
    global _allowed
    monkeypatch.delenv("SIMLAB_HOME", raising=False)
    monkeypatch.delenv("SIMLAB_DATASETS", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())
    places = (tmp_path_factory.getbasetemp(), Path(tempfile.gettempdir()))
    _allowed = (*(os.path.realpath(place) + os.sep for place in places), "/dev/", "/proc/")
    try:
        yield
    finally:
        _allowed = None


# --- homes and scenarios ------------------------------------------------------------------------


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A lab whose home is new and empty."""
    return Lab(tmp_path / "home")


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts and remembered steps that the tests of a session share, so that each is made once."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def warm(tmp_path: Path, shared_store: Path) -> Lab:
    """A lab whose home has no runs, but remembers the steps that other tests took."""
    home = tmp_path / "warm"
    home.mkdir()
    (home / "store").symlink_to(shared_store)
    return Lab(home)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The smallest scenario: four quiet windows."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture
def eventful(tmp_path: Path) -> Path:
    """Four windows with a drift, a schema fault, quarantine, alarms, an online store and a retrain."""
    path = tmp_path / "eventful.yaml"
    path.write_text(EVENTFUL)
    return path


@pytest.fixture
def unprojected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are not shown in MLflow, whose import alone takes longer than a tiny run."""
    monkeypatch.setattr(Lab, "run", partialmethod(Lab.run, project=False))


@pytest.fixture
def facts() -> Callable[[Path], tuple[bytes, bytes]]:
    """Both logs of a run, to the byte."""
    return lambda folder: ((folder / "events.jsonl").read_bytes(), (folder / "world.jsonl").read_bytes())


# --- options ------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden/*.jsonl anew")


def pytest_configure(config: pytest.Config) -> None:
    global _golden
    if config.getoption("--update-golden", False):
        _golden = (str(Path(__file__).resolve().parent / "golden") + os.sep,)
