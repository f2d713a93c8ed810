"""Clarify's post-training metrics: what a model's answers do to a group.

*a* is everyone but the facet's group, *d* the group. Each takes counts and answers for every table in
them; divisions are Clarify's (see `simlab.clarify.counts.ratio`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from simlab.clarify.counts import Counts, demographic_disparity, gap, ratio

if TYPE_CHECKING:
    import numpy as np

NEIGHBOURS, FEW = 5, 9
"""Neighbours of the flip test, and up to how many rows of *a* it asks only the nearest one."""

Votes = Callable[["np.ndarray", "np.ndarray", "np.ndarray", int], "np.ndarray"]
"""Rows, their answers, rows that ask, and how many neighbours answer each of those by majority."""


def dppl(counts: Counts) -> np.ndarray:
    """Difference in Positive Proportions in Predicted Labels, in [-1, 1]."""
    a, d = counts.predictions
    n_a, n_d = counts.rows
    found: np.ndarray = a[1] / n_a - d[1] / n_d
    return found


def di(counts: Counts) -> np.ndarray:
    """Disparate Impact: the group's share of positive answers over everyone else's, in [0, inf)."""
    a, d = counts.predictions
    n_a, n_d = counts.rows
    return ratio(d[1] / n_d, a[1] / n_a)


def dca(counts: Counts) -> np.ndarray:
    """Difference in Conditional Acceptance: labels 1 per answer 1, a minus d."""
    a, d = ratio(counts.labels[:, 1], counts.predictions[:, 1])
    return gap(a, d)


def dcr(counts: Counts) -> np.ndarray:
    """Difference in Conditional Rejection: labels 0 per answer 0, d minus a."""
    a, d = ratio(counts.labels[:, 0], counts.predictions[:, 0])
    return gap(d, a)


def sd(counts: Counts) -> np.ndarray:
    """Specificity Difference: true negative rates, d minus a, in [-1, 1]."""
    a, d = ratio(counts.hits(0, 0), counts.labels[:, 0])
    return gap(d, a)


def rd(counts: Counts) -> np.ndarray:
    """Recall Difference: true positive rates, a minus d, in [-1, 1]."""
    a, d = ratio(counts.hits(1, 1), counts.labels[:, 1])
    return gap(a, d)


def dar(counts: Counts) -> np.ndarray:
    """Difference in Acceptance Rates: precision, a minus d, in [-1, 1]."""
    a, d = ratio(counts.hits(1, 1), counts.predictions[:, 1])
    return gap(a, d)


def drr(counts: Counts) -> np.ndarray:
    """Difference in Rejection Rates: negative predictive values, d minus a, in [-1, 1]."""
    a, d = ratio(counts.hits(0, 0), counts.predictions[:, 0])
    return gap(d, a)


def ad(counts: Counts) -> np.ndarray:
    """Accuracy Difference, a minus d, in [-1, 1]."""
    a, d = ratio(counts.hits(0, 0) + counts.hits(1, 1), counts.rows)
    return gap(a, d)


def te(counts: Counts) -> np.ndarray:
    """Treatment Equality: false negatives per false positive, d minus a; 0 where both are infinite."""
    a, d = ratio(counts.hits(1, 0), counts.hits(0, 1))
    return gap(d, a)


def cddpl(counts: Counts) -> np.ndarray:
    """Conditional Demographic Disparity in Predicted Labels, over the values of the group variable."""
    return demographic_disparity(counts.cells.sum(axis=-2))


def ge(counts: Counts) -> np.ndarray:
    """Generalized Entropy with alpha 2, in [0, 1/2] for benefits that are not all 0.

    ``b = prediction - label + 1`` and ``(1 / 2N) sum ((b / mean b)² - 1)``: of all rows, whatever their
    group (Speicher et al. 2018). NaN where every answer is a false negative.
    """
    import numpy as np

    false_positives, right = counts.hits(0, 1).sum(axis=0), counts.hits(0, 0) + counts.hits(1, 1)
    rows, right = counts.rows.sum(axis=0), right.sum(axis=0)
    mean = (right + 2 * false_positives) / rows
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray = 0.5 * ((right + 4 * false_positives) / (rows * mean**2) - 1)
    return np.where(mean > 0, found, np.nan)


def flip_test(matrix: np.ndarray, predicted: np.ndarray, member: np.ndarray, votes: Votes) -> float:
    """Counterfactual Fliptest: how the model would answer d's rows if they were a's.

    ``(#(model 1, neighbours 0) - #(model 0, neighbours 1)) / n_d``, where d's rows ask their nearest
    neighbours among a's rows what the model told those (Black et al. 2020, by neighbours). That is
    smclarify's sign; the developer guide writes the two numbers the other way round.

    Parameters
    ----------
    matrix
        Features, [rows, columns]: numbers only, without the facet.
    predicted, member
        What the model answers, and who is in the facet's group, [rows], booleans.
    votes
        Who asks the neighbours.
    """
    import numpy as np

    a, d = ~member, member
    count = NEIGHBOURS if int(a.sum()) > FEW else 1
    if_a = np.asarray(votes(matrix[a], predicted[a], matrix[d], count), bool)
    model = predicted[d]
    return (int((model & ~if_a).sum()) - int((~model & if_a).sum())) / int(d.sum())


DESCRIPTIONS: Mapping[str, str] = {
    "AD": "Accuracy Difference (AD)",
    "CDDPL": "Conditional Demographic Disparity in Predicted Labels (CDDPL)",
    "DAR": "Difference in Acceptance Rates (DAR)",
    "DCA": "Difference in Conditional Acceptance (DCA)",
    "DCR": "Difference in Conditional Rejection (DCR)",
    "DI": "Disparate Impact (DI)",
    "DPPL": "Difference in Positive Proportions in Predicted Labels (DPPL)",
    "DRR": "Difference in Rejection Rates (DRR)",
    "FT": "Flip Test (FT)",
    "GE": "Generalized Entropy (GE)",
    "RD": "Recall Difference (RD)",
    "SD": "Specificity Difference (SD)",
    "TE": "Treatment Equality (TE)",
}
"""What `analysis.json` calls each of them, in its order."""

FORMULAS: Mapping[str, Callable[[Counts], np.ndarray]] = {
    "AD": ad,
    "CDDPL": cddpl,
    "DAR": dar,
    "DCA": dca,
    "DCR": dcr,
    "DI": di,
    "DPPL": dppl,
    "DRR": drr,
    "GE": ge,
    "RD": rd,
    "SD": sd,
    "TE": te,
}
"""Every metric that is a function of counts: all but the flip test."""
