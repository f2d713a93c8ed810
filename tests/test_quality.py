"""Which way better lies."""

from __future__ import annotations

from typing import get_args

import pytest

from simlab.quality import DEFAULT_METRIC, LOWER_IS_BETTER, METRICS, Metric, worse_by


def test_every_metric_has_a_name_and_a_kind_of_problem() -> None:
    assert set(get_args(Metric)) == {name for names in METRICS.values() for name in names}
    assert set(DEFAULT_METRIC) == set(METRICS)
    assert all(DEFAULT_METRIC[problem] in METRICS[problem] for problem in METRICS)


@pytest.mark.parametrize("metric", get_args(Metric))
def test_worse_is_positive_and_better_negative(metric: str) -> None:
    up = worse_by(metric, 0.6, 0.5)
    assert up == pytest.approx(0.2 if metric in LOWER_IS_BETTER else -0.2)
    assert worse_by(metric, 0.5, 0.5) == 0


def test_the_share_of_nothing_is_the_gap_itself() -> None:
    assert worse_by("mae", 0.3, 0.0) == 0.3
    assert worse_by("r2", -0.5, -0.25) == pytest.approx(1.0)
