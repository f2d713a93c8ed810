"""A version goes into service only if the exported graph answers exactly as the model does."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from simlab.artifacts import Approved, Version
from simlab.engines import engine
from simlab.errors import SimlabError
from simlab.events import ModelDeployed
from simlab.stages.bias import measure_bias
from simlab.stages.deploy import deploy_model
from simlab.stages.evaluate import evaluate_model
from simlab.stages.features import build_features
from simlab.stages.register import register_model
from simlab.stages.serve import serve_window
from simlab.stages.train import train_model
from simlab.stages.tune import tune_params
from simlab.stages.validate import screen_window
from tests.stages.people import context, request, valid, window

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", params=["lightgbm", "linear"])
def version(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Version:
    folder = tmp_path_factory.mktemp("features")
    features = build_features(context("features", workdir=folder)[0], valid(), serve_from="request")
    params = tune_params(context("tune")[0], features, request.param, trials=0)
    model = train_model(context("train")[0], features, params, algorithm=request.param, rounds=12)
    scores = evaluate_model(context("evaluate")[0], model, features, repeats=20)
    bias = measure_bias(context("bias")[0], model, features)
    return register_model(context("register")[0], model, scores, features, params, bias)


def test_the_graph_answers_as_the_model_does(version: Version) -> None:
    ctx, said = context("deploy")
    found = deploy_model(ctx, Approved(version, "good"), replacing=None)
    assert found.parity <= 1e-9
    (fact,) = said
    assert isinstance(fact, ModelDeployed)
    assert (fact.version, fact.replaced, fact.bytes) == (1, None, len(found.onnx))
    native = engine(version.model.algorithm).predict(version.model, found.baseline)
    np.testing.assert_allclose(found.baseline["prediction"].to_numpy(), native, rtol=1e-9)


def test_a_graph_of_another_model_is_not_deployed(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx = engine("onnx")
    real = onnx.export
    from dataclasses import replace

    def wrong(model: object) -> bytes:
        if version.model.algorithm == "linear":
            text = version.model.native
            start = text.index("[") if "[" in text else 0
            native = text[:start] + text[start:].replace("0.", "1.", 1)
        else:
            native = version.model.native.replace("leaf_value=", "leaf_value=1", 1)
        found: bytes = real(replace(version.model, native=native))
        return found

    monkeypatch.setattr(onnx, "export", wrong)
    ctx, said = context("deploy")
    with pytest.raises(
        SimlabError,
        match=r"the exported graph of version 1 answers .* where the model answers .* so it was not deployed",
    ):
        deploy_model(ctx, Approved(version, "good"), replacing=None)
    assert said == []


def test_a_graph_that_answers_nothing_definite_is_not_deployed(
    version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = engine("onnxruntime")
    monkeypatch.setattr(runtime, "score", lambda graph, rows: np.full(rows.num_rows, np.nan))
    with pytest.raises(SimlabError, match="was not deployed"):
        deploy_model(context("deploy")[0], Approved(version, "good"), replacing=None)


def test_the_endpoint_answers_every_accepted_row_in_order(version: Version) -> None:
    served = deploy_model(context("deploy")[0], Approved(version, "good"), replacing=None)
    screened = screen_window(context("validate", window=0)[0], served, window(0, 25))
    ctx, said = context("serve", window=0)
    answered = serve_window(ctx, served, request(screened))
    assert answered.table["inference_id"].to_pylist() == screened.table["inference_id"].to_pylist()
    native = engine(version.model.algorithm).predict(version.model, screened.table)
    np.testing.assert_allclose(answered.table["prediction"].to_numpy(), native, rtol=1e-9)
    assert [f.value for f in said] == [25]  # type: ignore[attr-defined]


def test_an_empty_window_is_answered_with_nothing(version: Version) -> None:
    served = deploy_model(context("deploy")[0], Approved(version, "good"), replacing=None)
    nothing = window(table=window(0, 5).table.slice(0, 0))
    screened = screen_window(context("validate", window=0)[0], served, nothing)
    answered = serve_window(context("serve", window=0)[0], served, request(screened))
    assert answered.table.num_rows == 0 and isinstance(answered.table, pa.Table)
