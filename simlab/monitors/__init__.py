"""SageMaker's four monitors, one a file: a baseline job, and an execution that judges by it.

The core owns when a monitor runs and on which rows (`stages.monitor.schedules`); the monitor owns what
it looks for. Every module holds two functions, and the keyword-only parameters of both together are
its YAML keys:

`suggest(model, rows, *, ...) -> Mapping[str, bytes]`
    The baseline job: the files an execution judges by, under AWS's names.
`<name>(model, baseline, material, *, ...) -> Outcome`
    One execution. `baseline` holds the files that `suggest` made, or a person wrote.

and says further:

`MONITORING_TYPE`
    SageMaker's MonitoringType: DataQuality, ModelQuality, ModelBias or ModelExplainability.
`NEEDS_LABELS`
    Whether it judges only rows whose label is known.
`TOLD`
    Checks whose findings are facts also where nothing was found.

A monitor may also say what is wrong with its settings before anything runs, beyond their types:

`problems_in(given, shape) -> Iterator[str]`
    A sentence each, beginning with the key: `ignore: no column called 'agee'`.

Monitors do not know each other, nor the clock, nor the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from simlab.artifacts import Finding
from simlab.watched import Datapoint

if TYPE_CHECKING:
    import pyarrow as pa

MONITORS = ("data_quality", "model_quality", "model_bias", "model_explainability")
"""The four, in AWS's order."""


@dataclass(frozen=True)
class Material:
    """What one execution looks at."""

    table: pa.Table
    """Captured rows of the period, in the order of their answers: inference id, event time, every
    feature, `prediction`, and `label` (null while it is unknown)."""
    window: int
    """The last window of the period: findings speak about it."""
    start: datetime
    end: datetime
    now: datetime
    """When the execution was scheduled."""
    endpoint: str
    schedule: str
    seed: int

    @property
    def dimensions(self) -> dict[str, str]:
        """CloudWatch dimensions of whatever the monitor publishes."""
        return {"Endpoint": self.endpoint, "MonitoringSchedule": self.schedule}


@dataclass(frozen=True)
class Outcome:
    """What an execution found."""

    findings: tuple[Finding, ...]
    """One per constraint, breached or not, so that an alarm can sound and fall silent. `check` is AWS's
    constraint_check_type; `column` is the feature, the metric, or `facet=value:metric`."""
    descriptions: Mapping[str, str] = field(default_factory=dict)
    """What AWS's violations file says of each breached constraint, by the finding's alarm name."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    datapoints: tuple[Datapoint, ...] = ()
    failed: str = ""
    """Why the job could not do its work, as its exit message says; empty where it could."""


def completed(violations: int) -> str:
    """The exit message of a job that did its work, in the service's words.

    >>> completed(0)
    'Completed: Job completed successfully with no violations.'
    """
    if not violations:
        return "Completed: Job completed successfully with no violations."
    return f"CompletedWithViolations: Job completed successfully with {violations} violations."
