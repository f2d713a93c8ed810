"""Model quality figures: Model Monitor's metrics and their standard deviations, from whole columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Any

from simlab.model_quality.names import KINDS, NO_FIGURES, PRECISION_RECALL, ROC, Kind
from simlab.quality import area, steps

if TYPE_CHECKING:
    import numpy as np

LEAST = 200
"""Rows without which Model Monitor gives no standard deviation."""

SUBSAMPLES, SHARE = 5, 0.8
"""Its standard deviation comes from so many random subsamples of such a share of the rows."""

POINTS = 100
"""Most points of a curve, its fixed ends apart."""

Scalars = dict[str, float | None]


@dataclass(frozen=True)
class Figures:
    """What the labelled rows say of a model; a figure that is undefined is None."""

    kind: Kind
    rows: int
    scalars: Mapping[str, float | None]
    """Every metric that is one figure, in the order of the file."""
    deviations: Mapping[str, float | None]
    """Standard deviation of each over random subsamples. It is about half of the metric's standard
    error: subsamples that share four fifths of the rows vary less than new rows would."""
    confusion: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Rows by true label and then by answer."""
    curves: Mapping[str, Mapping[str, tuple[float, ...]]] = field(default_factory=dict)


def figures(
    kind: Kind,
    truth: np.ndarray,
    answers: np.ndarray,
    *,
    threshold: float = 0.5,
    seed: int = 0,
    points: int = POINTS,
) -> Figures:
    """Every figure of Model Monitor's model quality monitor (DG: model-monitor-model-quality-metrics).

    Parameters
    ----------
    truth
        True values, [rows], at least one: numbers; 0 and 1; or labels.
    answers
        Values; scores of the class 1; or labels, [rows].
    threshold
        A score at or above it counts as the class 1 (binary problems).
    seed
        Which rows the five subsamples take.
    points
        Most points of a curve; of more distinct scores, evenly spaced ones are kept, first and last among
        them. The area under the curve is taken before.

    Returns
    -------
    Undefined are `r2` where the truth does not vary; `precision` where nothing was answered with 1;
    `recall`, `true_positive_rate`, `false_negative_rate` and the F scores without a true 1;
    `true_negative_rate` and `false_positive_rate` without a true 0; `auc` with one class only.

    Raises
    ------
    ValueError
        There are no rows, or a binary truth is neither 0 nor 1.
    """
    import numpy as np

    if not len(truth):
        raise ValueError("no labelled rows to measure")
    rng = np.random.default_rng(seed)
    if kind == "regression":
        return _of_values(rng, np.asarray(truth, float), np.asarray(answers, float))
    if kind == "multiclass_classification":
        return _of_labels(rng, np.asarray(truth), np.asarray(answers))
    return _of_scores(rng, np.asarray(truth, float), np.asarray(answers, float), threshold, points)


def _of_values(rng: Any, truth: np.ndarray, answers: np.ndarray) -> Figures:
    whole = regression(truth, answers)
    deviations = _deviations(rng, whole, lambda at: regression(truth[at], answers[at]), len(truth))
    return Figures("regression", len(truth), whole, deviations)


def _of_labels(rng: Any, truth: np.ndarray, answers: np.ndarray) -> Figures:
    import numpy as np

    labels, coded = np.unique(np.concatenate([truth, answers]), return_inverse=True)
    first, second = coded[: len(truth)], coded[len(truth) :]
    matrix = _matrix(first, second, len(labels))
    whole = multiclass(matrix)

    def some(at: Any) -> Scalars:
        return multiclass(_matrix(first[at], second[at], len(labels)))

    deviations = _deviations(rng, whole, some, len(truth))
    confusion = _named(matrix, [str(label) for label in labels])
    return Figures("multiclass_classification", len(truth), whole, deviations, confusion)


def _of_scores(rng: Any, truth: np.ndarray, scores: np.ndarray, threshold: float, points: int) -> Figures:
    import numpy as np

    yes = truth == 1
    if not (yes | (truth == 0)).all():
        raise ValueError("the truth of a binary problem must be 0 or 1")
    order = np.argsort(-scores, kind="stable")
    yes, scores = yes[order], scores[order]
    true, false = steps(yes, scores)
    whole = binary(yes, scores, threshold, area(true, false))

    def some(at: Any) -> Scalars:
        taken = np.sort(at)  # so the scores stay in their order
        return binary(yes[taken], scores[taken], threshold, area(*steps(yes[taken], scores[taken])))

    deviations = _deviations(rng, whole, some, len(truth))
    confusion = _named(_matrix(yes.astype(int), (scores >= threshold).astype(int), 2), ["0", "1"])
    curves = _curves(true, false, points)
    return Figures("binary_classification", len(truth), whole, deviations, confusion, curves)


def _deviations(rng: Any, whole: Scalars, again: Any, rows: int) -> Scalars:
    """Standard deviation (of a sample, as Spark has it) of every metric over the subsamples."""
    import numpy as np

    size = max(1, round(SHARE * rows))
    drawn = [again(rng.permutation(rows)[:size]) for _ in range(SUBSAMPLES)]
    found: Scalars = {}
    for name in whole:
        values = [one[name] for one in drawn]
        found[name] = None if None in values else float(np.std(np.asarray(values, float), ddof=1))
    return found


# --- regression ---------------------------------------------------------------------------------


def regression(truth: np.ndarray, answers: np.ndarray) -> Scalars:
    """Mean absolute and squared error, its root, and the coefficient of determination."""
    import numpy as np

    off = answers - truth
    square = float(np.mean(off**2))
    spread = float(np.mean((truth - truth.mean()) ** 2))
    return {
        "mae": float(np.mean(np.abs(off))),
        "mse": square,
        "rmse": sqrt(square),
        "r2": 1 - square / spread if np.ptp(truth) > 0 else None,
    }


