"""Monitors compare with the baseline, judge only labels that have arrived, and raise M-of-N alarms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from simlab.artifacts import Deployment, Findings, History, Labels, Served
from simlab.detectors import Verdict
from simlab.events import AlarmChanged, DistributionShifted, Event, FindingMade, LabelsArrived, MetricMeasured
from simlab.stages.monitor import Datapoints, Detectors, Quality, _answered_and_known, monitor_window
from simlab.stages.serve import serve_window
from simlab.stages.validate import screen_window
from tests.stages.people import context, deployment, people, request, window

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deployment(tmp_path_factory.mktemp("deployment"))


def no_labels(number: int) -> Labels:
    empty = {
        "inference_id": pa.array([], pa.int64()),
        "label": pa.array([], pa.float64()),
        "window": pa.array([], pa.int64()),
    }
    return Labels(number, pa.table(empty))


def labels(served: Served, arrived: int) -> Labels:
    """Labels of an answered window, just as the model said."""
    said = pc.cast(pc.greater_equal(served.table["prediction"], 0.5), pa.float64())
    ids = served.table["inference_id"]
    return Labels(
        arrived,
        pa.table({"inference_id": ids, "label": said, "window": pa.array([served.number] * len(ids))}),
        len(ids),
    )


def longest(reference: np.ndarray, current: np.ndarray, *, threshold: float = 1.0) -> Verdict:
    """Somebody else's detector, which knows arrays."""
    assert isinstance(reference, np.ndarray) and isinstance(current, np.ndarray)
    return float(len(reference) - len(current)), False, threshold


def look(
    model: Deployment, number: int = 0, table: pa.Table | None = None, known: Labels | None = None,
    history: History = History(), **settings: Any,
) -> tuple[Findings, list[Event], Served]:  # fmt: skip
    screened = screen_window(context("validate", window=number)[0], model, window(number, 200, table))
    asked = request(screened)
    served = serve_window(context("serve", window=number)[0], model, asked)
    ctx, said = context("monitor", window=number)
    found = monitor_window(
        ctx, model, screened, asked, served, (), known or no_labels(number), history, **settings
    )
    return found, said, served


def older(by: float) -> pa.Table:
    table = people(200, seed=5).drop_columns(["y"])
    return table.set_column(2, "age", pc.add(table["age"], by))


def test_a_moved_column_is_found_and_no_other(model: Deployment) -> None:
    found, said, _ = look(model, table=older(20.0), alarm=Datapoints(1, 1))
    drift = {f.column: f.breached for f in found.findings if f.check == "drift"}
    assert drift["age"] and not drift["hours"]
    sounding = {f.alarm for f in said if isinstance(f, AlarmChanged) and f.state == "ALARM"}
    assert "data_quality:drift:age" in sounding
    (shown,) = [f for f in said if isinstance(f, DistributionShifted) and f.column == "age"]
    assert len(shown.baseline) == len(shown.current) == len(shown.labels) - 1


def test_an_ignored_column_raises_no_finding(model: Deployment) -> None:
    found, said, _ = look(model, table=older(20.0), ignore=("age",), alarm=Datapoints(1, 1))
    assert "age" not in {f.column for f in found.findings if f.check == "drift"}
    assert "data_quality:drift:age" not in {f.alarm for f in said if isinstance(f, AlarmChanged)}


def test_an_alarm_needs_its_datapoints(model: Deployment) -> None:
    history, states = History(), []
    for number in range(3):
        found, _, served = look(model, number, older(20.0), history=history, alarm=Datapoints(2, 3))
        history = history.add(served, found, no_labels(number), horizon=1)
        states.append(found.alarms["data_quality:drift:age"])
    assert states == ["OK", "ALARM", "ALARM"]


def test_muted_monitors_say_nothing(model: Deployment) -> None:
    found, said, _ = look(model, table=older(20.0), muted=True)
    assert (found.findings, dict(found.alarms), said) == ((), {}, [])


def test_without_labels_nothing_is_said_of_quality(model: Deployment) -> None:
    found, said, _ = look(model)
    assert not [f for f in said if isinstance(f, (MetricMeasured, LabelsArrived))]
    assert {f.monitor for f in found.findings} == {"data_quality"} and found.metrics == {}


def test_quality_judges_exactly_the_labels_that_have_arrived(model: Deployment) -> None:
    # Window 0 was answered two windows ago; its labels arrive now, and half of them never do.
    _, _, then = look(model, 0)
    everything = labels(then, 2)
    half = replace(everything, table=everything.table.slice(0, 100), fresh=100)
    history = History(window=1, pending=(then,), version=1)
    found, said, _ = look(model, 2, known=half, history=history)
    (arrived,) = [f for f in said if isinstance(f, LabelsArrived)]
    assert (arrived.rows, arrived.of_windows) == (100, (0,))
    measured = [f for f in said if isinstance(f, MetricMeasured)]
    assert {(f.of_window, f.rows) for f in measured} == {(0, 100)}
    accuracy = next(f.value for f in measured if f.metric == "monitor.accuracy")
    assert accuracy is not None and accuracy > 0.8
    assert [(f.of_window, f.column) for f in found.findings if f.monitor == "model_quality"] == [
        (0, "log_loss")
    ]


