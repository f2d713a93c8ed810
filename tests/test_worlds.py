"""A world lived through in memory says what a run says."""

from __future__ import annotations

from pathlib import Path

import pytest

from simlab import events as e
from simlab.checking import check
from simlab.lab import Lab
from simlab.worlds import Worlds, build_key, with_seed, without


def told(events: list[e.Event] | tuple[e.Event, ...]) -> list[dict[str, object]]:
    """Facts without those that only name what was kept on disk."""
    return [f.model_dump(mode="json") for f in events if not isinstance(f, e.StageFinished)]


@pytest.mark.parametrize("name", ["tiny", "eventful"])
def test_it_says_what_a_run_says(name: str, warm: Lab, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(name)
    run = warm.run(path, project=False)
    lived = Worlds(warm.home).live(check(path))
    assert told(list(lived.events)) == told(warm.events(run.run))
    assert [f.model_dump() for f in lived.world] == [f.model_dump() for f in warm.events(run.run, world=True)]
    assert (lived.status, lived.exit, lived.why) == (run.status, run.exit, run.why)
    assert [(v.expectation, v.held) for v in lived.verdicts] == [
        (v.expectation, v.held) for v in run.verdicts
    ]


def test_worlds_of_one_build_build_once_and_differ(tiny: Path, warm: Lab) -> None:
    ready, worlds = check(tiny), Worlds(warm.home)
    first, second, again = (worlds.live(with_seed(ready, seed)) for seed in (1, 2, 1))
    assert len(worlds._builds) == 1
    assert told(list(first.events)) == told(list(again.events))
    assert told(list(first.events)) != told(list(second.events))
    built = [[f for f in told(list(w.events)) if f["window"] is None and f["kind"] != "RunStarted"]
             for w in (first, second)]  # fmt: skip
    assert built[0] == built[1]


def test_what_a_build_depends_on_makes_another_build(tiny: Path) -> None:
    same = [{}, {"seed.world": 9}, {"stages.retrain.policy": "never"}, {"clock.windows": 7}]
    other = [{"seed.build": 9}, {"stages.train.rounds": 5}, {"world.training": 900}, {"clock.rows": 70}]
    keys = [build_key(check(tiny, sets)) for sets in same]
    assert len(set(keys)) == 1
    assert not set(keys) & {build_key(check(tiny, sets)) for sets in other}


def test_an_injection_switched_off_leaves_the_quiet_world(eventful: Path, warm: Lab) -> None:
    ready, worlds = check(eventful, {"expect": []}), Worlds(warm.home)
    off = worlds.live(without(ready, {i.id: False for i in ready.scenario.inject}))
    assert not [f for f in off.world if isinstance(f, e.Injected)]
    quiet = check(eventful, {"inject": [], "expect": []})
    assert told(list(worlds.live(quiet).events)) == told(list(off.events))
