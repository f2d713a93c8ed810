"""scikit-learn: metrics and their intervals, neighbours, and the world's labeller."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn import metrics as judge
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.neighbors import KNeighborsClassifier

from simlab.artifacts import Problem, Schema, Score
from simlab.engines import matrix
from simlab.engines.matrix import Matrix
from simlab.engines.onnx import DOUBLE, FLOAT, LEQ, Graph, Trees, add_trees
from simlab.errors import SimlabError, did_you_mean
from simlab.measuring import METRICS

_EPS = float(np.finfo(np.float64).eps)  # how far scikit-learn's log loss keeps probabilities from 0 and 1


def metrics(problem: Problem, truth: Matrix, scores: Matrix, threshold: float) -> dict[str, float | None]:
    """Every metric of the problem, None where undefined.

    Parameters
    ----------
    truth
        True answers, [rows]: 0 and 1, or values.
    scores
        Probabilities of the positive class, or values, [rows].
    threshold
        A score at or above it counts as positive (binary problems).

    Returns
    -------
    By name, in the order of `METRICS`. Undefined are: everything without rows; `auc` and
    `log_loss` with one class only; `precision` with no predicted and `recall`, `f1` and
    `average_precision` with no true positive; `r2` where the truth does not vary; `mape` where a
    true value is 0.
    """
    if not len(truth):
        return dict.fromkeys(METRICS[problem])
    return {name: _metric(problem, name, truth, scores, threshold) for name in METRICS[problem]}


def measure(problem: Problem, metric: str, truth: Matrix, scores: Matrix) -> float:
    """One metric for tuning, NaN where undefined; see `metrics`.

    Scores count as positive from the threshold with the best F1 on, as they will in the model.

    Raises
    ------
    SimlabError
        The problem has no metric of that name.
    """
    known = METRICS[problem]
    if metric not in known:
        raise SimlabError(f"a {problem} problem has no metric {metric!r}{did_you_mean(metric, known)}")
    threshold = best_threshold(truth, scores) if problem == "binary" else 0.5
    value = _metric(problem, metric, truth, scores, threshold) if len(truth) else None
    return math.nan if value is None else value


def _metric(problem: Problem, name: str, truth: Matrix, scores: Matrix, threshold: float) -> float | None:
    if problem == "regression":
        return _regression_metric(name, truth, scores)
    called = scores >= threshold
    positives, rows = int(truth.sum()), len(truth)
    match name:
        case "auc":
            return float(judge.roc_auc_score(truth, scores)) if 0 < positives < rows else None
        case "log_loss":
            return float(judge.log_loss(truth, scores)) if 0 < positives < rows else None
        case "brier":
            return float(np.mean((scores - truth) ** 2))
        case "accuracy":
            return float(judge.accuracy_score(truth, called))
        case "precision":
            return float(judge.precision_score(truth, called)) if called.any() else None
        case "recall":
            return float(judge.recall_score(truth, called)) if positives else None
        case "f1":
            return float(judge.f1_score(truth, called)) if positives else None
        case "average_precision":
            return float(judge.average_precision_score(truth, scores)) if positives else None
        case "positive_rate":
            return positives / rows
        case _:
            return float(np.mean(called))


def _regression_metric(name: str, truth: Matrix, scores: Matrix) -> float | None:
    match name:
        case "mae":
            return float(judge.mean_absolute_error(truth, scores))
        case "rmse":
            return float(judge.root_mean_squared_error(truth, scores))
        case "r2":
            return float(judge.r2_score(truth, scores)) if np.ptp(truth) > 0 else None
        case "bias":
            return float(np.mean(scores) - np.mean(truth))
        case _:
            return float(judge.mean_absolute_percentage_error(truth, scores)) if np.all(truth != 0) else None


def best_threshold(truth: Matrix, scores: Matrix) -> float:
    """The threshold of four digits with the best F1; 0.5 with one class only.

    Of equally good ones the nearest to 0.5, of two equally near ones the lower.

    >>> best_threshold(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.3, 0.4]))
    0.3
    """
    positives = float(truth.sum())
    if not 0 < positives < len(truth):
        return 0.5
    candidates = np.arange(1, 10_000) / 10_000
    order = np.argsort(scores, kind="stable")
    below = np.searchsorted(scores[order], candidates, side="left")
    called = len(scores) - below
    hits = positives - np.concatenate([[0.0], np.cumsum(truth[order])])[below]
    f1 = 2 * hits / (called + positives)
    best = candidates[f1 == f1.max()]
    return float(best[np.argmin(np.abs(best - 0.5))])


def isotonic(scores: Matrix, truth: Matrix, asked: Matrix) -> Matrix:
    """Chances of the positive class by the rising step function that fits scored answers best.

    Parameters
    ----------
    scores, truth
        Scores and answers (0 and 1) of known rows, at least one, [rows].
    asked
        Scores whose chance is asked; beyond the known ones the chance stays that of the last.

    Returns
    -------
    In [0, 1], the shape of `asked`.
    """
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(scores, truth)
    chances: Matrix = fitted.predict(asked)
    return chances


def votes(known: Matrix, answers: Matrix, asked: Matrix, count: int) -> Matrix:
    """What the majority of each row's nearest neighbours was answered, by Euclidean distance.

    Parameters
    ----------
    known, answers
        Rows and their answers, [rows, columns] and [rows].
    asked
        Rows that ask, [more rows, columns].
    count
        How many neighbours each of them asks.
    """
    found: Matrix = KNeighborsClassifier(count).fit(known, answers).predict(asked)
    return found


# --- intervals ----------------------------------------------------------------------------------


def bootstrap(
    problem: Problem, truth: Matrix, scores: Matrix, threshold: float, *, repeats: int, seed: int
) -> tuple[Score, ...]:
    """Every defined metric with its 95 % percentile bootstrap interval (Efron & Tibshirani 1993, 13.3).

    A repeat draws as many rows as there are, with replacement; it is held as the count of each
    row, so that all metrics of all repeats are a few weighted sums. Repeats in which a metric is
    undefined do not count for it.

    Parameters
    ----------
    repeats
        How often to draw.

    Returns
    -------
    Metrics that are defined on the rows themselves, in the order of `METRICS`.
    """
    values = metrics(problem, truth, scores, threshold)
    rng = np.random.default_rng(seed)
    rows = len(truth)
    order = np.argsort(scores, kind="stable")
    truth, scores = truth[order], scores[order]
    drawn: dict[str, list[Matrix]] = {name: [] for name in values}
    left = repeats if rows else 0
    while left:
        some = min(left, max(1, 1_000_000 // rows))  # counts of a million rows at once: 8 MB
        counts = np.stack([np.bincount(rng.integers(0, rows, rows), minlength=rows) for _ in range(some)])
        with np.errstate(divide="ignore", invalid="ignore"):
            found = _weighted(problem, truth, scores, threshold, counts.astype(np.float64))
        for name, each in found.items():
            drawn[name].append(each)
        left -= some
    made = []
    for name, value in values.items():
        repeated = np.concatenate(drawn[name]) if drawn[name] else np.empty(0)
        repeated = repeated[np.isfinite(repeated)]
        if value is not None:
            low, high = np.percentile(repeated, [2.5, 97.5]) if len(repeated) else (value, value)
            made.append(Score(name, value, float(low), float(high)))
    return tuple(made)


def _sums(counts: Matrix, *figures: Matrix) -> list[Matrix]:
    """Sums over the rows of each figure, one per repeat; not by BLAS, whose order varies."""
    return [np.einsum("rn,n->r", counts, figure) for figure in figures]


def _weighted(
    problem: Problem, truth: Matrix, scores: Matrix, threshold: float, counts: Matrix
) -> dict[str, Matrix]:
    """Every metric for each row of `counts`; rows of the data are in ascending order of score."""
    rows = float(counts.shape[1])
    if problem == "regression":
        error = scores - truth
        centred = truth - truth.mean()
        share = np.abs(error) / np.maximum(np.abs(truth), _EPS)
        absolute, squared, signed, total, spread, relative = _sums(
            counts, np.abs(error), error**2, error, centred, centred**2, share
        )
        variance = spread - total**2 / rows
        return {
            "mae": absolute / rows,
            "rmse": np.sqrt(squared / rows),
            "r2": 1 - squared / np.where(variance > 0, variance, np.nan),
            "bias": signed / rows,
            "mape": relative / rows,
        }
    called = (scores >= threshold).astype(np.float64)
    safe = np.clip(scores, _EPS, 1 - _EPS)
    loss = -np.where(truth == 1, np.log(safe), np.log1p(-safe))
    positives, predicted, hits, right, squared, lost = _sums(
        counts,
        truth,
        called,
        truth * called,
        (truth == called).astype(np.float64),
        (scores - truth) ** 2,
        loss,
    )
    negatives = rows - positives
    both = np.where((positives > 0) & (negatives > 0), 1.0, np.nan)
    some = np.where(positives > 0, 1.0, np.nan)
    first = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]])  # equal scores are one step
    good = np.add.reduceat(counts * truth, first, axis=1)
    bad = np.add.reduceat(counts, first, axis=1) - good
    # AUC: chance that a positive scores above a negative, ties counting half (Mann & Whitney 1947).
    beaten = np.cumsum(bad, axis=1)
    auc = np.einsum("rg,rg->r", good, beaten - bad / 2) / (positives * negatives)
    # Average precision: precision at each step of recall, steps from the highest score down.
    above = positives[:, None] - np.cumsum(good, axis=1) + good
    called_above = above + negatives[:, None] - beaten + bad
    precision = np.divide(above, called_above, out=np.zeros_like(above), where=called_above > 0)
    return {
        "auc": auc * both,
        "log_loss": lost / rows * both,
        "brier": squared / rows,
        "accuracy": right / rows,
        "precision": hits / predicted,
        "recall": hits / positives,
        "f1": 2 * hits / (predicted + positives) * some,
        "average_precision": np.einsum("rg,rg->r", good, precision) / positives,
        "positive_rate": positives / rows,
        "predicted_rate": predicted / rows,
    }


# --- the world's labeller -----------------------------------------------------------------------


def fit_labeller(table: pa.Table, schema: Schema, *, seed: int) -> bytes:
    """The world's idea of how the target depends on the raw columns, as an ONNX graph.

    A random forest (40 trees, at least 15 rows a leaf; of another family than the served models)
    on all rows whose target is known. The graph itself is the labeller: score it with
    `simlab.engines.onnxruntime.score`. As in the forest, an unknown number counts as the median,
    an unknown category as one before all others, and numbers are rounded to single precision.

    Parameters
    ----------
    table
        Rows with every column of `schema.columns` and the target.

    Returns
    -------
    A graph that answers P(Y = 1 | x), or the mean of Y given x for a regression problem.

    Raises
    ------
    SimlabError
        There are no rows with a target, or no columns.
    """
    known = table.filter(pa.array(~np.isnan(matrix.numbers(table, [schema.target])[:, 0])))
    numeric = [column.name for column in schema.columns if column.kind == "numeric"]
    categories = matrix.known(
        known, [column.name for column in schema.columns if column.kind == "categorical"]
    )
    if not known.num_rows or not schema.columns:
        raise SimlabError("the world's labeller needs rows with a known target, and columns")
    numbers = matrix.numbers(known, numeric)
    medians = [float(np.nanmedian(values)) if not np.isnan(values).all() else 0.0 for values in numbers.T]
    numbers = np.where(np.isnan(numbers), np.array(medians), numbers)
    codes = np.nan_to_num(matrix.codes(known, categories), nan=-1.0)
    settings: dict[str, Any] = {
        "n_estimators": 40,
        "min_samples_leaf": 15,
        "max_leaf_nodes": 1024,
        "max_samples": min(known.num_rows, 20_000),  # a tree learns no more from more, only slower
        "n_jobs": 2,  # each tree has a seed of its own: who grows it does not matter
        "random_state": seed,
    }
    truth = matrix.truth(known, schema.target)
    grown: Any
    if schema.problem == "binary":
        grown = RandomForestClassifier(**settings, max_features="sqrt")
    else:
        grown = RandomForestRegressor(**settings, max_features=0.5)
    grown.fit(np.hstack([numbers, codes]), truth)
    return _forest(grown, schema.problem, numeric, medians, categories)


def _forest(
    grown: Any,
    problem: Problem,
    numeric: Sequence[str],
    medians: Sequence[float],
    categories: Mapping[str, Sequence[str]],
) -> bytes:
    trees = [each.tree_ for each in grown.estimators_]
    parts: dict[str, list[Any]] = {name: [] for name in ("feature", "split", "yes", "no", "leaf")}
    roots, nodes, leaves = [], 0, 0
    for tree in trees:
        at_leaf = tree.children_left < 0
        inner, ends = np.flatnonzero(~at_leaf), np.flatnonzero(at_leaf)
        value = tree.value[:, 0, 0]
        if problem == "binary":
            value = (tree.value[:, 0, :] * grown.classes_).sum(axis=1)  # classes are 0 and 1
        place = np.empty(len(at_leaf), dtype=np.int64)  # where each node of the tree goes
        place[inner] = nodes + np.arange(len(inner))
        place[ends] = ~(leaves + np.arange(len(ends)))
        roots.append(nodes)
        if not len(inner):  # a lone leaf: any question, both answers the same
            parts["feature"].append([0])
            parts["split"].append([0.0])
            parts["yes"].append([~leaves])
            parts["no"].append([~(leaves + 1)])
            parts["leaf"].append(np.repeat(value[ends], 2) / len(trees))
            nodes, leaves = nodes + 1, leaves + 2
            continue
        parts["feature"].append(tree.feature[inner])
        parts["split"].append(tree.threshold[inner])
        parts["yes"].append(place[tree.children_left[inner]])
        parts["no"].append(place[tree.children_right[inner]])
        parts["leaf"].append(value[ends] / len(trees))
        nodes, leaves = nodes + len(inner), leaves + len(ends)
    whole = {name: np.concatenate(each) for name, each in parts.items()}
    graph = Graph()
    columns = []
    if numeric:
        unknown = graph.add("IsNaN", "numeric")
        filled = graph.add("Where", unknown, graph.constant(medians), "numeric")
        single = graph.add("Cast", filled, to=FLOAT)  # scikit-learn compares in single precision
        columns.append(graph.add("Cast", single, to=DOUBLE))
    for position, known in enumerate(categories.values()):
        columns.append(graph.encode(position, known, [float(code) for code in range(len(known))], -1.0))
    answers = add_trees(
        graph,
        graph.join(columns),
        Trees(
            feature=whole["feature"].astype(np.int64),
            mode=np.full(nodes, LEQ, dtype=np.uint8),
            split=whole["split"].astype(np.float64),
            missing_is_yes=np.zeros(nodes, dtype=np.int64),
            yes=whole["yes"].astype(np.int64),
            no=whole["no"].astype(np.int64),
            roots=np.array(roots, dtype=np.int64),
            leaf=whole["leaf"].astype(np.float64),
            members=np.empty(0),
        ),
    )
    if problem == "binary":  # sixty shares may add up to a hair above one
        answers = graph.add("Clip", answers, graph.constant(0.0), graph.constant(1.0))
    return graph.finish(answers, problem, numeric, list(categories), "labeller")
