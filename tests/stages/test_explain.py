"""Explain: what is attributed to which feature, and what is written of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from simlab.artifacts import FeatureSet, Model
from simlab.engines import engine
from simlab.errors import SimlabError
from simlab.events import MetricMeasured, MetricsPublished
from simlab.stages.explain import (
    PartialDependence,
    Permutation,
    SurrogateTree,
    explain_model,
    explanation_files,
)
from simlab.stages.features import build_features
from simlab.store import Store
from tests.stages.people import context, valid

pytestmark = pytest.mark.engine

Built = tuple[FeatureSet, dict[str, Model]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("features")
    features = build_features(context("features", workdir=folder)[0], valid(), serve_from="request")
    algorithms = ("lightgbm", "linear")
    return features, {a: engine(a).fit(features, {}, rounds=15, seed=1) for a in algorithms}


@pytest.mark.parametrize(("algorithm", "method"), [("lightgbm", "TreeShap"), ("linear", "LinearShap")])
def test_global_attributions_are_published_and_written(algorithm: str, method: str, built: Built) -> None:
    features, models = built
    ctx, said = context("explain")
    reasons = explain_model(ctx, models[algorithm], features)
    assert (reasons.rows, reasons.method) == (80, method)  # all test rows: fewer than were asked for
    test = features.table.filter(pc.equal(features.table["split"], "test"))
    train = features.table.filter(pc.equal(features.table["split"], "train"))
    local, base = engine(algorithm).contributions(models[algorithm], test, train)
    assert list(reasons.attributions) == ["age", "hours", "job"]
    assert list(reasons.attributions.values()) == pytest.approx(np.abs(local).mean(axis=0))
    told = json.loads(explanation_files(reasons)["explanations/analysis.json"])
    shap = told["explanations"]["kernel_shap"]["label0"]
    assert shap == {"global_shap_values": dict(reasons.attributions), "expected_value": base}
    first, second = said
    assert isinstance(first, MetricsPublished) and isinstance(second, MetricsPublished)
    assert first.namespace == "aws/sagemaker/ModelBuildingPipeline/explainability-metrics"
    assert first.dimensions["ExplainabilityMethod"] == method
    assert first.values["feature_age"][1] == pytest.approx(reasons.attributions["age"], rel=1e-5)
    assert second.dimensions["ValueType"] == "ExpectedValue"


def test_everything_that_may_be_asked_for(built: Built, tmp_path: object) -> None:
    features, models = built

    def asked() -> object:
        ctx, said = context("explain")
        reasons = explain_model(
            ctx,
            models["lightgbm"],
            features,
            rows=40,
            agg_method="mean_sq",
            save_local_shap_values=True,
            pdp=PartialDependence(grid_resolution=4, top_k_features=2),
            permutation=Permutation(repeats=10),
            surrogate=SurrogateTree(depth=2),
        )
        return reasons, said

    reasons, said = asked()  # type: ignore[misc]
    assert reasons == asked()[0]  # type: ignore[index]
    assert sorted(reasons.files) == [
        "analysis.json",
        "explanations_shap/baseline.csv",
        "explanations_shap/out.csv",
        "permutation_importance.json",
        "surrogate.txt",
    ]
    rows = reasons.files["explanations_shap/out.csv"].decode().splitlines()
    assert rows[0] == "age_label0,hours_label0,job_label0" and len(rows) == 41
    squares = np.array([[float(cell) for cell in row.split(",")] for row in rows[1:]]) ** 2
    assert list(reasons.attributions.values()) == pytest.approx(squares.mean(axis=0))
    along = json.loads(reasons.files["analysis.json"])["explanations"]["pdp"]
    ranked = sorted(reasons.attributions, key=lambda name: -reasons.attributions[name])
    assert [each["feature_name"] for each in along] == ranked[:2]
    age = next(each for each in along if each["feature_name"] == "age")
    (curve,) = age["model_predictions"]
    assert len(curve) == 4 and curve[0] < curve[-1] and all(0 <= p <= 1 for p in curve)  # the old earn more
    weights = {name: mean for name, (mean, _) in reasons.permutation.items()}
    assert weights["age"] > weights["job"] and weights["age"] > 0.05
    assert reasons.surrogate.text.startswith("if age") and 0.3 < reasons.surrogate.r2 < 1
    measured = {fact.metric: fact.value for fact in said if isinstance(fact, MetricMeasured)}
    assert set(measured) == {"explain.surrogate.r2", "explain.surrogate.agreement"}
    store = Store(tmp_path)  # type: ignore[arg-type]
    assert store.load(store.save(reasons)) == reasons


def test_no_rows_explain_nothing(built: Built) -> None:
    features, models = built
    ctx, said = context("explain")
    reasons = explain_model(ctx, models["lightgbm"], features, rows=0)
    assert (reasons.rows, dict(reasons.attributions), explanation_files(reasons), said) == (0, {}, {}, [])


def test_an_unknown_feature_is_told(built: Built) -> None:
    features, models = built
    with pytest.raises(SimlabError, match="no feature 'hour'.*did you mean 'hours'"):
        explain_model(
            context("explain")[0], models["lightgbm"], features, pdp=PartialDependence(features=("hour",))
        )


def test_permutation_importance_is_none_where_the_loss_is_undefined(built: Built) -> None:
    features, models = built
    ones = pa.array(np.ones(features.table.num_rows))
    place = features.table.column_names.index("y")
    alone = replace(features, table=features.table.set_column(place, "y", ones))
    reasons = explain_model(context("explain")[0], models["lightgbm"], alone, permutation=Permutation())
    assert reasons.permutation["age"] == (None, None)  # log loss with one class only
