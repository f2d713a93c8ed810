"""What the scheduled monitors did, and what followed, is folded from the facts alone."""

from __future__ import annotations

import pytest

from simlab import events as e
from simlab.views.monitoring import Attribution, monitoring
from tests.views.monitored import monitored


def published(window: int, namespace: str, values: dict[str, float], **dimensions: str) -> e.MetricsPublished:
    figures = {name: (2.0, 2 * value, value, value) for name, value in values.items()}
    return e.MetricsPublished(
        window=window, namespace=namespace, dimensions=dimensions, unit="None", values=figures
    )


def executed(window: int, schedule: str, violations: int) -> e.MonitoringExecuted:
    return e.MonitoringExecuted(
        window=window,
        schedule=schedule,
        monitor="data_quality",
        monitoring_type="DataQuality",
        status="CompletedWithViolations" if violations else "Completed",
        scheduled="2026-01-06T00:00:00",
        start="",
        end="",
        rows=1,
        labelled=0,
        violations=violations,
        message="",
    )


def violated(schedule: str, subject: str) -> e.ConstraintViolated:
    return e.ConstraintViolated(
        window=0,
        schedule=schedule,
        monitor="data_quality",
        check="completeness_check",
        subject=subject,
        description="d",
    )


def rang(window: int, state: str, previous: str, alarm: str = "data_quality:drift:age") -> e.AlarmChanged:
    return e.AlarmChanged(window=window, alarm=alarm, state=state, previous=previous, reason="because")


def test_a_violation_belongs_to_the_last_execution_of_its_schedule() -> None:
    said = [
        executed(0, "a", 1),
        violated("a", "x"),
        executed(0, "b", 0),
        executed(1, "a", 2),
        violated("a", "y"),
    ]
    found = monitoring(said).executions
    assert [[v.subject for v in view.violations] for view in found] == [["x"], [], ["y"]]


def test_bias_is_read_with_its_verdict_and_knows_no_infinity() -> None:
    told = {"Facet": "sex", "FacetValue": "Female", "BiasStage": "Post-Training"}
    space = "aws/sagemaker/Endpoints/bias-metrics"
    judged = e.FindingMade(
        window=3, monitor="model_bias", check="bias_drift_check", column="sex=Female:DPPL", method="DPPL",
        value=0.3, threshold=0.2, breached=True, of_window=3,
    )  # fmt: skip
    said = [
        published(2, space, {"bias_metric_DPPL": 0.1, "bias_metric_TE": 2.348543e108}, **told),
        judged,
        published(3, space, {"bias_metric_DPPL": 0.3}, **told),
    ]
    series = {s.metric: s for s in monitoring(said).bias}
    assert series["DPPL"].facet == "sex=Female" and series["DPPL"].stage == "Post-Training"
    assert [(w, s.value, s.breached) for w, s in series["DPPL"].spots.items()] == [
        (2, 0.1, False),
        (3, 0.3, True),
    ]
    assert series["TE"].spots[2].value is None


def test_features_are_ranked_by_what_they_count_and_equals_by_name() -> None:
    ranks = Attribution("s", {4: {"b": 1.0, "a": 1.0, "c": 2.0}, 5: {"a": 3.0, "b": 1.0, "c": 2.0}}).ranks
    assert ranks == {"c": {4: 1, 5: 2}, "a": {4: 2, 5: 1}, "b": {4: 3, 5: 3}}


def test_only_global_attributions_are_ranked() -> None:
    space = "aws/sagemaker/Endpoints/explainability-metrics"
    said = [
        published(1, space, {"feature_age": 0.4}, MonitoringSchedule="why", ValueType="GlobalShapValues"),
        published(1, space, {"ExpectedValue": 0.2}, MonitoringSchedule="why", ValueType="ExpectedValue"),
        published(
            1, "aws/sagemaker/Endpoints/data-metrics", {"feature_data_age": 3.0}, MonitoringSchedule="d"
        ),
    ]
    assert monitoring(said).attributions == (Attribution("why", {1: {"age": 0.4}}),)


