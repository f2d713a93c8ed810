"""A child process that answers: at once, or later to everything it was told."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from simlab.services import Service

ECHO = """\
import json, sys
for line in sys.stdin:
    body = json.loads(line)
    if body.get("end"):
        sys.exit(3)
    print(json.dumps(body), flush=True)
"""


@pytest.fixture
def echo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    (tmp_path / "echoing.py").write_text(ECHO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return Service("echoing", [], tmp_path / "errors.txt")


def test_what_was_told_is_answered_in_order(echo: Service) -> None:
    for number in range(3):
        echo.tell({"n": number})
    assert echo.heard() == [{"n": 0}, {"n": 1}, {"n": 2}] and echo.heard() == []
    assert echo.ask({"n": 9}) == {"n": 9}
    echo.close()


def test_nobody_waits_for_answers_that_nobody_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sleeping.py").write_text("import sys, time\nfor line in sys.stdin: time.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    sleeping = Service("sleeping", [], tmp_path / "errors.txt")
    sleeping.tell({})
    began = time.perf_counter()
    sleeping.close()
    assert time.perf_counter() - began < 10


def test_a_child_that_ended_is_said_only_when_its_answers_are_wanted(echo: Service) -> None:
    echo.tell({"end": True})
    echo.tell({"n": 1})
    with pytest.raises(RuntimeError, match="ended with code 3"):
        echo.heard()
    echo.close()
