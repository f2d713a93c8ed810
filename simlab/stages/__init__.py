"""The lifecycle's stages, one file each, in the order in which a row of data meets them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One row of the table: a stage, its functions, and what stands for it on AWS."""

    name: str
    functions: tuple[str, ...]
    """Functions of the file that `Run.do` calls; their keyword-only parameters are the YAML keys."""
    aws: str
    engine: str
    effects: tuple[str, ...] = ()
    """Functions that also write to an engine's own files, and how to write them again: see `restore`."""
    restore: str = ""
    """Function that repeats an effect from its recorded result, without doing the work again."""
    live: tuple[str, ...] = ()
    """Functions that run in every window."""
    seams: tuple[str, ...] = ()
    """Places at which an injection `on: ops` may act."""
    files: str = ""
    """Function of the file that says which files of the run's folder show a result: bytes by path."""
    lines: str = ""
    """Function of the file that says which lines a result adds to files of the run's folder: by path."""
    posts: str = ""
    """Function of the file that says what a result sends away: once, and never when it is repeated."""


STAGES: tuple[Stage, ...] = (
    Stage("ingest", ("ingest_rows",), "S3 data lake, Glue Data Catalog", "Parquet"),
    Stage(
        "validate",
        ("validate_rows", "screen_window"),
        "Glue Data Quality, Deequ constraints",
        "Arrow",
        live=("screen_window",),
    ),
    Stage(
        "features",
        ("build_features", "look_up_features"),
        "SageMaker Feature Store (offline and online)",
        "Feast",
        effects=("look_up_features",),
        restore="restore_features",
        live=("look_up_features",),
    ),
    Stage("tune", ("tune_params",), "SageMaker automatic model tuning", "Optuna"),
    Stage("train", ("train_model",), "SageMaker training job", "LightGBM, scikit-learn"),
    Stage("evaluate", ("evaluate_model",), "SageMaker Processing (evaluation step)", "scikit-learn"),
    Stage(
        "bias",
        ("measure_bias",),
        "SageMaker Clarify (bias metrics), ClarifyCheck step",
        "simlab",
        files="bias_files",
    ),
    Stage(
        "explain",
        ("explain_model",),
        "SageMaker Clarify (explainability), ClarifyCheck step",
        "LightGBM, scikit-learn",
        files="explanation_files",
    ),
    Stage("register", ("register_model",), "SageMaker Model Registry, MLflow app", "MLflow"),
    Stage("approve", ("judge_challenger", "approve_version"), "Model package approval status", "simlab"),
    Stage("deploy", ("deploy_model",), "SageMaker endpoint (CreateEndpoint)", "ONNX"),
    Stage(
        "serve",
        ("serve_window",),
        "SageMaker Runtime InvokeEndpoint",
        "ONNX Runtime",
        live=("serve_window",),
    ),
    Stage(
        "capture",
        ("capture_window",),
        "SageMaker data capture, ground truth",
        "simlab",
        live=("capture_window",),
        files="capture_files",
    ),
    Stage(
        "monitor",
        ("suggest_baselines", "monitor_window"),
        "SageMaker Model Monitor, CloudWatch alarms",
        "Evidently, river",
        live=("monitor_window",),
        seams=("monitor.baseline", "monitor.schedule", "monitor.run"),
        files="monitor_files",
    ),
    Stage(
        "alarm",
        ("raise_alarms",),
        "CloudWatch alarms, SNS, EventBridge",
        "simlab",
        live=("raise_alarms",),
        lines="alarm_lines",
        posts="alarm_posts",
    ),
    Stage(
        "retrain",
        ("plan_retrain",),
        "EventBridge rule that starts a SageMaker Pipeline",
        "simlab",
        live=("plan_retrain",),
    ),
    Stage(
        "rollback",
        ("plan_rollback",),
        "Deployment guardrails (AutoRollbackConfiguration)",
        "simlab",
        live=("plan_rollback",),
    ),
    # rollout: canary and linear shifting stand here
    # edge: SageMaker Edge / Neo packaging stands here
)
"""Every stage; the order is the message."""


def stage(name: str) -> Stage:
    """The table's row of that name."""
    return next(s for s in STAGES if s.name == name)
