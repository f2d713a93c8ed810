"""The monitor `data_quality`: are the rows still like those the model was built on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from simlab.artifacts import Deployment, Finding, Schema
from simlab.errors import UsageError, did_you_mean
from simlab.model_monitor import constraints as rules_file
from simlab.model_monitor import statistics as statistics_file
from simlab.model_monitor import violations as violations_file
from simlab.model_monitor.checks import Checked, checked
from simlab.model_monitor.constraints import Constraints, read_constraints
from simlab.model_monitor.edits import edited
from simlab.model_monitor.reading import read_statistics
from simlab.model_monitor.statistics import Feature, Statistics, statistics_of
from simlab.model_monitor.violations import Violation
from simlab.monitors import Material, Outcome
from simlab.statistics import prepared
from simlab.statistics.preset import DRIFT_SHARE, Drift, drift_of
from simlab.watched import Datapoint
from simlab.wire import as_json
from simlab.wordings import NAMESPACES, SUBJECTS, described

if TYPE_CHECKING:
    import pyarrow as pa

MONITORING_TYPE = "DataQuality"
NEEDS_LABELS = False
TOLD = ("baseline_drift_check", "drifted_columns_share")

Profile = Literal["model_monitor", "evidently", "aws_replacement"]

BATCH_SHARE, REAL_TIME_SHARE = 0.3, 0.05
"""Shares of drifted features above which AWS's replacement sample alerts."""


def _constraints(given: str) -> str:
    return _readable(given, read_constraints)


def _statistics(given: str) -> str:
    return _readable(given, read_statistics)


def _readable(given: str, read: Any) -> str:
    """A path that was given, once the file behind it could be read."""
    if given:
        try:
            read(Path(given).read_bytes(), given)
        except OSError as wrong:
            raise ValueError(f"{given}: cannot be read: {wrong.strerror}") from wrong
        except UsageError as wrong:
            raise ValueError(str(wrong)) from wrong
    return given


ConstraintsFile = Annotated[str, AfterValidator(_constraints), WithJsonSchema({"type": "string"})]
StatisticsFile = Annotated[str, AfterValidator(_statistics), WithJsonSchema({"type": "string"})]


def suggest(
    model: Deployment,
    rows: pa.Table,
    *,
    profile: Profile = "model_monitor",
    constraints: ConstraintsFile = "",
    statistics: StatisticsFile = "",
    edits: Mapping[str, Any] = {},
) -> Mapping[str, bytes]:
    """Suggest constraints from the baseline rows, or take those of a file.

    On AWS the analyser reads the endpoint's output before its input, and so it is here: `prediction` takes
    part and comes first, then every feature; the label does not.

    Parameters
    ----------
    profile
        Whose baseline: `model_monitor` keeps `statistics.json` and `constraints.json`, the other two the
        rows themselves as `baseline.csv`.
    constraints
        A `constraints.json` that a person edited or the real service wrote, in place of the suggested one;
        a path from the folder in which simlab runs.
    statistics
        A `statistics.json` in place of the baseline rows' own.
    edits
        Changes to the constraints, by path: `{features.age.completeness: 0.9}`, as `simlab constraints edit`
        takes them.
    """
    if profile != "model_monitor":
        return {"baseline.csv": _csv(rows.select(_columns(model, rows)))}
    found: Statistics | None = None
    if statistics:
        body = Path(statistics).read_bytes()
        found = read_statistics(body, statistics)
    else:
        found = statistics_of(rows, columns=_columns(model, rows))
        body = as_json(statistics_file.as_body(found))
    if constraints:
        rules, given = read_constraints(Path(constraints).read_bytes(), constraints), constraints
    else:
        rules, given = rules_file.suggested(found), "constraints.json"
    rules = edited(rules, edits, given) if edits else rules
    return {"statistics.json": body, "constraints.json": as_json(rules_file.as_body(rules))}


