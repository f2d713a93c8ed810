"""The files of the model quality monitor: statistics, constraints, and what a person changes in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict

from simlab.errors import SimlabError, did_you_mean
from simlab.model_quality.figures import LEAST, Figures
from simlab.model_quality.names import CONFUSION, CONSTRAINED, KINDS, NO_FIGURES, WORSE_WHEN_GREATER, Kind
from simlab.wire import from_json

UNDEFINED = "NaN"
"""What stands for a figure that is undefined, and for a standard deviation of fewer than 200 rows."""

Operator = Literal["GreaterThanThreshold", "LessThanThreshold"]
"""Names the bad direction."""


@dataclass(frozen=True)
class Constraint:
    """A threshold of one metric, and on which side of it the metric is bad."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    threshold: float
    comparison_operator: Operator | None = None
    """GreaterThanThreshold or LessThanThreshold; left out, the side on which the metric is worse."""

    def breached(self, value: float, margin: float = 0.0) -> bool:
        """Whether a value is on the bad side, by more than a margin."""
        if self.comparison_operator == "GreaterThanThreshold":
            return value > self.threshold + margin
        return value < self.threshold - margin


def side(metric: str) -> Operator:
    """The side on which a metric is worse."""
    return "GreaterThanThreshold" if metric in WORSE_WHEN_GREATER else "LessThanThreshold"


def _figure(value: float | None) -> float | str:
    return UNDEFINED if value is None else value


def statistics_body(found: Figures, moment: datetime) -> dict[str, Any]:
    """`statistics.json`: every metric with its value and standard deviation.

    Parameters
    ----------
    moment
        The evaluation's time.
    """
    metrics: dict[str, Any] = {}
    for name in KINDS[found.kind]:
        if name == CONFUSION:
            metrics[name] = {actual: dict(said) for actual, said in found.confusion.items()}
        elif name in NO_FIGURES:
            metrics[name] = {axis: list(points) for axis, points in found.curves[name].items()}
        else:
            deviation = found.deviations[name] if found.rows >= LEAST else None
            metrics[name] = {"value": _figure(found.scalars[name]), "standard_deviation": _figure(deviation)}
    return {
        "version": 0.0,
        "dataset": {
            "item_count": found.rows,
            "evaluation_time": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
        },
        f"{found.kind}_metrics": metrics,
    }


def suggested(found: Figures) -> dict[str, Constraint]:
    """The constraints a baseline suggests: each metric at the value it has, undefined ones left out."""
    return {
        name: Constraint(value, side(name))
        for name in CONSTRAINED[found.kind]
        if (value := found.scalars[name]) is not None
    }


def constraints_of(kind: Kind, constraints: Mapping[str, Constraint]) -> dict[str, Any]:
    """`constraints.json`."""
    return {
        "version": 0.0,
        f"{kind}_constraints": {
            name: {"threshold": one.threshold, "comparison_operator": one.comparison_operator or side(name)}
            for name, one in constraints.items()
        },
    }


def read_constraints(kind: Kind, body: bytes, path: str = "constraints.json") -> dict[str, Constraint]:
    """The thresholds of a `constraints.json`, ours or the real service's; further keys do not matter.

    Parameters
    ----------
    kind
        Which problem's thresholds are looked for.
    path
        Where it came from, for the messages.

    Raises
    ------
    SimlabError
        It is no such file; the message says what is wrong and what would be right.
    """
    whole = from_json(body, path)
    if isinstance(whole, dict) and f"{kind}_metrics" in whole:
        raise SimlabError(f"{path}: this is a statistics.json; right would be the constraints.json beside it")
    section = f"{kind}_constraints"
    given = whole.get(section) if isinstance(whole, dict) else None
    if not isinstance(given, dict):
        raise SimlabError(f"{path}: no {section}; it is what a model quality baseline of this problem holds")
    known = [name for name in KINDS[kind] if name not in NO_FIGURES]
    found = {}
    for name, one in given.items():
        where = f"{section}.{name}"
        if name not in known:
            raise SimlabError(f"{path}: no metric called {name!r}{did_you_mean(name, known)}")
        if not isinstance(one, dict):
            raise SimlabError(f"{path}: {where} is no object")
        threshold, operator = one.get("threshold"), one.get("comparison_operator")
        if isinstance(threshold, bool) or not isinstance(threshold, (int, float)):
            raise SimlabError(f"{path}: {where}.threshold is {threshold!r}, and must be a number")
        if operator not in ("GreaterThanThreshold", "LessThanThreshold"):
            raise SimlabError(
                f"{path}: {where}.comparison_operator is {operator!r}; "
                "right would be GreaterThanThreshold or LessThanThreshold"
            )
        found[name] = Constraint(float(threshold), operator)
    return found
