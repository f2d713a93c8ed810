"""Clarify's metrics against its own recorded answers, and against the guide's worked examples."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from simlab.clarify import analysis, post_training, pre_training
from simlab.clarify.bias import STAGES, BiasFigure, FlipRows
from simlab.clarify.counts import Counts
from tests.clarify.tables import ANSWER, GOLDEN, LABEL, cells, golden, measured, votes


def golden_figures() -> list[BiasFigure]:
    table = golden()
    flips = FlipRows(table["num"].to_numpy()[:, None], votes)
    label, answer = np.array(LABEL * 5), np.array(ANSWER * 5)
    return list(measured(table, {"sex": ("d",)}, label, answer, group="group", flips=flips))


def test_every_metric_of_the_golden_table_is_what_smclarify_said() -> None:
    found = {figure.metric: figure.figure for figure in golden_figures()}
    assert found == pytest.approx(GOLDEN, abs=5e-8)
    assert list(found) == [*STAGES["Pre-training"], *STAGES["Post-Training"]]


def test_the_guides_worked_examples_come_out() -> None:
    # DCA 70/60 - 20/30 and DCR 40/30 - 50/60; the cells are one way to have such margins
    counts = Counts(cells([[30, 10], [0, 60]], [[40, 0], [10, 20]]))
    assert float(post_training.rd(counts)) == pytest.approx(1 - 20 / 30)
    accepted = Counts(cells([[25, 15], [25, 45]], [[40, 10], [0, 20]]))  # a: 70 of label 1, 60 answered 1
    assert float(post_training.dca(accepted)) == pytest.approx(70 / 60 - 20 / 30)
    rejected = Counts(cells([[40, 10], [20, 0]], [[25, 15], [5, 0]]))
    assert float(post_training.dcr(rejected)) == pytest.approx(40 / 30 - 50 / 60)
    recalled = Counts(cells([[20, 10], [5, 65]], [[43, 30], [7, 20]]))
    assert float(post_training.rd(recalled)) == pytest.approx(65 / 70 - 20 / 27)
    assert round(float(post_training.rd(recalled)), 2) == 0.19


def test_distances_take_any_number_of_label_values() -> None:
    # the guide's college admissions: rejected, wait-listed, accepted
    a, d = np.array([20, 40, 40]), np.array([70, 20, 10])
    assert round(float(pre_training.kullback_leibler(a, d)), 2) == round(
        0.2 * math.log(2 / 7) + 0.4 * math.log(2) + 0.4 * math.log(4), 2
    )
    assert float(pre_training.norm(a, d, np.inf)) == pytest.approx(0.5)
    assert float(pre_training.norm(a, d, 1)) / 2 == pytest.approx(0.5)
    assert float(pre_training.norm(a, d, 2)) == pytest.approx(math.sqrt(0.25 + 0.04 + 0.09))


def test_label_values_that_one_group_lacks_do_not_count() -> None:
    a, d = np.array([5, 5, 0]), np.array([5, 0, 5])
    assert float(pre_training.kullback_leibler(a, d)) == 0.0
    assert math.isnan(float(pre_training.kullback_leibler(np.array([5, 0]), np.array([0, 5]))))


def test_divisions_by_nothing_are_the_services() -> None:
    nobody = Counts(cells([[5, 0], [5, 0]], [[5, 0], [5, 0]]))
    assert float(post_training.dca(nobody)) == 0.0  # infinite on both sides
    assert float(post_training.di(nobody)) == 0.0  # 0/0
    assert float(post_training.te(nobody)) == 0.0
    only_d = Counts(cells([[5, 0], [5, 0]], [[5, 0], [3, 2]]))
    assert float(post_training.di(only_d)) == math.inf
    assert float(post_training.dca(only_d)) == math.inf
    assert float(post_training.dca(Counts(only_d.cells[:, ::-1]))) == -math.inf


def test_a_metric_without_a_value_says_why_in_the_services_words() -> None:
    table = golden()
    label, answer = np.array(LABEL * 5), np.array(ANSWER * 5)
    why = {f.metric: f.error for f in measured(table, {"sex": ("d",)}, label, answer)}
    assert why["CDDL"] == why["CDDPL"] == "Group variable is empty or not provided"
    assert why["CI"] == ""
    nobody = {f.metric: f for f in measured(table, {"sex": ("z",)}, label, answer, group="group")}
    assert nobody["DPPL"].figure is None and nobody["DPPL"].error == "Facet set is empty"
    everybody = {f.metric: f.error for f in measured(table, {"sex": ("a", "d")}, label, answer)}
    assert everybody["AD"] == "Negated Facet set is empty"
    missed = {
        f.metric: f.error for f in measured(table, {"sex": ("d",)}, np.ones(100), np.zeros(100), "group")
    }
    assert missed["GE"].startswith("All predicted labels are false negatives.")
    assert missed["CDDL"] == "No negative labels in set" and missed["CDDPL"] == "No positive labels in set"


def test_a_small_group_is_not_judged() -> None:
    table = golden()
    label, answer = np.array(LABEL * 5), np.array(ANSWER * 5)
    judged = {f.metric: f for f in measured(table, {"sex": ("d",)}, label, answer, minimum=40)}
    assert judged["DPPL"].figure is not None
    silent = {f.metric: f for f in measured(table, {"sex": ("d",)}, label, answer, minimum=41)}
    assert silent["DPPL"].figure is None
    assert silent["DPPL"].error == "The smaller side has 40 rows, and 41 are needed to judge it"


def test_the_flip_test_needs_numbers_in_every_column() -> None:
    table = golden()
    label, answer = np.array(LABEL * 5), np.array(ANSWER * 5)

    def flipped(matrix: np.ndarray | None) -> BiasFigure:
        flips = FlipRows(matrix, votes)
        found = measured(table, {"sex": ("d",)}, label, answer, flips=flips)
        return next(f for f in found if f.metric == "FT")

    assert flipped(None).error == "FlipTest does not support non-numeric columns"
    assert flipped(np.full((100, 1), np.nan)).error == "FlipTest needs a value in every column"
    assert flipped(np.empty((100, 0))).error == "FlipTest needs a feature besides the facet"


def test_the_flip_test_asks_one_neighbour_where_there_are_few() -> None:
    asked: list[int] = []

    def noted(known: np.ndarray, answers: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
        asked.append(count)
        return np.zeros(len(rows), bool)

    for size in (9, 10):
        member = np.arange(20) >= size
        post_training.flip_test(np.zeros((20, 1)), np.ones(20, bool), member, noted)
    assert asked == [1, 5]
    # the model says 1 where the neighbours say 0: positive here, and negative in the guide
    assert post_training.flip_test(np.zeros((20, 1)), np.ones(20, bool), np.arange(20) > 9, noted) == 1.0


RECORDED = """{
    "version": "1.0",
    "pre_training_bias_metrics": {
        "label": "Label",
        "facets": {
            "F1": [
                {
                    "value_or_threshold": "(0.5, 0.9936148802477393]",
                    "metrics": [
                        {
                            "name": "CDDL",
                            "description": "Conditional Demographic Disparity in Labels (CDDL)",
                            "value": 0.04
                        },
                        {
                            "name": "CI",
                            "description": "Class Imbalance (CI)",
                            "value": -0.08
                        },
                        {
                            "name": "DPL",
                            "description": "Difference in Positive Proportions in Labels (DPL)",
                            "value": 0.01529790660225444
                        },
                        {
                            "name": "KL",
                            "description": "Kullback-Liebler Divergence (KL)",
                            "value": 0.0004699943242629928
                        }
                    ]
                }
            ]
        },
        "label_value_or_threshold": "1"
    }
}"""


def test_a_file_that_the_service_wrote_is_read_and_written_alike() -> None:
    found = analysis.read(RECORDED.encode())
    assert found[1] == BiasFigure("Pre-training", "F1", "(0.5, 0.9936148802477393]", "CI", -0.08)
    assert found[1].key == "0.5" and found[1].subject == "F1=0.5:CI"
    again = analysis.written(found, *analysis.label_of(RECORDED.encode()))
    # the same keys in the same order, and the same figures
    assert json.dumps(json.loads(again)) == json.dumps(json.loads(RECORDED))


def test_infinities_are_words_and_errors_stand_beside_null() -> None:
    figures = [
        BiasFigure("Post-Training", "sex", "0", "DI", math.inf),
        BiasFigure("Post-Training", "sex", "0", "DCA", -math.inf),
        BiasFigure("Pre-training", "sex", "0", "CDDL", None, "Group variable is empty or not provided"),
    ]
    body = json.loads(analysis.written(figures, "y", "1"))
    assert list(body) == ["version", "pre_training_bias_metrics", "post_training_bias_metrics"]
    (error,) = body["pre_training_bias_metrics"]["facets"]["sex"][0]["metrics"]
    assert error == {
        "name": "CDDL",
        "description": "Conditional Demographic Disparity in Labels (CDDL)",
        "value": None,
        "error": "Group variable is empty or not provided",
    }
    metrics = body["post_training_bias_metrics"]["facets"]["sex"][0]["metrics"]
    assert [m["value"] for m in metrics] == ["Infinity", "-Infinity"]
    assert sorted(analysis.read(analysis.written(figures, "y", "1")), key=str) == sorted(figures, key=str)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda b: b.update(pre_trainig_bias_metrics={}), "did you mean 'pre_training_bias_metrics'"),
        (
            lambda b: b["pre_training_bias_metrics"].pop("facets"),
            "pre_training_bias_metrics: it needs 'facets'",
        ),
        (lambda b: _group(b).pop("metrics"), "facets.F1[0]: it needs 'metrics', a list"),
        (lambda b: _group(b)["metrics"][0].update(name="CDL"), "no metric called 'CDL'; did you mean"),
        (lambda b: _group(b)["metrics"][0].update(value="much"), "metrics[0].value: 'much' is no number"),
    ],
)
def test_a_file_edited_wrongly_is_told_with_the_place(change, says) -> None:  # type: ignore[no-untyped-def]
    from simlab.errors import SimlabError

    body = json.loads(RECORDED)
    change(body)
    with pytest.raises(SimlabError) as wrong:
        analysis.read(json.dumps(body).encode(), "analysis.json")
    assert says in str(wrong.value) and str(wrong.value).startswith("analysis.json: ")


def _group(body):  # type: ignore[no-untyped-def]
    return body["pre_training_bias_metrics"]["facets"]["F1"][0]