def data_quality(
    model: Deployment,
    baseline: Mapping[str, bytes],
    material: Material,
    *,
    profile: Profile = "model_monitor",
    ignore: tuple[str, ...] = (),
    drift_share: Annotated[float, Field(ge=0, le=1)] | None = None,
    real_time: bool = False,
    critical: tuple[str, ...] = (),
) -> Outcome:
    """Check captured rows against constraints, and their distributions against the baseline's.

    Parameters
    ----------
    profile
        `model_monitor`: the checks, distances and files of SageMaker's analyser. `evidently`: for each
        column the statistic and threshold that Evidently's DataDriftPreset chooses, and the share of
        drifted columns. `aws_replacement`: the same statistics, judged as AWS's sample for former users of
        Model Monitor judges them: by the share of drifted features.
    ignore
        Columns that nothing is concluded from; `prediction` may be one.
    drift_share
        Share of drifted columns that is too much. Left out: at least 0.5 in `evidently`; in
        `aws_replacement` more than 0.3, or more than 0.05 with `real_time`.
    real_time
        Whether `aws_replacement` judges as its endpoint variant does, which knows critical features.
    critical
        Features whose drift alone is too much, in that variant.
    """
    if profile == "model_monitor":
        return _model_monitor(model, baseline, material, ignore)
    reference = _read_csv(baseline["baseline.csv"], model.schema.numeric)
    names = [n for n in _columns(model, reference) if n in material.table.column_names and n not in ignore]
    if profile == "aws_replacement":
        names = [name for name in names if name != "prediction"]
    drifts = {name: _drift(model, reference, material.table, name) for name in names}
    if profile == "evidently":
        limit = DRIFT_SHARE if drift_share is None else drift_share
        found = [_column(material, name, drift, drift.drifted) for name, drift in drifts.items()]
        found.append(_share(material, drifts, limit, inclusive=True))
    else:
        limit = (REAL_TIME_SHARE if real_time else BATCH_SHARE) if drift_share is None else drift_share
        grave = set(critical) if real_time else set()
        found = [_column(material, n, drift, drift.drifted and n in grave) for n, drift in drifts.items()]
        found.append(_share(material, drifts, limit, inclusive=False))
    return _by_share(material, profile, reference, drifts, found)


_OF_PROFILE: Mapping[str, tuple[str, ...]] = {
    "model_monitor": ("constraints", "statistics", "edits"),
    "evidently": ("drift_share",),
    "aws_replacement": ("drift_share", "real_time", "critical"),
}
"""Settings that not every profile looks at, by those that do."""


def problems_in(given: Mapping[str, Any], shape: Schema) -> Iterator[str]:
    """Columns that are none, edits that have no place, and settings that nobody would look at.

    Parameters
    ----------
    given
        Its settings.
    shape
        The data's.
    """
    profile = given.get("profile", "model_monitor")
    for key in given:
        others = [name for name, keys in _OF_PROFILE.items() if key in keys]
        if others and profile not in others:
            yield f"{key}: the profile {profile} does not look at it, only {' and '.join(others)}"
    if given.get("critical") and profile == "aws_replacement" and not given.get("real_time"):
        yield "critical: only the variant for endpoints has critical features; say `real_time: true`"
    rules = _foreseen(given, shape)
    features = [column.name for column in shape.features]
    known = ["prediction", *features, *(f.name for f in rules.features)]
    for key, right in (("ignore", known), ("critical", features)):
        for name in given.get(key, ()):
            if name not in right:
                yield f"{key}: no column called {name!r}{did_you_mean(name, set(right))}"
    try:
        edited(rules, given.get("edits", {}), "edits")
    except UsageError as wrong:
        yield from str(wrong).splitlines()


