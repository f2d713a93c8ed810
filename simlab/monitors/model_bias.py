"""Bias drift: Clarify's metrics of live answers and labels, beside those of the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from simlab.artifacts import Deployment, Finding, Schema
from simlab.clarify import analysis
from simlab.clarify.bias import (
    BiasFigure,
    BiasStage,
    FlipRows,
    Metric,
    accepted,
    chosen,
    figures,
    look,
    positive,
)
from simlab.clarify.cloudwatch import datapoints
from simlab.clarify.drift import Range, allowed, intervals, resampled
from simlab.clarify.facets import Facets, absent, facet_of, label_words, sensitive, settled
from simlab.context import rng_for
from simlab.engines import engine
from simlab.errors import SimlabError
from simlab.monitors import Material, Outcome
from simlab.wire import as_json
from simlab.wordings import NAMESPACES, described

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MONITORING_TYPE = "ModelBias"
NEEDS_LABELS = True
TOLD = ("bias_drift_check",)

STAGES: tuple[BiasStage, ...] = ("Pre-training", "Post-Training")


@dataclass(frozen=True)
class Measured:
    """What was measured on some rows: figures, and the bootstrap intervals that were asked for."""

    figures: tuple[BiasFigure, ...]
    label_value: str
    """What counts as positive, as `analysis.json` says it."""
    key: str
    """The same where names must last."""
    intervals: Mapping[tuple[BiasStage, str], Range | None] = field(default_factory=dict)
    """By stage and subject."""


def suggest(
    model: Deployment,
    rows: pa.Table,
    *,
    facets: Facets | None = None,
    group_variable: str | None = None,
    metrics: tuple[Metric, ...] | Literal["all"] = "all",
    minimum: Annotated[int, Field(ge=0)] = 100,
    probability_threshold: Annotated[float | None, Field(ge=0, le=1)] = None,
    label_threshold: float | None = None,
) -> Mapping[str, bytes]:
    """Measure every bias metric on the baseline rows: `analysis.json`, which is the constraints file.

    Parameters
    ----------
    facets
        Who might be treated worse, by column: `{sex: [Female]}` (several values are one group),
        `{age: {threshold: 40}}` (those above it), or null for each value against all others. Left out,
        each value of the categorical columns that the dataset's card calls sensitive; an execution then
        looks at the groups that its baseline file names.
    group_variable
        Column within whose values CDDL and CDDPL compare.
    metrics
        Clarify's names of the wanted metrics, or `all`; FT, which asks neighbours of every row, only
        where it is named.
    minimum
        A group is not judged where it, or everyone else, has fewer rows.
    probability_threshold
        A score at or above it is a positive answer; the model's own threshold if left out.
    label_threshold
        In a regression labels and answers above it are positive.

    Raises
    ------
    SimlabError
        A facet does not fit its column, or names a group that no row of the first version's baseline is in.
    """
    asked = sensitive(model.schema) if facets is None else facets
    if model.version <= 1:  # later on a group may have left the data, which is no slip of the pen
        _found(asked, (rows, model.baseline))
    looked = _Look(model, asked, group_variable, metrics, minimum, probability_threshold, label_threshold)
    found = looked.at(rows)
    return {"analysis.json": analysis.written(found.figures, model.schema.target, found.label_value)}


def model_bias(
    model: Deployment,
    baseline: Mapping[str, bytes],
    material: Material,
    *,
    facets: Facets | None = None,
    group_variable: str | None = None,
    metrics: tuple[Metric, ...] | Literal["all"] = "all",
    minimum: Annotated[int, Field(ge=0)] = 100,
    probability_threshold: Annotated[float | None, Field(ge=0, le=1)] = None,
    label_threshold: float | None = None,
    interval: bool = True,
    repeats: Annotated[int, Field(ge=50, le=10_000)] = 500,
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95,
) -> Outcome:
    """Tell where live bias is further from neutral than the baseline's.

    A metric is neutral at 0, and DI, a ratio, at 1, where 0.8 and 1.25 are equally far. A baseline of
    0.2 allows everything from -0.2 to 0.2. With `interval` a metric breaches only if its whole Normal
    Bootstrap Interval (the value plus and minus z standard deviations of its bootstrap samples) lies
    outside of what is allowed, so that a few rows alone do not make an alarm; where there is no interval
    by its nature (FT) the value itself is judged; where the value, or most of its samples, are infinite,
    nothing is. Which groups there are was decided on the baseline's rows and stands in its file; a job
    that cannot find them in the period's rows fails.

    Parameters
    ----------
    interval
        Whether the live metric's interval is judged, as Clarify does, or the metric itself.
    repeats
        Bootstrap samples behind an interval.
    confidence
        Share of such intervals that hold the true value.

    Raises
    ------
    SimlabError
        The baseline file is not as Clarify writes it.
    """
    before = {(f.stage, f.subject): f for f in analysis.read(baseline["analysis.json"])}
    groups = _groups_of(before.values())
    asked = {f: facet_of(g) for f, g in groups.items()} if facets is None else settled(facets, groups)
    looked = _Look(model, asked, group_variable, metrics, minimum, probability_threshold, label_threshold)
    bootstrap = (repeats, confidence, material.seed) if interval else None
    try:
        live = looked.at(_labelled(material.table), bootstrap, continuous=False)
    except SimlabError as wrong:
        return Outcome((), failed=f"The period's rows cannot be cut into groups: {wrong}")
    findings, descriptions, violations = [], {}, []
    for figure in live.figures:
        known = before.get((figure.stage, figure.subject))
        if figure.figure is None or known is None or known.figure is None:
            continue  # nothing to judge, or nothing to judge by: the alarm stays as it is
        limits = allowed(figure.metric, known.figure)
        found = live.intervals.get((figure.stage, figure.subject))
        if interval and found is None and figure.metric != "FT":
            continue  # infinite, or nearly so: nobody can say how surely
        breached = found.apart(limits) if found is not None else not limits.holds(figure.figure)
        finding = Finding(
            monitor="model_bias",
            check="bias_drift_check",
            column=figure.subject,
            method="bootstrap" if found is not None else "value",
            value=figure.figure,
            threshold=known.figure,
            breached=breached,
            of_window=material.window,
        )
        findings.append(finding)
        if breached:
            said = described("bias_drift_check", value=_said(figure.figure), baseline=_said(known.figure))
            descriptions[finding.alarm] = said
            violations.append(_violation(figure, said))
    label = model.schema.target
    return Outcome(
        findings=tuple(findings),
        descriptions=descriptions,
        files={
            "analysis.json": analysis.written(live.figures, label, live.label_value),
            "constraint_violations.json": as_json({"version": "1.0", "violations": violations}),
        },
        datapoints=datapoints(
            live.figures, NAMESPACES["model_bias"].words, material.dimensions, label, live.key
        ),
    )


def problems_in(given: Mapping[str, Any], shape: Schema) -> Iterator[str]:
    """Why it could judge nobody, before any row is seen.

    Parameters
    ----------
    given
        Its settings.
    shape
        The data's.
    """
    facets = given.get("facets")
    if not (sensitive(shape) if facets is None else facets):
        yield (
            "facets: the dataset's card calls no categorical column sensitive, so name who might be treated "
            "worse, such as {age: {threshold: 40}}"
            if facets is None
            else "facets: name at least one column, or leave it out for those that the card calls sensitive"
        )
    if shape.problem == "regression" and given.get("label_threshold") is None and not facets:
        yield "label_threshold: it is missing; above it a label of a regression is positive"


def _found(facets: Facets, tables: Sequence[pa.Table]) -> None:
    """Raise where a facet names a group that is in none of the tables."""
    for name, facet in facets.items():
        missing = [list(absent(name, t[name], facet)) for t in tables if name in t.column_names]
        if missing and all(missing):
            raise SimlabError(f"model_bias.facets.{name}: {missing[0][0]}")


def _said(value: float) -> str:
    return str(analysis.WORDS.get(value, value))


def _violation(figure: BiasFigure, said: str) -> dict[str, str]:
    return {
        "facet": figure.facet,
        "facet_value": figure.key,
        "metric_name": figure.metric,
        "constraint_check_type": "bias_drift_check",
        "description": said,
    }


def _labelled(table: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    return table.filter(pc.is_valid(table["label"]))


def _groups_of(known: Iterable[BiasFigure]) -> dict[str, list[str]]:
    """What a baseline file calls the groups of each facet."""
    groups: dict[str, dict[str, None]] = {}
    for figure in known:
        groups.setdefault(figure.facet, {})[figure.value] = None
    return {facet: list(values) for facet, values in groups.items()}


@dataclass(frozen=True)
class _Look:
    """How rows are looked at."""

    model: Deployment
    facets: Facets
    group_variable: str | None
    metrics: tuple[Metric, ...] | Literal["all"]
    minimum: int
    probability_threshold: float | None
    label_threshold: float | None

    def at(
        self,
        rows: pa.Table,
        bootstrap: tuple[int, float, int] | None = None,
        *,
        continuous: bool | None = None,
    ) -> Measured:
        """Measure every wanted metric of labelled rows.

        Parameters
        ----------
        continuous
            As in `simlab.clarify.facets.split`.
        """
        if self.model.problem == "regression" and self.label_threshold is None:
            return Measured((), "", "")
        labels = rows["label"].to_numpy()
        predicted = self._answers(rows["prediction"].to_numpy())
        seen = look(
            rows,
            self.facets,
            positive(labels, self._above),
            predicted,
            group_variable=self.group_variable,
            continuous=continuous,
        )
        found: list[BiasFigure] = []
        limits: dict[tuple[BiasStage, str], Range | None] = {}
        for split, cells in zip(seen.splits, seen.cells, strict=True):
            for stage in STAGES:
                found += figures(
                    stage,
                    split,
                    cells,
                    metrics=self.metrics,
                    minimum=self.minimum,
                    grouped=seen.grouped,
                    predicted=predicted,
                    flips=self._flips(rows, split.facet) if stage == "Post-Training" else None,
                )
            if bootstrap is not None:
                of_facet = [f for f in found if f.facet == split.facet and f.figure is not None]
                for place, text_of in enumerate(split.texts):
                    group = [f for f in of_facet if f.value == text_of]
                    if group:
                        limits |= _intervals(group, cells[place], *bootstrap)
        highest = float(labels.max()) if len(labels) else float("-inf")
        value, key = label_words(self._above, highest)
        return Measured(tuple(found), value, key, limits)

    def _answers(self, scores: np.ndarray) -> np.ndarray:
        cut = self.model.threshold if self.probability_threshold is None else self.probability_threshold
        return accepted(scores, cut, self._above)

    @property
    def _above(self) -> float | None:
        """In a regression, what positive labels and answers lie above."""
        return None if self.model.problem == "binary" else self.label_threshold

    def _flips(self, rows: pa.Table, facet: str) -> FlipRows | None:
        if self.metrics == "all" or "FT" not in chosen("Post-Training", self.metrics):
            return None
        columns = [c for c in self.model.schema.features if c.name != facet]
        numeric = all(column.kind == "numeric" for column in columns)
        matrix = engine("matrix").numbers(rows, [c.name for c in columns]) if numeric else None
        return FlipRows(matrix, engine("sklearn").votes)


def _intervals(
    group: list[BiasFigure], cells: np.ndarray, repeats: int, confidence: float, seed: int
) -> dict[tuple[BiasStage, str], Range | None]:
    """Intervals of every metric of one group, all from the same bootstrap samples."""
    samples = resampled(cells, repeats, rng_for(seed, "bootstrap", group[0].facet, group[0].key))
    found: dict[tuple[BiasStage, str], Range | None] = {}
    for stage in STAGES:
        own = [f for f in group if f.stage == stage]
        values: list[Any] = [f.figure for f in own]
        limits = intervals(stage, [f.metric for f in own], values, samples, confidence)
        found |= {(stage, f.subject): limits[f.metric] for f in own}
    return found
