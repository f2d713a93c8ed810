"""Injections at work: the core owns when, where, how hard and on whom; the injector only what.

The order is fixed and does not depend on the file's: first the draw (who arrives), then changes of
the world itself (the labeller answers for the moved rows), then changes of its law (concept), then
measurement errors and schema faults (which keep the label), then the delivery (copies, order, time
stamps), then noise on the record of the labels, and last when that record arrives; among injections
of the same sort, the order of their ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from simlab.artifacts import Schema
from simlab.context import rng_for
from simlab.engines import engine
from simlab.events import Event, Injected, Sized
from simlab.labeller import Labeller
from simlab.reference import Reference, Size
from simlab.scenario import Injection, Scenario
from simlab.shapes import alpha
from simlab.signature import find, module_of
from simlab.signature import settings as typed

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

TRAINING = -1
"""The window number under which draws for the training rows are named."""

Touched = tuple[Injection, float, "np.ndarray", "pa.Table", "pa.Table"]
"""An injection that acted: its intensity, its mask, the rows before and after."""


PLACE = "__place__"
"""Column of messages on their way that tells whose they are: a place among the rows they were made of."""


@dataclass(frozen=True)
class Sent:
    """A window's messages, and beside each of them the row it speaks of; all in the same order."""

    messages: pa.Table
    """As sent, with the answer that truly happened."""
    people: pa.Table
    """The rows as they really are, with the answer that truly happened."""
    origin: pa.Table
    """The rows before anything was done to them: what conditions look at."""
    recorded: np.ndarray
    """The answers as they are recorded."""


class World(Protocol):
    """What an injection may know of the world it acts on."""

    scenario: Scenario
    reference: Reference
    labeller: Labeller

    def past(self, group: str) -> Mapping[str, tuple[int, int]]:
        """Rows answered so far, and those of them answered yes, by value of a column."""

    def say(self, fact: Event) -> None:
        """Write into the world's log."""

    @property
    def schema(self) -> Schema:
        """Who is who among the columns."""


def intensity(injection: Injection, number: int) -> float:
    """The shape's value in a window; on training rows an injection acts in full."""
    return 1.0 if number == TRAINING else alpha(injection.shape, number, injection.start, injection.end)


def law(injection: Injection) -> str:
    """What the injector says of the labels: ask, keep, weights, concept or noise."""
    return str(module_of("injectors", injection.kind).LABELS)


def seam(injection: Injection) -> str:
    """Where the injector acts: traffic, draw, decisions, labels, arrival, delivery, updates, monitor.*."""
    return str(module_of("injectors", injection.kind).SEAM)


def settings_of(injection: Injection) -> dict[str, Any]:
    """The injector's own keys, each in its type: `3d` is a duration."""
    function = find("injectors", injection.kind)
    values, problems = typed(function, injection.settings, f"inject.{injection.id}.with")
    if problems:
        raise ValueError("; ".join(problems))
    return values


def seed_of(scenario: Scenario, number: int) -> int:
    """The seed of an injection's draws: what is done to training rows belongs to the build."""
    return scenario.seed.build if number == TRAINING else scenario.seed.world


def acting(
    scenario: Scenario, laws: tuple[str, ...], number: int, at: str | None = None
) -> list[tuple[Injection, float]]:
    """The enabled injections of these laws (at this seam) that act in a window, with their intensity."""
    places = ("training",) if number == TRAINING else ("live", "labels")
    found = []
    for injection in sorted(scenario.inject, key=lambda i: i.id):  # never its place in the file
        if injection.enabled and injection.on in places and law(injection) in laws:
            if at is not None and seam(injection) != at:
                continue
            strength = intensity(injection, number)
            if strength > 0:
                found.append((injection, strength))
    return found


def draw_weights(world: World, pool: pa.Table, number: int) -> np.ndarray | None:
    """Weights of the rows that may be drawn, or None where nobody weighs them."""
    import pyarrow as pa

    total: np.ndarray | None = None
    for injection, strength in acting(world.scenario, ("weights",), number):
        settings = settings_of(injection)
        past: tuple[Mapping[str, tuple[int, int]], ...] = ()
        if seam(injection) == "decisions":
            past = (world.past(str(settings["group"])),)
        mixes = injection.act == "mix"
        hard, share = (1.0, strength * injection.fraction) if mixes else (strength, injection.fraction)
        own = find("injectors", injection.kind)(pool, *past, hard, world.reference, **settings)
        inside = _where(pool, injection) if injection.where else None
        weights = _mixed(own, inside, share)
        total = weights if total is None else total / total.max() * (weights / weights.max())
        world.say(
            _fact(
                injection,
                number,
                strength,
                rows=pool.num_rows if inside is None else int(inside.sum()),
                of=pool.num_rows,
                mask=_digest(weights),
                measured=_weighted_gap(pool, weights, world.reference.moments),
                size=_size(
                    world,
                    injection,
                    pool if inside is None else pool.filter(pa.array(inside)),
                    own if inside is None else own[inside],
                    None,
                    hard,
                    **({"past": past[0]} if past else {}),
                ),
            )
        )
    return total


