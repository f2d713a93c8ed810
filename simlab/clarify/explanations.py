"""Clarify's explanations: global attributions, `analysis.json`, and what CloudWatch is told.

What is explained is the raw score: the log odds of the positive class, or a regression's value. That is
what Clarify calls `use_logit: true`. A probability has no exact attribution by trees' own TreeSHAP, and
one that is squeezed through a sigmoid afterwards would not add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from simlab.errors import SimlabError
from simlab.watched import Datapoint
from simlab.wire import as_json, from_json

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.clarify.dependence import Dependence

Aggregation = Literal["mean_abs", "median", "mean_sq"]
"""Clarify's agg_method."""

LABEL = "label0"
"""Clarify's name of the only output where no label headers are given."""

METHODS: Mapping[str, str] = {"lightgbm": "TreeShap", "linear": "LinearShap"}
"""How each algorithm's answers are explained."""

KERNEL_SHAP = "KernelShap"
"""The only ExplainabilityMethod that AWS publishes: dashboards and alarms look for it. What simlab
publishes under it was computed by one of `METHODS`."""


def spaced(table: pa.Table, rows: int) -> pa.Table:
    """So many evenly spaced rows of a table, or all of them if there are no more.

    >>> import pyarrow as pa
    >>> spaced(pa.table({"x": range(10)}), 4)["x"].to_pylist()
    [0, 2, 5, 7]
    """
    import pyarrow as pa

    if table.num_rows <= rows:
        return table
    return table.take(pa.array([at * table.num_rows // rows for at in range(rows)], pa.int64()))


def aggregated(contributions: np.ndarray, features: Sequence[str], method: Aggregation) -> dict[str, float]:
    """One global attribution per feature: of the rows' own, the mean size, the median or the mean square.

    Clarify's agg_method. The median is that of signed values, as its documentation says, and can be
    negative.

    Parameters
    ----------
    contributions
        Local attributions, [rows, features]; at least one row.
    features
        Names of the columns.
    method
        `mean_abs`, `median` or `mean_sq`.
    """
    import numpy as np

    if method == "mean_abs":
        found = np.abs(contributions).mean(axis=0)
    elif method == "mean_sq":
        found = (contributions**2).mean(axis=0)
    else:
        found = np.median(contributions, axis=0)
    return dict(zip(features, found.tolist(), strict=True))


def section(
    attributions: Mapping[str, float], expected_value: float, dependences: Sequence[Dependence] = ()
) -> dict[str, Any]:
    """The section `explanations` of `analysis.json`.

    The key says `kernel_shap`, whatever method the figures come from: it is the one that readers of the
    file know.

    Parameters
    ----------
    attributions
        Global attributions by feature, in the order in which they are written.
    expected_value
        The raw score where nothing is known of a row.
    dependences
        Partial dependences, in the order in which they are written.
    """
    shap = {LABEL: {"global_shap_values": dict(attributions), "expected_value": expected_value}}
    found: dict[str, Any] = {"kernel_shap": shap}
    if dependences:
        found["pdp"] = [dependence.as_aws(LABEL) for dependence in dependences]
    return found


def written(
    attributions: Mapping[str, float], expected_value: float, dependences: Sequence[Dependence] = ()
) -> bytes:
    """`analysis.json` of explanations alone.

    Parameters
    ----------
    attributions, expected_value, dependences
        As in `section`.
    """
    return as_json({"version": "1.0", "explanations": section(attributions, expected_value, dependences)})


def read(content: bytes, file: str = "analysis.json") -> dict[str, float]:
    """Global attributions of an `analysis.json`, whoever wrote it; the other sections are passed over.

    Of several labels the first counts.

    Parameters
    ----------
    file
        Its name, for messages.

    Raises
    ------
    SimlabError
        It is no JSON, or holds no global attributions; the message says where they should be.
    """
    body = from_json(content, file)
    explained = _mapping(body, "explanations", file)
    labels = _mapping(explained, "kernel_shap", f"{file}: explanations")
    where = f"{file}: explanations.kernel_shap"
    if not labels:
        raise SimlabError(f"{where}: it needs a label, such as {LABEL!r}")
    label = next(iter(labels))
    values = _mapping(_mapping(labels, label, where), "global_shap_values", f"{where}.{label}")
    where = f"{where}.{label}.global_shap_values"
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise SimlabError(f"{where}.{name}: {value!r} is no number")
    return {name: float(value) for name, value in values.items()}


def _mapping(body: Any, key: str, where: str) -> Mapping[str, Any]:
    if not isinstance(body, dict) or not isinstance(body.get(key), dict):
        raise SimlabError(f"{where}: it needs {key!r}, a mapping")
    found: Mapping[str, Any] = body[key]
    return found


def local_values(contributions: np.ndarray, features: Sequence[str]) -> bytes:
    """`explanations_shap/out.csv`: the attributions of each row, a column `<feature>_label0` per feature.

    Parameters
    ----------
    contributions
        Local attributions, [rows, features].
    features
        Names of the columns.
    """
    lines = [",".join(_field(f"{name}_{LABEL}") for name in features)]
    lines += [",".join(map(repr, row)) for row in contributions.tolist()]
    return ("\n".join(lines) + "\n").encode()


def baseline_row(table: pa.Table, numeric: Sequence[str], categorical: Sequence[str]) -> bytes:
    """`explanations_shap/baseline.csv`: the one row that stands for the background.

    The mean of each numeric column and the most frequent value of each other one, the first in the
    alphabet of several. Empty where a column holds no value. It shows where attributions are counted
    from; the attributions themselves count from the whole background.

    Parameters
    ----------
    table
        The background.
    numeric, categorical
        Its columns, in the model's order.
    """
    import pyarrow.compute as pc

    cells = []
    for name in numeric:
        mean = pc.mean(pc.drop_null(pc.if_else(pc.is_nan(table[name]), None, table[name]))).as_py()
        cells.append("" if mean is None else repr(float(mean)))
    for name in categorical:
        counts = [
            (-each["counts"], each["values"]) for each in table[name].drop_null().value_counts().to_pylist()
        ]
        cells.append(_field(str(min(counts)[1])) if counts else "")
    return (",".join(map(_field, (*numeric, *categorical))) + "\n" + ",".join(cells) + "\n").encode()


def _field(text: str) -> str:
    """A cell of a CSV file (RFC 4180)."""
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if any(mark in text for mark in ',"\r\n') else text


def datapoints(
    attributions: Mapping[str, float],
    expected_value: float,
    namespace: str,
    own: Mapping[str, str],
    method: str = KERNEL_SHAP,
) -> tuple[Datapoint, ...]:
    """CloudWatch's view of explanations: a metric `feature_<name>` per feature, and `ExpectedValue`.

    Parameters
    ----------
    attributions, expected_value
        As in `section`.
    namespace
        One of `simlab.wordings.NAMESPACES`.
    own
        Dimensions that come first: the endpoint's and the schedule's.
    method
        The dimension ExplainabilityMethod.
    """
    dimensions = {**own, "ExplainabilityMethod": method, "Label": LABEL}
    of_features = {**dimensions, "ValueType": "GlobalShapValues"}
    of_nothing = {**dimensions, "ValueType": "ExpectedValue"}
    return (
        *(Datapoint.of(namespace, f"feature_{name}", of_features, v) for name, v in attributions.items()),
        Datapoint.of(namespace, "ExpectedValue", of_nothing, expected_value),
    )
