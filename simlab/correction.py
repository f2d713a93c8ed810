"""Correction: the thresholds of p-values when many columns are tested at once.

Twenty columns that do not drift, each tested at 0.05, breach at least once in 64 % of all windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from simlab.artifacts import Finding

Correction = Literal["none", "bonferroni", "holm", "benjamini_hochberg"]


def factor(shares: Sequence[float], correction: Correction) -> float:
    """What to multiply every threshold by, given each p-value as a share of its own threshold.

    With m p-values: 1/m (Bonferroni); 1/(m - k) after the k smallest that Holm's step-down
    procedure rejects, at most 1 (Holm 1979); the largest k/m under which k of the shares lie, at
    least 1/m (Benjamini and Hochberg 1995). Holm and Bonferroni bound the chance of one false
    breach or more by the threshold, whatever the dependence between columns; Benjamini and Hochberg
    bound the expected share of false ones among the breaches, for independent or positively
    dependent columns.

    >>> factor([0.2, 0.6, 0.9, 0.1], "bonferroni"), factor([0.2, 0.6, 0.9, 0.1], "holm")
    (0.25, 0.5)
    >>> factor([0.2, 0.6, 0.9, 0.1], "benjamini_hochberg")
    1.0
    """
    m = len(shares)
    if correction == "none" or not m:
        return 1.0
    ranked = sorted(shares)
    if correction == "bonferroni":
        return 1 / m
    if correction == "holm":
        for rejected, share in enumerate(ranked):
            if share >= 1 / (m - rejected):
                return 1 / (m - rejected)
        return 1.0
    return max((k / m for k, share in enumerate(ranked, 1) if share < k / m), default=1 / m)


def corrected(findings: Sequence[Finding], p_values: frozenset[str], correction: Correction) -> list[Finding]:
    """The findings of one window with thresholds that allow for how many there are.

    Parameters
    ----------
    findings
        Drift findings; those by other methods than `p_values`, and undefined ones, stay as they are
        and do not count.
    p_values
        Names of the methods whose figure is a p-value.
    correction
        How; `none` changes nothing.
    """
    shares = [
        f.value / f.threshold
        for f in findings
        if f.method in p_values and f.value is not None and f.threshold
    ]
    times = factor(shares, correction)
    found = []
    for finding in findings:
        if (
            correction != "none"
            and finding.method in p_values
            and finding.value is not None
            and finding.threshold
        ):
            # By the share, as the factor was: rounding must not decide otherwise a second time.
            breached = finding.value / finding.threshold < times
            finding = replace(finding, threshold=finding.threshold * times, breached=breached)
        found.append(finding)
    return found
