"""What the scheduled monitors look at and leave behind: captures, executions, and their figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
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
    """Inference id, event time, every feature, `prediction`, and `label` (null while it is unknown)."""
    of: int
    """Rows that were answered; the table holds the sampled share of them."""

    def merged(self, known: pa.Table) -> Captured:
        """The same capture with every label that is known by now.

        AWS's merge job: captured inferences joined with ground truth by inference id. What was known
        stays known; a row without a label keeps null.

        Parameters
        ----------
        known
            Inference id, label and window of labels that became known; those of other windows do not
            count.
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
        place = self.table.column_names.index("label")
        return replace(self, table=self.table.set_column(place, "label", column))


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
