"""Twins: what an injection causes is the difference to the same world without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from simlab import events as e
from simlab.checking import check
from simlab.errors import UsageError
from simlab.lab import Lab
from simlab.outcomes import hindsight
from simlab.twin import effects
from simlab.worlds import Worlds, without

SHIFT = {"id": "older", "kind": "shift_column", "start": 2, "with": {"column": "age", "by": 1.5}}
BREAK = {"id": "law", "kind": "change_concept", "on": "labels", "start": 1, "with": {"mode": "invert"}}
STILL = {"expect": [], "stages.retrain.policy": "never"}


def test_the_effect_is_the_difference_of_two_runs_window_by_window(tiny: Path, warm: Lab) -> None:
    given = {**STILL, "inject": [SHIFT]}
    found = warm.twin(tiny, given)
    (effect,) = found.effects
    assert (effect.of, effect.compared, found.interaction) == ("older", "alone", {})

    def by_window(sets: dict[str, object]) -> dict[int | None, float]:
        run = warm.run(tiny, {**given, **sets}, project=False)
        world = warm.events(run.run, world=True)
        return {f.window: f.metrics["log_loss"] or 0.0 for f in world if isinstance(f, e.HindsightMeasured)}

    hurt, quiet = by_window({}), by_window({"inject.older.enabled": False})
    assert effect.by_window == {w: pytest.approx(hurt[w] - quiet[w], abs=1e-9) for w in hurt}
    assert [effect.by_window[w] == 0 for w in range(4)] == [True, True, False, False], (
        "nothing before it acts"
    )
    assert effect.figures["quality"].value == pytest.approx(sum(effect.by_window.values()) / 4)


def test_alone_in_company_and_interaction_add_up(tiny: Path, warm: Lab) -> None:
    found = warm.twin(tiny, {**STILL, "inject": [SHIFT, BREAK]}, seeds=2)
    by = {(f.of, f.compared): f.figures["quality"].value for f in found.effects}
    alone = sum(by[name, "alone"] or 0.0 for name in ("older", "law"))
    assert found.interaction["quality"].value == pytest.approx((by["everything", "together"] or 0) - alone)
    assert found.interaction["quality"].n == 2
    # What is left out of the company has this effect in it.
    for one, other in (("older", "law"), ("law", "older")):
        assert by[one, "in company"] == pytest.approx(
            (by["everything", "together"] or 0) - (by[other, "alone"] or 0)
        )
    assert (by["law", "alone"] or 0) > 0.5, "an inverted law hurts"


def test_alarms_that_only_one_twin_hears_are_named(tiny: Path, warm: Lab) -> None:
    loud = {**STILL, "inject": [SHIFT], "stages.monitor.alarm": {"datapoints": 1, "of": 1}}
    (effect,) = warm.twin(tiny, loud).effects
    assert "2 data_quality:drift:age" in effect.alarms
    assert not [name for name in effect.alarms if int(name.partition(" ")[0]) < 2]


def test_a_twin_without_the_one_in_the_middle_is_still_a_twin(tiny: Path, warm: Lab) -> None:
    three = [
        {"id": n, "kind": "set_missing", "start": a, "end": b, "with": {"column": "age", "share": 0.2}}
        for n, a, b in (("a", 1, 3), ("b", 2, 6), ("c", 5, 7))
    ]
    given = {"inject": three, "score": {"within": 2, "at_least": 0.1}, "clock.windows": 10, "expect": []}
    found = warm.twin(tiny, given)
    assert [(f.of, f.compared) for f in found.effects][1:3] == [("a", "alone"), ("a", "in company")]


def test_nothing_switched_on_has_no_twin(tiny: Path, warm: Lab) -> None:
    with pytest.raises(UsageError, match="no injection on"):
        warm.twin(tiny, {"inject": [{**SHIFT, "enabled": False}], "expect": []})


def test_harm_is_measured_without_retrains_and_as_a_share(tiny: Path, warm: Lab) -> None:
    ready = check(tiny, {"expect": [], "inject": [BREAK], "stages.retrain.policy": {"every": {"windows": 1}}})
    found = effects(ready, warm.home)
    still = check(tiny, {**STILL, "inject": [BREAK]})
    worlds = Worlds(warm.home)
    hurt = hindsight(worlds.live(still))
    quiet = hindsight(worlds.live(without(still, {"law": False})))
    assert found["law"] == {w: pytest.approx((hurt[w] - quiet[w]) / quiet[w]) for w in hurt}
    assert found["law"][0] == 0 and found["law"][2] > 0.5


def test_a_score_may_take_its_harm_from_twins(eventful: Path, warm: Lab) -> None:
    run = warm.run(eventful, project=False)
    guessed, measured = warm.score(run.run), warm.score(run.run, twins=True)
    assert {e.harm.known_from for e in guessed.card.episodes} == {"hindsight"}
    assert {e.harm.known_from for e in measured.card.episodes} == {"twins"}
