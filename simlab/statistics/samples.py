"""Samples of a column, and what is known of each before anything is compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class Numbers:
    """Present, finite values of a numeric column.

    Parameters
    ----------
    values
        Doubles in the order in which they came; missing and infinite ones are left out.
    """

    kind: ClassVar[str] = "numeric"

    def __init__(self, values: np.ndarray):
        import numpy as np

        numbers = np.asarray(values, float)
        here = np.isfinite(numbers)
        self.values: np.ndarray = numbers if here.all() else numbers[here]

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def sorted(self) -> np.ndarray:
        """The values in ascending order."""
        import numpy as np

        found: np.ndarray = np.sort(self.values)
        return found

    @cached_property
    def ranked(self) -> tuple[np.ndarray, np.ndarray]:
        """The distinct values in ascending order, and how many values are at most as large as each."""
        import numpy as np

        last = np.empty(len(self), bool)
        last[-1:] = True
        np.not_equal(self.sorted[1:], self.sorted[:-1], out=last[:-1])
        ends = np.flatnonzero(last)
        return self.sorted[ends], ends + 1

    @property
    def distinct(self) -> np.ndarray:
        """The distinct values in ascending order."""
        return self.ranked[0]

    @cached_property
    def counts(self) -> np.ndarray:
        """How often each distinct value occurs."""
        import numpy as np

        found: np.ndarray = np.diff(self.ranked[1], prepend=0)
        return found

    @cached_property
    def ties(self) -> float:
        """``sum(t^3 - t)`` of the numbers t of equal values."""
        return tied(self.counts)

    @cached_property
    def mean(self) -> float:
        """Arithmetic mean."""
        return float(self.values.mean())

    @cached_property
    def variance(self) -> float:
        """Mean squared distance from the mean."""
        return float(((self.values - self.mean) ** 2).mean())


def tied(counts: np.ndarray) -> float:
    """``sum(t^3 - t)`` of numbers t of equal values: what ties take from the spread of ranks."""
    t = counts.astype(float)
    return float((t**3 - t).sum())


class Names:
    """Present values of a categorical column, counted.

    Parameters
    ----------
    counts
        How often each name occurs.
    """

    kind: ClassVar[str] = "categorical"

    def __init__(self, counts: Mapping[Any, int]):
        self.counts = counts
        self.total = sum(counts.values())

    def __len__(self) -> int:
        return self.total

    @property
    def values(self) -> np.ndarray:
        """The names one by one, equal ones side by side."""
        import numpy as np

        often = np.array(list(self.counts.values()), int)
        found: np.ndarray = np.repeat(np.array(list(self.counts), object), often)
        return found

    @cached_property
    def ordered(self) -> tuple[tuple[Any, ...], np.ndarray]:
        """The names in their order as text, and how often each occurs."""
        import numpy as np

        names = tuple(sorted(self.counts, key=str))
        return names, np.array([self.counts[name] for name in names], float)


Sample = Numbers | Names


def sample(values: Any, kind: str | None = None) -> Sample:
    """A sample of an array's values or of an Arrow column's, missing ones left out.

    Parameters
    ----------
    values
        An array (of objects or text: categorical), or an Arrow column.
    kind
        `numeric` or `categorical`; None reads it from the type.

    >>> len(sample(["a", None, "b"], "categorical")), sample(["a", "b", "a"], "categorical").counts["a"]
    (2, 2)
    """
    import numpy as np

    if type(values).__module__.startswith("pyarrow"):
        return _of_arrow(values, kind)
    values = np.asarray(values, object if kind == "categorical" else None)
    if kind == "categorical" or (kind is None and values.dtype.kind in "OUS"):
        counted = Counter(values.tolist())
        # An array of objects may hold None or NaN where a name is missing.
        return Names({name: n for name, n in counted.items() if name is not None and name == name})
    return Numbers(values)


def _of_arrow(values: Any, kind: str | None) -> Sample:
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind == "numeric" or (kind is None and not pa.types.is_string(values.type)):
        return Numbers(values.to_numpy() if isinstance(values, pa.ChunkedArray) else values.to_numpy(False))
    counted = pc.value_counts(values)
    names, counts = counted.field(0).to_pylist(), counted.field(1).to_pylist()
    return Names({name: n for name, n in zip(names, counts, strict=True) if name is not None})


@dataclass(frozen=True)
class Prepared:
    """A table whose columns are made samples at the first use and kept.

    Parameters
    ----------
    table
        Rows that do not change.
    """

    table: pa.Table
    _kept: dict[str, Sample] = field(default_factory=dict, repr=False, compare=False)

    def sample(self, column: str, kind: str) -> Sample:
        """The sample of a column."""
        if column not in self._kept:
            self._kept[column] = sample(self.table[column], kind)
        return self._kept[column]


_RECENT = 4
_recent: list[Prepared] = []


def prepared(table: pa.Table) -> Prepared:
    """A table's samples; the very same table asked for again is found prepared.

    The last four tables are remembered. Arrow tables do not change, so being the same object is
    enough to have the same samples.
    """
    global _recent
    for known in _recent:
        if known.table is table:
            return known
    found = Prepared(table)
    _recent = [*_recent, found][-_RECENT:]
    return found
