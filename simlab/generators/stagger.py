"""The generator `stagger`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from simlab.generators._columns import word

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

PROBLEM = "binary"
COLUMNS = {"size": "categorical", "color": "categorical", "shape": "categorical"}
WORDS = {
    "size": {0: "small", 1: "medium", 2: "large"},
    "color": {0: "red", 1: "blue", 2: "green"},
    "shape": {0: "circle", 1: "square", 2: "triangle"},
}
CONCEPTS = tuple({"function": number} for number in range(3))


def river(seed: int, *, function: int = 0) -> tuple[str, dict[str, Any]]:
    """River's name for it: `STAGGER`."""
    return "STAGGER", {"seed": seed, "classification_function": function}


def stagger(rows: pa.Table, seed: int, *, function: Literal[0, 1, 2] = 0) -> np.ndarray:
    """STAGGER: a thing of some size, colour and shape, which belongs to a class or does not.

    The three concepts of Schlimmer and Granger 1986 (Machine Learning 1:3); every value of every column
    is as likely as any other.

    Parameters
    ----------
    rows
        The rows asked for.
    seed
        Not used: nothing in the rules is drawn.
    function
        0: small and red. 1: green, or a circle. 2: medium or large.
    """
    if function == 0:
        found = word(rows, "size", "small") & word(rows, "color", "red")
    elif function == 1:
        found = word(rows, "color", "green") | word(rows, "shape", "circle")
    else:
        found = word(rows, "size", "medium", "large")
    answers: np.ndarray = found.astype(float)
    return answers
