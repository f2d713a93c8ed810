"""Model quality: the answers of a period compared with the labels that are known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import hypot
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from simlab.artifacts import Deployment, Finding, Schema
from simlab.context import seed_for
from simlab.errors import SimlabError, did_you_mean
from simlab.model_quality import (
    CONSTRAINED,
    REPLACEMENT,
    Constraint,
    Figures,
    Judged,
    Kind,
    constraints_of,
    figures,
    read_constraints,
    statistics_body,
    suggested,
)
from simlab.model_quality.figures import LEAST
from simlab.model_quality.files import UNDEFINED
from simlab.monitors import Material, Outcome
from simlab.watched import Datapoint
from simlab.wire import as_json, from_json
from simlab.wordings import NAMESPACES, described

if TYPE_CHECKING:
    import pyarrow as pa

MONITORING_TYPE = "ModelQuality"
NEEDS_LABELS = True
TOLD = ("GreaterThanThreshold", "LessThanThreshold")

_KINDS: Mapping[str, Kind] = {"regression": "regression", "binary": "binary_classification"}


def _there(path: str) -> str:
    """A path, if its file can be read."""
    try:
        Path(path).read_bytes()
    except OSError as wrong:
        raise ValueError(f"{path} cannot be read: {wrong.strerror}") from wrong
    return path


def _written(given: Any) -> str:
    """Whether a path is given or changes are. Tags of this prefix do not show in messages."""
    return "constrained-path" if isinstance(given, str) else "constrained-changes"


Limits = Annotated[
    Annotated[str, AfterValidator(_there), Tag("constrained-path")]
    | Annotated[dict[Judged, Constraint], Tag("constrained-changes")],
    Discriminator(_written),
]
"""A path, or changes by metric."""

Profile = Literal["model_monitor", "aws_replacement"]
Points = Annotated[int, Field(ge=2, le=1000)]
Share = Annotated[float, Field(ge=0, le=1)]


def suggest(
    model: Deployment,
    rows: pa.Table,
    *,
    constraints: Limits | None = None,
    profile: Profile = "model_monitor",
    metrics: tuple[Judged, ...] = (),
    probability_threshold: Share | None = None,
    curve_points: Points = 100,
) -> Mapping[str, bytes]:
    """Measure the model on the baseline rows, and suggest what it measured as thresholds.

    A suggested threshold is the baseline's own value, as on AWS. So a model that is just as good as it was
    breaches it about every other time, by chance alone: edit the thresholds (`constraints`), take the
    others (`profile`), or allow for chance (`tolerance`).

    Parameters
    ----------
    constraints
        Changes to the suggested thresholds, by metric: `{f1: {threshold: 0.7}}`; or the path of a
        `constraints.json`, simlab's or the real service's, that is taken in their place.
    profile
        `model_monitor`: thresholds are the baseline's values. `aws_replacement`: those of AWS's own sample
        that replaces Model Monitor, and no others: F1 0.70, accuracy 0.80, AUC 0.75. A regression has none
        there, and keeps its suggested ones.
    metrics
        Which metrics judge; left out, all that have a threshold.
    probability_threshold
        A score at or above it counts as the positive class; left out, the model's own threshold.
    curve_points
        Most points of the ROC and of the precision-recall curve, fixed ends apart.

    Raises
    ------
    SimlabError
        The file of the constraints cannot be read, or a metric that should judge has no threshold.
    """
    kind = _KINDS[model.problem]
    seed = seed_for(model.version, "model_quality", "baseline")
    found = _figures(model, rows, probability_threshold, seed, curve_points)
    limits = suggested(found)
    if profile == "aws_replacement" and kind == "binary_classification":
        limits = {name: Constraint(value, "LessThanThreshold") for name, value in REPLACEMENT.items()}
    body = as_json(constraints_of(kind, limits))
    if isinstance(constraints, str):
        body = _read(constraints)
        limits = read_constraints(kind, body, constraints)
    elif constraints:
        limits.update({str(name): one for name, one in constraints.items()})
        body = as_json(constraints_of(kind, limits))
        read_constraints(kind, body, "constraints")
    for name in metrics:
        if name not in limits:
            raise SimlabError(f"model_quality.metrics: {name!r} has no threshold{did_you_mean(name, limits)}")
    return {"statistics.json": as_json(statistics_body(found, model.deployed)), "constraints.json": body}


def model_quality(
    model: Deployment,
    baseline: Mapping[str, bytes],
    material: Material,
    *,
    metrics: tuple[Judged, ...] = (),
    tolerance: Annotated[float, Field(ge=0)] = 0.0,
    probability_threshold: Share | None = None,
    curve_points: Points = 100,
) -> Outcome:
    """Compare the quality of the labelled answers with thresholds, as Model Monitor does.

    Only rows whose label is known take part; how many those are of all is `monitor.coverage.SCHEDULE`.
    A metric that is undefined in the period is not judged.

    Parameters
    ----------
    tolerance
        By how many standard deviations a metric may be beyond its threshold. AWS allows none. It counts
        in the deviations of the report, five subsamples of 80 %, of the period and of the baseline
        together, which are about half of a standard error. Of the metrics of an unchanged model on 500
        labelled rows, 49 in 100 breach with 0, 18 with 2, 5 with 4 and 2 with 6.
    """
    import pyarrow.compute as pc

    kind = _KINDS[model.problem]
    rows = material.table.filter(pc.is_valid(material.table["label"]))
    found = _figures(model, rows, probability_threshold, material.seed, curve_points)
    limits = read_constraints(kind, baseline["constraints.json"])
    before = _deviations(baseline.get("statistics.json", b"{}"), kind)
    findings, descriptions, violations = [], {}, []
    for name, limit in limits.items():
        if metrics and name not in metrics:
            continue
        value, deviation = found.scalars[name], found.deviations[name]
        if value is None:
            continue
        margin = tolerance * hypot(deviation or 0.0, before.get(name, 0.0)) if tolerance else 0.0
        check = limit.comparison_operator or ""
        finding = Finding(
            monitor="model_quality",
            check=check,
            column=name,
            method="threshold",
            value=value,
            threshold=limit.threshold + (margin if check == "GreaterThanThreshold" else -margin),
            breached=limit.breached(value, margin),
            of_window=material.window,
        )
        findings.append(finding)
        if finding.breached:
            told = deviation if found.rows >= LEAST else None
            text = described(
                check,
                metric=name,
                value=value,
                deviation=UNDEFINED if told is None else told,
                operator=check,
                threshold=limit.threshold,
            )
            descriptions[finding.alarm] = text
            violations.append({"constraint_check_type": check, "description": text, "metric_name": name})
    return Outcome(
        findings=tuple(findings),
        descriptions=descriptions,
        files={
            "statistics.json": as_json(statistics_body(found, material.now)),
            "constraints.json": as_json(constraints_of(kind, suggested(found))),
            "constraint_violations.json": as_json({"violations": violations}),
        },
        datapoints=tuple(
            Datapoint.of(NAMESPACES["model_quality"].words, name, material.dimensions, value)
            for name, value in found.scalars.items()
            if value is not None
        ),
    )


def problems_in(given: Mapping[str, Any], shape: Schema) -> Iterator[str]:
    """What could only be told after the training, or never: files that are none, metrics without threshold.

    Parameters
    ----------
    given
        Its settings.
    shape
        The data's.
    """
    kind, limits = _KINDS[shape.problem], given.get("constraints")
    known = list(CONSTRAINED[kind])
    if given.get("profile") == "aws_replacement" and kind == "binary_classification":
        known = list(REPLACEMENT)
        if isinstance(limits, str):
            yield "profile: the file of constraints takes the place of its thresholds; leave one of them out"
    try:
        if isinstance(limits, str):
            known = list(read_constraints(kind, _read(limits), limits))
        elif limits:
            read_constraints(kind, as_json(constraints_of(kind, limits)), "changes")
            known += [name for name in limits if name not in known]
    except SimlabError as wrong:
        yield f"constraints: {wrong}"
        return
    for name in given.get("metrics", ()):
        if name not in known:
            yield f"metrics: {name!r} has no threshold{did_you_mean(name, known)}"


def _figures(model: Deployment, rows: pa.Table, threshold: float | None, seed: int, points: int) -> Figures:
    return figures(
        _KINDS[model.problem],
        rows["label"].to_numpy(),
        rows["prediction"].to_numpy(),
        threshold=model.threshold if threshold is None else threshold,
        seed=seed,
        points=points,
    )


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as wrong:
        raise SimlabError(f"model_quality.constraints: {path} cannot be read: {wrong.strerror}") from wrong


def _deviations(statistics: bytes, kind: Kind) -> dict[str, float]:
    """Standard deviations of the baseline, as far as its statistics tell them."""
    told: Any = from_json(statistics, "statistics.json").get(f"{kind}_metrics", {})
    found = {}
    for name, one in told.items():
        deviation = one.get("standard_deviation") if isinstance(one, dict) else None
        if isinstance(deviation, (int, float)):
            found[name] = float(deviation)
    return found
