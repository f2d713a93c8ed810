"""The injector `delay_monitor`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.schedules import Due
from simlab.yamlfile import Duration

if TYPE_CHECKING:
    import numpy as np

SEAM = "monitor.schedule"
LABELS = "keep"
COLUMN = None
PROBLEMS = ("binary", "regression")


def delay_monitor(
    due: tuple[Due, ...],
    strength: float,
    rng: np.random.Generator,
    *,
    by: Duration,
    schedule: str | None = None,
    share: Annotated[float, Field(ge=0, le=1)] = 1.0,
) -> tuple[Due, ...]:
    """Let executions of scheduled monitors run late, on the rows they would have looked at.

    An execution that is due runs `by` times the strength later, by which more labels are known. What it
    looks at stays its own period, so what it finds is old news.

    Parameters
    ----------
    due
        What is due in one window.
    strength
        In [0, 1].
    rng
        Says which executions are late, where it is not every one.
    by
        How much later an execution runs.
    schedule
        Which schedule is late; every one when not given.
    share
        Share of the executions that are late.
    """
    if strength == 0:
        return due
    late = rng.random(len(due)) < share
    return tuple(
        replace(one, runs=one.runs + by * strength) if hit and schedule in (None, one.schedule) else one
        for one, hit in zip(due, late, strict=True)
    )
