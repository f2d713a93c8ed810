"""How far the order of the features has moved: nDCG of live attributions against those of the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum, isfinite, log2

THRESHOLD = 0.90
"""Clarify alerts below it."""


def ndcg(training: Mapping[str, float], live: Mapping[str, float]) -> float | None:
    """How well the live order of the features keeps the baseline's: 1 where it is the same, never under 0.

    Normalised discounted cumulative gain of feature attributions: ``DCG / iDCG`` with ``DCG = sum_i
    a(f'_i) / log2(i + 1)``, where the features f' stand in their live order, a is the attribution in
    training, and iDCG is the same sum in the training order (Amazon SageMaker developer guide, "Feature
    attribution drift"; Jarvelin and Kekalainen 2002). The attributions that are ranked are global ones;
    a negative one, which only the median can be, counts by its size. Features that weigh the same in live
    rows keep the baseline's order, so that a tie is no drift.

    Undefined, and therefore None, where no feature had an attribution in training, or one is not finite.

    Parameters
    ----------
    training
        Global attributions of the baseline, by feature.
    live
        Global attributions of live rows, of the same features.

    Raises
    ------
    ValueError
        The two do not hold the same features.

    >>> round(ndcg({"a": 0.7, "b": 0.5, "c": 0.05}, {"a": 0.1, "b": 0.2, "c": 0.3}), 4)
    0.6876
    """
    if set(training) != set(live):
        apart = sorted(set(training) ^ set(live))
        raise ValueError(f"attributions of different features cannot be compared: {', '.join(apart)}")
    if not all(isfinite(value) for value in (*training.values(), *live.values())):
        return None
    known = {name: abs(value) for name, value in training.items()}
    best = sorted(known, key=lambda name: -known[name])
    largest = known[best[0]] if best else 0.0
    if not largest:
        return None
    # In units of the largest, so that the smallest doubles do not vanish in the quotient.
    gains = {name: value / largest for name, value in known.items()}
    now = sorted(best, key=lambda name: -abs(live[name]))
    return min(1.0, _dcg([gains[name] for name in now]) / _dcg([gains[name] for name in best]))


def _dcg(gains: list[float]) -> float:
    return fsum(gain / log2(place + 2) for place, gain in enumerate(gains))
