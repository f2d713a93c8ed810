"""The injector `stick_column`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simlab.injectors._columns import moments, numbers, put_numbers, struck
from simlab.injectors._faults import share_size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "traffic"
LABELS = "keep"
COLUMN = "numeric"
PROBLEMS = ("binary", "regression")


def stick_column(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    at: Literal["first", "mean"] = "first",
    value: Annotated[float, Field(allow_inf_nan=False)] | None = None,
) -> pa.Table:
    """Send one and the same number again and again, as a stuck sensor does.

    A measurement error (badgers, transmission faults): the share `strength` of the rows carries a
    constant. The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector.
    column
        A numeric column. It holds doubles afterwards; missing values stay missing.
    at
        Where it sticks: at the value of the `first` row it touches in a window (another one in every
        window), or at the baseline's `mean`.
    value
        The number it sticks at; said, it goes before `at`.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or it does not hold numbers.
    """
    if strength == 0:
        return rows
    x, missing = numbers(rows, column)
    held = _held(x, missing, mask, reference, column, at, value)
    stuck = struck(rows, mask, strength, rng) & ~missing
    if held is None or not stuck.any():
        return rows
    return put_numbers(rows, column, stuck, x * 0 + held, missing)


def _held(
    x: np.ndarray,
    missing: np.ndarray,
    mask: np.ndarray,
    reference: Reference,
    column: str,
    at: str,
    value: float | None,
) -> float | None:
    """The number it sticks at; None where no touched row has one."""
    import numpy as np

    if value is not None:
        return value
    if at == "mean":
        return moments(reference, column)[0]
    # The first row that may be touched, struck or not, so that it is the same at every strength.
    touched = np.flatnonzero(mask & ~missing)
    return float(x[touched[0]]) if len(touched) else None


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    at: Literal["first", "mean"] = "first",
    value: float | None = None,
) -> Size:
    """Share of the values that stick, among those that were another number before."""
    x, missing = numbers(before, column)
    held = _held(x, missing, mask, reference, column, at, value)
    could = mask & ~missing & (x != held)
    stuck = numbers(after, column)[0] == held
    return share_size(f"share of {column} that sticks", strength, stuck, could)
