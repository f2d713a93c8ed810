"""Expectations are judged on what the run said, and each can fail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from simlab.events import (
    AlarmChanged,
    Event,
    FindingMade,
    HindsightMeasured,
    Injected,
    LabelsArrived,
    MetricMeasured,
    MetricsPublished,
    RetrainFinished,
    RowsRejected,
    Sized,
    StageFailed,
)
from simlab.expect import Account, expectations, judge
from simlab.scenario import Clock, Injection, Scenario

SCENARIO = Scenario(
    simlab=1,
    title="t",
    dataset="adult-income",
    clock=Clock(start=datetime(2026, 1, 5), windows=20),
    inject=(
        Injection(id="older", kind="shift_column", start=10),
        Injection(id="off", kind="shift_column", start=10, enabled=False),
    ),
)


def told(*events: Event) -> Account:
    return Account(SCENARIO, events)


def sounded(window: int, alarm: str = "data_quality:drift:age", state: Any = "ALARM") -> AlarmChanged:
    return AlarmChanged(window=window, alarm=alarm, state=state, previous="OK", reason="2 of 3")


def looked(window: int) -> FindingMade:
    return FindingMade(
        window=window,
        monitor="data_quality",
        check="drift",
        column="age",
        method="ks",
        breached=False,
        of_window=window,
    )


def measured(window: int, value: float, metric: str = "monitor.log_loss") -> MetricMeasured:
    return MetricMeasured(window=window + 2, of_window=window, metric=metric, value=value)


def verdict(account: Account, name: str, **settings: Any) -> bool:
    (found,) = judge(account, [{name: settings}])
    assert found.why
    return found.held


def test_an_alarm_counts_from_the_injections_start() -> None:
    assert verdict(told(sounded(12)), "alarm_within", injection="older", windows=2)
    assert not verdict(told(sounded(13)), "alarm_within", injection="older", windows=2)
    assert not verdict(told(sounded(9)), "alarm_within", injection="older", windows=2)


def test_an_alarm_on_another_column_is_no_hit() -> None:
    settings = {"injection": "older", "windows": 5, "alarm": "*:drift:age"}
    assert not verdict(told(sounded(11, "data_quality:drift:sex")), "alarm_within", **settings)


def test_an_injection_that_is_switched_off_cannot_be_found() -> None:
    assert not verdict(told(sounded(11)), "alarm_within", injection="off", windows=5)


def test_silence_is_no_proof_when_nobody_looked() -> None:
    assert not verdict(told(), "no_alarm_before", window=10)
    assert not verdict(told(), "alarms_at_most", count=0)
    assert verdict(told(looked(3)), "no_alarm_before", window=10)
    assert verdict(told(looked(3)), "alarms_at_most", count=0)


def test_an_early_alarm_breaks_the_quiet() -> None:
    account = told(looked(3), sounded(4))
    assert not verdict(account, "no_alarm_before", window=10)
    assert verdict(account, "no_alarm_before", window=10, alarm="model_quality:*")
    assert not verdict(account, "alarms_at_most", count=0)
    assert verdict(account, "alarms_at_most", count=1)


def test_an_alarm_clears_only_if_it_sounded() -> None:
    assert not verdict(told(), "alarm_clears", alarm="*", by=9)
    assert not verdict(told(sounded(4)), "alarm_clears", alarm="*", by=9)
    assert verdict(told(sounded(4), sounded(6, state="OK")), "alarm_clears", alarm="*", by=9)
    assert not verdict(told(sounded(4), sounded(10, state="OK")), "alarm_clears", alarm="*", by=9)


def test_an_alarm_is_looked_for_between_two_windows() -> None:
    assert verdict(told(sounded(4)), "alarm_between", first=2, last=5)
    assert not verdict(told(sounded(6)), "alarm_between", first=2, last=5)


def test_a_bound_takes_the_last_value_or_the_mean_of_some_windows() -> None:
    account = told(measured(1, 0.2), measured(2, 0.4), measured(3, 0.9))
    assert verdict(account, "metric_above", metric="monitor.log_loss", value=0.8)
    assert verdict(account, "metric_below", metric="monitor.log_loss", value=0.35, first=1, last=2)
    assert not verdict(account, "metric_below", metric="monitor.log_loss", value=0.8)
    assert not verdict(account, "metric_above", metric="monitor.auc", value=0.0)


def test_a_metric_recovers_by_the_share_that_was_made_good() -> None:
    lost = [measured(w, 0.3) for w in range(10)] + [measured(w, 0.5) for w in range(10, 14)]
    done = RetrainFinished(window=13, version=2, replaced=True, why="")
    good = told(sounded(10), *lost, done, *[measured(w, 0.38) for w in range(14, 18)])
    assert verdict(good, "metric_recovers", metric="monitor.log_loss", within=4, share=0.59)
    assert not verdict(good, "metric_recovers", metric="monitor.log_loss", within=4, share=0.61)
    without = told(sounded(10), *lost, *[measured(w, 0.3) for w in range(14, 18)])
    assert not verdict(without, "metric_recovers", metric="monitor.log_loss", within=4)


def test_a_metric_that_lost_nothing_has_nothing_to_make_good() -> None:
    done = RetrainFinished(window=13, version=2, replaced=True, why="")
    account = told(sounded(10), *[measured(w, 0.3) for w in range(18)], done)
    assert not verdict(account, "metric_recovers", metric="monitor.log_loss", within=4)


def test_harm_is_the_worst_window_against_the_quiet_mean() -> None:
    account = told(*[measured(w, 0.4) for w in range(10)], measured(11, 0.6))
    assert verdict(account, "metric_degrades", metric="monitor.log_loss", injection="older", by=0.49)
    assert not verdict(account, "metric_degrades", metric="monitor.log_loss", injection="older", by=0.51)


def test_only_a_retrain_that_put_a_version_into_service_counts() -> None:
    kept = RetrainFinished(window=5, version=1, replaced=False, why="rejected")
    assert not verdict(told(kept), "retrained")
    done = RetrainFinished(window=5, version=2, replaced=True, why="")
    assert verdict(told(done), "retrained")
    assert not verdict(told(done), "retrained", first=6)
    assert not verdict(told(done, done), "retrained", at_most=1)


def test_rejected_rows_of_the_build_do_not_count() -> None:
    build = RowsRejected(column="age", reason="value missing", rows=9, of=10)
    live = RowsRejected(window=3, column="age", reason="value missing", rows=4, of=10)
    assert not verdict(told(build), "rows_rejected", at_least=1)
    assert verdict(told(live), "rows_rejected", at_least=4, column="age")
    assert not verdict(told(live), "rows_rejected", at_least=1, column="sex")


def test_served_rows_are_summed() -> None:
    account = told(*[MetricMeasured(window=w, of_window=w, metric="serve.rows", value=10) for w in range(3)])
    assert verdict(account, "rows_served", at_least=30)
    assert not verdict(account, "rows_served", at_least=31)


def test_a_failure_can_be_expected() -> None:
    assert verdict(told(StageFailed(stage="deploy", why="parity")), "stage_fails", stage="deploy")
    assert not verdict(told(), "stage_fails", stage="deploy")


@pytest.mark.parametrize("name", sorted(expectations()))
def test_every_expectation_fails_on_a_run_that_said_nothing(name: str) -> None:
    needed: dict[str, Any] = {
        "metric_above": {"metric": "monitor.auc", "value": 0}, "metric_below": {"metric": "monitor.auc", "value": 0},
        "metric_degrades": {"metric": "monitor.auc", "injection": "older", "by": 0.1},
        "metric_recovers": {"metric": "monitor.auc", "within": 3}, "alarm_within": {"injection": "older", "windows": 3},
        "alarm_between": {"first": 0, "last": 19}, "no_alarm_before": {"window": 5}, "alarms_at_most": {"count": 0},
        "alarm_clears": {"alarm": "*", "by": 9}, "retrained": {}, "rows_rejected": {"at_least": 1},
        "rows_served": {"at_least": 1}, "stage_fails": {"stage": "deploy"},
        "hindsight_worse": {"metric": "monitor.auc", "by": 0.1}, "labels_trickle": {"windows": 2},
        "size_reaches": {"injection": "older", "value": 0},
        "bias_above": {"metric": "DPPL", "facet": "sex", "group": "F", "value": -9},
        "bias_below": {"metric": "DPPL", "facet": "sex", "group": "F", "value": 9},
    }  # fmt: skip
    assert not verdict(told(), name, **needed[name])


def hindsight(window: int, **metrics: float | None) -> HindsightMeasured:
    return HindsightMeasured(window=window, version=1, metrics=metrics, rows=100)


def test_hindsight_is_held_against_what_the_monitors_came_to_believe() -> None:
    believed = [measured(3, 0.5, "monitor.recall"), measured(3, 1.0, "monitor.recall")]
    world = [hindsight(3, recall=0.4), hindsight(4, recall=0.0)]
    account = Account(SCENARIO, believed, world)
    assert verdict(account, "hindsight_worse", metric="monitor.recall", by=0.59)
    assert not verdict(account, "hindsight_worse", metric="monitor.recall", by=0.61)
    assert not verdict(account, "hindsight_worse", metric="monitor.recall", by=0.1, first=4)
    loss = Account(SCENARIO, [measured(3, 0.3)], [hindsight(3, log_loss=0.5)])
    assert verdict(loss, "hindsight_worse", metric="monitor.log_loss", by=0.19)
    better = Account(SCENARIO, [measured(3, 0.5)], [hindsight(3, log_loss=0.3)])
    assert not verdict(better, "hindsight_worse", metric="monitor.log_loss", by=0.01)
    unknown = Account(SCENARIO, [measured(3, 0.5)], [hindsight(3, log_loss=None)])
    assert not verdict(unknown, "hindsight_worse", metric="monitor.log_loss", by=0.01)


def test_labels_trickle_when_a_windows_labels_come_in_several() -> None:
    once = told(
        LabelsArrived(window=2, rows=9, of_windows=(1,)), LabelsArrived(window=3, rows=9, of_windows=(2,))
    )
    assert not verdict(once, "labels_trickle", windows=1.5)
    often = told(*(LabelsArrived(window=w, rows=3, of_windows=(1, 2)) for w in (3, 4, 5)))
    assert verdict(often, "labels_trickle", windows=3) and not verdict(often, "labels_trickle", windows=3.1)


def test_a_size_is_the_injections_own_measure() -> None:
    def acted(window: int, found: float | None) -> Injected:
        size = Sized(what="share", measured=found)
        return Injected(
            window=window, injection="older", injector="feed_back", on="live", intensity=1, rows=1, of=1, mask="",
            size=size,
        )  # fmt: skip

    account = Account(SCENARIO, (), [acted(3, 0.5), acted(4, 0.8), acted(5, None)])
    assert verdict(account, "size_reaches", injection="older", value=0.8)
    assert not verdict(account, "size_reaches", injection="older", value=0.81)
    assert not verdict(account, "size_reaches", injection="older", value=0.6, last=3)
    assert not verdict(account, "size_reaches", injection="off", value=0.1)


def published(window: int | None, value: float, namespace: str = "Endpoints", group: str = "F") -> Event:
    return MetricsPublished(
        window=window,
        namespace=f"aws/sagemaker/{namespace}/bias-metrics",
        dimensions={"BiasStage": "Post-Training", "Facet": "sex", "FacetValue": group},
        unit="None",
        values={"bias_metric_DPPL": (1.0, value, value, value)},
    )


def test_bias_is_judged_by_what_was_published_of_the_right_group_and_place() -> None:
    account = told(
        published(None, 0.5, "ModelBuildingPipeline"),
        published(3, 0.1),
        published(4, 0.3),
        published(4, 0.9, group="M"),
    )
    of_women = {"metric": "DPPL", "facet": "sex", "group": "F"}
    assert verdict(account, "bias_above", **of_women, value=0.29)
    assert not verdict(account, "bias_above", **of_women, value=0.31)
    assert verdict(account, "bias_below", **of_women, value=0.21, first=3, last=4)
    assert verdict(account, "bias_above", **of_women, value=0.4, of="build")
    assert not verdict(account, "bias_below", **of_women, value=0.4, of="build")
    assert not verdict(account, "bias_above", metric="DI", facet="sex", group="F", value=0)
