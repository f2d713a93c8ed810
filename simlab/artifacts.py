"""The nouns: what one stage hands to the next.

Every noun is a frozen dataclass of plain values, Arrow tables, bytes and other nouns, so that
`simlab.store` can write it without knowing what it means. When the meaning changes the type
changes: `Rows` become `ValidRows`, and a stage that was skipped does not type-check.

Here stand those of the windows; those of a build (`simlab.built`) and of captures and executions
(`simlab.watched`) are named from here as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from simlab.built import Approved as Approved
from simlab.built import BiasReport as BiasReport
from simlab.built import Column as Column
from simlab.built import Constraint as Constraint
from simlab.built import Deployment as Deployment
from simlab.built import FeatureSet as FeatureSet
from simlab.built import Kind as Kind
from simlab.built import LakeRows as LakeRows
from simlab.built import Model as Model
from simlab.built import Params as Params
from simlab.built import Problem as Problem
from simlab.built import Reasons as Reasons
from simlab.built import Rejected as Rejected
from simlab.built import Rows as Rows
from simlab.built import Schema as Schema
from simlab.built import Score as Score
from simlab.built import Scores as Scores
from simlab.built import Surrogate as Surrogate
from simlab.built import Trial as Trial
from simlab.built import ValidRows as ValidRows
from simlab.built import Version as Version
from simlab.built import View as View
from simlab.built import row_keys as row_keys
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
