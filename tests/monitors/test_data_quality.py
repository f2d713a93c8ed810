"""The data-quality monitor: AWS's checks, Evidently's, and those of AWS's replacement for itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from simlab import events as e
from simlab.artifacts import Deployment
from simlab.errors import ScenarioInvalid
from simlab.executing import baseline_rows
from simlab.lab import Lab
from simlab.model_monitor.reading import read_statistics
from simlab.model_monitor.violations import read_violations
from simlab.monitors import Material, Outcome
from simlab.provenance import foreign_code
from simlab.statistics import sample
from simlab.statistics.preset import drift_of
from simlab.wire import as_json
from simlab.wordings import NAMESPACES
from tests.monitors.period import execute, material, suggested
from tests.stages.people import deployment

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deployment(tmp_path_factory.mktemp("deployment"))


@pytest.fixture(scope="module")
def seen(model: Deployment) -> Material:
    return material(model)


def run(model: Deployment, seen: Material, **settings: Any) -> Outcome:
    return execute("data_quality", model, seen, **settings)


def aged(seen: Material, by: float = 30.0, **columns: Any) -> Material:
    table = seen.table
    for name, values in {"age": pa.array(table["age"].to_numpy() + by), **columns}.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return replace(seen, table=table)


def higher(seen: Material) -> pa.Array:
    """Scores as a model gives them that takes everybody for a high earner."""
    return pa.array(1 - seen.table["prediction"].to_numpy() / 4)


def breached(outcome: Outcome) -> set[tuple[str, str]]:
    return {(finding.check, finding.column) for finding in outcome.findings if finding.breached}


def files(outcome: Outcome) -> dict[str, Any]:
    return {name: json.loads(body) for name, body in outcome.files.items()}


# --- Model Monitor ------------------------------------------------------------------------------


def test_the_prediction_comes_first_and_neither_label_nor_clock_take_part(model, seen):
    baseline = json.loads(suggested("data_quality", model)["constraints.json"])
    names = [feature["name"] for feature in baseline["features"]]
    assert names == ["prediction", "age", "hours", "job"]
    said = files(run(model, seen))
    assert set(said) == {"statistics.json", "constraints.json", "constraint_violations.json"}
    assert [f["name"] for f in said["statistics.json"]["features"]] == names
    assert said["constraints.json"] == baseline and said["constraint_violations.json"] == {"violations": []}


def test_a_shift_of_one_feature_is_that_feature_s_violation(model, seen):
    outcome = run(model, aged(seen), ignore=("prediction",))
    assert breached(outcome) == {("baseline_drift_check", "age")}
    (found,) = read_violations(outcome.files["constraint_violations.json"])
    assert (found.feature, found.check) == ("age", "baseline_drift_check")
    assert found.description == outcome.descriptions["data_quality:baseline_drift_check:age"]
    both = breached(run(model, aged(seen, prediction=higher(seen))))
    assert both == {("baseline_drift_check", "age"), ("baseline_drift_check", "prediction")}


def test_metrics_have_the_service_s_names_and_figures(model, seen):
    points = {point.metric: point for point in run(model, seen).datapoints}
    age = seen.table["age"].to_numpy()
    assert {point.namespace for point in points.values()} == {NAMESPACES["data_quality"].words}
    assert NAMESPACES["data_quality"].words == "aws/sagemaker/Endpoints/data-metrics"
    data = points["feature_data_age"]
    assert (data.count, data.minimum, data.maximum) == (300, age.min(), age.max())
    assert data.total == pytest.approx(age.sum())
    assert (points["feature_non_null_job"].count, points["feature_non_null_job"].total) == (300, 300)
    assert points["feature_baseline_drift_age"].total == 0.0
    assert "feature_data_job" not in points
    off = {"monitoring_config.emit_metrics": "Disabled", "features.age.emit_metrics": "Enabled"}
    assert {p.metric.rpartition("_")[2] for p in run(model, seen, edits=off).datapoints} == {"age"}


def test_half_the_values_missing_are_counted(model, seen):
    holed = pa.array([None, 40.0] * 150)
    outcome = run(model, aged(seen, 0.0, hours=holed))
    assert ("completeness_check", "hours") in breached(outcome)
    point = next(p for p in outcome.datapoints if p.metric == "feature_non_null_hours")
    assert (point.count, point.total, point.minimum, point.maximum) == (300, 150, 0, 1)


def test_edits_change_what_is_suggested(model, seen):
    assert not breached(run(model, aged(seen), edits={"monitoring_config.comparison_threshold": 1.0}))


def test_files_of_a_person_and_of_the_service_stand_in_for_the_suggested(model, seen, tmp_path: Path):
    constraints, statistics = tmp_path / "constraints.json", tmp_path / "statistics.json"
    headless = [{"name": f"_c{i}", "inferred_type": "Fractional", "completeness": 1.0} for i in range(3)]
    headless.append({"name": "_c3", "inferred_type": "String", "completeness": 1.0})
    constraints.write_bytes(as_json({"version": 0.0, "features": headless, "monitoring_config": {"distribution_constraints": {"comparison_method": "Simple"}}}))  # fmt: skip
    levels = [[20.0, 25.0, 30.0], [22.0, 28.0], [24.0, 26.0]]
    kll = {"kll": {"sketch": {"parameters": {"c": 0.64, "k": 2048.0}, "data": levels}}}
    common = {"num_present": 15, "num_missing": 0}
    statistics.write_bytes(as_json({"version": 0.0, "dataset": {"item_count": 15}, "features": [{"name": "_c1", "inferred_type": "Fractional", "numerical_statistics": {"common": common, "distribution": kll}}]}))  # fmt: skip
    asked = {"constraints": str(constraints), "statistics": str(statistics)}
    files = suggested("data_quality", model, **asked)
    assert files["statistics.json"] == statistics.read_bytes()
    outcome = run(model, seen, **asked)
    assert breached(outcome) == {("baseline_drift_check", "_c1")}
    drift = next(f for f in outcome.findings if f.check == "baseline_drift_check")
    assert drift.method == "linf_simple" and drift.value == pytest.approx(
        np.mean(seen.table["age"].to_numpy() > 30), abs=0.05
    ), "the service's ages end at 30"


def test_a_column_that_the_constraints_do_not_know_is_extra(model, seen, tmp_path: Path):
    body = json.loads(suggested("data_quality", model)["constraints.json"])
    file = tmp_path / "constraints.json"
    file.write_bytes(as_json(body | {"features": body["features"][1:]}))
    outcome = run(model, seen, constraints=str(file))
    assert breached(outcome) == {("extra_column_check", "")}
    assert read_violations(outcome.files["constraint_violations.json"])[0].feature == "Extra columns"
    assert not breached(run(model, seen, constraints=str(file), ignore=("prediction",)))


# --- Evidently, and AWS's replacement -----------------------------------------------------------


@pytest.mark.parametrize("profile", ["evidently", "aws_replacement"])
def test_the_baseline_rows_come_back_as_they_were(model, seen, profile: str):
    rows = baseline_rows(model)
    rows = rows.set_column(rows.column_names.index("job"), "job", pa.array([None, "", 'a "b", c'] + ["clerk"] * (rows.num_rows - 3)))  # fmt: skip
    rows = rows.set_column(rows.column_names.index("hours"), "hours", pa.array([None, *rows["hours"].to_pylist()[1:]]))  # fmt: skip
    baseline = suggested("data_quality", model, rows, profile=profile)
    said = {f.column: f for f in execute("data_quality", model, seen, baseline, profile=profile).findings}
    for name, kind in (("age", "numeric"), ("hours", "numeric"), ("job", "categorical")):
        drift = drift_of(sample(rows[name], kind), sample(seen.table[name], kind))
        assert (said[name].method, said[name].value) == (drift.method, drift.value)


def test_evidently_judges_each_column_and_the_share_of_them(model, seen):
    outcome = run(model, seen, profile="evidently")
    assert not breached(outcome)
    assert {f.method for f in outcome.findings} == {"ks", "chisquare", "share"}
    everything = aged(seen, prediction=higher(seen))
    outcome = run(model, everything, profile="evidently")
    moved = {("baseline_drift_check", "age"), ("baseline_drift_check", "prediction")}
    assert breached(outcome) == moved | {("drifted_columns_share", "")}, "two of four are half"
    assert files(outcome)["drift.json"]["share_of_drifted_columns"] == 0.5
    assert breached(run(model, everything, profile="evidently", drift_share=0.51)) == moved
    assert breached(run(model, everything, profile="evidently", ignore=("age", "prediction"))) == set()


def test_aws_s_replacement_alerts_on_the_share_of_drifted_features(model, seen):
    replacement = {"profile": "aws_replacement"}
    assert not breached(run(model, seen, **replacement))
    outcome = run(model, aged(seen), **replacement)
    assert breached(outcome) == {("drifted_columns_share", "")}, "one of three features is more than 30 %"
    assert outcome.descriptions["data_quality:drifted_columns_share"].endswith("exceeds threshold: 0.3")
    assert not breached(run(model, aged(seen), **replacement, drift_share=1 / 3)), "more than, not at least"
    columns = files(outcome)["drift.json"]["drift_by_columns"]
    assert set(columns) == {"age", "hours", "job"}, "features, and no prediction"


def test_its_endpoint_variant_knows_critical_features(model, seen):
    live = {"profile": "aws_replacement", "real_time": True}
    share = next(f for f in run(model, aged(seen), **live).findings if f.check == "drifted_columns_share")
    assert (share.threshold, share.breached) == (0.05, True)
    quiet = live | {"drift_share": 0.9}
    assert not breached(run(model, aged(seen), **quiet, critical=("hours",)))
    assert breached(run(model, aged(seen), **quiet, critical=("age",))) == {("baseline_drift_check", "age")}


# --- in a scenario ------------------------------------------------------------------------------


def scheduled(**settings: Any) -> dict[str, Any]:
    return {
        "stages.capture": {"enable": True},
        "stages.monitor.every_window": False,
        "stages.monitor.schedules": {"dq": {"monitor": {"data_quality": settings}}},
        "expect": [],
    }


def test_a_person_s_file_counts_by_its_content(tiny: Path, warm: Lab, tmp_path: Path) -> None:
    run = warm.run(tiny, scheduled(), project=False)
    suggested = run.path / "monitoring/baselines/v1/dq/constraints.json"
    mine = tmp_path / "mine.json"
    mine.write_bytes(suggested.read_bytes())
    asked = scheduled(constraints=str(mine))

    def threshold() -> set[float | None]:
        warm.run(tiny, asked, project=False)
        return {
            f.threshold
            for f in warm.events(None)
            if isinstance(f, e.FindingMade) and (f.check, f.column) == ("baseline_drift_check", "age")
        }

    assert threshold() == {0.1}
    body = json.loads(mine.read_bytes())
    body["monitoring_config"]["distribution_constraints"]["comparison_threshold"] = 0.5
    mine.write_bytes(as_json(body))
    assert threshold() == {0.5}, "the same path, another file: nothing is repeated from the cache"


def test_a_file_that_cannot_be_read_is_told_before_anything_runs(
    tiny: Path, warm: Lab, tmp_path: Path
) -> None:
    wrong = tmp_path / "c.json"
    wrong.write_text('{"features": [{"name": "age", "inferred_typ": "Integral"}]}')
    for given, words in ((wrong, "no key called 'inferred_typ'"), (tmp_path / "none.json", "cannot be read")):
        with pytest.raises(ScenarioInvalid) as told:
            warm.check(tiny, scheduled(constraints=str(given)))
        assert words in str(told.value) and str(given) in str(told.value)
    with pytest.raises(ScenarioInvalid, match="did you mean 'evidently'"):
        warm.check(tiny, scheduled(profile="evidentli"))


def test_files_that_settings_name_are_digested(tmp_path: Path) -> None:
    file = tmp_path / "constraints.json"
    file.write_text("{}")
    asked = {"schedules": {"dq": {"monitor": {"data_quality": {"constraints": str(file)}}}}}
    before = foreign_code(asked)
    file.write_text("{ }")
    assert len(before) == 1 and foreign_code(asked) != before
    file.unlink()
    assert foreign_code(asked) == []


def test_statistics_of_an_execution_are_read_again(model, seen):
    body = run(model, seen).files["statistics.json"]
    assert read_statistics(body).by_name["age"].present == 300
