"""Optuna: chooses what to try next, a generation at a time."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import optuna

from simlab.artifacts import Trial
from simlab.errors import SimlabError

optuna.logging.set_verbosity(optuna.logging.ERROR)

Strategy = Literal["bayesian", "random"]


def _silent(trial: Trial) -> None:
    pass


def search(
    objective: Callable[[Mapping[str, Any]], tuple[float, int]],
    space: Mapping[str, Mapping[str, Any]],
    *,
    strategy: Strategy,
    trials: int,
    generation: int,
    seed: int,
    direction: Literal["minimize", "maximize"],
    report: Callable[[Trial], None] = _silent,
    start: Mapping[str, Any] | None = None,
) -> tuple[Trial, ...]:
    """Try settings, generation by generation, each generation knowing how the earlier ones did.

    A generation is asked for in full, tried in parallel threads, and told in the order it was
    asked for: the settings depend on `generation` and `seed`, never on how many cores there are
    or which trial ends first.

    Parameters
    ----------
    objective
        Score and best round of the values it is given; called from several threads at once. A
        score that is not finite makes a failed trial, whose score is the worst there is:
        infinite, against `direction`.
    space
        By name: `low`, `high`, and whether the scale is `log` and the values are `int`; or
        `choices`, a list.
    strategy
        `bayesian`: tree-structured Parzen estimators (Bergstra et al. 2011) after ten random
        trials; `random`: independent draws.
    trials
        How many settings to try.
    generation
        How many are tried before the next are chosen.
    report
        Told of each trial, in order, once its generation is done.
    start
        Values of the first trial, where the space allows them: the engine's defaults, say.

    Returns
    -------
    Every trial, in the order asked for, numbered from 0.

    Raises
    ------
    SimlabError
        The space or a number makes no sense. What `objective` raises goes through.
    """
    if trials < 1 or generation < 1:
        raise SimlabError(
            f"tuning needs at least one trial, in generations of one, not {trials}, {generation}"
        )
    distributions = {name: _distribution(name, told) for name, told in space.items()}
    study = optuna.create_study(direction=direction, sampler=_sampler(strategy, seed))
    if start is not None:
        first = {name: start[name] for name in space if name in start}
        if all(_allows(space[name], value) for name, value in first.items()):
            study.enqueue_trial(first)
    done: list[Trial] = []
    with ThreadPoolExecutor(max_workers=min(generation, os.cpu_count() or 1)) as pool:
        while len(done) < trials:
            asked = [study.ask(distributions) for _ in range(min(generation, trials - len(done)))]
            answers = list(pool.map(objective, [trial.params for trial in asked]))
            for trial, (score, best_round) in zip(asked, answers, strict=True):
                if math.isfinite(score):
                    study.tell(trial, score)
                else:
                    study.tell(trial, state=optuna.trial.TrialState.FAIL)
                    score = math.inf if direction == "minimize" else -math.inf
                done.append(Trial(trial.number, dict(trial.params), float(score), int(best_round)))
            for told in done[-len(asked) :]:
                report(told)
    return tuple(done)


def _sampler(strategy: str, seed: int) -> Any:
    if strategy == "bayesian":
        return optuna.samplers.TPESampler(n_startup_trials=10, multivariate=True, seed=seed)
    if strategy == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    raise SimlabError(f"tuning knows the strategies 'bayesian' and 'random', not {strategy!r}")


def _allows(told: Mapping[str, Any], value: Any) -> bool:
    if "choices" in told:
        return value in told["choices"]
    return bool(told["low"] <= value <= told["high"])


def _distribution(name: str, told: Mapping[str, Any]) -> Any:
    """What one key of a search space means."""
    try:
        if "choices" in told:
            return optuna.distributions.CategoricalDistribution(list(told["choices"]))
        shape = {"low": told["low"], "high": told["high"], "log": bool(told.get("log"))}
        if told.get("int"):
            return optuna.distributions.IntDistribution(**shape)
        return optuna.distributions.FloatDistribution(**shape)
    except (KeyError, TypeError, ValueError) as cause:
        raise SimlabError(f"the search space of {name!r} makes no sense: {cause}") from cause
