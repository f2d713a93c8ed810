"""The world outside: training rows, windows of traffic, labels that come due; and what was injected.

The stream knows the truth and hands out only what an operator could see. It is closed-loop: it is
told what was answered (`observe`), so that labels can depend on decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from simlab.artifacts import WEIGHT, Deployment, History, Labels, Plan, Rows, Schema, Served, Window
from simlab.context import rng_for
from simlab.errors import ScenarioInvalid
from simlab.events import Event, HindsightMeasured, WorldFinished, WorldStarted
from simlab.generated import Law
from simlab.injection import (
    TRAINING,
    acting,
    arrive,
    draw_weights,
    inject,
    known_until,
    seam,
    send,
    settings_of,
)
from simlab.labeller import Labeller
from simlab.measuring import metrics
from simlab.reference import Reference
from simlab.scenario import Scenario
from simlab.screening import as_declared, own_columns

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Places = Any
"""Where rows stand in the dataset (an array), or, in a replay, the rows themselves."""

Memo = Callable[[str, tuple[Any, ...], Callable[[], Any]], Any]
"""Look a computed value up by name and inputs, or compute and keep it."""


@dataclass(frozen=True)
class Source:
    """A dataset as loaded: labelled rows, view tables, schema."""

    name: str
    digest: str
    rows: pa.Table
    views: Mapping[str, pa.Table]
    schema: Schema
    law: Law | None = None
    """The rule that made the rows, where one did."""


@dataclass(frozen=True)
class Outside:
    """What the stream needs of the run that it is not to import."""

    say: Callable[[Event], None]
    """Writes a fact into the world's own log."""
    memo: Memo
    keep: Callable[[Any], str]
    recall: Callable[[str], Any]


@dataclass(frozen=True)
class Parts:
    """A dataset split three ways."""

    training: pa.Table
    baseline: pa.Table
    pool: pa.Table


