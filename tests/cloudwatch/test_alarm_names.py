"""One alarm is asked for by its AlarmName, or as facts name it, and by nobody else's name."""

from __future__ import annotations

from typing import Any

import pytest

from simlab.cloudwatch.describe import only
from simlab.errors import UsageError

FOUND: dict[str, list[dict[str, Any]]] = {
    "CompositeAlarms": [{"AlarmName": "both"}],
    "MetricAlarms": [{"AlarmName": "loss"}, {"AlarmName": "f1"}],
    "MonitorAlarms": [{"AlarmName": "data_quality:drift:age"}],
}


@pytest.mark.parametrize(
    ("asked", "name", "kind"),
    [
        ("loss", "loss", "MetricAlarms"),
        ("metric:loss", "loss", "MetricAlarms"),
        ("composite:both", "both", "CompositeAlarms"),
        ("data_quality:drift:age", "data_quality:drift:age", "MonitorAlarms"),
    ],
)
def test_both_names_of_an_alarm_are_taken(asked: str, name: str, kind: str) -> None:
    found, kept = only(FOUND, asked)
    assert found == name and kept[kind] == [{"AlarmName": name}]
    assert sum(len(ones) for ones in kept.values()) == 1


@pytest.mark.parametrize("asked", ["metric:both", "composite:loss", "los"])
def test_another_name_is_refused(asked: str) -> None:
    with pytest.raises(UsageError, match="no alarm called .* did you mean"):
        only(FOUND, asked)
