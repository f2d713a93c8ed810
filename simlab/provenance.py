"""Provenance: the code and the versions that a result depends on."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ENGINES = (
    "scikit-learn",
    "lightgbm",
    "optuna",
    "mlflow",
    "evidently",
    "feast",
    "onnxruntime",
    "onnx",
    "numpy",
    "pandas",
    "pyarrow",
    "duckdb",
    "river",
    "scipy",
)

_NO_MATTER = {
    "cli.py",
    "cli_captures.py",
    "cli_constraints.py",
    "constraint_files.py",
    "cli_cloudwatch.py",
    "cli_worlds.py",
    "checking.py",
    "checking_stages.py",
    "episodes.py",
    "expect.py",
    "home.py",
    "lab.py",
    "machine.py",
    "options.py",
    "progress.py",
    "progress_worlds.py",
    "projector.py",
    "scoring.py",
    "services.py",
    "sweep.py",
    "twin.py",
    "calibration.py",
    "many.py",
}
"""Files that decide nothing about what a stage makes or says."""


_JUDGES = {"expect.py", "episodes.py", "scoring.py"}
"""Files that decide what is made of a run, and nothing about the run."""


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of every engine that shapes results."""
    found = {"python": platform.python_version(), "platform": f"{sys.platform}-{platform.machine()}"}
    for name in ENGINES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


@cache
def source_digest(judging: bool = False) -> str:
    """Digest of simlab's own code, as far as results depend on it, and of the engines' versions.

    Parameters
    ----------
    judging
        Whether what judges a run counts as well: expectations, episodes, scores.
    """
    here = Path(__file__).parent
    total = hashlib.sha256(json.dumps(versions(), sort_keys=True).encode())
    for file in sorted(here.rglob("*.py")):
        if "report" in file.name or (file.name in _NO_MATTER and not (judging and file.name in _JUDGES)):
            continue
        total.update(file.relative_to(here).as_posix().encode())
        total.update(file.read_bytes())
    return total.hexdigest()


def foreign_code(settings: Any) -> list[str]:
    """Digests of the files that settings name.

    Somebody else's functions (`mypkg.mymodule.mine`) count by the file that holds them, JSON files
    (`constraints.json`) by their content.
    """
    if isinstance(settings, Mapping):
        return [d for key, value in settings.items() for d in (*foreign_code(key), *foreign_code(value))]
    if isinstance(settings, (list, tuple)):
        return [d for value in settings for d in foreign_code(value)]
    if isinstance(settings, str) and settings.endswith(".json") and Path(settings).is_file():
        return [hashlib.sha256(Path(settings).read_bytes()).hexdigest()]
    if not isinstance(settings, str) or not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", settings):
        return []
    try:
        found = find_spec(settings.rpartition(".")[0])
    except (ImportError, ValueError):
        return []
    if found is None or not found.origin or not Path(found.origin).is_file():
        return []
    return [hashlib.sha256(Path(found.origin).read_bytes()).hexdigest()]
