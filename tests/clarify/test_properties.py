"""What must hold of every bias metric, whatever the rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simlab.clarify.bias import NEUTRAL, STAGES, computed
from simlab.clarify.counts import Counts
from simlab.clarify.drift import Range, allowed, intervals, resampled
from simlab.clarify.post_training import DESCRIPTIONS
from tests.clarify.tables import measured

tables = st.lists(st.integers(0, 30), min_size=16, max_size=16).map(lambda n: np.array(n).reshape(2, 2, 2, 2))
"""Counts in two strata; some cells empty."""

ALL = [(stage, name) for stage, names in STAGES.items() for name in names if name != "FT"]

RANGES = {
    "CI": (-1, 1), "DPL": (-1, 1), "KL": (-math.inf, math.inf), "JS": (-math.inf, math.log(2)),
    "LP": (0, math.sqrt(2)), "TVD": (0, 1), "KS": (0, 1), "CDDL": (-1, 1), "DPPL": (-1, 1), "DI": (0, math.inf),
    "RD": (-1, 1), "SD": (-1, 1), "DAR": (-1, 1), "DRR": (-1, 1), "AD": (-1, 1), "CDDPL": (-1, 1), "GE": (0, math.inf),
}  # fmt: skip
"""KL and JS are not bounded by 0 where a group lacks a label value, since the sum is over those both have."""

TURNED = ("CI", "DPL", "DPPL", "DCA", "DCR", "RD", "SD", "DAR", "DRR", "AD", "TE")
"""Differences between two groups: which of them is called disadvantaged turns their sign."""


def every(cells: np.ndarray) -> dict[str, float]:
    found: dict[str, float] = {}
    for stage, names in STAGES.items():
        found |= {k: float(v) for k, v in computed(stage, list(names), cells).items()}
    return found


def close(left: float, right: float) -> bool:
    return left == right or (math.isnan(left) and math.isnan(right)) or abs(left - right) < 1e-12


def two_groups(cells: np.ndarray) -> None:
    assume(cells[:, 0].sum() > 0 and cells[:, 1].sum() > 0)


@given(cells=tables)
def test_each_stays_in_its_range(cells: np.ndarray) -> None:
    two_groups(cells)
    found = every(cells)
    for name, (low, high) in RANGES.items():
        value = found[name]
        assert math.isnan(value) or low - 1e-12 <= value <= high + 1e-12, (name, value)


@given(cells=tables)
def test_calling_the_other_group_disadvantaged_turns_what_is_a_difference(cells: np.ndarray) -> None:
    two_groups(cells)
    found, turned = every(cells), every(cells[:, ::-1])
    for name in TURNED:
        assert close(found[name], -turned[name]), name
    for name in ("JS", "LP", "TVD", "KS", "GE"):
        assert close(found[name], turned[name]), name
    if 0 < found["DI"] < math.inf:
        assert close(found["DI"] * turned["DI"], 1.0)


@given(cells=tables)
def test_two_groups_that_are_treated_alike_are_neutral(cells: np.ndarray) -> None:
    assume(cells[:, 0].sum() > 0 and cells[:, 0, :, 1].sum() > 0)
    alike = np.stack([cells[:, 0], cells[:, 0]], axis=1)
    for name, value in every(alike).items():
        if name not in ("GE", "CDDL", "CDDPL"):
            assert close(value, NEUTRAL.get(name, 0.0)), (name, value)
    # CDD compares with how many were rejected and accepted at all, so it is neutral where both happened
    both = np.maximum(alike, 1)
    both[:, 1] = both[:, 0]
    assert close(every(both)["CDDL"], 0.0) and close(every(both)["CDDPL"], 0.0)


@given(seed=st.integers(0, 10_000), rows=st.integers(2, 60))
def test_the_order_of_the_rows_does_not_matter(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    table = pa.table({"sex": rng.choice(["F", "M"], rows), "part": rng.choice(["n", "s"], rows)})
    label, answer = rng.random(rows) < 0.5, rng.random(rows) < 0.5
    order = rng.permutation(rows)
    facets: Any = {"sex": None}
    first = list(measured(table, facets, label, answer, group="part"))
    again = list(measured(table.take(pa.array(order)), facets, label[order], answer[order], group="part"))
    assert first == again


@pytest.mark.parametrize(("stage", "name"), ALL)
def test_many_tables_at_once_are_each_by_itself(stage: Any, name: str) -> None:
    rng = np.random.default_rng(3)
    cells = rng.integers(0, 20, (50, 3, 2, 2, 2))
    together = computed(stage, [name], cells)[name]
    alone = [float(computed(stage, [name], c)[name]) for c in cells]
    assert together.shape == (50,)
    np.testing.assert_array_equal(together, np.array(alone))


@given(baseline=st.floats(-5, 5), value=st.floats(-5, 5))
def test_what_is_no_further_from_neutral_is_allowed(baseline: float, value: float) -> None:
    assert allowed("DPPL", baseline).holds(value) == (abs(value) <= abs(baseline))


def test_a_ratio_is_as_far_from_one_on_either_side() -> None:
    assert allowed("DI", 0.8) == allowed("DI", 1.25)
    assert not allowed("DI", 0.8).holds(0.79) and not allowed("DI", 0.8).holds(1.26)
    assert allowed("DI", 0.0).holds(math.inf), "nothing is further from neutral than nobody"


def test_ranges_that_touch_are_not_apart() -> None:
    assert not Range(0.2, 0.4).apart(Range(-0.2, 0.2))
    assert Range(0.21, 0.4).apart(Range(-0.2, 0.2)) and Range(-0.4, -0.21).apart(Range(-0.2, 0.2))


def test_drawing_cells_is_drawing_rows() -> None:
    """The multinomial samples spread as resampled rows do: compared with the textbook's row-wise bootstrap."""
    rng = np.random.default_rng(0)
    member, answer = rng.random(800) < 0.4, rng.random(800) < 0.5
    cells = np.zeros((1, 2, 2, 2), int)
    for m, a in zip(member, answer, strict=True):
        cells[0, int(m), 0, int(a)] += 1
    fast = computed("Post-Training", ["DPPL"], resampled(cells, 4000, np.random.default_rng(1)))["DPPL"]
    slow = []
    for _ in range(4000):
        drawn = rng.integers(0, 800, 800)
        m, a = member[drawn], answer[drawn]
        slow.append(a[~m].mean() - a[m].mean())
    assert fast.mean() == pytest.approx(np.mean(slow), abs=0.004)
    assert fast.std() == pytest.approx(np.std(slow), rel=0.06)
    # and both as the formula of two proportions says
    q, n = [answer[member == k].mean() for k in (False, True)], [(~member).sum(), member.sum()]
    assert fast.std() == pytest.approx(
        math.sqrt(sum(p * (1 - p) / k for p, k in zip(q, n, strict=True))), rel=0.06
    )


