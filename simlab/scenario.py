"""Scenario: the file that describes a world and a lifecycle, checked in full before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from simlab.errors import ScenarioInvalid, UsageError, did_you_mean
from simlab.quality import Metric
from simlab.schedules import Schedule, reach
from simlab.signature import adapter, sentences
from simlab.targets import Target
from simlab.yamlfile import Duration, placed, read_yaml, seconds


class Part(BaseModel):
    """A part of the file: frozen, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Seeds(Part):
    """Where randomness comes from: one number for the live world, one for all that a model is built on."""

    world: int = Field(0, ge=0, lt=2**32)
    build: int = Field(0, ge=0, lt=2**32)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        return {"world": given, "build": given} if isinstance(given, int) else given


def _moment(given: Any) -> Any:
    """A day is its first moment."""
    if isinstance(given, date) and not isinstance(given, datetime):
        return datetime(given.year, given.month, given.day)
    return given


def _in_utc(given: datetime) -> datetime:
    """Simulated time has no zone: a moment that names one is read as UTC."""
    return given.astimezone(UTC).replace(tzinfo=None) if given.tzinfo else given


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    AfterValidator(_in_utc),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}"}),
]


class Clock(Part):
    """Simulated time: when it starts, how long a window is, how many windows there are."""

    start: Moment
    step: Duration = timedelta(days=1)
    windows: int = Field(30, ge=1, le=100_000)
    rows: int = Field(1000, ge=1, le=1_000_000)
    """Rows per window (in a replay: at most so many)."""

    @model_validator(mode="after")
    def _sane(self) -> Clock:
        if self.step <= timedelta(0):
            raise ValueError("step must be longer than nothing")
        try:
            self.moment(self.windows)
        except OverflowError:
            raise ValueError("so many windows of that length end after the year 9999") from None
        return self

    def moment(self, window: int) -> datetime:
        """The simulated time at which a window begins."""
        return self.start + window * self.step


class World(Part):
    """How rows become training rows, the monitors' baseline, and traffic."""

    order: Literal["drawn", "replay"] = "drawn"
    """Rows drawn at random from one pool (no natural drift), or replayed in their own time order."""
    training: Annotated[float | int, Field(gt=0, allow_inf_nan=False)] = 0.4
    """Share (below 1) or number of rows to train on; in a replay, at most so many before the start."""
    training_from: Moment | None = None
    """In a replay, the first moment of the training rows."""
    baseline: Literal["live", "training"] = "live"
    """Where the monitors' baseline is drawn from; a replay always takes training."""
    baseline_rows: int = Field(5000, ge=50)


class LabelLaw(Part):
    """When, and for which rows, the truth becomes known."""

    delay: Duration = timedelta(0)
    share: float = Field(1.0, ge=0, le=1)
    """Share of the labels that ever arrive."""
    horizon: Duration | None = None
    """How long the monitors wait for labels; a later one is joined with nothing. As long as `delay`
    when not said, so say it where an injection makes labels later."""
    seen: Literal["all", "positive"] = "all"
    """`positive`: only rows the model said yes to are ever labelled (selective labels)."""


class Injection(Part):
    """Something done to the world on purpose, with known truth."""

    id: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")
    kind: str
    on: Literal["training", "live", "labels", "ops"] = "live"
    start: int = Field(0, ge=0)
    """First window in which it acts."""
    end: int | None = None
    """First window in which it no longer acts."""
    shape: str | dict[str, Any] = "sudden"
    act: Literal["morph", "mix"] = "morph"
    """`morph`: its parameters move with the shape; `mix`: the share of rows it touches does."""
    where: str | None = None
    """Only rows for which this SQL condition holds."""
    fraction: float = Field(1.0, ge=0, le=1)
    """Share of those rows that it touches."""
    settings: dict[str, Any] = Field(default_factory=dict, alias="with")
    enabled: bool = True
    expected: bool = False
    """A change the operator knows of (a season, say): no monitor needs to report it."""

    @model_validator(mode="after")
    def _ordered(self) -> Injection:
        if self.end is not None and self.end <= self.start:
            raise ValueError(
                f"ends in window {self.end}, which is not after its start in window {self.start}"
            )
        return self


Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class HarmBound(Part):
    """When an episode counts as harmful."""

    metric: Metric | None = None
    """Metric that says how good the model is; `log_loss` or `mae` when not said."""
    worse_by: float = Field(0.1, gt=0)
    """Share by which it must be worse, on average, once the change is complete."""


class Costs(Part):
    """What mistakes of the monitors cost, in any unit."""

    false_alarm: Cost = 1.0
    """One false alarm, also one over a benign change."""
    missed: Cost = 10.0
    """One episode that nobody found."""
    delay: Cost = 1.0
    """One window between the start of an episode and the alarm that found it."""
    retrain: Cost = 5.0
    """One retrain."""


