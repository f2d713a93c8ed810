"""CloudWatch's view of bias metrics: names, dimensions, and what stands for infinity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import copysign, isinf

from simlab.clarify.bias import BiasFigure
from simlab.watched import Datapoint

INFINITE = 2.348543e108
"""What CloudWatch is told instead of infinity."""


def datapoints(
    figures: Iterable[BiasFigure], namespace: str, own: Mapping[str, str], label: str, label_value: str
) -> tuple[Datapoint, ...]:
    """One datapoint per metric that has a value; an error is not published.

    Parameters
    ----------
    own
        Dimensions that come first: the endpoint's and the schedule's.
    label, label_value
        Name of the label, and what counts as positive.
    """
    found = []
    for figure in figures:
        if figure.figure is None:
            continue
        value = copysign(INFINITE, figure.figure) if isinf(figure.figure) else figure.figure
        dimensions = {
            **own,
            "BiasStage": figure.stage,
            "Label": label,
            "LabelValue": label_value,
            "Facet": figure.facet,
            "FacetValue": figure.key,
        }
        found.append(Datapoint.of(namespace, f"bias_metric_{figure.metric}", dimensions, value))
    return tuple(found)
