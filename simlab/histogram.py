"""Histogram: two distributions of one column on the same bins, to lay side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

OTHERS = "(all others)"
"""Name of the bin for categories beyond the last that has one of its own."""


def histogram(
    kind: Literal["numeric", "categorical"], reference: np.ndarray, current: np.ndarray, bins: int = 20
) -> tuple[list[str], list[float], list[float]]:
    """Shares of two samples of one column, on bins they have in common.

    Parameters
    ----------
    kind
        Numbers fall into `bins` bins of equal width between the 1st and the 99th percentile of both
        samples together (one far value would squeeze all others into one bin); what lies beyond counts
        in the outermost bins. Categories are counted, those most frequent in either sample first, and
        all beyond the first ``bins - 1`` together.
    reference, current
        Values of the column; missing ones count nowhere.
    bins
        How many bins at most, at least 2.

    Returns
    -------
    labels
        Edges of the bins as text, one more than shares (numeric), or names of the categories.
    reference, current
        Shares of each sample, which sum to 1; all 0 for a sample without values.

    >>> import numpy as np
    >>> histogram("numeric", np.array([0.0, 1.0]), np.array([4.0, 4.0]), bins=2)
    (['0', '2', '4'], [1.0, 0.0], [0.0, 1.0])
    >>> histogram("categorical", np.array(["a", "b", "a"], object), np.array(["c"], object))
    (['c', 'a', 'b'], [0.0, 0.6666666666666666, 0.3333333333333333], [1.0, 0.0, 0.0])
    """
    return _numeric(reference, current, bins) if kind == "numeric" else _named(reference, current, bins)


def _numeric(
    reference: np.ndarray, current: np.ndarray, bins: int
) -> tuple[list[str], list[float], list[float]]:
    import numpy as np

    samples = [np.asarray(x, float) for x in (reference, current)]
    samples = [x[np.isfinite(x)] for x in samples]
    both = np.concatenate(samples)
    if not len(both):
        return [], [], []
    low = float(np.quantile(both, 0.01, method="lower"))
    high = float(np.quantile(both, 0.99, method="higher"))
    samples = [x.clip(low, high) for x in samples]
    both = both.clip(low, high)
    distinct = np.unique(both)
    if len(distinct) <= bins and (distinct == np.round(distinct)).all() and high - low < bins:
        # A few whole numbers: one bin each, so that none shares its bin with a neighbour.
        edges = np.arange(low - 0.5, high + 1)
    else:
        edges = np.linspace(low, high, bins + 1) if high > low else np.array([low - 0.5, high + 0.5])
    shares = [np.histogram(x, edges)[0] / max(len(x), 1) for x in samples]
    return [f"{edge:.6g}" for edge in edges], shares[0].tolist(), shares[1].tolist()


def _named(
    reference: np.ndarray, current: np.ndarray, bins: int
) -> tuple[list[str], list[float], list[float]]:
    from collections import Counter

    samples = [[str(x) for x in sample if x is not None and x == x] for sample in (reference, current)]
    counts = [Counter(sample) for sample in samples]
    share = [
        {name: count / len(sample) for name, count in counted.items()}
        for counted, sample in zip(counts, samples, strict=True)
    ]
    names = sorted(counts[0] | counts[1], key=lambda n: (-max(share[0].get(n, 0), share[1].get(n, 0)), n))
    shown, rest = (names, []) if len(names) <= bins else (names[: bins - 1], names[bins - 1 :])
    columns = [
        [s.get(n, 0.0) for n in shown] + ([sum(s.get(n, 0.0) for n in rest)] if rest else []) for s in share
    ]
    return shown + ([OTHERS] if rest else []), columns[0], columns[1]
