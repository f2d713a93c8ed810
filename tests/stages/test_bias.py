"""The build measures bias: labels of the training rows, answers on the test rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from simlab.artifacts import Approved, BiasReport, Column, FeatureSet, Model, Rejected, Schema, View
from simlab.clarify import analysis, config
from simlab.clarify.bias import BiasFigure
from simlab.engines import engine
from simlab.errors import ScenarioInvalid, SimlabError
from simlab.events import Event, MetricsPublished
from simlab.lab import Lab
from simlab.stages.approve import approve_version
from simlab.stages.bias import bias_files, measure_bias
from tests.stages.people import context
from tests.stages.test_approve import version

COLUMNS = (
    Column("age", "numeric", sensitive=True),
    Column("pay", "numeric"),
    Column("sex", "categorical", sensitive=True),
    Column("job", "categorical"),
)
SPLIT = ["train"] * 6 + ["test"] * 6


@pytest.fixture(autouse=True)
def answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model answers with the pay."""
    monkeypatch.setattr(engine("lightgbm"), "predict", lambda model, table: table["pay"].to_numpy())


def features(problem: Any = "binary", columns: tuple[Column, ...] = COLUMNS) -> FeatureSet:
    schema = Schema(problem, "y", "id", "at", columns, views=(View("v", "id", columns, from_rows=True),))
    table = pa.table(
        {
            "age": [20.0, 30.0, 40.0, 50.0, 60.0, 70.0] * 2,
            "pay": [0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.9, 0.9, 0.9, 0.1, 0.6, 0.1],
            "job": ["smith"] * 12,
            "sex": ["m", "m", "m", "f", "f", "f"] * 2,
            "y": [1.0, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0],
            "split": SPLIT,
        }
    )
    return FeatureSet(table, schema, (), table)


def model(problem: Any = "binary") -> Model:
    return Model("lightgbm", problem, ("age", "pay"), ("sex",), {}, "", {}, 0.5, pa.table({}))


def measure(
    given: FeatureSet | None = None, problem: Any = "binary", **settings: Any
) -> tuple[BiasReport, list[Event]]:
    ctx, said = context("bias")
    settings = {"minimum": 0, **settings}
    return measure_bias(ctx, model(problem), given or features(problem), **settings), said


def figures(report: BiasReport) -> dict[str, BiasFigure]:
    return {f.subject: f for f in analysis.read(report.analysis)}


def test_labels_of_the_training_rows_and_answers_on_the_test_rows() -> None:
    report, said = measure()
    found = figures(report)
    assert found["sex=f:DPL"].figure == pytest.approx(2 / 3 - 1 / 3)
    assert found["sex=m:DPL"].figure == pytest.approx(1 / 3 - 2 / 3)
    assert found["sex=f:DPPL"].figure == pytest.approx(1 - 1 / 3)  # answers 0.1, 0.6, 0.1
    assert found["sex=f:DI"].figure == pytest.approx(1 / 3)
    assert not any(subject.startswith("age") for subject in found), "only categorical columns by themselves"
    assert found["sex=f:CDDL"].error == "Group variable is empty or not provided"


def test_it_is_published_under_clarifys_names_and_written_as_clarify_does() -> None:
    report, said = measure(facets={"sex": ("f",)})
    facts = [fact for fact in said if isinstance(fact, MetricsPublished)]
    assert [fact.dimensions["BiasStage"] for fact in facts] == ["Pre-training", "Post-Training"]
    assert facts[1].namespace == "aws/sagemaker/ModelBuildingPipeline/bias-metrics"
    assert facts[1].dimensions == {
        "BiasStage": "Post-Training", "Label": "y", "LabelValue": "1", "Facet": "sex", "FacetValue": "f",
    }  # fmt: skip
    assert facts[1].values["bias_metric_DI"] == (1.0, 0.333333, 0.333333, 0.333333)
    assert "bias_metric_CDDPL" not in facts[1].values, "an error is not published"
    written = bias_files(report)
    assert set(written) == {"bias/analysis.json", "bias/analysis_config.json"}
    body = json.loads(written["bias/analysis.json"])
    assert body["post_training_bias_metrics"]["label"] == "y"
    asked = config.settings_of(config.read(written["bias/analysis_config.json"]))
    assert asked.facets == {"sex": ("f",)} and asked.probability_threshold == 0.5 and asked.metrics == "all"


def test_thresholds_of_facets_and_of_answers() -> None:
    report, _ = measure(facets={"age": _threshold(40)}, probability_threshold=0.7)
    found = figures(report)
    assert found["age=40:CI"].value == "(40, 70]" and found["age=40:CI"].figure == 0.0
    assert found["age=40:DPPL"].figure == 1.0  # 0.6 is no positive answer now
    with pytest.raises(SimlabError, match="facet age: a continuous column needs a threshold"):
        measure(facets={"age": None})


