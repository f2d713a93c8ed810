"""LightGBM: gradient-boosted trees, always the same trees for the same rows and seed.

Trees are grown on doubles, with the parameters in `SPACE` and `TAKES` and no others: everything
they can say, the ONNX exporter says exactly. The number of threads changes nothing but the time:
histograms are built column by column, so each sum runs over the rows in their order.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any

import lightgbm
import numpy as np
import pyarrow as pa

from simlab import hyperparameters
from simlab.artifacts import FeatureSet, Model, Problem
from simlab.engines import matrix
from simlab.engines.matrix import Matrix
from simlab.engines.sklearn import best_threshold, measure
from simlab.errors import SimlabError, did_you_mean

OBJECTIVES: Mapping[Problem, tuple[str, ...]] = {
    "binary": ("binary",),
    "regression": ("regression", "regression_l1", "huber"),
}
"""What may be minimised, by problem, the usual one first; each has a link that exports exactly."""

SPACE: Mapping[str, Mapping[str, Any]] = {
    "num_leaves": {"low": 8, "high": 96, "log": True, "int": True},
    "learning_rate": {"low": 0.03, "high": 0.3, "log": True, "int": False},
    "min_child_samples": {"low": 5, "high": 100, "log": True, "int": True},
    "feature_fraction": {"low": 0.5, "high": 1.0, "log": False, "int": False},
    "lambda_l2": {"low": 0.001, "high": 10.0, "log": True, "int": False},
}
"""Where tuning looks unless a scenario says otherwise."""

DEFAULTS: Mapping[str, Any] = {
    "num_leaves": 31,
    "learning_rate": 0.1,
    "min_child_samples": 20,
    "feature_fraction": 0.9,
    "lambda_l2": 1.0,
}
"""What is used where nothing was tuned; inside `SPACE`."""

TAKES = hyperparameters.TAKES["lightgbm"]
"""Every key that `values` may hold."""

PATIENCE = 20
"""Rounds without a better validation score after which a trial stops."""

_ALWAYS: Mapping[str, Any] = {
    "verbosity": -1,
    "deterministic": True,
    "force_col_wise": True,  # thread-count independent by construction; row-wise measured no faster
    "feature_pre_filter": False,  # trials with another min_child_samples share the dataset
}
_EARLY = {"auc": "auc", "average_precision": "average_precision", "mae": "l1", "rmse": "l2", "r2": "l2"}
_RISES = frozenset({"auc", "average_precision"})


def fit(features: FeatureSet, values: Mapping[str, Any], *, rounds: int, seed: int) -> Model:
    """Grow gradient-boosted trees on the rows of the split `train`, by their weights where they have some.

    Parameters
    ----------
    values
        LightGBM parameters, of those in `TAKES`; `rounds` among them overrides `rounds`.
    rounds
        Number of trees; nothing stops earlier.

    Returns
    -------
    The model. Its threshold is the one with the best F1 on the split `valid` (0.5 where there is
    none to choose by); its probe also holds unknown, unseen and extreme values.

    Raises
    ------
    SimlabError
        No rows or features to train on, an unknown target, a parameter that has no exact export,
        or one that LightGBM refuses.
    """
    schema = features.schema
    values = {**DEFAULTS, "rounds": rounds, **values}
    params = _params(values, schema.problem, seed)
    train, valid = matrix.part(features.table, "train"), matrix.part(features.table, "valid")
    categories = matrix.known(train, schema.categorical)
    with _plainly():
        data = _dataset(train, schema.numeric, categories, schema.target)
        grown = lightgbm.Booster({**params, "num_threads": _threads(train.num_rows)}, data)
        for _ in range(int(values["rounds"])):
            grown.update()
    native = re.sub(r"(?m)^\[num_threads: \d+\]$", "[num_threads: 1]", grown.model_to_string())
    unseen = next((t for t in (matrix.part(features.table, "test"), valid) if t.num_rows), train)
    model = Model(
        algorithm="lightgbm",
        problem=schema.problem,
        numeric=schema.numeric,
        categorical=schema.categorical,
        categories=categories,
        native=native,
        values={**values, "objective": params["objective"]},
        threshold=0.5,
        probe=matrix.probe(unseen, schema.numeric, schema.categorical),
    )
    if schema.problem == "regression" or not valid.num_rows:
        return model
    return replace(model, threshold=best_threshold(matrix.truth(valid, schema.target), predict(model, valid)))


def predict(model: Model, table: pa.Table) -> Matrix:
    """LightGBM's own answers: the probability of the positive class, or the value.

    Returns
    -------
    Doubles of shape [rows].
    """
    if not table.num_rows:
        return np.empty(0)
    inputs = _inputs(table, model.numeric, model.categories)
    answers: Matrix = _booster(model.native).predict(inputs, num_threads=1)
    return answers


def contributions(model: Model, table: pa.Table, background: pa.Table) -> tuple[Matrix, float]:
    """What each feature adds to an answer: TreeSHAP, by LightGBM's own `pred_contrib`.

    Path-dependent TreeSHAP (Lundberg, Erion and Lee 2018, algorithm 2) of the raw score: the log odds of
    the positive class, or the value. An unknown feature counts as the training rows that went each way.
    Rows are explained one by one on one thread, so the figures do not depend on the machine's cores.

    Parameters
    ----------
    table
        Rows to explain.
    background
        Not looked at: a tree carries the number of its own training rows in every node.

    Returns
    -------
    contributions
        Doubles of shape [rows, features], the numeric features first, then the categorical ones.
    expected_value
        The raw score where nothing is known; with a row's contributions it sums to its raw score.
    """
    features = len(model.numeric) + len(model.categorical)
    booster = _booster(model.native)
    # A row of unknown values is explained as well, for the base where there are no rows.
    inputs = np.vstack([_inputs(table, model.numeric, model.categories), np.full(features, np.nan)])
    found: Matrix = booster.predict(inputs, pred_contrib=True, num_threads=1)
    return found[:-1, :-1], float(found[-1, -1])


def told_apart(
    before: pa.Table, now: pa.Table, numeric: Sequence[str], categorical: Sequence[str], *, seed: int
) -> float:
    """How well trees tell the rows of one table from those of another: a cross-fitted AUC.

    Each of five parts of both tables is scored by 40 small trees grown on the other four; a row counts
    in inverse proportion to the size of its table. A leaf holds at least 20 rows, so that rows drawn
    twice are not known again.

    Parameters
    ----------
    before, now
        Rows with the named columns; an unknown value is a value like any other.
    numeric, categorical
        Columns to look at.

    Returns
    -------
    0.5 where the tables look the same, 1 where no row could be in either; NaN where a table has fewer
    than 50 rows or there is no column.
    """
    if min(before.num_rows, now.num_rows) < 50 or not (numeric or categorical):
        return float("nan")
    categories = {
        name: tuple(sorted({*matrix.known(before, [name])[name], *matrix.known(now, [name])[name]}))
        for name in categorical
    }
    rows = np.vstack([_inputs(part, numeric, categories) for part in (before, now)])
    truth = np.repeat([0.0, 1.0], [before.num_rows, now.num_rows])
    weight = np.where(truth == 1, len(truth) / now.num_rows, len(truth) / before.num_rows) / 2
    rng = np.random.default_rng(seed)
    fold = np.concatenate([rng.permutation(part.num_rows) % 5 for part in (before, now)])
    scores = np.empty(len(truth))
    params = {
        **_ALWAYS, "objective": "binary", "num_leaves": 8, "learning_rate": 0.1, "min_child_samples": 20,
        "num_threads": 1, "seed": 0,
    }  # fmt: skip
    with _plainly():
        for part in range(5):
            taught = fold != part
            data = lightgbm.Dataset(
                rows[taught],
                truth[taught],
                weight=weight[taught],
                categorical_feature=list(range(len(numeric), rows.shape[1])),
                free_raw_data=True,
            )
            grown = lightgbm.train(params, data, num_boost_round=40)
            scores[~taught] = grown.predict(rows[~taught], num_threads=1)
    # Mean over the parts: scores of different models are not comparable.
    each = [measure("binary", "auc", truth[fold == part], scores[fold == part]) for part in range(5)]
    return float(np.mean(each))


def objective(
    features: FeatureSet, *, metric: str, rounds: int, seed: int
) -> Callable[[Mapping[str, Any]], tuple[float, int]]:
    """Make the question of tuning: how good are these values on the split `valid`, after how many rounds.

    The rows are binned once; every call grows on one thread and may run beside others. Growing
    stops `PATIENCE` rounds after the best, judged by LightGBM's own reading of `metric` or, where
    it has none, by its loss.

    Parameters
    ----------
    metric
        Name of a metric as `simlab.engines.sklearn.metrics` gives it.
    rounds
        Most rounds to grow.

    Returns
    -------
    A function of the values to try that returns the score in `metric` and the best number of
    rounds, counted from 1. The score is NaN where the metric is undefined.

    Raises
    ------
    SimlabError
        The split `train` or `valid` has no rows.
    """
    schema = features.schema
    train, valid = matrix.part(features.table, "train"), matrix.part(features.table, "valid")
    if not valid.num_rows:
        raise SimlabError("tuning needs rows in the split 'valid'")
    categories = matrix.known(train, schema.categorical)
    data = _dataset(train, schema.numeric, categories, schema.target)
    truth = matrix.truth(valid, schema.target)
    inputs = _inputs(valid, schema.numeric, categories)
    # Two threads that build one dataset crash the process: both are built before anyone trains.
    judged = data.create_valid(inputs, truth, params=data.get_params()).construct()
    early = _EARLY.get(metric, "binary_logloss" if schema.problem == "binary" else "l2")
    sign = 1.0 if early in _RISES else -1.0

    def score(values: Mapping[str, Any]) -> tuple[float, int]:
        given = {**DEFAULTS, "rounds": rounds, **values}
        params = _params(given, schema.problem, seed)
        best, best_round = -np.inf, 0
        with _plainly():
            # lightgbm.train writes to the dataset it is given; a booster of one's own does not.
            grown = lightgbm.Booster({**params, "metric": early, "num_threads": 1}, data)
            grown.add_valid(judged, "valid")
            for number in range(1, int(given["rounds"]) + 1):
                exhausted = grown.update()
                now = sign * grown.eval_valid()[0][2]
                if now > best or not best_round:
                    best, best_round = now, number
                if exhausted or number - best_round >= PATIENCE:
                    break
        scores = grown.predict(inputs, num_iteration=best_round, num_threads=1)
        return measure(schema.problem, metric, truth, scores), best_round

    return score


@contextmanager
def _plainly() -> Iterator[None]:
    """LightGBM's refusals as simlab's."""
    try:
        yield
    except lightgbm.basic.LightGBMError as cause:
        raise SimlabError(f"LightGBM could not grow the trees: {cause}") from cause


def _threads(rows: int) -> int:
    """Threads to grow one model with; the trees do not depend on it.

    On few rows a second thread gains little, and on a busy machine it waits more than it works.
    """
    if rows < 100_000:
        return 1
    return min(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _params(values: Mapping[str, Any], problem: Problem, seed: int) -> dict[str, Any]:
    for name in values:
        if name not in TAKES:
            raise SimlabError(f"lightgbm takes no value {name!r} here{did_you_mean(name, TAKES)}")
    objectives = OBJECTIVES[problem]
    chosen = values.get("objective", objectives[0])
    if chosen not in objectives:
        raise SimlabError(
            f"lightgbm objective {chosen!r} has no exact export for a {problem} problem"
            f"{did_you_mean(chosen, objectives)}"
        )
    if int(values["rounds"]) < 1:
        raise SimlabError(f"lightgbm needs at least one round, not {values['rounds']}")
    given = {name: value for name, value in values.items() if name not in ("rounds", "objective")}
    return {**_ALWAYS, **given, "objective": chosen, "seed": seed & 0x7FFFFFFF}


def _inputs(table: pa.Table, numeric: Sequence[str], categories: Mapping[str, Sequence[str]]) -> Matrix:
    return np.hstack([matrix.numbers(table, numeric), matrix.codes(table, categories)])


def _dataset(
    table: pa.Table, numeric: Sequence[str], categories: Mapping[str, Sequence[str]], target: str
) -> Any:
    if not table.num_rows:
        raise SimlabError("there are no rows to train on")
    names = [*numeric, *categories]
    if not names:
        raise SimlabError("there are no features to train on")
    plain = all(re.fullmatch(r"\w+", name, re.ASCII) for name in names)  # LightGBM rejects others
    return lightgbm.Dataset(
        _inputs(table, numeric, categories),
        matrix.truth(table, target),
        weight=matrix.weights(table),
        feature_name=names if plain else [f"feature_{at}" for at in range(len(names))],
        categorical_feature=list(range(len(numeric), len(names))),
        params=dict(_ALWAYS),
    ).construct()


@lru_cache(maxsize=4)
def _booster(native: str) -> Any:
    return lightgbm.Booster(model_str=native)
