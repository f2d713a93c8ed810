"""Baselines: monitors that know nothing, held against the same truth, so that a score means something.

A detector that always fires finds every change, and one that never fires is never wrong. Bifet 2017
(10.1007/978-3-319-59060-8_64) shows how such monitors win on a score that stands alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import comb, fsum
from typing import Any

from simlab.context import rng_for
from simlab.views.detection import Figures, Truth, measure

EVERY = (2, 5, 10)
"""Windows from one alarm to the next of the monitors that only count."""
DRAWS = 1000
"""Draws behind those figures of the random monitor that have no closed form."""


@dataclass(frozen=True)
class Baseline:
    """A monitor that knows nothing, and how it fared."""

    name: str
    figures: Figures
    draws: int | None = None
    """Draws behind its figures; None where all are exact."""


def baselines(onsets: int, truth: Truth, seed: int = 0, monitor: str = "") -> tuple[Baseline, ...]:
    """Never, always, every k-th window, and as many onsets as the monitor had, at random.

    Parameters
    ----------
    onsets
        How many windows the monitor began to sound in.
    truth
        What the monitor is held against.
    seed, monitor
        Name the generator of the random draws.
    """
    windows = truth.windows
    found = [
        Baseline("never", measure((), truth)),
        Baseline("always", measure(range(windows), truth)),
    ]
    found += [Baseline(f"every {k}", every(k, truth)) for k in EVERY if k <= windows]
    if onsets in (0, windows):  # only one way to place them
        return (*found, Baseline("random", measure(range(onsets), truth)))
    return (*found, Baseline("random", at_random(onsets, truth, seed, monitor), DRAWS))


def every(k: int, truth: Truth) -> Figures:
    """What an alarm in every k-th window comes to, on average over the k windows it may begin in.

    Where it begins is luck, and a single lucky beginning would look like knowledge.

    >>> from simlab.views.detection import Episode
    >>> every(10, Truth(30, (Episode("a", ("a",), first=10, settled=10, last=29),))).hits
    0.6
    """
    return _mean([measure(range(first, truth.windows, k), truth) for first in range(k)], truth)


def at_random(onsets: int, truth: Truth, seed: int = 0, monitor: str = "", draws: int = DRAWS) -> Figures:
    """What so many onsets in uniformly drawn windows are expected to come to.

    Hits, recall and the restricted delay are exact: the chance that none of n onsets in T windows falls
    into m given ones is ``C(T - m, n) / C(T, n)`` (hypergeometric). The other figures are means over
    draws, of those draws in which they are defined.

    Parameters
    ----------
    draws
        How many draws.
    """
    rng = rng_for(seed, "score", "random", monitor)
    drawn = [measure(_windows(rng, truth.windows, onsets), truth) for _ in range(draws)]
    count = len(truth.episodes)
    hits = fsum(1 - _none(truth.windows, last - first + 1, onsets) for first, last in truth.accepted)
    return replace(
        _mean(drawn, truth),
        hits=hits,
        missed=count - hits,
        recall=hits / count if count else None,
        restricted_delay=_restricted(onsets, truth) / count if count else None,
    )


def _mean(several: Sequence[Figures], truth: Truth) -> Figures:
    """Figure by figure the mean of those that are defined."""
    means: dict[str, Any] = {}
    for name in (field.name for field in fields(Figures)):
        values = [value for one in several if (value := getattr(one, name)) is not None]
        means[name] = fsum(values) / len(values) if values else None
    found = Figures(**{**means, "episodes": len(truth.episodes), "clean": truth.clean})
    # The mean of times between false alarms would leave out those who had none.
    return replace(found, mtfa=truth.clean / found.false_alarms if found.false_alarms else None)


def _windows(rng: Any, windows: int, onsets: int) -> list[int]:
    found: list[int] = rng.choice(windows, size=onsets, replace=False, shuffle=False).tolist()
    return found


def _none(windows: int, inside: int, onsets: int) -> float:
    """The chance that none of some windows drawn without replacement is among those inside.

    >>> _none(10, 3, 1), _none(10, 3, 8)
    (0.7, 0.0)
    """
    return comb(windows - inside, onsets) / comb(windows, onsets)


def _restricted(onsets: int, truth: Truth) -> float:
    """The sum over episodes of the expected min(delay, within): the chance of still waiting, step by step."""
    total = 0.0
    for episode, (first, last) in zip(truth.episodes, truth.accepted, strict=True):
        # Before the start no time is lost, so the clock runs from the start on.
        head = episode.first - first
        for waited in range(truth.rules.within):
            inside = min(head + waited + 1, last - first + 1)
            total += _none(truth.windows, inside, onsets)
    return total
