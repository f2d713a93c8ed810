"""Twin: an injection's exact effect, by living through the same world with it and without it.

Twins share their seed, and every draw is named after who draws it, so whatever differs between two
twins was caused by the injections in which they differ (common random numbers). With several
injections each is lived through alone and each left out, so that its effect alone, its effect in
company and what the company makes of it (the interaction) are told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from pathlib import Path
from typing import Any

from simlab.checking import Checked, checked
from simlab.errors import UsageError
from simlab.many import Row, Task, cell_of, live_through
from simlab.outcomes import Interval, hindsight, interval
from simlab.quality import DEFAULT_METRIC, worse_by
from simlab.views.harm import Effects
from simlab.worlds import Worlds, with_scenario, without

FOLD = "simlab.outcomes.trace"
MEASURES = ("quality", "alarms", "retrains", "cost")


@dataclass(frozen=True)
class Effect:
    """What some injections cause: the world with them less the world without them."""

    of: str
    """An injection's id; `everything` for all of them together."""
    compared: str
    """`alone`, `in company`, or `together`."""
    figures: Mapping[str, Interval]
    """Differences of quality in hindsight (mean over the windows), alarms, retrains and cost."""
    by_window: Mapping[int, float]
    """Difference of quality in each window, mean over the seeds."""
    alarms: tuple[str, ...]
    """Alarms that sound in the first world with it and not without it: `window name`."""
    silenced: tuple[str, ...]
    """Alarms that sound in the first world without it and not with it."""


@dataclass(frozen=True)
class Twins:
    """Every effect of a scenario's injections."""

    scenario: str
    metric: str
    seeds: int
    effects: tuple[Effect, ...]
    interaction: Mapping[str, Interval]
    """What all cause together less the sum of what each causes alone; empty for one injection."""