def _foreseen(given: Mapping[str, Any], shape: Schema) -> Constraints:
    """The constraints that the baseline job will suggest, as far as that is known before there are rows."""
    if given.get("constraints"):
        return read_constraints(Path(given["constraints"]).read_bytes(), given["constraints"])
    if given.get("statistics"):
        return rules_file.suggested(
            read_statistics(Path(given["statistics"]).read_bytes(), given["statistics"])
        )
    kinds = {"prediction": "numeric", **{column.name: column.kind for column in shape.features}}
    features = [
        {"name": name, "inferred_type": "Fractional" if kind == "numeric" else "String"}
        for name, kind in kinds.items()
    ]
    return Constraints.model_validate({"version": 0.0, "features": features, "monitoring_config": {}})


def _columns(model: Deployment, table: pa.Table) -> list[str]:
    """The columns a data-quality monitor looks at, the endpoint's output first."""
    names = ("prediction", *(column.name for column in model.schema.features))
    return [name for name in names if name in table.column_names]


# --- Model Monitor's own way --------------------------------------------------------------------


def _model_monitor(
    model: Deployment, baseline: Mapping[str, bytes], material: Material, ignore: Sequence[str]
) -> Outcome:
    constraints = read_constraints(baseline["constraints.json"])
    before = read_statistics(baseline["statistics.json"]) if "statistics.json" in baseline else None
    apart = {"inference_id", "label", model.schema.event_time, *ignore}
    names = [name for name in material.table.column_names if name not in apart]
    table = material.table.select(sorted(names, key=lambda name: name != "prediction"))
    table = _headless(table, constraints)
    kept = [feature for feature in constraints.features if feature.name not in ignore]
    constraints = constraints.model_copy(update={"features": kept})
    types = {feature.name: feature.inferred_type for feature in kept}
    current = statistics_of(table, types)
    results = checked(constraints, before, current, table.column_names)
    findings = [_finding(material, result) for result in results]
    violated = [result for result in results if result.breached]
    return Outcome(
        findings=tuple(findings),
        descriptions={
            finding.alarm: result.description
            for finding, result in zip(findings, results, strict=True)
            if result.breached
        },
        files={
            "statistics.json": as_json(statistics_file.as_body(current)),
            "constraints.json": baseline["constraints.json"],
            violations_file.NAME: as_json(
                violations_file.as_body(Violation(r.subject, r.check, r.description) for r in violated)
            ),
        },
        datapoints=tuple(_datapoints(material, constraints, current, results)),
    )


def _headless(table: pa.Table, constraints: Constraints) -> pa.Table:
    """A table named as the real service names columns without a head, where the constraints are."""
    if constraints.features and all(re.fullmatch(r"_c\d+", f.name) for f in constraints.features):
        return table.rename_columns([f"_c{number}" for number in range(table.num_columns)])
    return table


def _finding(material: Material, result: Checked) -> Finding:
    return Finding(
        monitor="data_quality",
        check=result.check,
        column=result.feature,
        method=result.method,
        value=result.value,
        threshold=result.threshold,
        breached=result.breached,
        of_window=material.window,
    )


def _datapoints(
    material: Material, constraints: Constraints, current: Statistics, results: Sequence[Checked]
) -> Iterator[Datapoint]:
    """What the service publishes to CloudWatch, feature by feature."""
    own = {feature.name: feature for feature in constraints.features}
    drift = {r.feature: r.value for r in results if r.check == "baseline_drift_check" and r.value is not None}
    for feature in current.features:
        if not rules_file.rules(constraints, own.get(feature.name)).emit:
            continue
        yield from _of_values(material, feature)
        rows = feature.present + feature.missing
        yield _datapoint(
            material,
            f"feature_non_null_{feature.name}",
            (rows, feature.present, float(not feature.missing), float(feature.present > 0)),
        )
        if feature.name in drift:
            yield _datapoint(
                material, f"feature_baseline_drift_{feature.name}", (1, *[drift[feature.name]] * 3)
            )


def _of_values(material: Material, feature: Feature) -> Iterator[Datapoint]:
    numbers = feature.numeric
    if numbers is None or numbers.least is None or numbers.greatest is None or numbers.total is None:
        return
    count = numbers.sketch.count if numbers.sketch else float(feature.present)
    figures = (count, numbers.total, numbers.least, numbers.greatest)
    yield _datapoint(material, f"feature_data_{feature.name}", figures)


