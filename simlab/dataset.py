"""Datasets: a folder with `card.yaml`, which says who is who and what to beware of, and Parquet.

The card is checked in full before a row is read, and every file against the digest in the card.
Instead of files a card may name a generator: such a dataset is synthetic, and its law is known.
What the card calls an outcome or never a feature is left out of the rows, so no stage can use it
by mistake.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Self, Union, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from simlab.artifacts import Column, Problem, Schema, View
from simlab.errors import DataFileProblem, ScenarioInvalid, did_you_mean
from simlab.signature import find, module_of, settings
from simlab.yamlfile import Duration, placed, read_yaml

if TYPE_CHECKING:
    import pyarrow as pa

CARD = "card.yaml"
Role = Literal["numeric", "categorical", "text", "key", "target", "outcome", "never"]


class Part(BaseModel):
    """A part of a card: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Target(Part):
    """What is to be foretold."""

    column: str
    name: str | None = None
    """What the target is called in the rows; the column's name if left out."""
    positive: str | int | None = None
    """Binary: this value is 1 and every other 0."""
    above: float | None = None
    """Binary: values above it are 1 and the others 0."""
    missing: Literal["drop"] = "drop"


class Entity(Part):
    """What one row is about."""

    column: str
    simulated: bool = False
    """Whether the source has no such key, and the row's place in the file (from 0) stands in for it."""


class EventTime(Part):
    """When a row happened."""

    column: str
    simulated: bool = False
    """Whether the source has no clock at all, so that the scenario's own clock dates the rows."""
    nominal: bool = False
    """Whether the source knows a longer period alone (a year), and the moment within it is made up."""
    zone: str = "UTC"
    """Time zone in which the file's times are to be read; rows are always in UTC."""


class DayKey(Part):
    """A key made of another column and the day: `EWR-2013-01-01`."""

    of: str
    """Column whose value comes first."""
    behind: Duration = timedelta(0)
    """How far the day's own clock is behind UTC."""


class ColumnCard(Part):
    """One column of a file and what a person knows about it."""

    role: Role
    integral: bool = False
    """Whether its values are whole numbers at the source."""
    sensitive: bool = False
    pii: bool = False
    null_above: float | None = None
    """Larger values are errors of the source and count as missing."""
    day_key: DayKey | None = None
    """How the column is made, when the file does not hold it."""
    why: str | None = None
    """Why it is never a feature, or known only afterwards."""

    @model_validator(mode="after")
    def _explained(self) -> Self:
        if self.role in ("outcome", "never") and not self.why:
            raise ValueError(f"a column kept out (role {self.role}) says why")
        if self.day_key and self.role != "key":
            raise ValueError("day_key makes a key: its role is key")
        return self


class Table(Part):
    """A feature view with a table of its own."""

    file: str
    """Key of the file in `files`."""
    entity: str
    """Column that joins it to the rows; both files call it the same."""
    event_time: str | None = None
    """Column that says when a value was measured."""
    known_since: datetime | None = None
    """Static tables, instead of `event_time`: from when on every value was known (UTC)."""
    known_after: Duration = timedelta(0)
    """How long after its event time a value became known; the view's clock shows that moment."""
    ttl: Duration = timedelta(0)
    """How long a value may be used after it became known; 0s is for ever."""
    about: str | None = None
    columns: Mapping[str, ColumnCard]

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if (self.event_time is None) == (self.known_since is None):
            raise ValueError("a view has either event_time (a column) or known_since (a moment)")
        return self


class Generator(Part):
    """A rule that makes the rows, instead of files: the dataset is synthetic and its law exact."""

    kind: str
    """Its name; see `simlab list generators`."""
    rows: int = Field(20_000, ge=100, le=1_000_000)
    """How many rows are drawn; training rows and traffic come from them."""
    seed: int = Field(1, ge=0, lt=2**32)
    noise: float = Field(0.0, ge=0, allow_inf_nan=False)
    """Binary: share of the answers that are the opposite of the rule's. Regression: standard deviation
    of what is added to them."""
    settings: dict[str, Any] = Field(default_factory=dict, alias="with")
    """The generator's own keys."""