def _mixed(weights: np.ndarray, inside: np.ndarray | None, share: float) -> np.ndarray:
    """Weights of a draw in which a share of the rows comes from the weighted law, the rest from the plain."""
    import numpy as np

    if inside is not None:
        weights = np.where(inside, weights, 1.0)
    if share < 1:
        weights = 1 - share + share * (weights / weights.mean())
    return np.asarray(weights)


def inject(world: World, table: pa.Table, number: int) -> pa.Table:
    """A window's rows (or the training rows) after everything that is done to them."""
    import pyarrow as pa

    sent = send(world, table, number)
    target = world.schema.target
    place = sent.messages.column_names.index(target)
    return sent.messages.set_column(place, target, pa.array(sent.recorded))


def send(world: World, table: pa.Table, number: int) -> Sent:
    """Everything that is done to a window's rows, up to the record of their answers."""
    import numpy as np
    import pyarrow as pa

    people, messages = change(world, table, number)
    marked = messages.append_column(PLACE, pa.array(np.arange(table.num_rows)))
    delivered = deliver(world, marked, table, number)
    origin = table
    if delivered is not marked:
        people, origin = people.take(delivered[PLACE]), table.take(delivered[PLACE])
        messages = delivered.drop_columns([PLACE])
    return Sent(messages, people, origin, record(world, people, origin, number))


def change(world: World, table: pa.Table, number: int) -> tuple[pa.Table, pa.Table]:
    """The rows after changes of the world and of its law; and what is measured of them."""
    original = table
    touched: list[Touched] = []
    for injection, strength in acting(world.scenario, ("ask",), number):
        table = _apply(world, table, original, injection, strength, number, touched)
    concepts = acting(world.scenario, ("concept",), number)
    relabelled = 0
    if touched or concepts:
        table, relabelled = _relabel(world, table, original, touched, concepts, number)
    people = table
    for injection, strength in acting(world.scenario, ("keep",), number, at="traffic"):
        table = _apply(world, table, original, injection, strength, number, touched)
    for injection, strength, mask, before, after in touched:
        intense = intensity(injection, number)
        world.say(
            _fact(
                injection,
                number,
                strength,
                rows=int(mask.sum()),
                of=original.num_rows,
                mask=_digest(mask),
                measured=_moved(before, after, world.reference.moments),
                relabelled=relabelled if law(injection) == "ask" else 0,
                size=_size(world, injection, before, after, mask, 1.0 if injection.act == "mix" else intense),
            )
        )
    return people, table


def deliver(world: World, table: pa.Table, origin: pa.Table, number: int) -> pa.Table:
    """The rows as they are delivered: some twice, some late, some out of order."""
    for injection, strength in acting(world.scenario, ("keep",), number, at="delivery"):
        mask, hard = _mask(world, origin.take(table[PLACE]), injection, strength, number)
        after = find("injectors", injection.kind)(
            table, mask, hard, _rng(world, injection, number), world.reference, **settings_of(injection)
        )
        world.say(
            _fact(
                injection,
                number,
                strength,
                rows=int(mask.sum()),
                of=table.num_rows,
                mask=_digest(mask),
                size=_size(world, injection, table, after, mask, hard),
            )
        )
        table = after
    return table


def record(world: World, people: pa.Table, origin: pa.Table, number: int) -> np.ndarray:
    """The answers as they are recorded, right or wrong.

    Parameters
    ----------
    people
        The rows as they really are, with the answers that truly happened.
    origin
        The same rows before anything was done to them.
    """
    labels: np.ndarray = people[world.schema.target].to_numpy()
    for injection, strength in acting(world.scenario, ("noise",), number):
        mask, hard = _mask(world, origin, injection, strength, number)
        noisy = find("injectors", injection.kind)(
            labels,
            people,
            mask,
            hard,
            _rng(world, injection, number),
            world.reference,
            **settings_of(injection),
        )
        _report_labels(world, injection, strength, hard, mask, people, labels, noisy, number)
        labels = noisy
    return labels


