"""Rows of every kind of column, drawn at random, with holes."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import strategies as st

rows = st.lists(
    st.tuples(
        st.none() | st.integers(-50, 50).map(float),
        st.none() | st.floats(-1e9, 1e9),
        st.none() | st.text("abc", max_size=2),
    ),
    max_size=60,
)


def table(given: list[tuple[float | None, float | None, str | None]]) -> pa.Table:
    whole, broken, word = zip(*given, strict=True) if given else ((), (), ())
    return pa.table(
        {
            "whole": pa.array(whole, pa.float64()),
            "broken": pa.array(broken, pa.float64()),
            "word": pa.array(word, pa.string()),
        }
    )
