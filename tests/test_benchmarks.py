"""The benchmarks that are programs of their own still run; their figures are nobody's to assert here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WORLD = Path(__file__).resolve().parent.parent / "benchmarks" / "world.py"


MONITOR = WORLD.with_name("monitor.py")


def told(*arguments: str, script: Path = WORLD) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "says"), [("drift", "figures differ by"), ("injectors", "million rows/s")]
)
def test_a_section_of_the_worlds_benchmark_is_printed_alone(section, says):
    done = told(section, "--quick", "--repeats", "1")
    assert done.returncode == 0, done.stderr  # drift that is not Evidently's own ends with another code
    assert says in done.stdout


def test_a_section_that_is_not_there_is_named():
    done = told("drifd")
    assert done.returncode == 2 and "no section called drifd; there are drift, injectors" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("section", "says"), [("constraints", "million rows/s"), ("windows", "MB at most")])
def test_a_section_of_the_monitors_benchmark_is_printed_alone(section, says):
    done = told(section, "--quick", "--repeats", "1", script=MONITOR)
    assert done.returncode == 0, done.stderr
    assert says in done.stdout


def test_a_section_of_the_monitors_benchmark_that_is_not_there_is_named():
    done = told("constraint", script=MONITOR)
    assert (
        done.returncode == 2
        and "no section called constraint; there are monitors, constraints" in done.stderr
    )
