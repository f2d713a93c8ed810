"""The benchmark of false alarms counts rightly and judges as Evidently's report does; its figures are no test's."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "cry_wolf.py"


@pytest.fixture(scope="module")
def wolf():
    spec = spec_from_file_location("cry_wolf", SCRIPT)
    module = module_from_spec(spec)
    sys.modules["cry_wolf"] = module
    spec.loader.exec_module(module)
    return module


def test_columns_and_windows_are_counted(wolf):
    half, one, none = {"a": True, "b": False}, {"a": True, "b": False, "c": False}, {"a": False}
    found = wolf.counted([half, one, none])
    assert (found.columns, found.of_columns) == (2, 6)
    assert (found.any_column, found.data_set, found.windows) == (2, 1, 3), "half of the columns is drift"


def test_figures_that_differ_end_the_program(wolf):
    one = wolf.Judged({"a": False}, {"a": 0.1})
    assert wolf.apart(one, one) == 0
    with pytest.raises(SystemExit, match="differ"):
        wolf.apart(one, wolf.Judged({"a": False}, {"a": 0.1001}))
    with pytest.raises(SystemExit, match="differ"):
        wolf.apart(one, wolf.Judged({"a": True}, {"a": 0.1}))


def test_a_small_run_agrees_with_evidentlys_report(tmp_path):
    pytest.importorskip("evidently")
    done = subprocess.run(
        [sys.executable, str(SCRIPT)]
        + [
            "--fast",
            "--windows",
            "2",
            "--sizes",
            "100",
            "--baselines",
            "1000",
            "--worlds",
            "0",
            "--check",
            "1",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "2 windows of each size" in done.stdout and "1 windows were judged by Evidently" in done.stdout
