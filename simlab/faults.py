"""Faults of the operator's own machinery: injections `on: ops` at the named seams of the stages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from simlab.context import rng_for
from simlab.events import Event, Injected
from simlab.injection import TRAINING, chosen, intensity, seam, seed_of, settings_of
from simlab.scenario import Injection, Scenario
from simlab.schedules import Due
from simlab.signature import find

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

BUILT = "monitor.baseline"
"""The seam that is passed when a version is built, so also before the first window."""

Say = Callable[[Event], None]


def inject_ops(scenario: Scenario, at: str, value: Any, number: int | None, say: Say) -> Any:
    """What passes a seam of a stage, after the injections `on: ops` that act there.

    Parameters
    ----------
    at
        The seam.
    number
        The window; None before the first, when a model is built.
    say
        Writes into the world's log.
    """
    for injection in _of_seam(scenario, at):
        if at == BUILT:
            value = _baseline(scenario, injection, value, number, say)
        elif at == "monitor.schedule" and number is not None:
            value = _schedule(scenario, injection, value, number, say)
        elif number is not None and (strength := intensity(injection, number)) > 0:
            after = find("injectors", injection.kind)(value, strength, **settings_of(injection))
            kept = hashlib.sha256(repr(after).encode()).hexdigest()[:16]
            say(_fact(injection, number, strength, len(value) - len(after), len(value), kept))
            value = after
    return value


def strikes_the_build(injection: Injection) -> bool:
    """Whether an injection acts on what is built before the first window: one of the baseline from window 0.

    Any other waits for its own window; there is no shape before the first.
    """
    return injection.enabled and injection.on == "ops" and injection.start == 0 and seam(injection) == BUILT


def _of_seam(scenario: Scenario, at: str) -> Iterator[Injection]:
    for injection in sorted(scenario.inject, key=lambda i: i.id):  # never its place in the file
        if injection.enabled and injection.on == "ops" and seam(injection) == at:
            yield injection


def _rng(scenario: Scenario, injection: Injection, number: int) -> np.random.Generator:
    return rng_for(seed_of(scenario, number), "inject", injection.id, "draw", number)


def _schedule(
    scenario: Scenario, injection: Injection, due: Mapping[int, tuple[Due, ...]], number: int, say: Say
) -> dict[int, tuple[Due, ...]]:
    """What is due, window by window, each under the strength of the window in which it is due.

    The stretch begins before the present window: what was held back then may run now, also where the
    injection has ended meanwhile.
    """
    after = {}
    for window, firings in due.items():
        strength = intensity(injection, window)
        after[window] = firings
        if strength > 0:
            after[window] = find("injectors", injection.kind)(
                firings, strength, _rng(scenario, injection, window), **settings_of(injection)
            )
        if strength > 0 and window == number:
            struck = sum(firing not in after[window] for firing in firings)
            kept = hashlib.sha256(repr(after[window]).encode()).hexdigest()[:16]
            say(_fact(injection, number, strength, struck, len(firings), kept))
    return after


def _baseline(
    scenario: Scenario, injection: Injection, rows: pa.Table, number: int | None, say: Say
) -> pa.Table:
    """The rows of the baseline jobs; those of the first version are struck in full."""
    if number is None and not strikes_the_build(injection):
        return rows
    window = TRAINING if number is None else number
    strength = intensity(injection, window)
    if strength == 0:
        return rows
    mask, hard = chosen(scenario, rows, injection, strength, window)
    after = find("injectors", injection.kind)(
        rows, mask, hard, _rng(scenario, injection, window), **settings_of(injection)
    )
    digest = hashlib.sha256(mask.tobytes()).hexdigest()[:16]
    measured = {"rows left out": 1 - after.num_rows / max(rows.num_rows, 1)}
    say(_fact(injection, number, strength, int(mask.sum()), rows.num_rows, digest, measured))
    return after


def _fact(
    injection: Injection,
    number: int | None,
    strength: float,
    rows: int,
    of: int,
    mask: str,
    measured: Mapping[str, float] = {},
) -> Injected:
    return Injected(
        window=number,
        injection=injection.id,
        injector=injection.kind,
        on="ops",
        intensity=strength,
        rows=rows,
        of=of,
        mask=mask,
        measured=measured,
    )
