"""The generator `hyperplane`."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from simlab.generators._columns import number

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

PROBLEM = "binary"
FEATURES = 10
COLUMNS = {f"x{place}": "numeric" for place in range(1, FEATURES + 1)}
CONCEPTS: tuple[dict[str, Any], ...] = ({"moved": 0.0},)

Weight = Annotated[float, Field(allow_inf_nan=False)]


def river(seed: int, *, moved: float = 0.0) -> tuple[str, dict[str, Any]]:
    """River's name for it: `Hyperplane`, noise-free and at rest (it moves while it draws)."""
    if moved:
        raise ValueError("river's hyperplane starts where it was drawn")
    return "Hyperplane", {"seed": seed, "n_features": FEATURES, "noise_percentage": 0.0}


def hyperplane(
    rows: pa.Table, seed: int, *, moved: Weight = 0.0, drifting: Annotated[int, Field(ge=1, le=10)] = 2
) -> np.ndarray:
    """Hyperplane: the side of a plane through the middle of the unit cube on which a point lies.

    ``sum w_i x_i >= sum w_i / 2`` with ten weights drawn uniformly from [0, 1] (Hulten, Spencer and
    Domingos 2001, CVFDT).

    Parameters
    ----------
    rows
        The rows asked for.
    seed
        The generator's seed: the weights are drawn with it, as river draws them.
    moved
        How far the weights of the first columns have moved: river's `mag_change` times the rows it
        has drawn since, while the direction never turns (its `sigma` 0). The plane rotates with it.
    drifting
        How many columns have moving weights.
    """
    import numpy as np

    source = random.Random(seed)  # river's own source of numbers
    weights = np.array([source.random() for _ in COLUMNS])
    weights[:drifting] += moved
    total = np.zeros(rows.num_rows)
    for weight, name in zip(weights, COLUMNS, strict=True):  # summed in river's order, to the last digit
        total = total + weight * number(rows, name)
    found: np.ndarray = (total >= sum(weights.tolist()) * 0.5).astype(float)
    return found
