"""A run that was stopped, by anybody and at any moment, goes on as if nothing had happened."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simlab import log
from simlab import story as story_module
from simlab.errors import EnvironmentProblem
from simlab.lab import Lab, Outcome

Facts = Callable[[Path], tuple[bytes, bytes]]
ROOT = Path(__file__).parent.parent


# --- every boundary, in this process ------------------------------------------------------------


@pytest.fixture
def swift(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resume hundreds of times: without waiting for the disk, drawing reports, or reading the data again."""
    known: dict[Path, Any] = {}
    load = story_module.load

    def loaded(folder: Path, card: Any) -> Any:
        if folder not in known:
            known[folder] = load(folder, card)
        return known[folder]

    monkeypatch.setattr(os, "fsync", lambda handle: None)
    monkeypatch.setattr(Lab, "_report", lambda self, folder, *more: folder / "report.html")
    monkeypatch.setattr(story_module, "load", loaded)


def cut(folder: Path, events: bytes, world: bytes) -> None:
    """Leave a run's folder as a kill would have left it."""
    record = json.loads((folder / "run.json").read_text())
    for key in ("events", "world"):
        record.pop(key, None)
    (folder / "run.json").write_text(json.dumps({**record, "status": "running", "exit": None}))
    (folder / "events.jsonl").write_bytes(events)
    (folder / "world.jsonl").write_bytes(world)


def ends(text: bytes) -> list[int]:
    """Where each line ends, 0 being where the first begins."""
    return [0, *(at + 1 for at, byte in enumerate(text) if byte == ord("\n"))]


@pytest.mark.parametrize("half", [0, 1], ids=["whole lines", "torn lines"])
def test_a_kill_at_any_fact_boundary_changes_nothing(
    half: int, eventful: Path, warm: Lab, facts: Facts, swift: None
) -> None:
    whole = warm.run(eventful, project=False)
    assert whole.exit == 0, whole.why
    events, world = facts(whole.path)
    after, behind = ends(events), ends(world)
    assert len(after) > 100
    for number, place in list(enumerate(after[:-1]))[half::2]:
        # Half of the times the next line is torn in the middle, as a power cut leaves it.
        torn = (after[number + 1] - place) // 2 if half else 0
        cut(whole.path, events[: place + torn], world[: behind[number % len(behind)]])
        resumed = warm.run(eventful, resume=True, project=False)
        assert resumed.run == whole.run, f"after line {number}"
        assert facts(whole.path) == (events, world), f"after line {number}"
        assert (resumed.status, resumed.exit, resumed.verdicts) == (whole.status, whole.exit, whole.verdicts)


def test_a_torn_line_of_the_worlds_log_changes_nothing(
    eventful: Path, warm: Lab, facts: Facts, swift: None
) -> None:
    whole = warm.run(eventful, project=False)
    events, world = facts(whole.path)
    behind = ends(world)
    for number, place in enumerate(behind[:-1]):
        for more in (0, 1, behind[number + 1] - place - 1):
            cut(whole.path, events, world[: place + more])
            warm.run(eventful, resume=True, project=False)
            assert facts(whole.path) == (events, world), f"world cut {more} bytes into line {number}"


