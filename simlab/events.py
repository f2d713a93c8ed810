"""The facts: everything a run can say.

A fact is past tense, frozen, and holds only what an operator could see: simulated time, run-local
ordinals, content digests and figures of six significant digits. Wall-clock figures live in
`timings.jsonl`; what was done to the world lives in `world.jsonl` (`WorldFact` below).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter


def figure(value: float | None) -> float | None:
    """A figure as facts keep it: six significant digits, None where it is undefined.

    >>> figure(0.123456789), figure(float('nan'))
    (0.123457, None)
    """
    if value is None or not isfinite(value):
        return None
    return float(f"{value:.6g}")


def _figure(value: Any) -> Any:
    return figure(float(value)) if value is not None and not isinstance(value, (bool, str)) else value


Figure = Annotated[float | None, BeforeValidator(_figure)]


class Event(BaseModel):
    """What every fact says: when in simulated time, and in which window."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    window: int | None = None
    """Window during which it was said; None before the first."""
    time: str = ""
    """Simulated time, ISO 8601."""

    def placed(self, window: int | None, time: str) -> Self:
        """The same fact, said in a window and at a time.

        As `model_copy(update=…)`, and several times as fast: a run says some thirty facts a window.
        """
        copy = self.__class__.__new__(self.__class__)
        object.__setattr__(copy, "__dict__", {**self.__dict__, "window": window, "time": time})
        object.__setattr__(copy, "__pydantic_extra__", None)
        object.__setattr__(copy, "__pydantic_private__", None)
        object.__setattr__(copy, "__pydantic_fields_set__", self.__pydantic_fields_set__ | {"window", "time"})
        return copy


class RunStarted(Event):
    """A run began."""

    kind: Literal["RunStarted"] = "RunStarted"
    scenario: str
    title: str
    dataset: str
    dataset_digest: str
    synthetic: bool = False
    """Whether a generator made the rows."""
    problem: str
    seed: Mapping[str, int]
    windows: int
    rows: int
    step_seconds: int


class StageFinished(Event):
    """A stage did its work; its artifact and metrics are recorded with it."""

    kind: Literal["StageFinished"] = "StageFinished"
    stage: str
    artifact: str
    """Content digest of what it handed on."""
    inputs: tuple[str, ...] = ()
    """Content digests of what it was given."""
    metrics: Mapping[str, Figure] = Field(default_factory=dict)


class StageFailed(Event):
    """A stage could not do its work."""

    kind: Literal["StageFailed"] = "StageFailed"
    stage: str
    why: str


class DataIngested(Event):
    """Rows were written to the local lake."""

    kind: Literal["DataIngested"] = "DataIngested"
    version: int
    rows: int
    columns: int
    digest: str
    source: str


class RowsRejected(Event):
    """Rows were set aside in quarantine."""

    kind: Literal["RowsRejected"] = "RowsRejected"
    column: str
    reason: str
    rows: int
    of: int


class FeatureParityChecked(Event):
    """The same entities at the same instants were read offline and online."""

    kind: Literal["FeatureParityChecked"] = "FeatureParityChecked"
    rows: int
    differing: int
    max_difference: Figure = None


class TrialFinished(Event):
    """Tuning tried one setting."""

    kind: Literal["TrialFinished"] = "TrialFinished"
    number: int
    values: Mapping[str, Any]
    metric: str
    score: Figure = None


class ModelTrained(Event):
    """A model was fitted."""

    kind: Literal["ModelTrained"] = "ModelTrained"
    algorithm: str
    rows: int
    values: Mapping[str, Any]
    metrics: Mapping[str, Figure] = Field(default_factory=dict)


class MetricMeasured(Event):
    """A metric was measured, such as `evaluate.auc`, `monitor.log_loss` or `serve.rows`."""

    kind: Literal["MetricMeasured"] = "MetricMeasured"
    metric: str
    value: Figure = None
    low: Figure = None
    high: Figure = None
    of_window: int | None = None
    """Window it speaks about; `window` is when it became known."""
    rows: int | None = None


class ModelRegistered(Event):
    """A version entered the registry; numbers count up within the run."""

    kind: Literal["ModelRegistered"] = "ModelRegistered"
    version: int
    artifact: str
    algorithm: str
    metrics: Mapping[str, Figure] = Field(default_factory=dict)


class ModelApproved(Event):
    """A version may go into service."""

    kind: Literal["ModelApproved"] = "ModelApproved"
    version: int
    why: str


class ModelRejected(Event):
    """A version may not go into service."""

    kind: Literal["ModelRejected"] = "ModelRejected"
    version: int
    reasons: tuple[str, ...]


class ModelDeployed(Event):
    """A version went into service."""

    kind: Literal["ModelDeployed"] = "ModelDeployed"
    version: int
    onnx: str
    """Digest of the exported graph."""
    bytes: int
    parity: Figure = None
    replaced: int | None = None


