"""Run: the one place where clock, log, store, cache and randomness meet the stages."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import IO, Any, Concatenate, NoReturn, ParamSpec, TypeVar

from simlab.artifacts import Window
from simlab.context import Context, seed_for
from simlab.digest import digest
from simlab.errors import EnvironmentProblem, SimlabError, StageFailed
from simlab.events import FACT, WORLD_FACT, Event, StageFinished
from simlab.events import StageFailed as StageFailedFact
from simlab.injection import inject_ops
from simlab.log import Log, Unwritten
from simlab.machine import disk_full, environment
from simlab.provenance import foreign_code, source_digest
from simlab.scenario import Scenario
from simlab.signature import keywords, module_of
from simlab.stages import stage as row_of
from simlab.store import Store

P = ParamSpec("P")
T = TypeVar("T")

Watch = Callable[[str, Any], None]
"""Told of what happens, for a person to see: ("stage", (name, window)), ("fact", event), ("say", text)."""


class Reached(Exception):
    """The stage at which the person wanted to stop is done."""


class Run:
    """One run: its logs, its place in simulated time, and the way to call a stage.

    Parameters
    ----------
    scenario
        What is lived through.
    settings
        Checked settings by stage, typed.
    folder
        The run's folder.
    store
        The home's artifacts and remembered steps.
    watch
        Told of stages and facts as they come.
    until
        Name of the stage after which to stop.
    light
        Live windows in memory: no log, no cache and no digest of what a window makes; builds are
        cached as ever. The facts are the same, but for `StageFinished` of a window's stages.
    """

    def __init__(
        self,
        scenario: Scenario,
        settings: Mapping[str, Mapping[str, Any]],
        folder: Path,
        store: Store,
        watch: Watch = lambda what, value: None,
        until: str | None = None,
        light: bool = False,
    ):
        self.scenario, self.settings, self.folder, self.store = scenario, settings, folder, store
        self.watch, self.until, self.light = watch, until, light
        self.window: int | None = None
        self.events = Unwritten() if light else Log(folder / "events.jsonl")
        self.world = Unwritten() if light else Log(folder / "world.jsonl", sync=False)
        self.said: list[Event] = []
        self.world_said: list[Event] = []
        self._timings: IO[str] = StringIO() if light else (folder / "timings.jsonl").open("a")
        self._kept: list[Any] = []
        self.remembered: dict[str, Any] = {}
        """Values that worlds of one process share: the labeller's graph."""
        self._workdirs: dict[str, Path] = {}
        self._told: tuple[int | None, str] = (-1, "")
        """The window of which the time was asked last, and the time."""
        self._calls: dict[str, int] = {}
        self._chains: dict[str, str] = {}
        self.carried_out = 0
        """Stage calls that were not repeated from the cache."""
        self._deferred: dict[str, list[str]] = {}
        # Effects are repeated from their recorded results, so what a killed run left is not trusted.
        shutil.rmtree(folder / "work", ignore_errors=True)

    # --- time -----------------------------------------------------------------------------------

    @property
    def time(self) -> str:
        """Simulated time: the scenario's start, then the end of the window that is lived through."""
        if self._told[0] != self.window:
            moment = self.scenario.clock.moment(0 if self.window is None else self.window + 1)
            self._told = self.window, moment.isoformat(timespec="seconds")
        return self._told[1]

    def enter(self, window: Window) -> None:
        """Go to a window."""
        self.window = window.number
        self.watch("window", window.number)

    # --- facts ----------------------------------------------------------------------------------

    def say(self, *facts: Event) -> None:
        """Record facts that no stage says, as one transaction."""
        self._record([self._placed(fact) for fact in facts])

    def say_of_world(self, fact: Event) -> None:
        """Record a fact in the world's own log."""
        fact = self._placed(fact) if not fact.time else fact
        self.world.append([fact])
        self.world_said.append(fact)

    def repeat(self, facts: Sequence[Event], world: Sequence[Event], calls: Mapping[str, int]) -> None:
        """Say what another world of the same build said of it, as if its stages had been called here."""
        self._calls.update(calls)
        self.world.append(world)
        self.world_said.extend(world)
        self._record(list(facts))

    def _placed(self, fact: Event) -> Event:
        window = fact.window if fact.window is not None else self.window
        return fact.placed(window, self.time)

    def _record(self, facts: list[Event], repeated: bool = False) -> None:
        self.events.append(facts, repeated=repeated)
        self.said.extend(facts)
        for fact in facts:
            self.watch("fact", fact)

    # --- stages ---------------------------------------------------------------------------------

    def do(self, function: Callable[Concatenate[Context, P], T], *nouns: P.args, **more: P.kwargs) -> T:
        """Call a stage as one transaction, or repeat what it is known to have made and said.

        Raises
        ------
        StageFailed
            The stage could not do its work; the fact is recorded.
        """
        name = function.__module__.rpartition(".")[2]
        row = row_of(name)
        if self.light and function.__name__ in row.live:
            return self._directly(function, name, nouns)
        self.watch("stage", (name, self.window))
        began, used = time.perf_counter(), time.process_time()
        settings = self._settings_of(function, name)
        effect = function.__name__ in row.effects
        ordinal = self._calls.get(function.__name__, 0)
        self._calls[function.__name__] = ordinal + 1
        key = self._key(function, name, nouns, ordinal, effect)
        known = self.store.recall(key)
        if known is not None:
            artifact, facts = known
            result: T = self.store.load(artifact)
            said = [FACT.validate_python(body) for body in facts if body["kind"] not in _WORLD]
            for body in facts:
                if body["kind"] in _WORLD:
                    self.say_of_world(WORLD_FACT.validate_python(body))
            if effect:
                self._deferred.setdefault(name, []).append(artifact)
        else:
            result, artifact, said = self._carry_out(function, name, nouns, settings, ordinal, effect)
        if effect:
            chain = self._chains.get(name, "")
            self._chains[name] = hashlib.sha256((chain + artifact).encode()).hexdigest()
        self._record(said, repeated=known is not None)
        if row.files:
            self._show(getattr(module_of("stages", name), row.files)(result))
        if known is None:
            world = [f for f in self._fresh_world]
            self.store.remember(key, artifact, [f.model_dump(mode="json") for f in (*world, *said)])
        spent = (time.perf_counter() - began, time.process_time() - used)
        self._time(name, function.__name__, *spent, known is not None)
        if self.until == name:
            raise Reached(name)
        return result

    def _show(self, files: Mapping[str, bytes]) -> None:
        """Write what a person may want to open into the run's folder; nothing depends on it."""
        for name, body in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)

    def _directly(self, function: Callable[..., T], name: str, nouns: tuple[Any, ...]) -> T:
        """Call a window's stage in memory: its facts are said, and nothing else is kept of it."""
        settings = self._settings_of(function, name)
        ordinal = self._calls.get(function.__name__, 0)
        self._calls[function.__name__] = ordinal + 1
        facts: list[Event] = []
        self._fresh_world: list[Event] = []
        result = self._call(function, name, nouns, settings, self._context(name, ordinal, facts), facts)
        for fact in self._fresh_world:
            self.say_of_world(fact)
        self._record(facts)
        return result

    def _settings_of(self, function: Callable[..., Any], name: str) -> dict[str, Any]:
        given = self.settings.get(name)
        return {k: v for k, v in given.items() if k in keywords(function)} if given else {}

    def _carry_out(
        self,
        function: Callable[..., T],
        name: str,
        nouns: tuple[Any, ...],
        settings: dict[str, Any],
        ordinal: int,
        effect: bool,
    ) -> tuple[T, str, list[Event]]:
        facts: list[Event] = []
        self.carried_out += 1
        self._fresh_world = []
        context = self._context(name, ordinal, facts)
        result = self._call(function, name, nouns, settings, context, facts, effect)
        artifact = self.store.save(result)
        for fact in self._fresh_world:
            self.say_of_world(fact)
        inputs = tuple(digest(noun)[:16] for noun in nouns)
        facts.append(self._placed(StageFinished(stage=name, artifact=artifact[:16], inputs=inputs)))
        return result, artifact, facts

    def _call(
        self,
        function: Callable[..., T],
        name: str,
        nouns: tuple[Any, ...],
        settings: dict[str, Any],
        context: Context,
        facts: list[Event],
        effect: bool = False,
    ) -> T:
        """Call a stage's function; what goes wrong there is the stage's failure, or else a fault."""
        try:
            if effect:
                self._catch_up(name, context)
            return function(context, *nouns, **settings)
        except SimlabError as wrong:
            if wrong.exit_code in (3, 7):
                raise
            self.fail(name, str(wrong), facts)
        except OSError as wrong:
            raise environment(wrong) from wrong
        except (KeyboardInterrupt, MemoryError):
            raise
        except Exception as wrong:
            if disk_full(wrong):
                raise EnvironmentProblem(f"the disk is full: {wrong}") from wrong
            if _ours(wrong):
                raise  # a fault of simlab is not a stage's failure
            note = self.folder / f"failure-{name}.txt"
            note.write_text(traceback.format_exc())
            self.fail(
                name, f"{type(wrong).__name__}: {str(wrong).splitlines()[0] if str(wrong) else ''}", facts
            )

    @property
    def calls(self) -> dict[str, int]:
        """How often each stage function was called."""
        return dict(self._calls)

    def keep(self, noun: Any) -> str:
        """Keep a noun for the stream to ask for later; its name."""
        if not self.light:
            return self.store.save(noun)
        # Only a retrain asks for a window again; where none can come, memory stays as large as a window.
        asked = self.scenario.setting("retrain", "policy", "never") != "never"
        self._kept.append(noun if asked else None)
        return str(len(self._kept) - 1)

    def recall(self, name: str) -> Any:
        """A noun that was kept."""
        return self._kept[int(name)] if self.light else self.store.load(name)

    def _context(self, name: str, ordinal: int, facts: list[Event]) -> Context:
        workdir = self._workdirs.get(name)
        if workdir is None:
            self._workdirs[name] = workdir = self.folder / "work" / name
            workdir.mkdir(parents=True, exist_ok=True)

        def through(seam: str, value: Any) -> Any:
            return inject_ops(
                self.scenario,
                seam,
                value,
                self.window,
                lambda fact: self._fresh_world.append(self._placed(fact)),
            )

        return Context(
            stage=name,
            window=self.window,
            seed=seed_for(self.scenario.seed.build, name, self.window, ordinal),
            emit=lambda fact: facts.append(self._placed(fact)),
            workdir=workdir,
            tell=lambda text: self.watch("say", text),
            ordinal=ordinal,
            seam=through,
        )

    def fail(self, name: str, why: str, facts: Sequence[Event] = ()) -> NoReturn:
        """Record what was said so far and that the stage failed.

        Raises
        ------
        StageFailed
            Always.
        """
        self._record([*facts, self._placed(StageFailedFact(stage=name, why=why))])
        raise StageFailed(name, self.window, why)

    def _catch_up(self, name: str, context: Context) -> None:
        """Repeat effects that were only remembered so far, before one is really carried out."""
        waiting = self._deferred.pop(name, [])
        restore = getattr(module_of("stages", name), row_of(name).restore)
        for artifact in waiting:
            restore(context, self.store.load(artifact))

    def _key(
        self, function: Callable[..., Any], name: str, nouns: tuple[Any, ...], ordinal: int, effect: bool
    ) -> str:
        """Cache key of a stage call: its code, its engines, its settings, its inputs, its randomness."""
        row = row_of(name)
        ops = (
            [i.model_dump_json() for i in self.scenario.inject if i.enabled and i.on == "ops"]
            if row.seams
            else []
        )
        parts = [
            source_digest(),
            function.__name__,
            json.dumps(self.scenario.stages.get(name, {}), sort_keys=True, default=str),
            foreign_code(self.scenario.stages.get(name, {})),
            [digest(noun) for noun in nouns],
            self.scenario.seed.build,
            self.window,
            self.time,
            ordinal,
            ops,
            self._chains.get(name, "") if effect else "",
            self.scenario.seed.world if ops else "",
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def memo(self, name: str, inputs: tuple[Any, ...], compute: Callable[[], Any]) -> Any:
        """A value that is computed once per inputs and home; no facts are said."""
        if self.light and self.window is not None and name == "hindsight":
            return compute()
        parts = json.dumps(["memo", source_digest(), name, [digest(i) for i in inputs]])
        if self.light and parts in self.remembered:
            return self.remembered[parts]
        key = hashlib.sha256(parts.encode()).hexdigest()
        known = self.store.recall(key)
        if known is not None:
            value = self.store.load(known[0])
        else:
            value = compute()
            self.store.remember(key, self.store.save(value), [])
        if self.light:
            self.remembered[parts] = value
        return value

    def _time(self, stage: str, function: str, seconds: float, cpu: float, cached: bool) -> None:
        body = {
            "stage": stage,
            "function": function,
            "window": self.window,
            "seconds": round(seconds, 6),
            "cpu": round(cpu, 6),
            "cached": cached,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        self._timings.write(json.dumps(body) + "\n")
        self._timings.flush()

    def note(self, what: str, **figures: Any) -> None:
        """Write a wall-clock note that is no fact: a resume, a phase's seconds."""
        body = {"note": what, **figures, "at": datetime.now(UTC).isoformat(timespec="milliseconds")}
        self._timings.write(json.dumps(body) + "\n")
        self._timings.flush()

    def close(self) -> None:
        """Close the files."""
        self.events.close()
        self.world.close()
        self._timings.close()


_WORLD = {"WorldStarted", "Injected", "HindsightMeasured", "WorldFinished"}


def _ours(wrong: BaseException) -> bool:
    """Whether an error was raised by simlab's own code outside the engine adapters."""
    last = traceback.extract_tb(wrong.__traceback__)[-1].filename
    here = Path(__file__).parent
    return Path(last).is_relative_to(here) and not Path(last).is_relative_to(here / "engines")