def test_a_resume_without_the_cache_works_it_all_out_again(eventful: Path, lab: Lab, facts: Facts) -> None:
    whole = lab.run(eventful, project=False)
    events, world = facts(whole.path)
    cut(whole.path, events[: len(events) // 2], world[: len(world) // 2])
    shutil.rmtree(lab.home / "store")
    resumed = lab.run(eventful, resume=True, project=False)
    assert (resumed.run, facts(resumed.path)) == (whole.run, (events, world))


def test_a_resume_that_finds_part_of_the_cache_brings_the_online_store_up_to_date(
    eventful: Path, lab: Lab, facts: Facts
) -> None:
    whole = lab.run(eventful, project=False)
    events, world = facts(whole.path)
    steps = sorted((lab.home / "store" / "steps").rglob("*.json"), key=lambda step: step.stat().st_mtime_ns)
    for step in steps[len(steps) // 2 :]:
        step.unlink()
    cut(whole.path, events[: len(events) // 2], world[: len(world) // 2])
    resumed = lab.run(eventful, resume=True, project=False)
    assert facts(resumed.path) == (events, world)


def test_a_resumed_log_verifies_and_its_record_counts_it(eventful: Path, warm: Lab, facts: Facts) -> None:
    whole = warm.run(eventful, project=False)
    events, world = facts(whole.path)
    cut(whole.path, events[:500], world[:50])
    resumed = warm.run(eventful, resume=True, project=False)
    assert warm.verify(resumed.run) == {"events": events.count(b"\n"), "world": world.count(b"\n")}
    assert "resumed" in (resumed.path / "timings.jsonl").read_text()


# --- which run is resumed -----------------------------------------------------------------------


def test_resume_repeats_the_outcome_of_a_finished_run(tiny: Path, warm: Lab) -> None:
    failing = {"expect": [{"rows_served": {"at_least": 601}}]}
    first = warm.run(tiny, failing, project=False)
    again = warm.run(tiny, failing, resume=True, project=False)
    assert (again.run, again.status, again.exit) == (first.run, "deviated", 5)
    assert again.verdicts == first.verdicts and again.metrics == first.metrics


def test_resume_starts_a_run_where_there_is_none(tiny: Path, warm: Lab) -> None:
    assert warm.run(tiny, resume=True, project=False).run == "tiny-001"
    assert warm.run(tiny, {"seed": 9}, resume=True, project=False).run == "tiny-002", (
        "another seed, another run"
    )


def test_resume_prefers_an_unfinished_run_to_a_newer_finished_one(tiny: Path, warm: Lab) -> None:
    stopped = warm.run(tiny, until="train", project=False)
    finished = warm.run(tiny, project=False)
    assert (stopped.status, finished.status) == ("stopped", "held")
    resumed = warm.run(tiny, resume=True, project=False)
    assert (resumed.run, resumed.status) == (stopped.run, "held")


def test_resume_does_not_take_another_scenarios_run(tiny: Path, warm: Lab) -> None:
    longer = tiny.with_name("tiny-too.yaml")
    longer.write_text(tiny.read_text())
    other = warm.run(longer, until="train", project=False)
    mine = warm.run(tiny, resume=True, project=False)
    assert (other.run, mine.run) == ("tiny-too-001", "tiny-001")


def test_until_stops_after_a_stage_and_resume_goes_on(tiny: Path, warm: Lab, facts: Facts) -> None:
    whole = warm.run(tiny, project=False)
    shutil.rmtree(whole.path.with_name("aside"), ignore_errors=True)
    expected = facts(whole.path)
    cut(whole.path, b"", b"")
    stopped = warm.run(tiny, resume=True, until="train", project=False)
    assert (stopped.status, stopped.exit) == ("stopped", 0)
    said = warm.events(stopped.run)
    assert said[-1].kind == "StageFinished" and said[-1].stage == "train"  # type: ignore[attr-defined]
    assert facts(stopped.path)[0] == expected[0][: len(facts(stopped.path)[0])]
    resumed = warm.run(tiny, resume=True, project=False)
    assert (resumed.run, resumed.status, facts(resumed.path)) == (stopped.run, "held", expected)


def test_a_log_begun_elsewhere_is_not_continued_in_silence(tiny: Path, warm: Lab, facts: Facts) -> None:
    whole = warm.run(tiny, project=False)
    other = warm.run(tiny, {"seed": 4}, project=False)
    (_, world), (foreign, _) = facts(whole.path), facts(other.path)
    cut(whole.path, foreign, world)
    from simlab.errors import SimlabError

    with pytest.raises(SimlabError, match=r"events\.jsonl: line 1 was recorded differently"):
        warm.run(tiny, resume=True, project=False)
    assert facts(whole.path)[0] == foreign, "nothing that was recorded is overwritten"


# --- real processes, really killed --------------------------------------------------------------


ALONE = (
    "import json, sys; from simlab.lab import Lab; "
    "done = Lab(sys.argv[2]).run(sys.argv[1], project=False); print(json.dumps(done.as_json())); sys.exit(done.exit)"
)
"""`simlab run` without MLflow, which takes longer to start than all else."""


def start(home: Path, scenario: Path, mlflow: bool = True) -> subprocess.Popen[str]:
    """A run as a process of its own; its outcome as JSON on standard output."""
    with_mlflow = ["-m", "simlab", "run", str(scenario), "--home", str(home), "--json"]
    return subprocess.Popen(
        [sys.executable, *(with_mlflow if mlflow else ["-c", ALONE, str(scenario), str(home)])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def wait_for_lines(process: subprocess.Popen[str], folder: Path, lines: int) -> None:
    """Wait until a run has said so many facts."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with_lines = (
            (folder / "events.jsonl").read_bytes().count(b"\n") if (folder / "events.jsonl").exists() else 0
        )
        if with_lines >= lines:
            return
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)
    raise AssertionError(f"no {lines} facts within two minutes")


def projectors(home: Path) -> list[int]:
    """Living projector processes of a home."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if b"simlab.projector" in line and os.fsencode(home.resolve()) in line and state != "Z":
                found.append(int(entry.name))
    return found


@pytest.fixture
def reference(eventful: Path, warm: Lab) -> Outcome:
    """The same scenario, never disturbed."""
    return warm.run(eventful, project=False)


@pytest.fixture
def cold(tmp_path: Path) -> Iterator[Path]:
    """A home in which every step must be taken."""
    yield tmp_path / "cold"


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for orphans in /proc")
@pytest.mark.parametrize(
    "lines", [30, pytest.param(2, marks=pytest.mark.slow), pytest.param(90, marks=pytest.mark.slow)]
)
def test_kill_9_loses_nothing_and_leaves_no_orphan(
    lines: int, cold: Path, eventful: Path, reference: Outcome, facts: Facts
) -> None:
    process = start(cold, eventful)
    try:
        wait_for_lines(process, cold / "runs" / "eventful-001", lines)
        assert projectors(cold), "the projector is started with the run"
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    until = time.monotonic() + 60
    while projectors(cold) and time.monotonic() < until:
        time.sleep(0.05)
    assert projectors(cold) == []
    folder = cold / "runs" / "eventful-001"
    before = facts(folder)
    assert facts(reference.path)[0].startswith(before[0][: before[0].rfind(b"\n") + 1])
    resumed = Lab(cold).run(eventful, resume=True, project=False)
    assert (resumed.run, resumed.exit) == ("eventful-001", 0)
    assert facts(folder) == facts(reference.path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_run_is_whole_and_goes_on(
    number: signal.Signals, cold: Path, eventful: Path, reference: Outcome, facts: Facts
) -> None:
    process = start(cold, eventful)
    folder = cold / "runs" / "eventful-001"
    wait_for_lines(process, folder, 20)
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "interrupted; the run folder is whole" in said and "Traceback" not in said
    assert json.loads((folder / "run.json").read_text())["status"] == "interrupted"
    assert log.verify(folder / "events.jsonl") >= 20
    assert facts(reference.path)[0].startswith(facts(folder)[0])
    resumed = Lab(cold).run(eventful, resume=True, project=False)
    assert (resumed.exit, facts(folder)) == (0, facts(reference.path))


def test_a_run_that_is_being_run_cannot_be_resumed(
    cold: Path, eventful: Path, reference: Outcome, facts: Facts
) -> None:
    process = start(cold, eventful, mlflow=False)
    folder = cold / "runs" / "eventful-001"
    try:
        wait_for_lines(process, folder, 10)
        process.send_signal(signal.SIGSTOP)
        before = facts(folder)
        with pytest.raises(EnvironmentProblem, match="eventful-001 is being run by another process"):
            Lab(cold).run(eventful, resume=True, project=False)
        assert facts(folder) == before
        process.send_signal(signal.SIGCONT)
        out, said = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert json.loads(out)["run"] == "eventful-001"
    assert facts(folder) == facts(reference.path)


@pytest.mark.parametrize("mlflow", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_two_runs_at_once_in_one_home_do_not_disturb_each_other(
    mlflow: bool, cold: Path, eventful: Path, reference: Outcome, facts: Facts
) -> None:
    both = [start(cold, eventful, mlflow) for _ in range(2)]
    told = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    found = [json.loads(out) for out, _ in told]
    assert sorted(outcome["run"] for outcome in found) == ["eventful-001", "eventful-002"]
    home = Lab(cold)
    for outcome in found:
        assert facts(Path(outcome["path"])) == facts(reference.path)
        assert home.verify(outcome["run"])["events"] > 100
    assert not [path for path in (cold / "store").rglob(".new-*")], "no half-written artifact is left"
