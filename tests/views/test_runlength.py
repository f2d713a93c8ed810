"""Run lengths under censoring, and intervals against figures from tables."""

from __future__ import annotations

import numpy as np
import pytest

from simlab.views.runlength import arl, mean_interval, rate_interval, share_interval


def geometric(p: float, replications: int, horizon: int, seed: int) -> list[int | None]:
    lengths = np.random.default_rng(seed).geometric(p, replications)
    return [int(n) if n <= horizon else None for n in lengths]


def test_a_geometric_law_is_recovered_in_spite_of_censoring():
    found = arl(geometric(0.01, 400, 60, seed=1), 60)
    assert found.censored > 150, "most of what there is to learn is censored"
    assert found.low <= 100 <= found.high and found.mean == pytest.approx(100, rel=0.2)
    naive = np.mean([n for n in geometric(0.01, 400, 60, seed=1) if n is not None])
    assert naive < 40, "leaving the censored ones out would claim this"


def test_the_interval_covers_at_least_as_often_as_it_says():
    hits = 0
    for seed in range(300):
        found = arl(geometric(1 / 40, 20, 50, seed), 50)
        hits += found.low <= 40 <= (found.high or np.inf)
    # 300 intervals of 95 %: fewer than 274 would happen once in a hundred times.
    assert hits >= 274


def test_a_run_of_replications_without_an_alarm_says_more_than():
    found = arl([None] * 5, 30)
    assert (found.mean, found.high, found.censored, found.at_risk) == (None, None, 5, 150)
    assert found.low == pytest.approx(150 / -np.log(0.025)) and found.restricted_mean == 30


def test_the_restricted_mean_is_the_mean_where_nobody_is_censored_early():
    found = arl([3, 10, None, 7], 12)
    assert found.restricted_mean == pytest.approx((3 + 10 + 12 + 7) / 4)


def test_kaplan_and_meier_by_hand():
    # Two alarms in window 2, one run ends in window 3, one alarm in window 5: S is 1, 3/5 from 2, 0.3 from 5.
    found = arl([2, 2, None, 5, None], [9, 9, 3, 9, 6])
    assert found.restricted_mean == pytest.approx(2 * 1 + 3 * 0.6 + 1 * 0.3)


@pytest.mark.parametrize("wrong", [([], 5), ([0], 5), ([6], 5), ([None], 0), ([1, 2], [5])])
def test_impossible_run_lengths_are_refused(wrong):
    with pytest.raises(ValueError, match="run length"):
        arl(*wrong)


def test_garwood():
    """Bounds of a Poisson mean as in every table: 0 events 0 to 3.689, 10 events 4.795 to 18.390."""
    assert rate_interval(0, 1) == (0, 0, pytest.approx(3.689, abs=5e-4))
    assert rate_interval(10, 1) == (10, pytest.approx(4.795, abs=5e-4), pytest.approx(18.390, abs=5e-4))
    assert rate_interval(10, 5)[1] == pytest.approx(4.795 / 5, abs=5e-4)


def test_clopper_and_pearson():
    """8 of 10: 0.4439 to 0.9748, as in the tables; the ends are closed."""
    assert share_interval(8, 10) == (0.8, pytest.approx(0.4439, abs=5e-5), pytest.approx(0.9748, abs=5e-5))
    assert share_interval(0, 5)[1] == 0 and share_interval(5, 5)[2] == 1


def test_student():
    mean, low, high = mean_interval([4.0, 6.0, 5.0, 7.0])
    assert mean == 5.5 and high - 5.5 == pytest.approx(3.182446 * 1.2909944 / 2) and low == 11 - high
    assert mean_interval([]) == (None, None, None) and mean_interval([2.0]) == (2.0, None, None)


@pytest.mark.parametrize("call", [lambda: rate_interval(-1, 3), lambda: rate_interval(1, 0),
                                  lambda: share_interval(3, 2), lambda: share_interval(0, 0),
                                  lambda: mean_interval([1.0], 1.0), lambda: rate_interval(1, 2, 0)])  # fmt: skip
def test_nonsense_is_refused(call):
    with pytest.raises(ValueError):
        call()
