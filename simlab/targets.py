"""Targets: which truth an alarm aims at, so that a monitor is judged by what it claims."""

from __future__ import annotations

from typing import Literal

Target = Literal["shifted", "harmful"]
"""`shifted`: the data moved. `harmful`: the model got worse."""


def target_of(alarm: str) -> Literal["shifted", "harmful"]:
    """Which truth an alarm aims at: that the data moved, or that the model got worse.

    >>> target_of("data_quality:drift:age"), target_of("model_quality:quality:auc")
    ('shifted', 'harmful')
    """
    return "harmful" if alarm.startswith("model_quality:") else "shifted"
