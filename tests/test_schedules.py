"""Schedules fire when AWS's would, and look at whole periods in the past."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.schedules import Schedule, firings, hours, reach

DAY = datetime(2026, 1, 5)
HOUR = timedelta(hours=1)


def fired(schedule: Schedule, step: timedelta, windows: int) -> list[tuple[datetime, datetime, datetime]]:
    return [
        (f.moment, f.start, f.end)
        for n in range(windows)
        for f in firings(schedule, DAY + n * step, DAY + (n + 1) * step, n == 0)
    ]


def test_without_an_expression_a_schedule_runs_at_every_windows_end_on_that_window() -> None:
    assert fired(Schedule("data_quality"), HOUR, 2) == [
        (DAY + HOUR, DAY, DAY + HOUR), (DAY + 2 * HOUR, DAY + HOUR, DAY + 2 * HOUR)
    ]  # fmt: skip


def test_daily_on_an_hourly_clock_looks_at_the_day_that_ended() -> None:
    assert fired(Schedule("data_quality", "cron(0 6 ? * * *)"), HOUR, 30) == [
        (DAY + 6 * HOUR, DAY - 18 * HOUR, DAY + 6 * HOUR), (DAY + 30 * HOUR, DAY + 6 * HOUR, DAY + 30 * HOUR)
    ]  # fmt: skip


def test_offsets_move_the_period_into_the_past() -> None:
    late = Schedule("model_quality", "daily", "-P8D", "-P1D")
    assert fired(late, timedelta(days=1), 1) == [
        (DAY + timedelta(days=1), DAY - timedelta(days=7), DAY)
    ]  # fmt: skip
    only_end = Schedule("model_quality", "daily", end_time_offset="-P1D")
    assert fired(only_end, timedelta(days=1), 1) == [(DAY + timedelta(days=1), DAY - timedelta(days=1), DAY)]


def test_now_fires_once() -> None:
    assert fired(Schedule("data_quality", "NOW", "-PT2H", "-PT1H"), 6 * HOUR, 3) == [
        (DAY + 6 * HOUR, DAY + 4 * HOUR, DAY + 5 * HOUR)
    ]


@given(step=st.integers(1, 72), expression=st.sampled_from(["hourly", "daily", "cron(0 0/6 ? * * *)", "cron(0 1/7 ? * * *)"]))  # fmt: skip
def test_periods_follow_each_other_without_gap_or_overlap_whatever_the_windows(step: int, expression: str) -> None:  # fmt: skip
    found = fired(Schedule("data_quality", expression), step * HOUR, 1 + 100 // step)
    assert found == sorted(found)
    assert all(end == moment for moment, _, end in found)
    assert all(before[2] == after[1] for before, after in zip(found, found[1:], strict=False))


@given(step=st.integers(1, 48), begin=st.integers(1, 9), finish=st.integers(0, 1))
def test_the_reach_covers_whatever_a_firing_looks_at(step: int, begin: int, finish: int) -> None:
    for schedule in (
        Schedule("a", "daily"), Schedule("a", "cron(0 3/5 ? * * *)"),
        Schedule("a", "daily", f"-P{begin}D", f"-P{finish}D"), Schedule("a", "", "", f"-P{finish}D"),
    ):  # fmt: skip
        width = step * HOUR
        for n in range(8):
            for firing in firings(schedule, DAY + n * width, DAY + (n + 1) * width, n == 0):
                oldest = DAY + (n - reach([schedule], width)) * width
                assert firing.start >= oldest


@pytest.mark.parametrize(
    "wrong", ["cron(5 * ? * * *)", "weekly", "cron(0 24 ? * * *)", "cron(0 0/25 ? * * *)"]
)
def test_other_expressions_are_refused_in_words(wrong: str) -> None:
    with pytest.raises(ValueError, match="right would be hourly, daily"):
        hours(wrong)
