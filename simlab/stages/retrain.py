"""Retrain: decide whether to build a new version now, and from which rows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from simlab.artifacts import History, Plan
from simlab.context import Context
from simlab.events import RetrainPlanned
from simlab.signature import find

Policy = str | dict[str, dict[str, Any]]
"""A policy's name, or its name with its settings: `{every: {windows: 7}}`."""


def plan_retrain(
    ctx: Context,
    history: History,
    *,
    policy: Policy = "never",
    cooldown: Annotated[int, Field(ge=0)] = 5,
    budget: Annotated[int, Field(ge=0)] | None = None,
    rows: Literal["since_onset", "recent", "all"] = "recent",
    windows: Annotated[int, Field(ge=1)] = 3,
    keep_training: bool = True,
) -> Plan | None:
    """Ask the policy whether to retrain; it decides, and the lifecycle acts.

    Parameters
    ----------
    policy
        `never`, `every`, `on_alarm` or `on_event`, each with its own settings.
    cooldown
        Windows to wait after a retrain.
    budget
        Retrains allowed in a run; without it, any number.
    rows
        Which labelled live windows take part: those since the oldest sounding alarm began, the
        last few, or all of them.
    windows
        How many labelled windows must be there (`since_onset`), or are taken (`recent`).
    keep_training
        Whether the original training rows take part as well.
    """
    name, settings = (policy, {}) if isinstance(policy, str) else next(iter(policy.items()))
    if history.retrained and history.window - history.retrained[-1] < cooldown:
        return None
    if budget is not None and len(history.retrained) >= budget:
        return None
    reason = find("policies", name)(history, **(settings or {}))
    if reason is None:
        return None
    chosen: tuple[int, ...] = history.labelled
    if rows == "since_onset" and history.onset:
        onset = min(history.onset.values())
        chosen = tuple(w for w in chosen if w >= onset)
        if len(chosen) < windows:
            return None  # the new world is not labelled enough yet; ask again next window
    elif rows == "recent":
        chosen = chosen[-windows:]
    if not chosen and not keep_training:
        return None
    plan = Plan(reason=reason, windows=chosen, include_training=keep_training)
    ctx.emit(RetrainPlanned(policy=name, reason=reason, windows=chosen, include_training=keep_training))
    return plan
