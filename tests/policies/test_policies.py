"""When to retrain."""

from __future__ import annotations

import pytest

from simlab.artifacts import History
from simlab.policies.every import every
from simlab.policies.never import never
from simlab.policies.on_alarm import on_alarm
from simlab.policies.on_event import on_event

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


def test_on_event_forgets_a_match_after_its_time_and_after_a_retrain() -> None:
    matched = History(window=6, matched={"drifted": 5, "other": 2})
    assert on_event(matched) is None
    assert on_event(matched, within=2) == "rule drifted matched"
    assert on_event(matched, within=9) == "rule drifted, other matched"
    assert on_event(matched, within=2, rules="o*") is None
    assert on_event(History(window=6, matched={"drifted": 5}, retrained=(5,)), within=9) is None
