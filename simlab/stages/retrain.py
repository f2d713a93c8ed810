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
    rows: Literal["since_onset", "recent", "all", "weighted"] = "recent",
    windows: Annotated[int, Field(ge=1)] = 3,
    half_life: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 7.0,
    hold_out: Annotated[int, Field(ge=0)] = 0,
    keep_training: bool = True,
    tune_again: bool = True,
) -> Plan | None:
    """Ask the policy whether to retrain; it decides, and the lifecycle acts.

    Parameters
    ----------
    policy
        `never`, `every`, `on_alarm`, `on_event`, `on_new_data` or `on_performance`, each with its own
        settings.
    cooldown
        Windows to wait after a retrain, and after a rollback.
    budget
        Retrains allowed in a run; without it, any number.
    rows
        Which labelled live windows take part: those since the oldest sounding alarm began, the
        last few, or all of them; `weighted` takes all, and the older a row, the less it counts.
    windows
        How many labelled windows must be there (`since_onset`), or are taken (`recent`).
    half_life
        With `weighted`, the windows in which a row's weight halves. Weights count wherever a model is
        fitted, also in the trials of tuning; in the rows that choose, evaluate and compare models all
        count alike.
    hold_out
        The latest so many labelled windows are kept out of the new version's rows, for
        `stages.approve.challenge` to compare it with the version in service.
    keep_training
        Whether the original training rows take part as well.
    tune_again
        Whether hyperparameters are searched anew; without it those of the version in service are taken,
        and no trial runs.
    """
    name, settings = (policy, {}) if isinstance(policy, str) else next(iter(policy.items()))
    last = max((*history.retrained, *history.rolled_back), default=None)
    if last is not None and history.window - last < cooldown:
        return None
    if budget is not None and len(history.retrained) >= budget:
        return None
    reason = find("policies", name)(history, **(settings or {}))
    if reason is None:
        return None
    labelled = history.labelled
    chosen, held_out = (labelled[:-hold_out], labelled[-hold_out:]) if hold_out else (labelled, ())
    # A watcher that was ill says nothing of when the world changed.
    onsets = [window for name, window in history.onset.items() if not name.startswith("health:")]
    if rows == "since_onset" and onsets:
        onset = min(onsets)
        chosen = tuple(w for w in chosen if w >= onset)
        if len(chosen) < windows:
            return None  # the new world is not labelled enough yet; ask again next window
    elif rows == "recent":
        chosen = chosen[-windows:]
    if not chosen and not keep_training:
        return None
    plan = Plan(
        reason=reason,
        windows=chosen,
        include_training=keep_training,
        held_out=held_out,
        half_life=half_life if rows == "weighted" else None,
        tune_again=tune_again,
    )
    ctx.emit(
        RetrainPlanned(
            policy=name,
            reason=reason,
            windows=chosen,
            include_training=keep_training,
            held_out=held_out,
            half_life=plan.half_life,
            tune_again=tune_again,
        )
    )
    return plan
