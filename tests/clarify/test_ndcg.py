"""The order of the features: the guide's own example, and what must hold for any attributions."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as some

from simlab.clarify.ndcg import ndcg

weights = some.floats(0, 1e6, allow_subnormal=False)
both = some.dictionaries(some.text(max_size=3), some.tuples(weights, weights), min_size=1, max_size=12)


def test_the_guides_example() -> None:
    training = {"a": 0.70, "b": 0.50, "c": 0.05}
    reversed_order = ndcg(training, {"a": 0.05, "b": 0.50, "c": 0.70})
    assert reversed_order == pytest.approx(0.6877, abs=1e-4)  # the guide prints 0.69
    # by hand: (0.05 + 0.5 / log2(3) + 0.7 / 2) / (0.7 + 0.5 / log2(3) + 0.05 / 2)
    assert ndcg(training, {"c": 3.0, "b": 2.0, "a": 1.0}) == pytest.approx(
        0.715464876785729 / 1.040464876785729
    )


@given(both)
def test_it_lies_between_0_and_1(pairs: dict[str, tuple[float, float]]) -> None:
    value = ndcg({k: a for k, (a, _) in pairs.items()}, {k: b for k, (_, b) in pairs.items()})
    if not any(a for a, _ in pairs.values()):
        assert value is None
    else:
        assert value is not None and 0 <= value <= 1


@given(both, some.floats(0.01, 100))
def test_the_same_order_is_no_drift_however_large_the_figures(
    pairs: dict[str, tuple[float, float]], scale: float
) -> None:
    training = {name: a for name, (a, _) in pairs.items()}
    ranks = {value: place for place, value in enumerate(sorted(set(training.values())))}
    for live in (
        {name: value * scale for name, value in training.items()},
        {name: float(ranks[value]) for name, value in training.items()},
        dict(reversed(training.items())),
        dict.fromkeys(training, 1.0),  # all tied: nothing says that the order is another one
    ):
        assert ndcg(training, live) in (None, 1.0)


@given(both)
def test_no_order_scores_below_the_reversed_one(pairs: dict[str, tuple[float, float]]) -> None:
    training = {name: a for name, (a, _) in pairs.items()}
    value = ndcg(training, {name: b for name, (_, b) in pairs.items()})
    worst = ndcg(
        training, {name: -place for place, name in enumerate(sorted(training, key=training.__getitem__), -99)}
    )
    assert value is None or worst is None or worst <= value + 1e-12


def test_a_negative_attribution_counts_by_its_size() -> None:
    assert ndcg({"a": -0.7, "b": 0.5}, {"a": 0.7, "b": -0.5}) == 1.0
    assert ndcg({"a": -0.7, "b": 0.1}, {"a": 0.1, "b": -0.7}) == ndcg(
        {"a": 0.7, "b": 0.1}, {"a": 0.1, "b": 0.7}
    )


@pytest.mark.parametrize(
    ("training", "live"),
    [({}, {}), ({"a": 0.0}, {"a": 1.0}), ({"a": nan}, {"a": 1.0}), ({"a": 1.0}, {"a": inf})],
)
def test_where_it_is_undefined(training: dict[str, float], live: dict[str, float]) -> None:
    assert ndcg(training, live) is None


def test_other_features_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="different features cannot be compared: age, sex"):
        ndcg({"age": 1.0, "job": 1.0}, {"sex": 1.0, "job": 1.0})
