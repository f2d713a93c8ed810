"""Figures of the detectors on samples small enough to check by hand, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simlab.detectors import REFUSED, judge
from simlab.detectors.chisquare import chisquare
from simlab.detectors.hellinger import hellinger
from simlab.detectors.jensenshannon import jensenshannon
from simlab.detectors.ks import ks
from simlab.detectors.mannw import mannw
from simlab.detectors.psi import psi
from simlab.detectors.t_test import t_test
from simlab.detectors.wasserstein import wasserstein
from simlab.detectors.z import z
from simlab.engines import engine
from simlab.signature import names
from simlab.statistics import sample

pytestmark = pytest.mark.engine

A_LOT_OF_A = np.array(["a"] * 8 + ["b"] * 2, object)
A_LOT_OF_B = np.array(["a"] * 2 + ["b"] * 8, object)


def test_wasserstein_of_a_shifted_sample_is_the_shift_in_standard_deviations():
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    assert wasserstein(x, x + 0.5)[0] == pytest.approx(0.5 / math.sqrt(2))


def test_psi_of_swapped_shares_by_hand():
    value, breached, threshold = psi(A_LOT_OF_A, A_LOT_OF_B)
    assert value == pytest.approx(2 * 0.6 * math.log(4))
    assert (breached, threshold) == (True, 0.1)


def test_jensenshannon_and_hellinger_by_hand():
    kl = 0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)
    assert jensenshannon(A_LOT_OF_A, A_LOT_OF_B)[0] == pytest.approx(math.sqrt(kl))
    assert hellinger(A_LOT_OF_A, A_LOT_OF_B)[0] == pytest.approx(math.sqrt(1 - 2 * math.sqrt(0.16)))


def test_chisquare_by_hand():
    # ((2-8)^2/8 + (8-2)^2/2) = 22.5 with one degree of freedom
    assert chisquare(A_LOT_OF_A, A_LOT_OF_B)[0] == pytest.approx(math.erfc(math.sqrt(22.5 / 2)))


def test_z_by_hand():
    # two shares 0.2 and 0.8 of ten each, pooled one half
    size = 0.6 / math.sqrt(0.25 * 0.2)
    assert z(A_LOT_OF_A, A_LOT_OF_B)[0] == pytest.approx(math.erfc(size / math.sqrt(2)))


def test_a_wider_spread_escapes_the_t_test_and_not_ks():
    x = np.random.default_rng(0).normal(size=2000)
    x -= x.mean()
    assert not t_test(x, 3 * x)[1]
    assert ks(x, 3 * x)[1]


def test_mannw_sees_values_rise_and_is_blind_to_values_that_fall():
    x = np.random.default_rng(0).normal(size=500)
    assert mannw(x, x + 1)[1]
    assert not mannw(x, x - 1)[1]


def test_a_category_nobody_knew_is_drift_at_once():
    seen = np.array(["a"] * 990 + ["b"] * 10, object)
    assert chisquare(seen, np.append(seen, "z"))[:2] == (0.0, True)


def test_a_detector_of_numbers_refuses_names_and_the_other_way_round():
    with pytest.raises(TypeError, match="ks looks at numeric columns, and this one is categorical"):
        ks(A_LOT_OF_A, A_LOT_OF_B)
    with pytest.raises(TypeError, match="categorical"):
        chisquare(np.arange(3), np.arange(3))


def test_a_t_test_of_constants_is_undefined():
    assert t_test(np.ones(5), np.ones(5)) == (None, False, 0.05)


def test_refused_methods_have_a_reason_and_no_file():
    assert {"empirical_mmd", "TVD", "cramer_von_mises"} <= set(REFUSED)
    assert not set(REFUSED) & set(names("detectors"))
    assert all(len(why) > 10 for why in REFUSED.values())


def test_a_prepared_sample_says_what_its_values_say():
    x, y = np.random.default_rng(0).normal(size=300), np.random.default_rng(1).normal(size=80)
    assert ks(sample(x), sample(y)) == ks(x, y) == ks(sample(x), y)
    assert psi(sample(A_LOT_OF_A), A_LOT_OF_B) == psi(A_LOT_OF_A, A_LOT_OF_B)
    with pytest.raises(TypeError, match="this one is categorical"):
        ks(sample(A_LOT_OF_A), sample(A_LOT_OF_B))


def test_a_method_that_simlab_does_not_compute_is_evidentlys():
    x, y = np.random.default_rng(0).normal(size=300), np.random.default_rng(1).normal(size=80)
    found = judge("cramer_von_mises", x, sample(y), 0.05, kinds=("numeric",), direction="below")
    assert found[0] == engine("evidently").statistic("cramer_von_mises", "numeric", x, y)
    found = judge("g_test", A_LOT_OF_A, sample(A_LOT_OF_B), 0.05, kinds=("categorical",), direction="below")
    assert found[0] == engine("evidently").statistic("g_test", "categorical", A_LOT_OF_A, A_LOT_OF_B)