class LabelsArrived(Event):
    """True answers became known."""

    kind: Literal["LabelsArrived"] = "LabelsArrived"
    rows: int
    of_windows: tuple[int, ...]


def alarm_of(monitor: str, check: str, column: str = "", schedule: str = "") -> str:
    """The name of the alarm that a finding feeds; its schedule counts where the monitor has several.

    >>> alarm_of("data_quality", "drift", "age"), alarm_of("data_quality", "missing_column_check", "", "live")
    ('data_quality:drift:age', 'data_quality:missing_column_check@live')
    """
    name = ":".join(filter(None, (monitor, check, column)))
    return f"{name}@{schedule}" if schedule else name


class FindingMade(Event):
    """One detector looked at one window."""

    kind: Literal["FindingMade"] = "FindingMade"
    monitor: str
    check: str
    column: str = ""
    method: str
    value: Figure = None
    threshold: Figure = None
    breached: bool
    of_window: int
    schedule: str = ""
    """Schedule of the monitor that found it, where the monitor has several; empty elsewhere."""

    @property
    def alarm(self) -> str:
        """The name of the alarm it feeds."""
        return alarm_of(self.monitor, self.check, self.column, self.schedule)


class DistributionShifted(Event):
    """Two histograms of a drifted column, kept for the report: baseline and window."""

    kind: Literal["DistributionShifted"] = "DistributionShifted"
    column: str
    labels: tuple[str, ...]
    """Bin edges (numeric, one more than shares) or category names."""
    baseline: tuple[Figure, ...]
    current: tuple[Figure, ...]


class AlarmChanged(Event):
    """An alarm went to OK, ALARM or INSUFFICIENT_DATA."""

    kind: Literal["AlarmChanged"] = "AlarmChanged"
    alarm: str
    state: Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
    previous: Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
    reason: str


class DataCaptured(Event):
    """The endpoint kept some of a window's requests and answers."""

    kind: Literal["DataCaptured"] = "DataCaptured"
    rows: int
    of: int
    """Rows that were answered."""
    percentage: Figure
    """The sampling percentage that was set."""


class BaselineSuggested(Event):
    """A baseline job suggested what a scheduled monitor judges by."""

    kind: Literal["BaselineSuggested"] = "BaselineSuggested"
    schedule: str
    monitor: str
    rows: int
    files: tuple[str, ...]


class MonitoringExecuted(Event):
    """A scheduled monitor ran."""

    kind: Literal["MonitoringExecuted"] = "MonitoringExecuted"
    schedule: str
    monitor: str
    monitoring_type: str
    """SageMaker's MonitoringType."""
    status: Literal["Completed", "CompletedWithViolations", "Failed"]
    scheduled: str
    """When its schedule fired, in simulated time."""
    start: str
    end: str
    """It looked at rows that were answered at or after `start` and before `end`."""
    rows: int
    labelled: int
    """Rows of these whose label was known."""
    violations: int
    message: str
    """Exit message of the job."""


class ConstraintViolated(Event):
    """A scheduled monitor found a constraint broken."""

    kind: Literal["ConstraintViolated"] = "ConstraintViolated"
    schedule: str
    monitor: str
    check: str
    """AWS's constraint_check_type."""
    subject: str
    """Feature, metric, or facet=value:metric."""
    description: str


class MetricsPublished(Event):
    """Metrics went to CloudWatch under AWS's own names."""

    kind: Literal["MetricsPublished"] = "MetricsPublished"
    namespace: str
    dimensions: Mapping[str, str]
    unit: str
    values: Mapping[str, tuple[Figure, Figure, Figure, Figure]]
    """By metric name: how many values, their sum, the least and the greatest."""


class RuleMatched(Event):
    """An EventBridge rule matched an event."""

    kind: Literal["RuleMatched"] = "RuleMatched"
    rule: str
    detail_type: str
    event_id: str
    target: str
    """`retrain`, or `notify` and the topic."""


class NotificationSent(Event):
    """A notification was published to an SNS topic; whether a webhook took it is no fact."""

    kind: Literal["NotificationSent"] = "NotificationSent"
    topic: str
    subject: str
    message_id: str
    alarm: str = ""
    """Alarm whose action it was; empty where a rule sent it."""
    to: tuple[Literal["file", "terminal", "webhook"], ...]


class RetrainPlanned(Event):
    """A policy decided to retrain."""

    kind: Literal["RetrainPlanned"] = "RetrainPlanned"
    policy: str
    reason: str
    windows: tuple[int, ...]
    include_training: bool
    held_out: tuple[int, ...] = ()
    """Labelled windows kept for the comparison of champion and challenger."""
    half_life: Figure = None
    """Windows in which a row's weight halves; None where all rows weigh the same."""
    tune_again: bool = True


class RetrainFinished(Event):
    """A retrain ended: a new version is in service, or the old one stayed and why."""

    kind: Literal["RetrainFinished"] = "RetrainFinished"
    version: int
    """Version in service from now on."""
    replaced: bool
    why: str


