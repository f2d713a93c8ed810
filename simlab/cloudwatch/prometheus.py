"""Prometheus: the newest datapoint of every metric, in the text exposition format 0.0.4.

Names are those that Prometheus's own exporter for CloudWatch gives: namespace, metric and statistic,
joined by underscores, in small letters but for the metric's. There are no timestamps: simulated time is
none that a scraper would take.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import isinf, isnan

from simlab.cloudwatch.metrics import latest
from simlab.watched import Datapoint, Published

STATISTICS = {
    "average": "Average",
    "minimum": "Minimum",
    "maximum": "Maximum",
    "sum": "Sum",
    "sample_count": "SampleCount",
}


def exposition(store: Iterable[Published]) -> str:
    """The newest datapoint of every metric, five gauges each.

    >>> print(exposition([]), end="")
    """
    families: dict[str, list[Datapoint]] = {}
    for told in latest(store):
        families.setdefault(name_of(told.point), []).append(told.point)
    lines = []
    for family in sorted(families):
        points = families[family]
        origins = sorted({(p.namespace, p.metric) for p in points})
        for suffix, statistic in STATISTICS.items():
            name = f"{family}_{suffix}"
            named = ", ".join(f"{namespace} {metric}" for namespace, metric in origins)
            lines.append(f"# HELP {name} {_help(f'CloudWatch metric {named}, {statistic}.')}")
            lines.append(f"# TYPE {name} gauge")
            for point in points:
                # Two metrics of one name here are told apart by what they are called there.
                extra = {"metric": f"{point.namespace} {point.metric}"} if len(origins) > 1 else {}
                lines.append(f"{name}{_labels(point.dimensions, extra)} {_number(_value(point, suffix))}")
    return "".join(f"{line}\n" for line in lines)


def name_of(point: Datapoint) -> str:
    """A metric's name: letters, digits and underscores.

    >>> name_of(Datapoint.of("simlab/lifecycle", "monitor.auc", {}, 0.8))
    'simlab_lifecycle_monitor_auc'
    """
    return _clean(f"{point.namespace.lower()}_{point.metric}")


def _clean(text: str) -> str:
    found = re.sub(r"[^a-zA-Z0-9_]", "_", text)
    return f"_{found}" if not found or found[0].isdigit() else found


def _labels(dimensions: Mapping[str, str], extra: Mapping[str, str]) -> str:
    """Labels in braces; names that become the same are numbered, and none begins with two underscores."""
    found: dict[str, str] = {}
    for key, value in (*dimensions.items(), *extra.items()):
        name = label = re.sub(r"^_+", "_", _clean(key))
        number = 1
        while label in found:
            number += 1
            label = f"{name}{number}"
        found[label] = value
    inner = ",".join(f'{label}="{_escaped(value)}"' for label, value in found.items())
    return f"{{{inner}}}" if inner else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _value(point: Datapoint, suffix: str) -> float:
    match suffix:
        case "average":
            return point.total / point.count if point.count else float("nan")
        case "sum":
            return point.total
        case "sample_count":
            return point.count
        case _:
            return point.minimum if suffix == "minimum" else point.maximum


def _number(value: float) -> str:
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value))
