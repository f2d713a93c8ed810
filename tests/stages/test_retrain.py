"""The retrain stage decides; it never acts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simlab.artifacts import History, Plan
from simlab.context import Context
from simlab.events import Event, RetrainPlanned
from simlab.stages.retrain import plan_retrain

ALARM = {"data_quality:drift:age": "ALARM"}
ONSET = {"data_quality:drift:age": 5}


def decide(history: History, **settings: Any) -> tuple[Plan | None, list[Event]]:
    said: list[Event] = []
    context = Context(stage="retrain", window=history.window, seed=0, emit=said.append, workdir=Path())
    return plan_retrain(context, history, **settings), said


def test_never_means_never() -> None:
    assert decide(History(window=9, alarms=ALARM, labelled=(1, 2))) == (None, [])


def test_an_alarm_asks_for_a_retrain_on_the_last_labelled_windows() -> None:
    plan, said = decide(
        History(window=9, alarms=ALARM, onset=ONSET, labelled=tuple(range(8))), policy="on_alarm", windows=2
    )
    assert plan == Plan(reason="data_quality:drift:age in alarm", windows=(6, 7), include_training=True)
    assert isinstance(said[0], RetrainPlanned)


def test_it_waits_until_the_new_world_is_labelled() -> None:
    settings: dict[str, Any] = {"policy": "on_alarm", "rows": "since_onset", "windows": 3}
    early = History(window=9, alarms=ALARM, onset=ONSET, labelled=tuple(range(7)))
    assert decide(early, **settings) == (None, [])
    later = History(window=10, alarms=ALARM, onset=ONSET, labelled=tuple(range(8)))
    plan, _ = decide(later, **settings)
    assert plan is not None and plan.windows == (5, 6, 7)


@pytest.mark.parametrize(("window", "wanted"), [(8, False), (9, True)])
def test_a_cooldown_is_kept(window: int, wanted: bool) -> None:
    history = History(window=window, alarms=ALARM, labelled=(1, 2, 3), retrained=(4,))
    plan, _ = decide(history, policy="on_alarm", cooldown=5)
    assert (plan is not None) is wanted


def test_a_budget_is_kept() -> None:
    history = History(window=30, alarms=ALARM, labelled=(1, 2, 3), retrained=(4, 10))
    assert decide(history, policy="on_alarm", cooldown=0, budget=2) == (None, [])
    assert decide(history, policy="on_alarm", cooldown=0, budget=3)[0] is not None


def test_without_any_row_there_is_nothing_to_train_on() -> None:
    assert decide(History(window=6), policy={"every": {"windows": 7}}, keep_training=False) == (None, [])


def test_a_watcher_that_was_ill_says_nothing_of_when_the_world_changed() -> None:
    onset = {"health:missing:daily": 2, **ONSET}
    plan, _ = decide(
        History(window=9, alarms={**ALARM, "health:missing:daily": "ALARM"}, onset=onset, labelled=tuple(range(8))),
        policy="on_alarm", rows="since_onset", windows=2,
    )  # fmt: skip
    assert plan is not None and min(plan.windows) >= min(ONSET.values())
