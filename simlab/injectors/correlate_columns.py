"""The injector `correlate_columns`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simlab.injectors._columns import numbers, put
from simlab.reference import Reference, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SEAM = "traffic"
LABELS = "ask"
COLUMN = "numeric"
ALSO = {"other": "numeric"}
APART = ("column", "other")
PROBLEMS = ("binary", "regression")

ROUNDS = 16
"""Most tries to hit the correlation; two or three suffice where the columns have few ties."""


def correlate_columns(
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    column: str,
    other: str,
    rho: Annotated[float, Field(gt=-1, lt=1)],
) -> pa.Table:
    """Change how two numeric columns go together, and nothing that either shows alone.

    Covariate drift of the copula: among the touched rows that have both values, the values of
    `column` change places, so its marginal is the same to the last bit and a test that looks at one
    column is blind to it. The correlation of normal scores (Gaussian rank correlation, van der
    Waerden scores; Boudt, Cornelissen and Croux 2012) goes from the present ``r`` to ``r + s (rho -
    r)`` with the strength s. The new order is that of ``a z + sqrt(1 - a^2) e``, where z are the
    scores of `other` and e what they do not explain of the old order, so the other columns keep part
    of what they knew of `column`; `a` is found by false position (the Illinois way).

    Parameters
    ----------
    rows, mask, strength, rng, reference
        As for every injector; a permutation of the rows is drawn, which orders ties.
    column
        A numeric column, whose values change places. Missing values stay where they are.
    other
        Another numeric column, which stays as it is.
    rho
        The correlation of normal scores at full strength. Ties (nine zeros in ten) may not allow one
        so high; then the columns are ordered alike, as far as it goes.

    Raises
    ------
    LookupError, TypeError
        There is no such column, or it does not hold numbers.
    ValueError
        Both are the same column.
    """
    import numpy as np
    import pyarrow as pa

    if strength == 0:
        return rows
    x, _ = numbers(rows, column)
    y, _ = numbers(rows, other)
    if column == other:
        raise ValueError(f"cannot correlate {column!r} with itself: column and other are the same")
    order = rng.permutation(rows.num_rows)
    touched = order[(mask & ~np.isnan(x) & ~np.isnan(y))[order]]
    if len(touched) < 2:
        return rows
    x, y = x[touched], y[touched]
    ranked = np.argsort(x, kind="stable")
    scores = _scores(len(x))
    levels = _standard(_levelled(scores, x[ranked]))  # the scores of `column`, from its least value up
    z = _standard(_of(y, scores))
    broken = np.empty(len(x))
    broken[ranked] = scores
    if not (levels.any() and z.any()):
        return rows  # one of them is constant
    mine = np.empty(len(x))
    mine[ranked] = levels
    present = float(mine @ z) / len(x)
    wanted = present + strength * (rho - present)
    new = _order(levels, z, broken, wanted)
    place = np.arange(rows.num_rows)
    place[touched[new]] = touched[ranked]
    return put(rows, column, rows[column].take(pa.array(place)))


def size(
    before: pa.Table,
    after: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    column: str,
    other: str,
    rho: float,
) -> Size:
    """The correlation of normal scores; declared as far as ties allow it."""
    import numpy as np

    what = f"correlation of normal scores of {column} and {other}"
    old, new, y = (numbers(t, c)[0][mask] for t, c in ((before, column), (after, column), (before, other)))
    both = ~np.isnan(old) & ~np.isnan(y)
    count = int(both.sum())
    scores = _scores(count)
    x, moved, z = (_standard(_of(values[both], scores)) for values in (old, new, y))
    if not (x.any() and z.any()):
        return Size(what, None, None)
    present, found = float(x @ z) / count, float(moved @ z) / count
    up, down = np.sort(x), np.sort(z)
    most, least = float(up @ down) / count, float(up @ down[::-1]) / count
    declared = min(max(present + strength * (rho - present), least), most)
    return Size(what, declared, found, count**-0.5)


def _scores(count: int) -> np.ndarray:
    """Quantiles of the normal law, from the least up; they depend on how many alone."""
    import numpy as np
    from scipy.special import ndtri

    found: np.ndarray = ndtri((np.arange(count) + 0.5) / max(count, 1))
    return found


def _levelled(scores: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """The scores of ordered values, where equal values share the mean of theirs."""
    import numpy as np

    if not len(ordered):
        return scores
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    if len(starts) == len(ordered):
        return scores
    counts = np.diff(starts, append=len(ordered))
    return np.repeat(np.add.reduceat(scores, starts) / counts, counts)


def _of(values: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The normal score of each value."""
    import numpy as np

    ranked = np.argsort(values)
    found = np.empty(len(values))
    found[ranked] = _levelled(scores, values[ranked])
    return found


def _standard(values: np.ndarray) -> np.ndarray:
    """With mean 0 and standard deviation 1; all 0 where constant."""
    import numpy as np

    if not len(values):
        return values
    centred = values - values.mean()
    spread = float(np.sqrt((centred**2).mean()))
    return centred / spread if spread > 1e-12 else np.zeros(len(values))


def _order(levels: np.ndarray, z: np.ndarray, scores: np.ndarray, wanted: float) -> np.ndarray:
    """Which row gets the least value, which the next, for the correlation that is wanted."""
    import numpy as np

    count = len(z)
    rest = _standard(scores - z * float(scores @ z) / count)

    def tried(a: float) -> tuple[np.ndarray, float]:
        # Only at an end can two rows be level, and then their order must be the same on every machine.
        kind: Literal["stable", "quicksort"] = "stable" if abs(a) == 1 else "quicksort"
        order = np.argsort(a * z + (1 - a * a) ** 0.5 * rest, kind=kind)
        return order, float(levels @ z[order]) / count

    near = 0.25 * count**-0.5  # a quarter of what chance does among so many rows
    low, under, high, over, last = -1.0, -1.0 - wanted, 1.0, 1.0 - wanted, 0
    a, best, gap = min(max(wanted, -0.9999), 0.9999), None, np.inf
    for _ in range(ROUNDS):
        order, found = tried(a)
        if abs(found - wanted) < gap:
            best, gap = order, abs(found - wanted)
        if gap <= near:
            break
        if found > wanted:
            high, over, under, last = a, found - wanted, under / (2 if last > 0 else 1), 1
        else:
            low, under, over, last = a, found - wanted, over / (2 if last < 0 else 1), -1
        a = low - under * (high - low) / (over - under)
    else:
        for end in (-1.0, 1.0):  # perhaps it is out of reach: then as far as it goes
            order, found = tried(end)
            if abs(found - wanted) < gap:
                best, gap = order, abs(found - wanted)
    assert best is not None
    return best