def test_labels_that_arrive_later_change_nothing_now(model: Deployment) -> None:
    _, _, then = look(model, 0)
    history = History(window=1, pending=(then,), version=1)
    now = replace(labels(then, 2), table=labels(then, 2).table.slice(0, 100), fresh=100)
    one, _, _ = look(model, 2, known=now, history=history)
    # The rest is all wrong, but who asks now has no way to know.
    rest = labels(then, 3).table.slice(100)
    late = Labels(3, rest.set_column(1, "label", pc.subtract(1.0, rest["label"])), rest.num_rows)
    later, said, _ = look(model, 3, known=late, history=replace(history, window=2))
    assert {f.rows for f in said if isinstance(f, MetricMeasured)} == {100}
    assert later.metrics["monitor.log_loss"] > 2 * one.metrics["monitor.log_loss"]


def test_worse_than_at_evaluation_by_more_than_allowed_is_a_breach(model: Deployment) -> None:
    _, _, then = look(model, 0)
    history = History(window=0, pending=(then,), version=1)
    worst = labels(then, 1)
    wrong = replace(worst, table=worst.table.set_column(1, "label", pc.subtract(1.0, worst.table["label"])))
    for known, breached in ((worst, False), (wrong, True)):
        found, said, _ = look(model, 1, known=known, history=history, quality=Quality(worse_by=0.3))
        (finding,) = [f for f in found.findings if f.monitor == "model_quality"]
        assert finding.breached is breached, finding
        value = found.metrics["monitor.log_loss"]
        at_evaluation = model.quality["log_loss"].value
        assert finding.value == pytest.approx((value - at_evaluation) / at_evaluation)
        assert any(isinstance(f, FindingMade) and f.check == "quality" for f in said)


def test_too_few_labels_conclude_nothing(model: Deployment) -> None:
    _, _, then = look(model, 0)
    few = replace(labels(then, 1), table=labels(then, 1).table.slice(0, 49))
    history = History(window=0, pending=(then,), version=1)
    found, said, _ = look(model, 1, known=few, history=history, quality=Quality(rows=50))
    assert not [f for f in said if isinstance(f, MetricMeasured)]
    assert {f.monitor for f in found.findings} == {"data_quality"}


def test_a_window_answered_by_an_earlier_version_is_measured_but_does_not_blame_this_one(
    model: Deployment,
) -> None:
    _, _, then = look(model, 0)
    history = History(window=0, pending=(then,), version=2)
    found, said, _ = look(replace(model, version=2), 1, known=labels(then, 1), history=history)
    assert [f for f in said if isinstance(f, MetricMeasured) and f.of_window == 0]
    assert {f.monitor for f in found.findings} == {"data_quality"}


def test_findings_pass_the_seam_where_a_monitor_may_be_silenced(model: Deployment, tmp_path: Path) -> None:
    screened = screen_window(context("validate", window=0)[0], model, window(0, 200, older(20.0)))
    asked = request(screened)
    served = serve_window(context("serve", window=0)[0], model, asked)
    ctx, said = context("monitor", window=0)
    deaf = replace(ctx, seam=lambda name, value: () if name == "monitor.run" else value)
    found = monitor_window(deaf, model, screened, asked, served, (), no_labels(0), History())
    assert (found.findings, said) == ((), [])


def test_somebody_elses_detector_is_given_arrays(model: Deployment) -> None:
    mine = Detectors(
        numeric="tests.stages.test_monitor.longest", categorical="tests.stages.test_monitor.longest"
    )
    found, _, served = look(model, detectors=mine)
    drift = [f for f in found.findings if f.check == "drift"]
    assert len(drift) == 3
    assert {f.value for f in drift} == {float(model.baseline.num_rows - served.table.num_rows)}


def test_labels_find_their_answers_in_whatever_order_they_come(model: Deployment) -> None:
    _, _, served = look(model)
    known = labels(served, 0)
    shuffled = replace(known, table=known.table.take(pa.array(list(range(known.table.num_rows))[::-1])))
    in_order, upside_down = look(model, known=known)[0], look(model, known=shuffled)[0]
    assert in_order.metrics == upside_down.metrics and in_order.metrics["monitor.auc"] == 1.0


def test_an_answer_given_twice_under_one_id_is_judged_twice(model: Deployment) -> None:
    _, _, served = look(model)
    twice = replace(served, table=pa.concat_tables([served.table, served.table.slice(0, 1)]))
    once = _answered_and_known(served.table, labels(served, 0).table)
    again = _answered_and_known(twice.table, labels(served, 0).table)
    assert len(again[0]) == len(again[1]) == len(once[0]) + 1
