"""The policy `on_alarm`."""

from __future__ import annotations

from fnmatch import fnmatch

from simlab.artifacts import History


def on_alarm(history: History, *, alarms: str = "*") -> str | None:
    """Retrain while an alarm sounds.

    Parameters
    ----------
    alarms
        Which alarms count, with `*` for any text: `model_quality:*`. Alarms of the monitors' own health
        count where they are named, `health:*`: a new model mends no monitor.

    >>> on_alarm(History(alarms={"data_quality:drift:age": "ALARM"}))
    'data_quality:drift:age in alarm'
    >>> on_alarm(History(alarms={"data_quality:drift:age": "ALARM"}), alarms="model_quality:*")
    """
    sounding = sorted(
        name
        for name, state in history.alarms.items()
        if state == "ALARM"
        and fnmatch(name, alarms)
        and (alarms.startswith("health:") or not name.startswith("health:"))
    )
    return f"{', '.join(sounding)} in alarm" if sounding else None
