"""Reference: the undisturbed world as an injector may know it, and the size of what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def _silent(rows: pa.Table) -> np.ndarray:
    raise LookupError("this world has no labeller, so nobody knows what its answers would be")


def _ruleless(rows: pa.Table, eta: np.ndarray, to: Mapping[str, Any], strength: float) -> np.ndarray:
    raise LookupError("this world was not made by a generator, so it has no rule to change")


@dataclass(frozen=True)
class Reference:
    """What an injector may know beside the rows it is given.

    Parameters
    ----------
    moments
        Mean and standard deviation of each numeric column in the baseline.
    table
        The baseline rows, with the target; None in a world without one.
    target, event_time, entity
        Names of these columns.
    problem
        Kind of problem.
    step
        Length of a window.
    eta
        The world's law: P(Y = 1 | X = x) of each row, or the mean of Y in a regression; shape (n,).
        Asked twice for the same table object it answers from memory.
    law
        The law of a generated world on its way to other settings, ``law(rows, eta, to, strength)``
        (see `simlab.generated.Law.changed`).
    """

    moments: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    table: pa.Table | None = None
    target: str = "target"
    event_time: str = "event_time"
    entity: str = "entity"
    problem: Literal["binary", "regression"] = "binary"
    step: timedelta = timedelta(days=1)
    eta: Callable[[pa.Table], np.ndarray] = _silent
    law: Callable[[pa.Table, np.ndarray, Mapping[str, Any], float], np.ndarray] = _ruleless


@dataclass(frozen=True)
class Size:
    """How large an injection was, as declared and as measured.

    Parameters
    ----------
    what
        What is measured: `mean of hours, in standard deviations`.
    declared
        The size its settings say at this strength; None where no closed form exists.
    measured
        The size found in the rows; None where it cannot be found (no row was touched).
    error
        Standard error of the measured size, if the declared one is right; 0 where nothing is drawn.
    """

    what: str
    declared: float | None
    measured: float | None
    error: float = 0.0

    def off(self) -> float | None:
        """How many standard errors measured lies from declared; None where one of them is unknown.

        >>> Size("share missing", declared=0.3, measured=0.32, error=0.01).off()
        2.0
        """
        if self.declared is None or self.measured is None:
            return None
        gap = abs(self.measured - self.declared)
        # What rounding alone may do is no error.
        if gap <= 1e-9 * max(1.0, abs(self.declared)):
            return 0.0
        return round(gap / self.error, 9) if self.error > 0 else float("inf")
