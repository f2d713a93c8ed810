"""What the injectors of drift and of concept do, on data small enough to check by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from simlab.injectors import correlate_columns as correlating
from simlab.injectors.add_noise import add_noise
from simlab.injectors.add_outliers import add_outliers
from simlab.injectors.change_prior import change_prior
from simlab.injectors.correlate_columns import correlate_columns
from simlab.injectors.expand_concept import expand_concept
from simlab.injectors.extend_range import extend_range
from simlab.injectors.flip_labels import undo
from simlab.injectors.mirror_concept import mirror_concept
from simlab.injectors.move_mean import move_mean
from simlab.injectors.resample import resample
from simlab.injectors.resample import size as size_of_resample
from simlab.injectors.retype_column import retype_column
from simlab.injectors.shift_class import shift_class
from simlab.injectors.swap_meaning import swap_meaning
from simlab.injectors.virtual_drift import virtual_drift
from simlab.reference import Reference

ROWS = pa.table(
    {
        "hours": pa.array([40, 20, None, 60]),
        "wage": [10.0, 12.5, 8.0, None],
        "target": [1.0, 0.0, 1.0, 0.0],
    }
)
ALL = np.ones(4, bool)
MOMENTS = {"hours": (40.0, 10.0), "wage": (10.0, 2.0)}
BASELINE = pa.table({"hours": [20, 40, 50], "wage": [8.0, 10.0, 12.0], "target": [0.0, 1.0, 1.0]})
REFERENCE = Reference(MOMENTS, table=BASELINE)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def many(rows: int = 20_000) -> pa.Table:
    draw = np.random.default_rng(1)
    wage = draw.gamma(3, 2, rows)
    hours = np.round(40 + 2 * (wage - 6) + draw.normal(0, 10, rows))
    return pa.table({"hours": hours, "wage": wage, "target": (draw.random(rows) < 0.25).astype(float)})


def scores(table: pa.Table) -> float:
    """Correlation of normal scores, by SciPy's ranks (hours has ties, wage has none)."""
    z = [stats.norm.ppf((stats.rankdata(table[c].to_numpy()) - 0.5) / len(table)) for c in ("hours", "wage")]
    return float(np.corrcoef(*z)[0, 1])


# --- correlation alone ------------------------------------------------------------------------------


@pytest.mark.parametrize("rho", [-0.6, 0.0, 0.9])
def test_correlation_becomes_what_was_asked_and_halfway_at_half_strength(rho):
    table, mask = many(), np.ones(20_000, bool)
    before = scores(table)
    for strength in (0.5, 1.0):
        sent = correlate_columns(
            table, mask, strength, rng(), REFERENCE, column="wage", other="hours", rho=rho
        )
        assert scores(sent) == pytest.approx(before + strength * (rho - before), abs=0.01)


def test_tests_of_one_column_are_blind_to_a_change_of_correlation_alone():
    table = many()
    mask = np.random.default_rng(5).random(20_000) < 0.8
    sent = correlate_columns(table, mask, 1.0, rng(), REFERENCE, column="wage", other="hours", rho=-0.8)
    assert (np.sort(sent["wage"].to_numpy()) == np.sort(table["wage"].to_numpy())).all()
    assert stats.ks_2samp(sent["wage"].to_numpy(), table["wage"].to_numpy()).statistic == 0
    assert sent["hours"].equals(table["hours"])
    assert scores(sent) < 0 < scores(table)
    assert sent["wage"].to_numpy()[~mask].tolist() == table["wage"].to_numpy()[~mask].tolist()


def test_missing_values_and_types_stay_when_columns_are_correlated():
    rows = pa.table({"a": pa.array([3, None, 1, 2, 9]), "b": [1.0, 2.0, 3.0, 4.0, None]})
    sent = correlate_columns(rows, np.ones(5, bool), 1.0, rng(), Reference(), column="a", other="b", rho=0.99)
    assert sent["a"].to_pylist() == [1, None, 2, 3, 9], "the ninth has no partner, the second no value"
    assert sent["a"].type == pa.int64()


def test_a_correlation_that_ties_do_not_allow_is_approached_as_far_as_it_goes():
    x = np.where(np.arange(1000) < 900, 0.0, 1.0)
    rows = pa.table({"a": x, "b": np.random.default_rng(2).normal(size=1000)})
    values = {"column": "a", "other": "b", "rho": 0.95}
    mask = np.ones(1000, bool)
    sent = correlate_columns(rows, mask, 1.0, rng(), Reference(), **values)
    assert sent["b"].to_numpy()[sent["a"].to_numpy() == 1].min() > np.quantile(rows["b"].to_numpy(), 0.89)
    size = correlating.size(rows, sent, mask, 1.0, Reference(), **values)
    assert size.declared < 0.7 and size.off() < 0.1


