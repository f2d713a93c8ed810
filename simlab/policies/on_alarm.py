"""The policy `on_alarm`."""

from __future__ import annotations

from fnmatch import fnmatch

from simlab.artifacts import History


def on_alarm(history: History, *, alarms: str = "*") -> str | None:
    """Retrain while an alarm sounds.

    Parameters
    ----------
    alarms
        Which alarms count, with `*` for any text: `model_quality:*`.

    >>> on_alarm(History(alarms={"data_quality:drift:age": "ALARM"}))
    'data_quality:drift:age in alarm'
    >>> on_alarm(History(alarms={"data_quality:drift:age": "ALARM"}), alarms="model_quality:*")
    """
    sounding = sorted(
        name for name, state in history.alarms.items() if state == "ALARM" and fnmatch(name, alarms)
    )
    return f"{', '.join(sounding)} in alarm" if sounding else None
