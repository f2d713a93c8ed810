"""What the injectors of bias do, on data small enough to check by hand, or against the formula they name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from simlab.injectors import (
    bias_history,
    bias_labels,
    bias_measurement,
    omit_variable,
    plant_proxy,
    select_rows,
    skew_prevalence,
    underrepresent,
)
from simlab.reference import Reference, Size

SMALL = pa.table(
    {"pay": [10.0, 20.0, None, 40.0], "sex": pa.array(["f", "m", "f", None]), "y": [1.0, 1.0, 0.0, 0.0]}
)
FOUR = np.ones(4, bool)

N = 20_000
RANDOM = np.random.default_rng(6)
WOMAN = RANDOM.random(N) < 0.3
PAY = RANDOM.normal(0, 1, N) - 0.5 * WOMAN
CHANCE = 1 / (1 + np.exp(-(PAY - 1)))
MANY = pa.table(
    {"pay": PAY, "sex": np.where(WOMAN, "f", "m"), "y": (RANDOM.random(N) < CHANCE).astype(float)}
)
Y, ALL = MANY["y"].to_numpy(), np.ones(N, bool)


def eta(rows: pa.Table) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-(rows["pay"].to_numpy() - 1))))


HAND = Reference({"pay": (20.0, 10.0)}, table=SMALL, target="y")
REFERENCE = Reference({"pay": (float(PAY.mean()), float(PAY.std(ddof=1)))}, table=MANY, target="y", eta=eta)
HER: dict[str, Any] = {"group": "sex", "value": "f"}


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def as_declared(found: Size) -> Size:
    off = found.off()
    assert off is not None and off < 4, found
    return found


# --- the world, and its records -----------------------------------------------------------------


def test_the_same_person_of_the_group_has_lower_log_odds() -> None:
    eta_ = np.array([0.5, 0.5, 0.0, 0.5])
    moved = bias_history.bias_history(eta_, SMALL, FOUR, 0.5, HAND, **HER, by=2.0)
    assert moved.tolist() == [pytest.approx(1 / (1 + np.e)), 0.5, 0.0, 0.5]
    up = bias_history.bias_history(np.ones(4), SMALL, FOUR, 1.0, HAND, **HER, by=-1.0)
    assert up.tolist() == [1.0] * 4, "certainty stays certain"


@pytest.mark.parametrize("by", [1.5, -1.5])
def test_the_groups_share_of_yes_moves_as_declared(by: float) -> None:
    # As the world answers: a latent draw that explains the label before, asked under the new law.
    moved = bias_history.bias_history(CHANCE, MANY, ALL, 0.8, REFERENCE, **HER, by=by)
    u = np.random.default_rng(1).random(N)
    latent = np.where(Y == 1, u * CHANCE, CHANCE + (1 - u) * (1 - CHANCE))
    after = (latent <= moved).astype(float)
    found = as_declared(bias_history.size(Y, after, ALL, 0.8, REFERENCE, rows=MANY, **HER, by=by))
    assert found.declared is not None and np.sign(found.declared) == -np.sign(by)
    assert found.declared == pytest.approx((moved - CHANCE)[WOMAN].mean(), abs=0.01)
    wrong = bias_history.size(Y, after, ALL, 0.8, REFERENCE, rows=MANY, **HER, by=by / 2)
    assert (wrong.off() or 0) > 4, "the measure can tell half the bias"


def test_some_of_a_groups_positives_are_recorded_as_negatives() -> None:
    after = bias_labels.bias_labels(Y, MANY, ALL, 0.5, rng(), REFERENCE, **HER, from_1=0.6)
    assert (after != Y)[~WOMAN | (Y == 0)].sum() == 0
    assert (after != Y)[WOMAN & (Y == 1)].mean() == pytest.approx(0.3, abs=0.05)
    as_declared(bias_labels.size(Y, after, ALL, 0.5, REFERENCE, rows=MANY, **HER, from_1=0.6))


# --- what is measured of it ---------------------------------------------------------------------


def test_the_group_is_measured_lower_and_missing_stays_missing() -> None:
    sent = bias_measurement.bias_measurement(SMALL, FOUR, 0.5, rng(), HAND, column="pay", **HER, by=0.4)
    assert sent["pay"].to_pylist() == [8.0, 20.0, None, 40.0]
    assert sent.drop_columns(["pay"]).equals(SMALL.drop_columns(["pay"]))
    found = as_declared(bias_measurement.size(SMALL, sent, FOUR, 0.5, HAND, column="pay", **HER, by=0.4))
    assert found.declared == pytest.approx(0.2) and found.measured == pytest.approx(0.2)


def test_an_omitted_number_is_the_baselines_mean_for_all_and_for_the_missing_too() -> None:
    sent = omit_variable.omit_variable(SMALL, FOUR, 1.0, rng(), HAND, column="pay")
    assert sent["pay"].to_pylist() == [20.0] * 4
    some = omit_variable.omit_variable(
        SMALL, np.array([True, False, False, True]), 1.0, rng(), HAND, column="pay"
    )
    assert some["pay"].to_pylist() == [20.0, 20.0, None, 20.0]


def test_an_omitted_category_is_the_most_common_one() -> None:
    sent = omit_variable.omit_variable(SMALL, FOUR, 1.0, rng(), HAND, column="sex")
    assert sent["sex"].to_pylist() == ["f"] * 4
    half = omit_variable.omit_variable(MANY, ALL, 0.5, rng(), REFERENCE, column="sex")
    found = as_declared(omit_variable.size(MANY, half, ALL, 0.5, REFERENCE, column="sex"))
    assert found.declared == pytest.approx(0.5 + 0.5 * (1 - WOMAN.mean()))
    with pytest.raises(LookupError, match="no baseline"):
        omit_variable.omit_variable(SMALL, FOUR, 1.0, rng(), Reference(), column="sex")


@pytest.mark.parametrize(("correlation", "strength"), [(0.8, 1.0), (-0.6, 1.0), (0.8, 0.5)])
def test_a_column_becomes_a_proxy_at_the_same_mean_and_spread(correlation: float, strength: float) -> None:
    natural = np.corrcoef(PAY, WOMAN)[0, 1]
    sent = plant_proxy.plant_proxy(
        MANY, ALL, strength, rng(), REFERENCE, column="pay", **HER, correlation=correlation
    )
    x = sent["pay"].to_numpy()
    expected = natural + strength * (correlation - natural)
    # The rows are the baseline itself here, so all three hold exactly.
    assert np.corrcoef(x, WOMAN)[0, 1] == pytest.approx(expected, abs=1e-3)
    assert x.mean() == pytest.approx(PAY.mean(), abs=1e-9) and x.std() == pytest.approx(PAY.std(), rel=1e-3)
    within = np.corrcoef(x[WOMAN], PAY[WOMAN])[0, 1]
    assert within == pytest.approx(1.0), "who is who within the group is left as it was"
    as_declared(
        plant_proxy.size(MANY, sent, ALL, strength, REFERENCE, column="pay", **HER, correlation=correlation)
    )


def test_without_a_spread_there_is_no_proxy() -> None:
    flat = Reference({"pay": (20.0, 0.0)}, table=SMALL, target="y")
    assert plant_proxy.plant_proxy(SMALL, FOUR, 1.0, rng(), flat, column="pay", **HER) is SMALL


# --- who arrives --------------------------------------------------------------------------------


def drawn(module: Any, strength: float = 1.0, **settings: Any) -> np.ndarray:
    weights: np.ndarray = getattr(module, module.__name__.rpartition(".")[2])(
        MANY, strength, REFERENCE, **settings
    )
    if hasattr(module, "size"):
        as_declared(module.size(MANY, weights, None, strength, REFERENCE, **settings))
    return weights / weights.sum()


def test_a_group_is_kept_with_the_declared_chance() -> None:
    found = underrepresent.underrepresent(SMALL, 0.5, HAND, **HER, keep=0.2)
    assert found.tolist() == [0.6, 1.0, 0.6, 1.0]
    weights, p = drawn(underrepresent, **HER, keep=0.1), WOMAN.mean()
    assert weights[WOMAN].sum() == pytest.approx(0.1 * p / (0.1 * p + 1 - p))


def test_rows_are_selected_by_the_formula() -> None:
    found = select_rows.select_rows(
        SMALL, 0.5, HAND, base=-1.0, column="pay", by_column=2.0, by_answer=3.0, **HER, by_group=4.0
    )
    # z = -1, 0, missing (the mean), 2; y = 1, 1, 0, 0; the group: yes, no, yes, unknown (no).
    odds = np.array([-1 + 0.5 * (-2 + 3 + 4), -1 + 0.5 * 3, -1 + 0.5 * 4, -1 + 0.5 * 4])
    np.testing.assert_allclose(found, (1 / (1 + np.exp(-odds))) * (1 + np.exp(1.0)))


def test_selection_by_the_answer_alone_keeps_who_is_like_whom() -> None:
    weights = drawn(select_rows, base=-30.0, by_answer=1.0)
    # Far below zero selection is proportional to the odds: prior shift by a factor of e.
    odds = weights[Y == 1].sum() / weights[Y == 0].sum()
    assert odds == pytest.approx(np.e * Y.mean() / (1 - Y.mean()))
    assert np.average(PAY[Y == 1], weights=weights[Y == 1]) == pytest.approx(PAY[Y == 1].mean())


def test_selection_in_a_regression_looks_at_the_distance_from_the_mean() -> None:
    numbers = Reference({}, target="y", problem="regression")
    pool = pa.table({"y": [1.0, 3.0, None]})
    found = select_rows.select_rows(pool, 1.0, numbers, by_answer=2.0)
    np.testing.assert_allclose(found, 2 / (1 + np.exp([2.0, -2.0, 0.0])))


def test_extreme_selection_leaves_weights_above_zero() -> None:
    found = select_rows.select_rows(SMALL, 1.0, HAND, base=-500, column="pay", by_column=1e6)
    assert (found > 0).all() and np.isfinite(found).all()


@pytest.mark.parametrize(("ratio", "strength"), [(3.0, 1.0), (0.2, 1.0), (3.0, 0.5)])
def test_prevalence_is_skewed_at_the_same_rate_and_shares(ratio: float, strength: float) -> None:
    weights = drawn(skew_prevalence, strength, **HER, ratio=ratio)
    rates = [np.average(Y[w], weights=weights[w]) for w in (WOMAN, ~WOMAN)]
    natural = Y[WOMAN].mean() / Y[~WOMAN].mean()
    assert rates[0] / rates[1] == pytest.approx(natural ** (1 - strength) * ratio**strength)
    assert weights[Y == 1].sum() == pytest.approx(Y.mean()), "the overall rate stays"
    assert weights[WOMAN].sum() == pytest.approx(WOMAN.mean()), "the group's share stays"
    r, p = rates[0] / rates[1], WOMAN.mean()
    assert rates[1] == pytest.approx(Y.mean() / (r * p + 1 - p))
    cells = [np.unique(weights[g & (k == Y)]).size for g in (WOMAN, ~WOMAN) for k in (0, 1)]
    assert cells == [1] * 4, "within a group and answer all weigh alike"


def test_a_rate_above_one_is_refused_with_the_figures() -> None:
    often = MANY.set_column(2, "y", pa.array(1 - Y))
    with pytest.raises(ValueError, match=r"a ratio of 50 would need rates of .* both must be below 1"):
        skew_prevalence.skew_prevalence(often, 1.0, REFERENCE, **HER, ratio=50.0)


@pytest.mark.parametrize("module", [underrepresent, skew_prevalence, bias_measurement])
def test_a_slip_of_the_pen_is_named(module: Any) -> None:
    function = getattr(module, module.__name__.rpartition(".")[2])
    first = (MANY, ALL, 1.0, rng()) if module is bias_measurement else (MANY, 1.0)
    more = {"column": "pay"} if module is bias_measurement else {}
    more |= {"ratio": 2.0} if module is skew_prevalence else {}
    with pytest.raises(LookupError, match="nobody in the baseline has sex = 'female'"):
        function(*first, REFERENCE, group="sex", value="female", **more)
