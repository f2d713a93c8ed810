"""The only importers of third-party engines: `engine("lightgbm")` at the first use.

Each module holds a few plain functions in simlab's nouns. Nobody else knows the engines exist.
"""

from __future__ import annotations

import os
import warnings
from importlib import import_module
from typing import Any

from simlab.errors import EngineMissing

QUIET = {
    "ORT_DISABLE_TELEMETRY": "1",  # native code: only the variable, before the import, stops it
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",  # exactly "true": MLflow does not take "1"
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
    "FEAST_USAGE": "False",
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait must not burn the cores others need
}
"""Environment that keeps every engine silent; set before any engine is imported."""


def hush() -> None:
    """Turn off what engines would tell others: telemetry, update checks, look-ups."""
    os.environ.update(QUIET)
    os.environ.pop("MLFLOW_ENABLE_ASYNC_LOGGING", None)


hush()


_muted = False


def mute_warnings() -> None:
    """Keep what engines warn their developers of from people, also after an engine's import resets it."""
    global _muted
    _muted = True
    warnings.simplefilter("ignore")


def engine(name: str) -> Any:
    """The engine's module of plain functions, imported now if it was not yet.

    Raises
    ------
    EngineMissing
        The third-party package behind it is not installed.
    """
    try:
        found = import_module(f"simlab.engines.{name}")
        if _muted:
            warnings.simplefilter("ignore")
        return found
    except ModuleNotFoundError as missing:
        if missing.name == f"simlab.engines.{name}":
            raise
        raise EngineMissing(
            f"the engine {name!r} needs the package {missing.name!r}, which is not installed; "
            "`make install` installs every engine"
        ) from missing
