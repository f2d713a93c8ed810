"""Watching: what the monitors look at beside one column of one window.

Sequences since the deployment, all columns together, and scores whose labels are still to come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field

from simlab.artifacts import Column, Deployment, Finding, History, Labels, Request, Served, Stretch
from simlab.correction import Correction, corrected
from simlab.signature import find, keywords, module_of, names

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Detector = str | dict[str, dict[str, Any]]
"""A detector's name, or its name with its settings: `{psi: {threshold: 0.2}}`."""


@dataclass(frozen=True)
class Sequential:
    """Detectors that follow a sequence from the deployment on; without a name nothing is followed."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    columns: Detector | None = None
    """Follows one standardised mean per window of each feature (of a categorical one, the share of the
    baseline's most frequent category)."""
    errors: Detector | None = None
    """Follows the errors of labelled rows: 0 and 1 in a binary problem, else the absolute error."""
    hold: Annotated[int, Field(ge=1, le=100)] = 3
    """A detector signals a change once; its signal counts as a breach in so many windows, so that an
    M-of-N rule can see it."""


UNFOLLOWED = Sequential()
"""No sequence is followed."""


@dataclass(frozen=True)
class Place:
    """A key of the monitor stage that names a detector."""

    what: str
    """What a detector looks at there, in words."""
    kind: str
    """One of the `KINDS` it must have."""
    stream: str = ""
    """One of the `STREAMS` it must have."""

    def takes(self, module: ModuleType) -> bool:
        """Whether the detector of a module may stand there."""
        streams = getattr(module, "STREAMS", (self.stream,))
        return self.kind in module.KINDS and (not self.stream or self.stream in streams)


PLACES = {
    "detectors.numeric": Place("numeric columns", "numeric"),
    "detectors.categorical": Place("categorical columns", "categorical"),
    "sequential.columns": Place("window means", "sequence", "means"),
    "sequential.errors": Place("errors", "sequence", "errors"),
    "multivariate": Place("all columns at once", "rows"),
    "estimate": Place("scores without labels", "predictions"),
}
"""Where a detector may be named, as a path under `stages.monitor`."""


def detectors_for(place: str) -> tuple[str, ...]:
    """The detectors that may stand in a place.

    >>> detectors_for("estimate")
    ('cbpe',)
    """
    return tuple(name for name in names("detectors") if PLACES[place].takes(module_of("detectors", name)))


def places_of(detector: str) -> tuple[str, ...]:
    """The places in which a detector may stand.

    >>> places_of("kswin"), places_of("psi")
    (('sequential.columns',), ('detectors.numeric', 'detectors.categorical'))
    """
    return tuple(place for place in PLACES if PLACES[place].takes(module_of("detectors", detector)))


def detector_of(given: Detector) -> tuple[str, Mapping[str, Any]]:
    """A detector's name and settings."""
    if isinstance(given, str):
        return given, {}
    ((name, settings),) = given.items()
    return name, settings or {}


def adjusted(findings: Sequence[Finding], correction: Correction) -> list[Finding]:
    """Drift findings of one window with thresholds that allow for how many p-values they hold."""
    if correction == "none":
        return list(findings)
    methods = {finding.method for finding in findings}
    low = frozenset(m for m in methods if getattr(module_of("detectors", m), "DIRECTION", "") == "below")
    return corrected(findings, low, correction)


# --- sequences ----------------------------------------------------------------------------------


def follow_columns(
    deployment: Deployment, request: Request, history: History, sequential: Sequential, ignore: Sequence[str]
) -> tuple[list[Finding], dict[str, float]]:
    """A finding per feature on its trail of means, and what this window adds to the trails.

    A feature without a value in this window adds nothing, and nothing is said of it.
    """
    if sequential.columns is None:
        return [], {}
    means = {}
    for column in deployment.schema.features:
        if column.name not in ignore:
            mean = standardised_mean(deployment.baseline, request.table, column)
            if mean is not None:
                means[column.name] = mean
    import numpy as np

    trails = history.follow(means, ()).means
    found = [
        _followed(
            sequential.columns,
            np.array(trails[name]),
            min(sequential.hold, len(trails[name])),
            Finding("data_quality", "sequential", name, "", None, None, False, request.number),
        )
        for name in means
    ]
    return found, means


def follow_errors(
    deployment: Deployment, served: Served, labels: Labels, history: History, sequential: Sequential
) -> tuple[list[Finding], tuple[Stretch, ...]]:
    """A finding per window whose labels arrived, and the stretches they add to the trail of errors.

    A window is judged with the trail up to itself: later windows whose labels came earlier do not count.
    Windows that another version answered count nowhere.
    """
    if sequential.errors is None:
        return [], ()
    import numpy as np

    fresh = _stretches(deployment, (*history.pending, served), labels)
    trail = history.follow({}, fresh).errors
    name, _ = detector_of(sequential.errors)
    scale = _scale(deployment, getattr(module_of("detectors", name), "UNITS", "own"))
    found = []
    for stretch in fresh:
        until = [other for other in trail if other.window <= stretch.window]
        if stretch not in until:
            continue  # so old that the trail no longer holds it
        values = np.frombuffer(b"".join(other.values for other in until))
        empty = Finding("model_quality", "sequential", "error", name, None, None, False, stretch.window)
        if scale is None:
            found.append(empty)
            continue
        judged = sum(other.rows for other in until[-sequential.hold :])
        found.append(_followed(sequential.errors, (values - scale[0]) / scale[1], judged, empty))
    return found, fresh


def _followed(detector: Detector, values: np.ndarray, fresh: int, finding: Finding) -> Finding:
    name, settings = detector_of(detector)
    value, breached, threshold = find("detectors", name)(values, fresh, **settings)
    return replace(finding, method=name, value=value, threshold=threshold, breached=breached)


def standardised_mean(baseline: pa.Table, table: pa.Table, column: Column) -> float | None:
    """A window's mean of a column in standard errors from the baseline's: 0 on average without drift.

    The standard error allows for the rows of both, ``sigma sqrt(1/n + 1/m)``, so one mean varies by 1;
    but all windows share the baseline and err with it. A categorical column counts as 1 where it has the
    baseline's most frequent category (of equally frequent ones the first by name). None without values,
    and where the baseline does not vary.
    """
    before, now = baseline[column.name].drop_null(), table[column.name].drop_null()
    if not len(before) or not len(now):
        return None
    x, y = _numbers(before, now, column.kind)
    sigma = float(x.std())
    if not sigma > 0 or not len(y):
        return None
    return float((y.mean() - x.mean()) / (sigma * (1 / len(x) + 1 / len(y)) ** 0.5))


def _numbers(before: pa.ChunkedArray, now: pa.ChunkedArray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind == "numeric":
        x, y = (np.asarray(part.to_numpy(), float) for part in (before, now))
        return x[np.isfinite(x)], y[np.isfinite(y)]
    before, now = before.cast(pa.string()), now.cast(pa.string())
    counts = {str(c["values"]): -c["counts"] for c in pc.value_counts(before).to_pylist()}
    usual = min(counts, key=lambda name: (counts[name], name))
    x, y = (pc.equal(part, usual).to_numpy().astype(float) for part in (before, now))
    return x, y


def _stretches(deployment: Deployment, answered: Sequence[Served], labels: Labels) -> tuple[Stretch, ...]:
    """The errors of every window whose labels arrived now, oldest window first."""
    import numpy as np
    import pyarrow.compute as pc

    found = []
    known = {served.number: served for served in answered if served.version == deployment.version}
    for window in sorted(labels.table["window"].unique().to_pylist()):
        if window not in known:
            continue
        both = (
            known[window]
            .table.join(
                labels.table.filter(pc.equal(labels.table["window"], window)),
                "inference_id",
                join_type="inner",
                use_threads=False,
            )
            .sort_by("inference_id")
        )
        errors = errors_of(deployment, both["prediction"].to_numpy(), both["label"].to_numpy())
        found.append(Stretch(window, np.ascontiguousarray(errors[np.isfinite(errors)], float).tobytes()))
    return tuple(found)


def errors_of(deployment: Deployment, predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether each row was called wrongly (1) or rightly (0), or in a regression by how much."""
    import numpy as np

    if deployment.problem == "regression":
        missed: np.ndarray = np.abs(predictions - labels)
        return missed
    wrong = (predictions >= deployment.threshold) != (labels >= 0.5)
    return np.where(np.isfinite(labels), wrong.astype(float), np.nan)


def _scale(deployment: Deployment, units: str) -> tuple[float, float] | None:
    """Centre and spread that errors are standardised by; None where the baseline's do not vary.

    What is 0 or 1 stays so, unless the detector asks for standard deviations; the errors of a regression
    have a unit of their own, which no detector's threshold can know.
    """
    if deployment.problem == "binary" and units != "sigma":
        return 0.0, 1.0
    import numpy as np

    errors = errors_of(deployment, *_answers(deployment))
    errors = errors[np.isfinite(errors)]
    spread = float(errors.std()) if len(errors) else 0.0
    return (float(errors.mean()), spread) if spread > 0 else None


def _answers(deployment: Deployment) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and labels of the baseline rows, NaN where one is unknown."""
    import numpy as np

    table = deployment.baseline
    label = "label" if "label" in table.column_names else deployment.schema.target
    predictions = np.asarray(table["prediction"].to_numpy(), float)
    if label not in table.column_names:
        return predictions, np.full(len(predictions), np.nan)
    return predictions, np.asarray(table[label].to_numpy(), float)


# --- all columns, and scores without labels -----------------------------------------------------


def look_at_rows(
    deployment: Deployment, request: Request, detector: Detector, ignore: Sequence[str], seed: int
) -> Finding:
    """One finding on all features at once."""
    name, settings = detector_of(detector)
    value, breached, threshold = find("detectors", name)(
        deployment.baseline,
        request.table,
        [column for column in deployment.schema.numeric if column not in ignore],
        [column for column in deployment.schema.categorical if column not in ignore],
        seed,
        **settings,
    )
    return Finding("data_quality", "multivariate", "", name, value, threshold, breached, request.number)


def estimate_quality(
    deployment: Deployment, served: Served, detector: Detector
) -> tuple[Finding, dict[str, float | None]]:
    """What the model's quality should be on rows nobody has labelled yet, and a finding on it."""
    import numpy as np

    name, settings = detector_of(detector)
    function = find("detectors", name)
    scores, labels = _answers(deployment)
    current = np.asarray(served.table["prediction"].to_numpy(), float)
    (value, breached, threshold), estimates = function(
        scores, labels, current, deployment.threshold, **settings
    )
    metric = str(settings.get("metric", keywords(function).get("metric", ("", ""))[1]))
    finding = Finding("model_quality", "estimated", metric, name, value, threshold, breached, served.number)
    return finding, estimates
