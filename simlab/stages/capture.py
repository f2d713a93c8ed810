"""Capture: the endpoint keeps a sample of its requests and answers, in SageMaker's layout."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.artifacts import Captured, Deployment, Files, Labels, Request, ScreenedWindow, Served
from simlab.capture_format import Encoding, Mode, by_hour, capture_lines, truth_lines
from simlab.context import Context
from simlab.events import DataCaptured
from simlab.wordings import VARIANT

if TYPE_CHECKING:
    import pyarrow as pa


def capture_window(
    ctx: Context,
    deployment: Deployment,
    screened: ScreenedWindow,
    request: Request,
    served: Served,
    labels: Labels,
    *,
    enable: bool = False,
    sampling_percentage: Annotated[float, Field(ge=0, le=100)] = 100,
    files: bool = True,
    capture_mode: Mode = "InputAndOutput",
    encoding: Encoding = "CSV",
) -> Captured:
    """Keep a sample of a window's requests with their answers, for the scheduled monitors.

    Which rows are kept is drawn per row and independent of what they say. Nothing is known of the labels
    yet: they are joined by inference id as they arrive.

    What is kept is also written to the run's folder as SageMaker writes it, one JSON object a line:
    `capture/ENDPOINT/AllTraffic/yyyy/mm/dd/hh/MM-SS-mmm-ID.jsonl` by the hour of the request; one that was
    held up on its way, and says an earlier time, counts as asked when its window began. Labels that
    were collected during the window, of whichever rows, go to `ground-truth/ENDPOINT/yyyy/mm/dd/hh/` by
    the hour in which they were collected.

    Parameters
    ----------
    enable
        SageMaker's EnableCapture. Scheduled monitors need it.
    sampling_percentage
        SageMaker's InitialSamplingPercentage.
    files
        Whether captures and ground truth are written as files, where something is captured at all.
    capture_mode
        SageMaker's CaptureMode: what of a request is written to the files. The monitors have both sides.
    encoding
        How a record is written to the files: a line of CSV, as features are ordered in a request, or JSON.
    """
    import pyarrow as pa

    whole = Captured(
        number=request.number,
        version=served.version,
        start=screened.start,
        end=screened.end,
        table=pa.table({}),
        of=request.table.num_rows,
        endpoint=deployment.endpoint,
        features=tuple(column.name for column in request.schema.features),
        clock=request.schema.event_time,
    )
    if not enable:
        return whole
    table = request.table
    for name, values in (
        ("prediction", served.table["prediction"]),
        ("label", pa.nulls(table.num_rows, pa.float64())),
    ):
        table = table.append_column(name, values)
    if sampling_percentage < 100:
        table = table.filter(pa.array(ctx.rng("sample").random(table.num_rows) * 100 < sampling_percentage))
    ctx.emit(DataCaptured(rows=table.num_rows, of=request.table.num_rows, percentage=sampling_percentage))
    captured = replace(whole, table=table)
    if not files:
        return captured
    return replace(captured, mode=capture_mode, encoding=encoding, truth=_collected(labels, screened))


def _collected(labels: Labels, screened: ScreenedWindow) -> pa.Table:
    """Labels that were collected during a window; others of their windows were collected before."""
    import pyarrow as pa
    import pyarrow.compute as pc

    began = pa.scalar(screened.start, pa.timestamp("us"))
    table = labels.table.select(["inference_id", "label", "collected"])
    return table.filter(pc.greater_equal(table["collected"], began))


def capture_files(captured: Captured) -> Files:
    """Captures and ground truth of one window, as files of the run's folder."""
    if not captured.mode or captured.truth is None:
        return {}
    salt = str(captured.number)
    moments = captured.answered(captured.clock)
    place = captured.table.column_names.index(captured.clock)
    lines = capture_lines(
        captured.table.set_column(place, captured.clock, moments),
        endpoint=captured.endpoint,
        features=captured.features,
        clock=captured.clock,
        mode=captured.mode,
        encoding=captured.encoding,
    )
    found = dict(by_hour(lines, moments, f"capture/{captured.endpoint}/{VARIANT}", salt))
    truth = captured.truth
    told = by_hour(truth_lines(truth), truth["collected"], f"ground-truth/{captured.endpoint}", salt)
    return {**found, **dict(told)}
