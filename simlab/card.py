"""A dataset's card: who is who among the columns, where the rows come from, and what to beware of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from simlab.artifacts import Problem
from simlab.errors import DataFileProblem, ScenarioInvalid, did_you_mean
from simlab.signature import find, module_of, settings
from simlab.yamlfile import Duration, placed, read_yaml

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
