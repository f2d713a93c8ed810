"""Laws of the answers: moved, and followed in the answers; for the injectors beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simlab.injectors._sizes import tally
from simlab.reference import Size

if TYPE_CHECKING:
    import numpy as np

Mode = Literal["invert", "logit"]
"""Swap the classes, or move the log odds."""


def moved(eta: np.ndarray, mode: Mode, by: float, strength: float) -> np.ndarray:
    """The law with its classes swapped, ``eta + s (1 - 2 eta)``, or its log odds moved by `by` s."""
    import numpy as np

    if mode == "invert":
        law = eta + strength * (1 - 2 * eta)
    else:
        with np.errstate(divide="ignore", over="ignore"):  # certain answers stay certain
            law = 1 / (1 + np.exp(-(np.log(eta) - np.log1p(-eta) + by * strength)))
    clipped: np.ndarray = np.clip(law, 0.0, 1.0)
    return clipped


def yes(answers: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The chance of a yes under another law, given the answer under the old one; shape (n,).

    The labeller's coupling (`simlab.labeller`): a yes had a latent draw uniform on [0, before], a no
    one on (before, 1]; the new answer is yes where that draw is at most `after`.
    """
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        stays = np.where(after >= before, 1.0, after / before)
        turns = np.where(after <= before, 0.0, (after - before) / (1 - before))
    chance: np.ndarray = np.where(answers >= 0.5, stays, turns)
    return chance


def turned(before: np.ndarray, after: np.ndarray, eta: np.ndarray, law: np.ndarray) -> Size:
    """The share of answers that turned the way the law did; those that turned another way count against.

    Parameters
    ----------
    before, after
        The answers of the rows that may have changed.
    eta, law
        The law that `before` follows, and the one that `after` is said to.
    """
    import numpy as np

    chance = yes(before, eta, law)
    steps = (after >= 0.5).astype(float) - (before >= 0.5)
    way = np.sign(law - eta)
    found = np.where(way == 0, -np.abs(steps), way * steps)
    return tally("share of answers changed", found, np.where(before >= 0.5, 1 - chance, chance))
