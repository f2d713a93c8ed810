"""Linear models by scikit-learn: logistic regression for two classes, ridge for values.

Numbers are filled with the median where unknown, clipped to quantiles and standardised;
categories are one-hot, an unknown one being all zeros. The fitted model is a page of JSON that
NumPy alone can read and score with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from simlab import hyperparameters
from simlab.artifacts import FeatureSet, Model, Problem
from simlab.engines import matrix
from simlab.engines.matrix import Matrix
from simlab.engines.sklearn import best_threshold, measure
from simlab.errors import SimlabError, did_you_mean

# With several threads BLAS adds in an order that depends on how many there are. The limit is set
# once and stays: a limit around each fit would be lifted by whichever parallel fit ends first.
threadpool_limits(limits=1, user_api="blas")

SPACE: Mapping[str, Mapping[str, Any]] = {
    "l2": {"low": 0.001, "high": 1000.0, "log": True, "int": False},
    "clip": {"low": 0.0, "high": 0.05, "log": False, "int": False},
}
"""Where tuning looks unless a scenario says otherwise."""

DEFAULTS: Mapping[str, Any] = {"l2": 1.0, "clip": 0.005}
"""`l2`: weight of the squared coefficients. `clip`: share of each tail that is cut off."""

TAKES = hyperparameters.TAKES["linear"]
"""Every key that `values` may hold; `rounds` changes nothing, the solver runs until it is done."""

_STEPS = 1000


def fit(features: FeatureSet, values: Mapping[str, Any], *, rounds: int, seed: int) -> Model:
    """Fit a linear model on the rows of the split `train`, by their weights where they have some.

    Parameters
    ----------
    values
        `l2` and `clip`; see `DEFAULTS`.
    rounds, seed
        Unused: the solver runs until it is done, and nothing in it is random.

    Returns
    -------
    The model. Its threshold is the one with the best F1 on the split `valid` (0.5 where there is
    none to choose by); its probe also holds unknown, unseen and extreme values.

    Raises
    ------
    SimlabError
        No rows or features to train on, one class only, an unknown target, or a value that is
        none of `TAKES`.
    """
    schema = features.schema
    given = _given(values)
    train, valid = matrix.part(features.table, "train"), matrix.part(features.table, "valid")
    categories = matrix.known(train, schema.categorical)
    unseen = next((t for t in (matrix.part(features.table, "test"), valid) if t.num_rows), train)
    fitted = _solve(
        matrix.numbers(train, schema.numeric),
        matrix.codes(train, categories),
        matrix.truth(train, schema.target),
        schema.problem,
        categories,
        given,
        matrix.weights(train),
    )
    model = Model(
        algorithm="linear",
        problem=schema.problem,
        numeric=schema.numeric,
        categorical=schema.categorical,
        categories=categories,
        native=json.dumps(fitted),
        values=given,
        threshold=0.5,
        probe=matrix.probe(unseen, schema.numeric, schema.categorical),
    )
    if schema.problem == "regression" or not valid.num_rows:
        return model
    return replace(model, threshold=best_threshold(matrix.truth(valid, schema.target), predict(model, valid)))


def predict(model: Model, table: pa.Table) -> Matrix:
    """The linear model's own answers: the probability of the positive class, or the value.

    Returns
    -------
    Doubles of shape [rows].
    """
    codes = matrix.codes(table, model.categories)
    return _answer(_read(model.native), matrix.numbers(table, model.numeric), codes, model.problem)


def contributions(model: Model, table: pa.Table, background: pa.Table) -> tuple[Matrix, float]:
    """What each feature adds to an answer: its weight times its distance from the background's mean.

    Exact Shapley values of a linear model of independent features (Lundberg and Lee 2017, corollary 1).
    They explain the raw score: the log odds of the positive class, or the value. Numbers count as the
    model sees them, filled and clipped; the parts of a category are one feature.

    Parameters
    ----------
    table
        Rows to explain.
    background
        Rows whose mean stands for knowing nothing.

    Returns
    -------
    contributions
        Doubles of shape [rows, features], the numeric features first, then the categorical ones.
    expected_value
        The mean raw score of the background; with a row's contributions it sums to its raw score.

    Raises
    ------
    SimlabError
        The background has no rows.
    """
    if not background.num_rows:
        raise SimlabError("a linear model is explained against a background, and that has no rows")
    fitted = _read(model.native)
    usual = _effects(fitted, model, background).mean(axis=0)
    return _effects(fitted, model, table) - usual, float(fitted["intercept"] + usual.sum())


def _effects(fitted: Mapping[str, Any], model: Model, table: pa.Table) -> Matrix:
    """What each feature puts into the raw score, [rows, features]."""
    numbers = _standard(fitted, matrix.numbers(table, model.numeric)) * np.array(fitted["weight"])
    parts = [numbers.reshape(table.num_rows, len(model.numeric))]
    codes = matrix.codes(table, model.categories)
    for column, name in zip(codes.T, fitted["effect"], strict=True):
        effect = np.array([*fitted["effect"][name], 0.0])
        parts.append(effect[np.where(np.isnan(column), len(effect) - 1, column).astype(np.int64)][:, None])
    return np.hstack(parts)


def objective(
    features: FeatureSet, *, metric: str, rounds: int, seed: int
) -> Callable[[Mapping[str, Any]], tuple[float, int]]:
    """Make the question of tuning: how good are these values on the split `valid`.

    Parameters
    ----------
    metric
        Name of a metric as `simlab.engines.sklearn.metrics` gives it.
    rounds, seed
        Unused, as in `fit`.

    Returns
    -------
    A function of the values to try that returns the score in `metric` and 0: there are no rounds
    to choose. It may run beside itself in threads. The score is NaN where the metric is undefined.

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
    numbers, codes = matrix.numbers(train, schema.numeric), matrix.codes(train, categories)
    taught, truth = matrix.truth(train, schema.target), matrix.truth(valid, schema.target)
    weights = matrix.weights(train)
    valid_numbers, valid_codes = matrix.numbers(valid, schema.numeric), matrix.codes(valid, categories)

    def score(values: Mapping[str, Any]) -> tuple[float, int]:
        fitted = _solve(numbers, codes, taught, schema.problem, categories, _given(values), weights)
        answers = _answer(fitted, valid_numbers, valid_codes, schema.problem)
        return measure(schema.problem, metric, truth, answers), 0

    return score


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    for name in values:
        if name not in TAKES:
            raise SimlabError(f"linear takes no value {name!r}{did_you_mean(name, TAKES)}")
    given = {**DEFAULTS, **values}
    if not given["l2"] > 0 or not 0 <= given["clip"] < 0.5:
        raise SimlabError("linear needs l2 above 0 and clip in [0, 0.5)")
    return given


