"""Capture: the endpoint keeps a sample of its requests and answers, in SageMaker's layout."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simlab.artifacts import Captured, Deployment, Request, ScreenedWindow, Served
from simlab.context import Context
from simlab.events import DataCaptured


def capture_window(
    ctx: Context,
    deployment: Deployment,
    screened: ScreenedWindow,
    request: Request,
    served: Served,
    *,
    enable: bool = False,
    sampling_percentage: Annotated[float, Field(ge=0, le=100)] = 100,
) -> Captured:
    """Keep a sample of a window's requests with their answers, for the scheduled monitors.

    Which rows are kept is drawn per row and independent of what they say. Nothing is known of the labels
    yet: they are joined by inference id as they arrive.

    Parameters
    ----------
    enable
        SageMaker's EnableCapture. Scheduled monitors need it.
    sampling_percentage
        SageMaker's InitialSamplingPercentage.
    """
    import pyarrow as pa

    table = request.table if enable else request.table.slice(0, 0)
    predictions = served.table["prediction"] if enable else served.table["prediction"].slice(0, 0)
    for name, values in (
        ("prediction", predictions),
        ("label", pa.nulls(table.num_rows, pa.float64())),
    ):
        table = table.append_column(name, values)
    if sampling_percentage < 100:
        table = table.filter(pa.array(ctx.rng("sample").random(table.num_rows) * 100 < sampling_percentage))
    if enable:
        ctx.emit(DataCaptured(rows=table.num_rows, of=request.table.num_rows, percentage=sampling_percentage))
    return Captured(
        number=request.number,
        version=served.version,
        start=screened.start,
        end=screened.end,
        table=table,
        of=request.table.num_rows,
    )