def test_a_column_cannot_be_correlated_with_itself_and_a_constant_stays():
    with pytest.raises(ValueError, match="itself"):
        correlate_columns(ROWS, ALL, 1.0, rng(), Reference(), column="wage", other="wage", rho=0.5)
    constant = pa.table({"a": [1.0, 1.0, 1.0], "b": [1.0, 2.0, 3.0]})
    assert correlate_columns(
        constant, np.ones(3, bool), 1.0, rng(), Reference(), column="a", other="b", rho=0.5
    ).equals(constant)


# --- support, outliers, noise, class ----------------------------------------------------------------


def test_new_support_lies_beyond_all_that_the_baseline_saw_and_within_what_was_said():
    x = extend_range(
        many(), np.ones(20_000, bool), 0.5, rng(), REFERENCE, column="hours", share=0.2, by=2.0, side="both"
    )["hours"].to_numpy()
    old = many()["hours"].to_numpy()
    new = x != old
    assert new.mean() == pytest.approx(0.1, abs=0.01)
    above, below = x[new & (x > 50)], x[new & (x < 20)]
    assert len(above) + len(below) == new.sum()
    assert len(above) / new.sum() == pytest.approx(0.5, abs=0.04)
    assert above.min() > 50 and above.max() <= 70 and below.max() < 20 and below.min() >= 0


def test_support_that_nobody_knows_cannot_be_left():
    with pytest.raises(LookupError, match="no baseline rows"):
        extend_range(ROWS, ALL, 1.0, rng(), Reference(MOMENTS), column="hours")


def test_only_the_rows_of_the_class_move_and_every_answer_stays():
    sent = shift_class(ROWS, ALL, 0.5, rng(), REFERENCE, column="wage", by=2.0, label=1)
    assert sent["wage"].to_pylist() == [12.0, 12.5, 10.0, None]
    assert sent["target"].equals(ROWS["target"])
    other = shift_class(ROWS, ALL, 1.0, rng(), REFERENCE, column="hours", by=-1.0, label=0)
    assert other["hours"].to_pylist() == [40.0, 10.0, None, 50.0]


def test_outliers_lie_beyond_their_z_with_an_exponential_tail():
    rows, mask = many(), np.ones(20_000, bool)
    sent = add_outliers(rows, mask, 1.0, rng(), REFERENCE, column="wage", share=0.2, beyond=5.0)
    new = sent["wage"].to_numpy()[sent["wage"].to_numpy() != rows["wage"].to_numpy()]
    z = (new - 10) / 2
    assert len(new) / 20_000 == pytest.approx(0.2, abs=0.01)
    assert np.abs(z).min() >= 5 and (np.abs(z) - 5).mean() == pytest.approx(1, abs=0.06)
    assert (z > 0).mean() == pytest.approx(0.5, abs=0.03)
    below = add_outliers(rows, mask, 1.0, rng(), REFERENCE, column="wage", share=1.0, side="below")
    assert ((below["wage"].to_numpy() - 10) / 2).max() <= -4


def test_noise_has_the_declared_spread_and_no_direction():
    rows = many()
    sent = add_noise(rows, np.ones(20_000, bool), 0.5, rng(), REFERENCE, column="wage", by=3.0)
    added = (sent["wage"].to_numpy() - rows["wage"].to_numpy()) / 2
    assert added.std() == pytest.approx(1.5, rel=0.02) and added.mean() == pytest.approx(0, abs=0.05)


# --- who arrives ------------------------------------------------------------------------------------


def test_the_prior_becomes_what_was_asked_and_each_class_stays_as_it_was():
    pool = many()
    y, wage = pool["target"].to_numpy(), pool["wage"].to_numpy()
    for strength, due in ((0.5, y.mean() + 0.5 * (0.6 - y.mean())), (1.0, 0.6)):
        weights = change_prior(pool, strength, REFERENCE, to=0.6)
        assert np.average(y, weights=weights) == pytest.approx(due, abs=1e-12)
        for label in (0, 1):
            assert len(np.unique(weights[y == label])) == 1
            assert np.average(wage[y == label], weights=weights[y == label]) == pytest.approx(
                wage[y == label].mean()
            )


def test_a_class_that_is_not_there_cannot_arrive():
    pool = pa.table({"target": [1.0, 1.0]})
    assert change_prior(pool, 1.0, REFERENCE, to=0.5).tolist() == [1, 1]