def _threshold(value: float) -> Any:
    from simlab.clarify.facets import Threshold

    return Threshold(value)


def test_a_group_variable_makes_disparity_conditional() -> None:
    report, _ = measure(facets={"age": _threshold(40)}, group_variable="sex", metrics=("CDDL", "CDDPL", "DI"))
    found = figures(report)
    assert set(found) == {"age=40:CDDL", "age=40:CDDPL", "age=40:DI"}
    # men: nobody over 40; women: all are, so they are all of the rejected and all of the accepted
    assert found["age=40:CDDL"].figure == 0.0


def test_a_small_group_says_so_and_is_not_published() -> None:
    report, said = measure(minimum=4)
    assert not said
    assert figures(report)["sex=f:DPPL"].error == "The smaller side has 3 rows, and 4 are needed to judge it"


def test_the_flip_test_asks_neighbours_where_all_features_are_numbers() -> None:
    columns = (COLUMNS[0], COLUMNS[1])
    report, _ = measure(features(columns=columns), facets={"age": _threshold(40)})
    # over 40: one of three is answered 1; the nearest of the others, by pay, are three 0.9s
    assert figures(report)["age=40:FT"].figure == pytest.approx(-2 / 3)
    mixed, _ = measure()
    assert figures(mixed)["sex=f:FT"].error == "FlipTest does not support non-numeric columns"


def test_a_regression_needs_to_know_which_labels_are_positive() -> None:
    nothing, said = measure(problem="regression")
    assert not said and not nothing.analysis and bias_files(nothing) == {}
    report, _ = measure(problem="regression", label_threshold=0.5)
    assert figures(report)["sex=f:DPL"].figure == pytest.approx(1 / 3)
    body = json.loads(report.analysis)
    assert body["pre_training_bias_metrics"]["label_value_or_threshold"] == "(0.5, 1.0]"


def test_nothing_sensitive_is_nothing_measured() -> None:
    plain = tuple(replace(column, sensitive=False) for column in COLUMNS)
    report, said = measure(features(columns=plain))
    assert not said and not report.analysis


def judged(at_most: dict[str, float], report: BiasReport | None) -> Approved | Rejected:
    ctx, _ = context("approve")
    given = replace(version(0.3), bias=report)
    return approve_version(ctx, given, better_than="nothing", bias_at_most=at_most)  # type: ignore[arg-type]


def test_a_version_is_refused_for_its_worst_group() -> None:
    report, _ = measure()
    found = judged({"DPPL": 0.5, "DI": 0.8}, report)
    assert isinstance(found, Rejected)
    assert found.reasons == (
        "DPPL of sex=f is 0.6667, further from neutral than 0.5",
        "DI of sex=f is 0.3333, further from neutral than 0.8",
    )
    assert isinstance(judged({"DPPL": 0.7, "DI": 0.3}, report), Approved)
    assert isinstance(judged({}, report), Approved)


def test_a_bound_on_what_nobody_measured_is_not_kept() -> None:
    found = judged({"FT": 0.1}, measure()[0])
    assert isinstance(found, Rejected)
    assert found.reasons == ("FT was measured of no group, so its bound 0.1 cannot be kept",)
    assert isinstance(judged({"DPPL": 0.1}, None), Rejected)


def test_the_test_rows_decide_not_the_training_rows() -> None:
    given = features()
    worse = given.table.set_column(
        given.table.column_names.index("pay"), "pay", pa.array(np.where(np.arange(12) < 6, 0.0, 0.9))
    )
    report, _ = measure(replace(given, table=worse))
    assert figures(report)["sex=f:DPPL"].figure == 0.0


def test_clarifys_own_configuration_asks_what_the_keys_would(tmp_path: Path) -> None:
    wanted: dict[str, Any] = {
        "facets": {"sex": ("f",)}, "metrics": ("DPL", "DPPL"), "probability_threshold": 0.7,
    }  # fmt: skip
    by_keys, _ = measure(**wanted)
    path = tmp_path / "analysis_config.json"
    path.write_bytes(by_keys.config)
    by_file, _ = measure(analysis_config=str(path))
    assert by_file.analysis == by_keys.analysis and by_file.config == by_keys.config
    own, _ = measure(analysis_config=str(path), metrics=("DPL",))
    assert set(figures(own)) == {s for s in figures(by_keys) if s.endswith(":DPL")}, (
        "a key that is said stands"
    )


def test_a_configuration_that_is_none_is_told_before_anything_runs(
    tiny: Path, warm: Lab, tmp_path: Path
) -> None:
    path = tmp_path / "analysis_config.json"
    path.write_text('{"dataset_type": "text/csv", "methodz": {}}')
    for given, said in ((path, "did you mean 'methods'"), (tmp_path / "none.json", "cannot be read")):
        with pytest.raises(ScenarioInvalid) as told:
            warm.check(tiny, {"stages.bias": {"analysis_config": str(given)}})
        assert said in str(told.value)
