"""Facts of four scheduled monitors, written by hand: what a run of two dozen windows says of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import log2
from random import Random
from typing import Any

from simlab import events as e

LONG = "a_feature_whose_name_is_longer_than_any_card_is_wide"
FEATURES = (
    "age", "hours_per_week", "education_num", "capital_gain", "capital_loss", "workclass", "education",
    "marital_status", "occupation", "relationship", "race", "sex", "native_country", "household_size",
    "commute_minutes", LONG,
)  # fmt: skip
PRE = ("CI", "DPL", "KL", "JS", "LP", "TVD", "KS", "CDDL")
POST = ("DPPL", "DI", "DCA", "DCR", "RD", "DAR", "DRR", "AD", "SD", "CDDPL", "TE", "FT", "GE")
START = datetime(2026, 1, 5)
KINDS = {
    "income-data": ("data_quality", "DataQuality"),
    "income-quality": ("model_quality", "ModelQuality"),
    "income-bias": ("model_bias", "ModelBias"),
    "income-why": ("model_explainability", "ModelExplainability"),
}


def monitored(windows: int = 24, *, begins: int = 10, features: Iterable[str] = FEATURES) -> list[e.Event]:
    """What four daily schedules say: a feature drifts from a window on, and the rest follows.

    Parameters
    ----------
    windows
        How many days there are.
    begins
        Window in which the drift begins.
    """
    rng, found, names = Random(5), [], tuple(features)

    def say(window: int, fact: e.Event) -> None:
        end = START + timedelta(days=window + 1)
        found.append(fact.model_copy(update={"window": window, "time": end.isoformat()}))

    for window in range(windows):
        drifted = window >= begins
        violated = {
            "income-data": _data(window, drifted, names, rng, say),
            "income-quality": [
                ("auc", "LessThanThreshold", "Metric auc with 0.87 +/- 0.01 was LessThanThreshold '0.9'")
            ]
            * (window >= begins + 4),
            "income-bias": _bias(window, drifted, rng, say),
            "income-why": _why(window, drifted, names, rng, say),
        }
        for schedule, (monitor, kind) in KINDS.items():
            late = schedule in ("income-quality", "income-bias") and window < 2
            broken = violated[schedule] if not late else []
            _executed(say, window, schedule, monitor, kind, late, broken)
    return found


def _executed(
    say: Any, window: int, schedule: str, monitor: str, kind: str, late: bool, broken: list[Any]
) -> None:
    end = START + timedelta(days=window + 1)
    status = "Failed" if late else "CompletedWithViolations" if broken else "Completed"
    said = f"{status}: Job completed successfully with {len(broken) or 'no'} violations."
    if late:
        said = "No captured inference of the period could be joined with ground truth."
    say(
        window,
        e.MonitoringExecuted(
            schedule=schedule,
            monitor=monitor,
            monitoring_type=kind,
            status=status,
            scheduled=end.isoformat(),
            start=(end - timedelta(days=1)).isoformat(),
            end=end.isoformat(),
            rows=1000,
            labelled=0 if late else 940,
            violations=len(broken),
            message=said,
        ),
    )
    for subject, check, description in broken:
        violation = e.ConstraintViolated(
            schedule=schedule, monitor=monitor, check=check, subject=subject, description=description
        )
        say(window, violation)


def _finding(
    say: Any,
    window: int,
    monitor: str,
    check: str,
    column: str,
    method: str,
    value: float,
    limit: float,
    breached: bool,
) -> None:
    say(
        window,
        e.FindingMade(
            monitor=monitor,
            check=check,
            column=column,
            method=method,
            value=value,
            threshold=limit,
            breached=breached,
            of_window=window,
        ),
    )


def _data(window: int, drifted: bool, names: tuple[str, ...], rng: Random, say: Any) -> list[Any]:
    broken = []
    for number, name in enumerate(names):
        value = abs(rng.gauss(0.04, 0.015)) + (
            0.42 if drifted and number == 1 else 0.07 if drifted and number < 4 else 0
        )
        breached = value > 0.1
        _finding(say, window, "data_quality", "baseline_drift_check", name, "Robust", value, 0.1, breached)
        if breached:
            broken.append(
                (name, "baseline_drift_check", f"Baseline drift distance: {value} exceeds threshold: 0.1")
            )
    if window == begins_of(drifted, window):
        broken.append(("", "extra_column_check", "There are extra columns in current dataset."))
    return broken


def begins_of(drifted: bool, window: int) -> int:
    return window if drifted and window % 7 == 0 else -1


def _bias(window: int, drifted: bool, rng: Random, say: Any) -> list[Any]:
    broken = []
    for facet, value in (("sex", "Female"), ("race", "Amer-Indian-Eskimo, or any other")):
        for stage, metrics in (("Pre-training", PRE), ("Post-Training", POST)):
            values = {}
            for number, metric in enumerate(metrics):
                level = (1.0 if metric == "DI" else 0.0) + 0.1 * (number % 4) * (-1) ** number
                now = (
                    level
                    + rng.gauss(0, 0.02)
                    + (0.25 if drifted and metric in ("DPPL", "AD") and facet == "sex" else 0)
                )
                if metric == "TE" and window % 5 == 0:
                    now = 2.348543e108
                if metric in ("CDDL", "CDDPL"):
                    continue
                values[f"bias_metric_{metric}"] = (1.0, now, now, now)
                limit = level + 0.12
                bad = metric in ("DPPL", "AD") and now > limit
                if metric in ("DPPL", "AD", "CI"):
                    _finding(
                        say,
                        window,
                        "model_bias",
                        "bias_drift_check",
                        f"{facet}={value}:{metric}",
                        metric,
                        now,
                        limit,
                        bad,
                    )
                if bad:
                    broken.append(
                        (
                            f"{facet}={value}:{metric}",
                            "bias_drift_check",
                            f"Metric value {now} doesn't meet the baseline constraint requirement {limit}",
                        )
                    )
            dimensions = {
                "Endpoint": "simlab-endpoint",
                "MonitoringSchedule": "income-bias",
                "BiasStage": stage,
                "Label": "income",
                "LabelValue": "1",
                "Facet": facet,
                "FacetValue": value,
            }
            say(
                window,
                e.MetricsPublished(
                    namespace="aws/sagemaker/Endpoints/bias-metrics",
                    dimensions=dimensions,
                    unit="None",
                    values=values,
                ),
            )
    return broken


def _why(window: int, drifted: bool, names: tuple[str, ...], rng: Random, say: Any) -> list[Any]:
    at_training = {name: 0.9 * 0.75**n for n, name in enumerate(names)}
    live = {name: share * rng.uniform(0.9, 1.1) for name, share in at_training.items()}
    if drifted:
        live[names[0]] *= 0.1
        live[names[-1]] += 0.5
    dimensions = {
        "Endpoint": "simlab-endpoint",
        "MonitoringSchedule": "income-why",
        "ExplainabilityMethod": "KernelShap",
        "Label": "label0",
    }
    values = {f"feature_{name}": (1.0, share, share, share) for name, share in live.items()}
    say(
        window,
        e.MetricsPublished(
            namespace="aws/sagemaker/Endpoints/explainability-metrics",
            dimensions={**dimensions, "ValueType": "GlobalShapValues"},
            unit="None",
            values=values,
        ),
    )
    say(
        window,
        e.MetricsPublished(
            namespace="aws/sagemaker/Endpoints/explainability-metrics",
            dimensions={**dimensions, "ValueType": "ExpectedValue"},
            unit="None",
            values={"ExpectedValue": (1.0, 0.24, 0.24, 0.24)},
        ),
    )
    order = sorted(live, key=lambda name: -live[name])
    gain = sum(at_training[name] / log2(n + 2) for n, name in enumerate(order))
    value = gain / sum(
        share / log2(n + 2) for n, share in enumerate(sorted(at_training.values(), reverse=True))
    )
    _finding(
        say,
        window,
        "model_explainability",
        "feature_attribution_drift_check",
        "shap",
        "ndcg",
        value,
        0.9,
        value < 0.9,
    )
    text = f"Feature attribution drift {value} exceeds threshold 0.9"
    return [("shap", "feature_attribution_drift_check", text)] * (value < 0.9)
