"""Context: the only thing besides its arguments that a stage may touch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np

    from simlab.events import Event

T = TypeVar("T")


def seed_for(seed: int, *name: object) -> int:
    """A 32-bit seed named after who draws.

    >>> seed_for(7, "tune") == seed_for(7, "tune"), seed_for(7, "tune") == seed_for(7, "train")
    (True, False)
    """
    return crc32("/".join(map(str, (seed, *name))).encode())


def rng_for(seed: int, *name: object) -> np.random.Generator:
    """A random generator named after who draws, so that a new drawer disturbs nobody.

    The stream is `[seed, crc32(name)]` fed to NumPy's SeedSequence; the window is part of the
    name.

    >>> float(rng_for(7, "draw", 3).random()) == float(rng_for(7, "draw", 3).random())
    True
    """
    import numpy as np  # kept off the path of `simlab --help` and `simlab check`

    return np.random.default_rng([seed, crc32("/".join(map(str, name)).encode())])


def _untouched(seam: str, value: T) -> T:
    return value


@dataclass(frozen=True)
class Context:
    """Where and when a stage acts: window, time, randomness, a folder, a way to say facts.

    Parameters
    ----------
    stage
        Name of the stage (its file).
    window
        Window number; None before the first.
    seed
        A seed that belongs to this stage and window alone.
    emit
        Says a fact. The facts of one stage call are recorded together, once it is done.
    workdir
        A folder of the run for the stage's engine (the feature store's files, say).
    tell
        Shows progress to a person; recorded nowhere.
    """

    stage: str
    window: int | None
    seed: int
    emit: Callable[[Event], None]
    workdir: Path
    tell: Callable[[str], None] = field(default=lambda text: None)
    seam: Callable[[str, T], T] = field(default=_untouched)
    """Lets what passes a named seam be hurt by an injection `on: ops`."""
    moment: datetime = datetime(1970, 1, 1)
    """Simulated time: the scenario's start, then the end of the window that is lived through."""
    ordinal: int = 0
    """How many times this stage ran before in this run."""

    def rng(self, *name: object) -> np.random.Generator:
        """A generator of this stage and window, for the given purpose."""
        return rng_for(self.seed, *name)
