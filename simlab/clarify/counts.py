"""Counts: every bias metric but the flip test is a function of how many rows fall into which cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Counts:
    """Rows by stratum, group, label and prediction.

    Two groups: 0 is everyone else (Clarify's *a*, advantaged), 1 the facet's group (*d*,
    disadvantaged). Labels and predictions are 1 where positive. Without a group variable there is one
    stratum; without predictions all of them are 0.
    """

    cells: np.ndarray
    """[…, strata, 2, 2, 2]; leading axes are tables of their own: groups, or bootstrap samples."""

    @cached_property
    def table(self) -> np.ndarray:
        """[…, group, label, prediction], over all strata, as doubles."""
        summed: np.ndarray = self.cells.sum(axis=-4).astype(float)
        return summed

    @cached_property
    def rows(self) -> np.ndarray:
        """Rows of the two groups, [2, …]."""
        return self._groups(self.table.sum(axis=(-2, -1)))

    @cached_property
    def labels(self) -> np.ndarray:
        """Rows by label, [2 groups, 2 labels, …]."""
        return self._labelled(self.table.sum(axis=-1))

    @cached_property
    def predictions(self) -> np.ndarray:
        """Rows by prediction, [2 groups, 2 predictions, …]."""
        return self._labelled(self.table.sum(axis=-2))

    def hits(self, label: int, prediction: int) -> np.ndarray:
        """Rows of the two groups with this label and this prediction, [2, …]."""
        return self._groups(self.table[..., label, prediction])

    @staticmethod
    def _groups(counts: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.moveaxis(counts, -1, 0)

    @staticmethod
    def _labelled(counts: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.moveaxis(counts, (-2, -1), (0, 1))


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Clarify's division: 0/0 is 0, and anything else over 0 is infinite.

    >>> import numpy as np
    >>> ratio(np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.0, 4.0])).tolist()
    [0.0, inf, 0.25]
    """
    import numpy as np

    above, below = np.asarray(above, float), np.asarray(below, float)
    empty = below == 0
    found = above / np.where(empty, 1.0, below)
    return np.where(empty & (above != 0), np.copysign(np.inf, above), found)


def gap(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A difference in which two equal infinities are no difference.

    >>> import numpy as np
    >>> gap(np.array([np.inf, np.inf]), np.array([np.inf, 1.0])).tolist()
    [0.0, inf]
    """
    import numpy as np

    with np.errstate(invalid="ignore"):
        return np.where(left == right, 0.0, left - right)


def demographic_disparity(cells: np.ndarray) -> np.ndarray:
    """Conditional demographic disparity: ``(1/n) sum_i n_i (n_d,i0 / n_i0 - n_d,i1 / n_i1)`` over strata i.

    A share of nobody counts as 0, as in smclarify's `CDD`.

    Parameters
    ----------
    cells
        [..., strata, 2 groups, 2 outcomes].
    """
    import numpy as np

    cells = cells.astype(float)
    outcomes = cells.sum(axis=-2)  # [..., strata, outcome]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(outcomes > 0, cells[..., 1, :] / outcomes, 0.0)
    size = outcomes.sum(axis=-1)
    return ratio((size * (shares[..., 0] - shares[..., 1])).sum(axis=-1), size.sum(axis=-1))
