"""MLflow, in process and on files: a picture of finished runs for people who know MLflow.

It is a projection: everything in it is read from a record of plain values, `HOME/mlflow.db` may be
deleted at any time, and `rebuild` brings it back. One projector writes at a time, under a lock.

What becomes of a run: one experiment per scenario; in it one MLflow run per run of simlab, with the
monitored metrics as series; below it one run per model version, and below that one per trial of its
tuning; and a registered model of the run's name whose versions hold the exported graph.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import re
import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import filelock

# Each access opens the file anew, so a database that was deleted and made again is seen at once.
os.environ["MLFLOW_SQLALCHEMYSTORE_POOLCLASS"] = "NullPool"

import mlflow
import mlflow.onnx
import onnx
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from simlab.errors import EnvironmentProblem

for _chatty in ("mlflow", "alembic"):
    logging.getLogger(_chatty).setLevel(logging.ERROR)

Record = Mapping[str, Any]
"""What a run has to say, as plain values; see `project`."""

IN_SERVICE = "in-service"
"""Alias of the version that serves when the run ends."""

WAIT_SECONDS = 120
"""How long a projector waits for another one to finish."""

TAG = "simlab.run"
ROLE = "simlab.role"
DIGEST = "simlab.digest"
"""Set last: a run without it was projected in part only, and is projected again."""

FAILED = {"failed": "FAILED", "interrupted": "KILLED"}
"""MLflow's name for how a run of simlab ended, where it is not FINISHED."""

REQUIREMENTS = [f"onnx=={onnx.__version__}", f"mlflow=={mlflow.__version__}", "onnxruntime"]


def open_store(home: Path) -> MlflowClient:
    """A client of the home's own store, which is made if it is not there.

    Making the tables takes MLflow a second or more, so an empty store is kept under `HOME/cache/` and
    copied. Calling this early, while something else runs, makes `project` start at once.
    """
    with _lock(home):
        return _client(home)


def project(home: Path, record: Record) -> None:
    """Put one run into MLflow; do nothing where it is there already as the record says.

    Parameters
    ----------
    home
        Folder that holds `mlflow.db` and `mlartifacts/`; nothing is written elsewhere.
    record
        ``run``, ``scenario``: names. ``title``: a sentence. ``status``: ``held``, ``deviated`` …
        ``start_ms``, ``end_ms``: simulated times in milliseconds. ``step_ms`` (optional): length of a
        window. ``tags``, ``params``: by name. ``versions``: each with ``number``, ``algorithm``,
        ``params``, ``metrics``, ``trials`` (``number``, ``values``, ``score``), ``metric_name`` (of
        the scores), ``onnx_path`` (None where nothing was exported), ``approved``, ``why``.
        ``in_service`` (optional): number of the version that serves at the end; without the key, the
        last approved one. ``series``: by metric, pairs of window and value. ``files``: paths to keep
        with the run.

    Raises
    ------
    EnvironmentProblem
        Another process holds the lock, or the store cannot be read or written.
    """
    with _lock(home):
        _project(_client(home), home, record)


def rebuild(home: Path, records: Iterable[Record]) -> None:
    """Bring every run back, after `mlflow.db` was deleted or at any other time.

    Runs that are there already stay as they are; what somebody else logged stays too, as long as the
    database does.
    """
    with _lock(home):
        fresh = not (home / "mlflow.db").exists()
        client = _client(home)
        cleared = set()
        for record in records:
            # Without the database nobody knows which run an old artifact belonged to.
            if fresh and record["scenario"] not in cleared:
                shutil.rmtree(_artifacts(home, record["scenario"]), ignore_errors=True)
                cleared.add(record["scenario"])
            _project(client, home, record)


def _lock(home: Path) -> Any:
    """The lock of the one projector."""

    class Held:
        def __enter__(self) -> None:
            try:
                home.mkdir(parents=True, exist_ok=True)
                self.lock = filelock.FileLock(home / "mlflow.lock", timeout=WAIT_SECONDS)
                self.lock.acquire()
            except filelock.Timeout:
                raise EnvironmentProblem(
                    f"another process has been writing {home / 'mlflow.db'} for {WAIT_SECONDS} seconds"
                ) from None

        def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
            self.lock.release()

    return Held()