class ChallengerJudged(Event):
    """A new version was held against the one in service, on rows that neither was trained on."""

    kind: Literal["ChallengerJudged"] = "ChallengerJudged"
    champion: int
    """Version in service."""
    challenger: int
    metric: str
    test: Literal["bootstrap", "mcnemar"]
    difference: Figure = None
    """By how much the challenger is better, in the metric's own unit; negative where it is worse."""
    low: Figure = None
    high: Figure = None
    p: Figure = None
    """Chance of so large a difference if the challenger were not better by what is asked."""
    rows: int
    """Rows that both were asked about."""
    left_out: int
    """Rows that one of the two knew from its training."""
    replaced: bool
    """Whether the challenger won."""
    why: str


class VersionsCompared(Event):
    """A version that took over was held against the one before, on live rows whose labels are known."""

    kind: Literal["VersionsCompared"] = "VersionsCompared"
    version: int
    """Version in service."""
    previous: int
    metric: str
    difference: Figure = None
    """By how much it is worse than what is allowed, in the metric's own unit; negative where it is not."""
    low: Figure = None
    high: Figure = None
    p: Figure = None
    rows: int
    worse: bool


class VersionRolledBack(Event):
    """The version before was put back into service."""

    kind: Literal["VersionRolledBack"] = "VersionRolledBack"
    version: int
    """Version in service from now on."""
    replaced: int
    """Version that was taken out of service."""
    why: str


class Judged(Event):
    """One expectation (or one condition of `given:`) was judged."""

    kind: Literal["Judged"] = "Judged"
    of: Literal["given", "expect", "score"]
    """Where it stands in the scenario; `score` is what the monitors' score must reach."""
    expectation: str
    """Its name and settings, as in the scenario."""
    held: bool
    why: str


class RunFinished(Event):
    """The run came to its end."""

    kind: Literal["RunFinished"] = "RunFinished"
    status: Literal["held", "deviated", "under", "gate", "failed"]
    exit: int


Fact = Annotated[
    RunStarted
    | StageFinished
    | StageFailed
    | DataIngested
    | RowsRejected
    | FeatureParityChecked
    | TrialFinished
    | ModelTrained
    | MetricMeasured
    | ModelRegistered
    | ModelApproved
    | ModelRejected
    | ModelDeployed
    | LabelsArrived
    | FindingMade
    | DistributionShifted
    | AlarmChanged
    | DataCaptured
    | BaselineSuggested
    | MonitoringExecuted
    | ConstraintViolated
    | MetricsPublished
    | RuleMatched
    | NotificationSent
    | RetrainPlanned
    | RetrainFinished
    | ChallengerJudged
    | VersionsCompared
    | VersionRolledBack
    | Judged
    | RunFinished,
    Field(discriminator="kind"),
]


# --- the world's own log ------------------------------------------------------------------------


class WorldStarted(Event):
    """A world was made: what it was made from."""

    kind: Literal["WorldStarted"] = "WorldStarted"
    scenario: str
    dataset: str
    dataset_digest: str
    order: str
    law: Literal["fitted", "exact"] = "fitted"
    """What answers for rows that were moved: a model fitted to real data, or the rule that made them."""
    training_rows: int
    baseline_rows: int
    pool_rows: int
    baseline_gap: Mapping[str, Figure] = Field(default_factory=dict)
    """Measured gap between training and baseline, by column."""


class Sized(BaseModel):
    """How large an injection was: as its settings declare, and as the rows show."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    declared: Figure = None
    measured: Figure = None
    error: Figure = None
    """Standard error of the measured size, if the declared one is right."""


class Injected(Event):
    """An injection acted on a window (or on the training rows)."""

    kind: Literal["Injected"] = "Injected"
    injection: str
    injector: str
    on: str
    intensity: Figure
    """The shape's alpha in this window."""
    rows: int
    """Rows it touched."""
    of: int
    mask: str
    """Digest of which rows it touched."""
    measured: Mapping[str, Figure] = Field(default_factory=dict)
    """Size as measured on the touched columns, in standard deviations of the reference."""
    size: Sized | None = None
    """The injector's own measure of its size, declared beside measured."""
    relabelled: int = 0
    """Labels that changed because the world answered for the moved rows."""


class HindsightMeasured(Event):
    """Quality of a window judged with every true label, also those not known yet."""

    kind: Literal["HindsightMeasured"] = "HindsightMeasured"
    version: int
    metrics: Mapping[str, Figure]
    rows: int


class WorldFinished(Event):
    """The world ended."""

    kind: Literal["WorldFinished"] = "WorldFinished"
    windows: int


WorldFact = Annotated[
    WorldStarted | Injected | HindsightMeasured | WorldFinished, Field(discriminator="kind")
]

FACT: TypeAdapter[Any] = TypeAdapter(Fact)
WORLD_FACT: TypeAdapter[Any] = TypeAdapter(WorldFact)
