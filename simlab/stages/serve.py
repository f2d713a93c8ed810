"""Serve: the endpoint answers every accepted row of a window."""

from __future__ import annotations

from simlab.artifacts import Deployment, Request, Served
from simlab.context import Context
from simlab.engines import engine
from simlab.events import MetricMeasured


def serve_window(ctx: Context, deployment: Deployment, request: Request) -> Served:
    """Score a window with the graph in service."""
    import pyarrow as pa

    predicted = engine("onnxruntime").score(deployment.onnx, request.table)
    ctx.emit(MetricMeasured(metric="serve.rows", value=len(predicted), of_window=request.number))
    return Served(
        number=request.number,
        version=deployment.version,
        table=pa.table({"inference_id": request.table["inference_id"], "prediction": pa.array(predicted)}),
    )