def _datapoint(material: Material, metric: str, figures: Sequence[float]) -> Datapoint:
    count, total, least, greatest = (float(figure) for figure in figures)
    return Datapoint(
        NAMESPACES["data_quality"].words, metric, material.dimensions, count, total, least, greatest
    )


# --- Evidently's way ----------------------------------------------------------------------------


def _drift(model: Deployment, reference: pa.Table, current: pa.Table, name: str) -> Drift:
    kind = "categorical" if name in model.schema.categorical else "numeric"
    return drift_of(prepared(reference).sample(name, kind), prepared(current).sample(name, kind))


def _column(material: Material, name: str, drift: Drift, breached: bool) -> Finding:
    return Finding(
        "data_quality",
        "baseline_drift_check",
        name,
        drift.method,
        drift.value,
        drift.threshold,
        breached,
        material.window,
    )


def _share(material: Material, drifts: Mapping[str, Drift], limit: float, *, inclusive: bool) -> Finding:
    """The finding on the share of drifted columns; None where there are no columns."""
    value = sum(drift.drifted for drift in drifts.values()) / len(drifts) if drifts else None
    breached = value is not None and (value >= limit if inclusive else value > limit)
    return Finding(
        "data_quality", "drifted_columns_share", "", "share", value, limit, breached, material.window
    )


def _by_share(
    material: Material,
    profile: str,
    reference: pa.Table,
    drifts: Mapping[str, Drift],
    found: Sequence[Finding],
) -> Outcome:
    """An outcome of Evidently's figures, in the files of this monitor."""
    share = found[-1]
    descriptions = {
        f.alarm: described(f.check, value=f.value, threshold=f.threshold) for f in found if f.breached
    }
    body = {
        "profile": profile,
        "reference_rows": reference.num_rows,
        "current_rows": material.table.num_rows,
        "number_of_columns": len(drifts),
        "number_of_drifted_columns": sum(drift.drifted for drift in drifts.values()),
        "share_of_drifted_columns": share.value,
        "drift_share": share.threshold,
        "drift_by_columns": {
            name: {
                "stattest_name": drift.method,
                "stattest_threshold": drift.threshold,
                "drift_score": drift.value,
                "drift_detected": drift.drifted,
            }
            for name, drift in drifts.items()
        },
    }
    points = [
        _datapoint(material, f"feature_baseline_drift_{name}", (1, *[drift.value] * 3))
        for name, drift in drifts.items()
        if drift.value is not None
    ]
    if share.value is not None:
        points.append(_datapoint(material, "drifted_columns_share", (1, *[share.value] * 3)))
    violated = [
        Violation(f.column or SUBJECTS[f.check].words, f.check, descriptions[f.alarm])
        for f in found
        if f.breached
    ]
    return Outcome(
        findings=tuple(found),
        descriptions=descriptions,
        files={
            "drift.json": as_json(body),
            violations_file.NAME: as_json(violations_file.as_body(violated)),
        },
        datapoints=tuple(points),
    )


def _csv(table: pa.Table) -> bytes:
    """A table as CSV; every value in quotes, so that an empty text is not a missing one."""
    import pyarrow as pa
    from pyarrow import csv

    out = pa.BufferOutputStream()
    csv.write_csv(table, out, csv.WriteOptions(quoting_style="all_valid"))
    return out.getvalue().to_pybytes()  # type: ignore[no-any-return]


@lru_cache(maxsize=4)
def _read_csv(text: bytes, numeric: tuple[str, ...]) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv

    head = csv.open_csv(pa.BufferReader(text)).schema.names
    numbers = {"prediction", *numeric}
    return csv.read_csv(
        pa.BufferReader(text),
        convert_options=csv.ConvertOptions(
            column_types={name: pa.float64() if name in numbers else pa.string() for name in head},
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
