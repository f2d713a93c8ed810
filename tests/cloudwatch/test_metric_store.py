"""Datapoints are a fold over facts, and their statistics are CloudWatch's."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab import events as e
from simlab.cloudwatch.metrics import (
    NEGATIVE,
    NO_RAW,
    UNITS,
    latest,
    published,
    rounded,
    statistic,
)
from simlab.cloudwatch.queries import find_metric, get_metric_statistics, list_metrics, rounded_start
from simlab.errors import UsageError
from simlab.watched import Datapoint, Published

DAY = datetime(2026, 1, 5)
DIMENSIONS = {"Endpoint": "e", "MonitoringSchedule": "s"}


def of(*values: float) -> list[Datapoint]:
    return [Datapoint.of("n", "m", {}, value) for value in values]


def point(hours: float, value: float, **more: str) -> Published:
    return Published(DAY + timedelta(hours=hours), Datapoint.of("n", "m", {"Endpoint": "e", **more}, value))


def executed(scheduled: str) -> e.MonitoringExecuted:
    return e.MonitoringExecuted(
        window=0, time="2026-01-06T00:00:00", schedule="s", monitor="data_quality", monitoring_type="DataQuality",
        status="Completed", scheduled=scheduled, start="", end="", rows=1, labelled=0, violations=0, message="",
    )  # fmt: skip


FACTS = [
    executed("2026-01-05T06:00:00"),
    e.MetricsPublished(
        time="2026-01-06T00:00:00", namespace="aws/sagemaker/Endpoints/data-metrics", dimensions=DIMENSIONS,
        unit="Count", values={"feature_data_x": (10, 25, 1, 4), "gone": (1, None, 1, 1)},
    ),
    executed("2026-01-05T18:00:00"),
    e.MetricsPublished(
        time="2026-01-06T00:00:00", namespace="aws/sagemaker/Endpoints/data-metrics", dimensions=DIMENSIONS,
        unit="Count", values={"feature_data_x": (2, 8, 3, 5)},
    ),
    e.MetricMeasured(window=0, time="2026-01-06T00:00:00", metric="serve.rows", value=150),
    e.MetricMeasured(window=0, time="2026-01-06T00:00:00", metric="monitor.auc", value=0.7, of_window=0),
    e.MetricMeasured(window=0, time="2026-01-06T00:00:00", metric="monitor.auc", value=0.8, of_window=1),
    e.MetricMeasured(window=0, time="2026-01-06T00:00:00", metric="monitor.f1", value=None),
]  # fmt: skip


def test_a_datapoint_bears_the_moment_for_which_its_monitor_was_scheduled() -> None:
    found = [told for told in published(FACTS) if told.point.metric == "feature_data_x"]
    assert [told.time.hour for told in found] == [6, 18]
    assert found[0].point.dimensions == DIMENSIONS and found[0].point.count == 10


def test_what_simlab_measures_has_a_namespace_of_its_own_and_its_newest_window_counts() -> None:
    found = {told.point.metric: told for told in published(FACTS, "mine")}
    assert set(found) == {"feature_data_x", "Invocations", "serve.rows", "monitor.auc"}
    auc = found["monitor.auc"]
    assert (auc.point.namespace, auc.point.total, auc.point.dimensions) == (
        "simlab/lifecycle",
        0.8,
        {"Endpoint": "mine"},
    )
    calls = found["Invocations"].point
    assert (calls.namespace, calls.total, calls.unit) == ("AWS/SageMaker", 150, "Count")
    assert calls.dimensions == {"EndpointName": "mine", "VariantName": "AllTraffic"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("SampleCount", 12), ("Sum", 33), ("Average", 2.75), ("Minimum", 1), ("Maximum", 5)],
)
def test_statistics_of_statistic_sets(name: str, value: float) -> None:
    both = [told.point for told in published(FACTS) if told.point.metric == "feature_data_x"]
    assert statistic(both, name).value == value


def test_a_percentile_needs_the_values_themselves() -> None:
    ten = of(*range(1, 11))
    assert [statistic(ten, name).value for name in ("p0", "p50", "p90", "p90.01", "p100")] == [
        1,
        5,
        9,
        10,
        10,
    ]
    assert statistic(ten, "tm90").value == 5  # without the greatest of ten
    assert statistic(of(1, 2, 3), "tm90").value == 2  # a tenth of three is no whole value
    many = [Datapoint("n", "m", {}, 10, 40, 1, 9)]
    assert statistic(many, "p50").value is None and statistic(many, "p50").why == NO_RAW
    alike = [Datapoint("n", "m", {}, 3, 12, 4, 4), *of(9)]
    assert statistic(alike, "p75").value == 4 and statistic(alike, "p76").value == 9
    assert statistic(of(-1, 2), "p50").why == NEGATIVE
    assert statistic([], "Average").value is None
    with pytest.raises(UsageError, match="did you mean 'Average'"):
        statistic(ten, "average")
    with pytest.raises(UsageError, match="no statistic called 'p101'"):
        statistic(ten, "p101")


@given(values=st.lists(st.floats(0, 1e6), min_size=1, max_size=30), percent=st.integers(0, 100))
def test_percentiles_and_means_lie_between_the_extremes(values: list[float], percent: int) -> None:
    points = of(*values)
    assert statistic(points, f"p{percent}").value in values
    average, trimmed = statistic(points, "Average").value, statistic(points, "tm80").value
    assert average is not None and trimmed is not None
    assert trimmed <= max(values) * (1 + 1e-5)
    assert trimmed <= average or isclose(trimmed, average, rel_tol=1e-5)
    shares = [statistic(points, f"p{p}").value for p in range(0, 101, 10)]
    assert shares == sorted(shares)


def test_periods_begin_at_the_rounded_start() -> None:
    store = [point(0, 1), point(0.5, 3), point(1, 5), point(3, 7), point(3.5, 9)]
    found = get_metric_statistics(
        store, namespace="n", metric="m", dimensions={"Endpoint": "e"}, start=DAY + timedelta(seconds=30),
        end=DAY + timedelta(hours=3.5), period=3600, statistics=["Average", "SampleCount", "p50"],
    )  # fmt: skip
    assert found["Label"] == "m"
    rows = [(row["Timestamp"].hour, row["Average"], row["SampleCount"]) for row in found["Datapoints"]]
    assert rows == [(0, 2, 2), (1, 5, 1), (3, 7, 1)]  # the end is excluded, the empty period left out
    assert found["Datapoints"][0]["ExtendedStatistics"] == {"p50": 1}


def test_dimensions_match_exactly() -> None:
    store = [point(0, 1), point(0, 5, More="x")]
    one = {"namespace": "n", "metric": "m", "start": DAY, "end": DAY + timedelta(hours=1), "period": 60, "statistics": ["Sum"]}  # fmt: skip
    assert get_metric_statistics(store, dimensions={"Endpoint": "e"}, **one)["Datapoints"][0]["Sum"] == 1
    assert get_metric_statistics(store, dimensions={}, **one)["Datapoints"] == []
    assert get_metric_statistics(store, dimensions={"Endpoint": "e"}, unit="Count", **one)["Datapoints"] == []


@pytest.mark.parametrize(
    ("days", "period", "minute", "second"), [(1, 60, 32, 0), (20, 60, 30, 0), (64, 60, 0, 0), (1, 10, 32, 30)]
)
def test_the_older_a_start_the_coarser_it_is_rounded(
    days: int, period: int, minute: int, second: int
) -> None:
    start = datetime(2026, 1, 5, 12, 32, 34)
    found = rounded_start(start, period, start + timedelta(days=days))
    assert (found.hour, found.minute, found.second) == (12, minute, second)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"period": 90}, "multiple of 60"),
        ({"end": DAY}, "is not after"),
        ({"end": DAY + timedelta(days=2)}, "1440"),
        ({"statistics": []}, "at least one"),
    ],
)
def test_requests_that_cloudwatch_refuses(change: dict[str, object], said: str) -> None:
    right = {"namespace": "n", "metric": "m", "dimensions": {}, "start": DAY, "end": DAY + timedelta(days=1), "period": 60, "statistics": ["Sum"]}  # fmt: skip
    with pytest.raises(UsageError, match=said):
        get_metric_statistics([], **{**right, **change})  # type: ignore[arg-type]


def test_the_latest_and_the_list() -> None:
    store = [point(0, 1), point(2, 3), point(1, 2), point(0, 9, More="x")]
    assert [told.point.total for told in latest(store)] == [3, 9]
    assert list_metrics(store)[0] == {
        "Namespace": "n",
        "MetricName": "m",
        "Dimensions": [{"Name": "Endpoint", "Value": "e"}],
    }
    assert find_metric(store, "m", None, {"Endpoint": "e"}) == ("n", {"Endpoint": "e"})
    with pytest.raises(UsageError, match=r"(?s)several metrics .* --dimension Endpoint=e --dimension More=x"):
        find_metric(store, "m", None, None)
    with pytest.raises(UsageError, match="did you mean 'm'|it takes 'm'"):
        find_metric(store, "n", None, None)


def test_figures_are_those_of_the_facts() -> None:
    whole = rounded(Datapoint.of("n", "m", {}, 0.123456789))
    assert whole is not None and whole.total == 0.123457
    assert rounded(Datapoint.of("n", "m", {}, float("nan"))) is None


def test_units_are_those_of_the_api() -> None:
    plain = [
        "Seconds",
        "Microseconds",
        "Milliseconds",
        "Bytes",
        "Kilobytes",
        "Megabytes",
        "Gigabytes",
        "Terabytes",
        "Bits",
        "Kilobits",
        "Megabits",
        "Gigabits",
        "Terabits",
        "Percent",
        "Count",
    ]
    rates = [f"{unit}/Second" for unit in plain if unit not in plain[:3] and unit != "Percent"]
    assert set(UNITS) == {*plain, *rates, "None"} and len(UNITS) == 27
