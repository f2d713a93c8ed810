"""The model quality monitor: its files, its violations, and labels that come late, bit by bit or never."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from simlab import events as e
from simlab.capture_format import merge, read_captures, read_truth
from simlab.errors import ScenarioInvalid, SimlabError
from simlab.lab import Lab
from simlab.model_quality import Constraint
from simlab.monitors import Material
from simlab.monitors.model_quality import model_quality, suggest

DAY = datetime(2026, 1, 5)


class A:
    """As much of a deployment as the monitor looks at."""

    def __init__(self, problem: str = "binary"):
        self.problem, self.threshold, self.version, self.deployed = problem, 0.5, 1, DAY


def rows(good: float, number: int = 400, seed: int = 0, unknown: int = 0) -> pa.Table:
    """Answers of which a share is right."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(number) < 0.4).astype(float)
    right = rng.random(number) < good
    scores = np.where(right == (truth == 1), 0.5 + rng.random(number) / 2, rng.random(number) / 2)
    mask = np.arange(number) < unknown
    return pa.table({"prediction": scores, "label": pa.array(truth, pa.float64(), mask=mask)})


def material(table: pa.Table) -> Material:
    return Material(table, 3, DAY, DAY + timedelta(days=1), DAY + timedelta(days=2), "churn", "mq", 7)


def test_a_baseline_is_its_statistics_and_its_values_as_thresholds() -> None:
    files = suggest(A(), rows(0.8))  # type: ignore[arg-type]
    assert list(files) == ["statistics.json", "constraints.json"]
    statistics, limits = (json.loads(files[name]) for name in files)
    assert statistics["dataset"] == {"item_count": 400, "evaluation_time": "2026-01-05T00:00:00.000Z"}
    metrics = statistics["binary_classification_metrics"]
    for name, one in limits["binary_classification_constraints"].items():
        assert one["threshold"] == metrics[name]["value"]


def test_a_worse_model_breaches_in_the_services_words() -> None:
    baseline = suggest(A(), rows(0.9))  # type: ignore[arg-type]
    out = model_quality(A(), baseline, material(rows(0.6, unknown=100)), metrics=("f2", "auc"))  # type: ignore[arg-type]
    assert list(out.files) == ["statistics.json", "constraints.json", "constraint_violations.json"]
    statistics = json.loads(out.files["statistics.json"])
    assert statistics["dataset"] == {"item_count": 300, "evaluation_time": "2026-01-07T00:00:00.000Z"}
    f2 = statistics["binary_classification_metrics"]["f2"]
    limit = json.loads(baseline["constraints.json"])["binary_classification_constraints"]["f2"]["threshold"]
    told = json.loads(out.files["constraint_violations.json"])
    assert list(told) == ["violations"] and [v["metric_name"] for v in told["violations"]] == ["auc", "f2"]
    assert told["violations"][1] == {
        "constraint_check_type": "LessThanThreshold",
        "description": f"Metric f2 with {f2['value']} +/- {f2['standard_deviation']} was LessThanThreshold '{limit}'",
        "metric_name": "f2",
    }
    assert [(f.column, f.check, f.breached, f.of_window) for f in out.findings] == [
        ("auc", "LessThanThreshold", True, 3), ("f2", "LessThanThreshold", True, 3)
    ]  # fmt: skip
    assert out.descriptions[out.findings[1].alarm] == told["violations"][1]["description"]


def test_every_scalar_goes_to_cloudwatch_under_awss_name() -> None:
    out = model_quality(A(), suggest(A(), rows(0.9)), material(rows(0.9)))  # type: ignore[arg-type]
    names = [point.metric for point in out.datapoints]
    assert "f2_best_constant_classifier" in names and "confusion_matrix" not in names and len(names) == 17
    assert {p.namespace for p in out.datapoints} == {"aws/sagemaker/Endpoints/model-metrics"}
    assert dict(out.datapoints[0].dimensions) == {"Endpoint": "churn", "MonitoringSchedule": "mq"}


def test_a_tolerance_lets_chance_pass_and_harm_not() -> None:
    baseline = suggest(A(), rows(0.8, 2000))  # type: ignore[arg-type]
    names = ("accuracy", "f1", "auc")

    def breaches(good: float, tolerance: float) -> int:
        outs = (
            model_quality(A(), baseline, material(rows(good, 400, seed)), metrics=names, tolerance=tolerance)  # type: ignore[arg-type]
            for seed in range(1, 21)
        )
        return sum(f.breached for out in outs for f in out.findings)

    assert breaches(0.8, 0) > 15 and breaches(0.8, 6) <= 6
    assert breaches(0.6, 6) == 60


