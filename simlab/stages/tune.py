"""Tune: search for hyperparameters, generation by generation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simlab.artifacts import FeatureSet, Params, Trial
from simlab.context import Context
from simlab.engines import engine
from simlab.events import TrialFinished
from simlab.quality import DEFAULT_METRIC, LOWER_IS_BETTER, Metric


def tune_params(
    ctx: Context,
    features: FeatureSet,
    algorithm: str,
    *,
    strategy: Literal["bayesian", "random"] = "bayesian",
    trials: Annotated[int, Field(ge=0, le=1000)] = 10,
    generation: Annotated[int, Field(ge=1, le=64)] = 2,
    metric: Metric | None = None,
    rounds: Annotated[int, Field(ge=1, le=5000)] = 200,
) -> Params:
    """Search for the hyperparameters that score best on rows held out for tuning.

    Parameters
    ----------
    strategy
        `bayesian` is a tree-structured Parzen estimator; `random` draws blindly.
    trials
        How many settings to try; 0 takes the algorithm's own defaults.
    generation
        How many run side by side. Results are told in order, so they depend on this number and
        never on the number of cores.
    metric
        What to optimise; `log_loss` or `mae` when not said.
    rounds
        Most boosting rounds of a trial (early stopping may end it before).
    """
    chosen = metric or DEFAULT_METRIC[features.schema.problem]
    learner = engine(algorithm)
    if not trials:
        return Params(algorithm=algorithm, values=dict(learner.DEFAULTS), metric=chosen)

    def told(trial: Trial) -> None:
        ctx.emit(TrialFinished(number=trial.number, values=trial.values, metric=chosen, score=trial.score))
        ctx.tell(f"trial {trial.number + 1} of {trials}: {chosen} {trial.score:.4f}")

    tried = engine("optuna").search(
        learner.objective(features, metric=chosen, rounds=rounds, seed=ctx.seed),
        learner.SPACE,
        strategy=strategy,
        trials=trials,
        generation=generation,
        seed=ctx.seed,
        direction="minimize" if chosen in LOWER_IS_BETTER else "maximize",
        report=told,
        start=learner.DEFAULTS,  # so that tuning is never worse than not tuning
    )
    sign = 1 if chosen in LOWER_IS_BETTER else -1
    best = min(tried, key=lambda trial: (sign * trial.score, trial.number))
    values = dict(best.values)
    if best.best_round:
        values["rounds"] = best.best_round
    return Params(algorithm=algorithm, values=values, metric=chosen, score=best.score, trials=tuple(tried))
