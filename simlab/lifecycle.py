"""The story: how a model comes into service, and how it lives through a scenario."""

from __future__ import annotations

from dataclasses import replace

from simlab.artifacts import Approved, Deployment, History, Params, Rejected, Rollback, Rows, Version
from simlab.cloudwatch.settings import is_own
from simlab.errors import StageFailed
from simlab.events import AlarmChanged, Event, RetrainFinished, VersionRolledBack
from simlab.run import Run
from simlab.stages.alarm import raise_alarms
from simlab.stages.approve import approve_version, judge_challenger
from simlab.stages.bias import measure_bias
from simlab.stages.capture import capture_window
from simlab.stages.deploy import deploy_model
from simlab.stages.evaluate import evaluate_model
from simlab.stages.explain import explain_model
from simlab.stages.features import build_features, look_up_features
from simlab.stages.ingest import ingest_rows
from simlab.stages.monitor import monitor_window, suggest_baselines
from simlab.stages.register import register_model
from simlab.stages.retrain import plan_retrain
from simlab.stages.rollback import plan_rollback
from simlab.stages.serve import serve_window
from simlab.stages.train import train_model
from simlab.stages.tune import tune_params
from simlab.stages.validate import screen_window, validate_rows
from simlab.stream import Stream


def build(
    run: Run, rows: Rows, replacing: Deployment | None = None, known: Params | None = None
) -> Deployment:
    """Take rows to a model in service.

    Parameters
    ----------
    replacing
        The deployment that the new one is to take the place of.
    known
        Hyperparameters to take as they are; tuned for when not given.

    Raises
    ------
    StageFailed
        A stage could not do its work, or the first version was rejected.
    """
    kept = run.do(ingest_rows, rows)
    valid = run.do(validate_rows, kept)
    features = run.do(build_features, valid)
    algorithm = run.scenario.setting("train", "algorithm", "lightgbm")
    params = known or run.do(tune_params, features, algorithm)
    model = run.do(train_model, features, params)
    scores = run.do(evaluate_model, model, features)
    bias = run.do(measure_bias, model, features)
    run.do(explain_model, model, features)
    version = run.do(register_model, model, scores, features, params, bias)
    judged: Version | Rejected = version
    if replacing is not None and run.scenario.setting("approve", "challenge"):
        judged = run.do(judge_challenger, version, features, replacing)
    match judged if isinstance(judged, Rejected) else run.do(approve_version, judged):
        case Approved() as approved:
            deployment = run.do(deploy_model, approved, replacing.version if replacing else None)
            return run.do(suggest_baselines, deployment)
        case Rejected(reasons=reasons):
            if replacing is None:
                run.fail("approve", "; ".join(reasons))
            return replacing


def live(run: Run, stream: Stream, deployment: Deployment) -> Deployment:
    """Live through a scenario, window by window."""
    history, reach = in_service(History(), deployment), run.scenario.reach
    alarmed = run.scenario.alarmed
    previous: Deployment | None = None
    while window := stream.next(history):
        run.enter(window)
        screened = run.do(screen_window, deployment, window)
        request = run.do(look_up_features, deployment, screened)
        served = run.do(serve_window, deployment, request)
        stream.observe(deployment, served, run.keep(screened))
        labels = stream.labels_due(window.number)
        captured = run.do(capture_window, deployment, screened, request, served, labels)
        captures = history.with_capture(captured, labels)
        findings = run.do(monitor_window, deployment, screened, request, served, captures, labels, history)
        alarms = run.do(raise_alarms, deployment, screened, served, findings, history) if alarmed else None
        kept = captures[-reach:] if reach else ()
        history = history.add(served, findings, labels, run.scenario.horizon, kept)
        history = history.with_alarms(alarms) if alarms else history
        rollback = None
        if previous and watched(run, history):
            rollback = run.do(plan_rollback, deployment, previous, history)
        if previous and rollback:
            history = roll_back(run, history, previous, deployment, rollback)
            deployment, previous = previous, None
        elif plan := run.do(plan_retrain, history):
            before = deployment
            known = None if plan.tune_again else before.params
            deployment, why = retrain(run, stream.rows(plan), before, known)
            history = begin_again(run, history, deployment, before, why)
            previous = previous if deployment is before else before
    return deployment


def watched(run: Run, history: History) -> bool:
    """Whether the version in service took over so lately that it is still compared with the one before."""
    return bool(history.took_over) and history.window - history.took_over[-1] <= run.scenario.watch


def retrain(
    run: Run, rows: Rows, deployment: Deployment, known: Params | None = None
) -> tuple[Deployment, str]:
    """Build anew; where that fails or is rejected, the old version stays in service."""
    try:
        fresh = build(run, rows, replacing=deployment, known=known)
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
    history = replace(history, retrained=(*history.retrained, window), fresh_labels=0)
    if replaced:
        facts += quietened(history, f"version {deployment.version} has a baseline of its own")
        history = replace(in_service(history, deployment), took_over=(*history.took_over, window))
    run.say(*facts)
    return history


def roll_back(
    run: Run, history: History, deployment: Deployment, before: Deployment, rollback: Rollback
) -> History:
    """The history after the version before was put back: alarms and trails begin afresh, as for a new one."""
    run.say(
        VersionRolledBack(version=deployment.version, replaced=before.version, why=rollback.why),
        *quietened(history, f"version {deployment.version} is back, with a baseline of its own"),
    )
    return replace(in_service(history, deployment), rolled_back=(*history.rolled_back, history.window))


def in_service(history: History, deployment: Deployment) -> History:
    """The history of a version that goes into service: nothing is known of it but its evaluation.

    CloudWatch's own alarms stay: they watch the endpoint's metrics, and know nothing of versions.
    """
    return replace(
        history,
        version=deployment.version,
        quality={name: score.value for name, score in deployment.quality.items()},
        points={},
        onset={name: window for name, window in history.onset.items() if is_own(name)},
        alarms={name: state for name, state in history.alarms.items() if is_own(name)},
        means={},
        errors=(),
        measured=(),
    )


def quietened(history: History, reason: str) -> list[Event]:
    """Facts that say that what sounds now is no longer judged."""
    return [
        AlarmChanged(alarm=name, state="INSUFFICIENT_DATA", previous="ALARM", reason=reason)
        for name, state in sorted(history.alarms.items())
        if state == "ALARM" and not is_own(name)
    ]
