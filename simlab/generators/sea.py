"""The generator `sea`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from simlab.generators._columns import number

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

PROBLEM = "binary"
COLUMNS = {"att1": "numeric", "att2": "numeric", "att3": "numeric"}
VARIANTS = (8.0, 9.0, 7.0, 9.5)
CONCEPTS = tuple({"threshold": threshold} for threshold in VARIANTS)


def river(seed: int, *, threshold: float = 8.0) -> tuple[str, dict[str, Any]]:
    """River's name for it: `SEA`, whose four variants are four thresholds."""
    return "SEA", {"seed": seed, "variant": VARIANTS.index(threshold)}


def sea(
    rows: pa.Table, seed: int, *, threshold: Annotated[float, Field(allow_inf_nan=False)] = 8.0
) -> np.ndarray:
    """SEA: the sum of two numbers is above a threshold, and a third has nothing to do with it.

    ``att1 + att2 > threshold``, all three uniform on [0, 10] (Street and Kim 2001, A Streaming Ensemble
    Algorithm).

    Parameters
    ----------
    rows
        The rows asked for.
    seed
        Not used: nothing in the rule is drawn.
    threshold
        The threshold. river's variants 0 to 3 are 8, 9, 7 and 9.5; as a number it can also move
        step by step.
    """
    found: np.ndarray = (number(rows, "att1") + number(rows, "att2") > threshold).astype(float)
    return found