class Replay(Part):
    """A clock that suits the dataset when it is replayed: what a first scenario begins with."""

    start: datetime
    step: Duration = timedelta(days=1)


class Licence(Part):
    """On what terms the data may be used, and how sure that is."""

    name: str
    checked: bool
    """Whether a person or the package's own text confirmed it."""
    basis: str


class Card(Part):
    """A dataset's card: schema with roles, source, licence, digests, and the traps in it."""

    simlab: Literal[1]
    title: str
    about: str
    problem: Problem
    target: Target
    entity: Entity
    event_time: EventTime
    files: Mapping[str, str] = Field(default_factory=dict)
    """`rows`, and one for each view: file name within the folder."""
    digest: Mapping[str, str] = Field(default_factory=dict)
    """SHA-256 by file name."""
    generator: Generator | None = None
    """What makes the rows, instead of `files`."""
    replay: Replay | None = None
    """Where a first replay may begin, so that there is enough to train on before."""
    columns: Mapping[str, ColumnCard]
    views: Mapping[str, Table] = Field(default_factory=dict)
    source: str
    licence: Licence
    attribution: str
    known_drift: str
    traps: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        problems = list(_contradictions(self))
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def target_name(self) -> str:
        """What the target is called in the rows."""
        return self.target.name or self.target.column

    @property
    def synthetic(self) -> bool:
        """Whether a generator made the rows."""
        return self.generator is not None


def _contradictions(card: Card) -> Iterator[str]:
    """What is wrong between the parts of a card, each with its place."""
    if card.generator is not None:
        yield from _contradictions_of_generated(card, card.generator)
    elif "rows" not in card.files:
        yield "files: it needs rows"
    for key, file in card.files.items():
        if "/" in file or "\\" in file:
            yield f"files.{key}: {file!r} must lie in the card's own folder"
        if file not in card.digest:
            yield f"digest: {file!r} has no SHA-256"
    if (target := card.columns.get(card.target.column)) is None:
        yield f"target.column: no column called {card.target.column!r}" + did_you_mean(
            card.target.column, card.columns
        )
    elif target.role != "target":
        yield f"columns.{card.target.column}.role: it is the target's column, so its role is target"
    given = (card.target.positive is not None) + (card.target.above is not None)
    if card.generator is None and given != (card.problem == "binary"):
        yield "target: a binary target says positive or above, one of them; a regression target neither"
    for column in (card.entity.column, card.event_time.column):
        if column in card.columns:
            yield f"columns.{column}: the entity and the event time are not listed again"
    seen = {card.entity.column, card.event_time.column, card.target_name}
    tables = {"columns": card.columns}
    tables |= {f"views.{name}.columns": table.columns for name, table in card.views.items()}
    for place, columns in tables.items():
        for name, field in columns.items():
            if field.day_key and field.day_key.of not in columns:
                yield f"{place}.{name}.day_key.of: no column called {field.day_key.of!r}" + did_you_mean(
                    field.day_key.of, columns
                )
            if field.role in ("outcome", "never", "target"):
                continue
            if name in seen:
                yield f"{place}.{name}: the name is taken"
            if place != "columns" and field.role == "key":
                yield f"{place}.{name}.role: a view's key is its entity"
            seen.add(name)
    joins = {name for name, field in card.columns.items() if field.role in ("key", "categorical")}
    for name, table in card.views.items():
        if table.file not in card.files:
            yield f"views.{name}.file: no file called {table.file!r}" + did_you_mean(table.file, card.files)
        if table.entity not in joins:
            yield f"views.{name}.entity: no key called {table.entity!r}" + did_you_mean(table.entity, joins)