def retrained(window: int, why: str) -> list[e.Event]:
    plan = e.RetrainPlanned(
        window=window, policy="on_alarm", reason="it rang", windows=(1,), include_training=True
    )
    return [plan, e.RetrainFinished(window=window, version=2, replaced=True, why=why)]


def test_what_was_done_stands_beside_every_alarm_that_sounded_then() -> None:
    other = "data_quality:drift:sex"
    said = [
        rang(2, "ALARM", "OK"),
        rang(3, "OK", "ALARM"),
        rang(4, "ALARM", "OK", other),
        *retrained(5, "version 2 took over"),
        rang(5, "INSUFFICIENT_DATA", "ALARM", other),
        *retrained(9, "version 3 took over"),
    ]
    first, second, alone = monitoring(said).followed
    assert (first.window, first.steps, dict(first.ended)) == (2, (), {"data_quality:drift:age": 3})
    assert [(s.window, s.outcome) for s in second.steps] == [(5, False), (5, True)]
    assert dict(second.ended) == {other: 5}
    assert alone.window is None and [s.words for s in alone.steps][-1] == "version 3 took over"


def test_a_rollback_a_challenge_and_a_notification_are_what_followed() -> None:
    said = [
        rang(2, "ALARM", "OK"),
        e.NotificationSent(window=2, topic="pager", subject="ALARM", message_id="7", to=("file",)),
        e.ChallengerJudged(
            window=3, champion=1, challenger=2, metric="log_loss", test="bootstrap", rows=300, left_out=0,
            replaced=False, why="it is worse",
        ),
        e.VersionRolledBack(window=4, version=1, replaced=2, why="log_loss is 0.2 worse"),
    ]  # fmt: skip
    (followed,) = monitoring(said).followed
    assert [(s.window, s.words, s.outcome) for s in followed.steps] == [
        (2, "pager is told: ALARM", False),
        (3, "the challenger, version 2, stays out: it is worse", False),
        (4, "version 1 is put back: log_loss is 0.2 worse", True),
    ]


@pytest.mark.parametrize("windows", [1, 24])
def test_a_run_of_four_monitors_is_folded_whole(windows: int) -> None:
    found = monitoring(monitored(windows))
    assert len(found.executions) == 4 * windows
    assert all(view.fact.violations == len(view.violations) for view in found.executions)
    assert {series.facet for series in found.bias} == {"sex=Female", "race=Amer-Indian-Eskimo, or any other"}
    assert len(found.ndcg[""]) == windows and len(found.attributions[0].ranks) == 16


def test_schedules_of_one_monitor_have_series_of_their_own() -> None:
    told = {"Facet": "sex", "FacetValue": "Female", "BiasStage": "Post-Training"}
    space = "aws/sagemaker/Endpoints/bias-metrics"
    said: list[e.Event] = []
    for schedule, value in (("a", 0.1), ("b", 0.3)):
        said.append(published(3, space, {"bias_metric_DPPL": value}, MonitoringSchedule=schedule, **told))
        for monitor, check, column in (
            ("model_bias", "bias_drift_check", "sex=Female:DPPL"),
            ("model_explainability", "feature_attribution_drift_check", "shap"),
        ):
            fact = e.FindingMade(
                window=3, monitor=monitor, check=check, column=column, method="m", value=value,
                threshold=0.2, breached=value > 0.2, of_window=1, schedule=schedule,
            )  # fmt: skip
            said.append(fact)
    found = monitoring(said)
    read = {s.facet: (s.spots[3].value, s.spots[3].breached) for s in found.bias}
    assert read == {"sex=Female (a)": (0.1, False), "sex=Female (b)": (0.3, True)}
    assert {name: at[3].value for name, at in found.ndcg.items()} == {"a": 0.1, "b": 0.3}
