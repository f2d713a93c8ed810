"""Quantile sketches in the layout of Deequ's KLL: levels of values, each worth twice the one below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SIZE = 2048
"""Deequ's sketch size k: so many values are kept as they are."""
SHRINKING = 0.64
"""Deequ's shrinking factor c."""


@dataclass(frozen=True)
class Sketch:
    """Values of one column, in levels: a value of level h stands for ``2**h`` values.

    KLL (Karnin, Lang and Liberty 2016) throws a coin whenever a full level is compacted. This one keeps
    every second value of the sorted level in turn, so that equal rows make equal files in whatever order
    they came; its ranks are off by less than `error` times the rows. Files of the real service, whose
    lower levels hold more than one value, are read as they are.
    """

    levels: tuple[np.ndarray, ...]
    """Values of each level, lowest first."""
    c: float = SHRINKING
    k: float = float(SIZE)

    @classmethod
    def of(cls, ordered: np.ndarray, k: int = SIZE) -> Sketch:
        """The sketch of values in ascending order: exact up to `k` of them.

        Parameters
        ----------
        ordered
            Finite values, sorted.
        k
            Longest top level.
        """
        levels = []
        level, odd = ordered, False
        while len(level) > k:
            rest = len(level) % 2
            levels.append(level[len(level) - rest :])
            # Keeping the lower value of each pair at one level and the upper one at the next lets the
            # errors of the levels cancel rather than add up.
            level, odd = level[: len(level) - rest][int(odd) :: 2], not odd
        return cls((*levels, level), k=float(k))

    @classmethod
    def read(cls, data: Sequence[Sequence[float]], c: float = SHRINKING, k: float = float(SIZE)) -> Sketch:
        """A sketch as a file holds it: a list of levels."""
        import numpy as np

        return cls(tuple(np.array(level, float) for level in data) or (np.empty(0),), c, k)

    @cached_property
    def ranked(self) -> tuple[np.ndarray, np.ndarray]:
        """The distinct values in ascending order, and how many values are at most as large as each."""
        import numpy as np

        values = np.concatenate(self.levels)
        weights = np.repeat(2.0 ** np.arange(len(self.levels)), [len(level) for level in self.levels])
        order = np.argsort(values, kind="stable")
        values, upto = values[order], np.cumsum(weights[order])
        last = np.append(values[1:] != values[:-1], True) if len(values) else np.empty(0, bool)
        return values[last], upto[last]

    @property
    def count(self) -> float:
        """How many values it stands for."""
        return float(sum(len(level) * 2.0**height for height, level in enumerate(self.levels)))

    @property
    def error(self) -> float:
        """Bound of the error of `cdf`; 0 where every value is kept."""
        lost = sum(2.0**height for height in range(len(self.levels) - 1))
        return lost / self.count if self.count else 0.0

    def cdf(self, at: np.ndarray) -> np.ndarray:
        """Share of the values that are at most as large as each of some numbers.

        >>> import numpy as np
        >>> Sketch.of(np.array([1.0, 1.0, 2.0, 4.0])).cdf(np.array([0.0, 1.0, 3.0])).tolist()
        [0.0, 0.5, 0.75]
        """
        import numpy as np

        values, upto = self.ranked
        place = values.searchsorted(at, side="right")
        share: np.ndarray = np.concatenate(([0.0], upto))[place] / upto[-1]
        return share

    def quantile(self, share: float) -> float:
        """The least value that at least a share of the values do not exceed.

        >>> import numpy as np
        >>> Sketch.read([[], [3.0, 5.0]]).quantile(0.5)
        3.0
        """
        values, upto = self.ranked
        place = int(upto.searchsorted(share * upto[-1], side="left"))
        return float(values[min(place, len(values) - 1)])
