"""Detection measured: the windows in which alarms began to sound, against a run's true episodes.

Time falls into zones. An *acceptance window* reaches from an episode's first window (`before` windows
earlier, if asked) to `within` windows after the change is complete; an onset inside is a hit. *Late* time
follows as long as the change acts, and `within` windows longer: an onset there is neither a hit nor
false. *Benign* time is that of changes which nobody needs to report. Everything else is *clean*.

Onsets closer than `merge` windows to an earlier one of the same stretch are one alarm. They are merged
inside a stretch only, so that a false alarm just before a change cannot swallow the one that finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import fsum

CLEAN, LATE, BENIGN = -1, -2, -3
"""Zones of a window; the acceptance window of an episode is its place in the list, from 0."""

Span = tuple[int, int]
"""First and last window, both inside."""


@dataclass(frozen=True)
class Episode:
    """One true episode: an injection, or several whose spans overlap."""

    id: str
    """The injections' ids, joined by a plus."""
    injections: tuple[str, ...]
    first: int
    """First window in which it acts."""
    settled: int
    """First window in which the change is complete: as strong as it gets."""
    last: int
    """Last window in which it acts."""
    acting: tuple[int, ...] = ()
    """Windows in which it acts; a recurring one rests in between."""
    inputs: bool = True
    """Whether the inputs moved, and not only the answers."""
    columns: tuple[str, ...] = ()
    """Columns that truly moved; empty where none can be named."""
    where: tuple[str, ...] = ()
    """The conditions on the rows it touches."""


@dataclass(frozen=True)
class Rules:
    """How alarms are held against episodes; said in the scenario, never tuned afterwards."""

    within: int = 5
    before: int = 0
    merge: int = 3
    costs: Mapping[str, float] = field(
        default_factory=lambda: {"false_alarm": 1.0, "missed": 10.0, "delay": 1.0, "retrain": 5.0}
    )

    def accepted(self, episode: Episode) -> Span:
        """The acceptance window of an episode: ``[s - before, d + within]``.

        >>> Rules(within=5).accepted(Episode("a", ("a",), first=10, settled=12, last=29))
        (10, 17)
        """
        return episode.first - self.before, episode.settled + self.within


@dataclass(frozen=True)
class Truth:
    """What one monitor is held against.

    Raises
    ------
    ValueError
        Two acceptance windows share a window: which episode an alarm found could not be told.
    """

    windows: int
    """Windows lived through."""
    episodes: tuple[Episode, ...] = ()
    benign: tuple[Span, ...] = ()
    """Spans of changes that nobody needs to report."""
    unjudged: tuple[Span, ...] = ()
    """Spans of which the truth, or the end, is not known."""
    rules: Rules = Rules()

    @cached_property
    def accepted(self) -> tuple[Span, ...]:
        """The acceptance windows, as far as they lie in the run."""
        found = [self.rules.accepted(episode) for episode in self.episodes]
        return tuple((max(first, 0), min(last, self.windows - 1)) for first, last in found)

    @cached_property
    def zones(self) -> tuple[int, ...]:
        """The zone of every window."""
        zones = [CLEAN] * self.windows
        after = self.rules.within
        spans = [(first, last + after, BENIGN) for first, last in self.benign]
        spans += [(first, last + after, LATE) for first, last in self.unjudged]
        spans += [(e.first, e.last + after, LATE) for e in self.episodes]
        for first, last, zone in spans:
            for window in range(max(first, 0), min(last, self.windows - 1) + 1):
                zones[window] = zone
        for number, (first, last) in enumerate(self.accepted):
            for window in range(first, last + 1):
                if zones[window] >= 0:
                    raise ValueError(
                        f"the acceptance windows of {self.episodes[zones[window]].id} and "
                        f"{self.episodes[number].id} overlap in window {window}"
                    )
                zones[window] = number
        return tuple(zones)

    @cached_property
    def stretches(self) -> tuple[int, ...]:
        """A number for every window that counts up where the zone changes."""
        found, stretch = [], 0
        for window, zone in enumerate(self.zones):
            stretch += int(window > 0 and zone != self.zones[window - 1])
            found.append(stretch)
        return tuple(found)

    @cached_property
    def clean(self) -> int:
        """Windows of clean time."""
        return self.zones.count(CLEAN)


