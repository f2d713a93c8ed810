"""The injector `change_prior`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import numbers
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "draw"
LABELS = "weights"
COLUMN = None
PROBLEMS = ("binary",)


def change_prior(
    pool: pa.Table,
    strength: float,
    reference: Reference,
    *,
    to: Annotated[float, Field(gt=0, lt=1)],
) -> np.ndarray:
    """Let the yes-answers become rarer or more frequent among those who arrive.

    Prior drift (label shift): rows with the answer yes weigh ``pi / pi0``, rows with no ``(1 - pi) /
    (1 - pi0)``, where ``pi = pi0 + s (to - pi0)`` with the strength s and pi0 the share of yes in the
    pool. P(Y = 1) becomes pi, and P(X|Y) is kept exactly: it is each class's own rows (Lipton, Wang
    and Smola 2018; menelaus LabelProbability). With `where` the odds change by the same factor there.

    Parameters
    ----------
    pool
        The rows that may be drawn, with their answers.
    strength
        In [0, 1]; at 0 every weight is 1.
    reference
        The undisturbed world.
    to
        Share of yes at full strength.

    Returns
    -------
    numpy.ndarray
        One weight above 0 per row of the pool. An unknown answer weighs 1; so does every row where
        all the known answers are the same, since nobody of the other class can be drawn.
    """
    import numpy as np

    answers, _ = numbers(pool, reference.target)
    before = _share(answers)
    if strength == 0 or before in (None, 0.0, 1.0):
        return np.ones(pool.num_rows)
    assert before is not None
    after = before + strength * (to - before)
    found: np.ndarray = np.where(answers >= 0.5, after / before, (1 - after) / (1 - before))
    return np.where(np.isnan(answers), 1.0, found)


def size(
    before: pa.Table,
    after: np.ndarray,
    mask: None,
    strength: float,
    reference: Reference,
    *,
    to: float,
) -> Size:
    """The share of yes in the weighted pool; a draw restricted to some rows declares none."""
    import numpy as np

    answers, _ = numbers(before, reference.target)
    known = ~np.isnan(answers)
    plain = _share(answers)
    if plain is None:
        return Size("share of yes", None, None)
    # Where each class has one weight, all its rows were weighed.
    whole = all(len(np.unique(after[answers == label])) == 1 for label in (0, 1))
    declared = plain + strength * (to - plain) if whole else None
    return Size("share of yes", declared, float(np.average(answers[known] >= 0.5, weights=after[known])))


def _share(answers: np.ndarray) -> float | None:
    """Share of yes among the known answers."""
    import numpy as np

    known = answers[~np.isnan(answers)]
    return float((known >= 0.5).mean()) if len(known) else None
