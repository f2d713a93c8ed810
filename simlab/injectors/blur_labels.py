"""The injector `blur_labels`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.reference import Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

SEAM = "labels"
LABELS = "noise"
COLUMN = None
PROBLEMS = ("regression",)


def blur_labels(
    labels: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    by: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.2,
) -> np.ndarray:
    """Record a number that is off, by chance and in either direction.

    Label noise of a regression: ``y + N(0, (by s sigma)^2)`` at strength s, with sigma the standard
    deviation of the answers in the baseline; what truly happened stays.

    Parameters
    ----------
    labels
        One number per row; NaN where unknown, which stays so.
    rows, mask, strength, rng, reference
        As for every injector of the record; one normal draw per row is taken.
    by
        Standard deviation of the error at full strength, in those of the answers.

    Returns
    -------
    numpy.ndarray
        The labels as recorded, in the type they were given in.

    Raises
    ------
    LookupError
        There is no baseline with answers.
    """
    import numpy as np

    if strength == 0:
        return labels
    error = rng.standard_normal(len(labels)) * (by * strength * _sigma(reference))
    return np.where(mask, labels + error, labels).astype(labels.dtype)


def _sigma(reference: Reference) -> float:
    """Standard deviation of the answers in the baseline."""
    import pyarrow.compute as pc

    if reference.table is None or reference.target not in reference.table.column_names:
        raise LookupError("there is no baseline with answers to measure their spread by")
    return float(pc.stddev(reference.table[reference.target]).as_py())


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table | None = None,
    by: float = 0.2,
) -> Size:
    """The standard deviation of the error, in those of the answers: ``by s``."""
    import numpy as np

    sigma = _sigma(reference)
    gap = (after - before)[mask & ~np.isnan(before)]
    if not len(gap) or sigma == 0:
        return Size("spread of the error, in standard deviations of the answers", None, None)
    declared = by * strength
    return Size(
        "spread of the error, in standard deviations of the answers",
        declared=declared,
        measured=float(np.sqrt((gap**2).mean()) / sigma),
        error=declared / float(np.sqrt(2 * len(gap))),
    )