def _solve(
    numbers: Matrix,
    codes: Matrix,
    truth: Matrix,
    problem: Problem,
    categories: Mapping[str, Sequence[str]],
    given: Mapping[str, Any],
    counts: Matrix | None = None,
) -> dict[str, Any]:
    """The fitted model as plain values; `effect` holds the weight of each category, in code order.

    `counts` says how much each row counts in the fit; how numbers are filled, clipped and scaled is
    learned from all rows alike.
    """
    if not len(truth):
        raise SimlabError("there are no rows to train on")
    if not numbers.shape[1] + codes.shape[1]:
        raise SimlabError("there are no features to train on")
    fitted: dict[str, Any] = {name: [] for name in ("median", "low", "high", "mean", "scale")}
    for values in numbers.T:
        finite = values[np.isfinite(values)]
        finite = finite if len(finite) else np.zeros(1)
        low, median, high = np.quantile(finite, [given["clip"], 0.5, 1 - given["clip"]])
        filled = np.clip(np.where(np.isnan(values), median, values), low, high)
        scale = float(filled.std())
        for name, figure in (("low", low), ("median", median), ("high", high), ("mean", filled.mean())):
            fitted[name].append(float(figure))
        fitted["scale"].append(scale if scale > 1e-12 * max(1.0, abs(float(median))) else 1.0)
    blocks = [sparse.csr_matrix(_standard(fitted, numbers))]
    for column, known in zip(codes.T, categories.values(), strict=True):
        rows = np.flatnonzero(~np.isnan(column))
        spots = (rows, column[rows].astype(np.int64))
        blocks.append(sparse.csr_matrix((np.ones(len(rows)), spots), shape=(len(column), len(known))))
    inputs = sparse.hstack(blocks, format="csr")
    if problem == "binary":
        if np.ptp(truth) == 0:
            raise SimlabError("logistic regression needs rows of both classes to train on")
        # Newton steps are exact and few, but need the square of the columns in memory.
        way = "newton-cholesky" if inputs.shape[1] <= 1000 else "lbfgs"
        solver = LogisticRegression(C=1 / given["l2"], solver=way, tol=1e-6, max_iter=_STEPS)
    else:
        solver = Ridge(alpha=given["l2"], solver="sparse_cg", tol=1e-10, max_iter=_STEPS)
    solver.fit(inputs, truth, sample_weight=counts)
    weights = np.ravel(solver.coef_).tolist()
    fitted["weight"] = weights[: numbers.shape[1]]
    fitted["intercept"] = float(np.ravel(solver.intercept_)[0])
    at, fitted["effect"] = numbers.shape[1], {}
    for name, known in categories.items():
        fitted["effect"][name] = weights[at : at + len(known)]
        at += len(known)
    return fitted


def _standard(fitted: Mapping[str, Any], numbers: Matrix) -> Matrix:
    """Filled, clipped and standardised numbers."""
    filled = np.where(np.isnan(numbers), np.array(fitted["median"]), numbers)
    clipped = np.minimum(np.maximum(filled, fitted["low"]), fitted["high"])
    return np.asarray((clipped - fitted["mean"]) / fitted["scale"], dtype=np.float64)


def _answer(fitted: Mapping[str, Any], numbers: Matrix, codes: Matrix, problem: Problem) -> Matrix:
    answers = np.full(len(numbers), fitted["intercept"])
    if numbers.shape[1]:
        answers += np.einsum("nk,k->n", _standard(fitted, numbers), np.array(fitted["weight"]))
    for column, name in zip(codes.T, fitted["effect"], strict=True):
        effect = np.array([*fitted["effect"][name], 0.0])
        answers += effect[np.where(np.isnan(column), len(effect) - 1, column).astype(np.int64)]
    return 1 / (1 + np.exp(-answers)) if problem == "binary" else answers


@lru_cache(maxsize=4)
def _read(native: str) -> Any:
    return json.loads(native)
