"""Commands that show a run as CloudWatch and EventBridge would: metrics, alarms, events."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from simlab.errors import UsageError
from simlab.options import AsJson, Home, RunName, lab_of, print_json


def metrics(
    run: RunName = None,
    home: Home = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", help="Only metrics of this namespace: simlab/lifecycle.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="Statistics of this metric; without it, list metrics.")
    ] = None,
    dimensions: Annotated[
        list[str] | None,
        typer.Option("--dimension", metavar="NAME=VALUE", help="Where several metrics have one name."),
    ] = None,
    statistics: Annotated[
        list[str] | None,
        typer.Option("--statistics", help="Average, Sum, Minimum, Maximum, SampleCount, p99, tm90 …"),
    ] = None,
    period: Annotated[
        int | None, typer.Option("--period", min=1, help="Seconds a datapoint [a window's length].")
    ] = None,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="The newest datapoints in Prometheus's text format.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the metrics a run published, or tell one's statistics over periods."""
    lab = lab_of(home)
    store = [told for told in lab.metrics(run) if namespace in (None, told.point.namespace)]
    if prometheus:
        from simlab.cloudwatch.prometheus import exposition

        sys.stdout.write(exposition(store))
    elif metric is None:
        from simlab.cloudwatch.queries import list_metrics

        found = list_metrics(store)
        if as_json:
            print_json({"Metrics": found})
        for one in [] if as_json else found:
            dims = ", ".join(f"{d['Name']}={d['Value']}" for d in one["Dimensions"])
            typer.echo(f"{one['Namespace']}  {one['MetricName']}  {dims}")
    else:
        step = int(lab.scenario(run).clock.step.total_seconds())
        told = _statistics(store, metric, namespace, dimensions, statistics or ["Average"], period, step)
        if as_json:
            print_json(told)
        else:
            _show_statistics(told)


def _statistics(
    store: Any,
    metric: str,
    namespace: str | None,
    dimensions: list[str] | None,
    statistics: list[str],
    period: int | None,
    step: int,
) -> dict[str, Any]:
    """GetMetricStatistics over everything a run published."""
    from datetime import timedelta

    from simlab.cloudwatch.metrics import same_metric
    from simlab.cloudwatch.queries import find_metric, get_metric_statistics

    pairs = [item.partition("=") for item in dimensions or []]
    if wrong := [key for key, equals, _ in pairs if not equals]:
        raise UsageError(
            f"--dimension {wrong[0]}: write NAME=VALUE, as in --dimension Endpoint=simlab-endpoint"
        )
    said = {key: value for key, _, value in pairs} if dimensions else None
    space, dims = find_metric(store, metric, namespace, said)
    moments = [told.time for told in store if same_metric(told.point, space, metric, dims)]
    length = period or max(60, -(-step // 60) * 60)
    return get_metric_statistics(
        store,
        namespace=space,
        metric=metric,
        dimensions=dims,
        start=min(moments),
        end=max(moments) + timedelta(seconds=length),
        period=length,
        statistics=[one for item in statistics for one in item.split(",")],
    )


def _show_statistics(told: Mapping[str, Any]) -> None:
    """Print datapoints, a line each; of what is undefined the reason."""
    typer.echo(told["Label"])
    for row in told["Datapoints"]:
        figures = {
            k: v for k, v in row.items() if k not in ("Timestamp", "Unit", "ExtendedStatistics", "Undefined")
        }
        figures |= row.get("ExtendedStatistics", {})
        shown = "  ".join(f"{name} {'undefined' if v is None else f'{v:g}'}" for name, v in figures.items())
        typer.echo(f"  {row['Timestamp'].isoformat()}  {shown}  {row['Unit']}")
    for why in sorted({why for row in told["Datapoints"] for why in row.get("Undefined", {}).values()}):
        typer.echo(f"  undefined: {why}")


def alarms(
    run: RunName = None,
    home: Home = None,
    alarm: Annotated[str | None, typer.Option("--alarm", help="Only this alarm, by its name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a run's alarms, why they are in their states, and what happened to them."""
    from simlab.cloudwatch.describe import KINDS

    found = lab_of(home).alarms(run, alarm)
    if as_json:
        print_json(found)
        return
    for kind in KINDS:
        for one in found[kind]:
            typer.echo(f"{one['StateValue']:<17} {one['AlarmName']}  {one['StateReason']}")
    for item in reversed(found["AlarmHistoryItems"]):
        typer.echo(f"  {item['Timestamp'].isoformat()}  {item['AlarmName']}  {item['HistorySummary']}")


def show_bus(run: str | None, home: Path | None, pattern: str | None, as_json: bool) -> None:
    """Print a run's events in EventBridge's shape, one a line, or as one list."""
    found = lab_of(home).bus(run, None if pattern is None else _pattern(pattern))
    if as_json:
        print_json(found)
        return
    for event in found:
        sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")


def _pattern(given: str) -> Any:
    """A pattern from a file, or as it was written."""
    text = given
    if not given.lstrip().startswith("{"):
        try:
            text = Path(given).read_text()
        except OSError as wrong:
            raise UsageError(f"--pattern {given}: neither JSON nor a file: {wrong.strerror}") from None
    try:
        return json.loads(text)
    except ValueError as wrong:
        raise UsageError(f"--pattern: no JSON: {wrong}") from None
