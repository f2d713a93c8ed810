"""Every alarm a monitor can raise aims at one of the four truths."""

from __future__ import annotations

from pathlib import Path

import pytest

import simlab.monitors
from simlab.targets import TARGETS, of_inputs, target_of

FOLDER = Path(simlab.monitors.__file__).parent


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
        ("model_quality:LessThanThreshold:accuracy", "harmful"),
        ("model_bias:bias_drift_check:sex=Female:DPL", "uneven"),
        ("model_explainability:feature_attribution_drift_check:shap", "shifted"),
        ("health:missing:hourly", "faulty"),
    ],
)
def test_an_alarm_aims_at_what_its_monitor_watches(alarm: str, target: str) -> None:
    assert target_of(alarm) == target


def test_an_alarm_of_somebody_elses_monitor_aims_at_a_shift() -> None:
    assert target_of("mine:rows:age") == "shifted"


@pytest.mark.parametrize("monitor", sorted(p.stem for p in FOLDER.glob("[a-z]*.py")))
def test_every_scheduled_monitor_says_what_its_alarms_aim_at(monitor: str) -> None:
    assert monitor in TARGETS


@pytest.mark.parametrize(
    ("family", "blind"),
    [
        ("data_quality:baseline_drift_check", True),
        ("model_explainability:feature_attribution_drift_check", True),
        ("model_bias:bias_drift_check", False),
        ("model_quality:LessThanThreshold", False),
        ("overall", False),
    ],
)
def test_monitors_that_see_rows_and_no_answers_are_held_against_the_inputs_alone(family: str, blind: bool):
    assert of_inputs(family) is blind
