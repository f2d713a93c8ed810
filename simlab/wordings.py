"""AWS's wordings: every text and name that the monitors write, and what vouches for it.

Each stands here with what vouches for it, and nowhere else: who learns better changes one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Mark = Literal["real", "guide", "practice", "unconfirmed", "own"]
"""`real`: read in an output of the service. `guide`: in its guide. `practice`: from samples and the code
behind the service. `unconfirmed`: nobody could be asked; the best guess. `own`: the service has no such
thing."""


@dataclass(frozen=True)
class Text:
    """A text and what vouches for it."""

    words: str
    mark: Mark
    why: str


_BEYOND = Text(
    "Metric {metric} with {value} +/- {deviation} was {operator} '{threshold}'",
    "unconfirmed",
    "AWS's samples of custom metrics; only the keys beside it are confirmed",
)

DESCRIPTIONS: Mapping[str, Text] = {
    "data_type_check": Text(
        "Data type match requirement is not met. Expected data type: {expected}, Expected match: {match}%. "
        "Observed: Only {observed}% of data is {expected}.",
        "real",
        "a recorded constraint_violations.json",
    ),
    "completeness_check": Text(
        "Value: {value} does not meet the constraint requirement! ",
        "practice",
        "the words of Deequ's constraints, with the space at their end",
    ),
    "baseline_drift_check": Text(
        "Baseline drift distance: {value} exceeds threshold: {threshold}",
        "unconfirmed",
        "AWS's sample parses `distance: (.+) exceeds threshold: (.+)`",
    ),
    "missing_column_check": Text(
        "There are missing columns in current dataset. Number of columns in current dataset: {current}, "
        "Number of columns in baseline constraints: {baseline}",
        "unconfirmed",
        "users' accounts of the service",
    ),
    "extra_column_check": Text(
        "There are extra columns in current dataset. Number of columns in current dataset: {current}, "
        "Number of columns in baseline constraints: {baseline}",
        "unconfirmed",
        "the pattern of missing_column_check",
    ),
    "categorical_values_check": Text(
        "Value: {value} does not meet the constraint requirement! ",
        "practice",
        "the words of Deequ's constraints, with the space at their end",
    ),
    "non_negative_check": Text(
        "Value: {value} does not meet the constraint requirement! ",
        "unconfirmed",
        "no page says how a breach of is_non_negative is reported, nor under which check type",
    ),
    "GreaterThanThreshold": _BEYOND,
    "LessThanThreshold": _BEYOND,
    "bias_drift_check": Text(
        "Metric value {value} doesn't meet the baseline constraint requirement {baseline}",
        "real",
        'a recorded output; the guide says "does not meet the constraint requirement"',
    ),
    "feature_attribution_drift_check": Text(
        "Feature attribution drift {value} exceeds threshold {threshold}",
        "guide",
        'its example; it says "exceeds" of a figure that lies below',
    ),
    "drifted_columns_share": Text(
        "Share of drifted columns: {value} exceeds threshold: {threshold}",
        "own",
        "Evidently's figure in the form of baseline_drift_check",
    ),
}
"""Description of each check, by constraint_check_type."""

SUBJECTS: Mapping[str, Text] = {
    "missing_column_check": Text("Missing columns", "unconfirmed", "users' accounts of the service"),
    "extra_column_check": Text("Extra columns", "unconfirmed", "the pattern of missing_column_check"),
    "drifted_columns_share": Text("All columns", "own", "Evidently's figure is about no feature either"),
}
"""What stands as feature_name where a check is about no feature."""

FAILURES: Mapping[str, Text] = {
    "no data": Text(
        "No data was captured in the period that the execution looks at.",
        "unconfirmed",
        "the service is known to fail such a job; its words are not",
    ),
    "no labels": Text(
        "No captured inference of the period could be joined with ground truth.",
        "unconfirmed",
        "as above",
    ),
    "another version": Text(
        "What was captured in the period that the execution looks at was answered by another version.",
        "own",
        "the service does not tell versions apart",
    ),
}
"""Why an execution failed."""

NAMESPACES: Mapping[str, Text] = {
    "data_quality": Text(
        "aws/sagemaker/Endpoints/data-metrics",
        "practice",
        "the guide says /aws/sagemaker/Endpoints/data-metric; samples read this one",
    ),
    "model_quality": Text("aws/sagemaker/Endpoints/model-metrics", "guide", "its pages on metrics"),
    "model_bias": Text("aws/sagemaker/Endpoints/bias-metrics", "guide", "its pages on metrics"),
    "model_explainability": Text(
        "aws/sagemaker/Endpoints/explainability-metrics", "guide", "its pages on metrics"
    ),
    "bias": Text(
        "aws/sagemaker/ModelBuildingPipeline/bias-metrics", "practice", "its dimensions are not confirmed"
    ),
    "explain": Text(
        "aws/sagemaker/ModelBuildingPipeline/explainability-metrics",
        "practice",
        "its dimensions are not confirmed",
    ),
}
"""CloudWatch namespaces: of what each monitor publishes, and each stage of a build."""

VARIANT = "AllTraffic"
"""The endpoint's one production variant, as the SageMaker SDK names it."""

RULES: Mapping[str, Text] = {
    "chi_square": Text(
        "A p-value under categorical_comparison_threshold is a violation; the description is that of "
        "baseline_drift_check.",
        "unconfirmed",
        "the page says only that the method returns a p-value",
    ),
    "number_of_either_kind": Text(
        "A whole number is Fractional as well; any text is a String.",
        "practice",
        "in recorded outputs whole numbers do not breach Fractional",
    ),
}
"""Rules that no page spells out."""


def described(check: str, **figures: object) -> str:
    """The description of a violation.

    >>> described("baseline_drift_check", value=0.63, threshold=0.1)
    'Baseline drift distance: 0.63 exceeds threshold: 0.1'
    """
    return DESCRIPTIONS[check].words.format(**figures)
