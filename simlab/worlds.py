"""Worlds: scenarios lived through in memory, many of them, on builds that they share.

A sweep, a twin or a calibration asks what happens in hundreds of worlds that differ in a seed, an
injection or a policy. Such a world writes no log, no cache and no report; what it says is the same as
what `simlab run` writes to `events.jsonl`, but for the artifact digests of a window's stages. Its
build is computed once per distinct build and home, and kept in the process.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simlab import events as e
from simlab.checking import Checked
from simlab.errors import StageFailed
from simlab.expect import Verdict
from simlab.faults import strikes_the_build
from simlab.lifecycle import build
from simlab.run import Run
from simlab.scenario import Scenario
from simlab.signature import keywords, module_of
from simlab.stages import STAGES, Stage
from simlab.store import Store
from simlab.story import Built, Status, begin, outside, source_of, tell
from simlab.stream import Source, Stream

MOST = 8
"""Builds that a process keeps at a time."""


@dataclass(frozen=True)
class Lived:
    """A world that was lived through."""

    scenario: Scenario
    problem: str
    events: Sequence[e.Event]
    """What an operator could see."""
    world: Sequence[e.Event]
    """What was done to the world, and hindsight."""
    verdicts: tuple[Verdict, ...]
    status: Status
    exit: int
    why: str
    build_seconds: float
    """What the build cost here: next to nothing where it was known."""
    live_seconds: float


def build_key(ready: Checked) -> str:
    """What a build depends on, as text: worlds with the same one share a build."""
    scenario = ready.scenario
    stages = {s.name: _of_build(s, scenario.stages.get(s.name)) for s in STAGES}
    training = [
        i.model_dump(mode="json")
        for i in scenario.inject
        if i.enabled and (i.on == "training" or strikes_the_build(i))
    ]
    clock = scenario.clock
    parts: dict[str, Any] = {
        "dataset": scenario.dataset,
        "rows": _rows_of(ready),
        "seed": scenario.seed.build,
        "world": scenario.world.model_dump(mode="json"),
        "clock": [clock.start.isoformat(), clock.step.total_seconds(), clock.rows],
        "windows": clock.windows if scenario.world.order == "replay" else None,
        "stages": stages,
        "training": sorted(training, key=lambda i: str(i["id"])),
        "name": scenario.name,
    }
    return json.dumps(parts, sort_keys=True, default=str)


def _of_build(stage: Stage, given: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What a stage's settings say of a build: the keys of those of its functions that take part in one."""
    module = module_of("stages", stage.name)
    known = [keywords(getattr(module, f)) for f in stage.functions if f not in stage.live]
    return {k: v for k, v in (given or {}).items() if any(k in keys for keys in known)} or None


def _rows_of(ready: Checked) -> str:
    """Which rows a dataset has: digests of its files, or what makes them."""
    made = ready.card.generator
    return json.dumps(dict(sorted(ready.card.digest.items()))) if made is None else made.model_dump_json()


class Worlds:
    """Worlds of one home, lived through one after the other in this process.

    Parameters
    ----------
    home
        Where builds are cached.
    """

    def __init__(self, home: Path):
        self.store = Store(home / "store")
        self._sources: dict[str, Source] = {}
        self._builds: dict[str, Built] = {}
        self._graphs: dict[str, Any] = {}

    def live(self, ready: Checked) -> Lived:
        """Live through one world.

        Raises
        ------
        SimlabError
            The world could not be lived through for a reason that is none of the scenario's.
        """
        with tempfile.TemporaryDirectory(prefix="world-") as folder:
            began = time.perf_counter()
            source = self._source(ready)
            built = self._built(ready, source, Path(folder) / "build")
            ready_at = time.perf_counter()
            run = self._run(ready, Path(folder))
            told = tell(run, ready, source, built)
            ended = time.perf_counter()
        return Lived(
            scenario=ready.scenario,
            problem=ready.card.problem,
            events=run.said,
            world=run.world_said,
            verdicts=told.verdicts,
            status=told.status,
            exit=told.exit,
            why=told.why,
            build_seconds=ready_at - began,
            live_seconds=ended - ready_at,
        )

    def prepare(self, ready: Checked) -> bool:
        """Build what a world stands on, so that others find it in the home; whether that succeeded."""
        with tempfile.TemporaryDirectory(prefix="world-") as folder:
            return self._built(ready, self._source(ready), Path(folder)) is not None

    def _run(self, ready: Checked, folder: Path) -> Run:
        folder.mkdir(parents=True, exist_ok=True)
        run = Run(ready.scenario, ready.settings, folder, self.store, light=True)
        run.remembered = self._graphs
        return run

    def _source(self, ready: Checked) -> Source:
        key = f"{ready.scenario.dataset}/{_rows_of(ready)}"
        if key not in self._sources:
            self._sources[key] = source_of(ready)
        return self._sources[key]

    def _built(self, ready: Checked, source: Source, folder: Path) -> Built | None:
        """The build of a world, from memory where it is known; None where it fails or is rejected."""
        key = build_key(ready)
        if key in self._builds:
            return self._builds[key]
        run = self._run(ready, folder)
        begin(run, ready, source)
        said = len(run.said)
        stream = Stream(ready.scenario, source, outside(run))
        try:
            deployment = build(run, stream.training())
        except StageFailed:
            return None  # the world itself will say so, as a run would
        built = Built(
            stream.parts,
            stream.learned,
            deployment,
            events=tuple(run.said[said:]),
            world=tuple(run.world_said),
            calls=run.calls,
        )
        if len(self._builds) >= MOST:
            del self._builds[next(iter(self._builds))]
        self._builds[key] = built
        return built


def without(ready: Checked, *changes: Mapping[str, Any]) -> Checked:
    """A checked scenario with injections switched off or on: nothing that needs checking again.

    Parameters
    ----------
    changes
        Each maps ids of injections to whether they are enabled.
    """
    enabled: dict[str, bool] = {}
    for change in changes:
        enabled.update(change)
    inject = tuple(
        i.model_copy(update={"enabled": enabled[i.id]}) if i.id in enabled else i
        for i in ready.scenario.inject
    )
    return with_scenario(ready, ready.scenario.model_copy(update={"inject": inject}))


def with_seed(ready: Checked, seed: int) -> Checked:
    """A checked scenario in another live world."""
    scenario = ready.scenario
    seeds = scenario.seed.model_copy(update={"world": seed})
    return with_scenario(ready, scenario.model_copy(update={"seed": seeds}))


def with_scenario(ready: Checked, scenario: Scenario) -> Checked:
    """A checked scenario with a changed world; what its stages do stays as it was checked."""
    return replace(ready, scenario=scenario)
