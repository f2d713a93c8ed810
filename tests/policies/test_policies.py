"""When to retrain."""

from __future__ import annotations

import pytest

from simlab.artifacts import History
from simlab.policies.every import every
from simlab.policies.never import never
from simlab.policies.on_alarm import on_alarm

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


def test_an_alarm_about_the_monitors_themselves_asks_for_no_new_model() -> None:
    ill = History(alarms={"health:missing:hourly": "ALARM"})
    assert on_alarm(ill) is None
    assert on_alarm(ill, alarms="health:*") == "health:missing:hourly in alarm"
