"""Two small runs as they were once told: the facts must not change unless somebody means them to.

`pytest tests/golden --update-golden` writes them anew. Digests are left out of the comparison, and
figures count to three digits: other versions of BLAS and of the engines move the last ones.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from simlab import log
from simlab.lab import Lab
from simlab.views.alarms import alarms
from simlab.views.metrics import latest
from simlab.views.registry import versions

HERE = Path(__file__).parent
DIGESTS = {"n", "chain", "artifact", "inputs", "digest", "onnx", "bytes", "dataset_digest", "parity", "mask"}
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


def differences(golden: Any, told: Any, where: str = "") -> list[str]:
    """Where two facts differ in more than the last digits."""
    if isinstance(golden, dict) and isinstance(told, dict):
        found = [f"{where}: keys {sorted(set(golden) ^ set(told))}"] if set(golden) != set(told) else []
        shared = [key for key in golden if key in told and key not in DIGESTS]
        return found + [d for key in shared for d in differences(golden[key], told[key], f"{where}.{key}")]
    if isinstance(golden, list) and isinstance(told, list) and len(golden) == len(told):
        return [
            d
            for n, (a, b) in enumerate(zip(golden, told, strict=True))
            for d in differences(a, b, f"{where}[{n}]")
        ]
    if isinstance(golden, float) and isinstance(told, (int, float)) and not isinstance(told, bool):
        return (
            []
            if math.isclose(golden, told, rel_tol=5e-3, abs_tol=1e-9)
            else [f"{where}: {golden} became {told}"]
        )
    if isinstance(golden, str) and isinstance(told, str):
        one, two = NUMBER.sub("#", golden), NUMBER.sub("#", told)
        return [] if one == two else [f"{where}: {golden!r} became {told!r}"]
    return [] if golden == told and type(golden) is type(told) else [f"{where}: {golden!r} became {told!r}"]


def facts(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", ["tiny", "eventful"])
@pytest.mark.parametrize("which", ["events", "world"])
def test_a_small_run_is_told_as_it_was(
    name: str, which: str, warm: Lab, request: pytest.FixtureRequest
) -> None:
    scenario: Path = request.getfixturevalue(name)
    run = warm.run(scenario, project=False)
    golden, told = HERE / f"{name}.{which}.jsonl", run.path / f"{which}.jsonl"
    if request.config.getoption("--update-golden"):
        golden.write_bytes(told.read_bytes())
    before, now = facts(golden), facts(told)
    assert [(f["kind"], f["window"]) for f in now] == [(f["kind"], f["window"]) for f in before]
    found = [
        d
        for n, (a, b) in enumerate(zip(before, now, strict=True))
        for d in differences(a, b, f"{n}: {a['kind']}")
    ]
    assert not found, "\n".join(found[:20])


@pytest.mark.parametrize("path", sorted(HERE.glob("*.jsonl")), ids=lambda path: path.name)
def test_an_old_log_is_still_read_and_folded(path: Path) -> None:
    assert log.verify(path) > 5
    if path.name.endswith(".world.jsonl"):
        assert log.read_world(path)[0].kind == "WorldStarted"
        return
    told = log.read(path)
    assert told[-1].kind == "RunFinished"
    assert latest(told)["evaluate.auc"] > 0.5 and versions(told)
    assert isinstance(alarms(told), dict)


def test_the_comparison_sees_what_it_should() -> None:
    fact = {"kind": "MetricMeasured", "value": 0.35712, "why": "auc 0.91 beats 0.5", "rows": 3, "chain": "x"}
    assert differences(fact, {**fact, "value": 0.35713, "why": "auc 0.92 beats 0.5", "chain": "y"}) == []
    for change in (
        {"value": 0.361},
        {"value": None},
        {"rows": 4},
        {"why": "auc 0.91 meets 0.5"},
        {"more": 1},
    ):
        assert len(differences(fact, {**fact, **change})) == 1, change
    assert differences(fact, {}) and differences([1], [1, 2]) and differences(True, 1)
