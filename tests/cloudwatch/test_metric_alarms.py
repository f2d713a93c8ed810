"""A metric alarm is in the state that CloudWatch's documentation says, and depends on nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.cloudwatch.alarms import (
    Evaluation,
    MetricAlarm,
    decide,
    evaluate,
    kept,
    problems_with,
    reason_data,
    slots_of,
)
from simlab.watched import Datapoint, Published

NOON = datetime(2026, 1, 10, 12)
ALARM = MetricAlarm(
    namespace="n",
    metric_name="m",
    dimensions={"Endpoint": "e"},
    threshold=10.0,
    comparison_operator="GreaterThanThreshold",
    period=3600,
    evaluation_periods=3,
)

# AWS's own table: "How alarm state is evaluated when data is missing". The evaluation range is 5 points,
# oldest first; 0 does not breach, X does, - is missing. `retain` keeps the state.
DOCUMENTED = """
3 3 | 0 - X - X | OK                | OK     | OK    | OK
3 3 | 0 - - - - | OK                | OK     | OK    | OK
3 3 | - - - - - | INSUFFICIENT_DATA | retain | ALARM | OK
3 3 | 0 X X - X | ALARM             | ALARM  | ALARM | ALARM
3 3 | - - X - - | ALARM             | retain | ALARM | OK
3 2 | 0 - X - X | ALARM             | ALARM  | ALARM | ALARM
3 2 | 0 0 X 0 X | ALARM             | ALARM  | ALARM | ALARM
3 2 | 0 - X - - | OK                | OK     | ALARM | OK
3 2 | - - - - 0 | OK                | OK     | ALARM | OK
3 2 | - - - X - | ALARM             | retain | ALARM | OK
"""
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
CASES = [
    (int(n), int(m), drawn.split(), treatment, wanted)
    for line in DOCUMENTED.strip().splitlines()
    for (counts, drawn, *states) in [[part.strip() for part in line.split("|")]]
    for n, m in [counts.split()]
    for treatment, wanted in zip(TREATMENTS, states, strict=True)
]


def at(hours_ago: float, value: float, metric: str = "m") -> Published:
    moment = NOON - timedelta(hours=hours_ago)
    return Published(moment, Datapoint.of("n", metric, {"Endpoint": "e"}, value))


def drawn_as(points: Sequence[str]) -> list[Published]:
    return [
        at(len(points) - 1 - n, 11.0 if sign == "X" else 9.0) for n, sign in enumerate(points) if sign != "-"
    ]


@pytest.mark.parametrize(("n", "m", "points", "treatment", "wanted"), CASES)
@pytest.mark.parametrize("previous", ["OK", "ALARM", "INSUFFICIENT_DATA"])
def test_missing_data_are_treated_as_aws_documents(
    n: int, m: int, points: list[str], treatment: Any, wanted: str, previous: Any
) -> None:
    alarm = replace(ALARM, evaluation_periods=n, datapoints_to_alarm=m, treat_missing_data=treatment)
    found = evaluate(alarm, drawn_as(points), NOON, previous)
    assert found.state == (previous if wanted == "retain" else wanted)


@pytest.mark.parametrize("points", ["- - - - X", "- - - X -", "- - - X X"])
@pytest.mark.parametrize("previous", ["OK", "INSUFFICIENT_DATA"])
def test_no_alarm_is_premature(points: str, previous: Any) -> None:
    assert evaluate(ALARM, drawn_as(points.split()), NOON, previous).state == previous


@pytest.mark.parametrize(
    ("operator", "value", "breaches"),
    [
        ("GreaterThanThreshold", 10.0, False),
        ("GreaterThanThreshold", 10.1, True),
        ("GreaterThanOrEqualToThreshold", 10.0, True),
        ("LessThanThreshold", 10.0, False),
        ("LessThanThreshold", 9.9, True),
        ("LessThanOrEqualToThreshold", 10.0, True),
        ("LessThanOrEqualToThreshold", 10.1, False),
    ],
)
def test_each_operator_has_its_side_of_the_threshold(operator: Any, value: float, breaches: bool) -> None:
    alarm = replace(ALARM, comparison_operator=operator, evaluation_periods=1)
    assert (evaluate(alarm, [at(0, value)], NOON).state == "ALARM") is breaches


def test_values_of_one_period_are_taken_together() -> None:
    store = [at(0, 4.0), at(0.5, 8.0), at(1, 100.0)]
    one = replace(ALARM, evaluation_periods=1)
    assert slots_of(one, store, NOON)[-1].value == 6.0
    assert slots_of(replace(one, statistic="Sum"), store, NOON)[-1].value == 12.0
    assert slots_of(replace(one, statistic="p100"), store, NOON)[-1].value == 8.0
    assert (
        slots_of(one, store, NOON)[-2].value == 100.0
    )  # a point at a period's start belongs to the one before


def test_only_its_own_metric_counts() -> None:
    other = Published(NOON, Datapoint.of("n", "m", {"Endpoint": "e", "More": "x"}, 99.0))
    assert evaluate(ALARM, [at(0, 99.0, metric="other"), other], NOON).state == "INSUFFICIENT_DATA"


def test_the_reason_is_worded_as_the_service_words_it() -> None:
    two = replace(ALARM, evaluation_periods=2)

    def why(alarm: MetricAlarm, *points: Published, previous: Any = "OK") -> str:
        return evaluate(alarm, points, NOON, previous).reason

    assert why(two, at(1, 11), at(0, 12.5)) == (
        "Threshold Crossed: 2 out of the last 2 datapoints [12.5 (10/01/26 11:00:00), 11.0 (10/01/26 10:00:00)] "
        "were greater than the threshold (10.0) (minimum 2 datapoints for OK -> ALARM transition)."
    )
    assert why(two, at(1, 11), at(0, 3), previous="ALARM") == (
        "Threshold Crossed: 1 out of the last 2 datapoints [3.0 (10/01/26 11:00:00)] was not greater than the "
        "threshold (10.0) (minimum 1 datapoint for ALARM -> OK transition)."
    )
    assert why(two) == "Insufficient Data: 2 datapoints were unknown."
    assert why(replace(two, treat_missing_data="breaching")) == (
        "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as "
        "[Breaching]."
    )


def test_the_reasons_data_are_the_services() -> None:
    found: Evaluation = evaluate(replace(ALARM, evaluation_periods=1, statistic="p99"), [at(0, 11)], NOON)
    assert reason_data(found) == (
        '{"version":"1.0","queryDate":"2026-01-10T12:00:00.000+0000","startDate":"2026-01-10T11:00:00.000+0000",'
        '"extendedStatistic":"p99","period":3600,"recentDatapoints":[11.0],"threshold":10.0,'
        '"evaluatedDatapoints":[{"timestamp":"2026-01-10T11:00:00.000+0000","sampleCount":1.0,"value":11.0}]}'
    )


def test_impossible_settings_are_told() -> None:
    wrong = replace(ALARM, statistic="average", period=90, datapoints_to_alarm=4)
    text = " ".join(problems_with(wrong))
    assert "did you mean 'Average'" in text and "multiple of 60" in text and "4 of 3" in text
    assert problems_with(ALARM) == []
    assert "seven days" in problems_with(replace(ALARM, period=86400, evaluation_periods=8))[0]


alarms = st.builds(
    lambda n, m, missing, operator: replace(
        ALARM,
        evaluation_periods=n,
        datapoints_to_alarm=min(n, m),
        treat_missing_data=missing,
        comparison_operator=operator,
    ),
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from(TREATMENTS),
    st.sampled_from(["GreaterThanThreshold", "LessThanOrEqualToThreshold"]),
)
stores = st.lists(st.builds(at, st.integers(0, 40).map(lambda n: n / 2), st.floats(0, 20)), max_size=30)
states = st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"])


@given(alarm=alarms, store=stores, more=stores, previous=states)
def test_nothing_outside_the_evaluation_range_counts(
    alarm: MetricAlarm, store: list[Published], more: list[Published], previous: Any
) -> None:
    outside = [replace(told, time=NOON - alarm.reach - (NOON - told.time)) for told in more]
    later = [replace(told, time=NOON + timedelta(seconds=1) + (NOON - told.time)) for told in more]
    plain = evaluate(alarm, store, NOON, previous)
    assert evaluate(alarm, [*outside, *store, *later], NOON, previous) == plain
    assert evaluate(alarm, kept([alarm], [*outside, *store], NOON), NOON, previous) == plain


@given(alarm=alarms, store=stores, previous=states)
def test_the_order_of_what_was_published_does_not_count(
    alarm: MetricAlarm, store: list[Published], previous: Any
) -> None:
    assert evaluate(alarm, store[::-1], NOON, previous).state == evaluate(alarm, store, NOON, previous).state


@given(
    points=st.lists(st.booleans(), min_size=3, max_size=8),
    missing=st.sampled_from(TREATMENTS),
    of=st.integers(1, 3),
    previous=states,
)
def test_where_nothing_is_missing_m_of_n_decides_alone(
    points: list[bool], missing: Any, of: int, previous: Any
) -> None:
    for needed in range(1, of + 1):
        found, filled = decide(points, needed=needed, of=of, missing=missing, previous=previous)
        assert filled == 0 and found == ("ALARM" if sum(points[-of:]) >= needed else "OK")


@given(
    points=st.lists(st.sampled_from([True, False, None]), min_size=5, max_size=5),
    needed=st.integers(1, 3),
    previous=states,
)
def test_breaching_never_sounds_less_than_not_breaching(
    points: list[bool | None], needed: int, previous: Any
) -> None:
    good = decide(points, needed=needed, of=3, missing="notBreaching", previous=previous)[0]
    bad = decide(points, needed=needed, of=3, missing="breaching", previous=previous)[0]
    assert {good, bad} <= {"OK", "ALARM"} and not (good == "ALARM" and bad == "OK")
