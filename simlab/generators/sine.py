"""The generator `sine`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from simlab.generators._columns import number

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

PROBLEM = "binary"
COLUMNS = {"att1": "numeric", "att2": "numeric", "att3": "numeric", "att4": "numeric"}
CONCEPTS = tuple({"function": number} for number in range(4))


def river(seed: int, *, function: int = 0) -> tuple[str, dict[str, Any]]:
    """River's name for it: `Sine`, with its two columns of noise."""
    return "Sine", {"seed": seed, "classification_function": function, "has_noise": True}


def sine(rows: pa.Table, seed: int, *, function: Literal[0, 1, 2, 3] = 0) -> np.ndarray:
    """Sine: a point of the unit square lies below a curve; two more numbers are noise.

    SINE1 and SINE2 of Gama et al. 2004 (Learning with Drift Detection), each with its reverse.

    Parameters
    ----------
    rows
        The rows asked for.
    seed
        Not used: nothing in the rules is drawn.
    function
        0: ``att1 < sin(att2)``. 2: ``att1 < 0.5 + 0.3 sin(3 pi att2)``. 1 and 3: the opposite of 0 and
        of 2.
    """
    import numpy as np

    height, along = number(rows, "att1"), number(rows, "att2")
    curve = np.sin(along) if function < 2 else 0.5 + 0.3 * np.sin(3 * np.pi * along)
    below = height < curve
    return (below if function in (0, 2) else ~below).astype(float)
