"""The generator `mixed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from simlab.generators._columns import number, word

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

PROBLEM = "binary"
COLUMNS = {"v": "categorical", "w": "categorical", "x": "numeric", "y": "numeric"}
WORDS = {"v": {False: "no", True: "yes"}, "w": {False: "no", True: "yes"}}
CONCEPTS = ({"function": 0}, {"function": 1})


def river(seed: int, *, function: int = 0) -> tuple[str, dict[str, Any]]:
    """River's name for it: `Mixed`."""
    return "Mixed", {"seed": seed, "classification_function": function}


def mixed(rows: pa.Table, seed: int, *, function: Literal[0, 1] = 0) -> np.ndarray:
    """Mixed: fewer than two hold of two yes-or-no columns and a curve in two numbers.

    v, w and ``y < 0.5 + 0.3 sin(3 pi x)`` (Gama et al. 2004, Learning with Drift Detection); both answers
    are equally likely.

    Parameters
    ----------
    rows
        The rows asked for.
    seed
        Not used: nothing in the rules is drawn.
    function
        0: fewer than two of the three hold. 1: the opposite.
    """
    import numpy as np

    below = number(rows, "y") < 0.5 + 0.3 * np.sin(3 * np.pi * number(rows, "x"))
    holding = word(rows, "v", "yes").astype(int) + word(rows, "w", "yes") + below
    found: np.ndarray = ((holding < 2) if function == 0 else (holding >= 2)).astype(float)
    return found
