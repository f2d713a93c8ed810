"""The nouns: what one stage hands to the next.

Every noun is a frozen dataclass of plain values, Arrow tables, bytes and other nouns, so that
`simlab.store` can write it without knowing what it means. When the meaning changes the type
changes: `Rows` become `ValidRows`, and a stage that was skipped does not type-check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from simlab.events import alarm_of
from simlab.watched import Awaited as Awaited
from simlab.watched import Captured as Captured
from simlab.watched import Datapoint as Datapoint
from simlab.watched import Execution as Execution
from simlab.watched import Files as Files
from simlab.watched import Fit as Fit
from simlab.watched import Notification as Notification
from simlab.watched import Published as Published

if TYPE_CHECKING:  # Arrow costs a tenth of a second, which `simlab check` need not pay
    import pyarrow as pa

Problem = Literal["binary", "regression"]
Kind = Literal["numeric", "categorical"]


# --- data ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """One feature column and what a person knows about it."""

    name: str
    kind: Kind
    sensitive: bool = False
    integral: bool = False
    """Whether its values are whole numbers at the source."""


@dataclass(frozen=True)
class View:
    """A group of features with one entity key, one clock and one time to live."""

    name: str
    entity: str
    """Column that joins the view to a row."""
    columns: tuple[Column, ...]
    ttl_seconds: int = 0
    """How long a value may be served after its event time; 0 is for ever."""
    from_rows: bool = False
    """Whether the rows themselves carry the view's features (no table of its own)."""


@dataclass(frozen=True)
class Schema:
    """Who is who among the columns; no stage names a column by itself."""

    problem: Problem
    target: str
    entity: str
    event_time: str
    columns: tuple[Column, ...]
    """Columns that arrive with the row and may be features."""
    keys: tuple[str, ...] = ()
    """Further entity keys that arrive with the row and join views; not features."""
    views: tuple[View, ...] = ()
    """Feature views; exactly one of them is `from_rows`."""
    ordered: bool = False
    """Whether event times are real, so that a split must respect them."""
    key_per_row: bool = False
    """Whether every row has an entity key of its own, so that one seen twice is a row sent twice."""

    @property
    def features(self) -> tuple[Column, ...]:
        """Every feature of the model, in the order of the views."""
        return tuple(column for view in self.views for column in view.columns)

    @property
    def numeric(self) -> tuple[str, ...]:
        """Names of the numeric features."""
        return tuple(c.name for c in self.features if c.kind == "numeric")

    @property
    def categorical(self) -> tuple[str, ...]:
        """Names of the categorical features."""
        return tuple(c.name for c in self.features if c.kind == "categorical")


@dataclass(frozen=True)
class Rows:
    """Labelled rows as the world gave them: entity key, event time, columns, target."""

    table: pa.Table
    schema: Schema
    source: str
    """Where they came from, for people: `adult-income, training`."""
    updates: Mapping[str, pa.Table] = field(default_factory=dict)
    """Rows of the views that have tables of their own, by view name."""


