"""Clarify's feature-attribution drift monitor: whether the model still goes by the same features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.artifacts import Deployment, Finding
from simlab.clarify.explanations import (
    LABEL,
    Aggregation,
    aggregated,
    datapoints,
    read,
    spaced,
    written,
)
from simlab.clarify.ndcg import THRESHOLD, ndcg
from simlab.engines import engine
from simlab.errors import SimlabError
from simlab.monitors import Material, Outcome
from simlab.wire import as_json
from simlab.wordings import NAMESPACES, described

if TYPE_CHECKING:
    import pyarrow as pa

MONITORING_TYPE = "ModelExplainability"
NEEDS_LABELS = False
CHECK = "feature_attribution_drift_check"
TOLD = (CHECK,)

Sample = Annotated[int, Field(ge=1)]


def suggest(
    model: Deployment, rows: pa.Table, *, sample: Sample = 500, agg_method: Aggregation = "mean_abs"
) -> Mapping[str, bytes]:
    """The global attributions of the baseline rows, as `analysis.json`.

    Parameters
    ----------
    sample
        How many rows, evenly spaced, are explained: of the baseline, and of each execution's period.
    agg_method
        How rows' attributions become one figure per feature: `mean_abs`, `median` (of signed values) or
        `mean_sq`, which lets rare but strong reasons weigh.
    """
    attributions, expected = _explained(model, rows, sample, agg_method)
    return {"analysis.json": written(attributions, expected)}


def model_explainability(
    model: Deployment,
    baseline: Mapping[str, bytes],
    material: Material,
    *,
    sample: Sample = 500,
    agg_method: Aggregation = "mean_abs",
    threshold: Annotated[float, Field(ge=0, le=1)] = THRESHOLD,
) -> Outcome:
    """Whether live rows move the model by the same features, in the same order, as the baseline's did.

    The model is the same, so its attributions change only with the rows it is asked about. The figure is
    the nDCG of the features' live order against the baseline's (see `simlab.clarify.ndcg`), and it is
    drift where that is below the threshold. A job whose baseline file is of other features fails. What is
    published carries AWS's only ExplainabilityMethod, KernelShap, although simlab's attributions are exact.

    Parameters
    ----------
    threshold
        Least nDCG that is no drift; Clarify's is 0.90.
    """
    attributions, expected = _explained(model, material.table, sample, agg_method)
    try:
        known = read(baseline["analysis.json"])
        value = ndcg(known, attributions)
    except (SimlabError, ValueError) as wrong:
        return Outcome((), failed=f"The baseline cannot be compared with: {wrong}")
    breached = value is not None and value < threshold
    finding = Finding(
        monitor="model_explainability",
        check=CHECK,
        column="shap",
        method="ndcg",
        value=value,
        threshold=threshold,
        breached=breached,
        of_window=material.window,
    )
    said = described(CHECK, value=value, threshold=threshold)
    violation = {
        "label": LABEL,
        "metric_name": "shap",
        "constraint_check_type": CHECK,
        "description": said,
    }
    violations = [violation] if breached else []
    return Outcome(
        findings=(finding,),
        descriptions={finding.alarm: said} if breached else {},
        files={
            "analysis.json": written(attributions, expected),
            "constraint_violations.json": as_json({"version": "1.0", "violations": violations}),
        },
        datapoints=datapoints(
            attributions, expected, NAMESPACES["model_explainability"].words, material.dimensions
        ),
    )


def _explained(
    model: Deployment, rows: pa.Table, sample: int, agg_method: Aggregation
) -> tuple[dict[str, float], float]:
    """Global attributions of a sample of rows, and the raw score where nothing is known."""
    explained = engine(model.algorithm).contributions
    local, expected = explained(model.model, spaced(rows, sample), model.baseline)
    return aggregated(local, (*model.numeric, *model.categorical), agg_method), expected