def arrive(
    world: World,
    rows: pa.Table,
    origin: pa.Table,
    delays: np.ndarray,
    known: np.ndarray,
    yes: np.ndarray,
    number: int,
) -> np.ndarray:
    """When each label becomes known, in seconds after its row; infinity is never.

    Parameters
    ----------
    rows
        All rows of a window, answered or not, so that what is drawn for one does not depend on whether
        another was refused; with the target as it is recorded.
    origin
        The same rows before anything was done to them.
    delays
        The scenario's own law, shape (n,).
    known
        Which rows were answered at all: only their labels can arrive.
    yes
        Whether the model said yes to each row (a regression says yes to all it answered).
    """
    for injection, strength in acting(world.scenario, ("keep",), number, at="arrival"):
        mask, hard = _mask(world, origin, injection, strength, number)
        mask &= known
        after = find("injectors", injection.kind)(
            delays,
            rows,
            yes,
            mask,
            hard,
            _rng(world, injection, number),
            world.reference,
            **settings_of(injection),
        )
        world.say(
            _fact(
                injection,
                number,
                strength,
                rows=int((after != delays).sum()),
                of=int(known.sum()),
                mask=_digest(mask),
                size=_size(world, injection, delays, after, mask, hard, rows=rows, answered=yes),
            )
        )
        delays = after
    return delays


def known_until(
    world: World, views: Mapping[str, np.ndarray], number: int, end: datetime
) -> dict[str, datetime]:
    """Up to which moment each feature view is told of its values at the end of a window.

    Parameters
    ----------
    views
        When each value of a view became known, by view, in order.
    end
        Up to when it would be told.
    """
    import numpy as np

    told = dict.fromkeys(views, end)
    for injection, strength in acting(world.scenario, ("keep",), number, at="updates"):
        before = dict(told)
        for view in views:
            told[view] = find("injectors", injection.kind)(
                view, told[view], strength, **settings_of(injection)
            )
        late = [view for view in views if told[view] != before[view]]
        moments = {view: np.searchsorted(views[view], _moments(before[view], told[view])) for view in late}
        world.say(
            _fact(
                injection,
                number,
                strength,
                rows=sum(int(due - known) for due, known in moments.values()),
                of=sum(int(np.searchsorted(times, np.datetime64(end, "us"))) for times in views.values()),
                mask=hashlib.sha256(repr(sorted(told.items())).encode()).hexdigest()[:16],
                measured={f"lag of {v}, in hours": (before[v] - told[v]) / timedelta(hours=1) for v in late},
                size=_size(world, injection, before[late[0]], told[late[0]], None, strength)
                if late
                else None,
            )
        )
    return told


def _moments(*given: datetime) -> np.ndarray:
    import numpy as np

    return np.array(given, "datetime64[us]")


def _apply(
    world: World,
    table: pa.Table,
    original: pa.Table,
    injection: Injection,
    strength: float,
    number: int,
    touched: list[Touched],
) -> pa.Table:
    mask, hard = _mask(world, original, injection, strength, number)
    if absent(table, original, injection):
        after = table
    else:
        after = find("injectors", injection.kind)(
            table, mask, hard, _rng(world, injection, number), world.reference, **settings_of(injection)
        )
    touched.append((injection, strength, mask, table, after))
    return after


def _rng(world: World, injection: Injection, number: int) -> np.random.Generator:
    """What an injection draws from in a window."""
    return rng_for(seed_of(world.scenario, number), "inject", injection.id, "draw", number)


def absent(table: pa.Table, original: pa.Table, injection: Injection) -> bool:
    """Whether an injection names a column that an earlier one no longer sends, so nothing is left to do."""
    module = module_of("injectors", injection.kind)
    given = [injection.settings.get(key) for key in ("column", *getattr(module, "ALSO", {}))]
    names = {name for one in given for name in (one if isinstance(one, (list, tuple)) else (one,))}
    return any(name in original.column_names and name not in table.column_names for name in names)


def _mask(
    world: World, rows: pa.Table, injection: Injection, strength: float, number: int
) -> tuple[np.ndarray, float]:
    return chosen(world.scenario, rows, injection, strength, number)


def chosen(
    scenario: Scenario, rows: pa.Table, injection: Injection, strength: float, number: int
) -> tuple[np.ndarray, float]:
    """Which rows an injection touches, and how hard; draws are per row and named by its id."""
    import numpy as np

    count, seed = rows.num_rows, seed_of(scenario, number)
    mask = _where(rows, injection) if injection.where else np.ones(count, bool)
    if injection.fraction < 1:
        mask &= rng_for(seed, "inject", injection.id, "fraction", number).random(count) < injection.fraction
    if injection.act == "mix":
        mask &= rng_for(seed, "inject", injection.id, "mix", number).random(count) < strength
        return mask, 1.0
    return mask, strength


def _where(rows: pa.Table, injection: Injection) -> np.ndarray:
    found: np.ndarray = engine("duckdb").mask(rows, injection.where)
    return found