def certain(rows: pa.Table) -> np.ndarray:
    """A law of wage alone: clear at both ends."""
    return np.asarray(1 / (1 + np.exp(-(rows["wage"].to_numpy() - 6))))


@pytest.mark.parametrize("by", [-1.5, 0.7, 3.0])
@pytest.mark.parametrize("column", ["wage", "hours"])
def test_virtual_drift_moves_the_inputs_and_keeps_what_the_law_and_its_errors_say(by, column):
    pool = many()
    reference = replace(REFERENCE, eta=certain, moments={"wage": (6.0, 3.5), "hours": (40.0, 12.0)})
    eta = certain(pool)
    weights = virtual_drift(pool, 1.0, reference, column=column, by=by, margin=0.25)
    x = pool[column].to_numpy()
    assert (weights > 0).all() and weights.mean() == pytest.approx(1)
    near = np.abs(eta - 0.5) < 0.25
    assert (weights[near] == 1).all() and not near.all()
    for side in (eta >= 0.75, eta <= 0.25):
        assert weights[side].sum() == pytest.approx(side.sum(), rel=1e-9)
        assert np.average(eta[side], weights=weights[side]) == pytest.approx(eta[side].mean(), abs=1e-9)
    error = np.minimum(eta, 1 - eta)
    assert np.average(error, weights=weights) == pytest.approx(error.mean(), abs=1e-9)
    assert (np.average(x, weights=weights) - x.mean()) * np.sign(by) > 0.05 * x.std()


def test_weights_of_virtual_drift_look_at_the_row_and_never_at_its_answer():
    pool = many()
    reference = replace(REFERENCE, eta=certain)
    other = pool.set_column(2, "target", pa.array(1 - pool["target"].to_numpy()))
    one, two = (virtual_drift(p, 1.0, reference, column="hours") for p in (pool, other))
    assert (one == two).all()


def test_a_world_without_a_labeller_has_no_clear_rows_to_speak_of():
    with pytest.raises(LookupError, match="no labeller"):
        virtual_drift(many(), 1.0, REFERENCE, column="hours")


# --- the law ----------------------------------------------------------------------------------------


def test_false_positives_and_false_negatives_are_exchanged_and_the_accuracy_stays():
    eta = np.array([0.9, 0.8, 0.4, 0.3, 0.5])
    mask = np.array([True, True, True, True, False])
    law = mirror_concept(eta, ROWS, mask, 1.0, REFERENCE)
    # Errors 0.1 and 0.2 where it says yes, 0.4 and 0.3 where it says no: 0.3 against 0.7.
    np.testing.assert_allclose(law, [1 - 0.1 * 7 / 3, 1 - 0.2 * 7 / 3, 0.4 * 3 / 7, 0.3 * 3 / 7, 0.5])
    assert (1 - law[:2]).sum() == pytest.approx(0.7) and law[2:4].sum() == pytest.approx(0.3)
    half = mirror_concept(eta, ROWS, mask, 0.5, REFERENCE)
    np.testing.assert_allclose(half, (eta + law) / 2)


def test_a_chance_above_one_is_cut_and_an_exchange_with_nothing_is_none():
    eta, mask = np.array([0.5, 0.5, 0.5, 0.5, 0.4, 0.1]), np.ones(6, bool)
    # Errors of 2 where it says yes, of 0.5 where it says no: four times 0.4 is more than certain.
    law = mirror_concept(eta, ROWS, mask, 1.0, REFERENCE)
    np.testing.assert_allclose(law, [0.875, 0.875, 0.875, 0.875, 1.0, 0.4])
    one_sided = np.array([0.9, 0.8, 0.7])
    assert (mirror_concept(one_sided, ROWS, mask[:3], 1.0, REFERENCE) == one_sided).all()


def test_the_world_answers_as_if_two_columns_had_exchanged_their_standing():
    asked = []

    def law(rows: pa.Table) -> np.ndarray:
        asked.append(rows)
        return np.full(rows.num_rows, 0.8)

    eta = np.array([0.2, 0.2, 0.2, 0.2])
    mask = np.array([True, True, True, False])
    reference = replace(REFERENCE, eta=law)
    after = swap_meaning(eta, ROWS, mask, 0.5, reference, column="hours", other="wage")
    np.testing.assert_allclose(after, [0.5, 0.5, 0.5, 0.2])
    # Wages of 0, 1.25 and -1 deviations become hours; hours of 0 and -2 become wages.
    assert asked[0]["hours"].to_pylist() == [40.0, 52.5, 30.0]
    assert asked[0]["wage"].to_pylist() == [10.0, 6.0, None]


