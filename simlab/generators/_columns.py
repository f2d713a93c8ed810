"""What rules share: a column as numbers, a column as words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def number(rows: pa.Table, name: str) -> np.ndarray:
    """A numeric column as doubles, NaN where it is missing; shape (n,)."""
    import numpy as np

    found: np.ndarray = np.asarray(rows[name].to_numpy(zero_copy_only=False), float)
    return found


def word(rows: pa.Table, name: str, *words: str) -> np.ndarray:
    """Whether a categorical column says one of these words; a missing value says none; shape (n,)."""
    import numpy as np

    found: np.ndarray = np.isin(rows[name].fill_null("").to_numpy(zero_copy_only=False).astype(str), words)
    return found
