"""The injector `select_labels`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simlab.injectors._groups import Share
from simlab.reference import Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

SEAM = "arrival"
LABELS = "keep"
COLUMN = None
PROBLEMS = ("binary",)


def select_labels(
    delays: np.ndarray,
    rows: pa.Table,
    answered: np.ndarray,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    explore: Share = 0.0,
) -> np.ndarray:
    """Learn the answer only where the model said yes, and of a few others by exploration.

    Selective labels (Lakkaraju et al. 2017): who was refused a loan can never fail to pay it back. A row
    the model said no to never gets a label, except with probability `explore`; at strength s that holds
    for a share s of them.

    Parameters
    ----------
    delays
        Seconds until each label is known; infinity for never.
    rows, mask, strength, rng, reference
        As for every injector of the arrival; one uniform draw per row is taken.
    answered
        Whether the model said yes.
    explore
        Share of the rows the model said no to whose answer becomes known all the same.

    Returns
    -------
    numpy.ndarray
        Seconds until each label is known, infinity where it never will be.
    """
    import numpy as np

    if strength == 0:
        return delays
    lost = mask & ~answered & (rng.random(len(delays)) < strength * (1 - explore))
    return np.where(lost, np.inf, delays)


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table | None = None,
    answered: np.ndarray | None = None,
    explore: float = 0.0,
) -> Size:
    """The share of labels lost among rows the model said no to: ``s (1 - explore)``."""
    import numpy as np

    what = "share of labels lost where the model said no"
    where = mask & np.isfinite(before) & (False if answered is None else ~answered)
    count = int(where.sum())
    if not count:
        return Size(what, None, None)
    p = strength * (1 - explore)
    return Size(what, p, float(np.isinf(after[where]).mean()), math.sqrt(p * (1 - p) / count))