@dataclass(frozen=True)
class LakeRows:
    """Rows kept in the local lake under a version and a digest."""

    table: pa.Table
    schema: Schema
    source: str
    version: int
    updates: Mapping[str, pa.Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Constraint:
    """What one column must look like, learned from the rows the model was built on."""

    column: str
    kind: Kind
    completeness: float
    """Least share of values that are present, in [0, 1]."""
    nullable: bool
    """Whether one missing value is acceptable in a row."""
    lowest: float | None = None
    highest: float | None = None
    domain: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValidRows:
    """Rows that met the schema, and the constraints learned from them."""

    table: pa.Table
    schema: Schema
    constraints: tuple[Constraint, ...]
    rejected: int
    """Rows set aside in quarantine."""
    updates: Mapping[str, pa.Table] = field(default_factory=dict)


@dataclass(frozen=True)
class FeatureSet:
    """Point-in-time correct training features: one row per labelled event.

    `table` holds the entity key, the event time, every feature (numeric as double, categorical
    as string, null where unknown), the target as double, and `split` (train, valid or test).
    """

    table: pa.Table
    schema: Schema
    constraints: tuple[Constraint, ...]
    baseline: pa.Table
    """Features and target that the monitors compare with."""
    held_out: pa.Table | None = None
    """Labelled live rows that a retrain kept away from the model: champion and challenger meet on them."""


@dataclass(frozen=True)
class Trial:
    """One setting tried by tuning."""

    number: int
    values: Mapping[str, Any]
    score: float
    best_round: int = 0


@dataclass(frozen=True)
class Params:
    """The hyperparameters to train with."""

    algorithm: str
    values: Mapping[str, Any]
    metric: str
    score: float | None = None
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True)
class Model:
    """A trained model in its engine's own text, with what is needed to score with it."""

    algorithm: str
    problem: Problem
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    """Known values of each categorical feature, in code order."""
    native: str
    """LightGBM's model text, or the linear model's coefficients as JSON."""
    values: Mapping[str, Any]
    threshold: float
    """A score at or above it counts as the positive class (binary problems)."""
    probe: pa.Table
    """A few hundred feature rows on which native and exported scores must agree."""


@dataclass(frozen=True)
class Score:
    """One metric with its 95 % bootstrap interval."""

    metric: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Scores:
    """How the model did on rows it never saw, beside a dummy and a simple rule."""

    rows: int
    model: tuple[Score, ...]
    dummy: Mapping[str, float | None]
    rule: Mapping[str, float | None]
    rule_text: str

    def get(self, metric: str) -> Score | None:
        """The named metric, or None when the problem has none of that name."""
        return next((s for s in self.model if s.metric == metric), None)


@dataclass(frozen=True)
class BiasReport:
    """What Clarify says of the training labels, and of a model's answers on rows it never saw."""

    label: str
    label_value: str
    """What counts as positive; empty where nothing was measured."""
    analysis: bytes
    """`analysis.json`; empty where nothing was measured."""
    config: bytes
    """`analysis_config.json`: what was asked."""


@dataclass(frozen=True)
class Surrogate:
    """A small tree that answers as a model does, as far as it can."""

    text: str
    """The tree in words."""
    r2: float | None
    """Share of the variance of the model's answers that it explains, on rows it did not learn from."""
    agreement: float | None
    """Share of those rows that both call alike; None in a regression."""


@dataclass(frozen=True)
class Reasons:
    """Why a model answers as it does, on a sample of rows it never saw."""

    rows: int
    """Rows in the sample; 0 where nothing was explained."""
    method: str
    """TreeShap or LinearShap."""
    agg_method: str
    attributions: Mapping[str, float]
    """Global attribution of each feature, in the model's order."""
    expected_value: float
    """The raw score where nothing is known of a row; with a row's attributions it sums to its raw score."""
    permutation: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """How much worse the model gets where a feature is shuffled: mean and deviation."""
    surrogate: Surrogate | None = None
    files: Files = field(default_factory=dict)
    """`analysis.json` and what else may be opened."""


@dataclass(frozen=True)
class Version:
    """A registered model version; numbers count up within a run."""

    number: int
    model: Model
    scores: Scores
    schema: Schema
    constraints: tuple[Constraint, ...]
    baseline: pa.Table
    params: Params
    bias: BiasReport | None = None
    """What was measured of its bias."""
    seen: pa.Table | None = None
    """Keys of the rows that the model was fitted and tuned on (see `row_keys`)."""


@dataclass(frozen=True)
class Approved:
    """A version that may go into service."""

    version: Version
    why: str