# --- two classes --------------------------------------------------------------------------------


def binary(yes: np.ndarray, scores: np.ndarray, threshold: float, auc: float | None) -> Scalars:
    """The figures of two classes.

    The best constant classifier answers always with 1, as in AWS's published output, where it does so
    although three of four rows are 0.
    """
    called = scores >= threshold
    rows, positives, predicted, hits = len(yes), int(yes.sum()), int(called.sum()), int((called & yes).sum())
    negatives, alarms = rows - positives, predicted - hits
    recall, fallout = _share(hits, positives), _share(alarms, negatives)
    found = {
        "recall": recall,
        "precision": _share(hits, predicted),
        "accuracy": (hits + negatives - alarms) / rows,
        "recall_best_constant_classifier": 1.0 if positives else None,
        "precision_best_constant_classifier": positives / rows,
        "accuracy_best_constant_classifier": positives / rows,
        "true_positive_rate": recall,
        "true_negative_rate": _share(negatives - alarms, negatives),
        "false_positive_rate": fallout,
        "false_negative_rate": _share(positives - hits, positives),
        "auc": auc,
    }
    for name, beta in (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0)):
        found[name] = f_score(beta, hits, alarms, positives)
        found[f"{name}_best_constant_classifier"] = f_score(beta, positives, negatives, positives)
    names = [n for n in KINDS["binary_classification"] if n not in NO_FIGURES]
    return {name: found[name] for name in names}


def _share(part: int, of: int) -> float | None:
    return part / of if of else None


def f_score(beta: float, hits: int, alarms: int, positives: int) -> float | None:
    """F-beta, `(1 + b²) TP / ((1 + b²) TP + b² FN + FP)`; undefined without a true positive class.

    >>> round(f_score(2.0, hits=1, alarms=2, positives=1), 6)
    0.714286
    """
    if not positives:
        return None
    square = beta * beta
    return (1 + square) * hits / ((1 + square) * hits + square * (positives - hits) + alarms)


def _curves(true: np.ndarray, false: np.ndarray, points: int) -> dict[str, Mapping[str, tuple[float, ...]]]:
    """Both curves in the form of Spark's BinaryClassificationMetrics, which AWS's published output has.

    One point per distinct score from the highest down; the ROC curve begins with (0, 0) and ends with
    (1, 1), the other begins with the first precision at recall 0. A rate without rows is 0.
    """
    import numpy as np

    hits, alarms = true, false
    if len(true) > points:
        kept = np.unique(np.linspace(0, len(true) - 1, points).round().astype(int))
        hits, alarms = true[kept], false[kept]
    recalls = hits / max(1, true[-1])
    fallouts = alarms / max(1, false[-1])
    precisions = hits / (hits + alarms)
    return {
        ROC: {
            "false_positive_rates": (0.0, *fallouts.tolist(), 1.0),
            "true_positive_rates": (0.0, *recalls.tolist(), 1.0),
        },
        PRECISION_RECALL: {
            "precisions": (float(precisions[0]), *precisions.tolist()),
            "recalls": (0.0, *recalls.tolist()),
        },
    }


# --- several classes ----------------------------------------------------------------------------


def _matrix(truth: np.ndarray, answers: np.ndarray, labels: int) -> np.ndarray:
    """Rows by true label and answer, both as codes."""
    import numpy as np

    return np.bincount(truth * labels + answers, minlength=labels * labels).reshape(labels, labels)


def _named(matrix: np.ndarray, labels: Sequence[str]) -> dict[str, dict[str, int]]:
    return {
        label: dict(zip(labels, row, strict=True)) for label, row in zip(labels, matrix.tolist(), strict=True)
    }


def multiclass(matrix: np.ndarray) -> Scalars:
    """The figures of several classes: each class's own, weighted by its share of the truth.

    A class that was never answered has precision 0, as in Spark's MulticlassMetrics. The best constant
    classifier answers with the last label, as in AWS's published output, where that is the class of 19 %.

    Parameters
    ----------
    matrix
        Rows by true label and answer, [labels, labels].

    Examples
    --------
    The confusion matrix of AWS's documentation:

    >>> import numpy as np
    >>> found = multiclass(np.array([[1180, 510], [268, 138]]))
    >>> round(found["weighted_f1"], 9), round(found["weighted_f1_best_constant_classifier"], 9)
    (0.657116235, 0.062864212)
    """
    import numpy as np

    constant = np.zeros_like(matrix)
    constant[:, -1] = matrix.sum(axis=1)
    theirs = {f"{n}_best_constant_classifier": v for n, v in _weighted(constant).items()}
    return {**_weighted(matrix), **theirs}


def _weighted(matrix: np.ndarray) -> Scalars:
    import numpy as np

    rows = matrix.sum()
    support, answered, hits = matrix.sum(axis=1), matrix.sum(axis=0), np.diag(matrix)
    share = support / rows

    def mean(part: np.ndarray, of: np.ndarray) -> float:
        each = np.divide(part, of, out=np.zeros(len(part)), where=of > 0)
        return float((share * each).sum())

    found: Scalars = {
        "accuracy": float(hits.sum() / rows),
        "weighted_recall": mean(hits, support),
        "weighted_precision": mean(hits, answered),
    }
    for name, beta in (("weighted_f0_5", 0.5), ("weighted_f1", 1.0), ("weighted_f2", 2.0)):
        square = beta * beta
        found[name] = mean((1 + square) * hits, square * support + answered)
    return found
