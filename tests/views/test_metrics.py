from __future__ import annotations

from simlab.events import MetricMeasured, StageFinished
from simlab.views.metrics import Point, latest, series, statistic


def test_a_metric_known_late_keeps_both_windows():
    said = [MetricMeasured(window=7, metric="monitor.auc", value=0.9, of_window=4, rows=100)]
    assert series(said) == {"monitor.auc": (Point(7, 4, 0.9, rows=100),)}
    assert series(said)["monitor.auc"][0].about == 4


def test_a_stages_metrics_are_named_after_it():
    said = [StageFinished(window=None, stage="tune", artifact="ab", metrics={"score": 0.3})]
    assert series(said) == {"tune.score": (Point(None, None, 0.3),)}


def test_a_metric_said_with_its_interval_is_not_counted_twice():
    said = [
        MetricMeasured(metric="evaluate.auc", value=0.91, low=0.90, high=0.92),
        StageFinished(stage="evaluate", artifact="ab", metrics={"auc": 0.91, "dummy.auc": 0.5}),
    ]
    found = series(said)
    assert found["evaluate.auc"] == (Point(None, None, 0.91, 0.90, 0.92),)
    assert found["evaluate.dummy.auc"] == (Point(None, None, 0.5),)


def test_a_later_call_of_the_stage_is_a_point_of_its_own():
    said = [
        MetricMeasured(window=3, metric="validate.rejected", value=2, of_window=3),
        StageFinished(window=3, stage="validate", artifact="ab"),
        StageFinished(window=3, stage="validate", artifact="cd", metrics={"rejected": 5}),
    ]
    assert [point.value for point in series(said)["validate.rejected"]] == [2, 5]


def test_the_latest_value_skips_what_is_undefined():
    said = [
        MetricMeasured(window=1, metric="monitor.auc", value=0.9),
        MetricMeasured(window=2, metric="monitor.auc", value=None),
    ]
    assert latest(said) == {"monitor.auc": 0.9}


def test_a_metric_that_was_never_defined_has_no_latest_value():
    assert latest([MetricMeasured(window=1, metric="monitor.auc", value=float("nan"))]) == {}


def test_statistics_count_the_windows_a_metric_speaks_about():
    points = [Point(5, 2, 1.0), Point(6, 3, 2.0), Point(7, 4, 6.0), Point(8, 5, None)]
    assert statistic(points, "average", first=3) == 4.0
    assert statistic(points, "sum", last=3) == 3.0
    assert statistic(points, "minimum") == 1.0 and statistic(points, "maximum") == 6.0
    assert statistic(points, "sample_count") == 3.0


def test_a_statistic_of_nothing_is_undefined_and_its_count_is_zero():
    assert statistic([Point(0, 0, None)], "average") is None
    assert statistic([], "sample_count") == 0.0


def test_a_point_before_the_first_window_lies_in_no_range_of_windows():
    points = [Point(None, None, 9.0), Point(0, 0, 1.0)]
    assert statistic(points, "maximum", first=0) == 1.0
    assert statistic(points, "maximum") == 9.0
