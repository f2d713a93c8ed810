"""The injector `skip_monitor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.schedules import Due

if TYPE_CHECKING:
    import numpy as np

SEAM = "monitor.schedule"
LABELS = "keep"
COLUMN = None
PROBLEMS = ("binary", "regression")


def skip_monitor(
    due: tuple[Due, ...],
    strength: float,
    rng: np.random.Generator,
    *,
    schedule: str | None = None,
    share: Annotated[float, Field(ge=0, le=1)] = 1.0,
) -> tuple[Due, ...]:
    """Let executions of scheduled monitors not happen at all, and nobody say so.

    At strength s the share `share` times s of what is due is left out: no execution, no report, no
    metric. An execution is there or it is not; one that is left out at some strength is left out at every
    greater one.

    Parameters
    ----------
    due
        What is due in one window.
    strength
        In [0, 1].
    rng
        Says which executions are left out, where it is not every one.
    schedule
        Which schedule it strikes; every one when not given.
    share
        Share of the executions that do not happen.
    """
    if strength == 0:
        return due
    gone = rng.random(len(due)) < share * strength
    return tuple(
        one for one, hit in zip(due, gone, strict=True) if not (hit and schedule in (None, one.schedule))
    )
