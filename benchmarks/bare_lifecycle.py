"""The same lifecycle without simlab: the engines in a straight line, each as its own documentation shows.

`python bare_lifecycle.py ROWS.parquet WORK OUT.json …` trains on the first rows of the file and
serves the rest window by window. Nothing here is slowed down on purpose, and nothing is tuned that
an engine's own pages do not tune.
"""

# ruff: noqa: E402  (what an import costs is one of the figures)
from __future__ import annotations

import time

STARTED, USED = time.time(), time.process_time()

import argparse
import json
import resource
import warnings
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import evidently
import feast
import feast.types
import lightgbm
import mlflow
import mlflow.lightgbm
import numpy as np
import optuna
import pandas as pd
from evidently.presets import DataDriftPreset
from feast.value_type import ValueType
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.preprocessing import OrdinalEncoder
from synthetic import CATEGORICAL, MOVED, MOVED_BY, NUMERIC

# onnxmltools is how ONNX's own pages convert LightGBM. Without it this script leaves conversion and
# ONNX Runtime out and scores with LightGBM itself, which is less work, not more.
ONNX = find_spec("onnxmltools") is not None
if ONNX:
    import onnxmltools
    import onnxruntime
    from onnxmltools.convert.common.data_types import FloatTensorType

IMPORTED, SPENT = time.time(), time.process_time()
warnings.simplefilter("ignore")

parser = argparse.ArgumentParser()
parser.add_argument("rows", type=Path)
parser.add_argument("work", type=Path)
parser.add_argument("out", type=Path)
parser.add_argument("--training", type=int, required=True)
parser.add_argument("--baseline", type=int, required=True)
parser.add_argument("--windows", type=int, required=True)
parser.add_argument("--window-rows", type=int, required=True)
parser.add_argument("--trials", type=int, required=True)
given = parser.parse_args()

phases: dict[str, tuple[float, float]] = {"import": (IMPORTED - STARTED, SPENT - USED)}
clock = (time.perf_counter(), time.process_time())


def phase(name: str) -> None:
    """Count the time since the last call to a phase."""
    global clock
    now = (time.perf_counter(), time.process_time())
    before = phases.get(name, (0.0, 0.0))
    phases[name] = (before[0] + now[0] - clock[0], before[1] + now[1] - clock[1])
    clock = now


# --- data: training rows are dated before the start, live rows a window a day after it ----------------

START, DAY = datetime(2026, 1, 5, tzinfo=UTC), timedelta(days=1)
features = [*NUMERIC, *CATEGORICAL]
frame = pd.read_parquet(given.rows)
frame["answer"] = (frame["answer"] == "yes").astype(int)
training = frame.iloc[: given.training].copy()
live = frame.iloc[given.training : given.training + given.windows * given.window_rows].copy()
spread = np.arange(len(training)) / len(training)
training["event_timestamp"] = START - 10 * DAY + pd.to_timedelta(spread * 10, unit="D").floor("us")
number = np.arange(len(live)) // given.window_rows
within = np.arange(len(live)) % given.window_rows / given.window_rows
live["event_timestamp"] = START + pd.to_timedelta(number + within, unit="D").floor("us")
live.loc[number >= given.windows // 2, MOVED] += MOVED_BY
phase("data")

# --- Feast: offline files, a join for training ---------------------------------------------------------

for name, rows in (("training", training), ("live", live)):
    rows[["row_id", "event_timestamp", *features]].to_parquet(
        given.work / f"{name}.parquet", coerce_timestamps="us"
    )
row = feast.Entity(name="row_id", value_type=ValueType.INT64)
views = {
    name: feast.FeatureView(
        name=name,
        entities=[row],
        ttl=timedelta(days=365),
        schema=[
            *(feast.Field(name=column, dtype=feast.types.Float64) for column in NUMERIC),
            *(feast.Field(name=column, dtype=feast.types.String) for column in CATEGORICAL),
        ],
        source=feast.FileSource(path=str(given.work / f"{name}.parquet"), timestamp_field="event_timestamp"),
        online=True,
    )
    for name in ("training", "live")
}
store = feast.FeatureStore(
    config=feast.RepoConfig(
        project="bare",
        provider="local",
        registry=str(given.work / "registry.db"),
        offline_store={"type": "duckdb"},  # the default one loses rows
        online_store={"type": "sqlite", "path": str(given.work / "online.db")},
        entity_key_serialization_version=3,
    )
)
store.apply([row, *views.values()])
wanted = training[["row_id", "event_timestamp", "answer"]]
joined = store.get_historical_features(
    entity_df=wanted, features=[f"training:{column}" for column in features]
).to_df()
joined = joined.sort_values("row_id", ignore_index=True)
assert len(joined) == len(training)
phase("join")

# --- Optuna over LightGBM ------------------------------------------------------------------------------

order = np.random.default_rng(7).permutation(len(joined))
train, valid, test = np.split(order, [int(0.6 * len(order)), int(0.8 * len(order))])
encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
encoder.fit(joined.loc[train, list(CATEGORICAL)])


def encoded(rows: pd.DataFrame) -> np.ndarray:
    """The matrix LightGBM learns from: numbers, then categories as codes."""
    return np.hstack([rows[list(NUMERIC)].to_numpy(), encoder.transform(rows[list(CATEGORICAL)])]).astype(
        np.float32
    )


X, y = encoded(joined), joined["answer"].to_numpy()
categories = list(range(len(NUMERIC), len(features)))


def objective(trial: optuna.Trial) -> float:
    """Log loss on the validation rows."""
    params = {
        "objective": "binary",
        "metric": "binary_logloss",
        "verbosity": -1,
        "seed": 7,
        "num_leaves": trial.suggest_int("num_leaves", 8, 96, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.3, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 5, 100, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.5, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.001, 10.0, log=True),
    }
    data = lightgbm.Dataset(X[train], label=y[train], categorical_feature=categories)
    judged = lightgbm.Dataset(X[valid], label=y[valid], reference=data)
    grown = lightgbm.train(
        params, data, num_boost_round=200, valid_sets=[judged],
        callbacks=[lightgbm.early_stopping(20, verbose=False)],
    )  # fmt: skip
    trial.set_user_attr("rounds", grown.best_iteration)
    return float(log_loss(y[valid], grown.predict(X[valid], num_iteration=grown.best_iteration)))


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=7))
study.optimize(objective, n_trials=given.trials)
phase("tune")

