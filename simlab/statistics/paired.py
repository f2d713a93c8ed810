"""Two models on the same rows: whether one of them is better, and by more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from simlab.quality import log_losses

if TYPE_CHECKING:
    import numpy as np

RowMetric = Literal["log_loss", "brier", "accuracy", "mae", "rmse"]
"""Metrics that are a mean over rows (or its root), so that two models can be compared row by row."""

ROW_METRICS: Mapping[str, tuple[RowMetric, ...]] = {
    "binary": ("log_loss", "brier", "accuracy"),
    "regression": ("mae", "rmse"),
}
"""Those that judge a model, by kind of problem; the usual one first."""


@dataclass(frozen=True)
class Paired:
    """How much less one model loses than another on the same rows."""

    difference: float
    """In the metric's own unit; above 0 where the second is better than the first."""
    low: float
    high: float
    """The interval of the confidence that was asked for."""
    p: float
    """One-sided: chance of so large a difference if there were none beyond the bound."""
    rows: int


def row_losses(metric: RowMetric, truth: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """What each row costs: its share of a metric, better when lower.

    Parameters
    ----------
    metric
        With `accuracy` a wrong answer costs 1; with `rmse` a row costs its squared error.
    truth, scores
        True answers and what the model said, [rows].
    threshold
        A score at or above it counts as positive (`accuracy`).

    >>> import numpy as np
    >>> row_losses("accuracy", np.array([1.0, 0.0]), np.array([0.9, 0.8]), 0.5).tolist()
    [0.0, 1.0]
    """
    import numpy as np

    if metric == "log_loss":
        return log_losses(truth == 1, scores)
    if metric == "accuracy":
        return np.asarray((scores >= threshold) != (truth == 1), float)
    off = np.asarray(truth - scores, float)
    return np.abs(off) if metric == "mae" else off**2


def bootstrap(
    first: np.ndarray,
    second: np.ndarray,
    *,
    rng: np.random.Generator,
    metric: RowMetric = "log_loss",
    factor: float = 1.0,
    bound: float = 0.0,
    confidence: float = 0.95,
    repeats: int = 2000,
) -> Paired:
    """The paired bootstrap of the difference of a metric: rows are drawn anew, each with both its losses.

    ``d = m(first) - factor m(second)``, with m the mean of the losses (its root for `rmse`). The interval
    is the percentile interval; ``p = (1 + #{d* <= bound}) / (1 + repeats)``, one-sided (Efron and
    Tibshirani 1993, chapters 13 and 16; the added 1 is Davison and Hinkley's, 1997, 4.2). NaN and a p of 1
    without rows.

    Parameters
    ----------
    first, second
        Losses of the two models on the same rows in the same order, [rows].
    rng
        Draws the rows.
    metric
        What the losses are of.
    factor
        What the second model's figure is multiplied by: 1.1 asks whether the first is a tenth worse.
    bound
        What the difference is held against.
    confidence
        Share of the resamples inside the interval.
    repeats
        How often the rows are drawn anew.

    >>> import numpy as np
    >>> worse, better = np.array([1.0, 1.2, 0.9, 1.1] * 20), np.array([0.5, 0.6, 0.5, 0.4] * 20)
    >>> found = bootstrap(worse, better, rng=np.random.default_rng(0))
    >>> round(found.difference, 3), found.p < 0.001
    (0.55, True)
    """
    import numpy as np

    rows = len(first)
    if not rows:
        return Paired(float("nan"), float("nan"), float("nan"), 1.0, 0)
    both = np.column_stack([first, second]).astype(float)

    def gap(means: np.ndarray) -> np.ndarray:
        figures = np.sqrt(means) if metric == "rmse" else means
        return np.asarray(figures[..., 0] - factor * figures[..., 1])

    at_once = max(1, 1_000_000 // rows)
    found = []
    for start in range(0, repeats, at_once):
        drawn = rng.integers(rows, size=(min(at_once, repeats - start), rows))
        found.append(gap(both[drawn].mean(axis=1)))
    gaps = np.concatenate(found)
    low, high = np.quantile(gaps, [(1 - confidence) / 2, (1 + confidence) / 2])
    p = (1 + int((gaps <= bound).sum())) / (1 + repeats)
    return Paired(float(gap(both.mean(axis=0))), float(low), float(high), p, rows)


def mcnemar(first_wrong: np.ndarray, second_wrong: np.ndarray, *, confidence: float = 0.95) -> Paired:
    """McNemar's test of two classifiers on the same rows, exact: only rows on which they differ speak.

    Of the ``b + c`` rows that exactly one of them gets wrong, b are the first one's mistakes; if both were
    equally good, b would be binomial with a chance of one half. ``p = P(B >= b)``, one-sided; the
    difference is ``(b - c) / rows``, of the accuracies, and its interval Clopper and Pearson's of b/(b + c),
    carried over (McNemar 1947; Fay 2010). Without a row on which they differ p is 1.

    Parameters
    ----------
    first_wrong, second_wrong
        Whether each answered a row wrongly, [rows].
    confidence
        Confidence of the interval.

    >>> import numpy as np
    >>> first, second = np.array([1, 1, 1, 1, 1, 0, 0, 0]), np.array([0, 0, 0, 0, 0, 0, 0, 1])
    >>> found = mcnemar(first, second)
    >>> found.difference, round(found.p, 6)  # (6 + 1) / 2**6
    (0.5, 0.109375)
    """
    import numpy as np
    from scipy.stats import binomtest

    first, second = np.asarray(first_wrong, bool), np.asarray(second_wrong, bool)
    rows = len(first)
    if not rows:
        return Paired(float("nan"), float("nan"), float("nan"), 1.0, 0)
    b, c = int((first & ~second).sum()), int((second & ~first).sum())
    if not b + c:
        return Paired(0.0, 0.0, 0.0, 1.0, rows)
    test = binomtest(b, b + c, 0.5, alternative="greater")
    share = binomtest(b, b + c, 0.5).proportion_ci(confidence, method="exact")
    low, high = ((2 * float(end) - 1) * (b + c) / rows for end in (share.low, share.high))
    return Paired((b - c) / rows, low, high, float(test.pvalue), rows)