def _contradictions_of_generated(card: Card, generator: Generator) -> Iterator[str]:
    """What a card says of its generator that the generator does not do."""
    if card.files or card.digest or card.views:
        yield "generator: the rows are made, so there are neither files, digest nor views"
    if not (card.entity.simulated and card.event_time.simulated):
        yield "generator: made rows have neither key nor clock; entity and event_time are simulated"
    if card.target.positive is not None or card.target.above is not None:
        yield "target: the generator answers; leave out positive and above"
    try:
        module = module_of("generators", generator.kind)
    except LookupError as wrong:
        yield f"generator.kind: {wrong.args[0]}"
        return
    yield from settings(find("generators", generator.kind), generator.settings, "generator.with")[1]
    if card.problem != module.PROBLEM:
        yield f"problem: {generator.kind} makes a {module.PROBLEM} problem"
    elif card.problem == "binary" and generator.noise > 0.5:
        yield "generator.noise: at most 0.5, where nothing can be learned"
    made = {name: field.role for name, field in card.columns.items() if field.role != "target"}
    if made != dict(module.COLUMNS) or list(made) != list(module.COLUMNS):
        told = ", ".join(f"{name}: {role}" for name, role in module.COLUMNS.items())
        yield f"columns: {generator.kind} makes, in this order, {told}"


def dataset_folders() -> tuple[Path, ...]:
    """Where datasets are looked for, nearest first.

    `SIMLAB_DATASETS`, the working folder's `datasets/`, the checkout's, the installed package's.
    """
    package = Path(__file__).resolve().parent
    named = os.environ.get("SIMLAB_DATASETS")
    places = [Path(named)] if named else []
    places += [Path.cwd() / "datasets", package.parent / "datasets", package / "_datasets"]
    return tuple(dict.fromkeys(place.absolute() for place in places if place.is_dir()))


def dataset_names(folders: Iterable[Path] | None = None) -> tuple[str, ...]:
    """Names of the datasets there are, in alphabetical order."""
    places = dataset_folders() if folders is None else folders
    return tuple(sorted({card.parent.name for place in places for card in place.glob(f"*/{CARD}")}))


def find_dataset(name: str, folders: Sequence[Path] | None = None) -> Path:
    """The folder of the named dataset.

    Raises
    ------
    ScenarioInvalid
        There is none of that name; the message holds the nearest right one.
    """
    places = dataset_folders() if folders is None else tuple(folders)
    for place in places:
        # not a path: `../elsewhere` is no name
        if Path(name).name == name and (place / name / CARD).is_file():
            return place / name
    known = dataset_names(places)
    hint = did_you_mean(name, known) if known else f"; looked in {', '.join(map(str, places)) or 'no folder'}"
    raise ScenarioInvalid("dataset", [f"no dataset called {name!r}{hint}"])


def load_card(folder: Path) -> Card:
    """Read and check a dataset's card.

    Raises
    ------
    ScenarioInvalid
        The card is not YAML, or says something that cannot be; every problem is named.
    DataFileProblem
        There is no card to read.
    """
    path = folder / CARD
    if not path.is_file():
        raise DataFileProblem(f"{path}: there is no such file; a dataset is a folder with a {CARD}")
    content, lines = read_yaml(path, str(path))
    if not isinstance(content, dict):
        raise ScenarioInvalid(str(path), ["a card is a mapping: title, about, problem, target, …"])
    try:
        return Card.model_validate(content)
    except ValidationError as wrong:
        raise ScenarioInvalid(str(path), placed(_problems(wrong), lines)) from wrong


def _problems(wrong: ValidationError) -> list[str]:
    found = []
    for error in wrong.errors():
        place = ".".join(map(str, error["loc"]))
        if error["type"] == "extra_forbidden":
            *above, key = error["loc"]
            place = ".".join(map(str, above))
            said = f"no key called {key!r}" + did_you_mean(key, _keys(above))
        elif error["type"] == "missing":
            said = "missing"
        else:
            said = error["msg"].removeprefix("Value error, ")
        found += [f"{place}: {line}" if place else line for line in said.splitlines()]
    return found


