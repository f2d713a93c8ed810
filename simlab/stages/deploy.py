"""Deploy: the model becomes a serving graph that must answer exactly as the model does."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import Field

from simlab.artifacts import Approved, Deployment
from simlab.context import Context
from simlab.engines import engine
from simlab.errors import SimlabError
from simlab.events import ModelDeployed


def deploy_model(
    ctx: Context,
    approved: Approved,
    replacing: int | None,
    *,
    strategy: Literal["all_at_once"] = "all_at_once",
    parity: float = 1e-9,
    endpoint: Annotated[str, Field(pattern=r"^[A-Za-z0-9](-*[A-Za-z0-9]){0,62}$")] = "simlab-endpoint",
) -> Deployment:
    """Export an approved version to ONNX, prove that it answers alike, and put it into service.

    Parameters
    ----------
    replacing
        Version it takes the place of.
    strategy
        `all_at_once`: every request goes to the new version from the next window on.
    parity
        Largest relative difference between native and exported answers on the probe rows, which
        hold missing and unseen values too.
    endpoint
        Name of the endpoint, in captures, reports and CloudWatch's dimensions.

    Raises
    ------
    SimlabError
        The exported graph answers differently.
    """
    import numpy as np
    import pyarrow as pa

    version = approved.version
    model = version.model
    graph: bytes = engine("onnx").export(model)
    runtime = engine("onnxruntime")
    native = engine(model.algorithm).predict(model, model.probe)
    exported = runtime.score(graph, model.probe)
    gap = float(np.max(np.abs(native - exported) / np.maximum(1.0, np.abs(native))))
    if not gap <= parity:
        worst = int(np.argmax(np.abs(native - exported)))
        raise SimlabError(
            f"the exported graph of version {version.number} answers {exported[worst]:.6g} where the model "
            f"answers {native[worst]:.6g} (probe row {worst}); at most {parity:g} apart is allowed, so it "
            "was not deployed"
        )
    baseline = version.baseline.append_column("prediction", pa.array(runtime.score(graph, version.baseline)))
    ctx.emit(
        ModelDeployed(
            version=version.number,
            onnx=hashlib.sha256(graph).hexdigest()[:16],
            bytes=len(graph),
            parity=gap,
            replaced=replacing,
        )
    )
    return Deployment(
        version=version.number,
        onnx=graph,
        algorithm=model.algorithm,
        problem=model.problem,
        schema=version.schema,
        numeric=model.numeric,
        categorical=model.categorical,
        threshold=model.threshold,
        constraints=version.constraints,
        baseline=baseline,
        quality={score.metric: score for score in version.scores.model},
        parity=gap,
        model=model,
        endpoint=endpoint,
        deployed=ctx.moment,
        params=version.params,
        seen=version.seen,
    )
