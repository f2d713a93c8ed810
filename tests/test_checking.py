"""Everything a scenario refers to is looked up before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from simlab.checking import check
from simlab.errors import ScenarioInvalid
from simlab.stages.monitor import Datapoints

SHIPPED = sorted((Path(__file__).parent.parent / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_scenario_can_run(path: Path) -> None:
    ready = check(path)
    assert ready.card.problem == ready.schema.problem
    assert set(ready.settings) == set(ready.scenario.stages)


def test_settings_come_typed(eventful: Path) -> None:
    ready = check(eventful)
    assert ready.settings["monitor"]["alarm"] == Datapoints(1, 1)
    assert ready.settings["train"] == {"rounds": 10}


def test_problems_of_every_kind_are_told_together(eventful: Path) -> None:
    text = eventful.read_text()
    for old, new in (
        ("adult-income", "adult-incom"),
        ("rounds:", "round:"),
        ("shift_column", "shift"),
        ("retrained", "retraind"),
    ):
        text = text.replace(old, new)
    eventful.write_text(text)
    with pytest.raises(ScenarioInvalid) as wrong:
        check(eventful)
    said = "\n".join(wrong.value.problems)
    for word in ("adult-incom", "'round'", "'shift'", "'retraind'"):
        assert word in said, said


def test_a_policy_and_a_detector_of_ones_own_may_be_named(tiny: Path) -> None:
    assert check(tiny, {"stages.retrain.policy": "simlab.policies.never.never"}).scenario
    with pytest.raises(ScenarioInvalid, match="cannot import"):
        check(tiny, {"stages.retrain.policy": "nosuch.module.never"})


def test_a_column_named_in_a_condition_must_be_there(eventful: Path) -> None:
    assert check(eventful, {"inject.older.where": "age > 30 AND sex = 'Female'"})
    with pytest.raises(ScenarioInvalid, match=r"inject\[0\]\.where"):
        check(eventful, {"inject.older.where": "income > 30"})


@pytest.mark.parametrize("dataset", ["bikeshare", "nyc-flights"])
def test_a_dataset_with_a_clock_is_only_replayed_where_views_ask_for_it(dataset: str, tiny: Path) -> None:
    change = {
        "dataset": dataset,
        "world": {"order": "replay"},
        "given": [],
        "clock.start": "2013-06-01" if dataset == "nyc-flights" else "2011-06-01",
    }
    assert check(tiny, change)
    if dataset == "nyc-flights":
        with pytest.raises(ScenarioInvalid, match="only fit a replay"):
            check(tiny, {**change, "world": {"order": "drawn"}})
        with pytest.raises(ScenarioInvalid, match="before the clock's start"):
            check(tiny, {**change, "world": {"order": "replay", "training_from": "2013-07-01"}})


CHANGE = "inject: [{id: rule, kind: change_rule, on: labels, start: 1, with: {to: {%s}}}]\n"


@pytest.mark.parametrize(
    ("dataset", "to", "says"),
    [
        ("adult-income", "function: 2", "needs a generated world; adult-income is real data"),
        ("agrawal", "funktion: 2", "no key called 'funktion'; did you mean 'function'"),
        ("agrawal", "function: 12", "12 is not one of them"),
        ("agrawal", "function: 1", "agrawal is like that already"),
        ("sea", "threshold: high", "with.to.threshold"),
        ("sea", "", "with.to"),
    ],
)
def test_a_rule_changes_only_where_there_is_one_and_into_another(
    dataset: str, to: str, says: str, tiny: Path
) -> None:
    tiny.write_text(tiny.read_text().replace("adult-income", dataset) + CHANGE % to)
    with pytest.raises(ScenarioInvalid) as wrong:
        check(tiny)
    assert says in str(wrong.value)
    assert str(wrong.value).count("inject[0]") == 1, "told once"


def test_a_generated_world_has_no_clock_to_replay(tiny: Path) -> None:
    with pytest.raises(ScenarioInvalid, match="cannot be replayed"):
        check(tiny, {"dataset": "sea", "world": {"order": "replay"}})
