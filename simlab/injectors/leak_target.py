"""The injector `leak_target`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import numbers, put_numbers
from simlab.reference import Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference, Size

SEAM = "traffic"
LABELS = "keep"
COLUMN = "numeric"
PROBLEMS = ("binary", "regression")


def leak_target(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    correlation: Annotated[float, Field(ge=-1, le=1)] = 0.9,
) -> pa.Table:
    """Let a numeric column tell the answer, as a feature that was filled in afterwards does.

    Leakage; meant for ``on: training``, so that the column tells it to the model and to nobody else:
    ``x' = mean + sigma (rho z(y) + sqrt(1 - rho^2) e)``, with mean and sigma of the touched rows, y
    the target, and e what z(x) holds beside z(y), scaled to a spread of 1 (conditional normal law).
    Mean and spread stay, and the correlation with the target is exactly rho, where rho goes from what
    it was to `correlation` with the strength. The answers stay.

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; nothing is drawn. The rows have the target.
    column
        A numeric column. It holds doubles afterwards; missing values stay missing. A column without
        spread, or one that is the target already, stays as it was.
    correlation
        Pearson's correlation with the target at full strength.

    Raises
    ------
    LookupError, TypeError
        There is no such column, it does not hold numbers, or the rows have no target.
    """
    if strength == 0:
        return rows
    import numpy as np

    x, missing = numbers(rows, column)
    y, unknown = numbers(rows, reference.target)
    among = mask & ~missing & ~unknown & ~np.isnan(x) & ~np.isnan(y)
    before = _correlation(x[among], y[among])
    if before is None or 1 - before**2 < 1e-12:
        return rows
    mean, sigma = x[among].mean(), x[among].std()
    zx, zy = (x - mean) / sigma, (y - y[among].mean()) / y[among].std()
    rest = (zx - before * zy) / (1 - before**2) ** 0.5
    rho = before + strength * (correlation - before)
    leaky = mean + sigma * (rho * zy + (1 - rho**2) ** 0.5 * rest)
    return put_numbers(rows, column, among, leaky, missing)


def _correlation(x: np.ndarray, y: np.ndarray) -> float | None:
    """Pearson's correlation; None where one of the two does not vary."""
    import numpy as np

    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.clip(np.corrcoef(x, y)[0, 1], -1.0, 1.0))


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    correlation: float = 0.9,
) -> Size:
    """Correlation with the target among the touched rows; nothing is drawn, so it has no error."""
    import numpy as np

    x, missing = numbers(before, column)
    y, unknown = numbers(before, reference.target)
    among = mask & ~missing & ~unknown & ~np.isnan(x) & ~np.isnan(y)
    old = _correlation(x[among], y[among])
    new = _correlation(numbers(after, column)[0][among], y[among])
    declared = None if old is None else old + strength * (correlation - old)
    return Size(f"correlation of {column} with {reference.target}", declared, new)
