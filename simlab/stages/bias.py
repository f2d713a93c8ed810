"""Bias: Clarify's metrics of the labels a model learns from, and of its answers on rows it never saw."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from simlab.artifacts import BiasReport, FeatureSet, Files, Model
from simlab.clarify import analysis, config
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
from simlab.clarify.facets import Facets, label_words, sensitive
from simlab.context import Context
from simlab.engines import engine
from simlab.errors import SimlabError
from simlab.publishing import published
from simlab.wordings import NAMESPACES

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def _analysis_config(given: str) -> str:
    """A path that was given, once the file behind it could be read."""
    if given:
        try:
            config.read(Path(given).read_bytes(), given)
        except OSError as wrong:
            raise ValueError(f"{given}: cannot be read: {wrong.strerror}") from wrong
        except SimlabError as wrong:
            raise ValueError(str(wrong)) from wrong
    return given


AnalysisConfigFile = Annotated[str, AfterValidator(_analysis_config), WithJsonSchema({"type": "string"})]


def measure_bias(
    ctx: Context,
    model: Model,
    features: FeatureSet,
    *,
    facets: Facets | None = None,
    group_variable: str | None = None,
    metrics: tuple[Metric, ...] | Literal["all"] = "all",
    minimum: Annotated[int, Field(ge=0)] = 100,
    probability_threshold: Annotated[float | None, Field(ge=0, le=1)] = None,
    label_threshold: float | None = None,
    analysis_config: AnalysisConfigFile = "",
) -> BiasReport:
    """Measure Clarify's bias metrics: of the training rows' labels, and of the answers on the test rows.

    What it finds is written to `bias/analysis.json`, and `stages.approve.bias_at_most` can judge a
    version by it.

    Parameters
    ----------
    facets
        Who might be treated worse, by column: `{sex: [Female]}` (several values are one group),
        `{age: {threshold: 40}}` (those above it), or null for each value against all others. Left out,
        each value of the categorical columns that the dataset's card calls sensitive.
    group_variable
        Column within whose values CDDL and CDDPL compare.
    metrics
        Clarify's names of the wanted metrics, or `all`.
    minimum
        A group is not judged where it, or everyone else, has fewer rows.
    probability_threshold
        A score at or above it is a positive answer; the model's own threshold if left out.
    label_threshold
        In a regression labels and answers above it are positive; without it nothing is measured.
    analysis_config
        An `analysis_config.json` of Clarify's, by its path from the folder in which simlab runs. What it says
        of facets, group variable, metrics and threshold stands where the keys above say nothing.

    Raises
    ------
    SimlabError
        A facet does not fit its column.
    """
    import pyarrow.compute as pc

    schema = features.schema
    if analysis_config:
        numeric = [column.name for column in schema.features if column.kind == "numeric"]
        told = config.settings_of(config.read(Path(analysis_config).read_bytes(), analysis_config), numeric)
        facets = told.facets if facets is None and told.facets else facets
        group_variable = told.group_variable if group_variable is None else group_variable
        metrics = told.metrics if metrics == "all" else metrics
        if probability_threshold is None:
            probability_threshold = told.probability_threshold
    asked = sensitive(schema) if facets is None else facets
    if not asked or (model.problem == "regression" and label_threshold is None):
        return BiasReport(label=schema.target, label_value="", analysis=b"", config=b"")
    above = label_threshold if model.problem == "regression" else None
    parts = {name: features.part(name) for name in ("train", "test")}
    found: list[BiasFigure] = []
    stages: tuple[tuple[BiasStage, str], ...] = (("Pre-training", "train"), ("Post-Training", "test"))
    for stage, name in stages:
        if chosen(stage, metrics):
            predicted = (
                _answers(model, parts[name], probability_threshold, above)
                if stage == "Post-Training"
                else None
            )
            found += _measured(
                stage, parts[name], features, asked, predicted, above, group_variable, metrics, minimum
            )
    value, said = label_words(above, pc.max(parts["train"][schema.target]).as_py())
    for fact in published(datapoints(found, NAMESPACES["bias"].words, {}, schema.target, said)):
        ctx.emit(fact)
    settings = config.BiasSettings(
        facets=asked,
        group_variable=group_variable,
        metrics=metrics,
        probability_threshold=_cut(model, probability_threshold) if above is None else None,
        label_values=(1,) if above is None else (above,),
    )
    headers = [*(column.name for column in schema.features), schema.target, "prediction"]
    return BiasReport(
        label=schema.target,
        label_value=said,
        analysis=analysis.written(found, schema.target, value),
        config=config.written(settings, headers, schema.target, "prediction"),
    )


def bias_files(report: BiasReport) -> Files:
    """What Clarify was asked and what it answered, of the newest build."""
    if not report.analysis:
        return {}
    return {"bias/analysis_config.json": report.config, "bias/analysis.json": report.analysis}


def _cut(model: Model, threshold: float | None) -> float:
    return model.threshold if threshold is None else threshold


def _answers(model: Model, table: pa.Table, threshold: float | None, above: float | None) -> np.ndarray:
    return accepted(engine(model.algorithm).predict(model, table), _cut(model, threshold), above)


def _measured(
    stage: BiasStage,
    table: pa.Table,
    features: FeatureSet,
    facets: Facets,
    predicted: np.ndarray | None,
    above: float | None,
    group_variable: str | None,
    metrics: tuple[Metric, ...] | Literal["all"],
    minimum: int,
) -> Iterator[BiasFigure]:
    labels = table[features.schema.target].to_numpy()
    seen = look(table, facets, positive(labels, above), predicted, group_variable=group_variable)
    for split, cells in zip(seen.splits, seen.cells, strict=True):
        flips = None
        if predicted is not None and "FT" in chosen(stage, metrics):
            columns = [c for c in features.schema.features if c.name != split.facet]
            numeric = all(column.kind == "numeric" for column in columns)
            matrix = engine("matrix").numbers(table, [c.name for c in columns]) if numeric else None
            flips = FlipRows(matrix, engine("sklearn").votes)
        yield from figures(
            stage,
            split,
            cells,
            metrics=metrics,
            minimum=minimum,
            grouped=seen.grouped,
            predicted=predicted,
            flips=flips,
        )