class AtLeast(Part):
    """A figure that the monitors must reach; a plain number means the F1 of all of them together."""

    value: float = Field(allow_inf_nan=False)
    """The bound; under it, or where the figure is undefined, the score is not reached."""
    figure: Literal["f1", "precision", "recall", "lift"] = "f1"
    """Which figure. `lift` is the F1 less that of the best monitor that knows nothing."""
    monitor: str = "overall"
    """Whose: a family of alarms, such as `data_quality:drift`, or all together."""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        plain = isinstance(given, (int, float)) and not isinstance(given, bool)
        return {"value": given} if plain else given


class Scoring(Part):
    """How the monitors are scored against the truth."""

    within: int = Field(5, ge=0, le=10_000)
    """Windows after a change is complete in which an alarm still counts as having found it."""
    before: int = Field(0, ge=0, le=10_000)
    """Windows before its start in which an alarm counts already."""
    merge: int = Field(3, ge=0, le=10_000)
    """Cool-down: false alarms that begin so few windows after another one count as one with it."""
    harm: HarmBound = HarmBound()
    targets: dict[str, Target] = Field(default_factory=dict)
    """What alarms aim at, by pattern: `{"data_quality:drift:*": harmful}`. Alarms of the model's quality aim
    at `harmful`, of its bias at `uneven`, those of the monitors' own health at `faulty`, all others at
    `shifted`."""
    cost: Costs = Costs()
    at_least: AtLeast | None = None
    """What the score must reach, or `simlab run` and `simlab score` exit with 6."""


class Reporting(Part):
    """What is written for people beside the run's report."""

    evidently: Literal["never", "onset", "run", "all"] = "never"
    """Evidently's own HTML reports in `artifacts/evidently`: one of every window in which an alarm began
    (`onset`; at most 40 windows), one of the whole `run`, or `all` of these. Another process writes them
    while the run works; a run that ends sooner waits for it, some seconds a report."""


