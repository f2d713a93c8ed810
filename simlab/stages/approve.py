"""Approve: a version goes into service only if it is better than what needs no model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from simlab.artifacts import Approved, BiasReport, Rejected, Version
from simlab.clarify import analysis
from simlab.clarify.bias import BiasFigure
from simlab.clarify.bias import Metric as BiasMetric
from simlab.clarify.drift import allowed, distance
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
    bias_at_most: Mapping[BiasMetric, float] = {},
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
    bias_at_most
        How far from neutral a bias metric may be in any group that was judged: `{DPPL: 0.2, DI: 0.8}`.
        Neutral is 0, and for DI 1: under 0.8 and over 1/0.8 are equally far.
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
    reasons += _biased(version.bias, bias_at_most)
    if reasons or score is None:
        ctx.emit(ModelRejected(version=version.number, reasons=tuple(reasons)))
        return Rejected(version=version, reasons=tuple(reasons))
    why = f"{name} {score.value:.4g}"
    if better_than != "nothing" and rival is not None:
        why += f" beats the {better_than}'s {rival:.4g}"
    ctx.emit(ModelApproved(version=version.number, why=why))
    return Approved(version=version, why=why)


def _biased(report: BiasReport | None, at_most: Mapping[BiasMetric, float]) -> Iterator[str]:
    """Why a version's bias is too much: the worst group of every metric that has a bound."""
    if not at_most:
        return
    judged = analysis.read(report.analysis) if report is not None and report.analysis else ()
    for metric, bound in at_most.items():
        found = [
            (distance(metric, f.figure), f) for f in judged if f.metric == metric and f.figure is not None
        ]
        if not found:
            yield f"{metric} was measured of no group, so its bound {bound:g} cannot be kept"
            continue
        worst: BiasFigure = max(found, key=lambda pair: pair[0])[1]
        assert worst.figure is not None
        if not allowed(metric, bound).holds(worst.figure):
            yield (
                f"{metric} of {worst.facet}={worst.key} is {worst.figure:.4g}, "
                f"further from neutral than {bound:g}"
            )
