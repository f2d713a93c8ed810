"""Alarms against episodes: closed forms, and the traps that other tools fell into, one test each."""

from __future__ import annotations

from dataclasses import replace
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.views.baselines import at_random, baselines
from simlab.views.detection import Episode, Figures, Rules, Truth, measure


def change(first: int, settled: int | None = None, last: int | None = None, id: str = "a") -> Episode:
    settled = first if settled is None else settled
    return Episode(id, (id,), first, settled, settled if last is None else last)


TWO = Truth(60, (change(10, last=12), change(30, last=32, id="b")), rules=Rules(within=5, merge=3))
"""Accepted 10 to 15 and 30 to 35; late until 17 and 37; clean: 10 + 12 + 22 windows."""


# --- zones --------------------------------------------------------------------------------------


def test_clean_time_is_what_no_episode_explains():
    assert TWO.accepted == ((10, 15), (30, 35))
    assert TWO.clean == 60 - 2 * 8
    assert [w for w in range(60) if TWO.zones[w] == -1] == [*range(10), *range(18, 30), *range(38, 60)]


def test_an_alarm_while_the_change_still_acts_is_late_and_neither_hit_nor_false():
    lasting = Truth(40, (change(10, last=39),))
    found = measure([25], lasting)
    assert (found.hits, found.false_alarms, found.late, found.precision) == (0, 0, 1, None)
    assert lasting.clean == 10


def test_overlapping_acceptance_windows_are_an_error_and_no_tie_break():
    with pytest.raises(ValueError, match="of a and b overlap in window 14"):
        measure([], Truth(40, (change(10), change(14, id="b"))))


def test_a_gradual_change_is_accepted_until_it_is_complete_and_a_little_longer():
    gradual = Truth(40, (change(10, settled=20, last=25),), rules=Rules(within=5))
    found = measure([24], gradual)
    assert (found.hits, found.delay, found.restricted_delay) == (1, 14, 5)


def test_an_alarm_before_the_start_counts_where_asked_and_wins_no_time():
    early = Truth(40, (change(10),), rules=Rules(within=5, before=2))
    assert (measure([8], early).hits, measure([8], early).delay) == (1, 0)
    assert measure([8], replace(early, rules=Rules(within=5))).hits == 0


# --- the traps ----------------------------------------------------------------------------------


def test_missing_an_episode_does_not_make_the_delay_shorter():
    """MOA divides the summed delays by all true changes, so who misses half looks twice as fast."""
    found = measure([14], TWO)
    assert (found.delay, found.missed_rate) == (4, 0.5), "not 4 / 2"
    assert found.restricted_delay == (4 + 5) / 2


def test_repeating_an_alarm_earns_nothing():
    """CapyMOA's recall counts every alarm in a window as a true positive."""
    once, often = measure([11], TWO), measure([11, 12, 13, 14, 15], TWO)
    assert (often.hits, often.recall, often.precision, often.f1) == (
        once.hits,
        once.recall,
        once.precision,
        once.f1,
    )


def test_false_alarms_are_per_clean_time():
    """CapyMOA and river divide by all samples: the longer the drift, the better the rate looks."""
    found = measure([2, 50], TWO)
    assert found.false_alarm_rate == 2 / 44 and found.mtfa == 22


def test_alarms_after_the_last_episode_count():
    """CapyMOA dropped trailing alarms until its pull request 409."""
    assert measure([59], TWO).false_alarms == 1
    assert measure([11, 31, 59], TWO).precision == 2 / 3


def test_a_single_false_alarm_has_a_time_between_and_none_has_none():
    """river's mean gap needs two alarms (nan); float returns the stream's length without one."""
    assert measure([3], TWO).mtfa == 44
    assert measure([], TWO).mtfa is None and measure([], TWO).clean == 44


def test_a_false_alarm_just_before_a_change_does_not_swallow_the_hit():
    found = measure([9, 10], TWO)
    assert (found.hits, found.false_alarms, found.delay) == (1, 1, 0)


def test_alarms_on_either_side_of_an_episode_are_not_merged():
    short = Truth(30, (change(10),), rules=Rules(within=0, merge=3))
    assert measure([9, 11], short).false_alarms == 2


def test_onsets_within_the_cool_down_are_one_false_alarm_and_the_next_one_is_another():
    assert measure([20, 21, 23], TWO).false_alarms == 1
    assert measure([20, 24], TWO).false_alarms == 2, "a chain of alarms is not one for ever"


def test_a_benign_change_counts_against_who_fires_and_is_no_clean_time():
    known = replace(TWO, benign=((45, 46),))
    found = measure([11, 45], known)
    assert (found.benign_alarms, found.false_alarms, found.precision) == (1, 0, 0.5)
    assert known.clean == TWO.clean - 7 and found.mtfa is None


def test_what_is_not_judged_is_neither_clean_nor_an_episode():
    unknown = replace(TWO, unjudged=((50, 59),))
    found = measure([55], unknown)
    assert (found.false_alarms, found.late, unknown.clean) == (0, 1, TWO.clean - 10)