class Scenario(Part):
    """A world, a lifecycle, and what is expected of the two."""

    simlab: Literal[1]
    title: str = Field(min_length=1)
    shows: str = ""
    """What a reader learns from it."""
    dataset: str
    seed: Seeds = Seeds()
    clock: Clock
    world: World = World()
    stages: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Settings by stage: the stage's file name, then its keyword-only parameters."""
    labels: LabelLaw = LabelLaw()
    given: tuple[dict[str, dict[str, Any]], ...] = ()
    """What the built model must meet before any live window."""
    inject: tuple[Injection, ...] = ()
    expect: tuple[dict[str, dict[str, Any]], ...] = ()
    score: Scoring | None = None
    """How the monitors are scored; with the defaults where it is left out."""
    report: Reporting | None = None
    """What is written for people beside the run's report."""
    mutants: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Changes under which an expectation must break, by name; beside the ones every scenario has."""
    name: str = Field("", exclude=True)

    @field_validator("given", "expect", mode="before")
    @classmethod
    def _bare_names(cls, given: Any) -> Any:
        """A bare name, or a name with nothing behind it, is an expectation without settings."""
        if not isinstance(given, (list, tuple)):
            return given
        named = [{item: {}} if isinstance(item, str) else item for item in given]
        return [
            {k: {} if v is None else v for k, v in i.items()} if isinstance(i, dict) else i for i in named
        ]

    @property
    def horizon(self) -> int:
        """Windows until the monitors stop waiting for a window's labels."""
        wait = self.labels.delay if self.labels.horizon is None else self.labels.horizon
        return -(-wait // self.clock.step)

    @property
    def schedules(self) -> dict[str, Schedule]:
        """The scheduled monitors, by name."""
        given = self.setting("monitor", "schedules") or {}
        found: dict[str, Schedule] = adapter(dict[str, Schedule]).validate_python(given)
        return found

    @property
    def reach(self) -> int:
        """Windows whose captures may be looked at again, also by an execution that comes late."""
        schedules = self.schedules
        found = reach(schedules.values(), self.clock.step)
        late = -(-self.held_up // self.clock.step) if schedules else 0
        return max(found + late, self.watch)

    @property
    def held_up(self) -> timedelta:
        """How late an execution of a scheduled monitor may come, at most: delays add up."""
        late = timedelta(0)
        for injection in self.inject:
            if injection.enabled and injection.on == "ops" and injection.kind == "delay_monitor":
                late += seconds(injection.settings.get("by", 0))
        return late

    @property
    def watch(self) -> int:
        """Windows in which a version that took over is compared with the one before."""
        return int(self.setting("rollback", "windows") or 0)

    @property
    def alarmed(self) -> bool:
        """Whether there are metric alarms, composite alarms or rules to look after."""
        return any(
            self.stages.get("alarm", {}).get(key) for key in ("metric_alarms", "composite_alarms", "rules")
        )

    @property
    def scoring(self) -> Scoring:
        """How the monitors are scored, said or not."""
        return self.score or Scoring()

    @property
    def evidently(self) -> str:
        """Which of Evidently's reports are wanted: never, onset, run or all."""
        return self.report.evidently if self.report else "never"

    def injection(self, id: str) -> Injection:
        """The injection of that id."""
        return next(i for i in self.inject if i.id == id)

    def setting(self, stage: str, key: str, default: Any = None) -> Any:
        """What the file says of one key of a stage."""
        return self.stages.get(stage, {}).get(key, default)

    def text(self) -> str:
        """The scenario as resolved, in YAML."""
        body = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110)


def read(path: Path, sets: Mapping[str, Any] | None = None) -> Scenario:
    """Read a scenario file, apply `--set` changes, and check its own form.

    What it refers to (dataset, columns, stages, injectors …) is checked by `simlab.checking`.

    Raises
    ------
    ScenarioInvalid
        With every problem found, each with its line and the nearest right name.
    """
    content, lines = read_yaml(path)
    return from_content(content, path, lines, sets or {})


def from_content(
    content: Any, path: Path, lines: dict[str, int] | None = None, sets: Mapping[str, Any] | None = None
) -> Scenario:
    """A scenario from parsed YAML; see `read`."""
    lines = lines or {}
    if not isinstance(content, dict):
        found = "is empty" if content is None else f"holds a {type(content).__name__}"
        raise ScenarioInvalid(
            path.name, [f"the file {found} where a scenario's keys should be (simlab, title, clock …)"]
        )
    for key, value in (sets or {}).items():
        content = _changed(content, key, value, path.name)
    try:
        scenario = Scenario.model_validate(content)
    except ValidationError as wrong:
        raise ScenarioInvalid(path.name, placed(_explained(wrong), lines)) from None
    return scenario.model_copy(update={"name": path.stem})


_PARTS: dict[str, type[BaseModel]] = {
    "": Scenario,
    "clock": Clock,
    "world": World,
    "labels": LabelLaw,
    "seed": Seeds,
    "inject": Injection,
    "score": Scoring,
    "report": Reporting,
    "score.harm": HarmBound,
    "score.cost": Costs,
    "score.at_least": AtLeast,
}


def _explained(wrong: ValidationError) -> list[str]:
    """Sentences for a file's mistakes, with the keys that would be right."""
    found = []
    for sentence in sentences(wrong, ""):
        if "no key called" in sentence and "did you mean" not in sentence:
            where = sentence.partition(": no key")[0] if ": no key" in sentence else ""
            part = _PARTS.get(where.partition("[")[0])
            if part is not None:
                key = sentence.partition("no key called ")[2].strip("'\"")
                known = [f.alias or n for n, f in part.model_fields.items() if n != "name"]
                sentence += did_you_mean(key, known)
        found.append(sentence)
    return found


def parse_sets(given: list[str]) -> dict[str, Any]:
    """What `--set key=value` options say; values are typed as YAML types them.

    >>> parse_sets(["stages.retrain.policy=never", "clock.windows=5"])
    {'stages.retrain.policy': 'never', 'clock.windows': 5}
    """
    from simlab.yamlfile import parse_yaml

    found = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {item}: write KEY=VALUE, as in --set clock.windows=5")
        try:
            found[key.strip()] = parse_yaml(value, f"--set {key}")[0]
        except ScenarioInvalid as wrong:
            raise UsageError(str(wrong)) from None
    return found


def _changed(content: dict[str, Any], key: str, value: Any, file: str) -> dict[str, Any]:
    """The content with one dotted key changed; list items by number or by their id."""

    def inner(here: Any, path: list[str], done: str) -> Any:
        if not path:
            return value
        step, rest = path[0], path[1:]
        if isinstance(here, (list, tuple)):
            ids = [item.get("id") if isinstance(item, dict) else None for item in here]
            if step in ids:
                at = ids.index(step)
            elif step.isdigit() and int(step) < len(here):
                at = int(step)
            else:
                known = [str(i) for i in ids if i] or [str(n) for n in range(len(here))]
                raise ScenarioInvalid(
                    file, [f"--set {key}: {done} has no item {step!r}{did_you_mean(step, known)}"]
                )
            return [inner(item, rest, f"{done}.{step}") if n == at else item for n, item in enumerate(here)]
        if here is None or isinstance(here, dict):
            return {**(here or {}), step: inner((here or {}).get(step), rest, f"{done}.{step}".lstrip("."))}
        if done == "seed" and isinstance(here, int):  # a plain number means both
            return {"world": here, "build": here, step: value}
        raise ScenarioInvalid(file, [f"--set {key}: {done} is {here!r} and has no keys"])

    changed: dict[str, Any] = inner(content, key.split("."), "")
    return changed


def mutants(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """Changes under which at least one expectation must break.

    Each injection removed, the monitors muted, the policy `never`, and what the file itself names.
    """
    found: dict[str, dict[str, Any]] = {}
    for injection in scenario.inject:
        if injection.enabled:
            found[f"without {injection.id}"] = {f"inject.{injection.id}.enabled": False}
    found["monitors muted"] = {"stages.monitor.muted": True}
    if scenario.setting("retrain", "policy", "never") != "never":
        found["policy never"] = {"stages.retrain.policy": "never"}
    return {**found, **scenario.mutants}
