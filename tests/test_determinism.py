"""Same scenario, same seed: the same logs to the byte, whatever is cached, reordered or switched off."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simlab import events as e
from simlab.lab import Lab
from simlab.signature import module_of, names

Facts = Callable[[Path], tuple[bytes, bytes]]

EXAMPLES = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted((Path(__file__).parent / "injectors" / "examples").glob("*.yaml"))
}
BINARY = [k for k in EXAMPLES if "binary" in module_of("injectors", k).PROBLEMS]
"""The worlds below ask a yes or no; tests/test_regression_injectors.py holds a regression's injectors to the same."""
NOTHING: dict[str, dict[str, Any]] = {k: EXAMPLES[k]["nothing"] for k in BINARY if "nothing" in EXAMPLES[k]}
"""Settings with which an injector does nothing at all."""
SKIPPED = {k: e["skip"] for k, e in EXAMPLES.items() if "skip" in e}
"""Injectors that adult-income has no use for, and why; tested where their examples say."""
SOMETHING: dict[str, dict[str, Any]] = {
    k: EXAMPLES[k]["something"] for k in BINARY if k not in SKIPPED and "dataset" not in EXAMPLES[k]
}
"""Settings with which every injector does something."""


def injections(settings: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": f"i-{kind}", "kind": kind, "start": 1, **more} for kind, more in settings.items()]


def written(path: Path, inject: list[dict[str, Any]]) -> Path:
    """A scenario with other injections, in the same file and so under the same name."""
    content = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**content, "inject": inject, "expect": []}, sort_keys=False))
    return path


def test_two_fresh_homes_tell_the_same_story(eventful: Path, tmp_path: Path, facts: Facts) -> None:
    first = Lab(tmp_path / "one").run(eventful, project=False)
    second = Lab(tmp_path / "another").run(eventful, project=False)
    assert first.exit == 0, first.why
    assert facts(first.path) == facts(second.path)
    assert (first.path / "truth.json").read_bytes() == (second.path / "truth.json").read_bytes()


def test_a_warm_cache_tells_the_same_story(eventful: Path, lab: Lab, facts: Facts) -> None:
    cold = lab.run(eventful, project=False)
    heard: list[str] = []
    warm = lab.run(eventful, project=False, watch=lambda what, value: heard.append(what))
    assert (cold.run, warm.run) == ("eventful-001", "eventful-002")
    assert facts(cold.path) == facts(warm.path)
    assert '"cached": false' not in (warm.path / "timings.jsonl").read_text()


def test_a_cache_that_lost_half_its_steps_tells_the_same_story(
    eventful: Path, lab: Lab, facts: Facts
) -> None:
    # The online store must be brought to the state that the forgotten steps found it in.
    whole = lab.run(eventful, project=False)
    for keep in (0, 1, 2):
        steps = sorted((lab.home / "store" / "steps").rglob("*.json"))
        for number, step in enumerate(steps):
            if number % 3 != keep:
                step.unlink()
        again = lab.run(eventful, project=False)
        assert facts(again.path) == facts(whole.path)


def test_another_seed_tells_another_story(tiny: Path, warm: Lab, facts: Facts) -> None:
    one = warm.run(tiny, project=False)
    world = warm.run(tiny, {"seed.world": 4}, project=False)
    build = warm.run(tiny, {"seed.build": 4}, project=False)
    assert len({facts(o.path)[0] for o in (one, world, build)}) == 3
    started = [warm.events(o.run, world=True)[0] for o in (one, world, build)]
    assert started[0] == started[1], "the world's seed does not touch what a model is built on"
    assert started[0] != started[2]


@pytest.mark.parametrize("kind", sorted(NOTHING))
def test_an_injection_without_strength_leaves_no_trace_an_operator_could_see(
    kind: str, tiny: Path, warm: Lab, facts: Facts
) -> None:
    without = warm.run(written(tiny, []), project=False)
    with_nothing = warm.run(written(tiny, injections({kind: NOTHING[kind]})), project=False)
    assert facts(with_nothing.path)[0] == facts(without.path)[0]


@pytest.mark.parametrize("kind", sorted(set(BINARY) - set(SKIPPED)))
def test_an_injection_that_never_fires_leaves_no_trace_at_all(
    kind: str, tiny: Path, warm: Lab, facts: Facts
) -> None:
    assert set(EXAMPLES) == set(names("injectors")), "a new injector belongs into this folder"
    if "dataset" in EXAMPLES[kind]:
        tiny.write_text(tiny.read_text().replace("adult-income", EXAMPLES[kind]["dataset"]))
    without = warm.run(written(tiny, []), project=False)
    (silent,) = injections({kind: EXAMPLES[kind]["something"]})
    for never in (
        {"enabled": False},
        {"start": 3, "shape": {"steps": {9: 1.0}}},
        {"shape": {"steps": {0: 0.0}}},
    ):
        run = warm.run(written(tiny, [{**silent, **never}]), project=False)
        assert facts(run.path) == facts(without.path), never


def test_the_order_of_injections_in_the_file_does_not_matter(tiny: Path, warm: Lab, facts: Facts) -> None:
    # Two that move the same column, and one of every kind besides.
    every = injections(SOMETHING)
    every.append(
        {
            "id": "again",
            "kind": "shift_column",
            "start": 2,
            "with": {"column": "age", "by": 0.1, "scale": 1.7},
        }
    )
    every.append({"id": "later", "kind": "set_missing", "start": 2, "with": {"column": "age", "share": 0.5}})
    stories = [
        facts(warm.run(written(tiny, order), project=False).path)
        for order in (every, every[::-1], every[3:] + every[:3])
    ]
    assert stories[0] == stories[1] == stories[2]


MEASURED = [
    k for k in SOMETHING if module_of("injectors", k).SEAM in ("traffic", "labels") and k != "duplicate_rows"
]
"""Those whose mask is theirs alone: an arrival's also depends on which rows were answered."""


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(picked=st.lists(st.sampled_from(MEASURED), min_size=2, max_size=4, unique=True))
def test_a_further_injection_does_not_disturb_the_draws_of_the_others(
    picked: list[str], tmp_path: Path, tiny: Path, warm: Lab
) -> None:
    def masks(kinds: list[str]) -> dict[tuple[str, int | None], str]:
        chosen = [{"fraction": 0.5, **i} for i in injections({k: SOMETHING[k] for k in kinds})]
        run = warm.run(written(tiny, chosen), project=False)
        return {
            (f.injection, f.window): f.mask
            for f in warm.events(run.run, world=True)
            if isinstance(f, e.Injected)
        }

    few, more = masks(picked[:-1]), masks(picked)
    assert few and {key: mask for key, mask in more.items() if key in few} == few


def test_the_words_in_the_file_that_decide_nothing_change_nothing(
    tiny: Path, warm: Lab, facts: Facts
) -> None:
    plain = warm.run(tiny, project=False)
    tiny.write_text("# a remark\n" + tiny.read_text().replace("shows: That", "shows: Perhaps that"))
    assert facts(warm.run(tiny, project=False).path) == facts(plain.path)


def test_what_else_lives_in_the_home_does_not_matter(
    tiny: Path, eventful: Path, lab: Lab, facts: Facts
) -> None:
    alone = lab.run(tiny, project=False)
    shutil.rmtree(lab.home / "store")
    lab.run(eventful, project=False)
    assert facts(lab.run(tiny, project=False).path) == facts(alone.path)
