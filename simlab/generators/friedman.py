"""The generator `friedman`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from simlab.generators._columns import number

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

PROBLEM = "regression"
COLUMNS = {f"x{place}": "numeric" for place in range(10)}

Concept = Literal["original", "lea1", "lea2", "lea3", "gra", "gsg1", "gsg2"]

NEVER = 10**12
_RIVER: dict[str, dict[str, Any]] = {
    "lea1": {"drift_type": "lea", "position": (0, NEVER, 2 * NEVER)},
    "lea2": {"drift_type": "lea", "position": (-1, 0, NEVER)},
    "lea3": {"drift_type": "lea", "position": (-2, -1, 0)},
    "gra": {"drift_type": "gra", "position": (0, NEVER)},
    "gsg1": {"drift_type": "gsg", "position": (0, NEVER), "transition_window": 0},
    "gsg2": {"drift_type": "gsg", "position": (-1, 0), "transition_window": 0},
}
"""FriedmanDrift, put where it is in the one concept from its first row on."""

CONCEPTS = ({"concept": "original"}, *({"concept": name} for name in _RIVER))


def river(seed: int, *, concept: str = "original") -> tuple[str, dict[str, Any]]:
    """River's name for it: `Friedman`, or a concept of `FriedmanDrift`; both add noise of deviation 1."""
    if concept == "original":
        return "Friedman", {"seed": seed}
    return "FriedmanDrift", {"seed": seed, **_RIVER[concept]}


def friedman(rows: pa.Table, seed: int, *, concept: Concept = "original") -> np.ndarray:
    """Friedman: a smooth function of five of ten numbers.

    ``10 sin(pi x0 x1) + 20 (x2 - 0.5)^2 + 10 x3 + 5 x4`` (Friedman 1991, MARS), all ten uniform on
    [0, 1], and the concepts of Ikonomovska, Gama and Dzeroski 2011 (Data Mining and Knowledge Discovery
    23:1) as river writes them.

    Parameters
    ----------
    rows
        The rows asked for.
    seed
        Not used: nothing in the function is drawn.
    concept
        `original`. `lea1` to `lea3`: other functions in two growing regions of the space (local,
        expanding). `gra`: the columns change places. `gsg1` and `gsg2`: they change places in two other
        ways.
    """
    import numpy as np

    x = [number(rows, name) for name in COLUMNS]

    def smooth(a: int, b: int, c: int, d: int, e: int) -> np.ndarray:
        found: np.ndarray = 10 * np.sin(np.pi * x[a] * x[b]) + 20 * (x[c] - 0.5) ** 2 + 10 * x[d] + 5 * x[e]
        return found

    if concept == "gra":
        return smooth(3, 5, 1, 0, 2)
    if concept == "gsg1":
        return smooth(3, 4, 1, 0, 2)
    if concept == "gsg2":
        return smooth(1, 4, 3, 2, 0)
    plain = smooth(0, 1, 2, 3, 4)
    if concept == "original":
        return plain
    first, second = _regions(x, concept)
    inner = 10 * x[0] * x[1] + 20 * (x[2] - 0.5) + 10 * x[3] + 5 * x[4]
    outer = 10 * np.cos(x[0] * x[1]) + 20 * (x[2] - 0.5) + np.exp(x[3]) + 5 * x[4] ** 2
    return np.where(first, inner, np.where(second, outer, plain))


def _regions(x: list[np.ndarray], concept: str) -> tuple[np.ndarray, np.ndarray]:
    """Where the two other functions hold: a corner of few columns, and one of many."""
    low, high = (x[1] < 0.3) & (x[2] < 0.3), (x[1] > 0.7) & (x[2] > 0.7)
    if concept == "lea3":
        return low, high
    low, high = low & (x[3] > 0.7), high & (x[3] < 0.3)
    if concept == "lea2":
        return low, high
    return low & (x[4] < 0.3), high & (x[4] > 0.7)
