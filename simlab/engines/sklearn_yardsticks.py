"""scikit-learn's yardsticks: an ignorant answer, a rule a person could write, a tree in a model's place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn import metrics as judge
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from simlab.artifacts import FeatureSet, Problem, Schema
from simlab.engines import matrix
from simlab.engines.matrix import Matrix
from simlab.engines.sklearn import best_threshold, metrics
from simlab.errors import SimlabError


def dummy(problem: Problem, features: FeatureSet) -> dict[str, float | None]:
    """Metrics on the split `test` of an answer that ignores the row: the mean of the split `train`.

    For a binary problem that is the share of positives, called positive from 0.5 on.
    """
    train, test = matrix.part(features.table, "train"), matrix.part(features.table, "test")
    taught = matrix.truth(train, features.schema.target)
    asked = matrix.truth(test, features.schema.target)
    if problem == "binary":
        ignorant = DummyClassifier(strategy="prior").fit(np.zeros((len(taught), 1)), taught)
        answers = (ignorant.predict_proba(np.zeros((len(asked), 1))) * ignorant.classes_).sum(axis=1)
    else:
        answers = DummyRegressor().fit(np.zeros((len(taught), 1)), taught).predict(np.zeros((len(asked), 1)))
    return metrics(problem, asked, answers, 0.5)


def rule(features: FeatureSet) -> tuple[dict[str, float | None], str]:
    """A rule a person could have written: two questions about at most two columns.

    A greedy decision tree of depth 2 names the columns that tell most; of the trees on one or two
    of those, the best on the split `train` is taken. A numeric value that is unknown counts as the
    median; a category is asked for by name if it is among the ten most frequent.

    Returns
    -------
    metrics
        On the split `test`; binary answers count as positive from the threshold with the best F1
        on the split `train` on.
    text
        The rule in words, a line for each answer.
    """
    schema = features.schema
    train, test = matrix.part(features.table, "train"), matrix.part(features.table, "test")
    taught = matrix.truth(train, schema.target)
    questions = _questions(train, schema)
    asked = _answers(train, questions)
    grower = DecisionTreeClassifier if schema.problem == "binary" else DecisionTreeRegressor
    leaf = max(1, len(taught) // 50)

    def grow(columns: Sequence[str]) -> tuple[float, Any, list[int]]:
        chosen = [at for at, (column, _, _) in enumerate(questions) if column in columns]
        grown = grower(max_depth=2, min_samples_leaf=leaf, random_state=0).fit(asked[:, chosen], taught)
        shares = grown.tree_.n_node_samples / len(taught)
        ends = grown.tree_.children_left < 0
        return float((grown.tree_.impurity * shares)[ends].sum()), grown, chosen

    if not questions:
        raise SimlabError("a rule needs at least one feature")
    _, free, chosen = grow([column for column, _, _ in questions])
    told = sorted({questions[chosen[at]][0] for at in free.tree_.feature if at >= 0})
    pairs = [list(pair) for size in (1, 2) for pair in combinations(told, size)]
    _, grown, chosen = min(
        (grow(pair) for pair in pairs), key=lambda one: one[0], default=grow([questions[0][0]])
    )
    tree = grown.tree_
    binary = schema.problem == "binary"
    values = (tree.value[:, 0, :] * grown.classes_).sum(axis=1) if binary else tree.value[:, 0, 0]
    cut = best_threshold(taught, values[grown.apply(asked[:, chosen])]) if binary else 0.5
    scores = values[grown.apply(_answers(test, questions)[:, chosen])] if test.num_rows else np.empty(0)
    text = "\n".join(_lines(tree, [questions[at] for at in chosen], values))
    return metrics(schema.problem, matrix.truth(test, schema.target), scores, cut), text


def surrogate(
    schema: Schema,
    taught: tuple[pa.Table, Matrix],
    judged: tuple[pa.Table, Matrix],
    threshold: float,
    *,
    depth: int,
) -> tuple[str, float | None, float | None]:
    """A small tree that answers as a model does, as far as it can (TREPAN's idea: Craven and Shavlik 1995).

    Its questions are those of `rule`. A leaf holds at least a hundredth of the rows.

    Parameters
    ----------
    taught
        Rows, and the model's answers to them, that the tree learns from; at least one.
    judged
        Others, on which it is held against the model.
    threshold
        An answer at or above it counts as positive (binary problems).
    depth
        Most questions before an answer.

    Returns
    -------
    text
        The tree in words, a line for each answer.
    r2
        Share of the variance of the model's answers that the tree's explain, on the judged rows; None
        where those do not vary.
    agreement
        Share of the judged rows that both call alike; None for a regression, and without judged rows.
    """
    rows, answers = taught
    others, asked = judged
    questions = _questions(rows, schema)
    leaf = max(1, rows.num_rows // 100)
    grown = DecisionTreeRegressor(max_depth=depth, min_samples_leaf=leaf, random_state=0)
    grown.fit(_answers(rows, questions), answers)
    text = "\n".join(_lines(grown.tree_, questions, grown.tree_.value[:, 0, 0]))
    if not others.num_rows:
        return text, None, None
    said = grown.predict(_answers(others, questions))
    r2 = float(judge.r2_score(asked, said)) if np.ptp(asked) > 0 else None
    alike = float(np.mean((said >= threshold) == (asked >= threshold)))
    return text, r2, alike if schema.problem == "binary" else None


Question = tuple[str, str | None, float]  # column, category asked for or None, median


def _questions(train: pa.Table, schema: Schema) -> list[Question]:
    asked: list[Question] = []
    for name in schema.numeric:
        values = matrix.numbers(train, [name])[:, 0]
        asked.append((name, None, 0.0 if np.isnan(values).all() else float(np.nanmedian(values))))
    for name in schema.categorical:
        texts, counts = np.unique(matrix.words(train, [name])[:, 0].astype(str), return_counts=True)
        frequent = [str(texts[at]) for at in np.lexsort((texts, -counts)) if texts[at]][:10]
        asked += [(name, text, 0.0) for text in frequent]
    return asked


def _answers(table: pa.Table, questions: Sequence[Question]) -> Matrix:
    answers = np.empty((table.num_rows, len(questions)))
    for at, (column, category, median) in enumerate(questions):
        if category is None:
            values = matrix.numbers(table, [column])[:, 0]
            answers[:, at] = np.where(np.isnan(values), median, values)
        else:
            answers[:, at] = matrix.words(table, [column])[:, 0] == category
    return answers


def _lines(tree: Any, questions: Sequence[Question], values: Matrix) -> list[str]:
    """One line per leaf, the way down to it in words; leaves that answer `yes` first."""

    def walk(node: int, way: list[str]) -> list[str]:
        if tree.children_left[node] < 0:
            condition = " and ".join(way)
            answer = f"{values[node]:.4g}"
            return [f"if {condition} then {answer}" if condition else f"always {answer}"]
        column, category, _ = questions[tree.feature[node]]
        bound = f"{tree.threshold[node]:.6g}"
        low, high = (f"{column} <= {bound}", f"{column} > {bound}")
        if category is not None:
            low, high = (f"{column} is not {category!r}", f"{column} is {category!r}")
        return walk(tree.children_right[node], [*way, high]) + walk(tree.children_left[node], [*way, low])

    return walk(0, [])
