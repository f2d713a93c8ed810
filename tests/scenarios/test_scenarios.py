"""Every shipped scenario holds, every mutant of it does not, and a quiet world stays quiet on unseen seeds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from simlab.lab import Lab
from simlab.scenario import mutants, read

ROOT = Path(__file__).parent.parent.parent
SCENARIOS = sorted((ROOT / "scenarios").glob("*.yaml"))
MUTANTS = [(path, name, sets) for path in SCENARIOS for name, sets in mutants(read(path)).items()]

pytestmark = [pytest.mark.slow, pytest.mark.scenario]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all, so that what a mutant has in common with its scenario is computed once."""
    return tmp_path_factory.mktemp("scenarios")


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_shipped_scenario_holds(path: Path, home: Path) -> None:
    outcome = Lab(home).run(path, project=False)
    broken = [f"{v.expectation}: {v.why}" for v in outcome.verdicts if not v.held]
    assert outcome.exit == 0, broken


@pytest.mark.parametrize(("path", "name", "sets"), MUTANTS, ids=[f"{p.stem}: {n}" for p, n, _ in MUTANTS])
def test_a_mutant_breaks_an_expectation(path: Path, name: str, sets: dict[str, Any], home: Path) -> None:
    outcome = Lab(home).run(path, sets, project=False)
    assert outcome.exit in (4, 5, 6, 8), f"{path.stem} holds although: {name}"
    assert any(not v.held for v in outcome.verdicts)


def test_every_scenario_has_mutants_and_says_what_it_shows() -> None:
    assert len(SCENARIOS) >= 5
    for path in SCENARIOS:
        scenario = read(path)
        assert len(mutants(scenario)) >= 2 or scenario.world.order == "replay", path.stem
        assert scenario.shows.strip() and scenario.expect, path.stem


def test_a_quiet_world_stays_quiet_on_twenty_unseen_seeds(home: Path) -> None:
    """The scenario states at most one loud run in ten; twenty unseen seeds must agree with that."""
    seeds = range(101, 121)
    loud = [
        seed
        for seed in seeds
        if Lab(home).run(ROOT / "scenarios/quiet-world.yaml", {"seed.world": seed}, project=False).exit != 0
    ]
    stated = 0.1
    # The most false alarms that a rate of one in ten explains with a probability of 99 %.
    most = next(
        k
        for k in range(21)
        if sum(math.comb(20, i) * stated**i * (1 - stated) ** (20 - i) for i in range(k + 1)) > 0.99
    )
    assert len(loud) <= most, loud