params = {"objective": "binary", "verbosity": -1, "seed": 7, **study.best_params}
data = lightgbm.Dataset(X[train], label=y[train], categorical_feature=categories)
booster = lightgbm.train(params, data, num_boost_round=study.best_trial.user_attrs["rounds"])
phase("train")

answers = booster.predict(X[test])
scores = {"log_loss": float(log_loss(y[test], answers)), "auc": float(roc_auc_score(y[test], answers))}
phase("evaluate")

# --- ONNX ----------------------------------------------------------------------------------------------

parity, session = None, None
if ONNX:
    graph = onnxmltools.convert_lightgbm(
        booster, initial_types=[("input", FloatTensorType([None, X.shape[1]]))], zipmap=False
    )
    (given.work / "model.onnx").write_bytes(graph.SerializeToString())
    session = onnxruntime.InferenceSession(str(given.work / "model.onnx"), providers=["CPUExecutionProvider"])
    parity = float(np.abs(session.run(None, {"input": X[test]})[1][:, 1] - answers).max())
    phase("convert")

# --- MLflow: a run for every trial, the model and a registered version ---------------------------------

mlflow.set_tracking_uri(f"sqlite:///{given.work / 'mlflow.db'}")
mlflow.create_experiment("bare", artifact_location=(given.work / "mlruns").as_uri())
mlflow.set_experiment("bare")
for trial in study.trials:
    with mlflow.start_run(run_name=f"trial-{trial.number}"):
        mlflow.log_params(trial.params)
        mlflow.log_metric("log_loss", trial.value)
with mlflow.start_run(run_name="model"):
    mlflow.log_params(study.best_params)
    mlflow.log_metrics(scores)
    model = mlflow.lightgbm.log_model(booster, name="model")
    mlflow.register_model(model.model_uri, "bare")
phase("mlflow")

# --- live: every window is materialised, read back by key, scored, and compared ------------------------

reference = joined.iloc[: given.baseline][features]
drifted: list[int] = []
report: Any = None
for window in range(given.windows):
    now = START + window * DAY
    store.materialize(start_date=now, end_date=now + DAY, feature_views=["live"])
    keys = live.loc[number == window, "row_id"]
    current = store.get_online_features(
        features=[f"live:{column}" for column in features], entity_rows=[{"row_id": key} for key in keys]
    ).to_df()
    phase("online")
    inputs = encoded(current)
    served = session.run(None, {"input": inputs})[1][:, 1] if session else booster.predict(inputs)
    assert len(served) == given.window_rows and np.isfinite(served).all()
    phase("serve")
    report = evidently.Report([DataDriftPreset()]).run(current[features], reference)
    drifted.append(int(report.dict()["metrics"][0]["value"]["count"]))
    phase("monitor")
report.save_html(str(given.work / "report.html"))
phase("report")

told = {"phases": phases, "scores": scores, "drifted": drifted, "parity": parity}
used = resource.getrusage(resource.RUSAGE_CHILDREN)
told |= {"cpu": time.process_time() - USED, "children": used.ru_utime + used.ru_stime}
given.out.write_text(json.dumps({"started": STARTED, "ended": time.time(), **told}))
