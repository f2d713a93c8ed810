"""The policy `every`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simlab.artifacts import History


def every(history: History, *, windows: Annotated[int, Field(ge=1)] = 7) -> str | None:
    """Retrain every so many windows.

    >>> every(History(window=6), windows=7)
    'every 7 windows'
    >>> every(History(window=7), windows=7)
    """
    return f"every {windows} windows" if (history.window + 1) % windows == 0 else None
