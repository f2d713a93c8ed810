"""The feedback loop beside the urn it is: shares wander to a random place, or one group takes all.

The injector's own weights decide each draw; what is compared is the urn's closed form. One urn with two
groups is one window of one row after another, so many urns are one after the other here, in the same steps.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from simlab.injectors.feed_back import feed_back, size
from simlab.reference import Reference

POOL = pa.table({"district": ["A"] * 2 + ["B"] * 3})
REFERENCE = Reference()


def share_of_a(past: dict[str, tuple[int, int]], **settings: float) -> float:
    """Share of A in the next draw, by the injector's weights."""
    weights = feed_back(POOL, past, 1.0, REFERENCE, group="district", **settings)
    return float(weights[:2].sum() / weights.sum())


def table(steps: int, **settings: float) -> np.ndarray:
    """The share of A after so many yes to A and to B, each asked of the injector once."""
    found = np.full((steps + 1, steps + 1), np.nan)
    for a in range(steps + 1):
        for b in range(steps + 1 - a):
            found[a, b] = share_of_a({"A": (a, a), "B": (b, b)}, **settings)
    return found


def urns(many: int, steps: int, rates: tuple[float, float], **settings: float) -> np.ndarray:
    """The share of A in the next draw of many urns, after so many rows each."""
    random = np.random.default_rng(11)
    shares = table(steps, **settings)
    yes = np.zeros((2, many), int)
    for _ in range(steps):
        to_b = (random.random(many) >= shares[yes[0], yes[1]]).astype(int)
        said = random.random(many) < np.take(rates, to_b)
        np.add.at(yes, (to_b, np.arange(many)), said.astype(int))
    return shares[yes[0], yes[1]]


def test_the_next_share_is_the_urns() -> None:
    # A holds 2 in 5 of the pool: 4 of 10 balls; then 6 yes to A and 2 to B, each worth half a ball.
    found = share_of_a({"A": (50, 6), "B": (9, 2)}, gain=0.5, prior=10.0)
    assert found == pytest.approx((4 + 0.5 * 6) / (10 + 0.5 * 8))
    told = size(
        POOL,
        feed_back(POOL, {"A": (9, 6), "B": (9, 2)}, 1.0, REFERENCE, group="district", gain=0.5, prior=10.0),
        None, 1.0, REFERENCE, past={"A": (9, 6), "B": (9, 2)}, group="district", gain=0.5, prior=10.0,
    )  # fmt: skip
    assert told.what == "share of rows where district is A"
    assert told.declared == pytest.approx(0.5) and told.measured == pytest.approx(0.5)


def test_only_a_yes_counts_and_strength_scales_what_it_counts() -> None:
    assert share_of_a({"A": (1000, 0), "B": (1000, 0)}, prior=10.0) == pytest.approx(0.4)
    weights = feed_back(POOL, {"A": (8, 8)}, 0.5, REFERENCE, group="district", prior=4.0)
    assert weights[:2].sum() / weights.sum() == pytest.approx((0.4 * 4 + 4) / (4 + 4))


def test_a_group_without_a_yes_is_still_drawn() -> None:
    assert 0 < 1 - share_of_a({"A": (10**6, 10**6)}, prior=1.0) < 1e-5


def test_equal_groups_keep_their_share_on_average_and_part_ways_by_polyas_law() -> None:
    """Polya's urn with a = 2 and b = 3 balls: a martingale that settles by the Beta law.

    After n draws the share of balls has the variance of the limit, ab / ((a+b)^2 (a+b+1)), times
    n / (a + b + n), exactly.
    """
    a, b, steps, many = 2.0, 3.0, 120, 20_000
    found = urns(many, steps, (1.0, 1.0), gain=1.0, prior=a + b)
    limit = a * b / ((a + b) ** 2 * (a + b + 1))
    variance = limit * steps / (a + b + steps)
    assert abs(found.mean() - 0.4) < 4 * np.sqrt(variance / many)
    fourth = ((found - found.mean()) ** 4).mean()
    error = np.sqrt((fourth - variance**2) / many)
    assert abs(found.var() - variance) < 4 * error
    assert abs(found.var() - limit / 2) > 20 * error, "the comparison can tell another variance"
    # And the whole law: after n draws the yes to A are beta-binomial, whose limit is the Beta law.
    from scipy.stats import betabinom

    yes = np.round(found * (a + b + steps) - a)
    for k in (12, 30, 48, 72, 100):
        q = betabinom.cdf(k, steps, a, b)
        assert abs((yes <= k).mean() - q) < 4 * np.sqrt(q * (1 - q) / many)


@pytest.mark.parametrize("rate", [1.0, 0.3])
def test_a_yes_less_often_but_alike_favours_nobody(rate: float) -> None:
    found = urns(20_000, 100, (rate, rate), gain=1.0, prior=5.0)
    assert abs(found.mean() - 0.4) < 4 * found.std() / np.sqrt(20_000)


def test_the_group_with_the_higher_rate_takes_all() -> None:
    """Ensign et al. 2018: observed incidents alone decide, so the urn runs away, whatever the true ratio.

    With rates 0.3 and 0.2 a fair share of A would be 0.6; A's share goes on growing past it.
    """
    soon, later, late = (urns(2_000, n, (0.3, 0.2), gain=5.0, prior=5.0).mean() for n in (20, 80, 240))
    assert 0.4 < soon < later < late
    other = urns(2_000, 240, (0.2, 0.3), gain=5.0, prior=5.0).mean()
    assert other < 0.4 < late
    # In the mean field d share / d log(balls) is share (1 - share)(rate_a - rate_b) over the mean rate,
    # so the odds grow as a power of the balls and have no place to rest but 0 and 1.
    apart = urns(2_000, 240, (0.9, 0.1), gain=5.0, prior=20.0)
    assert apart.mean() > 0.97 and np.quantile(apart, 0.05) > 0.9
