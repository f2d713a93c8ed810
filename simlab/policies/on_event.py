"""The policy `on_event`."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Annotated

from pydantic import Field

from simlab.artifacts import History


def on_event(history: History, *, rules: str = "*", within: Annotated[int, Field(ge=1)] = 1) -> str | None:
    """Retrain when an EventBridge rule with the target `retrain` matches.

    Parameters
    ----------
    rules
        Which rules of `stages.alarm.rules` count, with `*` for any text.
    within
        For how many windows a match is remembered, its own included: while a cooldown or missing labels
        hold the retrain up. A match from before the last retrain is forgotten.

    >>> on_event(History(window=5, matched={"drifted": 5}))
    'rule drifted matched'
    >>> on_event(History(window=6, matched={"drifted": 5}))
    >>> on_event(History(window=6, matched={"drifted": 5}), within=2)
    'rule drifted matched'
    """
    last = history.retrained[-1] if history.retrained else -1
    found = sorted(
        name
        for name, window in history.matched.items()
        if fnmatch(name, rules) and history.window - window < within and window > last
    )
    return f"rule {', '.join(found)} matched" if found else None
