"""What the health check says of executions, silence and baselines, reckoned by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.artifacts import Finding
from simlab.health import Health, awaited_now, examined, fit_of
from simlab.schedules import Schedule, firings
from simlab.watched import Awaited, Execution, Fit

START = datetime(2026, 1, 5)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOURLY = {"hourly": Schedule("data_quality", "hourly")}
DAILY = {"daily": Schedule("data_quality", "daily")}
HEARD = [Finding("data_quality", "completeness_check", "age", "share", 1.0, 1.0, False, 0)]


def execution(schedule: str, scheduled: datetime, ran: datetime | None = None, **more: Any) -> Execution:
    made = Execution(
        "endpoint", schedule, "data_quality", scheduled, scheduled - HOUR, scheduled, 9, 0, "Completed", 0, "",
        made=1,
    )  # fmt: skip
    return replace(made, ran=ran or scheduled, **more)


def said(health: Health = Health(), **more: Any) -> dict[str, tuple[float, bool]]:
    """Value and verdict by check, of one day of a daily schedule."""
    given: dict[str, Any] = {
        "schedules": DAILY,
        "awaited": (),
        "executions": (execution("daily", START + DAY),),
        "heard": HEARD,
        "fit": None,
        "promised": False,
        "window": 0,
        "end": START + DAY,
    }
    found, _ = examined(health, **{**given, **more})
    return {f.alarm: (f.value, f.breached) for f in found}


def test_an_execution_in_time_that_is_heard_is_well():
    assert said() == {
        "health:missing:daily": (0, False),
        "health:late:daily": (0.0, False),
        "health:failed:daily": (0, False),
        "health:muted:daily": (0.0, False),
    }


def test_lateness_is_counted_in_hours_and_an_hour_is_forgiven():
    for hours, late in ((1, False), (2, True)):
        ran = execution("daily", START + DAY, START + DAY + hours * HOUR)
        assert said(executions=(ran,))["health:late:daily"] == (hours, late)


def test_silence_is_heard_where_a_completed_execution_should_speak():
    assert said(heard=())["health:muted:daily"] == (1.0, True)
    of_another = [replace(HEARD[0], monitor="model_bias")]
    assert said(heard=of_another)["health:muted:daily"] == (1.0, True)
    failed = (execution("daily", START + DAY, status="Failed", made=0),)
    assert "health:muted:daily" not in said(executions=failed, heard=()), "a failed job says that it failed"
    assert said(heard=(), executions=(), promised=True) == {"health:muted:every_window": (1.0, True)}


def test_what_has_not_come_after_a_day_is_missing_once():
    waiting = (Awaited("daily", START), Awaited("daily", START + DAY))
    found, still = examined(Health(), DAILY, waiting, (), (), None, False, 0, START + DAY)
    assert [(f.alarm, f.value, f.breached) for f in found] == [("health:missing:daily", 1, True)]
    assert still == waiting[1:], "it is told once, and waits for the rest"


def test_a_baseline_that_does_not_fit_is_told_in_every_window():
    for breached in (True, False):
        fit = Fit("digest", float(breached), 0.0, breached)
        assert said(fit=fit)["health:baseline:daily"] == (float(breached), breached)


@given(gone=st.sets(st.integers(1, 72)), late=st.sets(st.integers(1, 72)), patience=st.integers(0, 30))
def test_every_execution_is_counted_missing_once_or_came_in_time(gone, late, patience):
    """Over three days, whatever is lost or late, nothing is awaited for ever and nothing told twice."""
    health = Health(enable=True, missing_after=patience * HOUR)
    awaited: tuple[Awaited, ...] = ()
    missing, longest = 0, 0
    windows = 6
    for window in range(windows):
        start, end = START + window * DAY, START + (window + 1) * DAY
        came = []
        for hour in range(1, 73):
            ran = START + hour * HOUR + (30 * HOUR if hour in late else timedelta(0))
            if hour not in gone and start < ran <= end:
                came.append(execution("hourly", START + hour * HOUR, ran))
        fires = HOURLY if window < 3 else {}
        awaited = awaited_now(fires, awaited, came, start, end, window == 0)
        found, awaited = examined(health, HOURLY, awaited, came, HEARD, None, False, window, end)
        missing += sum(int(f.value or 0) for f in found if f.check == "missing")
        longest = max(longest, len(awaited))
    assert awaited == ()
    assert len(gone) <= missing <= len(gone | late)
    assert longest <= 24 + patience


def test_the_check_reckons_by_the_schedule_alone():
    awaited = awaited_now(HOURLY, (), (), START, START + DAY, True)
    assert [one.moment for one in awaited] == [
        f.moment for f in firings(HOURLY["hourly"], START, START + DAY, True)
    ]
    assert len(awaited) == 24


# --- baselines ------------------------------------------------------------------------------------


def rows(seed: int, count: int = 400, **more: Any) -> pa.Table:
    random = np.random.default_rng(seed)
    cities = random.choice(["Bonn", "Köln", "Ulm"], count, p=[0.5, 0.49, 0.01])
    return pa.table(
        {
            "age": random.normal(40, 12, count),
            "city": pa.array(
                [None if u < 0.1 else c for u, c in zip(random.random(count), cities, strict=True)]
            ),
            "label": (random.random(count) < 0.3).astype(float),
        }
        | more
    )


def test_the_digest_asks_for_the_very_rows():
    one = rows(1)
    assert not fit_of(one, rows(1), Health()).breached
    assert fit_of(one, rows(2), Health()).breached, "another sample of the same law is another baseline"
    assert fit_of(one, one.slice(0, 399), Health()).breached


def test_statistics_take_another_sample_and_no_other_law():
    way = Health(baseline="statistics")
    one = rows(1)
    assert not fit_of(one, one, way).breached
    assert not fit_of(one, rows(2), way).breached
    assert fit_of(one, rows(2, age=np.random.default_rng(5).normal(50, 12, 400)), way).breached
    assert fit_of(one, rows(2, label=np.ones(400)), way).breached
    assert fit_of(one, rows(2, city=pa.array(["Bonn"] * 400)), way).breached
    assert fit_of(one, rows(2, city=pa.nulls(400, pa.string())), way).breached
    assert fit_of(one, one.slice(0, 0), way).breached
    assert fit_of(one, one.drop_columns(["age"]), way).breached


def test_the_false_alarm_rate_is_kept():
    """At 10 % stated, 300 pairs of samples of one law: more than 45 would be a chance of 1 in 300."""
    way = Health(baseline="statistics", false_alarms=0.1)
    wrong = sum(fit_of(rows(seed), rows(1000 + seed), way).breached for seed in range(300))
    assert wrong <= 45


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_rate_of_false_alarms_is_a_share(rate):
    from simlab.signature import adapter

    with pytest.raises(ValueError):
        adapter(Health).validate_python({"false_alarms": rate})


def test_a_schedule_is_muted_although_another_of_its_monitor_speaks():
    both = {"a": Schedule("data_quality", "daily"), "b": Schedule("data_quality", "daily")}
    ran = tuple(execution(name, START + DAY) for name in both)
    found = said(schedules=both, executions=ran, heard=[replace(HEARD[0], schedule="b")])
    assert found["health:muted:a"] == (1.0, True) and found["health:muted:b"] == (0.0, False)


def test_an_execution_that_had_nothing_to_judge_is_not_muted():
    """Every group too small, every figure undefined: it is well, and says nothing."""
    idle = (execution("daily", START + DAY, made=0),)
    assert "health:muted:daily" not in said(executions=idle, heard=())


def test_an_execution_that_fails_is_told_unless_its_period_is_from_before_the_version():
    failed = (execution("daily", START + DAY, status="Failed", made=0),)
    assert said(executions=failed)["health:failed:daily"] == (1, True)
    assert "health:failed:daily" not in said(executions=failed, since=START + DAY)


def test_a_value_that_is_no_number_hides_no_other_column() -> None:
    rng = np.random.default_rng(3)
    before = pa.table({"a": rng.normal(size=400), "b": rng.normal(size=400)})
    holed = np.where(np.arange(400) == 7, np.nan, before["a"].to_numpy())
    after = pa.table({"a": holed, "b": before["b"].to_numpy() + 5})
    assert fit_of(before, after, Health(enable=True, baseline="statistics")).breached