@dataclass(frozen=True)
class Figures:
    """How alarms fared against the truth; what is undefined is None."""

    episodes: int
    hits: float
    """Episodes found: at least one onset in the acceptance window. One hit each, however many alarms."""
    missed: float
    recall: float | None
    """Hits over episodes; one less this is the missed detection rate."""
    precision: float | None
    """Hits over hits and false alarms, those on benign changes included."""
    f1: float | None
    """``2 h / (2 h + false + missed)``; None without an episode."""
    delay: float | None
    """Mean windows from an episode's start to the first onset, over the episodes found. Read it beside
    the missed rate: who misses the slow ones looks fast."""
    restricted_delay: float | None
    """Mean of min(delay, within) over all episodes; a miss counts as `within`."""
    normalised_delay: float | None
    """The delay over `within`."""
    onsets: float
    """Windows in which an alarm began to sound."""
    false_alarms: float
    """Merged onsets in clean time."""
    benign_alarms: float
    """Merged onsets on changes that nobody needs to report."""
    late: float
    """Onsets after the acceptance window, while the change acts or has just ended: neither hit nor false."""
    clean: int
    """Windows of clean time."""
    false_alarm_rate: float | None
    """False alarms per window of clean time, never per window of the run."""
    mtfa: float | None
    """Mean time between false alarms, clean windows over false alarms; None, read "> clean", without one."""
    cost: float
    """What false alarms, misses and windows of delay cost."""

    @property
    def missed_rate(self) -> float | None:
        """The missed detection rate: one less the recall."""
        return None if self.recall is None else 1 - self.recall


def measure(onsets: Iterable[int], truth: Truth) -> Figures:
    """Hold the windows in which alarms began to sound against the truth.

    Definitions follow Bifet 2013 (CD-MOA) for delay, missed rate and time between false alarms, with the
    clean time as their base, and Cerqueira 2026 for the normalised delay.

    Parameters
    ----------
    onsets
        Windows in which an alarm began to sound, in any order; a window counts once.
    truth
        Episodes and rules.

    >>> change = Episode("a", ("a",), first=10, settled=10, last=29)
    >>> found = measure([4, 12, 13], Truth(30, (change,)))
    >>> found.hits, found.delay, found.false_alarms, found.precision
    (1, 2.0, 1, 0.5)
    """
    rules, zones, stretches = truth.rules, truth.zones, truth.stretches
    delays: dict[int, int] = {}
    merged = {CLEAN: 0, BENIGN: 0}
    late = 0
    kept: tuple[int, int] | None = None  # stretch and window of the last alarm that stood for itself
    told = sorted({w for w in onsets if 0 <= w < truth.windows})
    for window in told:
        zone = zones[window]
        if zone >= 0:
            delays.setdefault(zone, max(0, window - truth.episodes[zone].first))
        elif zone == LATE:
            late += 1
        else:
            here = stretches[window]
            if kept is None or kept[0] != here or window - kept[1] > rules.merge:
                merged[zone] += 1
                kept = (here, window)
    count, hits = len(truth.episodes), len(delays)
    missed, wrong = count - hits, merged[CLEAN] + merged[BENIGN]
    waited = fsum(delays.values())
    mean = waited / hits if hits else None
    restricted = fsum(min(delay, rules.within) for delay in delays.values()) + missed * rules.within
    costs = rules.costs
    return Figures(
        episodes=count,
        hits=hits,
        missed=missed,
        recall=hits / count if count else None,
        precision=hits / (hits + wrong) if hits + wrong else None,
        f1=2 * hits / (2 * hits + wrong + missed) if count else None,
        delay=mean,
        restricted_delay=restricted / count if count else None,
        normalised_delay=mean / rules.within if mean is not None and rules.within else None,
        onsets=len(told),
        false_alarms=merged[CLEAN],
        benign_alarms=merged[BENIGN],
        late=late,
        clean=truth.clean,
        false_alarm_rate=merged[CLEAN] / truth.clean if truth.clean else None,
        mtfa=truth.clean / merged[CLEAN] if merged[CLEAN] else None,
        cost=costs["false_alarm"] * wrong + costs["missed"] * missed + costs["delay"] * waited,
    )
