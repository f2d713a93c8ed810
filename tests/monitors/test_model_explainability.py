"""Attribution drift: silent while the same people come, and told where the model goes by other features."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from simlab.artifacts import Deployment
from simlab.clarify.ndcg import ndcg
from simlab.engines import engine
from simlab.monitors import Material
from simlab.monitors.model_explainability import model_explainability, suggest
from simlab.wire import as_json
from simlab.wordings import described
from tests.stages.people import deployment, people

pytestmark = pytest.mark.engine

DAY = datetime(2026, 1, 5)
ALARM = "model_explainability:feature_attribution_drift_check:shap"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deployment(tmp_path_factory.mktemp("served"))


def material(table: pa.Table) -> Material:
    return Material(table, 3, DAY, DAY + timedelta(days=1), DAY + timedelta(days=1), "e", "s", 7)


def of_one_age(table: pa.Table) -> pa.Table:
    """People whom age no longer tells apart."""
    place = table.column_names.index("age")
    return table.set_column(place, "age", pa.array(np.full(table.num_rows, 44.0)))


def test_the_baseline_job_writes_the_global_attributions_of_a_sample(served: Deployment) -> None:
    content = suggest(served, served.baseline, sample=50)["analysis.json"]
    body = json.loads(content)
    assert list(body) == ["version", "explanations"] and body["version"] == "1.0"
    shap = body["explanations"]["kernel_shap"]["label0"]
    assert list(shap) == ["global_shap_values", "expected_value"]
    every = served.baseline.take(list(range(0, 200, 4)))
    local, base = engine("lightgbm").contributions(served.model, every, served.baseline)
    assert list(shap["global_shap_values"]) == ["age", "hours", "job"]
    assert list(shap["global_shap_values"].values()) == pytest.approx(np.abs(local).mean(axis=0))
    assert shap["expected_value"] == base


def test_the_same_people_raise_nothing(served: Deployment) -> None:
    baseline = suggest(served, served.baseline)
    outcome = model_explainability(served, baseline, material(people(300, seed=5)))
    (finding,) = outcome.findings
    assert finding.alarm == ALARM and not finding.breached and finding.value > 0.99
    assert (finding.method, finding.threshold, finding.of_window) == ("ndcg", 0.9, 3)
    assert outcome.files["constraint_violations.json"] == as_json({"version": "1.0", "violations": []})
    assert not outcome.descriptions and not outcome.failed


def test_another_order_is_told_in_the_services_words(served: Deployment) -> None:
    baseline = suggest(served, served.baseline)
    outcome = model_explainability(
        served, baseline, material(of_one_age(people(300, seed=5))), threshold=0.99
    )
    (finding,) = outcome.findings
    known = json.loads(baseline["analysis.json"])["explanations"]["kernel_shap"]["label0"]
    live = json.loads(outcome.files["analysis.json"])["explanations"]["kernel_shap"]["label0"]
    assert max(live["global_shap_values"], key=live["global_shap_values"].get) != "age"
    assert finding.value == ndcg(known["global_shap_values"], live["global_shap_values"]) < 0.99
    said = f"Feature attribution drift {finding.value} exceeds threshold 0.99"
    violations = json.loads(outcome.files["constraint_violations.json"])
    assert violations == {
        "version": "1.0",
        "violations": [
            {
                "label": "label0",
                "metric_name": "shap",
                "constraint_check_type": "feature_attribution_drift_check",
                "description": said,
            }
        ],
    }
    assert outcome.descriptions == {ALARM: said}


def test_the_sentence_of_the_guide() -> None:
    said = "Feature attribution drift 0.7639720923277322 exceeds threshold 0.9"
    assert described("feature_attribution_drift_check", value=0.7639720923277322, threshold=0.9) == said


def test_cloudwatch_hears_of_every_feature_and_of_the_expected_value(served: Deployment) -> None:
    outcome = model_explainability(served, suggest(served, served.baseline), material(people(60, seed=5)))
    assert [p.metric for p in outcome.datapoints] == [
        "feature_age",
        "feature_hours",
        "feature_job",
        "ExpectedValue",
    ]
    assert outcome.datapoints[0].dimensions == {
        "Endpoint": "e",
        "MonitoringSchedule": "s",
        "ExplainabilityMethod": "KernelShap",
        "Label": "label0",
        "ValueType": "GlobalShapValues",
    }


def test_an_execution_repeats_to_the_byte_and_looks_at_no_more_than_its_sample(served: Deployment) -> None:
    baseline = suggest(served, served.baseline, sample=100)
    rows = people(400, seed=5)
    one = model_explainability(served, baseline, material(rows), sample=100)
    assert one == model_explainability(served, baseline, material(rows), sample=100)
    looked_at = rows.take(list(range(0, 400, 4)))
    assert one.files == model_explainability(served, baseline, material(looked_at)).files


def test_a_baseline_that_a_person_wrote_counts(served: Deployment) -> None:
    values = {"hours": 9.0, "age": 0.1, "job": 8.0}
    body = {
        "explanations": {"kernel_shap": {"label0": {"global_shap_values": values, "expected_value": 0.0}}}
    }
    outcome = model_explainability(served, {"analysis.json": as_json(body)}, material(people(300, seed=5)))
    assert outcome.findings[0].breached


def test_a_baseline_of_other_features_fails_the_job(served: Deployment) -> None:
    values = {"age": 1.0, "sex": 2.0}
    body = {
        "explanations": {"kernel_shap": {"label0": {"global_shap_values": values, "expected_value": 0.0}}}
    }
    outcome = model_explainability(served, {"analysis.json": as_json(body)}, material(people(30, seed=5)))
    assert "different features cannot be compared: hours, job, sex" in outcome.failed and not outcome.findings
    broken = model_explainability(served, {"analysis.json": b"{"}, material(people(30, seed=5)))
    assert "not JSON" in broken.failed


def test_a_linear_model_is_explained_against_its_own_baseline(served: Deployment, tmp_path: Path) -> None:
    from simlab.stages.features import build_features
    from tests.stages.people import context, valid

    features = build_features(context("features", workdir=tmp_path)[0], valid(), serve_from="request")
    model = engine("linear").fit(features, {}, rounds=1, seed=1)
    linear = replace(served, model=model, algorithm="linear")
    baseline = suggest(linear, linear.baseline)
    shap = json.loads(baseline["analysis.json"])["explanations"]["kernel_shap"]["label0"]
    scores = engine("linear").predict(model, served.baseline)
    assert shap["expected_value"] == pytest.approx(np.log(scores / (1 - scores)).mean())
    assert not model_explainability(linear, baseline, material(people(300, seed=5))).findings[0].breached
