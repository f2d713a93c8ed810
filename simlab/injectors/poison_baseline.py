"""The injector `poison_baseline`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.errors import did_you_mean

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "monitor.baseline"
LABELS = "keep"
COLUMN = "numeric"
PROBLEMS = ("binary", "regression")


def poison_baseline(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    *,
    column: str | None = None,
    scale: Annotated[float, Field(gt=0)] = 1.0,
    drop: bool = False,
    flip: bool = False,
) -> pa.Table:
    """Give the baseline jobs altered rows, so that the constraints they suggest are wrong.

    Constraints learned from a column with stray values are too wide, and a drift fits into them; those
    learned without a group take it for new. At strength s the share s of the rows that `where` and
    `fraction` choose is altered. Only the scheduled monitors' baseline jobs see these rows: the model and
    its evaluation are untouched. An injection that starts with window 0 strikes the first baseline, in
    full; any strikes those made after a retrain while it acts.

    Parameters
    ----------
    rows
        Features, `prediction` and `label` of the baseline.
    mask
        Rows it may alter, shape (n,).
    strength
        In [0, 1].
    rng
        Says which rows are altered at a strength below 1.
    column
        The column whose values are multiplied by `scale`.
    scale
        What they are multiplied by.
    drop
        Whether the rows are left out.
    flip
        Whether their labels are mirrored between the lowest and the highest: 0 becomes 1.

    Raises
    ------
    LookupError
        The baseline has no column of that name.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if strength == 0:
        return rows
    struck = (rng.random(rows.num_rows) < strength) & mask
    if column is not None:
        if column not in rows.column_names:
            raise LookupError(f"no column called {column!r}{did_you_mean(column, rows.column_names)}")
        values = rows[column].combine_chunks()
        scaled = pc.multiply(values.cast(pa.float64()), pa.array(np.where(struck, scale, 1.0)))
        rows = rows.set_column(rows.column_names.index(column), column, scaled)
    if flip and "label" in rows.column_names and rows.num_rows:
        label = rows["label"].combine_chunks().cast(pa.float64())
        ends = pc.min_max(label).as_py()
        if ends["min"] is not None:
            mirrored = pc.subtract(ends["min"] + ends["max"], label)
            label = pc.if_else(pa.array(struck), mirrored, label)
        rows = rows.set_column(rows.column_names.index("label"), "label", label)
    return rows.filter(pa.array(~struck)) if drop else rows
