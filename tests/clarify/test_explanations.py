"""Global attributions and Clarify's files, by hand."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from simlab.clarify import explanations
from simlab.clarify.dependence import Dependence
from simlab.errors import SimlabError
from simlab.wire import as_json
from simlab.wordings import NAMESPACES

LOCAL = np.array([[1.0, -2.0], [-3.0, -1.0], [0.5, 4.0]])


@pytest.mark.parametrize(
    ("method", "expected"),
    [("mean_abs", [1.5, 7 / 3]), ("median", [0.5, -1.0]), ("mean_sq", [10.25 / 3, 7.0])],
)
def test_rows_become_one_figure_per_feature(method: explanations.Aggregation, expected: list[float]) -> None:
    found = explanations.aggregated(LOCAL, ("age", "sex"), method)
    assert list(found) == ["age", "sex"] and list(found.values()) == pytest.approx(expected)


def test_analysis_json_is_written_as_clarify_writes_it() -> None:
    along = Dependence("age", "numerical", (20.1,), (1.0,), (0.31,))
    written = explanations.written({"age": 0.12, "sex": 0.03}, 0.24, [along])
    expected = {
        "version": "1.0",
        "explanations": {
            "kernel_shap": {
                "label0": {"global_shap_values": {"age": 0.12, "sex": 0.03}, "expected_value": 0.24}
            },
            "pdp": [
                {
                    "feature_name": "age",
                    "data_type": "numerical",
                    "feature_values": [20.1],
                    "data_distribution": [1.0],
                    "model_predictions": [[0.31]],
                    "label_headers": ["label0"],
                }
            ],
        },
    }
    assert written == as_json(expected)  # keys in this order
    assert explanations.read(written) == {"age": 0.12, "sex": 0.03}
    assert "pdp" not in explanations.section({"age": 1.0}, 0.0)


def test_a_file_of_the_service_with_bias_and_other_labels_is_read() -> None:
    body = {
        "version": "1.0",
        "pre_training_bias_metrics": {"label": "y", "facets": {}},
        "explanations": {
            "kernel_shap": {"yes": {"global_shap_values": {"age": 1}, "expected_value": [0.2]}},
        },
    }
    assert explanations.read(json.dumps(body).encode()) == {"age": 1.0}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{", "analysis.json: not JSON"),
        ("[]", "analysis.json: it needs 'explanations'"),
        ('{"explanations": {}}', "analysis.json: explanations: it needs 'kernel_shap'"),
        ('{"explanations": {"kernel_shap": {}}}', "needs a label, such as 'label0'"),
        ('{"explanations": {"kernel_shap": {"a": {}}}}', "kernel_shap.a: it needs 'global_shap_values'"),
        (
            '{"explanations": {"kernel_shap": {"a": {"global_shap_values": {"age": "1"}}}}}',
            "global_shap_values.age: '1' is no number",
        ),
    ],
)
def test_a_file_that_is_wrong_is_told_where(body: str, told: str) -> None:
    with pytest.raises(SimlabError) as wrong:
        explanations.read(body.encode())
    assert told in str(wrong.value)


def test_local_attributions_have_a_column_per_feature_and_label() -> None:
    told = explanations.local_values(LOCAL[:2], ("age", "a,b")).decode()
    assert told == 'age_label0,"a,b_label0"\n1.0,-2.0\n-3.0,-1.0\n'


def test_the_baseline_row_is_the_mean_and_the_mode() -> None:
    table = pa.table(
        {
            "age": pa.array([20.0, None, 40.0]),
            "none": pa.array([None] * 3, pa.float64()),
            "job": pa.array(["smith", "baker", None]),
        }
    )
    told = explanations.baseline_row(table, ("age", "none"), ("job",)).decode()
    assert told == "age,none,job\n30.0,,baker\n"  # of equally frequent ones the first in the alphabet


def test_a_sample_is_spaced_evenly_and_never_longer_than_the_table() -> None:
    table = pa.table({"x": range(1000)})
    found = explanations.spaced(table, 300)["x"].to_numpy()
    assert len(found) == 300 and found[0] == 0 and set(np.diff(found)) == {3, 4}
    assert explanations.spaced(table, 1000).equals(table) and explanations.spaced(table, 5000).equals(table)


def test_cloudwatch_is_told_a_metric_per_feature_under_awss_dimensions() -> None:
    own = {"Endpoint": "e", "MonitoringSchedule": "s"}
    first, second, last = explanations.datapoints(
        {"age": 0.5, "sex": 0.1}, -1.5, NAMESPACES["model_explainability"].words, own
    )
    assert first.namespace == "aws/sagemaker/Endpoints/explainability-metrics"
    assert (first.metric, first.total, second.metric) == ("feature_age", 0.5, "feature_sex")
    shared = {**own, "ExplainabilityMethod": "KernelShap", "Label": "label0"}
    assert first.dimensions == {**shared, "ValueType": "GlobalShapValues"}
    assert (last.metric, last.total) == ("ExpectedValue", -1.5)
    assert last.dimensions == {**shared, "ValueType": "ExpectedValue"}
