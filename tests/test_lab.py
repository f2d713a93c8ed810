"""Lab: every verb, over a home."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from simlab.errors import LogBroken, ScenarioInvalid, UsageError
from simlab.lab import Lab, default_home


def test_the_home_is_named_or_beside_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_home() == Path(".simlab")
    monkeypatch.setenv("SIMLAB_HOME", "/somewhere")
    assert (default_home(), Lab().home, Lab("x").home) == (Path("/somewhere"), Path("/somewhere"), Path("x"))


def test_a_run_leaves_a_whole_folder(tiny: Path, warm: Lab) -> None:
    done = warm.run(tiny, project=False)
    assert {p.name for p in done.path.iterdir() if not p.name.startswith(".")} == {
        "scenario.yaml", "events.jsonl", "world.jsonl", "timings.jsonl", "truth.json", "run.json", "report.html", "artifacts",
        "bias", "explanations",
    }  # fmt: skip
    record = warm.record("tiny-001")
    assert (record["status"], record["exit"], record["run"], record["scenario"]) == (
        "held",
        0,
        "tiny-001",
        "tiny",
    )
    assert record["events"]["count"] == len(warm.events("tiny-001"))
    assert json.loads((done.path / "truth.json").read_text()) is not None
    assert (done.path / "report.html").read_text().startswith("<!")


def test_nothing_is_written_outside_the_home(tiny: Path, lab: Lab, tmp_path: Path) -> None:
    before = {p for p in tmp_path.rglob("*")}
    environment = dict(os.environ)
    lab.run(tiny, project=False)
    assert all(p.is_relative_to(lab.home) for p in tmp_path.rglob("*") if p not in before)
    assert os.environ.get("TMPDIR") == environment.get("TMPDIR")


def test_runs_count_up_by_scenario_whatever_else_lies_there(tiny: Path, warm: Lab) -> None:
    for name in ("tiny-007", "tiny-too-009", "tiny-x012", "other-001", "tiny-1000000"):
        (warm.home / "runs" / name).mkdir(parents=True)
    assert warm.run(tiny, until="ingest", project=False).run == "tiny-1000001"
    (warm.home / "runs" / "tiny-1000000").rename(warm.home / "aside")
    assert [r["run"] for r in warm.runs()] == ["tiny-1000001"], "a folder without a record is no run"


def test_the_newest_run_is_meant_when_none_is_named(tiny: Path, warm: Lab) -> None:
    with pytest.raises(UsageError, match="there are no runs"):
        warm.folder(None)
    warm.run(tiny, until="ingest", project=False)
    second = warm.run(tiny, until="validate", project=False)
    os.utime(warm.home / "runs" / "tiny-001" / "run.json", (1, 1))
    assert warm.folder(None) == second.path
    with pytest.raises(UsageError, match="did you mean 'tiny-00"):
        warm.folder("tiny-03")


def test_a_run_name_cannot_lead_out_of_the_home(tiny: Path, warm: Lab) -> None:
    warm.run(tiny, until="ingest", project=False)
    (warm.home / "run.json").write_text("{}")
    for name in ("..", "../runs/tiny-001/..", "/etc", ""):
        with pytest.raises(UsageError, match="no run called"):
            warm.folder(name)


def test_the_scenario_of_a_run_is_kept_as_it_was_resolved(tiny: Path, warm: Lab) -> None:
    done = warm.run(tiny, {"clock.windows": 2, "expect": []}, until="ingest", project=False)
    kept = warm.check(done.path / "scenario.yaml").scenario
    assert kept.clock.windows == 2 and kept.text() == (done.path / "scenario.yaml").read_text()


def test_a_gate_that_is_not_met_costs_no_live_window(tiny: Path, warm: Lab) -> None:
    seen: list[object] = []
    gated = warm.run(
        tiny, {"given": [{"metric_above": {"metric": "evaluate.auc", "value": 0.999}}]}, project=False,
        watch=lambda what, value: seen.append(value) if what == "window" else None,
    )  # fmt: skip
    assert (gated.status, gated.exit, seen) == ("gate", 4, [])
    assert [v.held for v in gated.verdicts] == [False]


def test_an_unfinished_run_verifies_as_far_as_it_came(tiny: Path, warm: Lab) -> None:
    stopped = warm.run(tiny, until="train", project=False)
    assert warm.verify(stopped.run)["events"] == len(warm.events(stopped.run))
    text = (stopped.path / "events.jsonl").read_bytes()
    (stopped.path / "events.jsonl").write_bytes(text.replace(b"lightgbm", b"lightgbn", 1))
    with pytest.raises(LogBroken):
        warm.verify(stopped.run)


def test_an_invalid_scenario_makes_no_home(tiny: Path, lab: Lab) -> None:
    with pytest.raises(ScenarioInvalid):
        lab.run(tiny, {"clock.windows": 0}, project=False)
    assert not lab.home.exists()


def test_a_fault_is_kept_somewhere_even_without_a_home(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    try:
        raise ValueError("unexpected")
    except ValueError as wrong:
        kept = Lab(tmp_path / "file").fault(wrong)
        assert kept is not None and "ValueError: unexpected" in kept.read_text()
        kept.unlink()
        home = Lab(tmp_path / "home").fault(wrong)
    assert home is not None and home.is_relative_to(tmp_path / "home")
