"""Explain: which features move the model's answers, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field

from simlab.artifacts import FeatureSet, Files, Model, Reasons, Surrogate
from simlab.clarify.dependence import (
    Dependence,
    categorical_dependence,
    numeric_dependence,
    permutation_importance,
)
from simlab.clarify.explanations import (
    METHODS,
    Aggregation,
    aggregated,
    baseline_row,
    datapoints,
    local_values,
    spaced,
    written,
)
from simlab.context import Context
from simlab.engines import engine
from simlab.errors import SimlabError, did_you_mean
from simlab.events import MetricMeasured
from simlab.measuring import metrics
from simlab.publishing import published
from simlab.quality import DEFAULT_METRIC
from simlab.wire import as_json
from simlab.wordings import NAMESPACES

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True)
class PartialDependence:
    """Along which features to ask the model again."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    features: tuple[str, ...] = ()
    """Features by name; left out, the `top_k_features` with the greatest attributions."""
    grid_resolution: Annotated[int, Field(ge=1, le=1000)] = 15
    """Buckets of a numeric feature, and most categories of another."""
    top_k_features: Annotated[int, Field(ge=1)] = 10
    """How many features that is."""


@dataclass(frozen=True)
class Permutation:
    """How often each feature is shuffled."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    repeats: Annotated[int, Field(ge=1, le=1000)] = 5
    """Shuffles of each feature; their deviation is told beside their mean."""


@dataclass(frozen=True)
class SurrogateTree:
    """How deep the tree that stands in for the model may be."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    depth: Annotated[int, Field(ge=1, le=10)] = 3
    """Questions asked one after the other, at most."""


def explain_model(
    ctx: Context,
    model: Model,
    features: FeatureSet,
    *,
    rows: Annotated[int, Field(ge=0)] = 200,
    agg_method: Aggregation = "mean_abs",
    save_local_shap_values: bool = False,
    pdp: PartialDependence | None = None,
    permutation: Permutation | None = None,
    surrogate: SurrogateTree | None = None,
) -> Reasons:
    """Attribute the model's answers on a sample of its test rows to the features, exactly.

    Trees are explained by TreeSHAP, a linear model by its weights. What is explained is the raw score:
    the log odds of the positive class, which is Clarify's `use_logit: true`, or the value. Partial
    dependence is of the answer itself, a probability or a value. What it finds is written to
    `explanations/analysis.json`.

    Parameters
    ----------
    rows
        How many test rows, evenly spaced, are looked at; 0 explains nothing.
    agg_method
        How rows' attributions become one figure per feature: `mean_abs`, `median` (of signed values) or
        `mean_sq`.
    save_local_shap_values
        Whether every row's attributions are written as well, to `explanations/explanations_shap/out.csv`.
    pdp
        Partial dependence: `{features: [...], grid_resolution: 15, top_k_features: 10}`; none if left out.
    permutation
        Permutation importance by the model's usual metric: `{repeats: 5}`; none if left out.
    surrogate
        A tree that answers as the model does: `{depth: 3}`; it learns from the model's answers to the
        validation rows and is judged on the test rows. None if left out.

    Raises
    ------
    SimlabError
        Partial dependence is asked of something that is no feature of the model.
    """
    parts = {name: features.part(name) for name in ("train", "valid", "test")}
    test = spaced(parts["test"], rows)
    method = METHODS[model.algorithm]
    if not test.num_rows:
        return Reasons(0, method, agg_method, {}, 0.0)
    names = (*model.numeric, *model.categorical)
    local, expected = engine(model.algorithm).contributions(model, test, parts["train"])
    attributions = aggregated(local, names, agg_method)
    dependences = _dependences(model, test, attributions, pdp) if pdp is not None else ()
    files: dict[str, bytes] = {"analysis.json": written(attributions, expected, dependences)}
    if save_local_shap_values:
        files["explanations_shap/out.csv"] = local_values(local, names)
        files["explanations_shap/baseline.csv"] = baseline_row(
            parts["train"], model.numeric, model.categorical
        )
    shuffled: dict[str, tuple[float | None, float | None]] = {}
    if permutation is not None:
        shuffled = _shuffled(ctx, model, features, test, permutation)
        metric = DEFAULT_METRIC[model.problem]
        body = {name: {"mean": mean, "std_dev": spread} for name, (mean, spread) in shuffled.items()}
        files["permutation_importance.json"] = as_json({"metric": metric, "features": body})
    tree = None
    if surrogate is not None and parts["valid"].num_rows:
        tree = _surrogate(ctx, model, features, parts["valid"], parts["test"], surrogate)
        files["surrogate.txt"] = (tree.text + "\n").encode()
    for fact in published(datapoints(attributions, expected, NAMESPACES["explain"].words, {}, method)):
        ctx.emit(fact)
    return Reasons(
        rows=test.num_rows,
        method=method,
        agg_method=agg_method,
        attributions=attributions,
        expected_value=expected,
        permutation=shuffled,
        surrogate=tree,
        files=files,
    )


def explanation_files(reasons: Reasons) -> Files:
    """The explanations of the newest build, under `explanations`."""
    return {f"explanations/{name}": body for name, body in reasons.files.items()}


def _asked(model: Model) -> Callable[[pa.Table], np.ndarray]:
    def ask(table: pa.Table) -> np.ndarray:
        answers: np.ndarray = engine(model.algorithm).predict(model, table)
        return answers

    return ask


def _dependences(
    model: Model, table: pa.Table, attributions: dict[str, float], pdp: PartialDependence
) -> tuple[Dependence, ...]:
    for name in pdp.features:
        if name not in attributions:
            raise SimlabError(
                f"stages.explain.pdp.features: the model has no feature {name!r}"
                f"{did_you_mean(name, attributions)}"
            )
    ranked = sorted(attributions, key=lambda name: -abs(attributions[name]))
    chosen = pdp.features or ranked[: pdp.top_k_features]
    along = {True: numeric_dependence, False: categorical_dependence}
    return tuple(
        along[name in model.numeric](table, name, _asked(model), pdp.grid_resolution) for name in chosen
    )


def _shuffled(
    ctx: Context, model: Model, features: FeatureSet, table: pa.Table, permutation: Permutation
) -> dict[str, tuple[float | None, float | None]]:
    """By feature; None where the metric is undefined, as log loss with one class only."""
    metric, ask = DEFAULT_METRIC[model.problem], _asked(model)

    def loss(rows: pa.Table) -> float:
        truth = rows[features.schema.target].to_numpy()
        value = metrics(model.problem, truth, ask(rows), model.threshold)[metric]
        return nan if value is None else value

    names = (*model.numeric, *model.categorical)
    found = permutation_importance(table, names, loss, permutation.repeats, ctx.rng("permutation"))
    return {name: (None, None) if isnan(mean) else (mean, spread) for name, (mean, spread) in found.items()}


def _surrogate(
    ctx: Context,
    model: Model,
    features: FeatureSet,
    taught: pa.Table,
    judged: pa.Table,
    surrogate: SurrogateTree,
) -> Surrogate:
    ask = _asked(model)
    text, r2, agreement = engine("sklearn_yardsticks").surrogate(
        features.schema,
        (taught, ask(taught)),
        (judged, ask(judged)),
        model.threshold,
        depth=surrogate.depth,
    )
    for name, value in (("r2", r2), ("agreement", agreement)):
        if value is not None:
            ctx.emit(MetricMeasured(metric=f"explain.surrogate.{name}", value=value, rows=judged.num_rows))
    return Surrogate(text=text, r2=r2, agreement=agreement)
