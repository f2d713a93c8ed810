"""The checks of a data-quality execution: a window's statistics beside constraints and baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from simlab.model_monitor import distances
from simlab.model_monitor.constraints import Constraints, FeatureConstraints, Rules, rules
from simlab.model_monitor.statistics import Feature, Statistics
from simlab.wordings import SUBJECTS, described


@dataclass(frozen=True)
class Checked:
    """What one check says of one feature."""

    check: str
    """SageMaker's constraint_check_type."""
    feature: str
    """Empty where it is about the columns as such."""
    method: str
    value: float | None
    """None where there is nothing to judge by."""
    threshold: float
    breached: bool
    description: str

    @property
    def subject(self) -> str:
        """The feature_name of the violations file."""
        return self.feature or SUBJECTS[self.check].words


def checked(
    constraints: Constraints, baseline: Statistics | None, current: Statistics, columns: Sequence[str]
) -> list[Checked]:
    """Every check of every constraint, breached or not.

    What it costs does not depend on the rows: they were counted, and their numbers sketched, when the
    statistics were taken.

    Parameters
    ----------
    constraints
        What must hold.
    baseline
        What the distributions are compared with; without it no drift is checked.
    current
        Statistics of the window, taken under the constraints' types.
    columns
        All columns that the window has.
    """
    if not rules(constraints).evaluate:
        return []
    found = list(_columns(constraints, columns))
    for feature in constraints.features:
        now = current.by_name.get(feature.name)
        settled = rules(constraints, feature)
        if now is None or not settled.evaluate:
            continue
        found += _values(feature, settled, now)
        before = baseline.by_name.get(feature.name) if baseline else None
        if before is not None and settled.compare:
            found += _drift(feature, settled, before, now)
    return found


def _columns(constraints: Constraints, columns: Sequence[str]) -> Iterator[Checked]:
    """Columns that are missing, and those that nobody constrained."""
    known = {feature.name for feature in constraints.features}
    counts = {"current": len(columns), "baseline": len(known)}
    for check, odd in (
        ("missing_column_check", known - set(columns)),
        ("extra_column_check", set(columns) - known),
    ):
        yield Checked(check, "", "count", float(len(odd)), 0.0, bool(odd), described(check, **counts))


def _values(feature: FeatureConstraints, settled: Rules, now: Feature) -> Iterator[Checked]:
    """Type, completeness, sign and domain of one feature's values."""
    if feature.inferred_type != "Unknown":
        text = described(
            "data_type_check",
            expected=feature.inferred_type,
            match=settled.datatype * 100,
            observed=(now.matching or 0.0) * 100,
        )
        yield _at_least("data_type_check", feature.name, now.matching, settled.datatype, text)
    if feature.completeness is not None:
        yield _at_least("completeness_check", feature.name, now.completeness, feature.completeness)
    if feature.num_constraints and feature.num_constraints.is_non_negative and now.numeric:
        yield _at_least("non_negative_check", feature.name, _not_below_zero(now), 1.0)
    domain = feature.string_constraints.domains if feature.string_constraints else None
    if domain is not None and now.text and now.text.counts is not None:
        known = set(domain)
        inside = sum(n for name, n in now.text.counts.items() if name in known)
        share = inside / now.present if now.present else None
        yield _at_least("categorical_values_check", feature.name, share, settled.domain)


def _at_least(check: str, feature: str, value: float | None, least: float, text: str = "") -> Checked:
    breached = value is not None and value < least
    return Checked(check, feature, "share", value, least, breached, text or described(check, value=value))


def _not_below_zero(now: Feature) -> float | None:
    """Share of the numbers that are not negative: from the sketch, below 1 where the least one is."""
    import numpy as np

    assert now.numeric is not None
    if now.numeric.least is None:
        return None
    if now.numeric.least >= 0:
        return 1.0
    assert now.numeric.sketch is not None
    negative = float(now.numeric.sketch.cdf(np.array([np.nextafter(0.0, -1.0)]))[0])
    return 1.0 - max(negative, 1 / now.present)


def _drift(feature: FeatureConstraints, settled: Rules, before: Feature, now: Feature) -> Iterator[Checked]:
    """How far the distribution of one feature is from the baseline's."""
    check = "baseline_drift_check"
    if before.numeric and now.numeric and now.numeric.sketch:
        sketch, buckets = before.numeric.sketch, before.numeric.buckets
        if sketch is not None:
            value, rows = distances.numeric(sketch, now.numeric.sketch), sketch.count
        elif buckets:
            edges = [bucket.lower for bucket in buckets] + [buckets[-1].upper]
            value = distances.at_edges(edges, [bucket.count for bucket in buckets], now.numeric.sketch)
            rows = sum(bucket.count for bucket in buckets)
        else:
            return
        method, threshold, current = "linf_simple", settled.threshold, now.numeric.sketch.count
    elif before.text and before.text.counts and now.text and now.text.counts:
        threshold = settled.categorical_threshold
        if settled.chi_squared:
            value = distances.chi_square(before.text.counts, now.text.counts)
            yield _judged(check, feature.name, "chi_squared", value, threshold, value < threshold)
            return
        value = distances.categorical(before.text.counts, now.text.counts)
        rows, current = float(sum(before.text.counts.values())), float(now.present)
        method = "linf_simple"
    else:
        return
    if settled.robust:
        method, value = "linf_robust", distances.robust(value, rows, current)
    yield _judged(check, feature.name, method, value, threshold, value > threshold)


def _judged(check: str, feature: str, method: str, value: float, threshold: float, breached: bool) -> Checked:
    text = described(check, value=value, threshold=threshold)
    return Checked(check, feature, method, value if isfinite(value) else None, threshold, breached, text)
