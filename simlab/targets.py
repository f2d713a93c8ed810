"""Targets: which truth an alarm aims at.

An episode is `shifted` while the data are not what they were, and `harmful` while the model does worse
for it. A monitor of the inputs is right to sound over a shift that harms nobody; a monitor of the
model's quality is not. Neither is concerned by an episode in which the operator's own machinery is
`faulty`: that is what the monitors' health check is for, and whatever befalls the data is not.
"""

from __future__ import annotations

from typing import Literal

Target = Literal["shifted", "harmful", "faulty"]

TARGETS: dict[str, Target] = {
    "data_quality": "shifted",
    "model_quality": "harmful",
    "health": "faulty",
    # What somebody composes may watch anything, so it is held to the wider of the two truths.
    "metric": "shifted",
    "composite": "shifted",
}
"""What the alarms of each monitor aim at."""


def target_of(alarm: str) -> Target:
    """The truth that an alarm of this name aims at; one of somebody else's monitor at `shifted`.

    >>> target_of("data_quality:drift:age"), target_of("model_quality:estimated:auc")
    ('shifted', 'harmful')
    >>> target_of("health:missing:hourly")
    'faulty'
    """
    return TARGETS.get(alarm.partition(":")[0], "shifted")
