"""The command line: each command a few lines over `Lab`, every exit code, JSON where it is asked for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from simlab import story as story_module
from simlab.cli import main
from simlab.lab import Lab
from simlab.stages import STAGES

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON document on standard output: anything beside it does not parse."""
        return json.loads(self.out)


@pytest.fixture
def simlab(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, warm: Lab, unprojected: None
) -> Callable[..., Said]:
    """Run a command in this process, in a warm home."""
    monkeypatch.setenv("SIMLAB_HOME", str(warm.home))

    def command(*given: object) -> Said:
        capsys.readouterr()
        code = main([str(word) for word in given])
        caught = capsys.readouterr()
        return Said(code, caught.out, caught.err)

    return command


Simlab = Callable[..., Said]


def changed(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


# --- exit codes ---------------------------------------------------------------------------------


def test_0_every_expectation_held(simlab: Simlab, tiny: Path) -> None:
    said = simlab("run", tiny)
    assert said.code == 0
    assert "every expectation held" in said.out and "tiny-001" in said.out
    for stage in ("ingest", "train", "deploy", "serve", "monitor"):
        aws = next(row.aws for row in STAGES if row.name == stage)
        assert f"{stage}" in said.out and aws in said.out


def test_1_a_fault_of_simlab_shows_no_traceback_but_keeps_it(
    simlab: Simlab, tiny: Path, warm: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: Any, **more: Any) -> None:
        raise ZeroDivisionError("nobody thought of that")

    monkeypatch.setattr("simlab.story.build", broken)
    said = simlab("run", tiny)
    assert said.code == 1
    assert "a fault of simlab: ZeroDivisionError: nobody thought of that" in said.err
    assert "Traceback" not in said.err + said.out
    kept = next((warm.home / "faults").iterdir())
    assert str(kept) in said.err and "Traceback" in kept.read_text()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["run"], "Missing argument"),
        (["rnu"], "No such command 'rnu'"),
        (["run", "TINY", "--untill", "train"], "No such option"),
        (["run", "TINY", "--until", "nosuch"], "--until: no stage called 'nosuch'"),
        (["run", "TINY", "--until", "trian"], "did you mean 'train'?"),
        (["run", "TINY", "--set", "clock.windows"], "write KEY=VALUE"),
        (["run", "TINY", "--set", "=3"], "write KEY=VALUE"),
        (["run", "TINY", "--set", "clock.windows=[1"], "not YAML"),
        (["events", "nosuch-001"], "no run called 'nosuch-001'"),
        (["events"], "there are no runs in"),
        (["report", "nosuch-001"], "no run called"),
        (["show", "shift_colum"], "did you mean 'shift_column'?"),
        (["list", "injectorz"], "did you mean 'injectors'?"),
        (["new", "x", "--dataset", "adult-incom"], "did you mean 'adult-income'?"),
    ],
)
def test_2_a_command_that_is_not_offered(given: list[str], words: str, simlab: Simlab, tiny: Path) -> None:
    said = simlab(*(str(tiny) if word == "TINY" else word for word in given))
    assert (said.code, said.out) == (2, "")
    assert words in said.err and "Traceback" not in said.err


def test_3_a_scenario_that_cannot_run(simlab: Simlab, tiny: Path, warm: Lab) -> None:
    said = simlab("run", changed(tiny, "rounds: 10", "round: 10"))
    assert said.code == 3
    assert "tiny.yaml:12: stages.train: no key called 'round'; did you mean 'rounds'?" in said.err
    assert warm.runs() == []


def test_3_a_change_on_the_command_line_that_cannot_be(simlab: Simlab, tiny: Path) -> None:
    said = simlab("run", tiny, "--set", "clock.windows=none")
    assert said.code == 3 and "clock.windows" in said.err
    assert simlab("check", tiny, "--set", "clock.wndows=3").code == 3
    assert simlab("check", tiny, "--set", "title.deeper=3").code == 3
    assert simlab("check", tiny, "--set", "inject.ghost.start=3").code == 3


