"""What the scheduled monitors look at and leave behind: captures, executions, and their figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

ExecutionStatus = Literal["Completed", "CompletedWithViolations", "Failed"]
"""SageMaker's MonitoringExecutionStatus of an execution that has ended."""

Files = Mapping[str, bytes]
"""Files by name: `constraints.json` and its bytes."""


@dataclass(frozen=True)
class Captured:
    """What the endpoint kept of one window's requests and answers, and what became known of them since."""

    number: int
    version: int
    """Version that answered."""
    start: datetime
    end: datetime
    table: pa.Table
    """Inference id, event time, every feature, `prediction`, `label` (null while it is unknown) and,
    once one is known, `collected`: when it became known."""
    of: int
    """Rows that were answered; the table holds the sampled share of them."""
    endpoint: str = ""
    """Endpoint that answered."""
    features: tuple[str, ...] = ()
    """The features in the order in which a request names them."""
    clock: str = ""
    """Column of the event times."""
    mode: Literal["", "Input", "Output", "InputAndOutput"] = ""
    """What of it is written to files; empty where nothing is."""
    encoding: Literal["CSV", "JSON"] = "CSV"
    """How a captured record is written: CSV or JSON."""
    truth: pa.Table | None = None
    """Labels that were collected during the window, of whichever rows, where files are written:
    inference id, label, and when each was collected."""

    def without_truth(self) -> Captured:
        """The capture alone, as it is kept to be looked at again."""
        return self if self.truth is None else replace(self, truth=None)

    def answered(self, clock: str) -> pa.ChunkedArray:
        """When each row was answered, which is within the window.

        A message that was held up says when its event was, and that may be before the window; one that was
        sent twice may say that it was after.

        Parameters
        ----------
        clock
            Column of the event times.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        said = self.table[clock]
        last = pa.scalar(self.end - timedelta(microseconds=1), pa.timestamp("us"))
        first = pa.scalar(self.start, pa.timestamp("us"))
        bounds = [moment.cast(said.type, safe=False) for moment in (first, last)]
        return pc.min_element_wise(pc.max_element_wise(said, bounds[0]), bounds[1])

    def merged(self, known: pa.Table) -> Captured:
        """The same capture with every label that is known by now.

        AWS's merge job: captured inferences joined with ground truth by inference id. What was known
        stays known; a row without a label keeps null.

        Parameters
        ----------
        known
            Inference id, label, window and moment of labels that became known; those of other windows do
            not count.
        """
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        labels = known.filter(pc.equal(known["window"], self.number))
        if not labels.num_rows:
            return self
        ids = labels["inference_id"].to_numpy()
        order = np.argsort(ids, kind="stable")
        ids, truth = ids[order], np.asarray(labels["label"].to_numpy(), float)[order]
        asked = self.table["inference_id"].to_numpy()
        at = np.minimum(np.searchsorted(ids, asked), len(ids) - 1)
        fresh = ids[at] == asked
        before = self.table["label"].to_numpy(zero_copy_only=False)
        label = np.where(fresh, truth[at], before)
        column = pa.array(label, pa.float64(), mask=np.isnan(label))
        table = self.table.set_column(self.table.column_names.index("label"), "label", column)
        if "collected" in known.column_names:
            moments = labels["collected"].to_numpy()[order].astype("datetime64[us]")
            since = np.full(len(fresh), np.datetime64("NaT"), "datetime64[us]")
            if "collected" in table.column_names:
                since = table["collected"].to_numpy(zero_copy_only=False).astype("datetime64[us]")
                table = table.drop_columns(["collected"])
            since = np.where(fresh, moments[at], since)
            when = pa.array(since, pa.timestamp("us"), mask=np.isnat(since))
            table = table.append_column("collected", when)
        return replace(self, table=table)

    def known_before(self, moment: datetime) -> pa.Table:
        """Its rows as they were known at a moment: a label that was collected then or later is null.

        A window may be longer than the time between two executions; the labels of its last hour are
        nothing that an execution in its first hour could know.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        if "collected" not in self.table.column_names:
            return self.table
        now = pa.scalar(moment, pa.timestamp("us"))
        late = pc.greater_equal(self.table["collected"], now).fill_null(False)
        table = self.table.drop_columns(["collected"])
        if not pc.any(late).as_py():
            return table
        place = table.column_names.index("label")
        return table.set_column(
            place, "label", pc.if_else(late, pa.scalar(None, pa.float64()), table["label"])
        )


@dataclass(frozen=True)
class Datapoint:
    """One CloudWatch metric over one period, as a statistic set (PutMetricData's StatisticValues)."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    count: float
    total: float
    minimum: float
    maximum: float
    unit: str = "None"

    @classmethod
    def of(
        cls, namespace: str, metric: str, dimensions: Mapping[str, str], value: float, unit: str = "None"
    ) -> Datapoint:
        """A datapoint of a single value."""
        return cls(namespace, metric, dimensions, 1.0, value, value, value, unit)


@dataclass(frozen=True)
class Published:
    """A datapoint, and when it was published in simulated time."""

    time: datetime
    point: Datapoint


@dataclass(frozen=True)
class Notification:
    """What is published to an SNS topic."""

    topic: str
    subject: str
    message_id: str
    body: str
    """The envelope that SNS posts, as one line of JSON."""
    file: str | None = None
    """File of the run's folder that gets it."""
    webhook: str | None = None
    """URL that gets it."""
    allow_network: bool = False


@dataclass(frozen=True)
class Execution:
    """One run of a scheduled monitor: a SageMaker monitoring execution."""

    endpoint: str
    schedule: str
    monitor: str
    scheduled: datetime
    """When the schedule fired."""
    start: datetime
    end: datetime
    """The rows it looked at were answered at or after `start` and before `end`."""
    rows: int
    labelled: int
    status: ExecutionStatus
    violations: int
    message: str
    """The exit message of the processing job, or why it failed."""
    files: Files = field(default_factory=dict)
    """Its report: `statistics.json`, `constraints.json`, `constraint_violations.json`, `analysis.json`."""
    datapoints: tuple[Datapoint, ...] = ()
    """What it published to CloudWatch."""
    made: int = 0
    """How many findings it made: one for every constraint that it could judge, kept or broken."""
    folder: str = ""
    """Folder of its report among those of its schedule, as SageMaker names them: `2026/01/05/01`."""
    ran: datetime | None = None
    """When it really ran, SageMaker's CreationTime: later than `scheduled` where it was held up."""


@dataclass(frozen=True)
class Awaited:
    """An execution that should have run and has not come yet."""

    schedule: str
    moment: datetime
    """When its schedule fired."""


@dataclass(frozen=True)
class Fit:
    """How the rows that the baseline jobs saw compare with those the version was registered with."""

    method: str
    value: float
    """1 where the digests differ; or the smallest p-value, corrected for the number of tests."""
    threshold: float
    breached: bool
