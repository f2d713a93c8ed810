"""The commands `simlab constraints`, with their exit codes and their JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simlab.cli import main
from simlab.lab import Lab
from simlab.wire import as_json

Simlab = Callable[..., tuple[int, str, str]]


@pytest.fixture
def simlab(capsys: pytest.CaptureFixture[str]) -> Simlab:
    def command(*given: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(word) for word in given])
        caught = capsys.readouterr()
        return code, caught.out, caught.err

    return command


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "constraints.json"
    feature = {"name": "age", "inferred_type": "Integral", "completeness": 1.0}
    path.write_bytes(as_json({"version": 0.0, "features": [feature], "monitoring_config": {}}))
    return path


def test_show_edit_and_diff_go_round(simlab: Simlab, file: Path) -> None:
    code, out, _ = simlab("constraints", "show", file)
    assert code == 0 and "age      Integral  1" in out
    code, out, _ = simlab("constraints", "edit", file, "--set", "features.age.completeness=0.9", "--set", "monitoring_config.comparison_threshold=0.2")  # fmt: skip
    second = file.with_name("constraints.v2.json")
    assert code == 0 and out.splitlines()[-1] == str(second)
    assert "features.age.completeness: 1.0 -> 0.9" in out
    code, out, _ = simlab("constraints", "diff", file, second)
    assert code == 1 and "comparison_threshold: (none) -> 0.2" in out
    assert simlab("constraints", "diff", file, file)[:2] == (0, "no difference\n")


def test_json_is_one_document(simlab: Simlab, file: Path) -> None:
    assert json.loads(simlab("constraints", "show", file, "--json")[1])["features"][0]["name"] == "age"
    out = file.with_name("mine.json")
    said = json.loads(simlab("constraints", "edit", file, "--set", "features.age.completeness=0.9", "--out", out, "--json")[1])  # fmt: skip
    assert said == {
        "file": str(out),
        "changed": [{"path": "features.age.completeness", "before": 1.0, "after": 0.9}],
    }
    code, text, _ = simlab("constraints", "diff", file, out, "--json")
    assert (code, json.loads(text)["same"]) == (1, False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("edit", "FILE", "--set", "features.age.completness=1"), "did you mean 'completeness'"),
        (("edit", "FILE", "--set", "features.age.completeness"), "write KEY=VALUE"),
        (("edit", "FILE"), "--set"),
        (("show", "constraint.json"), "there is no such file"),
        (("show", "no-such-run"), "no run called 'no-such-run'"),
        (("sho", "FILE"), "sho"),
    ],
)
def test_a_wrong_use_is_2_and_says_what_would_be_right(
    simlab: Simlab, file: Path, words: Any, said: str
) -> None:
    command, *rest = words
    given = [str(file) if word == "FILE" else word for word in rest]
    home = ("--home", file.parent / "h") if command == "show" else ()
    code, _, err = simlab("constraints", command, *given, *home)
    assert code == 2 and said in err


@pytest.mark.engine
def test_a_run_s_constraints_are_shown_and_edited_into_a_file_that_a_run_takes(
    simlab: Simlab, warm: Lab, tiny: Path, tmp_path: Path
) -> None:
    monitors = {"dq": {"monitor": "data_quality"}, "mine": {"monitor": "data_quality"}}
    sets = {"stages.capture": {"enable": True}, "stages.monitor.schedules": monitors, "expect": []}
    run = warm.run(tiny, sets, project=False).run
    home = ("--home", warm.home)
    assert "--schedule says which: dq, mine" in simlab("constraints", "show", run, *home)[2]
    code, out, _ = simlab("constraints", "show", run, "--schedule", "dq", *home)
    assert code == 0 and "hours_per_week" in out
    edit = ("constraints", "edit", run, "--schedule", "dq", "--set", "features.age.completeness=0.25", *home)
    code, _, err = simlab(*edit)
    assert code == 2 and "--out says where" in err
    mine = tmp_path / "mine.json"
    assert simlab(*edit, "--out", mine)[0] == 0
    sets["stages.monitor.schedules"] = {"dq": {"monitor": {"data_quality": {"constraints": str(mine)}}}}
    again = warm.run(tiny, sets, project=False).run
    shown = simlab("constraints", "diff", run, again, "--schedule", "dq", *home)
    assert shown[:2] == (1, "features.age.completeness: 1.0 -> 0.25\n")
