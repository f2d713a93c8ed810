"""Injectors that make sense in a regression alone: no trace without strength, a trace with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from simlab import events as e
from simlab.lab import Lab
from simlab.signature import module_of, names

Facts = Callable[[Path], tuple[bytes, bytes]]

KINDS = [k for k in names("injectors") if module_of("injectors", k).PROBLEMS == ("regression",)]
EXAMPLES = Path(__file__).parent / "injectors" / "examples"


@pytest.fixture
def hours(tiny: Path) -> Path:
    """The tiny world, with bicycles to count."""
    content = {**yaml.safe_load(tiny.read_text()), "dataset": "bikeshare", "given": [], "expect": []}
    tiny.write_text(yaml.safe_dump(content, sort_keys=False))
    return tiny


@pytest.mark.parametrize("kind", KINDS)
def test_it_leaves_a_trace_exactly_where_it_has_a_strength(
    kind: str, hours: Path, warm: Lab, facts: Facts
) -> None:
    content, example = (
        yaml.safe_load(hours.read_text()),
        yaml.safe_load((EXAMPLES / f"{kind}.yaml").read_text()),
    )

    def run(*settings: dict[str, object]) -> Path:
        inject = [{"id": "it", "kind": kind, "start": 1, **more} for more in settings]
        hours.write_text(yaml.safe_dump({**content, "inject": inject}, sort_keys=False))
        outcome = warm.run(hours, project=False)
        assert outcome.exit == 0, outcome.why
        return outcome.path

    plain = facts(run())
    assert facts(run(example["nothing"]))[0] == plain[0]
    assert facts(run({**example["something"], "enabled": False})) == plain
    something = run(example["something"])
    assert facts(something) == facts(run(example["something"])) != plain
    acted = [f for f in warm.events(something.name, world=True) if isinstance(f, e.Injected)]
    assert [f.window for f in acted] == [1, 2, 3] and all(f.relabelled > 0 for f in acted)
    for fact in acted:
        assert fact.size is not None
        within = max(1e-5, 4 * (fact.size.error or 0.0))
        assert fact.size.declared == pytest.approx(fact.size.measured, abs=within)
