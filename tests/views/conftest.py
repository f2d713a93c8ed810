"""Runs written by hand, so that the folds can be seen at work without any engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from simlab import events as e
from simlab.artifacts import Finding
from simlab.quality import LOWER_IS_BETTER, METRICS
from simlab.views.alarms import evaluate

COLUMNS = (
    "hours_per_week",
    "age",
    "education_num",
    "capital_gain",
    "capital_loss",
    "workclass",
    "education",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "native_country",
)
LEVEL = {
    "auc": 0.915,
    "log_loss": 0.296,
    "brier": 0.094,
    "accuracy": 0.865,
    "precision": 0.76,
    "recall": 0.64,
    "f1": 0.695,
    "average_precision": 0.79,
    "mae": 38.2,
    "rmse": 57.9,
    "r2": 0.93,
}


@dataclass
class Lived:
    """What a run left behind."""

    events: list[e.Event] = field(default_factory=list)
    world: list[e.Event] = field(default_factory=list)
    scenario: dict[str, Any] = field(default_factory=dict)
    timings: list[dict[str, Any]] = field(default_factory=list)

    def parts(self) -> tuple[list[e.Event], list[e.Event], dict[str, Any], list[dict[str, Any]]]:
        return self.events, self.world, self.scenario, self.timings


def live_through(
    windows: int = 30,
    *,
    start: int | None = 10,
    delay: int = 3,
    problem: str = "binary",
    title: str = "Incomes rise, and the model does not know",
    replay: bool = False,
    stop: int | None = None,
    retrain: bool = True,
) -> Lived:
    """A run with a drift in one column from `start` on, caught, and mended by a retrain.

    Parameters
    ----------
    delay
        Windows until the labels of a window arrive.
    stop
        Window in which serving fails for good.
    """
    rng = Random(windows * 7 + delay)
    run = Lived()
    begin, step = datetime(2026, 1, 5), 86400
    metrics = METRICS[problem]
    main = "log_loss" if problem == "binary" else "mae"
    limit = 0.25
    now: dict[str, Any] = {"window": None, "time": begin.isoformat()}

    def say(fact: e.Event) -> None:
        run.events.append(fact.model_copy(update=now))

    def tell(fact: e.Event) -> None:
        run.world.append(fact.model_copy(update={**now, "window": fact.window}))

    def bent(metric: str, harm: float) -> float:
        """A metric's value when the model is so much worse, with the noise of a window."""
        sign = 1 if metric in LOWER_IS_BETTER else -1
        size = LEVEL[metric] * (1 + sign * harm) + rng.gauss(0, 0.025) * min(LEVEL[metric], 1 - sign * 0.5)
        return size if metric in ("mae", "rmse") else min(max(size, 0.0), 1.0)

    def build(version: int, rows: int, source: str) -> None:
        say(e.DataIngested(version=version, rows=rows, columns=15, digest="9f2c41aa03be7d10", source=source))
        say(e.StageFinished(stage="ingest", artifact="1c" * 8))
        say(e.RowsRejected(column="age", reason="not a number", rows=3, of=rows))
        say(e.StageFinished(stage="validate", artifact="2c" * 8))
        say(e.FeatureParityChecked(rows=200, differing=0, max_difference=0.0))
        say(e.StageFinished(stage="features", artifact="3c" * 8))
        best = LEVEL[main] * 1.22
        for number in range(15):
            score = best * (1 + abs(rng.gauss(0, 0.08))) * (1 - number * 0.009)
            values = {"learning_rate": round(rng.uniform(0.01, 0.3), 4), "num_leaves": rng.randrange(8, 96)}
            say(e.TrialFinished(number=number, values=values, metric=main, score=score))
        say(e.StageFinished(stage="tune", artifact="4c" * 8))
        say(
            e.ModelTrained(
                algorithm="lightgbm",
                rows=round(rows * 0.6),
                values={"learning_rate": 0.0731, "num_leaves": 41, "rounds": 143},
            )
        )
        say(e.StageFinished(stage="train", artifact="5c" * 8))
        for metric in metrics:
            value = LEVEL[metric] * (1 + rng.gauss(0, 0.004))
            room = 0.03 * value
            say(
                e.MetricMeasured(
                    metric=f"evaluate.{metric}", value=value, low=value - room, high=value + room, rows=3907
                )
            )
        for rival, factor in (("dummy", 1.9), ("rule", 1.35)):
            for metric in metrics:
                value = LEVEL[metric] * factor if metric in LOWER_IS_BETTER else LEVEL[metric] / factor
                say(e.MetricMeasured(metric=f"evaluate.{rival}.{metric}", value=value, rows=3907))
        say(e.StageFinished(stage="evaluate", artifact="6c" * 8))
        scores = {metric: LEVEL[metric] for metric in metrics}
        say(e.ModelRegistered(version=version, artifact="ab12" * 4, algorithm="lightgbm", metrics=scores))
        say(e.StageFinished(stage="register", artifact="7c" * 8))
        say(
            e.ModelApproved(
                version=version, why=f"{main} {LEVEL[main]:.4g} beats the rule's {LEVEL[main] * 1.35:.4g}"
            )
        )
        say(e.StageFinished(stage="approve", artifact="8c" * 8))
        replaced = version - 1 or None
        say(
            e.ModelDeployed(
                version=version, onnx="cd34" * 4, bytes=812_345, parity=1.1e-15, replaced=replaced
            )
        )
        say(e.StageFinished(stage="deploy", artifact="9c" * 8))

    injections = []
    if start is not None:
        injections.append(
            {
                "id": "raise",
                "kind": "shift_column",
                "on": "live",
                "start": start,
                "end": None,
                "shape": {"linear": 4},
                "where": None,
                "fraction": 1.0,
                "with": {"column": "hours_per_week", "by": 0.8},
            }
        )
    run.scenario = {
        "title": title,
        "shows": "A covariate drift in one column is caught before accuracy falls, and a retrain mends it.",
        "text": f"simlab: 1\ntitle: {title}\nclock: {{windows: {windows}}}\n",
        "injections": injections,
    }
    say(
        e.RunStarted(
            scenario="income-drift",
            title=title,
            dataset="adult-income" if problem == "binary" else "bikeshare",
            dataset_digest="5f0d21c9",
            problem=problem,
            seed={"world": 7, "build": 7},
            windows=windows,
            rows=1000,
            step_seconds=step,
        )
    )
    tell(
        e.WorldStarted(
            scenario="income-drift",
            dataset="adult-income",
            dataset_digest="5f0d21c9",
            order="replay" if replay else "drawn",
            training_rows=19537,
            baseline_rows=5000,
            pool_rows=29305,
            baseline_gap={"age": 0.004, "hours_per_week": -0.011},
        )
    )
    build(1, 24537, "adult-income, training")
    version, since, last_retrain = 1, 0, -99
    points: dict[str, tuple[bool, ...]] = {}
    states: dict[str, str] = {}
    harm_of: dict[int, tuple[float, int]] = {}
    for window in range(windows):
        now.update(window=window, time=(begin + timedelta(seconds=step * (window + 1))).isoformat())
        drifted = 0.0 if start is None else min(max((window - start + 1) / 4, 0.0), 1.0)
        if replay:
            drifted = window / windows
        if drifted and not replay:
            tell(
                e.Injected(
                    window=window,
                    injection="raise",
                    injector="shift_column",
                    on="live",
                    intensity=drifted,
                    rows=1000,
                    of=1000,
                    mask="77" * 8,
                    measured={"hours_per_week": 0.79 * drifted},
                    relabelled=round(61 * drifted),
                )
            )
        harm = 0.45 * drifted * (0.15 if version > 1 else 1.0)
        harm_of[window] = (harm, version)
        rejected = 40 if window % 11 == 6 else 0
        if rejected:
            say(e.RowsRejected(column="age", reason="value missing", rows=rejected, of=1000))
        say(e.MetricMeasured(metric="validate.rejected", value=rejected, of_window=window))
        say(e.StageFinished(stage="validate", artifact="2d" * 8))
        if stop == window:
            say(e.StageFailed(stage="serve", why="the endpoint did not answer"))
            say(e.RunFinished(status="failed", exit=8))
            return run
        say(e.MetricMeasured(metric="serve.rows", value=1000 - rejected, of_window=window))
        say(e.StageFinished(stage="serve", artifact="2e" * 8))
        figures = {metric: bent(metric, harm) for metric in metrics}
        tell(e.HindsightMeasured(window=window, version=version, metrics=figures, rows=1000 - rejected))
        found = []
        for number, column in enumerate(COLUMNS):
            moved = drifted * (0.31 if column == "hours_per_week" else 0.06 if number in (2, 3) else 0.0)
            if version > 1:
                moved *= 0.1
            value = abs(rng.gauss(0.05, 0.012)) + moved
            method = "wasserstein" if number < 5 else "jensenshannon"
            found.append(Finding("data_quality", "drift", column, method, value, 0.1, value > 0.1, window))
        if rejected:
            found.append(
                Finding("data_quality", "completeness", "age", "completeness", 0.04, 0.0, True, window)
            )
        about = window - delay
        if about >= 0:
            say(e.LabelsArrived(rows=1000, of_windows=(about,)))
            known = next(f for f in run.world if isinstance(f, e.HindsightMeasured) and f.window == about)
            for metric, value in known.metrics.items():
                say(e.MetricMeasured(metric=f"monitor.{metric}", value=value, of_window=about, rows=1000))
            if harm_of[about][1] == version:
                worse = (known.metrics[main] - LEVEL[main]) / LEVEL[main]
                found.append(
                    Finding("model_quality", "quality", main, "relative", worse, limit, worse > limit, about)
                )
        for f in found:
            say(
                e.FindingMade(
                    monitor=f.monitor,
                    check=f.check,
                    column=f.column,
                    method=f.method,
                    value=f.value,
                    threshold=f.threshold,
                    breached=f.breached,
                    of_window=f.of_window,
                )
            )
        states, points, changes = evaluate(found, points, states, datapoints=2, of=3)
        for c in changes:
            say(e.AlarmChanged(alarm=c.alarm, state=c.state, previous=c.previous, reason=c.reason))
            if c.state == "ALARM" and ":drift:" in c.alarm:
                column = c.alarm.rpartition(":")[2]
                if column in ("hours_per_week", "age", "education_num"):
                    edges = tuple(str(x) for x in range(0, 101, 5))
                    base = [max(0.002, 0.4 - abs(i - 8) * 0.055) for i in range(20)]
                    shift = [base[max(0, i - 2)] for i in range(20)]
                    base, shift = ([v / sum(side) for v in side] for side in (base, shift))
                else:
                    edges = tuple(f"{column} {i}" for i in range(12))
                    base, shift = [1 / 12] * 12, [(i + 1) / 78 for i in range(12)]
                say(
                    e.DistributionShifted(
                        column=column, labels=edges, baseline=tuple(base), current=tuple(shift)
                    )
                )
        say(e.StageFinished(stage="monitor", artifact="3e" * 8))
        sounding = [name for name, state in states.items() if state == "ALARM"]
        since = since + 1 if sounding else 0
        if retrain and since >= 5 and window - last_retrain > 8:
            say(
                e.RetrainPlanned(
                    policy="on_alarm",
                    reason=f"{', '.join(sounding)} in alarm",
                    windows=tuple(range(max(0, about - 2), about + 1)),
                    include_training=True,
                )
            )
            say(e.StageFinished(stage="retrain", artifact="4e" * 8))
            version, last_retrain, since = version + 1, window, 0
            build(version, 27537, "adult-income, windows 11-13 and training")
            say(
                e.RetrainFinished(
                    version=version,
                    replaced=True,
                    why=f"version {version} took over from version {version - 1}",
                )
            )
            for name in sounding:
                say(
                    e.AlarmChanged(
                        alarm=name,
                        state="INSUFFICIENT_DATA",
                        previous="ALARM",
                        reason=f"version {version} has a baseline of its own",
                    )
                )
            states, points = {}, {}
    say(
        e.Judged(
            of="given",
            expectation=f"metric_below: {{metric: evaluate.{main}, value: 0.4}}",
            held=True,
            why="it is 0.296",
        )
    )
    say(
        e.Judged(
            of="expect",
            expectation="alarm_within: {injection: raise, windows: 3}",
            held=True,
            why="data_quality:drift:hours_per_week sounded 2 windows after raise began in window 10",
        )
    )
    say(
        e.Judged(
            of="expect",
            expectation="no_alarm_before: {window: 10}",
            held=True,
            why="no alarm before window 10, in 143 findings",
        )
    )
    say(
        e.Judged(
            of="expect",
            expectation=f"metric_recovers: {{metric: monitor.{main}, within: 6}}",
            held=retrain,
            why=f"{main} went from 0.2961 to 0.4211, and to 0.3102 after the retrain: 89% made good",
        )
    )
    say(e.RunFinished(status="held" if retrain else "deviated", exit=0 if retrain else 5))
    tell(e.WorldFinished(windows=windows))
    run.timings = [
        {"stage": "tune", "seconds": 3.21},
        {"stage": "monitor", "seconds": 1.5},
        {"note": "resumed"},
    ]
    return run


@pytest.fixture
def lived() -> Callable[..., Lived]:
    """A run written by hand; see `live_through`."""
    return live_through
