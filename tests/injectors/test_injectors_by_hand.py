"""What each injector does, on data small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from simlab.artifacts import Finding
from simlab.injectors.change_concept import change_concept
from simlab.injectors.flip_labels import flip_labels
from simlab.injectors.new_category import new_category
from simlab.injectors.rename_column import rename_column
from simlab.injectors.resample import resample
from simlab.injectors.retype_column import retype_column
from simlab.injectors.scale_unit import scale_unit
from simlab.injectors.set_missing import set_missing
from simlab.injectors.shift_column import shift_column
from simlab.injectors.silence_monitor import silence_monitor
from simlab.reference import Reference

ROWS = pa.table(
    {"hours": pa.array([40, 20, None, 60]), "wage": [10.0, 12.5, 8.0, None], "city": ["a", None, "b", "a"]}
)
ALL = np.ones(4, bool)
FIRST_TWO = np.array([True, True, False, False])
REFERENCE = Reference({"hours": (40.0, 10.0), "wage": (10.0, 2.0)})


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def many(rows: int = 10_000) -> pa.Table:
    x = np.random.default_rng(1).normal(40, 10, rows)
    return pa.table({"hours": x, "city": np.where(x > 40, "a", "b")})


def test_a_shift_is_so_many_standard_deviations_of_the_baseline():
    moved = shift_column(ROWS, FIRST_TWO, 0.5, rng(), REFERENCE, column="hours", by=0.8)
    assert moved["hours"].to_pylist() == [44.0, 24.0, None, 60.0]
    assert moved["wage"] == ROWS["wage"] and moved["city"] == ROWS["city"]


def test_a_wider_spread_leaves_the_mean_where_it_was():
    moved = shift_column(ROWS, ALL, 1.0, rng(), REFERENCE, column="hours", scale=1.5)
    assert moved["hours"].to_pylist() == [40.0, 10.0, None, 70.0]


def test_a_unit_changes_wholly_or_not_at_all():
    table, mask = many(), np.ones(10_000, bool)
    sent = scale_unit(table, mask, 0.25, rng(), REFERENCE, column="hours", factor=100)
    ratio = np.unique(np.round(sent["hours"].to_numpy() / table["hours"].to_numpy(), 9), return_counts=True)
    assert ratio[0].tolist() == [1.0, 100.0]
    assert ratio[1][1] / 10_000 == pytest.approx(0.25, abs=0.02)


def test_values_go_missing_in_the_declared_share_whatever_they_are():
    table, mask = many(), np.ones(10_000, bool)
    left = set_missing(table, mask, 0.5, rng(), REFERENCE, column="hours", share=0.4)["hours"]
    assert left.null_count / 10_000 == pytest.approx(0.2, abs=0.015)
    assert left.drop_null().to_numpy().mean() == pytest.approx(table["hours"].to_numpy().mean(), abs=0.4)


def test_any_kind_of_column_can_lose_its_values():
    assert set_missing(ROWS, FIRST_TWO, 1.0, rng(), Reference(), column="city", share=1.0)["city"].to_pylist() == [
        None, None, "b", "a",
    ]  # fmt: skip


def test_a_renamed_column_carries_its_values_under_the_new_name():
    sent = rename_column(ROWS, FIRST_TWO, 1.0, rng(), REFERENCE, column="hours", to="hours_worked")
    assert sent["hours"].to_pylist() == [None, None, None, 60]
    assert sent["hours_worked"].to_pylist() == [40, 20, None, None]
    assert sent.column_names == ["hours", "wage", "city", "hours_worked"]


def test_a_column_cannot_take_the_name_of_another():
    with pytest.raises(ValueError, match="already"):
        rename_column(ROWS, ALL, 1.0, rng(), REFERENCE, column="hours", to="wage")


@pytest.mark.parametrize(
    ("style", "texts"),
    [
        ("comma", ["10,0", "12,5", "8.0", None]),
        ("text", ["'10.0'", "'12.5'", "8.0", None]),
        ("currency", ["$10.00", "$12.50", "8.0", None]),
        ("unit", ["10.0 units", "12.5 units", "8.0", None]),
    ],
)
def test_numbers_become_text_that_no_parser_of_numbers_takes(style, texts):
    sent = retype_column(ROWS, FIRST_TWO, 1.0, rng(), REFERENCE, column="wage", style=style)["wage"]
    assert sent.to_pylist() == texts
    for text in texts[:2]:
        with pytest.raises(ValueError, match="could not convert"):
            float(text)


def test_whole_numbers_of_rows_left_alone_keep_their_form():
    assert retype_column(ROWS, FIRST_TWO, 1.0, rng(), REFERENCE, column="hours")["hours"].to_pylist() == [
        "40,0", "20,0", None, "60",
    ]  # fmt: skip


def test_a_new_category_fills_also_what_was_missing():
    sent = new_category(ROWS, FIRST_TWO, 1.0, rng(), REFERENCE, column="city", value="z")
    assert sent["city"].to_pylist() == ["z", "z", "b", "a"]


def test_a_dictionary_column_takes_a_new_category():
    rows = pa.table({"city": pa.array(["a", "b"]).dictionary_encode()})
    sent = new_category(rows, np.array([True, False]), 1.0, rng(), Reference(), column="city", value="z")
    assert sent["city"].to_pylist() == ["z", "b"]


def test_numbers_are_no_categories_and_text_is_no_number():
    with pytest.raises(TypeError, match="not categories"):
        new_category(ROWS, ALL, 1.0, rng(), REFERENCE, column="hours", value="z")
    with pytest.raises(TypeError, match="not numbers"):
        shift_column(ROWS, ALL, 1.0, rng(), Reference({"city": (0.0, 1.0)}), column="city", by=1)


def test_weights_tilt_a_normal_column_by_the_declared_size():
    table = many()
    weights = resample(table, 1.0, REFERENCE, column="hours", by=0.5)
    assert np.average(table["hours"].to_numpy(), weights=weights) == pytest.approx(45, abs=0.3)


def test_a_category_weighs_more_and_missing_values_weigh_one():
    assert resample(ROWS, 1.0, REFERENCE, column="city", value="a", by=np.log(3)).round(6).tolist() == [
        3,
        1,
        1,
        3,
    ]
    assert resample(ROWS, 1.0, REFERENCE, column="wage", by=1.0)[3] == 1


def test_huge_weights_stay_finite_and_in_order():
    weights = resample(ROWS, 1.0, REFERENCE, column="hours", by=500)
    assert np.isfinite(weights.sum()) and weights[3] > weights[0] > 0


def test_half_inverted_answers_say_nothing_and_fully_inverted_ones_the_opposite():
    eta = np.array([0.0, 0.2, 1.0])
    mask = np.ones(3, bool)
    assert change_concept(eta, ROWS, mask, 0.5, REFERENCE, mode="invert").tolist() == [0.5, 0.5, 0.5]
    assert change_concept(eta, ROWS, mask, 1.0, REFERENCE, mode="invert").tolist() == [1.0, 0.8, 0.0]


def test_log_odds_move_by_the_declared_size_and_certainty_stays_certain():
    eta = np.array([0.0, 0.5, 0.5, 1.0])
    mask = np.array([True, True, False, True])
    moved = change_concept(eta, ROWS, mask, 0.5, REFERENCE, by=2.0)
    assert moved.tolist() == [0.0, pytest.approx(1 / (1 + np.exp(-1))), 0.5, 1.0]


def test_labels_flip_in_the_declared_share_and_unknown_ones_stay_unknown():
    labels = np.concatenate([np.zeros(5000), np.ones(4999), [np.nan]])
    recorded = flip_labels(labels, ROWS, np.ones(10_000, bool), 0.5, rng(), REFERENCE, share=0.2)
    assert (recorded[:-1] != labels[:-1]).mean() == pytest.approx(0.1, abs=0.01)
    assert np.isnan(recorded[-1])


def test_labels_of_a_regression_cannot_flip():
    with pytest.raises(ValueError, match="0 or 1"):
        flip_labels(np.array([3.5, 1.0]), ROWS, np.ones(2, bool), 1.0, rng(), REFERENCE)


def test_a_silent_monitor_leaves_the_other_one_speaking():
    drift = Finding("data_quality", "drift", "age", "psi", 0.2, 0.1, True, 3)
    worse = Finding("model_quality", "quality", "auc", "relative", 0.3, 0.2, True, 3)
    assert silence_monitor((drift, worse), 1.0) == ()
    assert silence_monitor((drift, worse), 0.1, monitor="data_quality") == (worse,)