@dataclass(frozen=True)
class Rejected:
    """A version that may not go into service, and why."""

    version: Version
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Deployment:
    """A model in service: the exported graph, its parity, and what its monitors compare with."""

    version: int
    onnx: bytes
    algorithm: str
    problem: Problem
    schema: Schema
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    threshold: float
    constraints: tuple[Constraint, ...]
    baseline: pa.Table
    """Features of the baseline rows, plus `prediction` and `label`."""
    quality: Mapping[str, Score]
    """The evaluation of this version, by metric."""
    parity: float
    """Largest difference between native and exported scores on the probe."""
    model: Model
    """The model behind the graph: its own text explains its answers."""
    endpoint: str = "simlab-endpoint"
    """Name of the endpoint that serves it."""
    deployed: datetime = datetime(1970, 1, 1)
    """When it was put into service, in simulated time."""
    baselines: Mapping[str, Files] = field(default_factory=dict)
    """What each scheduled monitor judges by: AWS's baseline files, by schedule."""
    params: Params | None = None
    """The hyperparameters it was trained with, for a retrain that does not tune again."""
    seen: pa.Table | None = None
    """Keys of the rows that it was fitted and tuned on: nothing is proven by them."""
    fit: Fit | None = None
    """Whether the baseline jobs saw this version's own rows; None where nobody asked."""


def row_keys(table: pa.Table, schema: Schema) -> pa.Table:
    """What tells labelled rows apart: the entity, and its time where the dataset's clock is real.

    Without a real clock all rows of an entity count as one, as they do in the split.
    """
    return table.select([schema.entity, schema.event_time] if schema.ordered else [schema.entity])