def test_without_an_episode_recall_and_f1_are_undefined():
    quiet = Truth(30)
    found = measure([4], quiet)
    assert (found.recall, found.f1, found.delay, found.restricted_delay) == (None, None, None, None)
    assert (found.precision, found.false_alarm_rate, found.missed_rate) == (0, 1 / 30, None)


def test_costs_add_up():
    rules = Rules(costs={"false_alarm": 2, "missed": 7, "delay": 0.5, "retrain": 0})
    assert measure([1, 13], replace(TWO, rules=rules)).cost == 2 + 7 + 3 * 0.5


# --- baselines ----------------------------------------------------------------------------------


def named(onsets: int, truth: Truth) -> dict[str, Figures]:
    return {b.name: b.figures for b in baselines(onsets, truth)}


def test_always_finds_everything_at_once_and_pays_for_every_clean_stretch():
    always = named(0, TWO)["always"]
    # Clean stretches of 10, 12 and 22 windows hold an alarm every merge + 1 = 4 windows.
    false = 3 + 3 + 6
    assert (always.recall, always.delay, always.restricted_delay) == (1, 0, 0)
    assert (always.false_alarms, always.precision) == (false, 2 / (2 + false))
    assert always.f1 == 2 * 2 / (2 * 2 + false)


def test_never_misses_everything():
    never = named(0, TWO)["never"]
    assert (never.missed_rate, never.restricted_delay, never.f1, never.precision) == (1, 5, 0, None)
    assert (never.delay, never.mtfa, never.false_alarm_rate) == (None, None, 0)


def test_every_fifth_window():
    every = named(0, TWO)["every 5"]
    # An acceptance window of 6 holds one of every five windows, wherever it begins: 0 to 4 windows late.
    assert (every.recall, every.delay) == (1, 2)
    # A fifth of 44 clean windows, none of them closer to another than the cool-down of 3.
    assert every.false_alarms == pytest.approx(44 / 5)


def test_every_tenth_window_is_lucky_as_often_as_its_period_says():
    every = named(0, TWO)["every 10"]
    assert every.hits == pytest.approx(2 * 6 / 10) and every.mtfa == pytest.approx(44 / (44 / 10))


def test_random_onsets_hit_as_often_as_the_closed_form_says():
    found = at_random(6, TWO, draws=3000)
    one = 1 - comb(54, 6) / comb(60, 6)
    assert found.hits == pytest.approx(2 * one) and found.recall == pytest.approx(one)
    drawn = _drawn(6, TWO, 3000)
    assert found.hits == pytest.approx(sum(f.hits for f in drawn) / 3000, abs=0.05)
    waited = [f.restricted_delay for f in drawn]
    assert found.restricted_delay == pytest.approx(sum(waited) / 3000, abs=0.08)


def _drawn(onsets: int, truth: Truth, draws: int) -> list[Figures]:
    import numpy as np

    rng = np.random.default_rng(5)
    return [measure(rng.permutation(truth.windows)[:onsets].tolist(), truth) for _ in range(draws)]


def test_random_onsets_without_an_onset_are_never_and_with_all_of_them_always():
    found = named(0, TWO)
    assert found["random"] == found["never"]
    everything = named(60, TWO)
    assert everything["random"] == everything["always"]


def test_random_draws_are_named_and_repeat():
    assert at_random(4, TWO, 1, "x", 50) == at_random(4, TWO, 1, "x", 50)
    assert at_random(4, TWO, 1, "x", 50) != at_random(4, TWO, 2, "x", 50)


# --- properties ---------------------------------------------------------------------------------

ONSETS = st.sets(st.integers(0, 59), max_size=25)


@given(ONSETS)
def test_the_order_of_episodes_changes_nothing(onsets):
    assert measure(onsets, TWO) == measure(onsets, replace(TWO, episodes=TWO.episodes[::-1]))


@given(ONSETS, st.sampled_from([w for w in range(60) if TWO.zones[w] == -1]))
def test_an_alarm_in_clean_time_never_raises_a_score(onsets, more):
    before, after = measure(onsets, TWO), measure({*onsets, more}, TWO)
    assert after.false_alarms >= before.false_alarms and after.hits == before.hits
    assert after.f1 <= before.f1 and after.cost >= before.cost
    assert before.precision is None or after.precision <= before.precision


@given(ONSETS, st.sampled_from([*range(10, 16), *range(30, 36)]))
def test_an_alarm_in_an_acceptance_window_never_lowers_a_score(onsets, more):
    before, after = measure(onsets, TWO), measure({*onsets, more}, TWO)
    assert after.f1 >= before.f1 and after.restricted_delay <= before.restricted_delay


@given(ONSETS)
def test_figures_fit_together(onsets):
    found = measure(onsets, TWO)
    assert found.hits + found.missed == found.episodes and found.recall + found.missed_rate == 1
    assert 0 <= found.restricted_delay <= 5 and found.false_alarms + found.late <= found.onsets


@given(ONSETS, st.integers(0, 8))
def test_a_longer_cool_down_never_makes_more_false_alarms(onsets, merge):
    short, long = (replace(TWO, rules=Rules(merge=m)) for m in (merge, merge + 1))
    assert measure(onsets, long).false_alarms <= measure(onsets, short).false_alarms
