"""Approve: a version goes into service only if it is better than what needs no model."""

from __future__ import annotations

from typing import Literal

from simlab.artifacts import Approved, Rejected, Version
from simlab.context import Context
from simlab.events import ModelApproved, ModelRejected
from simlab.quality import LOWER_IS_BETTER, Metric


def approve_version(
    ctx: Context,
    version: Version,
    *,
    better_than: Literal["nothing", "dummy", "rule"] = "rule",
    metric: Metric | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Approved | Rejected:
    """Approve or reject a version on its evaluation.

    Parameters
    ----------
    better_than
        The rival it must beat on the same test rows.
    metric
        The metric it is judged by; the one it was tuned for when not said.
    at_least, at_most
        Bounds the metric must keep.
    """
    name = metric or version.params.metric
    score = version.scores.get(name)
    reasons = []
    if score is None:
        reasons.append(f"{name} is not measured for this kind of problem")
    else:
        sign = -1 if name in LOWER_IS_BETTER else 1
        rivals = {"dummy": version.scores.dummy, "rule": version.scores.rule, "nothing": {}}[better_than]
        rival = rivals.get(name)
        if rival is not None and sign * score.value <= sign * rival:
            reasons.append(f"{name} {score.value:.4g} is no better than the {better_than}'s {rival:.4g}")
        if at_least is not None and score.value < at_least:
            reasons.append(f"{name} {score.value:.4g} is under {at_least:g}")
        if at_most is not None and score.value > at_most:
            reasons.append(f"{name} {score.value:.4g} is over {at_most:g}")
    if reasons or score is None:
        ctx.emit(ModelRejected(version=version.number, reasons=tuple(reasons)))
        return Rejected(version=version, reasons=tuple(reasons))
    why = f"{name} {score.value:.4g}"
    if better_than != "nothing" and rival is not None:
        why += f" beats the {better_than}'s {rival:.4g}"
    ctx.emit(ModelApproved(version=version.number, why=why))
    return Approved(version=version, why=why)
