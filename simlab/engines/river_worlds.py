"""Rows of river's synthetic generators, as columns."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from river.datasets import synth

if TYPE_CHECKING:
    import pyarrow as pa

ANSWER = "answer"
"""What river's own answer is called among the columns."""


def draw(generator: str, settings: Mapping[str, Any], columns: tuple[str, ...], count: int) -> pa.Table:
    """The first rows of a generator: its features under other names, in its order, and its `answer`.

    Parameters
    ----------
    generator
        Its name in `river.datasets.synth`.
    settings
        Its arguments, the seed among them.
    columns
        What its features are to be called.
    count
        How many rows.

    Raises
    ------
    ValueError
        It has not as many features as names were given.
    """
    import pyarrow as pa

    values: list[list[Any]] = [[] for _ in columns]
    answers: list[float] = []
    for x, y in islice(iter(getattr(synth, generator)(**settings)), count):
        for column, value in zip(values, x.values(), strict=True):
            column.append(value)
        answers.append(float(y))
    return pa.table(
        {**{name: pa.array(column) for name, column in zip(columns, values, strict=True)}, ANSWER: answers}
    )
