"""Publishing: CloudWatch's datapoints as facts."""

from __future__ import annotations

from collections.abc import Sequence

from simlab.events import MetricsPublished
from simlab.watched import Datapoint


def published(datapoints: Sequence[Datapoint]) -> list[MetricsPublished]:
    """Facts of what was published: one per namespace, dimensions and unit, in the order of the datapoints."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...], str], dict[str, tuple[float, ...]]] = {}
    for point in datapoints:
        key = (point.namespace, tuple(point.dimensions.items()), point.unit)
        figures = (point.count, point.total, point.minimum, point.maximum)
        groups.setdefault(key, {})[point.metric] = figures
    return [
        MetricsPublished(namespace=namespace, dimensions=dict(dimensions), unit=unit, values=values)
        for (namespace, dimensions, unit), values in groups.items()
    ]
