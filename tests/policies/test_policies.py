"""When to retrain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simlab.artifacts import History, Measured
from simlab.policies.every import every
from simlab.policies.never import never
from simlab.policies.on_alarm import on_alarm
from simlab.policies.on_event import on_event
from simlab.policies.on_new_data import on_new_data
from simlab.policies.on_performance import on_performance

BOTH = {
    "data_quality:drift:age": "ALARM",
    "model_quality:quality:auc": "ALARM",
    "data_quality:drift:job": "OK",
}


def test_every_counts_windows_from_the_first() -> None:
    assert [w for w in range(10) if every(History(window=w), windows=3)] == [2, 5, 8]


def test_never_has_no_exception() -> None:
    assert never(History(window=99, alarms=BOTH)) is None


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("*", "data_quality:drift:age, model_quality:quality:auc in alarm"),
        ("model_quality:*", "model_quality:quality:auc in alarm"),
        ("data_quality:drift:job", None),
        ("*:age", "data_quality:drift:age in alarm"),
    ],
)
def test_on_alarm_names_the_alarms_that_sound(pattern: str, said: str | None) -> None:
    assert on_alarm(History(alarms=BOTH), alarms=pattern) == said


def measured(*values: float | None, estimated: float | None = None, metric: str = "log_loss") -> History:
    """A version that was evaluated at 0.3 (as AUC at 0.9), and what its windows came to since."""
    windows = [Measured(n, 1, {metric: v} if v is not None else {}) for n, v in enumerate(values)]
    if estimated is not None:
        windows.append(Measured(len(values), 1, {f"estimated.{metric}": estimated}))
    return History(measured=tuple(windows), quality={"log_loss": 0.3, "auc": 0.9})


def test_on_new_data_waits_for_enough_of_it() -> None:
    assert on_new_data(History(fresh_labels=99), rows=100) is None
    assert on_new_data(History(fresh_labels=100), rows=100) == "100 labelled rows since the last build"


@pytest.mark.parametrize(
    ("values", "fires"),
    [
        ((0.3, 0.4), False),
        ((0.4, 0.4), True),
        ((0.4, 0.3, 0.4), True),
        ((0.4, 0.4, 0.3, 0.3), False),
        ((0.4, None, 0.4), True),
        ((0.37, 0.37), False),
    ],
)
def test_on_performance_takes_two_of_the_last_three_that_were_measured(
    values: tuple[float | None, ...], fires: bool
) -> None:
    assert (on_performance(measured(*values)) is not None) is fires


def test_on_performance_knows_which_way_is_worse() -> None:
    poor = measured(0.6, 0.6, metric="auc")
    assert on_performance(poor, metric="auc") is not None
    assert on_performance(measured(0.99, 0.99, metric="auc"), metric="auc") is None
    assert on_performance(measured(0.85, 0.85, metric="auc"), metric="auc", bound=0.86) is not None
    assert on_performance(measured(0.31, 0.31), bound=0.305, than_evaluation=None) is not None
    assert on_performance(measured(9.0, 9.0), than_evaluation=None) is None, "no bound, nothing to break"


def test_on_performance_believes_an_estimate_only_if_asked_and_only_until_labels_come() -> None:
    promised = measured(0.4, estimated=0.4)
    assert on_performance(promised) is None
    assert on_performance(promised, estimated=True) is not None
    known = replace(promised.measured[-1], figures={"estimated.log_loss": 0.4, "log_loss": 0.3})
    after = replace(promised, measured=(promised.measured[0], known))
    assert on_performance(after, estimated=True) is None


def test_an_alarm_about_the_monitors_themselves_asks_for_no_new_model() -> None:
    ill = History(alarms={"health:missing:hourly": "ALARM"})
    assert on_alarm(ill) is None
    assert on_alarm(ill, alarms="health:*") == "health:missing:hourly in alarm"


def test_on_event_forgets_a_match_after_its_time_and_after_a_retrain() -> None:
    matched = History(window=6, matched={"drifted": 5, "other": 2})
    assert on_event(matched) is None
    assert on_event(matched, within=2) == "rule drifted matched"
    assert on_event(matched, within=9) == "rule drifted, other matched"
    assert on_event(matched, within=2, rules="o*") is None
    assert on_event(History(window=6, matched={"drifted": 5}, retrained=(5,)), within=9) is None