def _relabel(
    world: World,
    table: pa.Table,
    original: pa.Table,
    touched: list[Touched],
    concepts: list[tuple[Injection, float]],
    number: int,
) -> tuple[pa.Table, int]:
    """Ask the labeller what the moved rows' labels are, under the law of this window."""
    import numpy as np
    import pyarrow as pa

    target = world.schema.target
    y = original[target].to_numpy()
    moved = np.zeros(len(y), bool)
    for _, _, mask, before, after in touched:
        if before is not after:  # an injector of no strength returns its very argument
            moved |= mask
    masks = [
        (injection, *_mask(world, original, injection, strength, number)) for injection, strength in concepts
    ]
    asked = moved.copy()
    for _, mask, _ in masks:
        asked |= mask
    if not asked.any():
        return table, 0
    some = pa.array(np.flatnonzero(asked))
    before = world.labeller.eta(original.take(some))
    after = before.copy()
    here = moved[asked]
    if here.any():
        after[here] = world.labeller.eta(table.take(pa.array(np.flatnonzero(moved))))
    uniform = rng_for(seed_of(world.scenario, number), "labeller", number).random(len(y))[asked]

    def answers() -> np.ndarray:
        found: np.ndarray = y.copy()
        found[asked] = world.labeller.answer(y[asked], before, after, uniform)
        return found

    answered = answers()
    rows = table.take(some) if masks else table
    for injection, mask, hard in masks:
        after = find("injectors", injection.kind)(
            after, rows, mask[asked], hard, world.reference, **settings_of(injection)
        )
        # One after the other, so that each is measured by what it changed and not by what others did.
        previous, answered = answered, answers()
        strength = intensity(injection, number)
        _report_labels(world, injection, strength, hard, mask, table, previous, answered, number)
    changed = table.set_column(table.column_names.index(target), target, pa.array(answered))
    return changed, int((answered != y).sum())


def _report_labels(
    world: World,
    injection: Injection,
    strength: float,
    hard: float,
    mask: np.ndarray,
    rows: pa.Table,
    before: np.ndarray,
    after: np.ndarray,
    number: int,
) -> None:
    changed = before != after
    world.say(
        _fact(
            injection,
            number,
            strength,
            rows=int(mask.sum()),
            of=len(mask),
            mask=_digest(mask),
            measured={"labels changed": float(changed[mask].mean()) if mask.any() else 0.0},
            relabelled=int(changed.sum()),
            size=_size(world, injection, before, after, mask, hard, rows=rows),
        )
    )


def _fact(injection: Injection, number: int, strength: float, **more: Any) -> Injected:
    size: Size | None = more.pop("size", None)
    return Injected(
        window=None if number == TRAINING else number,
        injection=injection.id,
        injector=injection.kind,
        on=injection.on,
        intensity=strength,
        size=None
        if size is None
        else Sized(what=size.what, declared=size.declared, measured=size.measured, error=size.error),
        **more,
    )


def _size(
    world: World,
    injection: Injection,
    before: Any,
    after: Any,
    mask: np.ndarray | None,
    strength: float,
    **more: Any,
) -> Size | None:
    """How large the injector says it was; None where it has no such measure."""
    measure = getattr(module_of("injectors", injection.kind), "size", None)
    if measure is None or before is after:
        return None
    found: Size = measure(before, after, mask, strength, world.reference, **more, **settings_of(injection))
    return found


def _digest(values: np.ndarray) -> str:
    return hashlib.sha256(values.tobytes()).hexdigest()[:16]


def _moved(
    before: pa.Table, after: pa.Table, reference: Mapping[str, tuple[float, float]]
) -> dict[str, float | None]:
    """How far each touched column's mean moved, in standard deviations; shares for other columns."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found: dict[str, float | None] = {}
    for name in before.column_names:
        if name not in after.column_names or before[name].equals(after[name]):
            continue
        old, new = before[name], after[name]
        if name in reference and pa.types.is_floating(new.type) and new.null_count == old.null_count:
            std = reference[name][1] or 1.0
            found[name] = (pc.mean(new).as_py() - pc.mean(old).as_py()) / std if len(new) else None
        elif new.type == old.type:
            same = pc.fill_null(pc.equal(old, new), False)
            both = pc.and_(old.is_null(), new.is_null())
            found[name] = 1 - (pc.sum(pc.or_(same, both)).as_py() or 0) / max(len(new), 1)
        else:
            found[name] = None
    return found


def _weighted_gap(
    pool: pa.Table, weights: np.ndarray, reference: Mapping[str, tuple[float, float]]
) -> dict[str, float | None]:
    """How far weighting moves each numeric mean, in standard deviations."""
    import numpy as np

    found: dict[str, float | None] = {}
    for name, (_, std) in reference.items():
        values = pool[name].to_numpy(zero_copy_only=False)
        present = ~np.isnan(values)
        if std > 0 and present.any():
            plain, weighted = values[present].mean(), np.average(values[present], weights=weights[present])
            found[name] = float((weighted - plain) / std)
    return {name: value for name, value in found.items() if value and abs(value) > 0.01}
