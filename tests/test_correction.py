"""Corrections allow for how many p-values one window holds, and keep the error they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from simlab.artifacts import Finding
from simlab.correction import corrected, factor

LOW = frozenset({"ks"})


def finding(value: float | None, method: str = "ks", column: str = "x") -> Finding:
    breached = value is not None and value < 0.05
    return Finding("data_quality", "drift", column, method, value, 0.05, breached, of_window=3)


def rejected(values: list[float], correction: str) -> list[bool]:
    return [f.breached for f in corrected([finding(v) for v in values], LOW, correction)]  # type: ignore[arg-type]


def test_by_hand() -> None:
    p = [0.02, 0.001, 0.013, 0.2]
    assert rejected(p, "none") == [True, True, True, False]
    assert rejected(p, "bonferroni") == [False, True, False, False]  # 0.0125
    # 0.001 < 0.05/4, 0.013 < 0.05/3, 0.02 < 0.05/2, 0.2 >= 0.05
    assert rejected(p, "holm") == [True, True, True, False]
    assert rejected([0.02, 0.001, 0.018, 0.2], "holm") == [False, True, False, False]  # 0.018 >= 0.05/3
    # 0.03 < 3/4 * 0.05: the largest that holds takes the smaller ones with it, 0.029 >= 2/4 * 0.05 too
    assert rejected([0.03, 0.001, 0.029, 0.2], "benjamini_hochberg") == [True, True, True, False]
    assert rejected([0.04, 0.03, 0.029, 0.2], "benjamini_hochberg") == [False] * 4


def test_the_threshold_of_a_finding_is_the_adjusted_one_and_decides_as_told() -> None:
    rng = np.random.default_rng(0)
    for correction in ("bonferroni", "holm", "benjamini_hochberg"):
        for _ in range(200):
            found = corrected([finding(float(v)) for v in rng.beta(0.3, 3, 8)], LOW, correction)
            assert len({f.threshold for f in found}) == 1
            for f in found:
                assert f.value is not None and f.threshold is not None
                assert f.breached is (f.value < f.threshold)


def test_what_is_no_p_value_stays_and_does_not_count() -> None:
    given = [finding(0.02), finding(0.3, "wasserstein"), finding(None), finding(0.9)]
    found = corrected(given, LOW, "bonferroni")
    assert found[1:3] == given[1:3]
    assert found[0].threshold == pytest.approx(0.025) and found[0].breached
    assert corrected(given, LOW, "none") == given and corrected([], LOW, "holm") == []


def test_unequal_thresholds_are_cut_by_the_same_factor() -> None:
    assert factor([0.04 / 0.05, 0.04 / 0.1], "bonferroni") == 0.5
    assert factor([0.9, 0.9], "holm") == 0.5 and factor([], "holm") == 1.0


def within(count: int, trials: int, rate: float) -> bool:
    """Whether a rate lies in the Clopper-Pearson interval of a count (99.9 %)."""
    return min(binom.cdf(count, trials, rate), binom.sf(count - 1, trials, rate)) > 0.0005


@pytest.mark.parametrize(
    ("correction", "rate"),
    [("none", 1 - 0.95**20), ("bonferroni", 1 - (1 - 0.05 / 20) ** 20), ("holm", 1 - (1 - 0.05 / 20) ** 20),
     ("benjamini_hochberg", 0.05)],
)  # fmt: skip
def test_twenty_clean_columns_breach_as_often_as_the_correction_promises(
    correction: str, rate: float
) -> None:
    rng, trials = np.random.default_rng(1), 3000
    families = sum(any(rejected(rng.random(20).tolist(), correction)) for _ in range(trials))
    assert within(families, trials, rate), families / trials


def test_benjamini_hochberg_keeps_the_share_of_false_breaches_and_finds_more_than_holm() -> None:
    rng, shares, found = np.random.default_rng(2), [], {"holm": 0, "benjamini_hochberg": 0}
    for _ in range(1500):
        p = [*rng.random(12).tolist(), *rng.beta(0.08, 1, 8).tolist()]  # the last eight have drifted
        for correction in found:
            found[correction] += sum(rejected(p, correction)[12:])
        hits = rejected(p, "benjamini_hochberg")
        shares.append(sum(hits[:12]) / max(1, sum(hits)))
    # Promised: 12 / 20 of 0.05.
    assert abs(np.mean(shares) - 0.03) < 4 * np.std(shares) / np.sqrt(len(shares))
    assert found["benjamini_hochberg"] > found["holm"]
