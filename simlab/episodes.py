"""Episodes: what was truly done to a world, as spans in time that monitors can be held against.

An enabled injection into the live world is part of an episode if it moves the inputs (at the seams
`traffic`, `draw`, `decisions`, `delivery`, `updates`) or the answers (`labels`). Late labels and changed
training rows move neither; nor do faults of the operator's own machinery (`on: ops`), which form episodes
of their own, against which only the monitors' health check is held. Injections whose spans share a
window form one compound episode. What is `expected`, and `virtual_drift`, which moves rows where the
model cannot err, is benign: no monitor needs to report it, and one that does is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from simlab.card import load_card
from simlab.dataset import find_dataset
from simlab.events import Event, Injected
from simlab.injection import intensity, seam
from simlab.scenario import Injection, Scenario
from simlab.shapes import problems_in as shape_problems
from simlab.shapes import settled, span
from simlab.signature import module_of
from simlab.views.detection import Episode, Rules, Span

INPUTS = ("traffic", "draw", "decisions", "delivery", "updates")
"""Seams at which an injection moves the inputs."""
BENIGN = ("virtual_drift",)
"""Injectors that move rows only where the model's answers stay right."""


@dataclass(frozen=True)
class _Part:
    """One injection's own span."""

    injection: Injection
    first: int
    settled: int
    last: int
    acting: tuple[int, ...]


def episodes(
    scenario: Scenario, world: Iterable[Event] = (), *, of_inputs: bool = False, uneven: bool = False
) -> tuple[Episode, ...]:
    """The true episodes of a scenario, in the order of time.

    Parameters
    ----------
    world
        The world's facts, which tell the columns that were really touched.
    of_inputs
        Only what moves the inputs.
    uneven
        Only what befalls some groups of people: an injection that names a `group`, or one whose `where` or
        `column` names a column of which a scheduled monitor of bias compares the groups.
    """
    touched = _touched(world)
    parts = [p for p in _parts(scenario) if not is_benign(p.injection)]
    if of_inputs:
        parts = [p for p in parts if seam(p.injection) in INPUTS]
    if uneven:
        columns = _compared(scenario)
        parts = [p for p in parts if _of_groups(p.injection, columns)]
    return _grouped(parts, touched)


def faults(scenario: Scenario) -> tuple[Episode, ...]:
    """The true faults of the operator's own machinery, in the order of time.

    None where nothing watches the monitors: nobody could report them.
    """
    if not (scenario.setting("monitor", "health") or {}).get("enable"):
        return ()
    return _grouped([p for p in _parts(scenario, ops=True) if not is_benign(p.injection)], {})


def _grouped(parts: list[_Part], touched: Mapping[str, tuple[str, ...]]) -> tuple[Episode, ...]:
    """Parts whose spans share a window, together."""
    groups: list[list[_Part]] = []
    for part in sorted(parts, key=lambda p: (p.first, p.injection.id)):
        if groups and part.first <= max(p.last for p in groups[-1]):
            groups[-1].append(part)
        else:
            groups.append([part])
    return tuple(_episode(group, touched) for group in groups)


def _compared(scenario: Scenario) -> frozenset[str]:
    """Columns of which the scheduled monitors of bias compare the groups."""
    found: set[str] = set()
    for schedule in scenario.schedules.values():
        if schedule.kind != "model_bias":
            continue
        facets = schedule.settings.get("facets")
        if facets is None:
            columns = load_card(find_dataset(scenario.dataset)).columns
            found.update(n for n, c in columns.items() if c.sensitive and c.role == "categorical")
        elif isinstance(facets, Mapping):  # anything else is told of where settings are checked
            found.update(facets)
    return frozenset(found)


def _of_groups(injection: Injection, columns: frozenset[str]) -> bool:
    """Whether an injection befalls some groups of people and not the others."""
    group, column = injection.settings.get("group"), injection.settings.get("column")
    if isinstance(group, str) or (isinstance(column, str) and column in columns):
        return True
    return not columns.isdisjoint(re.findall(r"\w+", injection.where or ""))


def benign(scenario: Scenario) -> dict[str, Span]:
    """Spans of the changes that no monitor needs to report, by injection."""
    return {p.injection.id: (p.first, p.last) for p in _parts(scenario) if is_benign(p.injection)}


