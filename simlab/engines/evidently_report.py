"""Evidently: its reports, as one page that a browser opens without a network."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from evidently import BinaryClassification, DataDefinition, Dataset, Regression, Report
from evidently.core.metric_types import render_widgets
from evidently.legacy.renderers.html_widgets import group_widget, text_widget
from evidently.presets import ClassificationPreset, DataDriftPreset, DataSummaryPreset, RegressionPreset

from simlab.engines.evidently import statistic

Kind = Literal["numeric", "categorical"]
Problem = Literal["binary", "regression"]

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "font-src data:; img-src data: blob:"
)
"""What the page may load: nothing that is not in it."""

QUALITY = {
    "Accuracy": "accuracy",
    "Precision": "precision",
    "Recall": "recall",
    "F1Score": "f1",
    "RocAuc": "auc",
    "LogLoss": "log_loss",
    "MAE": "mae",
    "RMSE": "rmse",
    "R2Score": "r2",
    "MeanError": "bias",
    "MAPE": "mape",
}
"""Evidently's names of metrics, and simlab's."""


@dataclass(frozen=True)
class Drift:
    """What Evidently's report says of one column."""

    method: str
    threshold: float
    value: float
    drifted: bool


@dataclass(frozen=True)
class Reported:
    """A report: the page, and the figures on it."""

    html: str
    drift: Mapping[str, Drift] = field(default_factory=dict)
    quality: Mapping[str, float] = field(default_factory=dict)
    """By simlab's name of the metric."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """What the report does not hold, and why."""


def report(
    columns: Mapping[str, Kind],
    reference: pa.Table,
    current: pa.Table,
    *,
    problem: Problem,
    methods: Mapping[str, tuple[str, float]],
    threshold: float = 0.5,
    answered: tuple[pa.Table, pa.Table] | None = None,
    title: str = "Report",
    says: str = "",
) -> Reported:
    """Compare two tables as Evidently's presets do: drift, summary, and quality where labels are known.

    Parameters
    ----------
    columns
        Features by name, each with its kind.
    reference, current
        Tables that hold these features.
    problem
        Kind of problem, which says what quality is.
    methods
        Evidently's method and the threshold, by column; a column without one is not tested for drift.
    threshold
        A score at or above it counts as positive (binary problems).
    answered
        `prediction` and `label` of reference and current rows whose label is known; without them
        nothing is said of quality.
    title, says
        What is compared, for people.
    """
    with _quietly():
        before, now = _frame(columns, reference), _frame(columns, current)
        tested, left_out = _sorted_out(columns, methods, before, now)
        definition = DataDefinition(
            numerical_columns=[name for name, kind in columns.items() if kind == "numeric"],
            categorical_columns=[name for name, kind in columns.items() if kind == "categorical"],
        )
        pair = Dataset.from_pandas(now, definition), Dataset.from_pandas(before, definition)
        parts: list[Any] = []
        drift: Mapping[str, Drift] = {}
        quality: Mapping[str, float] = {}
        if tested:
            preset = DataDriftPreset(
                columns=list(tested),
                per_column_method={name: method for name, (method, _) in tested.items()},
                per_column_threshold={name: limit for name, (_, limit) in tested.items()},
            )
            snapshot = Report([preset], include_tests=True).run(*pair)
            drift = _drift(snapshot.dict())
            parts.append(group_widget(title="Drift", widgets=snapshot._widgets))
        if columns:
            snapshot = Report([DataSummaryPreset(columns=list(columns))], include_tests=False).run(*pair)
            parts.append(group_widget(title="Columns", widgets=snapshot._widgets))
        if answered is not None and (why := _unjudgeable(problem, *answered)):
            left_out["quality"] = why
        elif answered is not None:
            snapshot = _quality_of(problem, threshold, *answered)
            quality = _quality(snapshot.dict())
            parts.append(group_widget(title="Quality", widgets=snapshot._widgets))
    missing = [f"Left out: {name}, as {why}." for name, why in left_out.items()]
    told = "\n\n".join(part for part in (f"## {title}", says, *missing) if part)
    return Reported(
        _sealed(render_widgets([text_widget(text=told), *parts]), title), drift, quality, left_out
    )


@contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _frame(columns: Mapping[str, Kind], table: pa.Table) -> pd.DataFrame:
    found = {}
    for name, kind in columns.items():
        values = table[name].to_numpy()
        found[name] = pd.Series(values.astype(float) if kind == "numeric" else values.astype(object))
    return pd.DataFrame(found)


def _sorted_out(
    columns: Mapping[str, Kind],
    methods: Mapping[str, tuple[str, float]],
    before: pd.DataFrame,
    now: pd.DataFrame,
) -> tuple[dict[str, tuple[str, float]], dict[str, str]]:
    """Which columns can be tested for drift and how, and why the others cannot."""
    tested, left_out = {}, {}
    for name, kind in columns.items():
        if name not in methods:
            left_out[name] = "no method of Evidently's was set for it"
        elif why := _untestable(kind, methods[name][0], before[name], now[name]):
            left_out[name] = why
        else:
            tested[name] = methods[name]
    return tested, left_out


def _untestable(kind: Kind, method: str, before: pd.Series, now: pd.Series) -> str:
    """Why Evidently could not test a column: its report would stop at it."""
    values = [each.replace([np.inf, -np.inf], np.nan).dropna().to_numpy() for each in (before, now)]
    if not len(values[0]) or not len(values[1]):
        return "one side has no values"
    try:
        value = statistic(method, kind, *values)
    except ValueError as wrong:
        return f"{method} refuses its values ({wrong})"
    return "" if np.isfinite(value) else f"{method} is not defined for its values"


def _drift(said: Mapping[str, Any]) -> dict[str, Drift]:
    """Figures and verdicts by column: the figures are metrics, the verdicts are tests."""
    verdicts = {
        test["metric_config"]["params"]["column"]: str(getattr(test["status"], "value", test["status"]))
        == "FAIL"
        for test in said["tests"]
        if "column" in test["metric_config"]["params"]
    }
    return {
        config["column"]: Drift(
            config["method"], float(config["threshold"]), float(metric["value"]), verdicts[config["column"]]
        )
        for metric in said["metrics"]
        if (config := metric["config"])["type"].endswith(":ValueDrift")
    }


def _unjudgeable(problem: Problem, before: pa.Table, now: pa.Table) -> str:
    for table, side in ((before, "baseline"), (now, "window")):
        labels = table["label"].to_numpy()
        if len(labels) < 2:
            return f"fewer than two labels of the {side} are known"
        if problem == "binary" and len(np.unique(labels)) < 2:
            return f"the known labels of the {side} are of one class"
    return ""


def _quality_of(problem: Problem, threshold: float, before: pa.Table, now: pa.Table) -> Any:
    frames = []
    for table in (now, before):
        label, prediction = (np.asarray(table[n].to_numpy(), float) for n in ("label", "prediction"))
        truth = label.astype(int) if problem == "binary" else label
        frames.append(pd.DataFrame({"label": truth, "prediction": prediction}))
    if problem == "binary":
        task = BinaryClassification(target="label", prediction_probas="prediction", pos_label=1)
        definition = DataDefinition(classification=[task])
        preset: Any = ClassificationPreset(probas_threshold=threshold)
    else:
        definition = DataDefinition(regression=[Regression(target="label", prediction="prediction")])
        preset = RegressionPreset()
    pair = [Dataset.from_pandas(frame, definition) for frame in frames]
    return Report([preset], include_tests=False).run(*pair)


def _quality(said: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for metric in said["metrics"]:
        name = QUALITY.get(metric["config"]["type"].rpartition(":")[2])
        if name:
            value = metric["value"]
            found[name] = float(value["mean"] if isinstance(value, Mapping) else value)
    if "mape" in found:
        found["mape"] /= 100  # Evidently's is a percentage
    return found


def _sealed(html: str, title: str) -> str:
    """The page with a title, and a policy under which a browser loads nothing from anywhere."""
    head = '<meta charset="UTF-8">'
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    return html.replace(head, f"{head}{policy}<title>{escape(title)}</title>", 1).lstrip()
