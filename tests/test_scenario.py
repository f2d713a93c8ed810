"""A scenario file: parsed, changed by `--set`, resolved and read again."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from simlab.errors import ScenarioInvalid, UsageError
from simlab.scenario import mutants, parse_sets, read

SHIPPED = sorted((Path(__file__).parent.parent / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_resolved_scenario_reads_back_as_itself(path: Path, tmp_path: Path) -> None:
    scenario = read(path)
    again = tmp_path / path.name
    again.write_text(scenario.text())
    assert read(again) == scenario
    assert read(again).text() == scenario.text()


def test_a_plain_seed_means_both(tiny: Path) -> None:
    assert read(tiny).seed.model_dump() == {"world": 3, "build": 3}
    assert read(tiny, {"seed.world": 9}).seed.model_dump() == {"world": 9, "build": 3}
    assert read(tiny, {"seed": {"build": 4}}).seed.model_dump() == {"world": 0, "build": 4}


def test_times_lengths_and_the_label_horizon(tiny: Path) -> None:
    scenario = read(tiny, {"labels.delay": "30h"})
    assert scenario.clock.moment(2) == datetime(2026, 1, 7)
    assert (scenario.labels.delay, scenario.horizon) == (timedelta(hours=30), 2)
    assert read(tiny, {"labels.delay": 0}).horizon == 0


def test_a_moment_with_a_zone_is_read_as_utc(tiny: Path) -> None:
    assert read(tiny, {"clock.start": "2026-01-05T03:00:00+02:00"}).clock.start == datetime(2026, 1, 5, 1)


def test_a_bare_expectation_is_one_without_settings(tiny: Path) -> None:
    assert read(tiny, {"expect": ["retrained", {"retrained": None}]}).expect == (
        {"retrained": {}},
        {"retrained": {}},
    )


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("clock.windws", 5, "no key called 'windws'; did you mean 'windows'?"),
        ("title.more", 5, "title is 'A tiny world in which much happens' and has no keys"),
        ("inject.oldr.start", 5, "inject has no item 'oldr'; did you mean 'older'?"),
        ("inject.7.start", 5, "inject has no item '7'"),
        ("nosuch", 5, "no key called 'nosuch'"),
    ],
)
def test_a_change_that_cannot_be_is_refused(key: str, value: object, words: str, eventful: Path) -> None:
    with pytest.raises(ScenarioInvalid) as wrong:
        read(eventful, {key: value})
    assert words in str(wrong.value)


def test_changes_reach_everywhere(eventful: Path) -> None:
    sets = parse_sets(
        [
            "inject.comma.fraction=0.5",
            "inject.0.with.by=2",
            "stages.train.fixed={num_leaves: 4}",
            "labels.delay=0s",
            "shows=~",
        ]
    )
    scenario = read(eventful, {k: v for k, v in sets.items() if k != "shows"})
    assert scenario.injection("comma").fraction == 0.5
    assert scenario.injection("older").settings == {"column": "age", "by": 2}
    assert scenario.stages["train"] == {"rounds": 10, "fixed": {"num_leaves": 4}}
    assert sets["shows"] is None


@pytest.mark.parametrize("given", ["windows", "=5", " =5", "a=[1"])
def test_a_set_that_is_none_is_a_usage_error(given: str) -> None:
    with pytest.raises(UsageError):
        parse_sets([given])


def test_mutants_are_what_must_break_an_expectation(eventful: Path) -> None:
    found = mutants(read(eventful))
    assert found == {
        "without older": {"inject.older.enabled": False},
        "without comma": {"inject.comma.enabled": False},
        "monitors muted": {"stages.monitor.muted": True},
        "policy never": {"stages.retrain.policy": "never"},
    }
    for name, sets in found.items():
        assert read(eventful, sets).text() != read(eventful).text(), name