def twin(
    ready: Checked,
    home: Path,
    *,
    seeds: int = 1,
    workers: int | None = None,
    dask: str | None = None,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Twins:
    """Live through a scenario with each of its injections on and off, and tell what each causes.

    Parameters
    ----------
    seeds
        Worlds to compare in; with two or more, effects have intervals over them.

    Raises
    ------
    UsageError
        No injection is switched on.
    """
    ids = [i.id for i in ready.scenario.inject if i.enabled]
    if not ids:
        raise UsageError(f"{ready.scenario.name} switches no injection on, so it has no twin")
    ready = _unasked(ready)
    variants: dict[str, Checked] = {"all": ready, "none": without(ready, dict.fromkeys(ids, False))}
    if len(ids) > 1:
        for id in ids:
            variants[f"without {id}"] = without(ready, {id: False})
            variants[f"only {id}"] = without(ready, dict.fromkeys(ids, False), {id: True})
    names, first = list(variants), ready.scenario.seed.world
    cells = [cell_of(variant, {"world": name}) for name, variant in variants.items()]
    tasks = [Task(cell, first + n) for n in range(seeds) for cell in range(len(cells))]
    rows: dict[str, dict[int, Row]] = {name: {} for name in names}
    lived = live_through(
        cells, tasks, home, FOLD, workers=workers if len(tasks) > 4 else 1, dask=dask, told=told
    )
    for task, row in lived:
        rows[names[task.cell]][task.seed] = row
    for name, of_variant in rows.items():
        for row in of_variant.values():
            if row["why"]:
                raise UsageError(f"the world with {name} did not live to its end: {row['why']}")
    metric = DEFAULT_METRIC[ready.card.problem]
    return Twins(
        scenario=ready.scenario.name,
        metric=f"hindsight.{metric}",
        seeds=seeds,
        effects=tuple(_effects(rows, ids)),
        interaction=_interaction(rows, ids) if len(ids) > 1 else {},
    )


def _unasked(ready: Checked) -> Checked:
    """The scenario without what it asks of its score: a twin is compared, and not judged."""
    scenario = ready.scenario
    if scenario.score is None:
        return ready
    score = scenario.score.model_copy(update={"at_least": None})
    return with_scenario(ready, scenario.model_copy(update={"score": score}))


def effects(ready: Checked, home: Path) -> Effects:
    """By injection and window, how much worse the model does for it: the truth about harm.

    Measured alone, and without retrains, which would mend what is to be measured. A share of the twin's
    own figure, as `simlab.quality.worse_by` counts it.
    """
    scenario = ready.scenario
    stages = {**scenario.stages, "retrain": {"policy": "never"}}
    changed = scenario.model_copy(update={"stages": stages, "expect": (), "given": (), "score": None})
    still = checked(changed, f"{scenario.name}.yaml")
    ids = [i.id for i in scenario.inject if i.enabled]
    metric = scenario.scoring.harm.metric or DEFAULT_METRIC[ready.card.problem]
    worlds = Worlds(home)
    quiet = hindsight(worlds.live(without(still, dict.fromkeys(ids, False))), metric)
    found = {}
    for id in ids:
        hurt = hindsight(worlds.live(without(still, dict.fromkeys(ids, False), {id: True})), metric)
        found[id] = {w: worse_by(metric, value, quiet[w]) for w, value in hurt.items() if w in quiet}
    return found


def _effects(rows: Mapping[str, Mapping[int, Row]], ids: Sequence[str]) -> list[Effect]:
    if len(ids) == 1:
        return [_effect(ids[0], "alone", rows["all"], rows["none"])]
    found = [_effect("everything", "together", rows["all"], rows["none"])]
    for id in ids:
        found.append(_effect(id, "alone", rows[f"only {id}"], rows["none"]))
        found.append(_effect(id, "in company", rows["all"], rows[f"without {id}"]))
    return found


def _effect(of: str, compared: str, hurt: Mapping[int, Row], quiet: Mapping[int, Row]) -> Effect:
    seeds = sorted(hurt)
    gaps: dict[int, list[float]] = {}
    for seed in seeds:
        for window, gap in _by_window(hurt[seed], quiet[seed]).items():
            gaps.setdefault(window, []).append(gap)
    with_it, without_it = ({f"{w} {name}" for w, name in rows[seeds[0]]["onsets"]} for rows in (hurt, quiet))
    return Effect(
        of=of,
        compared=compared,
        figures={name: interval([_gap(name, hurt[s], quiet[s]) for s in seeds]) for name in MEASURES},
        by_window={window: fsum(found) / len(found) for window, found in sorted(gaps.items())},
        alarms=_told(with_it - without_it),
        silenced=_told(without_it - with_it),
    )


def _told(onsets: set[str]) -> tuple[str, ...]:
    return tuple(sorted(onsets, key=lambda text: (int(text.partition(" ")[0]), text)))


def _by_window(hurt: Row, quiet: Row) -> dict[int, float]:
    """Difference of quality in each window that both lived through."""
    other = {int(w): value for w, value in quiet["by_window"].items()}
    return {int(w): value - other[int(w)] for w, value in hurt["by_window"].items() if int(w) in other}


def _gap(name: str, hurt: Row, quiet: Row) -> float | None:
    if name == "quality":
        gaps = list(_by_window(hurt, quiet).values())
        return fsum(gaps) / len(gaps) if gaps else None
    a, b = hurt.get(name), quiet.get(name)
    return None if a is None or b is None else float(a) - float(b)


def _interaction(rows: Mapping[str, Mapping[int, Row]], ids: Sequence[str]) -> dict[str, Interval]:
    found = {}
    for name in MEASURES:
        values: list[float | None] = []
        for seed in sorted(rows["all"]):
            together = _gap(name, rows["all"][seed], rows["none"][seed])
            alone = [_gap(name, rows[f"only {id}"][seed], rows["none"][seed]) for id in ids]
            known = [value for value in alone if value is not None]
            values.append(None if together is None or len(known) < len(ids) else together - fsum(known))
        found[name] = interval(values)
    return found


def as_json(twins: Twins) -> dict[str, Any]:
    """The one object of `simlab twin --json`."""
    return {
        "scenario": twins.scenario,
        "metric": twins.metric,
        "seeds": twins.seeds,
        "effects": [
            {
                "of": effect.of,
                "compared": effect.compared,
                **{name: found.as_json() for name, found in effect.figures.items()},
                "by_window": {str(w): gap for w, gap in effect.by_window.items()},
                "alarms": list(effect.alarms),
                "silenced": list(effect.silenced),
            }
            for effect in twins.effects
        ],
        "interaction": {name: found.as_json() for name, found in twins.interaction.items()},
    }
