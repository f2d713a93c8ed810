"""Texts of the model quality monitor; the sentence of a violation is not confirmed by a recorded output.

The keys of a violation are; the sentence is that of AWS's samples of custom metrics.
"""

from __future__ import annotations

from collections.abc import Mapping

VIOLATION = "Metric {metric} with {value} +/- {deviation} was {operator} '{threshold}'"
"""Unconfirmed: what `constraint_violations.json` says of a metric beyond its threshold."""

UNDEFINED = "NaN"
"""What stands for a figure that is undefined, and for a standard deviation of fewer than 200 rows."""

WRONG: Mapping[str, str] = {
    "no section": "{path}: no {section}; it is what a model quality baseline of this problem holds",
    "no object": "{path}: {where} is no object",
    "operator": "{path}: {where}.comparison_operator is {found!r}; "
    "right would be GreaterThanThreshold or LessThanThreshold",
    "threshold": "{path}: {where}.threshold is {found!r}, and must be a number",
    "metric": "{path}: no metric called {found!r}{hint}",
}
"""What is wrong with a `constraints.json`, in our own words."""
