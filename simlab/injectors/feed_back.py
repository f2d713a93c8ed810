"""The injector `feed_back`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simlab.injectors._columns import present
from simlab.reference import Size

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

SEAM = "decisions"
LABELS = "weights"
COLUMN = None
ALSO = {"group": "categorical"}
PROBLEMS = ("binary", "regression")

Above = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def feed_back(
    pool: pa.Table,
    past: Mapping[str, tuple[int, int]],
    strength: float,
    reference: Reference,
    *,
    group: str,
    gain: Above = 1.0,
    prior: Above = 1000.0,
) -> np.ndarray:
    """Let the next rows come from where the model said yes before: a feedback loop.

    An urn (Ensign et al. 2018): the next window's rows are of group a with probability ``(prior b_a +
    gain s k_a) / (prior + gain s k)``, with b_a the group's share in the pool, k_a the yes the model has
    said to it so far, k to all, and strength s. Patrols go where arrests were made, and make arrests
    there. With one row at a time and a yes to each it is Polya's urn: shares wander, and settle at a
    random place. Where groups get a yes at different rates the one with the higher rate takes all. Each
    row keeps its own answer.

    Parameters
    ----------
    pool
        The rows that may be drawn.
    past
        By value of the column, how many rows were answered so far, and how many of them yes; a missing
        value is the empty text. A regression says yes to all it answers.
    strength
        In [0, 1]; at 0 every weight is 1.
    reference
        The undisturbed world.
    group
        A categorical column.
    gain
        How much one yes counts.
    prior
        How many yes the pool's own shares are worth: the smaller, the sooner the past takes over.

    Returns
    -------
    numpy.ndarray
        One weight above 0 per row of the pool, not normalised.

    Raises
    ------
    LookupError
        There is no such column.
    """
    import numpy as np

    if strength == 0:
        return np.ones(pool.num_rows)
    _, place, shares, due = _shares(pool, past, strength, group, gain, prior)
    return np.asarray((due / shares)[place])


def _shares(
    pool: pa.Table,
    past: Mapping[str, tuple[int, int]],
    strength: float,
    group: str,
    gain: float,
    prior: float,
) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """The groups, each row's, their shares in the pool, and their shares in the next draw."""
    import numpy as np
    import pyarrow as pa

    values = present(pool, group).cast(pa.string()).combine_chunks().fill_null("").dictionary_encode()
    groups, place = values.dictionary.to_pylist(), values.indices.to_numpy()
    shares = np.bincount(place, minlength=len(groups)) / max(len(place), 1)
    said = gain * strength * np.array([past.get(value, (0, 0))[1] for value in groups], float)
    return groups, place, shares, (prior * shares + said) / (prior + said.sum())


def size(
    before: pa.Table,
    after: np.ndarray,
    mask: np.ndarray | None,
    strength: float,
    reference: Reference,
    *,
    past: Mapping[str, tuple[int, int]] | None = None,
    group: str,
    gain: float = 1.0,
    prior: float = 1000.0,
) -> Size:
    """The share in the draw of the group that gained most, by the urn's formula."""
    import numpy as np

    if not before.num_rows or past is None:
        return Size(f"share of the {group} that gained most", None, None)
    groups, place, shares, due = _shares(before, past, strength, group, gain, prior)
    most = int(np.argmax(due - shares))
    found = float(after[place == most].sum() / after.sum())
    return Size(f"share of rows where {group} is {groups[most]}", float(due[most]), found)
