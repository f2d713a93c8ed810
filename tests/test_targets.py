"""Every alarm a monitor can raise aims at one of the three truths."""

from __future__ import annotations

import pytest

from simlab.targets import target_of


@pytest.mark.parametrize(
    ("alarm", "target"),
    [
        ("data_quality:drift:age", "shifted"),
        ("data_quality:sequential:age", "shifted"),
        ("data_quality:multivariate", "shifted"),
        ("data_quality:completeness:age", "shifted"),
        ("data_quality:schema", "shifted"),
        ("model_quality:quality:log_loss", "harmful"),
        ("model_quality:sequential:error", "harmful"),
        ("model_quality:estimated:auc", "harmful"),
        ("health:missing:hourly", "faulty"),
    ],
)
def test_an_alarm_aims_at_what_its_monitor_watches(alarm: str, target: str) -> None:
    assert target_of(alarm) == target


def test_an_alarm_of_somebody_elses_monitor_aims_at_a_shift() -> None:
    assert target_of("mine:rows:age") == "shifted"
