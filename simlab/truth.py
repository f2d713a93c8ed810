"""Truth: what was done to the world, summed up per injection."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from simlab.events import Event, Injected, WorldStarted
from simlab.scenario import Scenario
from simlab.shapes import span
from simlab.signature import module_of


def truth(scenario: Scenario, world: Iterable[Event]) -> dict[str, Any]:
    """Span, intensity per window, rows touched, and declared beside measured size of each injection.

    `can_be_undone` says whether the injector has an exact inverse: given the same draws, its `undo`
    restores the very bytes.
    """
    acted: dict[str, list[Injected]] = {}
    law = "fitted"
    for fact in world:
        if isinstance(fact, WorldStarted):
            law = fact.law
        elif isinstance(fact, Injected):
            acted.setdefault(fact.injection, []).append(fact)
    found = []
    for injection in scenario.inject:
        if not injection.enabled:
            continue
        facts = acted.get(injection.id, [])
        episode = (
            None
            if injection.on == "training"
            else span(injection.shape, injection.start, injection.end, scenario.clock.windows)
        )
        masks = hashlib.sha256("".join(fact.mask for fact in facts).encode()).hexdigest()[:16]
        found.append(
            {
                "id": injection.id,
                "kind": injection.kind,
                "on": injection.on,
                "expected": injection.expected,
                "episode": None if episode is None else {"first": episode[0], "last": episode[1]},
                "where": injection.where,
                "fraction": injection.fraction,
                "declared": injection.settings,
                "intensity": {str(fact.window): fact.intensity for fact in facts if fact.window is not None},
                "rows": sum(fact.rows for fact in facts),
                "mask": masks,
                "measured": {str(fact.window): dict(fact.measured) for fact in facts},
                "size": {str(f.window): f.size.model_dump() for f in facts if f.size is not None},
                "can_be_undone": hasattr(module_of("injectors", injection.kind), "undo"),
            }
        )
    known = "replay" if scenario.world.order == "replay" else "drawn"
    return {
        "simlab": 1,
        "scenario": scenario.name,
        "world": known,
        "law": law,
        "truth": "unknown" if known == "replay" and not found else "known",
        "injections": found,
    }
