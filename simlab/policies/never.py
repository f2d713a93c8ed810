"""The policy `never`."""

from __future__ import annotations

from simlab.artifacts import History


def never(history: History) -> str | None:
    """Never retrain.

    >>> never(History(alarms={"data_quality:drift:age": "ALARM"}))
    """
    return None
