"""The story: build, live, retrain; whatever fails in a retrain, the old version stays in service."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from simlab import events as e
from simlab.artifacts import History, Stretch
from simlab.errors import SimlabError
from simlab.lab import Lab
from simlab.lifecycle import begin_again

RETRAIN: dict[str, Any] = {
    "stages.retrain": {"policy": {"every": {"windows": 2}}, "cooldown": 0},
    "expect": [],
}


def facts(lab: Lab, kind: type[Any]) -> list[Any]:
    return [fact for fact in lab.events(None) if isinstance(fact, kind)]


def test_every_stage_has_its_turn_and_its_place(tiny: Path, warm: Lab) -> None:
    warm.run(tiny, project=False)
    stages = [(fact.window, fact.stage) for fact in facts(warm, e.StageFinished)]
    build = [
        "ingest",
        "validate",
        "features",
        "tune",
        "train",
        "evaluate",
        "bias",
        "explain",
        "register",
        "approve",
        "deploy",
        "monitor",
    ]
    live = ["validate", "features", "serve", "capture", "monitor", "retrain"]
    assert stages == [(None, s) for s in build] + [(w, s) for w in range(4) for s in live]


def test_a_stage_is_given_what_the_one_before_made(tiny: Path, warm: Lab) -> None:
    warm.run(tiny, project=False)
    built = {fact.stage: fact for fact in facts(warm, e.StageFinished) if fact.window is None}
    for earlier, later in (
        ("ingest", "validate"),
        ("validate", "features"),
        ("features", "train"),
        ("approve", "deploy"),
    ):
        assert built[earlier].artifact in built[later].inputs


def test_a_retrain_takes_over_and_starts_its_alarms_afresh(eventful: Path, warm: Lab) -> None:
    warm.run(eventful, project=False)
    (done,) = facts(warm, e.RetrainFinished)
    assert (done.window, done.version, done.replaced) == (2, 2, True)
    assert done.why == "version 2 took over from version 1"
    sounding = {f.alarm for f in facts(warm, e.AlarmChanged) if f.window <= 2 and f.state == "ALARM"}
    reset = {f.alarm for f in facts(warm, e.AlarmChanged) if f.state == "INSUFFICIENT_DATA"}
    assert reset and reset <= sounding
    assert [f.version for f in facts(warm, e.ModelDeployed)] == [1, 2]
    assert facts(warm, e.ModelDeployed)[1].replaced == 1


def test_a_version_that_takes_over_begins_new_trails_and_a_retrain_that_fails_keeps_them() -> None:
    trail = History(window=4, version=1, means={"age": (0.5,)}, errors=(Stretch(3, bytes(8)),))
    run, old, new = (
        SimpleNamespace(say=lambda *facts: None),
        SimpleNamespace(version=1, quality={}),
        SimpleNamespace(version=2, quality={}),
    )
    after = begin_again(run, trail, new, old, "")  # type: ignore[arg-type]
    assert (after.means, after.errors, after.version) == ({}, (), 2)
    kept = begin_again(run, trail, old, old, "")  # type: ignore[arg-type]
    assert (kept.means, kept.errors) == (trail.means, trail.errors)


def failing(monkeypatch: pytest.MonkeyPatch, stage: str, function: str, wrong: Exception) -> None:
    """Let a stage fail from its second call on."""
    import simlab.lifecycle as lifecycle

    real = getattr(lifecycle, function)

    def sometimes(ctx: Any, *nouns: Any, **settings: Any) -> Any:
        if ctx.ordinal:
            raise wrong
        return real(ctx, *nouns, **settings)

    sometimes.__module__, sometimes.__name__ = (
        f"simlab.stages.{stage}",
        f"{function}_that_fails_{type(wrong).__name__}",
    )
    monkeypatch.setattr(lifecycle, function, sometimes)


@pytest.mark.parametrize(
    ("stage", "function"),
    [("train", "train_model"), ("deploy", "deploy_model"), ("evaluate", "evaluate_model")],
)
def test_a_retrain_that_fails_keeps_the_old_version(
    stage: str, function: str, tiny: Path, warm: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, stage, function, SimlabError("out of luck"))
    done = warm.run(tiny, RETRAIN, project=False)
    assert (done.status, done.exit) == ("held", 0)
    assert {f.stage for f in facts(warm, e.StageFailed)} == {stage}
    finished = facts(warm, e.RetrainFinished)
    assert [(f.window, f.version, f.replaced) for f in finished] == [(1, 1, False), (3, 1, False)]
    assert finished[0].why == f"{stage} failed: out of luck"
    assert sum(f.value for f in facts(warm, e.MetricMeasured) if f.metric == "serve.rows") == 600, (
        "traffic is answered all the same"
    )


def test_a_retrain_that_is_rejected_keeps_the_old_version(tiny: Path, warm: Lab) -> None:
    # No later version is as good as a bound between the first one's figure and any other's.
    first = warm.run(tiny, {"expect": []}, until="evaluate", project=False)
    bound = next(
        f.value
        for f in warm.events(first.run)
        if isinstance(f, e.MetricMeasured) and f.metric == "evaluate.log_loss"
    )
    change = {
        **RETRAIN,
        "stages.approve": {"better_than": "nothing", "at_most": bound + 1e-6},
        "stages.train.rounds": 10,
    }
    change["stages.retrain"] = {**change["stages.retrain"], "keep_training": False, "windows": 1}
    done = warm.run(tiny, change, project=False)
    assert done.exit == 0
    assert len(facts(warm, e.ModelRejected)) >= 1
    assert {f.why for f in facts(warm, e.RetrainFinished) if not f.replaced} == {
        "the new version was rejected"
    }
    assert [f.version for f in facts(warm, e.ModelDeployed)][0] == 1


def test_a_first_version_that_is_rejected_ends_the_run(tiny: Path, warm: Lab) -> None:
    done = warm.run(tiny, {"stages.approve.at_least": 99}, project=False)
    assert (done.status, done.exit) == ("failed", 8)
    assert [f.stage for f in facts(warm, e.StageFailed)] == ["approve"]
    assert not facts(warm, e.ModelDeployed) and {f.window for f in warm.events(None)} == {None}


def test_a_live_stage_that_fails_ends_the_run_unless_it_was_expected(
    tiny: Path, warm: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "serve", "serve_window", SimlabError("endpoint gone"))
    done = warm.run(tiny, {"expect": [{"retrained": {"at_least": 0}}]}, project=False)
    assert (done.status, done.exit) == (
        "failed",
        8,
    ) and done.why == "stage serve failed in window 1: endpoint gone"
    expected = warm.run(tiny, {"expect": [{"stage_fails": {"stage": "serve"}}]}, project=False)
    assert (expected.status, expected.exit) == ("held", 0)
    broken = warm.run(
        tiny,
        {"expect": [{"stage_fails": {"stage": "serve"}}, {"rows_served": {"at_least": 600}}]},
        project=False,
    )
    assert (broken.status, broken.exit) == ("deviated", 5)


def test_labels_of_an_earlier_version_do_not_blame_the_new_one(eventful: Path, warm: Lab) -> None:
    warm.run(eventful, {"labels.delay": "1d", "expect": []}, project=False)
    blamed = [f for f in facts(warm, e.FindingMade) if f.monitor == "model_quality" and f.window == 3]
    assert not [f for f in blamed if f.of_window <= 2], "windows up to 2 were answered by version 1"


def test_every_build_leaves_clarifys_report_and_may_be_refused_for_it(tiny: Path, warm: Lab) -> None:
    run = warm.run(tiny, {"expect": []}, project=False)
    body = json.loads((run.path / "bias/analysis.json").read_text())
    assert set(body["post_training_bias_metrics"]["facets"]) == {"race", "sex", "native_country"}
    published = [f for f in facts(warm, e.MetricsPublished) if f.namespace.endswith("bias-metrics")]
    assert {f.dimensions["BiasStage"] for f in published} == {"Pre-training", "Post-Training"}
    strict = {"stages.approve": {"better_than": "dummy", "bias_at_most": {"DPPL": 0.01}}, "expect": []}
    refused = warm.run(tiny, strict, project=False)
    assert refused.exit == 8
    (rejected,) = facts(warm, e.ModelRejected)
    assert "further from neutral than 0.01" in rejected.reasons[0]


def test_a_retrain_that_does_not_tune_again_takes_what_the_first_tuning_found(tiny: Path, warm: Lab) -> None:
    keep = {**RETRAIN, "stages.tune": {"trials": 2, "rounds": 8}, "clock.windows": 3}
    keep["stages.retrain"] = {**RETRAIN["stages.retrain"], "tune_again": False}
    assert warm.run(tiny, keep, project=False).exit == 0
    trained = [f.values for f in facts(warm, e.ModelTrained)]
    assert len(trained) == 2 and trained[0] == trained[1]
    assert {f.window for f in facts(warm, e.TrialFinished)} == {None}, "no trial but the first build's"
    (plan,) = facts(warm, e.RetrainPlanned)
    assert plan.tune_again is False
    keep["stages.retrain"]["tune_again"] = True
    warm.run(tiny, keep, project=False)
    assert {f.window for f in facts(warm, e.TrialFinished)} == {None, 1}


WATCHED: dict[str, Any] = {
    # A model of two hundred wrong labels takes over from one of fifteen hundred right ones.
    "clock": {"start": "2026-01-05", "windows": 9, "rows": 200},
    "labels.delay": "1d",
    "stages.capture": {"enable": True},
    "stages.approve": {"better_than": "nothing"},
    "stages.retrain": {
        "policy": {"every": {"windows": 3}}, "windows": 2, "keep_training": False, "cooldown": 4,
    },
    "stages.rollback": {"windows": 4, "rows": 100},
    "inject": [
        {"id": "wrong", "kind": "flip_labels", "on": "labels", "start": 0, "end": 3, "with": {"share": 0.9}}
    ],
    "given": [],
    "expect": [{"rolled_back": {"at_least": 1, "within": 3}}],
}  # fmt: skip


def test_a_version_that_does_worse_is_taken_out_and_the_one_before_comes_back(tiny: Path, warm: Lab) -> None:
    assert warm.run(tiny, WATCHED, project=False).exit == 0
    (back,) = facts(warm, e.VersionRolledBack)
    took_over = [f for f in facts(warm, e.RetrainFinished) if f.replaced]
    assert (took_over[0].window, back.version, back.replaced) == (2, 1, 2)
    looks = [f for f in facts(warm, e.VersionsCompared) if f.previous == 1]
    assert [f.worse for f in looks] == [False] * (len(looks) - 1) + [True]
    # A deployment answers from the next window on; so does one that is put back.
    answered = {f.window: f.rows for f in looks}
    assert min(answered) == 4 and answered[4] == 200, "window 3 was answered by version 2, known in window 4"
    sounding = [f for f in facts(warm, e.AlarmChanged) if f.window == back.window and f.state == "ALARM"]
    quiet = [f for f in facts(warm, e.AlarmChanged) if "is back" in f.reason]
    assert {f.alarm for f in sounding} <= {f.alarm for f in quiet}
    again = [f.window for f in facts(warm, e.RetrainPlanned) if f.window > back.window]
    assert all(window - back.window >= 4 for window in again), "the cooldown begins with the rollback"


def test_nobody_is_compared_where_nobody_asked(tiny: Path, warm: Lab) -> None:
    warm.run(tiny, {**WATCHED, "stages.rollback": {"windows": 0}, "expect": []}, project=False)
    assert not facts(warm, e.VersionsCompared) and not facts(warm, e.VersionRolledBack)


@pytest.mark.parametrize("window", [3, 4, 5])
def test_a_rollback_knows_no_label_of_the_future(tiny: Path, warm: Lab, window: int) -> None:
    """Whatever the labels of a window will be, nothing is said differently before they arrive."""
    change = {**WATCHED, "labels.delay": "2d", "stages.rollback": {"windows": 5, "rows": 100}, "expect": []}
    future = {"id": "later", "kind": "flip_labels", "on": "labels", "start": window, "with": {"share": 0.5}}
    said = []
    for inject in (WATCHED["inject"], [*WATCHED["inject"], future]):
        outcome = warm.run(tiny, {**change, "inject": inject}, project=False)
        events = [f for f in warm.events(outcome.run) if not isinstance(f, (e.RunStarted, e.StageFinished))]
        said.append(events)
    # Labels of a window come due two days after each of its rows: the first of them two windows later.
    early, late = ([f for f in each if (f.window or 0) < window + 2] for each in said)
    assert early == late
    assert any(isinstance(f, e.VersionsCompared) for each in said for f in each)
    assert said[0] != said[1], "and then it is said"


def test_a_challenger_that_loses_leaves_the_champion_in_service(tiny: Path, warm: Lab) -> None:
    change = {**WATCHED, "stages.approve": {"challenge": {"on": "held_out"}, "better_than": "nothing"}}
    change["stages.retrain"] = {**WATCHED["stages.retrain"], "hold_out": 1, "windows": 1}
    change["inject"] = [{**WATCHED["inject"][0], "end": 1}]
    change["expect"] = [
        {"challenger_refused": {"at_least": 1}},
        {"retrained": {"at_least": 0, "last": 2, "at_most": 0}},
    ]
    assert warm.run(tiny, change, project=False).exit == 0
    judged = facts(warm, e.ChallengerJudged)[0]
    assert (judged.champion, judged.challenger, judged.rows, judged.replaced) == (1, 2, 200, False)
    assert facts(warm, e.RetrainFinished)[0].why == "the new version was rejected"
    assert [f.version for f in facts(warm, e.ModelRejected)][0] == 2
