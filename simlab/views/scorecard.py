"""The scorecard: every monitor of a run against the truth it aims at, beside monitors that know nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from math import fsum
from typing import Any

from simlab.events import AlarmChanged, Event, FindingMade, RetrainFinished, figure
from simlab.targets import Target, of_inputs, target_of
from simlab.views.baselines import Baseline, baselines
from simlab.views.detection import Episode, Figures, Rules, Span, Truth, measure
from simlab.views.harm import Effects, Harm, harm

OVERALL = "overall"
"""All alarms together but those of the monitors' own health, against every true episode."""


@dataclass(frozen=True)
class Known:
    """What is known of a world, in plain words: the truth that monitors are scored against."""

    windows: int
    """Windows lived through."""
    step_seconds: float = 86400
    episodes: tuple[Episode, ...] = ()
    """Episodes of everything that was done."""
    of_inputs: tuple[Episode, ...] = ()
    """Episodes of what moved the inputs: what a monitor of the data can see."""
    uneven: tuple[Episode, ...] = ()
    """Episodes of what befell some groups of people alone: what a monitor of bias is asked for."""
    faults: tuple[Episode, ...] = ()
    """Episodes in which the operator's own machinery was faulty: what a health check is held against."""
    benign: Mapping[str, Span] = field(default_factory=dict)
    """Changes that nobody needs to report, by injection."""
    metric: str = "log_loss"
    """Metric that says what harms."""
    worse_by: float = 0.1
    """Share by which it must be worse to count as harm."""
    targets: Mapping[str, Target] = field(default_factory=dict)
    """Targets that the scenario gives to alarms, by pattern."""
    rules: Rules = Rules()
    seed: int = 0
    """Names the random draws of the baselines."""
    unknown: bool = False
    """Nobody declared what drift the world holds."""
    notes: tuple[str, ...] = ()
    """What a reader of the card must know."""


@dataclass(frozen=True)
class Monitor:
    """One monitor's part of the card."""

    name: str
    """Family of its alarms, `data_quality:drift`, or `overall`."""
    target: Target
    figures: Figures
    localisation: float | None
    """Mean Jaccard index of the columns blamed in the acceptance window and those that truly moved, over
    the episodes found whose columns are known."""
    baselines: tuple[Baseline, ...]
    best: str | None
    """The best baseline by F1."""
    lift: float | None
    """F1 less that of the best baseline: what the monitor knows."""


@dataclass(frozen=True)
class Judged:
    """An episode on the card."""

    episode: Episode
    accepted: Span
    harm: Harm
    harmful: bool | None
    cut_short: bool
    """The run ends inside its acceptance window, so it counts neither as found nor as missed."""


@dataclass(frozen=True)
class Card:
    """The scorecard of a run."""

    known: Known
    episodes: tuple[Judged, ...]
    monitors: tuple[Monitor, ...]
    retrains: int

    @property
    def total_cost(self) -> float | None:
        """What all alarms together cost, and the retrains."""
        found = self.monitor(OVERALL)
        return (
            None if found is None else found.figures.cost + self.known.rules.costs["retrain"] * self.retrains
        )

    def monitor(self, name: str) -> Monitor | None:
        """The monitor of that name, if it is on the card."""
        return next((m for m in self.monitors if m.name == name), None)

    def as_json(self) -> dict[str, Any]:
        """The card as plain data; figures have six significant digits, delays are in windows and hours."""
        hours = self.known.step_seconds / 3600
        return {
            "truth": "unknown" if self.known.unknown else "known",
            "windows": self.known.windows,
            "hours_per_window": figure(hours),
            "rules": {
                "within": self.known.rules.within,
                "before": self.known.rules.before,
                "merge": self.known.rules.merge,
                "harm": {"metric": self.known.metric, "worse_by": self.known.worse_by},
                "cost": dict(self.known.rules.costs),
            },
            "episodes": [_episode(judged) for judged in self.episodes],
            "benign": {name: list(span) for name, span in self.known.benign.items()},
            "faults": [
                {
                    "id": fault.id,
                    "first": fault.first,
                    "last": fault.last,
                    "accepted": list(self.known.rules.accepted(fault)),
                }
                for fault in self.known.faults
            ],
            "monitors": [
                {
                    "monitor": m.name,
                    "target": m.target,
                    **_plain(m.figures, hours),
                    "localisation": figure(m.localisation),
                    "localisation_of_groups": None,  # no detector blames groups
                    "baselines": {
                        b.name: _plain(b.figures, hours) | ({"draws": b.draws} if b.draws else {})
                        for b in m.baselines
                    },
                    "best_baseline": m.best,
                    "lift": figure(m.lift),
                }
                for m in self.monitors
            ],
            "retrains": self.retrains,
            "total_cost": figure(self.total_cost),
            "notes": list(self.known.notes),
        }