def _keys(place: Sequence[object]) -> tuple[str, ...]:
    """Keys the card takes at a place."""
    here: Any = Card
    for step in place:
        if isinstance(here, type) and issubclass(here, BaseModel):
            here = here.model_fields[str(step)].annotation
        else:
            here = get_args(here)[-1]  # a mapping: its values
        if get_origin(here) in (Union, UnionType):
            here = next(kind for kind in get_args(here) if kind is not NoneType)
    return tuple(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else ()


def schema(card: Card) -> Schema:
    """Who is who among the columns, as the stages see it.

    The rows' own features form one view, named after the entity; each table of the card is
    another.
    """
    own = _features(card.columns)
    name = card.entity.column.removesuffix("_id")
    views = [View(name, card.entity.column, own, from_rows=True)]
    for view, table in card.views.items():
        views.append(View(view, table.entity, _features(table.columns), int(table.ttl.total_seconds())))
    return Schema(
        problem=card.problem,
        target=card.target_name,
        entity=card.entity.column,
        event_time=card.event_time.column,
        columns=own,
        keys=tuple(name for name, field in card.columns.items() if field.role == "key"),
        views=tuple(views),
        ordered=not card.event_time.simulated,
        key_per_row=card.entity.simulated,
    )


def _features(columns: Mapping[str, ColumnCard]) -> tuple[Column, ...]:
    found = []
    for name, field in columns.items():
        if field.role == "numeric" or field.role == "categorical":
            found.append(Column(name, field.role, field.sensitive, field.integral))
    return tuple(found)


def verify(folder: Path, card: Card) -> None:
    """Check every file of a dataset against the digest in its card.

    Raises
    ------
    DataFileProblem
        A file is missing or is not the one the card describes.
    """
    for file in card.files.values():
        _read(folder, card, file)


def _read(folder: Path, card: Card, file: str) -> bytes:
    """A file's bytes, once they are known to be the right ones."""
    path = folder / file
    try:
        content = path.read_bytes()
    except OSError as wrong:
        raise DataFileProblem(
            f"{path}: cannot be read: {wrong.strerror}; restore it (git checkout -- brings it back), "
            f"or name another dataset"
        ) from wrong
    found, expected = hashlib.sha256(content).hexdigest(), card.digest[file]
    if found != expected:
        raise DataFileProblem(
            f"{path}: not the file its card describes: SHA-256 {found} found, {expected} expected; "
            f"restore it (git checkout -- brings it back), or, if you changed it on purpose, "
            f"write the new digest into {folder / CARD}"
        )
    return content


def load(folder: Path, card: Card, made: pa.Table | None = None) -> tuple[pa.Table, dict[str, pa.Table]]:
    """Read a dataset: labelled rows, and a table for each view that has one.

    Rows hold entity key, event time (none when the card says it is simulated: the scenario's
    clock gives it), keys and features in the card's order, and the target as double. Rows without
    a target are dropped. View tables hold their entity, the event time (under the rows' name for
    it: the moment a value became known) and features. Numeric features are double, categorical
    ones and keys string, null where unknown; times are UTC, in microseconds, without a zone. A
    simulated entity key is the row's place in the file, counted before rows are dropped.

    Parameters
    ----------
    folder, card
        The dataset.
    made
        The rows of a synthetic dataset, which no file holds (`simlab.generated.draw`).

    Raises
    ------
    DataFileProblem
        A file is missing, is not the one the card describes, or lacks a column of the card.
    """
    import numpy as np
    import pyarrow as pa

    clock = card.event_time
    if made is None:
        raw = _parquet(folder, card, card.files["rows"])
        real = [part.column for part in (card.entity, clock) if not part.simulated]
        _expect(folder / card.files["rows"], raw, card.columns, *real)
    else:
        raw = made
    columns: dict[str, pa.ChunkedArray] = {}
    columns[card.entity.column] = (
        pa.chunked_array([pa.array(np.arange(raw.num_rows))])
        if card.entity.simulated
        else _key(raw[card.entity.column])
    )
    if not clock.simulated:
        columns[clock.column] = _utc(raw[clock.column], clock.zone)
    columns |= _cast(raw, card.columns, columns.get(clock.column))
    columns[card.target_name] = _target(raw[card.target.column], card.target)
    rows = pa.table(columns)
    rows = rows.filter(rows[card.target_name].is_valid()).combine_chunks()
    return rows, {name: _view(folder, card, table) for name, table in card.views.items()}


def _view(folder: Path, card: Card, table: Table) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    file = card.files[table.file]
    raw = _parquet(folder, card, file)
    _expect(folder / file, raw, table.columns, *filter(None, (table.entity, table.event_time)))
    if table.event_time is not None:
        known = pc.add(_utc(raw[table.event_time], "UTC"), pa.scalar(table.known_after, pa.duration("us")))
    else:
        assert table.known_since is not None
        moment = table.known_since
        moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        known = pa.chunked_array([pa.repeat(pa.scalar(moment, pa.timestamp("us")), raw.num_rows)])
    columns = {table.entity: _key(raw[table.entity]), card.event_time.column: known}
    return pa.table(columns | _cast(raw, table.columns, known)).combine_chunks()


def _parquet(folder: Path, card: Card, file: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = _read(folder, card, file)
    try:
        # One thread: the threaded reader aborts at the end of the process now and then.
        return pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False).replace_schema_metadata(None)
    except (pa.ArrowInvalid, OSError) as wrong:
        raise DataFileProblem(f"{folder / file}: not Parquet: {wrong}") from wrong


def _expect(path: Path, raw: pa.Table, columns: Mapping[str, ColumnCard], *further: str) -> None:
    for name in (*further, *(name for name, field in columns.items() if field.day_key is None)):
        if name not in raw.column_names:
            raise DataFileProblem(f"{path}: no column called {name!r}{did_you_mean(name, raw.column_names)}")


def _cast(
    raw: pa.Table, columns: Mapping[str, ColumnCard], when: pa.ChunkedArray | None
) -> dict[str, pa.ChunkedArray]:
    """What stages may see of a file, each column cast as its role says."""
    cast: dict[str, pa.ChunkedArray] = {}
    for name, field in columns.items():
        if field.role == "numeric":
            cast[name] = _numeric(raw[name], field.null_above)
        elif field.role in ("categorical", "text"):
            cast[name] = _string(raw[name])
        elif field.role == "key":
            cast[name] = _day_key(raw, field.day_key, when) if field.day_key else _string(raw[name])
    return cast


def _numeric(values: pa.ChunkedArray, null_above: float | None) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = values.cast(pa.float64())
    unknown = pc.is_nan(numbers)
    if null_above is not None:
        unknown = pc.or_(unknown, pc.greater(numbers, null_above))
    return pc.if_else(unknown, pa.scalar(None, pa.float64()), numbers)


def _string(values: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    return values.cast(pa.string())


def _key(values: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    return values.cast(pa.int64() if pa.types.is_integer(values.type) else pa.string())


def _day_key(raw: pa.Table, key: DayKey, when: pa.ChunkedArray | None) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    day = pc.subtract(when, pa.scalar(key.behind, pa.duration("us"))).cast(pa.date32())
    return pc.binary_join_element_wise(_string(raw[key.of]), day.cast(pa.string()), "-")


def _target(values: pa.ChunkedArray, target: Target) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if target.positive is not None:
        wanted = pa.scalar(str(target.positive), pa.string())
        return pc.equal(_string(values), wanted).cast(pa.float64())
    if target.above is not None:
        return pc.greater(values.cast(pa.float64()), target.above).cast(pa.float64())
    return _numeric(values, None)


def _utc(values: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    """Times of a zone as UTC without a zone; an hour that the clock shows twice is its first."""
    import pyarrow as pa

    times = values.cast(pa.timestamp("us"))
    if zone == "UTC":
        return times
    # Python's own time zones: Arrow's need files that a slim machine lacks.
    there = ZoneInfo(zone)
    moments = [
        None if moment is None else moment.replace(tzinfo=there).astimezone(UTC).replace(tzinfo=None)
        for moment in times.to_pylist()
    ]
    return pa.chunked_array([pa.array(moments, pa.timestamp("us"))])
