"""Histogram: two distributions of one column on the same bins, to lay side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

    Sample = np.ndarray | Mapping[str, int]
    """Values, or how often each name occurs."""

OTHERS = "(all others)"
"""Name of the bin for categories beyond the last that has one of its own."""


def histogram(
    kind: Literal["numeric", "categorical"], reference: Sample, current: Sample, bins: int = 20
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
        Values of the column; missing ones count nowhere. Of categories, how often each occurs will do.
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


def _numeric(reference: Sample, current: Sample, bins: int) -> tuple[list[str], list[float], list[float]]:
    import numpy as np

    samples = [np.asarray(x, float) for x in (reference, current)]
    samples = [x[np.isfinite(x)] for x in samples]
    both = np.concatenate(samples)
    if not len(both):
        return [], [], []
    # The quantiles that NumPy calls `lower` and `higher`: each is one of the values.
    last = len(both) - 1
    lowest, highest = int(np.floor(last * 0.01)), int(np.ceil(last * 0.99))
    placed = np.partition(both, (lowest, highest))
    low, high = float(placed[lowest]), float(placed[highest])
    samples = [x.clip(low, high) for x in samples]
    if high - low < bins and _few_whole(both.clip(low, high), bins):
        # A few whole numbers: one bin each, so that none shares its bin with a neighbour.
        edges = np.arange(low - 0.5, high + 1)
    else:
        edges = np.linspace(low, high, bins + 1) if high > low else np.array([low - 0.5, high + 0.5])
    shares = [np.histogram(x, edges)[0] / max(len(x), 1) for x in samples]
    return [f"{edge:.6g}" for edge in edges], shares[0].tolist(), shares[1].tolist()


def _few_whole(values: np.ndarray, most: int) -> bool:
    import numpy as np

    distinct = np.unique(values)
    return len(distinct) <= most and bool((distinct == np.round(distinct)).all())


def _named(reference: Sample, current: Sample, bins: int) -> tuple[list[str], list[float], list[float]]:
    counts = [_counted(reference), _counted(current)]
    share = [{name: n / sum(counted.values()) for name, n in counted.items()} for counted in counts]
    names = sorted(
        {**counts[0], **counts[1]}, key=lambda n: (-max(share[0].get(n, 0), share[1].get(n, 0)), n)
    )
    shown, rest = (names, []) if len(names) <= bins else (names[: bins - 1], names[bins - 1 :])
    columns = [
        [s.get(n, 0.0) for n in shown] + ([sum(s.get(n, 0.0) for n in rest)] if rest else []) for s in share
    ]
    return shown + ([OTHERS] if rest else []), columns[0], columns[1]


def _counted(sample: Sample) -> Mapping[str, int]:
    from collections import Counter

    if isinstance(sample, Mapping):
        return {str(name): n for name, n in sample.items() if n}
    return Counter(str(x) for x in sample if x is not None and x == x)
