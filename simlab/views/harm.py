"""Harm: how much worse the model did for an episode, by twin runs or else in hindsight."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import fsum
from typing import Literal

from simlab.events import Event, HindsightMeasured
from simlab.quality import worse_by
from simlab.views.detection import Episode

Effects = Mapping[str, Mapping[int, float]]
"""By injection and window: the share by which a metric is worse than in the twin run without it."""


@dataclass(frozen=True)
class Harm:
    """How much worse a metric was while an episode acted in full."""

    worse: float | None
    """Share by which it was worse, on average; None where it was not measured."""
    known_from: Literal["twins", "hindsight"]

    def over(self, bound: float) -> bool | None:
        """Whether it is harmful: worse by more than the bound; None where nobody can say."""
        return None if self.worse is None else self.worse > bound


def harm(
    episode: Episode,
    world: Iterable[Event],
    metric: str,
    within: int,
    quiet: Collection[int],
    effects: Effects | None = None,
) -> Harm:
    """How harmful an episode was: the mean effect once the change is complete.

    Looked at are the windows in which it acts, from the one in which the change is complete to `within`
    later: before, the change is still small, and after, a retrain may have mended what was hurt.

    Parameters
    ----------
    world
        The world's facts. Where no twin is given, each window's quality in hindsight is compared with its
        mean over the quiet windows before the episode.
    metric
        Metric that says how good the model is.
    within
        Windows that are looked at.
    quiet
        Windows in which no injection acts.
    effects
        Effects from twin runs. Where several injections overlap, the largest counts.
    """
    looked = [w for w in episode.acting if episode.settled <= w <= episode.settled + within]
    known = [effects[i] for i in episode.injections if effects and i in effects]
    if known:
        worst = [max(e[w] for e in known if w in e) for w in looked if any(w in e for e in known)]
        return Harm(_mean(worst), "twins")
    values = hindsight(world, metric)
    before = _mean([v for w, v in values.items() if w < episode.first and w in quiet])
    if before is None:
        return Harm(None, "hindsight")
    return Harm(_mean([worse_by(metric, values[w], before) for w in looked if w in values]), "hindsight")


def hindsight(world: Iterable[Event], metric: str) -> dict[int, float]:
    """A metric's true value in every window, judged with all labels."""
    found = {}
    for fact in world:
        if isinstance(fact, HindsightMeasured) and fact.window is not None:
            value = fact.metrics.get(metric)
            if value is not None:
                found[fact.window] = value
    return found


def _mean(values: list[float]) -> float | None:
    return fsum(values) / len(values) if values else None
