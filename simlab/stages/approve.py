"""Approve: a version goes into service only if it is better than what needs no model, and than the last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import ConfigDict, Field

from simlab.artifacts import Approved, BiasReport, Deployment, FeatureSet, Rejected, Version, row_keys
from simlab.clarify import analysis
from simlab.clarify.bias import BiasFigure
from simlab.clarify.bias import Metric as BiasMetric
from simlab.clarify.drift import allowed, distance
from simlab.context import Context
from simlab.engines import engine
from simlab.events import ChallengerJudged, ModelApproved, ModelRejected
from simlab.quality import LOWER_IS_BETTER, Metric
from simlab.statistics.paired import ROW_METRICS, Paired, RowMetric, bootstrap, mcnemar, row_losses

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Challenge:
    """What a new version must prove against the one in service."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    test: Literal["bootstrap", "mcnemar"] = "bootstrap"
    """`bootstrap` of the difference of the metric, or McNemar's exact test of the wrong answers."""
    metric: RowMetric | None = None
    """What they are compared by; `log_loss` or `mae` when not said, `accuracy` with `mcnemar`."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """The challenger wins if so good a result had at most a chance of the rest without a difference."""
    at_least: Annotated[float, Field(ge=0)] = 0.0
    """How much better it must be, in the metric's own unit."""
    on: Literal["both", "test", "held_out"] = "both"
    """Rows: its own test rows, the windows that `stages.retrain.hold_out` keeps out, or both."""
    rows: Annotated[int, Field(ge=10)] = 100
    """Rows without which the champion stays."""
    repeats: Annotated[int, Field(ge=100, le=100_000)] = 2000
    """Resamples of the bootstrap."""


def judge_challenger(
    ctx: Context,
    version: Version,
    features: FeatureSet,
    champion: Deployment,
    *,
    challenge: Challenge | None = None,
) -> Version | Rejected:
    """Hold a new version against the one in service, on rows that neither was trained on.

    Both answer the same rows: the new version's test rows and those held out of the retrain, without any
    row that one of the two was fitted or tuned on. Rows are told apart by entity, and by entity and event
    time where the dataset's clock is real.

    Parameters
    ----------
    challenge
        What the new version must prove; without it, nothing.
    """
    if challenge is None:
        return version
    given, schema = challenge, version.schema
    rows, left_out = _neutral(features, version, champion, given.on)
    by_errors = given.test == "mcnemar"
    metric: RowMetric = given.metric or ("accuracy" if by_errors else ROW_METRICS[schema.problem][0])
    truth = rows[schema.target].to_numpy()
    theirs = engine("onnxruntime").score(champion.onnx, rows)
    ours = engine(version.model.algorithm).predict(version.model, rows)
    before = row_losses(metric, truth, theirs, champion.threshold)
    after = row_losses(metric, truth, ours, version.model.threshold)
    found: Paired
    if by_errors:
        found = mcnemar(before, after, confidence=given.confidence)
    else:
        found = bootstrap(
            before,
            after,
            rng=ctx.rng("challenge"),
            metric=metric,
            bound=given.at_least,
            confidence=given.confidence,
            repeats=given.repeats,
        )
    alpha = 1 - given.confidence
    won = found.rows >= given.rows and found.p <= alpha and found.difference > given.at_least
    if found.rows < given.rows:
        why = f"only {found.rows} rows that neither version knows; {given.rows} are needed"
    else:
        relation = "better" if found.difference >= 0 else "worse"
        why = (
            f"{metric} is {abs(found.difference):.4g} {relation} than version {champion.version}'s on "
            f"{found.rows} rows, p {found.p:.3g}"
        )
        if not won:
            wanted = f"{alpha:.3g} or less" if found.p > alpha else f"more than {given.at_least:g}"
            why += f", and {wanted} is asked"
    ctx.emit(
        ChallengerJudged(
            champion=champion.version,
            challenger=version.number,
            metric=metric,
            test=given.test,
            difference=found.difference,
            low=found.low,
            high=found.high,
            p=found.p,
            rows=found.rows,
            left_out=left_out,
            replaced=won,
            why=why,
        )
    )
    if won:
        return version
    reasons = (f"not proven better than version {champion.version}: {why}",)
    ctx.emit(ModelRejected(version=version.number, reasons=reasons))
    return Rejected(version=version, reasons=reasons)


def _neutral(features: FeatureSet, version: Version, champion: Deployment, on: str) -> tuple[pa.Table, int]:
    """Rows to compare on, and how many were left out because one of the two had learned from them."""
    import pyarrow as pa

    parts = []
    if on != "held_out":
        parts.append(features.part("test"))
    if on != "test" and features.held_out is not None:
        parts.append(features.held_out)
    names = [features.schema.entity, features.schema.event_time, features.schema.target]
    names += [name for name in (c.name for c in features.schema.features) if name not in names]
    every = pa.concat_tables([part.select(names) for part in parts or [features.table.slice(0, 0)]])
    keys = row_keys(every, features.schema).to_pydict()
    known = set()
    for seen in (version.seen, champion.seen):
        if seen is not None:
            known |= set(zip(*seen.to_pydict().values(), strict=True))
    neutral = [key not in known for key in zip(*keys.values(), strict=True)]
    rows = every.filter(pa.array(neutral, pa.bool_()))
    return rows, every.num_rows - rows.num_rows


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