def test_thresholds_can_be_changed_replaced_and_taken_from_the_replacement(tmp_path: Path) -> None:
    def limits(**settings: Any) -> dict[str, Any]:
        files = suggest(A(), rows(0.8), **settings)  # type: ignore[arg-type]
        found: dict[str, Any] = json.loads(files["constraints.json"])["binary_classification_constraints"]
        return found

    assert limits(constraints={"f1": Constraint(0.7)})["f1"] == {
        "threshold": 0.7, "comparison_operator": "LessThanThreshold"
    }  # fmt: skip
    assert {n: c["threshold"] for n, c in limits(profile="aws_replacement").items()} == {
        "f1": 0.70, "accuracy": 0.80, "auc": 0.75
    }  # fmt: skip
    file = tmp_path / "constraints.json"
    body = {
        "recall": {
            "threshold": 0.571,
            "comparison_operator": "LessThanThreshold",
            "additional_properties": None,
        }
    }
    file.write_text(json.dumps({"version": 0.0, "binary_classification_constraints": body}))
    assert limits(constraints=str(file)) == body
    with pytest.raises(SimlabError, match="'mae' has no threshold"):
        limits(metrics=("mae",))
    with pytest.raises(SimlabError, match="no metric called 'mae'"):
        limits(constraints={"mae": Constraint(0.7)})
    with pytest.raises(SimlabError, match="nowhere.json cannot be read: No such file"):
        limits(constraints=str(tmp_path / "nowhere.json"))


def test_a_metric_that_is_undefined_is_not_judged() -> None:
    table = pa.table({"prediction": [0.1, 0.2], "label": [0.0, 0.0]})
    out = model_quality(A(), suggest(A(), rows(0.9)), material(table))  # type: ignore[arg-type]
    assert {f.column for f in out.findings} == {"accuracy", "true_negative_rate", "false_positive_rate"}
    assert (
        json.loads(out.files["statistics.json"])["binary_classification_metrics"]["recall"]["value"] == "NaN"
    )


def test_a_regression_is_judged_by_its_errors() -> None:
    truth = np.arange(300.0)
    before = pa.table({"prediction": truth + 1, "label": truth})
    now = pa.table({"prediction": truth + 2, "label": truth})
    out = model_quality(A("regression"), suggest(A("regression"), before), material(now))  # type: ignore[arg-type]
    assert [(f.column, f.check, f.breached) for f in out.findings] == [
        ("mae", "GreaterThanThreshold", True), ("mse", "GreaterThanThreshold", True),
        ("rmse", "GreaterThanThreshold", True), ("r2", "LessThanThreshold", True),
    ]  # fmt: skip
    assert list(json.loads(out.files["statistics.json"])) == ["version", "dataset", "regression_metrics"]


# --- in whole runs ------------------------------------------------------------------------------


def asked(**schedule: Any) -> dict[str, Any]:
    schedules = {"mq": {"monitor": {"model_quality": {"metrics": ["accuracy", "f1"]}}, **schedule}}
    return {
        "stages.capture": {"enable": True},
        "stages.monitor.schedules": schedules,
        "stages.monitor.every_window": False,
        "expect": [],
    }


def executions(lab: Lab) -> list[tuple[int | None, str, int, int]]:
    facts = [f for f in lab.events(None) if isinstance(f, e.MonitoringExecuted)]
    return [(f.window, f.status.removesuffix("WithViolations"), f.rows, f.labelled) for f in facts]


def coverage(lab: Lab) -> list[float | None]:
    facts = [f for f in lab.events(None) if isinstance(f, e.MetricMeasured)]
    return [f.value for f in facts if f.metric == "monitor.coverage.mq"]


def test_offsets_wait_for_labels(tiny: Path, warm: Lab) -> None:
    # The last label of a window is due exactly at the end of the next one, and so known one later.
    late = {"labels": {"delay": "2d"}, "clock.windows": 6}
    warm.run(tiny, asked(start_time_offset="-P4D", end_time_offset="-P3D") | late, project=False)
    found = executions(warm)
    assert [f[1:] for f in found[:3]] == [("Failed", 0, 0)] * 3
    assert [f[1:] for f in found[3:]] == [("Completed", 150, 150)] * 3
    assert coverage(warm) == [None, None, None, 1.0, 1.0, 1.0]
    warm.run(tiny, asked() | late, project=False)
    assert {f[1] for f in executions(warm)} == {"Failed"} and coverage(warm) == [0.0] * 6


