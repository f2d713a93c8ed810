"""Scoring: a run's monitors against the truth of its world, and whether they reach what is asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from simlab import episodes as true
from simlab.errors import ScenarioInvalid, UsageError, did_you_mean
from simlab.events import Event, RunStarted, figure
from simlab.expect import Verdict
from simlab.quality import DEFAULT_METRIC
from simlab.scenario import Scenario
from simlab.views.harm import Effects
from simlab.views.scorecard import Card, Known, scorecard


@dataclass(frozen=True)
class Scored:
    """How a run's monitors did."""

    run: str
    scenario: str
    title: str
    card: Card
    verdict: Verdict | None
    """Whether they reach what the scenario asks of them; None where it asks nothing."""

    @property
    def exit(self) -> int:
        """0, or 6 where the score is under what is asked."""
        return 6 if self.verdict is not None and not self.verdict.held else 0

    def as_json(self) -> dict[str, Any]:
        """The one object of `simlab score --json`."""
        asked = self.verdict
        return {
            "run": self.run,
            "scenario": self.scenario,
            **self.card.as_json(),
            "at_least": None
            if asked is None
            else {"asked": asked.expectation, "reached": asked.held, "why": asked.why},
            "exit": self.exit,
        }


def card_of(
    scenario: Scenario,
    events: Sequence[Event],
    world: Sequence[Event],
    effects: Effects | None = None,
    rivals: bool = True,
) -> Card:
    """The scorecard of what a run said.

    Parameters
    ----------
    events, world
        The run's two logs.
    effects
        Effects of injections from twin runs, by injection and window; without them, harm is judged in
        hindsight.
    rivals
        Whether monitors that know nothing stand beside.

    Raises
    ------
    UsageError
        The run lived through no window.
    ScenarioInvalid
        Which episode an alarm belongs to could not be told.
    """
    started = next((fact for fact in events if isinstance(fact, RunStarted)), None)
    lived = 1 + max((fact.window for fact in events if fact.window is not None), default=-1)
    if started is None or not lived:
        raise UsageError("the run lived through no window, so there is nothing to score")
    if unclear := true.overlaps(scenario):
        raise ScenarioInvalid(scenario.name or "scenario", unclear)
    found = tuple(e for e in true.episodes(scenario, world) if e.first < lived)
    of_inputs = tuple(e for e in true.episodes(scenario, world, of_inputs=True) if e.first < lived)
    uneven = tuple(e for e in true.episodes(scenario, world, uneven=True) if e.first < lived)
    faults = tuple(f for f in true.faults(scenario) if f.first < lived)
    quiet = {name: span for name, span in true.benign(scenario).items() if span[0] < lived}
    given = scenario.scoring
    replayed = scenario.world.order == "replay"
    known = Known(
        windows=lived,
        step_seconds=scenario.clock.step.total_seconds(),
        episodes=found,
        of_inputs=of_inputs,
        uneven=uneven,
        faults=faults,
        benign=quiet,
        metric=given.harm.metric or DEFAULT_METRIC[started.problem],
        worse_by=given.harm.worse_by,
        targets=dict(given.targets),
        rules=true.rules(scenario),
        seed=started.seed["world"],
        unknown=replayed and not found and not quiet,
    )
    card = scorecard(events, world, known, effects, rivals)
    return replace(card, known=replace(known, notes=_notes(card, replayed)))


def _notes(card: Card, replayed: bool) -> tuple[str, ...]:
    """What a reader of the card must know beside it."""
    notes = []
    if card.known.unknown:
        notes.append("truth unknown: rows were replayed in their own time order, and nothing was injected")
    elif replayed:
        notes.append("a replayed world drifts by itself, so a false alarm may be true")
    if any(e.harm.known_from == "hindsight" for e in card.episodes):
        notes.append(
            "harm: from hindsight, each window against the quiet ones before; a twin run measures it exactly"
        )
    notes += [
        f"{e.episode.id}: the run ends inside its acceptance window, so it is left out"
        for e in card.episodes
        if e.cut_short
    ]
    return tuple(notes)


def judge(scenario: Scenario, card: Card) -> Verdict | None:
    """Whether the monitors reach what the scenario asks of them; None where it asks nothing."""
    asked = scenario.scoring.at_least
    if asked is None:
        return None
    said = f"at_least: {{monitor: {asked.monitor}, figure: {asked.figure}, value: {asked.value:g}}}"
    monitor = card.monitor(asked.monitor)
    if monitor is None:
        known = [m.name for m in card.monitors]
        return Verdict(
            said, False, f"no monitor called {asked.monitor!r}{did_you_mean(asked.monitor, known)}"
        )
    value = monitor.lift if asked.figure == "lift" else getattr(monitor.figures, asked.figure)
    if value is None:
        return Verdict(said, False, f"the {asked.figure} of {asked.monitor} is undefined in this run")
    best = f"; the best that knows nothing ({monitor.best}) has an F1 of " if monitor.best else ""
    rival = next((b.figures.f1 for b in monitor.baselines if b.name == monitor.best), None)
    why = f"the {asked.figure} of {asked.monitor} is {figure(value):.4g}"
    return Verdict(said, value >= asked.value, why + (f"{best}{rival:.4g}" if rival is not None else ""))


def scored(
    run: str,
    scenario: Scenario,
    events: Sequence[Event],
    world: Sequence[Event],
    effects: Effects | None = None,
) -> Scored:
    """A run's scorecard, and whether it reaches what the scenario asks; see `card_of`."""
    card = card_of(scenario, events, world, effects)
    return Scored(run, scenario.name, scenario.title, card, judge(scenario, card))


def verdicts_on(scenario: Scenario, events: Sequence[Event], world: Sequence[Event]) -> list[Verdict]:
    """The verdict on the score of a run that came to its end; none where the scenario asks nothing."""
    if scenario.scoring.at_least is None:
        return []
    found = judge(scenario, card_of(scenario, events, world))
    return [found] if found is not None else []


def card_if_any(scenario: Scenario, events: Sequence[Event], world: Sequence[Event]) -> Card | None:
    """The card for a report: None where there is no episode, or no truth, to hold alarms against."""
    try:
        card = card_of(scenario, events, world)
    except (UsageError, ScenarioInvalid):
        return None
    some = card.episodes or card.known.faults
    return card if some and not card.known.unknown else None
