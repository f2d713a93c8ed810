"""Only what the serving graph says exactly may be fixed, and the engines agree on the list."""

from __future__ import annotations

import pytest

from simlab.engines import engine
from simlab.hyperparameters import TAKES, problems_in


@pytest.mark.parametrize("algorithm", sorted(TAKES))
def test_what_tuning_searches_may_also_be_fixed(algorithm: str) -> None:
    learner = engine(algorithm)
    assert set(learner.DEFAULTS) <= TAKES[algorithm]
    assert list(problems_in(algorithm, learner.DEFAULTS, "fixed")) == []


def test_what_has_no_exact_exporter_is_refused() -> None:
    assert list(problems_in("lightgbm", {"linear_tree": True}, "fixed"))[0].startswith(
        "fixed: lightgbm has no parameter 'linear_tree' that exports exactly"
    )
    for objective in ("poisson", "tweedie", "cross_entropy"):
        assert "has no exact exporter" in next(problems_in("lightgbm", {"objective": objective}, "fixed"))
    assert list(problems_in("linear", {"l22": 1}, "f")) == [
        "f: linear has no parameter 'l22' that exports exactly; did you mean 'l2'?"
    ]
