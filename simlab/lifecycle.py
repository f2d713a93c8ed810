"""The story: how a model comes into service, and how it lives through a scenario."""

from __future__ import annotations

from dataclasses import replace

from simlab.artifacts import Approved, Deployment, History, Rejected, Rows
from simlab.errors import StageFailed
from simlab.events import AlarmChanged, Event, RetrainFinished
from simlab.run import Run
from simlab.stages.approve import approve_version
from simlab.stages.capture import capture_window
from simlab.stages.deploy import deploy_model
from simlab.stages.evaluate import evaluate_model
from simlab.stages.features import build_features, look_up_features
from simlab.stages.ingest import ingest_rows
from simlab.stages.monitor import monitor_window, suggest_baselines
from simlab.stages.register import register_model
from simlab.stages.retrain import plan_retrain
from simlab.stages.serve import serve_window
from simlab.stages.train import train_model
from simlab.stages.tune import tune_params
from simlab.stages.validate import screen_window, validate_rows
from simlab.stream import Stream


def build(run: Run, rows: Rows, replacing: Deployment | None = None) -> Deployment:
    """Take rows to a model in service.

    Raises
    ------
    StageFailed
        A stage could not do its work, or the first version was rejected.
    """
    kept = run.do(ingest_rows, rows)
    valid = run.do(validate_rows, kept)
    features = run.do(build_features, valid)
    params = run.do(tune_params, features, run.scenario.setting("train", "algorithm", "lightgbm"))
    model = run.do(train_model, features, params)
    scores = run.do(evaluate_model, model, features)
    version = run.do(register_model, model, scores, features, params)
    match run.do(approve_version, version):
        case Approved() as approved:
            deployment = run.do(deploy_model, approved, replacing.version if replacing else None)
            return run.do(suggest_baselines, deployment)
        case Rejected(reasons=reasons):
            if replacing is None:
                run.fail("approve", "; ".join(reasons))
            return replacing


def live(run: Run, stream: Stream, deployment: Deployment) -> Deployment:
    """Live through a scenario, window by window."""
    history, reach = History(version=deployment.version), run.scenario.reach
    while window := stream.next(history):
        run.enter(window)
        screened = run.do(screen_window, deployment, window)
        request = run.do(look_up_features, deployment, screened)
        served = run.do(serve_window, deployment, request)
        stream.observe(deployment, served, run.keep(screened))
        labels = stream.labels_due(window.number)
        captured = run.do(capture_window, deployment, screened, request, served)
        captures = history.with_capture(captured, labels)
        findings = run.do(monitor_window, deployment, screened, request, served, captures, labels, history)
        kept = captures[-reach:] if reach else ()
        history = history.add(served, findings, labels, run.scenario.horizon, kept)
        if plan := run.do(plan_retrain, history):
            before = deployment
            deployment, why = retrain(run, stream.rows(plan), before)
            history = begin_again(run, history, deployment, before, why)
    return deployment


def retrain(run: Run, rows: Rows, deployment: Deployment) -> tuple[Deployment, str]:
    """Build anew; where that fails or is rejected, the old version stays in service."""
    try:
        fresh = build(run, rows, replacing=deployment)
    except StageFailed as failed:
        return deployment, f"{failed.stage} failed: {failed.why}"
    if fresh is deployment:
        return deployment, "the new version was rejected"
    return fresh, f"version {fresh.version} took over from version {deployment.version}"


def begin_again(run: Run, history: History, deployment: Deployment, before: Deployment, why: str) -> History:
    """The history after a retrain: a new version has a new baseline: its alarms and trails begin afresh."""
    window = history.window
    replaced = deployment.version != before.version
    facts: list[Event] = [RetrainFinished(version=deployment.version, replaced=replaced, why=why)]
    history = replace(history, retrained=(*history.retrained, window), version=deployment.version)
    if replaced:
        for name, state in sorted(history.alarms.items()):
            if state == "ALARM":
                facts.append(
                    AlarmChanged(
                        alarm=name,
                        state="INSUFFICIENT_DATA",
                        previous="ALARM",
                        reason=f"version {deployment.version} has a baseline of its own",
                    )
                )
        history = replace(history, points={}, onset={}, alarms={}, means={}, errors=())
    run.say(*facts)
    return history