def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    law = np.array([[[0.2, 0.1], [0.1, 0.2]], [[0.15, 0.05], [0.1, 0.1]]])[None]
    truth = float(computed("Post-Training", ["AD"], law)["AD"])
    held = 0
    for _ in range(400):
        cells = rng.multinomial(600, law.ravel()).reshape(law.shape)
        value = float(computed("Post-Training", ["AD"], cells)["AD"])
        found = intervals("Post-Training", ["AD"], [value], resampled(cells, 200, rng), 0.9)["AD"]
        held += found is not None and found.holds(truth)
    assert 0.86 <= held / 400 <= 0.94  # three standard errors around 0.90, a little under


def test_there_is_no_interval_where_the_value_is_infinite_or_mostly_undefined() -> None:
    cells = np.array([[[[5, 0], [5, 0]], [[5, 0], [3, 2]]]])
    samples = resampled(cells, 100, np.random.default_rng(0))
    found = intervals("Post-Training", ["DI", "AD", "FT"], [math.inf, 0.1, 0.2], samples, 0.95)
    assert found["DI"] is None and found["FT"] is None and found["AD"] is not None


def test_extreme_groups_are_counted_and_nothing_overflows() -> None:
    cells = np.zeros((1, 2, 2, 2), np.int64)
    cells[0, 0] = [[10**12, 0], [0, 10**12]]
    cells[0, 1] = [[0, 0], [1, 0]]
    found = every(cells)
    assert found["CI"] == pytest.approx(1.0) and found["RD"] == 1.0 and found["AD"] == 1.0
    assert found["TE"] == math.inf
    assert set(DESCRIPTIONS) - {"FT"} <= set(found)
    assert Counts(cells).rows.tolist() == [2e12, 1.0]
