"""Model quality figures against AWS's published output and scikit-learn; files with AWS's keys and types."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.errors import SimlabError
from simlab.model_quality import (
    CONSTRAINED,
    KINDS,
    Constraint,
    Figures,
    constraints_of,
    figures,
    read_constraints,
    statistics_body,
    suggested,
)
from simlab.model_quality.names import WORSE_WHEN_GREATER

MOMENT = datetime(2020, 12, 7, 19, 34, 44, 405_000)

PUBLISHED = {
    "recall": 1.0,
    "precision": 0.3333333333333333,
    "accuracy": 0.5,
    "recall_best_constant_classifier": 1.0,
    "precision_best_constant_classifier": 0.25,
    "accuracy_best_constant_classifier": 0.25,
    "true_positive_rate": 1.0,
    "true_negative_rate": 0.33333333333333337,
    "false_positive_rate": 0.6666666666666666,
    "false_negative_rate": 0.0,
    "f0_5": 0.3846153846153846,
    "f1": 0.5,
    "f2": 0.7142857142857143,
    "f0_5_best_constant_classifier": 0.29411764705882354,
    "f1_best_constant_classifier": 0.4,
    "f2_best_constant_classifier": 0.625,
}
"""The documented output of four rows; its curves and its AUC are of other rows."""

MANY = {
    "accuracy": 0.6288167938931297,
    "weighted_recall": 0.6288167938931297,
    "weighted_precision": 0.6983172269629505,
    "weighted_f0_5": 0.6803947317178771,
    "weighted_f1": 0.6571162346664904,
    "weighted_f2": 0.6384024354394601,
    "accuracy_best_constant_classifier": 0.19370229007633588,
    "weighted_recall_best_constant_classifier": 0.19370229007633588,
    "weighted_precision_best_constant_classifier": 0.03752057718081697,
    "weighted_f0_5_best_constant_classifier": 0.04473443104152011,
    "weighted_f1_best_constant_classifier": 0.06286421244683643,
    "weighted_f2_best_constant_classifier": 0.10570313141262414,
}
"""The documented output of several classes."""


def two_classes(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = rng.random(rows).round(2)  # with ties
    return (rng.random(rows) < scores).astype(float), scores


def test_the_figures_of_awss_documentation_come_out() -> None:
    found = figures("binary_classification", np.array([0, 0, 0, 1]), np.array([0.1, 0.7, 0.8, 0.9]))
    assert found.confusion == {"0": {"0": 1, "1": 2}, "1": {"0": 0, "1": 1}}
    assert {n: found.scalars[n] for n in PUBLISHED} == pytest.approx(PUBLISHED, abs=1e-15)
    several = figures(
        "multiclass_classification",
        np.repeat([0, 0, 1, 1], [1180, 510, 268, 138]),
        np.repeat([0, 1, 0, 1], [1180, 510, 268, 138]),
    )
    assert several.confusion == {"0": {"0": 1180, "1": 510}, "1": {"0": 268, "1": 138}}
    assert several.scalars == pytest.approx(MANY, abs=1e-15)
    assert list(several.scalars) == list(MANY)


def test_the_curves_have_the_form_of_awss_documentation() -> None:
    curves = figures("binary_classification", np.ones(4), np.array([0.1, 0.2, 0.3, 0.4])).curves
    roc, ranked = curves["receiver_operating_characteristic_curve"], curves["precision_recall_curve"]
    assert roc["false_positive_rates"] == (0, 0, 0, 0, 0, 1)
    assert roc["true_positive_rates"] == (0, 0.25, 0.5, 0.75, 1, 1)
    assert ranked == {"precisions": (1, 1, 1, 1, 1), "recalls": (0, 0.25, 0.5, 0.75, 1)}


@given(seed=st.integers(0, 99), rows=st.integers(5, 300), threshold=st.sampled_from([0.2, 0.5, 0.81]))
def test_two_classes_are_scikit_learns(seed: int, rows: int, threshold: float) -> None:
    judge = pytest.importorskip("sklearn.metrics")
    truth, scores = two_classes(rows, seed)
    called = scores >= threshold
    found = figures("binary_classification", truth, scores, threshold=threshold, points=1000)
    expected: dict[str, Any] = {"accuracy": judge.accuracy_score(truth, called)}
    if truth.any():
        expected |= {
            "recall": judge.recall_score(truth, called),
            "false_negative_rate": 1 - judge.recall_score(truth, called),
            **{
                name: judge.fbeta_score(truth, called, beta=beta, zero_division=0.0)
                for name, beta in (("f0_5", 0.5), ("f1", 1), ("f2", 2))
            },
            **{
                f"{name}_best_constant_classifier": judge.fbeta_score(truth, np.ones(rows), beta=beta)
                for name, beta in (("f0_5", 0.5), ("f1", 1), ("f2", 2))
            },
        }
    if called.any():
        expected["precision"] = judge.precision_score(truth, called)
    if 0 < truth.sum() < rows:
        expected["auc"] = judge.roc_auc_score(truth, scores)
        expected["true_negative_rate"] = judge.recall_score(1 - truth, ~called)
        false, true, _ = judge.roc_curve(truth, scores, drop_intermediate=False)
        roc = found.curves["receiver_operating_characteristic_curve"]
        assert roc["false_positive_rates"][:-1] == pytest.approx(tuple(false))
        assert roc["true_positive_rates"][:-1] == pytest.approx(tuple(true))
    assert {name: found.scalars[name] for name in expected} == pytest.approx(expected)


@given(seed=st.integers(0, 99), rows=st.integers(2, 200), labels=st.integers(2, 5))
def test_several_classes_are_scikit_learns(seed: int, rows: int, labels: int) -> None:
    judge = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(seed)
    names = np.array([f"class {n}" for n in range(labels)])
    truth, said = names[rng.integers(0, labels, rows)], names[rng.integers(0, labels, rows)]
    found = figures("multiclass_classification", truth, said)
    weighted = {"average": "weighted", "zero_division": 0.0}
    expected = {
        "accuracy": judge.accuracy_score(truth, said),
        "weighted_recall": judge.recall_score(truth, said, **weighted),
        "weighted_precision": judge.precision_score(truth, said, **weighted),
        "weighted_f0_5": judge.fbeta_score(truth, said, beta=0.5, **weighted),
        "weighted_f1": judge.f1_score(truth, said, **weighted),
        "weighted_f2": judge.fbeta_score(truth, said, beta=2, **weighted),
    }
    assert {name: found.scalars[name] for name in expected} == pytest.approx(expected)
    known = sorted({*truth, *said})
    matrix = judge.confusion_matrix(truth, said, labels=known).tolist()
    assert found.confusion == {
        a: dict(zip(known, row, strict=True)) for a, row in zip(known, matrix, strict=True)
    }


@given(seed=st.integers(0, 99), rows=st.integers(2, 200))
def test_a_regression_is_scikit_learns(seed: int, rows: int) -> None:
    judge = pytest.importorskip("sklearn.metrics")
    truth, said = np.random.default_rng(seed).normal(size=(2, rows))
    assert figures("regression", truth, said).scalars == pytest.approx(
        {
            "mae": judge.mean_absolute_error(truth, said),
            "mse": judge.mean_squared_error(truth, said),
            "rmse": judge.root_mean_squared_error(truth, said),
            "r2": judge.r2_score(truth, said),
        }
    )


# --- what is undefined, and chance --------------------------------------------------------------


def test_figures_without_rows_to_stand_on_are_undefined() -> None:
    found = figures("binary_classification", np.zeros(3), np.array([0.1, 0.2, 0.3])).scalars
    none = {n for n, value in found.items() if value is None}
    rest = ("f0_5", "f1", "f2")
    assert none == {
        "recall", "true_positive_rate", "false_negative_rate", "precision", "auc", "recall_best_constant_classifier",
        *rest, *(f"{n}_best_constant_classifier" for n in rest),
    }  # fmt: skip
    assert figures("regression", np.ones(3), np.arange(3.0)).scalars["r2"] is None
    assert set(suggested(figures("regression", np.ones(3), np.arange(3.0)))) == {"mae", "mse", "rmse"}
    with pytest.raises(ValueError, match="no labelled rows"):
        figures("regression", np.array([]), np.array([]))
    with pytest.raises(ValueError, match="0 or 1"):
        figures("binary_classification", np.array([0, 2]), np.array([0.1, 0.2]))


def test_a_deviation_is_that_of_five_samples_of_four_fifths() -> None:
    truth, scores = two_classes(1000)
    found = figures("binary_classification", truth, scores, seed=7)
    rng = np.random.default_rng(7)
    right = (scores >= 0.5) == (truth == 1)
    right = right[np.argsort(-scores, kind="stable")]
    drawn = [right[rng.permutation(1000)[:800]].mean() for _ in range(5)]
    assert found.deviations["accuracy"] == pytest.approx(np.std(drawn, ddof=1))
    assert found == figures("binary_classification", truth, scores, seed=7)
    assert found.deviations != figures("binary_classification", truth, scores, seed=8).deviations


@pytest.mark.parametrize(("rows", "told"), [(199, False), (200, True)])
def test_under_200_rows_a_deviation_is_not_told(rows: int, told: bool) -> None:
    body = statistics_body(figures("binary_classification", *two_classes(rows)), MOMENT)
    deviation = body["binary_classification_metrics"]["f2"]["standard_deviation"]
    assert isinstance(deviation, float) if told else deviation == "NaN"


def test_curves_are_thinned_evenly_and_keep_their_ends() -> None:
    truth, scores = two_classes(1000)
    whole, thin = (
        figures("binary_classification", truth, scores, points=points) for points in (1000, 10)
    )  # fmt: skip
    roc = thin.curves["receiver_operating_characteristic_curve"]
    assert len(roc["true_positive_rates"]) == 12
    assert len(thin.curves["precision_recall_curve"]["recalls"]) == 11
    assert roc["true_positive_rates"][-2:] == (1.0, 1.0) and thin.scalars == whole.scalars
    every = whole.curves["receiver_operating_characteristic_curve"]
    assert set(zip(*roc.values(), strict=True)) <= set(zip(*every.values(), strict=True))


# --- files --------------------------------------------------------------------------------------


def of(kind: Any, rows: int = 300) -> Figures:
    truth, scores = two_classes(rows)
    return figures(kind, truth, scores if kind != "multiclass_classification" else scores.round())


@pytest.mark.parametrize("kind", list(KINDS))
def test_statistics_have_awss_keys_in_their_order_and_types(kind: Any) -> None:
    body = json.loads(json.dumps(statistics_body(of(kind), MOMENT)))
    assert list(body) == ["version", "dataset", f"{kind}_metrics"]
    assert body["version"] == 0.0 and isinstance(body["version"], float)
    assert body["dataset"] == {"item_count": 300, "evaluation_time": "2020-12-07T19:34:44.405Z"}
    metrics = body[f"{kind}_metrics"]
    assert list(metrics) == list(KINDS[kind])
    for name, one in metrics.items():
        if name == "confusion_matrix":
            assert all(isinstance(n, int) for row in one.values() for n in row.values())
        elif name.endswith("_curve"):
            assert all(isinstance(n, float) for axis in one.values() for n in axis)
        else:
            assert list(one) == ["value", "standard_deviation"] and all(
                isinstance(n, float) for n in one.values()
            )


@pytest.mark.parametrize("kind", list(KINDS))
def test_suggested_constraints_are_the_values_on_the_bad_side(kind: Any) -> None:
    found = of(kind)
    body = constraints_of(kind, suggested(found))
    assert list(body) == ["version", f"{kind}_constraints"]
    assert list(body[f"{kind}_constraints"]) == list(CONSTRAINED[kind])
    for name, one in body[f"{kind}_constraints"].items():
        side = "GreaterThanThreshold" if name in WORSE_WHEN_GREATER else "LessThanThreshold"
        assert one == {"threshold": found.scalars[name], "comparison_operator": side}
    assert read_constraints(kind, json.dumps(body).encode()) == suggested(found)


def test_a_constraints_file_of_the_real_service_is_read() -> None:
    body = (
        b'{"version" : 0.0, "binary_classification_constraints" : {'
        b'"recall" : {"threshold" : 0.571, "comparison_operator" : "LessThanThreshold"},'
        b'"false_positive_rate" : {"threshold" : 3E-2, "comparison_operator" : "GreaterThanThreshold",'
        b'"additional_properties" : null}}}'
    )
    found = read_constraints("binary_classification", body)
    assert found == {
        "recall": Constraint(0.571, "LessThanThreshold"),
        "false_positive_rate": Constraint(0.03, "GreaterThanThreshold"),
    }
    assert found["recall"].breached(0.57) and not found["recall"].breached(0.571)
    assert found["false_positive_rate"].breached(0.031) and not found["false_positive_rate"].breached(
        0.031, 0.01
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{", "c.json: not JSON"),
        ("[]", "no regression_constraints"),
        ('{"binary_classification_constraints":{}}', "no regression_constraints"),
        ('{"regression_constraints":{"rmsee":{}}}', "no metric called 'rmsee'; did you mean 'rmse'"),
        ('{"regression_constraints":{"mae":3}}', "regression_constraints.mae is no object"),
        ('{"regression_constraints":{"mae":{"threshold":"3"}}}', "threshold is '3', and must be a number"),
        (
            '{"regression_constraints":{"mae":{"threshold":3,"comparison_operator":"Less"}}}',
            "comparison_operator is 'Less'; right would be GreaterThanThreshold or LessThanThreshold",
        ),
    ],
)
def test_a_wrong_constraints_file_is_told_in_words(body: str, told: str) -> None:
    with pytest.raises(SimlabError) as wrong:
        read_constraints("regression", body.encode(), "c.json")
    assert told in str(wrong.value)


def test_statistics_are_not_taken_for_constraints() -> None:
    body = json.dumps(statistics_body(of("regression"), MOMENT)).encode()
    with pytest.raises(SimlabError, match="c.json: this is a statistics.json"):
        read_constraints("regression", body, "c.json")