def test_the_region_of_a_new_law_grows_and_each_lies_in_the_next():
    wage = np.arange(100.0)
    rows = pa.table({"wage": wage})
    reference = Reference({"wage": (49.5, 28.9)}, table=rows)
    eta, mask = np.full(100, 0.9), np.ones(100, bool)
    inside = [
        set(np.flatnonzero(expand_concept(eta, rows, mask, s, reference, column="wage", share=0.4) != 0.9))
        for s in (0.25, 0.5, 1.0)
    ]
    assert inside == [set(range(90, 100)), set(range(80, 100)), set(range(60, 100))]
    below = expand_concept(eta, rows, mask, 1.0, reference, column="wage", share=0.1, side="below")
    assert set(np.flatnonzero(below != 0.9)) == set(range(10))
    assert below[0] == pytest.approx(0.1)
    whole = expand_concept(
        eta, rows, mask, 1.0, reference, column="wage", share=1.0, mode="logit", by=-np.log(9)
    )
    np.testing.assert_allclose(whole, 0.5)


def test_a_missing_value_is_in_no_region():
    after = expand_concept(np.full(4, 0.9), ROWS, ALL, 1.0, REFERENCE, column="wage", share=1.0)
    np.testing.assert_allclose(after, [0.1, 0.1, 0.1, 0.9])


def test_a_regressions_mean_moves_by_deviations_of_the_answers_and_away_from_their_mean():
    baseline = pa.table({"target": [10.0, 30.0]})  # mean 20, deviation 10
    reference = Reference(table=baseline, problem="regression")
    eta, mask = np.array([10.0, 25.0, 40.0]), np.array([True, True, False])
    assert move_mean(eta, ROWS, mask, 0.5, reference, by=2.0).tolist() == [20.0, 35.0, 40.0]
    assert move_mean(eta, ROWS, mask, 1.0, reference, scale=-1.0).tolist() == [30.0, 15.0, 40.0]


# --- sizes and undoing ------------------------------------------------------------------------------


def test_a_draw_restricted_to_some_rows_declares_no_size():
    pool = pa.table({"city": ["a", "a", "b", "b"]})
    weights = resample(pool, 1.0, REFERENCE, column="city", value="a", by=np.log(3))
    whole = size_of_resample(
        pool, weights, None, 1.0, REFERENCE, column="city", value="a", by=float(np.log(3))
    )
    assert whole.declared == pytest.approx(0.75) and whole.off() == 0
    some = np.array([weights[0], 1.0, 1.0, 1.0])
    part = size_of_resample(pool, some, None, 1.0, REFERENCE, column="city", value="a", by=float(np.log(3)))
    assert part.declared is None and part.measured == pytest.approx(4 / 6)


def test_flipped_labels_can_be_flipped_back_by_who_knows_the_draws():
    labels = np.array([0.0, 1.0, np.nan, 1.0])
    twice = undo(1 - labels, ROWS, ALL, 1.0, rng(), REFERENCE, share=1.0)
    assert twice.tobytes() == labels.tobytes()


@pytest.mark.parametrize(
    ("style", "write"),
    [
        ("comma", lambda x: repr(x).replace(".", ",")),
        ("text", lambda x: f"'{x!r}'"),
        ("currency", lambda x: f"${x:,.2f}"),
        ("unit", lambda x: f"{x!r} units"),
    ],
)
def test_text_is_what_python_would_write_of_any_number(style, write):
    draw = np.random.default_rng(4)
    x = np.concatenate(
        [
            draw.normal(0, 1, 2000) * 10.0 ** draw.integers(-12, 20, 2000),
            np.round(draw.normal(0, 1, 2000) * 10.0 ** draw.integers(0, 16, 2000)),
            [0.0, -0.0, np.inf, -np.inf, 1e9, 1e14, 1e16, 1e-3, 1e-5, 999.995, -1234.5, 0.125],
        ]
    )
    rows = pa.table({"wage": x})
    sent = retype_column(rows, np.ones(len(x), bool), 1.0, rng(), REFERENCE, column="wage", style=style)
    assert sent["wage"].to_pylist() == [write(float(one)) for one in x]
    half = retype_column(rows, np.arange(len(x)) % 2 == 0, 1.0, rng(), REFERENCE, column="wage", style=style)
    assert half["wage"].to_pylist()[1::2] == [repr(float(one)) for one in x[1::2]]
