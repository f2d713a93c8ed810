"""`simlab captures` reads what a run, or the real service, captured, and drops nothing in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from simlab.cli import app
from simlab.lab import Lab

LINE = (
    '{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"132,25","encoding":"CSV"},'
    '"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT","data":"0.01","encoding":"CSV"}},'
    '"eventMetadata":{"eventId":"e1","inferenceId":"i1","inferenceTime":"2022-04-18T00:21:48Z"},"eventVersion":"0"}'
)
TRUTH = (
    '{"groundTruthData":{"data":"1","encoding":"CSV"},"eventMetadata":{"eventId":"i1"},"eventVersion":"0"}'
)


def told(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["captures", *arguments])


def test_a_runs_captures_are_joined_with_its_labels(tiny: Path, warm: Lab) -> None:
    change = {"stages.capture": {"enable": True}, "labels.delay": "1d", "expect": []}
    run = warm.run(tiny, change, project=False)
    done = told(run.run, "--home", str(warm.home), "--json")
    said = json.loads(done.stdout)
    # The labels of the last window come after the run.
    assert (said["rows"], said["labelled"], said["unlabelled"], said["bad"]) == (600, 450, 150, 0)
    assert {"inference_id", "prediction"} <= set(said["columns"])


def test_files_of_the_service_are_read_merged_and_what_does_not_fit_is_told(tmp_path: Path) -> None:
    captured, truth = tmp_path / "capture", tmp_path / "truth"
    for folder, lines in ((captured, [LINE, "{", LINE.replace("i1", "i2")]), (truth, [TRUTH])):
        folder.mkdir()
        (folder / "a.jsonl").write_text("\n".join(lines) + "\n")
    out = tmp_path / "merged.jsonl"
    done = told(str(captured), "--ground-truth", str(truth), "--merged", str(out))
    assert done.exit_code == 0, done.output
    assert "2 captured requests" in done.stdout and "1 with their label, 1 without" in done.stdout
    assert "1 line set aside" in done.stdout and "a.jsonl:2: not JSON" in done.stdout
    (line,) = out.read_text().splitlines()
    assert json.loads(line)["groundTruthData"] == {"data": "1", "encoding": "CSV"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--merged", "x"], "--merged needs labels"),
        (["--ground-truth", "nowhere"], "nothing was captured there"),
    ],
)
def test_what_is_asked_wrongly_is_answered_in_words(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(LINE + "\n")
    done = told(str(tmp_path), *arguments)
    assert done.exit_code != 0 and said in str(done.exception or done.output)


def test_a_folder_without_a_line_is_no_capture(tmp_path: Path) -> None:
    done = told(str(tmp_path))
    assert done.exit_code != 0 and "no line" in str(done.exception)
