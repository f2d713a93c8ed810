"""Targets: which truth an alarm aims at.

An episode is `shifted` while the data are not what they were, `harmful` while the model does worse for
it, and `uneven` where it befalls some groups of people and not the others. A monitor of the inputs is
right to sound over a shift that harms nobody; a monitor of the model's quality is not, and one of bias
is not where everybody is touched alike. None is concerned by an episode in which the operator's own
machinery is `faulty`: that is what the monitors' health check is for, and whatever befalls the data is
not.
"""

from __future__ import annotations

from typing import Literal

Target = Literal["shifted", "harmful", "uneven", "faulty"]

TARGETS: dict[str, Target] = {
    "data_quality": "shifted",
    "model_quality": "harmful",
    # Bias is a difference between groups: an accuracy that falls for all is not its concern, and one
    # that rises because a group has lost every chance is.
    "model_bias": "uneven",
    # Of one model attributions are a function of the rows alone, so they follow the inputs and nothing else.
    "model_explainability": "shifted",
    "health": "faulty",
    # What somebody composes may watch anything, so it is held to the widest of the truths.
    "metric": "shifted",
    "composite": "shifted",
}
"""What the alarms of each monitor aim at."""

OF_INPUTS = ("data_quality", "model_explainability")
"""Monitors that see rows and no answers: where only the answers moved, nothing shifted for them."""


def target_of(alarm: str) -> Target:
    """The truth that an alarm of this name aims at; one of somebody else's monitor at `shifted`.

    >>> target_of("data_quality:drift:age"), target_of("model_quality:estimated:auc")
    ('shifted', 'harmful')
    >>> target_of("model_bias:bias_drift_check:sex=Female:DPL"), target_of("health:missing:hourly")
    ('uneven', 'faulty')
    """
    return TARGETS.get(alarm.partition(":")[0], "shifted")


def of_inputs(alarm: str) -> bool:
    """Whether an alarm, or a family of alarms, comes from a monitor that sees rows and no answers.

    >>> of_inputs("data_quality:drift"), of_inputs("model_quality:quality"), of_inputs("overall")
    (True, False, False)
    """
    return alarm.partition(":")[0] in OF_INPUTS