def scorecard(
    events: Iterable[Event],
    world: Iterable[Event],
    known: Known,
    effects: Effects | None = None,
    rivals: bool = True,
) -> Card:
    """Every monitor against the truth it aims at.

    Parameters
    ----------
    events
        The facts of the run.
    world
        The world's own facts.
    known
        Episodes, benign changes and rules.
    effects
        By injection and window, the effect a twin run measured; without it, harm is judged in hindsight.
    rivals
        Whether monitors that know nothing stand beside; many worlds can do without.
    """
    said, outside = list(events), list(world)
    judged = {e.id: _judged(e, outside, known, effects) for e in known.episodes}
    onsets = _onsets(said)
    monitors = []
    if not known.unknown:
        families = _families(said, known)
        for (family, target), names in families.items():
            mine = {w: {a for a in found if a in names} for w, found in onsets.items()}
            both = sum(name == family for name, _ in families) > 1
            name = f"{family} ({target})" if both else family
            truth = _truth(family, target, judged, known)
            monitors.append(_monitor(name, target, mine, truth, known, rivals))
        own = {a for (_, target), names in families.items() if target == "faulty" for a in names}
        of_data = {w: found - own for w, found in onsets.items()}
        overall = _truth(OVERALL, "shifted", judged, known)
        monitors.append(_monitor(OVERALL, "shifted", of_data, overall, known, rivals))
    retrains = sum(isinstance(fact, RetrainFinished) and fact.replaced for fact in said)
    return Card(known, tuple(judged.values()), tuple(monitors), retrains)


def family_of(alarm: str) -> str:
    """The family of an alarm: its monitor and check.

    >>> family_of("data_quality:drift:age"), family_of("data_quality:missing_column_check@inputs")
    ('data_quality:drift', 'data_quality:missing_column_check')
    """
    return ":".join(alarm.split(":")[:2]).partition("@")[0]


def _onsets(events: Iterable[Event]) -> dict[int, set[str]]:
    """By window, the alarms that began to sound."""
    found: dict[int, set[str]] = {}
    for fact in events:
        if isinstance(fact, AlarmChanged) and fact.state == "ALARM" and fact.window is not None:
            found.setdefault(fact.window, set()).add(fact.alarm)
    return found


def _families(events: Iterable[Event], known: Known) -> dict[tuple[str, Target], set[str]]:
    """The alarms of each family that kept watch, by what they aim at."""
    names = set()
    for fact in events:
        if isinstance(fact, (FindingMade, AlarmChanged)):
            names.add(fact.alarm)
    found: dict[tuple[str, Target], set[str]] = {}
    for name in sorted(names):
        target = next((t for pattern, t in known.targets.items() if fnmatch(name, pattern)), target_of(name))
        found.setdefault((family_of(name), target), set()).add(name)
    return found


def _judged(episode: Episode, world: list[Event], known: Known, effects: Effects | None) -> Judged:
    spans = [(e.first, e.last) for e in known.episodes] + list(known.benign.values())
    quiet = {w for w in range(known.windows) if not any(first <= w <= last for first, last in spans)}
    size = harm(episode, world, known.metric, known.rules.within, quiet, effects)
    accepted = known.rules.accepted(episode)
    return Judged(episode, accepted, size, size.over(known.worse_by), accepted[1] >= known.windows)