class Stream:
    """A scenario's world.

    Parameters
    ----------
    scenario
        Which world.
    source
        The dataset's rows.
    outside
        Callbacks: the world's log, a memo, the artifact store.
    parts
        The dataset as another stream of the same build split it; split anew when not given.
    """

    def __init__(self, scenario: Scenario, source: Source, outside: Outside, parts: Parts | None = None):
        import numpy as np

        self.scenario = scenario
        self.source = source
        self._outside = outside
        self._seed = scenario.seed.world
        # Which rows a model is built on belongs to the build: worlds that differ only in who arrives
        # and what befalls them share it.
        self._build_seed = scenario.seed.build
        self._next = 0
        self._sent: dict[int, pa.Table] = {}
        self._origin: dict[int, pa.Table] = {}
        self._pending: dict[int, pa.Table] = {}
        self._arrived: dict[int, pa.Table] = {}
        self._known: dict[int, list[str]] = {}
        self._past: dict[str, dict[str, tuple[int, int]]] = {}
        self.parts = self._split() if parts is None else parts
        self._training, self._baseline, self._pool = (
            self.parts.training,
            self.parts.baseline,
            self.parts.pool,
        )
        self._learned = self._training
        exact = {} if source.law is None else {"law": source.law.changed}
        self.labeller = Labeller(
            source.rows,
            source.schema,
            source.digest,
            outside.memo,
            None if source.law is None else source.law.eta,
        )
        self.reference = Reference(
            moments=_moments(self._baseline, source.schema),
            table=self._baseline,
            target=source.schema.target,
            event_time=source.schema.event_time,
            entity=source.schema.entity,
            problem=source.schema.problem,
            step=scenario.clock.step,
            eta=self._eta,
            **exact,
        )
        self._answers: list[tuple[pa.Table, np.ndarray]] = []
        self._told_until: dict[str, datetime] = {}
        self._known_at = {
            name: np.sort(table[source.schema.event_time].to_numpy()) for name, table in source.views.items()
        }

    @property
    def schema(self) -> Schema:
        """Who is who among the columns."""
        return self.source.schema

    def _eta(self, rows: pa.Table) -> np.ndarray:
        """The world's law, from memory where the very same rows were asked for just now."""
        for known, answers in self._answers:
            if known is rows:
                return answers
        answers = self.labeller.eta(rows)
        self._answers = [*self._answers[-3:], (rows, answers)]
        return answers

    # --- rows to build on -----------------------------------------------------------------------

    def _split(self) -> Parts:
        """Training rows, baseline rows and the pool that traffic comes from."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        world, rows = self.scenario.world, self.source.rows
        if world.order == "replay":
            clock, times = self.scenario.clock, rows[self.source.schema.event_time]
            before = pc.less(times, pa.scalar(clock.start, times.type))
            if world.training_from:
                before = pc.and_(before, pc.greater_equal(times, pa.scalar(world.training_from, times.type)))
            training = rows.filter(before).sort_by(self.source.schema.event_time)
            most = world.training if world.training >= 1 else None
            if most is not None and training.num_rows > most:
                training = training.slice(training.num_rows - int(most))
            last = pa.scalar(clock.moment(clock.windows), times.type)
            live = pc.and_(pc.greater_equal(times, pa.scalar(clock.start, times.type)), pc.less(times, last))
            pool = rows.filter(live).sort_by(self.source.schema.event_time)
            ends = pc.min_max(times).as_py()
            self._enough(
                "clock.start",
                training.num_rows,
                pool.num_rows,
                f"its rows are from {ends['min']} to {ends['max']}",
            )
            picked = rng_for(self._build_seed, "baseline").random(world.baseline_rows)
            baseline = training.take(pa.array(np.sort((picked * training.num_rows).astype(np.int64))))
            return Parts(training, baseline, pool)
        order = rng_for(self._build_seed, "split").permutation(rows.num_rows)
        count = int(world.training) if world.training >= 1 else round(world.training * rows.num_rows)
        # The pool keeps the dataset's own order, so that weighted draws stay coupled between twins.
        first, rest = order[:count], np.sort(order[count:])
        self._enough("world.training", len(first), len(rest), f"it has {rows.num_rows} rows in all")
        origin = first if world.baseline == "training" else rest
        drawn = rng_for(self._build_seed, "baseline").random(world.baseline_rows)
        baseline = _these(rows, origin[(drawn * len(origin)).astype(np.int64)])
        return Parts(_these(rows, first), baseline, _these(rows, rest))

    def _enough(self, where: str, training: int, pool: int, has: str) -> None:
        """Refuse a world without rows to train on, or without rows for its traffic."""
        for part, use in ((training, "to train on"), (pool, "for traffic")):
            if part == 0:
                said = f"{where}: leaves no rows of {self.source.name} {use}; {has}"
                raise ScenarioInvalid(f"{self.scenario.name}.yaml", [said])

    def learn(self, learned: pa.Table) -> None:
        """Take these as the training rows, as they were after what was done to them."""
        self._learned = learned

    @property
    def learned(self) -> pa.Table:
        """The training rows after what was done to them."""
        return self._learned

    def training(self) -> Rows:
        """Labelled rows to build the first model on, with the monitors' baseline among them."""
        scenario, schema = self.scenario, self.source.schema
        training, baseline = self._training, self._baseline
        if scenario.world.order == "drawn":
            training = self._dated(training, before=True)
            baseline = self._dated(baseline, before=True, first=training.num_rows)
        weights = draw_weights(self, training, TRAINING)
        # Weights that are all alike say nothing about who should arrive, so nobody is drawn anew.
        if weights is not None and (weights != weights[0]).any():
            training = self._dated_again(_weighted(training, weights, rng_for(self._build_seed, "redraw")))
        self._learned = training = inject(self, training, TRAINING)
        self._outside.say(
            WorldStarted(
                scenario=scenario.name,
                dataset=self.source.name,
                dataset_digest=self.source.digest,
                order=scenario.world.order,
                law="fitted" if self.source.law is None else "exact",
                training_rows=training.num_rows,
                baseline_rows=baseline.num_rows,
                pool_rows=self._pool.num_rows,
                baseline_gap=_gap(training, self.reference.moments),
            )
        )
        updates = {name: self._updates(name, None, scenario.clock.start) for name in self.source.views}
        return Rows(
            table=_labelled_parts(training, baseline, schema),
            schema=schema,
            source=f"{self.source.name}, training",
            updates=updates,
        )

    def rows(self, plan: Plan) -> Rows:
        """Labelled rows for a retrain: what had arrived, was accepted, and is labelled by now."""
        import pyarrow as pa

        recent = [self._labelled(window) for window in plan.windows]
        held_out = [self._labelled(window) for window in plan.held_out]
        target = self.source.schema.target
        fresh = pa.concat_tables(recent, promote_options="default") if recent else None
        parts = []
        if plan.include_training or fresh is None:
            parts.append(self._learned)
        if fresh is not None:
            parts.append(fresh)
        history = _together(parts, self.source.schema)
        if plan.half_life is not None:
            ages = self._ages(parts, plan.windows, recent)
            history = history.append_column(WEIGHT, pa.array(0.5 ** (ages / plan.half_life)))
        baseline = fresh if fresh is not None else self._dated(self._baseline, before=True)
        now = self.scenario.clock.moment(self._next)
        assert target in history.column_names
        aside = {"held_out": pa.concat_tables(held_out, promote_options="default")} if held_out else {}
        return Rows(
            table=_labelled_parts(history, baseline, self.source.schema, aside),
            schema=self.source.schema,
            source=f"{self.source.name}, windows {_spans(plan.windows)}"
            + (" and training" * plan.include_training),
            updates={name: self._updates(name, None, now) for name in self.source.views},
        )

    def _ages(self, parts: list[pa.Table], windows: tuple[int, ...], recent: list[pa.Table]) -> np.ndarray:
        """How many windows ago each row of a retrain arrived; training rows by their own time."""
        import numpy as np

        clock, ages = self.scenario.clock, []
        if len(parts) > bool(recent):
            times = parts[0][self.source.schema.event_time].to_numpy().astype("datetime64[us]")
            before = (np.datetime64(clock.start, "us") - times) / np.timedelta64(clock.step)
            ages.append(self._next - 1 + np.maximum(np.ceil(before.astype(float)), 1))
        for window, table in zip(windows, recent, strict=True):
            ages.append(np.full(table.num_rows, self._next - 1 - window))
        found: np.ndarray = np.concatenate(ages).astype(float)
        return found

    def _labelled(self, window: int) -> pa.Table:
        """Accepted rows of a window with the labels known by now."""
        import pyarrow as pa
        import pyarrow.compute as pc

        accepted, *known = (self._outside.recall(name) for name in self._known[window])
        labels = pa.concat_tables([labels.table for labels in known])
        labels = labels.filter(pc.equal(labels["window"], window)).select(["inference_id", "label"])
        both = accepted.table.join(labels, "inference_id", join_type="inner", use_threads=False)
        return both.sort_by("inference_id").rename_columns(
            {"label": self.source.schema.target, **{n: n for n in both.column_names if n != "label"}}
        )

    # --- traffic --------------------------------------------------------------------------------

    def next(self, history: History) -> Window | None:
        """The next window of traffic, or None when the scenario's time is over."""
        import pyarrow as pa

        number = self._next
        if number >= self.scenario.clock.windows:
            self._outside.say(WorldFinished(window=number - 1, windows=number))
            return None
        self._next += 1
        clock = self.scenario.clock
        start, end = clock.moment(number), clock.moment(number + 1)
        if self.scenario.world.order == "replay":
            drawn = self._replayed(number, start, end)
        else:
            drawn = self._drawn(number)
        schema = self.schema
        sent = send(self, drawn, number)
        # Beside each message the one it speaks of: what is shown of them may be wrong, or missing.
        people = _set(sent.people, "inference_id", sent.messages["inference_id"])
        people = people.append_column(TRUTH, people[schema.target])
        self._sent[number] = _set(people, schema.target, pa.array(sent.recorded))
        self._origin[number] = sent.origin
        shown = sent.messages.drop_columns([schema.target])
        updates = {name: self._updates(name, *span) for name, span in self._told(number).items()}
        return Window(number=number, start=start, end=end, table=shown, schema=schema, updates=updates)

    def _told(self, number: int) -> dict[str, tuple[datetime | None, datetime]]:
        """From and until which event time each view is told of its values in a window."""
        until = known_until(self, self._known_at, number, self.scenario.clock.moment(number + 1))
        spans: dict[str, tuple[datetime | None, datetime]] = {}
        for view, moment in until.items():
            # The store holds what was known before the first request; and what was told stays told,
            # so a view that falls behind waits, and one that catches up misses nothing.
            known = self._told_until.get(view)
            self._told_until[view] = moment if known is None else max(known, moment)
            spans[view] = known, self._told_until[view]
        return spans

    def _drawn(self, number: int) -> pa.Table:
        """Rows drawn by inverse CDF over the pool's fixed order, so that twins stay coupled."""
        import numpy as np

        count = self.scenario.clock.rows
        uniform = rng_for(self._seed, "draw", number).random(count)
        weighted = acting(self.scenario, ("weights",), number)
        weights = draw_weights(self, self._pool, number) if weighted else None
        if weights is None:
            index = (uniform * self._pool.num_rows).astype(np.int64)
        else:
            index = _places(weights, uniform)
        return self._dated(_these(self._pool, index), number=number)

    def _replayed(self, number: int, start: datetime, end: datetime) -> pa.Table:
        """The rows whose own time lies in the window."""
        import numpy as np
        import pyarrow as pa

        times = self._pool[self.source.schema.event_time].to_numpy()
        low, high = np.searchsorted(times, [np.datetime64(start, "us"), np.datetime64(end, "us")])
        table = self._pool.slice(low, min(high - low, self.scenario.clock.rows))
        ids = pa.array(number * 10_000_000 + np.arange(table.num_rows))
        return table.add_column(0, "inference_id", ids)

    def _dated(self, table: pa.Table, *, before: bool = False, number: int = 0, first: int = 0) -> pa.Table:
        """Rows with an invented event time and a fresh entity key: every arrival is a new one."""
        import numpy as np
        import pyarrow as pa

        schema, clock = self.source.schema, self.scenario.clock
        count = table.num_rows
        if before:
            # Spread over the windows before the start, at the pace of the traffic to come.
            span = max(1, -(-count // clock.rows)) * clock.step
            start, ids = clock.start - span, -1 - first - np.arange(count)
        else:
            span, start, ids = clock.step, clock.moment(number), number * 10_000_000 + np.arange(count)
        microseconds = span // timedelta(microseconds=1)
        offsets = (np.arange(count) * microseconds // max(count, 1)).astype("timedelta64[us]")
        times = pa.array(np.datetime64(start, "us") + offsets)
        table = _set(_set(table, schema.entity, pa.array(ids)), schema.event_time, times)
        return table if before else table.add_column(0, "inference_id", pa.array(ids))

    def _dated_again(self, training: pa.Table) -> pa.Table:
        """Training rows that were drawn anew, each with a time of its own where the clock is simulated.

        Copies of a row keep its entity key: the split must not test a model on a person it knows.
        """
        entity = self.source.schema.entity
        if self.scenario.world.order == "drawn":
            return _set(self._dated(training, before=True), entity, training[entity])
        return training.sort_by(self.source.schema.event_time)

    def _updates(self, view: str, start: datetime | None, end: datetime) -> pa.Table:
        """A view's own rows with an event time in [start, end)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        table = self.source.views[view]
        times = table[self.schema.event_time]
        inside = pc.less(times, pa.scalar(end, times.type))
        if start is not None:
            inside = pc.and_(inside, pc.greater_equal(times, pa.scalar(start, times.type)))
        return table.filter(inside)

    # --- labels ---------------------------------------------------------------------------------

    def observe(self, deployment: Deployment, served: Served, screened: str) -> None:
        """Be told what was answered: labels may depend on it, and hindsight is measured."""
        import numpy as np
        import pyarrow as pa

        number, law, schema = served.number, self.scenario.labels, self.source.schema
        self._known[number] = [screened]
        sent, origin = self._sent.pop(number), self._origin.pop(number)
        order, place = _matched(served.table["inference_id"], sent["inference_id"])
        every = len(place) == sent.num_rows and bool((np.diff(place) == 1).all())
        answered = sent if every else sent.take(pa.array(place))
        predicted = served.table["prediction"].to_numpy()[order]
        truth = answered[TRUTH].to_numpy()

        def judged() -> dict[str, float | None]:
            return metrics(deployment.problem, truth, predicted, deployment.threshold)

        if len(place):
            figures = self._outside.memo(
                "hindsight", (answered.select(["inference_id", TRUTH]), served, deployment.threshold), judged
            )
            self._outside.say(
                HindsightMeasured(window=number, version=served.version, metrics=figures, rows=len(place))
            )
        # Only answered rows are ever labelled: a refused request has no inference to join with.
        yes = predicted >= deployment.threshold if schema.problem == "binary" else np.ones(len(place), bool)
        self._remember(answered, yes)
        known, said_yes = np.zeros(sent.num_rows, bool), np.zeros(sent.num_rows, bool)
        known[place], said_yes[place] = True, yes
        delays = np.full(sent.num_rows, law.delay.total_seconds())
        delays[rng_for(self._seed, "labels", number).random(sent.num_rows) >= law.share] = np.inf
        if law.seen == "positive":
            delays[~said_yes] = np.inf
        rows = sent.drop_columns([TRUTH])
        delays = arrive(self, rows, origin, delays, known, said_yes, number)[place]
        seen = np.isfinite(delays)
        # Beyond any horizon a label is as good as never, and a date would overflow.
        microseconds = (np.where(seen, delays, 0.0).clip(0, 3e9) * 1e6).round().astype("timedelta64[us]")
        due = answered[schema.event_time].to_numpy() + microseconds
        waiting = pa.table(
            {
                "inference_id": answered["inference_id"],
                "label": answered[schema.target],
                "due": pa.array(due),
                "window": pa.array(np.full(len(due), number)),
            }
        )
        self._pending[number] = _only(waiting, seen).combine_chunks()

    def _remember(self, answered: pa.Table, yes: np.ndarray) -> None:
        """Count what was answered by group, for worlds in which decisions feed back."""
        import numpy as np
        import pyarrow as pa

        for group in self._groups:
            counts = self._past.setdefault(group, {})
            column = answered[group].cast(pa.string()).combine_chunks().fill_null("").dictionary_encode()
            values, place = column.dictionary.to_pylist(), column.indices.to_numpy()
            rows = np.bincount(place, minlength=len(values))
            hits = np.bincount(place, weights=yes, minlength=len(values))
            for value, asked, said in zip(values, rows, hits, strict=True):
                before = counts.get(value, (0, 0))
                counts[value] = (before[0] + int(asked), before[1] + int(said))

    @property
    def _groups(self) -> tuple[str, ...]:
        """Columns by which injections count decisions."""
        found = [i for i in self.scenario.inject if i.enabled and i.on == "live" and seam(i) == "decisions"]
        return tuple(sorted({str(settings_of(i)["group"]) for i in found}))

    def past(self, group: str) -> Mapping[str, tuple[int, int]]:
        """Rows answered so far, and those of them answered yes, by value of a column."""
        return dict(self._past.get(group, {}))

    def labels_due(self, window: int) -> Labels:
        """Every label known by the end of a window, of the windows some of whose labels came during it."""
        import numpy as np
        import pyarrow as pa

        now = np.datetime64(self.scenario.clock.moment(window + 1), "us")
        began = np.datetime64(self.scenario.clock.moment(window), "us")
        due, fresh = [], 0
        for number, waiting in list(self._pending.items()):
            known = waiting["due"].to_numpy() < now
            arrived = _only(waiting.select(["inference_id", "label", "window"]), known)
            # What was due before its row was delivered becomes known with the row, in this window.
            collected = pa.array(np.maximum(waiting["due"].to_numpy()[known], began))
            arrived = arrived.append_column("collected", collected)
            rest = _only(waiting, ~known)
            if arrived.num_rows:
                fresh += arrived.num_rows
                before = self._arrived.pop(number, None)
                arrived = arrived if before is None else pa.concat_tables([before, arrived])
                due.append(arrived)
            if rest.num_rows:
                self._pending[number] = rest
                if arrived.num_rows:
                    self._arrived[number] = arrived
            else:
                del self._pending[number]
                self._arrived.pop(number, None)
        empty = pa.table(
            {
                "inference_id": pa.array([], pa.int64()),
                "label": pa.array([], pa.float64()),
                "window": pa.array([], pa.int64()),
                "collected": pa.array([], pa.timestamp("us")),
            }
        )
        labels = Labels(arrived=window, table=pa.concat_tables([empty, *due]).combine_chunks(), fresh=fresh)
        if due:
            name = self._outside.keep(labels)
            for number in labels.table["window"].unique().to_pylist():
                self._known[number][1:] = [name]
        return labels

    def say(self, fact: Event) -> None:
        """Write a fact into the world's log."""
        self._outside.say(fact)


TRUTH = "__truth__"
"""Column with what truly happened, beside the target as it will be recorded."""


def _places(weights: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Inverse CDF: which row each uniform draw picks, in the rows' fixed order."""
    import numpy as np

    total = np.cumsum(weights)
    found: np.ndarray = np.searchsorted(total / total[-1], uniform, side="right").clip(0, len(weights) - 1)
    return found


def _weighted(table: pa.Table, weights: np.ndarray, rng: np.random.Generator) -> pa.Table:
    """As many rows, drawn anew with these weights; in the order they had, copies side by side."""
    import numpy as np
    import pyarrow as pa

    return table.take(pa.array(np.sort(_places(weights, rng.random(table.num_rows)))))


def _matched(served: pa.ChunkedArray, sent: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Places in `served` and in `sent` of the rows that are in both, in the order of their ids."""
    import numpy as np

    answers, rows = served.to_numpy(), sent.to_numpy()
    _, order, place = np.intersect1d(answers, rows, assume_unique=True, return_indices=True)
    return order, place


def _these(rows: pa.Table, places: Places) -> pa.Table:
    """Rows of the dataset by their places, or rows that were picked before."""
    import numpy as np
    import pyarrow as pa

    return rows.take(pa.array(places)) if isinstance(places, np.ndarray) else places


def _only(table: pa.Table, these: np.ndarray) -> pa.Table:
    """The rows of which the mask says so; the table itself where it says so of all."""
    import pyarrow as pa

    return table if these.all() else table.filter(pa.array(these))


def _set(table: pa.Table, name: str, values: Any) -> pa.Table:
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, values)
    return table.append_column(name, values)


def _labelled_parts(
    history: pa.Table, baseline: pa.Table, schema: Schema, aside: Mapping[str, pa.Table] = {}
) -> pa.Table:
    """One table, with `split` saying which rows are the monitors' baseline, and which ones held out.

    A weight that the rows to train on have is 1 for all others, which are never trained on.
    """
    import pyarrow as pa

    parts = []
    for name, part in {"history": history, "baseline": baseline, **aside}.items():
        if WEIGHT in history.column_names and WEIGHT not in part.column_names:
            part = part.append_column(WEIGHT, pa.array([1.0] * part.num_rows))
        parts.append(part.append_column("split", pa.array([name] * part.num_rows, pa.string())))
    return _together(parts, schema).combine_chunks()


def _together(parts: list[pa.Table], schema: Schema) -> pa.Table:
    """Tables one below the other: columns that all have, and declared ones that some no longer have.

    A column that is text in one of them is text in all: who reads it will see what is a number.
    """
    import pyarrow as pa

    declared = {column.name for column in own_columns(schema)}
    every = list(dict.fromkeys(name for part in parts for name in part.column_names))
    names = [
        name
        for name in every
        if name != "inference_id" and (name in declared or all(name in part.column_names for part in parts))
    ]
    text = {
        name
        for name in names
        if any(name in part.column_names and pa.types.is_string(part[name].type) for part in parts)
    }
    alike = []
    for part in parts:
        part = part.select([name for name in names if name in part.column_names])
        for name in text & set(part.column_names):
            if not pa.types.is_string(part[name].type):
                part = _set(part, name, part[name].cast(pa.string()))
        alike.append(part)
    return pa.concat_tables(alike, promote_options="default")


def _moments(baseline: pa.Table, schema: Schema) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of the baseline's numeric columns."""
    import pyarrow.compute as pc

    found = {}
    for column in schema.columns:
        if column.kind == "numeric" and column.name in baseline.column_names:
            values = baseline[column.name]
            if values.null_count < len(values):
                found[column.name] = (float(pc.mean(values).as_py()), float(pc.stddev(values).as_py()))
    return found


def _gap(training: pa.Table, moments: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """How far the training mean lies from the baseline's, in its standard deviations."""
    import pyarrow.compute as pc

    gaps = {}
    for name, (mean, std) in moments.items():
        if name not in training.column_names:
            continue  # an injection on the training rows no longer sends it
        found = pc.mean(as_declared(training[name], "numeric")).as_py()
        if found is not None and std > 0:
            gaps[name] = (found - mean) / std
    return gaps


def _spans(windows: tuple[int, ...]) -> str:
    return f"{windows[0]}-{windows[-1]}" if windows else "none"