# --- live ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """The traffic of one step of the clock, as it arrives: no labels."""

    number: int
    start: datetime
    end: datetime
    table: pa.Table
    """Inference id, entity key, event time and whatever columns the senders sent."""
    schema: Schema
    updates: Mapping[str, pa.Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Quarantined:
    """Rows set aside for one reason."""

    reason: str
    column: str
    rows: int


@dataclass(frozen=True)
class ScreenedWindow:
    """A window whose bad rows were set aside, with reasons."""

    number: int
    start: datetime
    end: datetime
    table: pa.Table
    quarantine: pa.Table
    """The rows set aside as they arrived, as JSON text, each with its reason."""
    reasons: tuple[Quarantined, ...]
    findings: tuple[Finding, ...]
    arrived: int
    updates: Mapping[str, pa.Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """Feature vectors of one window as the endpoint gets them."""

    number: int
    table: pa.Table
    """Inference id, event time, every feature."""
    schema: Schema
    view_rows: Mapping[str, pa.Table] = field(default_factory=dict)
    """What was written to the online store for this window, by view, so that it can be replayed."""


@dataclass(frozen=True)
class Served:
    """A window answered: one prediction per accepted row."""

    number: int
    version: int
    table: pa.Table
    """Inference id and prediction (score of the positive class, or the value)."""


@dataclass(frozen=True)
class Labels:
    """What is known of the answers once more of them have arrived."""

    arrived: int
    """Window during which more became known."""
    table: pa.Table
    """Inference id, label, the window each belongs to, and `collected`, when it became known: every
    label known by now of the windows some of whose labels arrived during this one."""
    fresh: int = 0
    """How many of them arrived during this window."""


@dataclass(frozen=True)
class Finding:
    """What one detector says of one window."""

    monitor: str
    """data_quality or model_quality."""
    check: str
    """drift, schema, completeness, domain, quality …"""
    column: str
    """Column or metric it looks at; empty for the whole window."""
    method: str
    value: float | None
    threshold: float | None
    breached: bool
    of_window: int
    """Window it speaks about; later than which it may become known."""
    schedule: str = ""
    """Schedule of the monitor that found it, where the monitor has several; empty elsewhere."""
    execution: int = 0
    """Which of its window's executions found it, from 1 on in the order in which they ran; 0 where none
    did. Each is a datapoint of its own."""

    @property
    def alarm(self) -> str:
        """The name of the alarm it feeds."""
        return alarm_of(self.monitor, self.check, self.column, self.schedule)


@dataclass(frozen=True)
class Stretch:
    """What the labels of one window add to the trail of errors."""

    window: int
    values: bytes
    """One error per labelled row, in the order of inference ids, as doubles (see `numpy.frombuffer`)."""

    @property
    def rows(self) -> int:
        """How many errors it holds."""
        return len(self.values) // 8


@dataclass(frozen=True)
class Measured:
    """How good the answers to one window were, as far as labels, or an estimate, could tell."""

    window: int
    version: int
    """Version that answered."""
    figures: Mapping[str, float]
    """By metric, `log_loss`; what was estimated without labels as `estimated.log_loss`."""


@dataclass(frozen=True)
class Findings:
    """Everything the monitors found out in one window, and the alarms after it."""

    window: int
    findings: tuple[Finding, ...]
    alarms: Mapping[str, str]
    """State of every alarm after this window: OK, ALARM or INSUFFICIENT_DATA."""
    points: Mapping[str, tuple[bool, ...]]
    """Last N datapoints of every alarm, oldest first."""
    metrics: Mapping[str, float]
    means: Mapping[str, float] = field(default_factory=dict)
    """What this window adds to the trails of means, by column."""
    errors: tuple[Stretch, ...] = ()
    """What the labels that arrived add to the trail of errors."""
    executions: tuple[Execution, ...] = ()
    """Scheduled monitors that ran in this window."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why an alarm changed in this window, by its name."""
    measured: tuple[Measured, ...] = ()
    """What became known in this window of how good the answers were, oldest window first."""
    awaited: tuple[Awaited, ...] = ()
    """Executions that the health check still waits for."""


@dataclass(frozen=True)
class Alarms:
    """Metric and composite alarms after one window, and what followed from them."""

    window: int
    states: Mapping[str, str]
    """State of every one: `metric:NAME`, `composite:NAME`."""
    published: tuple[Published, ...] = ()
    """Datapoints that some alarm may still look at."""
    matched: tuple[str, ...] = ()
    """Rules to retrain that matched in this window."""
    notifications: tuple[Notification, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A decision to retrain, and with which rows."""

    reason: str
    windows: tuple[int, ...]
    """Live windows whose labelled rows take part."""
    include_training: bool
    """Whether the original training rows take part as well."""
    held_out: tuple[int, ...] = ()
    """Labelled live windows kept out of the training, for champion and challenger to meet on."""
    half_life: float | None = None
    """Windows in which the weight of a row halves; None where all rows weigh the same."""
    tune_again: bool = True
    """Whether hyperparameters are searched anew, or taken from the version in service."""


@dataclass(frozen=True)
class Rollback:
    """A decision to put the version before back into service."""

    version: int
    """Version that goes back into service."""
    why: str


MEANS_KEPT = 1000
"""Longest trail of means, in windows; the oldest go first."""

ERRORS_KEPT = 50_000
"""Longest trail of errors, in rows (400 kB); the oldest windows go first."""

MEASURED_KEPT = 100
"""Measured windows that are remembered; the oldest go first."""

WEIGHT = "__weight__"
"""Column of labelled rows that says how much each counts in training; absent where all count alike."""


@dataclass(frozen=True)
class History:
    """What an operator remembers: short, frozen, and the only memory there is."""

    window: int = -1
    alarms: Mapping[str, str] = field(default_factory=dict)
    points: Mapping[str, tuple[bool, ...]] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    pending: tuple[Served, ...] = ()
    """Answered windows whose labels are not all known yet."""
    labelled: tuple[int, ...] = ()
    """Windows with at least one known label, oldest first."""
    onset: Mapping[str, int] = field(default_factory=dict)
    """Window in which each alarm that sounds now began to sound."""
    retrained: tuple[int, ...] = ()
    """Windows in which a retrain was carried out."""
    version: int = 0
    """Version in service."""
    means: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Trails of the columns since the deployment: standardised window means, at most `MEANS_KEPT` each."""
    errors: tuple[Stretch, ...] = ()
    """Trail of the errors since the deployment, by window, at most `ERRORS_KEPT` rows in all."""
    captures: tuple[Captured, ...] = ()
    """What was captured of the latest windows, oldest first, with every label that is known by now."""
    published: tuple[Published, ...] = ()
    """Datapoints that a metric alarm may still look at."""
    matched: Mapping[str, int] = field(default_factory=dict)
    """Last window in which each rule to retrain matched."""
    fresh_labels: int = 0
    """Labelled rows that arrived since the last build."""
    quality: Mapping[str, float] = field(default_factory=dict)
    """The evaluation of the version in service, by metric."""
    measured: tuple[Measured, ...] = ()
    """How good the answers of the version in service were, by window, at most `MEASURED_KEPT` windows."""
    rolled_back: tuple[int, ...] = ()
    """Windows in which the version before was put back."""
    took_over: tuple[int, ...] = ()
    """Windows in which a retrain put a new version into service."""
    awaited: tuple[Awaited, ...] = ()
    """Executions of scheduled monitors that should have run and have not come yet."""

    def with_alarms(self, found: Alarms) -> History:
        """The history with the metric and composite alarms of its newest window."""
        alarms = dict(sorted({**self.alarms, **found.states}.items()))
        sounding = [name for name, state in alarms.items() if state == "ALARM"]
        return replace(
            self,
            alarms=alarms,
            onset={name: self.onset.get(name, self.window) for name in sounding},
            published=found.published,
            matched={**self.matched, **dict.fromkeys(found.matched, found.window)},
        )

    def with_capture(self, captured: Captured, labels: Labels) -> tuple[Captured, ...]:
        """Captures including a new window's, joined with the labels that are known by now.

        Where nothing is captured there is none.
        """
        if not captured.table.num_columns:
            return ()
        return tuple(kept.merged(labels.table) for kept in (*self.captures, captured.without_truth()))

    def follow(self, means: Mapping[str, float], errors: tuple[Stretch, ...]) -> History:
        """The history with longer trails; a window whose labels come bit by bit keeps its place."""
        trails = {**self.means}
        for column, mean in means.items():
            trails[column] = (*trails.get(column, ()), mean)[-MEANS_KEPT:]
        by_window = {stretch.window: stretch for stretch in (*self.errors, *errors)}
        kept: list[Stretch] = []
        rows = 0
        for window in sorted(by_window, reverse=True):
            rows += by_window[window].rows
            if kept and rows > ERRORS_KEPT:
                break
            kept.append(by_window[window])
        return replace(self, means=trails, errors=tuple(reversed(kept)))

    def measuring(self, version: int, measured: tuple[Measured, ...]) -> tuple[Measured, ...]:
        """What was measured of a version's answers, with what became known now.

        A window that was estimated and is then labelled, or whose labels come bit by bit, stays one.
        """
        by_window = {known.window: known for known in self.measured}
        for known in measured:
            if known.version == version:
                before = by_window.get(known.window, known)
                by_window[known.window] = replace(known, figures={**before.figures, **known.figures})
        return tuple(by_window[window] for window in sorted(by_window)[-MEASURED_KEPT:])

    def add(
        self,
        served: Served,
        findings: Findings,
        labels: Labels,
        horizon: int,
        captures: tuple[Captured, ...] = (),
    ) -> History:
        """The history one window later.

        Parameters
        ----------
        horizon
            Windows for which the monitors wait for labels.
        captures
            Captures that may be looked at again.
        """
        known = labels.table.column("window").unique().to_pylist()
        labelled = tuple(sorted({*self.labelled, *known}))
        pending = tuple(s for s in (*self.pending, served) if s.number > findings.window - horizon - 1)
        onset = {
            name: self.onset.get(name, findings.window)
            for name, state in findings.alarms.items()
            if state == "ALARM"
        }
        return replace(
            self.follow(findings.means, findings.errors),
            window=findings.window,
            alarms=findings.alarms,
            points=findings.points,
            metrics={**self.metrics, **findings.metrics},
            pending=pending,
            labelled=labelled,
            onset=onset,
            version=served.version,
            captures=captures,
            fresh_labels=self.fresh_labels + labels.fresh,
            measured=self.measuring(served.version, findings.measured),
            awaited=findings.awaited,
        )