def test_4_a_gate_that_is_not_met_ends_before_any_live_window(simlab: Simlab, tiny: Path, warm: Lab) -> None:
    said = simlab("run", changed(tiny, "value: 0.6", "value: 0.999"), "--json")
    assert said.code == 4
    found = said.json()
    assert (found["status"], found["exit"]) == ("gate", 4)
    assert "the gate was not met" in found["why"]
    assert {fact.window for fact in warm.events("tiny-001")} == {None}


def test_5_an_expectation_that_did_not_hold(simlab: Simlab, tiny: Path) -> None:
    said = simlab("run", changed(tiny, "at_least: 600", "at_least: 601"), "--json")
    assert said.code == 5
    found = said.json()
    assert (found["status"], found["exit"]) == ("deviated", 5)
    assert [v["held"] for v in found["verdicts"]] == [True, False]
    assert "600 rows answered" in found["verdicts"][1]["why"]


def test_7_a_home_that_cannot_be_written(simlab: Simlab, tiny: Path) -> None:
    said = simlab("run", tiny, "--home", tiny / "home")
    assert said.code == 7 and f"the home {tiny / 'home'} cannot be written" in said.err


def test_7_an_engine_that_is_missing(simlab: Simlab, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simlab.engines.lightgbm", None)
    said = simlab("run", tiny, "--set", "train.x=1")
    assert said.code == 3, "the scenario is checked first"
    import simlab.engines as engines

    def missing(name: str) -> Any:
        raise ModuleNotFoundError("No module named 'lightgbm'", name="lightgbm")

    monkeypatch.setattr(engines, "import_module", missing)
    said = simlab("run", tiny, "--set", "train.rounds=11", "--set", "stages.train.rounds=11")
    assert said.code in (3, 7)
    said = simlab("run", tiny, "--set", "stages.train.rounds=11")
    assert said.code == 7 and "needs the package 'lightgbm', which is not installed" in said.err


def test_8_a_stage_that_failed_for_good(simlab: Simlab, tiny: Path) -> None:
    said = simlab("run", tiny, "--set", "stages.approve.at_most=0.0001", "--json")
    assert said.code == 8
    found = said.json()
    assert (found["status"], found["exit"]) == ("failed", 8)
    assert "stage approve failed before the first window" in found["why"]


def test_8_becomes_0_where_the_failure_was_expected(simlab: Simlab, tiny: Path, warm: Lab) -> None:
    text = tiny.read_text()
    tiny.write_text(text[: text.index("expect:")] + "expect:\n  - stage_fails: {stage: approve}\n")
    said = simlab("run", tiny, "--set", "stages.approve.at_most=0.0001", "--json")
    assert (said.code, said.json()["status"]) == (0, "held")
    assert [f.stage for f in warm.events(None) if f.kind == "StageFailed"] == ["approve"]  # type: ignore[attr-defined]


def test_130_interrupted(simlab: Simlab, tiny: Path, warm: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def impatient(*given: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("simlab.story.live", impatient)
        said = simlab("run", tiny)
    assert said.code == 130 and "simlab run --resume" in said.err
    assert warm.record(None)["status"] == "interrupted"
    assert simlab("run", tiny, "--resume").code == 0
    assert [record["run"] for record in warm.runs()] == ["tiny-001"]


def test_130_also_where_an_engine_swallows_the_interrupt(
    simlab: Simlab, tiny: Path, warm: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = story_module.build

    def deaf(*given: Any, **more: Any) -> Any:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            pass  # as a callback from native code does
        return real(*given, **more)

    monkeypatch.setattr(story_module, "build", deaf)
    assert simlab("run", tiny).code == 130
    assert warm.record(None)["status"] == "interrupted"


# --- run ----------------------------------------------------------------------------------------


def test_json_is_one_object_and_nothing_else(simlab: Simlab, eventful: Path, warm: Lab) -> None:
    said = simlab("run", eventful, "--json")
    assert (said.code, said.err) == (0, "")
    found = said.json()
    assert list(found)[:8] == ["run", "path", "status", "exit", "verdicts", "metrics", "alarms", "versions"]
    assert (found["run"], found["path"]) == ("eventful-001", str(warm.home / "runs" / "eventful-001"))
    assert found["verdicts"][0] == {
        "expect": "alarm_within: {injection: older, windows: 0, alarm: data_quality:drift:age}",
        "held": True,
        "why": found["verdicts"][0]["why"],
    }
    assert found["metrics"]["serve.rows"] > 0 and found["seconds"] > 0
    assert any(alarm["alarm"] == "data_quality:drift:age" for alarm in found["alarms"])
    assert [version["version"] for version in found["versions"]] == [1, 2]


def test_an_error_in_json_is_one_object_too(simlab: Simlab, tiny: Path) -> None:
    said = simlab("run", tiny, "--set", "clock.windows=0", "--json")
    assert said.code == 3 and said.json()["exit"] == 3 and "clock.windows" in said.json()["error"]
    said = simlab("rnu", "--json")
    assert said.code == 2 and said.json()["exit"] == 2


def test_quiet_shows_only_the_outcome(simlab: Simlab, tiny: Path) -> None:
    loud, quiet = simlab("run", tiny), simlab("run", tiny, "-q")
    assert "SageMaker" in loud.out and "SageMaker" not in quiet.out
    assert "tiny-002" in quiet.out


def test_set_values_are_typed_as_yaml_types_them(simlab: Simlab, tiny: Path, warm: Lab) -> None:
    said = simlab(
        "run", tiny, "--json", "--set", "clock.windows=2", "--set", "seed.build=5", "--set", "expect=[]",
        "--set", "stages.retrain.policy={every: {windows: 2}}", "--set", "clock.step=6h",
    )  # fmt: skip
    assert said.code == 0, said.out
    started = warm.events(None)[0]
    assert (started.windows, started.seed, started.step_seconds) == (2, {"world": 3, "build": 5}, 21600)  # type: ignore[attr-defined]
    body = simlab("plan", tiny, "--json", "--set", "stages.retrain.policy={every: {windows: 2}}").json()
    assert body["stages"]["retrain"] == {"policy": {"every": {"windows": 2}}}


def test_set_reaches_into_lists_by_id_and_by_number(simlab: Simlab, eventful: Path) -> None:
    body = simlab(
        "plan", eventful, "--json", "--set", "inject.older.start=2", "--set", "inject.1.fraction=0.5"
    ).json()
    assert [i["start"] for i in body["inject"]] == [2, 2]
    assert body["inject"][1]["fraction"] == 0.5


def test_until_stops_and_resume_goes_on(simlab: Simlab, tiny: Path) -> None:
    stopped = simlab("run", tiny, "--until", "train", "--json")
    assert stopped.code == 0
    assert (stopped.json()["run"], stopped.json()["status"]) == ("tiny-001", "stopped")
    resumed = simlab("run", tiny, "--resume", "--json")
    assert (resumed.code, resumed.json()["run"], resumed.json()["status"]) == (0, "tiny-001", "held")
    again = simlab("run", tiny, "--resume", "--json")
    assert (again.code, again.json()["run"], again.json()["verdicts"]) == (
        0,
        "tiny-001",
        resumed.json()["verdicts"],
    )


def test_runs_count_up_and_are_listed(simlab: Simlab, tiny: Path) -> None:
    assert simlab("runs", "--json").json() == []
    simlab("run", tiny, "-q")
    simlab("run", tiny, "-q", "--set", "expect=[{rows_served: {at_least: 9999}}]")
    found = simlab("runs", "--json").json()
    assert [(r["run"], r["status"], r["exit"]) for r in found] == [
        ("tiny-001", "held", 0),
        ("tiny-002", "deviated", 5),
    ]
    shown = simlab("runs").out
    assert "tiny-001" in shown and "tiny-002" in shown


# --- events -------------------------------------------------------------------------------------


def test_events_are_shown_filtered_and_verified(simlab: Simlab, tiny: Path, warm: Lab) -> None:
    simlab("run", tiny, "-q")
    everything = simlab("events", "--json").json()
    assert everything[0]["kind"] == "RunStarted" and everything[-1]["kind"] == "RunFinished"
    deployed = simlab("events", "tiny-001", "--kind", "ModelDeployed", "--json").json()
    assert [fact["version"] for fact in deployed] == [1]
    assert len(simlab("events").out.splitlines()) == len(everything)
    assert simlab("events", "--world", "--json").json()[0]["kind"] == "WorldStarted"
    assert simlab("events", "--kind", "ModelDeploid").code == 2
    said = simlab("events", "--verify")
    assert said.code == 0 and f"tiny-001: whole; {len(everything)} facts" in said.out
    assert simlab("events", "--verify", "--json").json() == {
        "run": "tiny-001", "whole": True, "events": len(everything), "world": len(warm.events(None, world=True)),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["events.jsonl", "world.jsonl"])
@pytest.mark.parametrize("harm", ["one byte", "last line", "two lines", "a line more"])
def test_a_log_that_was_touched_does_not_verify(
    name: str, harm: str, simlab: Simlab, tiny: Path, warm: Lab
) -> None:
    simlab("run", tiny, "-q")
    file = warm.folder("tiny-001") / name
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(
        {
            "one byte": b"".join([lines[0].replace(b"tiny", b"tiny".upper(), 1), *lines[1:]]),
            "last line": b"".join(lines[:-1]),
            "two lines": b"".join([*lines[:2], lines[3], lines[2], *lines[4:]]),
            "a line more": b"".join([*lines, lines[-1]]),
        }[harm]
    )
    said = simlab("events", "tiny-001", "--verify")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"tiny-001/{name}: ") and len(said.err.splitlines()) == 1
    assert not (warm.home / "faults").exists(), "a broken log is no fault of simlab's code"
    said = simlab("events", "tiny-001", "--verify", "--json")
    assert said.code == 1 and said.json()["exit"] == 1


# --- everything else ----------------------------------------------------------------------------


def test_check_says_that_a_scenario_can_run(simlab: Simlab, tiny: Path) -> None:
    said = simlab("check", tiny)
    assert said.code == 0 and said.out.startswith("tiny: can run. A tiny world")
    assert simlab("check", "quiet-world", "--json").json()["valid"] is True


def test_plan_names_stages_and_mutants(simlab: Simlab, eventful: Path) -> None:
    said = simlab("plan", eventful)
    assert said.code == 0
    for word in ("older", "shift_column", "without older", "monitors muted", "policy never"):
        assert word in said.out, said.out


def test_report_is_written_again(simlab: Simlab, tiny: Path, warm: Lab) -> None:
    simlab("run", tiny, "-q")
    page = warm.folder("tiny-001") / "report.html"
    before = page.read_text()
    page.unlink()
    said = simlab("report", "tiny-001")
    assert (said.code, said.out.strip()) == (0, str(page))
    assert len(page.read_text()) > len(before) / 2
    assert simlab("report", "--json").json() == {"report": str(page)}


@pytest.mark.slow
@pytest.mark.engine
def test_evidentlys_reports_are_written_and_named(simlab: Simlab, tiny: Path, warm: Lab) -> None:
    simlab("run", tiny, "-q")
    said = simlab("report", "tiny-001", "--evidently", "--json").json()
    folder = warm.folder("tiny-001")
    assert said["report"] == str(folder / "report.html")
    assert said["evidently"][-1].endswith("tiny-001/artifacts/evidently/run.html")
    assert 'href="artifacts/evidently/run.html"' in (folder / "report.html").read_text()


@pytest.mark.parametrize(
    "what",
    ["scenarios", "datasets", "stages", "injectors", "detectors", "policies", "shapes", "expectations"],
)
def test_every_list_names_what_show_explains(what: str, simlab: Simlab) -> None:
    found = simlab("list", what, "--json").json()
    entries = found[what] if isinstance(found, dict) else found
    assert entries and all(entry["says"] for entry in entries)
    assert entries[0]["name"] in simlab("list", what).out
    for entry in entries:
        assert simlab("show", entry["name"]).code == 0, entry


def test_list_without_a_name_lists_everything(simlab: Simlab) -> None:
    said = simlab("list")
    assert said.code == 0 and "shift_column" in said.out and "adult-income" in said.out


def test_new_writes_a_scenario_that_can_run(simlab: Simlab, tmp_path: Path) -> None:
    for dataset in ("adult-income", "bikeshare", "nyc-flights"):
        said = simlab("new", f"my-{dataset}", "--dataset", dataset, "--folder", tmp_path)
        assert said.code == 0
        assert simlab("check", said.out.strip()).code == 0, dataset
    assert simlab("new", "my-bikeshare", "--folder", tmp_path).code == 2, "an existing file is kept"


def test_a_new_scenario_really_runs(simlab: Simlab, tmp_path: Path) -> None:
    path = simlab("new", "mine", "--folder", tmp_path).out.strip()
    said = simlab("run", path, "--json", "--set", "clock.rows=400", "--set", "stages.tune.trials=0")
    assert said.code in (0, 5), said.err
    assert said.json()["status"] in ("held", "deviated")


def test_the_shipped_schema_is_up_to_date(simlab: Simlab) -> None:
    said = simlab("schema", "--check")
    assert said.code == 0, said.err


def test_a_schema_that_is_not_up_to_date_is_told(
    simlab: Simlab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("simlab.file_schema.shipped_schema", lambda: tmp_path / "scenario.schema.json")
    assert simlab("schema", "--check").code == 2
    assert simlab("schema", "--write", tmp_path / "scenario.schema.json").code == 0
    assert simlab("schema", "--check").code == 0


def test_version_and_help(simlab: Simlab) -> None:
    from simlab import __version__

    assert simlab("--version").out.strip() == f"simlab {__version__}"
    said = simlab("--help")
    assert said.code == 0
    for command in (
        "run",
        "check",
        "plan",
        "runs",
        "report",
        "events",
        "list",
        "show",
        "new",
        "rebuild",
        "schema",
    ):
        assert command in said.out


# --- as a process -------------------------------------------------------------------------------


def process(*given: object, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simlab", *map(str, given)],
        capture_output=True, text=True, timeout=300, check=False, cwd=ROOT,
        env={**os.environ, "SIMLAB_HOME": str(home), **more},
    )  # fmt: skip


@pytest.mark.slow
def test_the_real_command_shows_the_run_in_mlflow_and_rebuild_brings_it_back(tiny: Path, lab: Lab) -> None:
    done = process("run", tiny, "--json", home=lab.home)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["status"] == "held"
    assert (lab.home / "mlflow.db").is_file()
    (lab.home / "mlflow.db").unlink()
    again = process("rebuild", "--json", home=lab.home)
    assert again.returncode == 0 and json.loads(again.stdout) == {"runs": 1}
    assert (lab.home / "mlflow.db").is_file()


def test_help_and_check_load_no_engine(tiny: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from simlab.cli import main; code = main(sys.argv[1:]); "
        "heavy = {'pandas', 'numpy', 'pyarrow', 'sklearn', 'lightgbm', 'mlflow', 'feast', 'optuna', 'evidently', 'onnx'}; "
        "print(sorted(heavy & set(sys.modules))); sys.exit(code)"
    )
    for given in (["--help"], ["check", str(tiny)], ["list", "stages"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *given],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            timeout=60,
        )
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "[]"), (given, done.stderr)


def test_a_closed_pipe_is_no_error(tiny: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m simlab list | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0 and done.stdout and "Traceback" not in done.stderr