def _truth(name: str, target: Target, judged: Mapping[str, Judged], known: Known) -> Truth:
    """What a monitor is held against: the episodes it aims at, and what it should not report."""
    if target == "faulty":
        return _of_faults(known)
    benign, unjudged = list(known.benign.values()), []
    episodes = known.episodes
    if target == "shifted" and of_inputs(name):
        episodes = known.of_inputs  # where only the answers changed, the data is clean
    if target == "uneven":
        episodes = known.uneven
        told = {injection for episode in episodes for injection in episode.injections}
        benign += [(e.first, e.last) for e in known.episodes if not told & set(e.injections)]
    wanted = []
    for episode in episodes:
        whole = known.rules.accepted(episode)[1] < known.windows
        harmful = judged[episode.id].harmful if target == "harmful" else True
        if not whole or harmful is None:
            unjudged.append((episode.first - known.rules.before, episode.last))
        elif harmful:
            wanted.append(episode)
        else:
            benign.append((episode.first, episode.last))
    return Truth(known.windows, tuple(wanted), tuple(benign), tuple(unjudged), known.rules)


def _of_faults(known: Known) -> Truth:
    """What a health check is held against: faults of the machinery alone, whatever befalls the data."""
    whole = tuple(f for f in known.faults if known.rules.accepted(f)[1] < known.windows)
    cut = tuple((f.first - known.rules.before, f.last) for f in known.faults if f not in whole)
    return Truth(known.windows, whole, (), cut, known.rules)


def _monitor(
    name: str,
    target: Target,
    onsets: Mapping[int, Collection[str]],
    truth: Truth,
    known: Known,
    beside: bool = True,
) -> Monitor:
    told = [window for window, alarms in onsets.items() if alarms]
    figures = measure(told, truth)
    rivals = baselines(int(figures.onsets), truth, known.seed, f"{name}/{target}") if beside else ()
    best = max(rivals, key=lambda b: b.figures.f1 or 0.0) if rivals and figures.f1 is not None else None
    lift = None
    if best is not None and figures.f1 is not None and best.figures.f1 is not None:
        lift = figures.f1 - best.figures.f1
    return Monitor(
        name, target, figures, _localisation(onsets, truth), rivals, best.name if best else None, lift
    )


def _localisation(onsets: Mapping[int, Collection[str]], truth: Truth) -> float | None:
    """Mean Jaccard index of blamed and true columns, over the episodes found whose columns are known."""
    found = []
    for episode, (first, last) in zip(truth.episodes, truth.accepted, strict=True):
        inside = {a for window, alarms in onsets.items() if first <= window <= last for a in alarms}
        blamed = {column_of(alarm) for alarm in inside if alarm.startswith("data_quality:")} - {""}
        if blamed and episode.columns:
            right = set(episode.columns)
            found.append(len(blamed & right) / len(blamed | right))
    return fsum(found) / len(found) if found else None


def column_of(alarm: str) -> str:
    """The column an alarm blames; empty where it blames none.

    >>> column_of("data_quality:drift:age"), column_of("data_quality:schema")
    ('age', '')
    """
    return alarm.split(":", 2)[2] if alarm.count(":") >= 2 else ""


def _episode(judged: Judged) -> dict[str, Any]:
    episode = judged.episode
    return {
        "id": episode.id,
        "injections": list(episode.injections),
        "first": episode.first,
        "settled": episode.settled,
        "last": episode.last,
        "accepted": list(judged.accepted),
        "shifted": "inputs" if episode.inputs else "answers",
        "harm": figure(judged.harm.worse),
        "harm_from": judged.harm.known_from,
        "harmful": judged.harmful,
        "columns": list(episode.columns),
        "where": list(episode.where),
        "cut_short": judged.cut_short,
    }


def _plain(found: Figures, hours: float) -> dict[str, Any]:
    body = {name: figure(value) for name, value in asdict(found).items()}
    body["missed_rate"] = figure(found.missed_rate)
    for name in ("delay", "restricted_delay", "mtfa"):
        value = getattr(found, name)
        body[f"{name}_hours"] = figure(None if value is None else value * hours)
    rate = found.false_alarm_rate
    body["false_alarms_per_day"] = figure(None if rate is None else rate * 24 / hours)
    return dict(sorted(body.items()))