@pytest.mark.parametrize(
    ("kind", "with_", "least", "most"),
    [
        ("lose_labels", {}, 0.7, 0.95),
        ("select_labels", {}, 0.02, 0.9),
        ("delay_labels", {"mean": "60d", "law": "constant"}, 0.35, 0.65),
    ],
)
def test_labels_that_come_partly_or_never_show_in_the_coverage(
    kind: str, with_: dict[str, Any], least: float, most: float, tiny: Path, warm: Lab
) -> None:
    injected = {"id": "gone", "kind": kind, "start": 0, "on": "labels", "with": with_}
    if kind != "select_labels":
        injected["fraction"] = 0.5
    change = asked(start_time_offset="-P3D", end_time_offset="-P2D") | {
        "clock.windows": 6,
        "inject": [injected],
    }
    warm.run(tiny, change, project=False)
    told = [value for value in coverage(warm) if value is not None]
    assert len(told) == 4 and all(least < value < most for value in told)
    assert all(rows == 150 and labelled < 150 for _, _, rows, labelled in executions(warm)[2:])


def test_the_files_of_a_run_say_what_its_monitors_saw(tiny: Path, warm: Lab) -> None:
    run = warm.run(tiny, asked(start_time_offset="-P2D", end_time_offset="-P1D"), project=False)
    captures, truth = read_captures(run.path / "capture"), read_truth(run.path / "ground-truth")
    found = merge(captures, truth)
    assert captures.bad == truth.bad == ()
    assert captures.table.num_rows == 600 and (found.unasked, found.repeated) == (0, 0)
    assert 0 < found.unlabelled < 300
    days = {name.split("/")[-5:-1][2] for name in map(str, (run.path / "capture").rglob("*.jsonl"))}
    assert days == {"05", "06", "07", "08"}
    collected = {name.split("/")[-5:-1][2] for name in map(str, (run.path / "ground-truth").rglob("*.jsonl"))}
    assert collected == {"06", "07", "08"}  # a day after the request
    # The first day's labels, all known by the third, make the execution's own figure.
    report = next((run.path / "monitoring/simlab-endpoint/mq/2026/01/08").rglob("statistics.json"))
    told = json.loads(report.read_text())["binary_classification_metrics"]["auc"]["value"]
    judge = pytest.importorskip("sklearn.metrics")
    table = found.table.to_pylist()
    day = [row for row in table if row["inference_time"].startswith("2026-01-06")]
    auc = judge.roc_auc_score([row["label"] for row in day], [row["prediction"] for row in day])
    assert len(day) == 150 and told == pytest.approx(auc, abs=1e-12)


def test_files_can_be_left_out_and_written_as_json(tiny: Path, warm: Lab) -> None:
    run = warm.run(tiny, {"stages.capture": {"enable": True, "files": False}}, project=False)
    assert not (run.path / "capture").exists() and not (run.path / "ground-truth").exists()
    told = {"enable": True, "encoding": "JSON", "capture_mode": "Input", "sampling_percentage": 40}
    run = warm.run(tiny, {"stages.capture": told}, project=False)
    found = read_captures(run.path / "capture")
    assert found.bad == () and 200 < found.table.num_rows < 280
    assert (
        "hours_per_week" in found.table.column_names
        and found.table["prediction"].null_count == found.table.num_rows
    )


def test_wrong_settings_are_told_before_the_run(tiny: Path, warm: Lab) -> None:
    change = asked()
    change["stages.monitor.schedules"]["mq"]["monitor"] = {
        "model_quality": {"metrics": ["acuracy"], "tolerance": -1, "constraints": {"f1": {"treshold": 1}}}
    }
    with pytest.raises(ScenarioInvalid) as told:
        warm.check(tiny, change)
    text = str(told.value)
    assert "did you mean 'accuracy'" in text and "tolerance" in text
    assert "model_quality.constraints.f1: no key called 'treshold'" in text
    change["stages.monitor.schedules"]["mq"]["monitor"] = {"model_quality": {"constraints": "nowhere.json"}}
    with pytest.raises(ScenarioInvalid, match="nowhere.json cannot be read: No such file"):
        warm.check(tiny, change)