def is_benign(injection: Injection) -> bool:
    """Whether nobody needs to report an injection."""
    return injection.expected or injection.kind in BENIGN


def rules(scenario: Scenario) -> Rules:
    """The scenario's own rules of scoring, or the defaults."""
    given = scenario.scoring
    return Rules(given.within, given.before, given.merge, given.cost.model_dump())


def overlaps(scenario: Scenario) -> list[str]:
    """Episodes that cannot be told apart: they do not overlap, but their acceptance windows do."""
    found = []
    subsets = (episodes(scenario, of_inputs=True), episodes(scenario, uneven=True))
    for several in (episodes(scenario), *subsets, faults(scenario)):
        for one, two in zip(several, several[1:], strict=False):
            last, first = rules(scenario).accepted(one)[1], rules(scenario).accepted(two)[0]
            if first <= last:
                found.append(
                    f"score: an alarm in window {first} could belong to {one.id} (accepted until {last}) or "
                    f"to {two.id} (accepted from {first}); move them apart, or make `within` smaller"
                )
    return list(dict.fromkeys(found))


def problems_in(scenario: Scenario) -> Iterator[str]:
    """What stands in the way of scoring a scenario by its own `score:`; nothing where it has none."""
    if scenario.score is None or not all(_readable(i) for i in scenario.inject):
        return
    yield from overlaps(scenario)
    end = scenario.clock.windows - 1
    for episode in (*episodes(scenario), *faults(scenario)):
        last = rules(scenario).accepted(episode)[1]
        if last > end:
            yield (
                f"score: {episode.id} is accepted until window {last}, and the last window is {end}; "
                "let it begin earlier, or make `within` smaller"
            )


def _readable(injection: Injection) -> bool:
    """Whether an injection can be looked at; what is wrong with it is told elsewhere."""
    try:
        return not shape_problems(injection.shape) and bool(module_of("injectors", injection.kind).SEAM)
    except (LookupError, AttributeError):
        return False


def _parts(scenario: Scenario, ops: bool = False) -> Iterator[_Part]:
    windows = scenario.clock.windows
    for injection in scenario.inject:
        if not injection.enabled or injection.on not in (("ops",) if ops else ("live", "labels")):
            continue
        if not ops and seam(injection) not in (*INPUTS, "labels"):
            continue
        found = span(injection.shape, injection.start, injection.end, windows)
        full = settled(injection.shape, injection.start, injection.end, windows)
        if found is None or full is None:
            continue
        first, last = found[0], windows - 1 if found[1] is None else found[1]
        acting = tuple(w for w in range(first, last + 1) if intensity(injection, w) > 0)
        yield _Part(injection, first, full, last, acting)


def _episode(group: list[_Part], touched: Mapping[str, tuple[str, ...]]) -> Episode:
    injections = [part.injection for part in group]
    columns = {column for i in injections for column in touched.get(i.id) or _named(i)}
    return Episode(
        id="+".join(i.id for i in injections),
        injections=tuple(i.id for i in injections),
        first=min(part.first for part in group),
        settled=max(part.settled for part in group),
        last=max(part.last for part in group),
        acting=tuple(sorted({window for part in group for window in part.acting})),
        inputs=any(seam(i) in INPUTS for i in injections),
        columns=tuple(sorted(columns)),
        where=tuple(i.where for i in injections if i.where),
    )


def _touched(world: Iterable[Event]) -> dict[str, tuple[str, ...]]:
    """By injection at the seam `traffic`, the columns whose values it changed."""
    found: dict[str, set[str]] = {}
    for fact in world:
        # A draw moves every mean a little and a change of labels no column: these name what they mean.
        if isinstance(fact, Injected) and fact.window is not None and _rewrites(fact.injector):
            found.setdefault(fact.injection, set()).update(fact.measured)
    return {name: tuple(sorted(columns)) for name, columns in found.items()}


def _rewrites(injector: str) -> bool:
    return str(getattr(module_of("injectors", injector), "SEAM", "")) == "traffic"


def _named(injection: Injection) -> tuple[str, ...]:
    """The column an injection names as the one it moves."""
    if seam(injection) not in INPUTS:
        return ()
    given = injection.settings.get("column")
    return (given,) if isinstance(given, str) else ()
