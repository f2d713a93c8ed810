"""`constraints.json`: what every feature must look like, suggested from statistics or written by a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from simlab.errors import UsageError
from simlab.model_monitor.statistics import Feature, InferredType, Statistics
from simlab.signature import sentences
from simlab.wire import from_json

Switch = Literal["Enabled", "Disabled"]
Share = Annotated[float, Field(ge=0, le=1)]

MOST_DOMAIN = 120
"""Distinct texts up to which a domain is suggested: Deequ's cardinality threshold."""
MOST_SINGLE = 0.1
"""Share of the texts that may occur once only where a domain is suggested (Deequ's CategoricalRangeRule)."""


class _Part(BaseModel):
    """A part of the file.

    A key that simlab does not know is kept, so that a newer file of the service's loads; one that looks
    like a slip of the pen is refused.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _spelled(cls, given: Any) -> Any:
        known = tuple(cls.model_fields)
        for key in given if isinstance(given, dict) else ():
            near = get_close_matches(str(key), known, n=1, cutoff=0.75)
            if near and key not in known:
                raise ValueError(f"no key called {key!r}; did you mean {near[0]!r}?")
        return given


class DistributionConstraints(_Part):
    """How distributions are compared; every key may be left out."""

    perform_comparison: Switch | None = None
    comparison_threshold: Share | None = None
    comparison_method: Literal["Robust", "Simple"] | None = None
    categorical_comparison_threshold: Share | None = None
    categorical_drift_method: Literal["LInfinity", "ChiSquared"] | None = None


class MonitoringConfig(_Part):
    """What is checked and how strictly, for all features or for one; every key may be left out."""

    evaluate_constraints: Switch | None = None
    emit_metrics: Switch | None = None
    datatype_check_threshold: Share | None = None
    domain_content_threshold: Share | None = None
    distribution_constraints: DistributionConstraints | None = None


class NumConstraints(_Part):
    """What numbers must look like."""

    is_non_negative: bool | None = None
    monitoring_config_overrides: MonitoringConfig | None = None
    monitoringConfigOverrides: MonitoringConfig | None = None


class StringConstraints(_Part):
    """What texts must look like."""

    domains: list[str] | None = None
    monitoring_config_overrides: MonitoringConfig | None = None
    monitoringConfigOverrides: MonitoringConfig | None = None


class FeatureConstraints(_Part):
    """What one feature must look like."""

    name: str
    inferred_type: InferredType
    completeness: Share | None = None
    num_constraints: NumConstraints | None = None
    string_constraints: StringConstraints | None = None
    monitoring_config_overrides: MonitoringConfig | None = None
    monitoringConfigOverrides: MonitoringConfig | None = None
    """The same, as AWS's page spells it."""

    @property
    def overrides(self) -> tuple[MonitoringConfig, ...]:
        """Every override, the weakest first: AWS's SDK once wrote them inside the string constraints."""
        places = (self.string_constraints, self.num_constraints, self)
        return tuple(
            found
            for place in places
            if place is not None
            for found in (place.monitoringConfigOverrides, place.monitoring_config_overrides)
            if found is not None
        )


class Constraints(_Part):
    """What `constraints.json` says."""

    version: float = 0.0
    features: list[FeatureConstraints]
    monitoring_config: MonitoringConfig = MonitoringConfig()

    @model_validator(mode="after")
    def _once(self) -> Constraints:
        names = [feature.name for feature in self.features]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"the feature {twice!r} stands there twice")
        return self


@dataclass(frozen=True)
class Rules:
    """What holds for one feature once defaults and overrides are settled."""

    evaluate: bool
    emit: bool
    datatype: float
    domain: float
    compare: bool
    threshold: float
    robust: bool
    categorical_threshold: float
    chi_squared: bool


DEFAULTS: Mapping[str, Any] = {
    "evaluate_constraints": "Enabled",
    "emit_metrics": "Enabled",
    "datatype_check_threshold": 1.0,
    "domain_content_threshold": 1.0,
    "distribution_constraints": {
        "perform_comparison": "Enabled",
        "comparison_threshold": 0.1,
        "comparison_method": "Robust",
        "categorical_comparison_threshold": 0.1,
        "categorical_drift_method": "LInfinity",
    },
}
"""The monitoring_config of files that the real service suggests; its page says 0.1 for the first two
thresholds."""


def rules(constraints: Constraints, feature: FeatureConstraints | None = None) -> Rules:
    """What holds for one feature, or for all of them that say nothing else.

    Parameters
    ----------
    constraints
        The file.
    feature
        One of its features.

    >>> rules(Constraints(features=[])).threshold
    0.1
    """
    layers = [constraints.monitoring_config, *(feature.overrides if feature else ())]
    plain = {k: v for k, v in DEFAULTS.items() if k != "distribution_constraints"}
    distribution = {
        k: v
        for k, v in DEFAULTS["distribution_constraints"].items()
        if k != "categorical_comparison_threshold"  # as high as the other one unless it is said
    }
    for layer in layers:
        plain |= {k: v for k in plain if (v := getattr(layer, k)) is not None}
        told = layer.distribution_constraints
        if told is not None:
            said = {k: getattr(told, k) for k in DistributionConstraints.model_fields}
            distribution |= {k: v for k, v in said.items() if v is not None}
            if told.comparison_threshold is not None and told.categorical_comparison_threshold is None:
                distribution.pop("categorical_comparison_threshold", None)
    threshold = distribution["comparison_threshold"]
    return Rules(
        evaluate=plain["evaluate_constraints"] == "Enabled",
        emit=plain["emit_metrics"] == "Enabled",
        datatype=plain["datatype_check_threshold"],
        domain=plain["domain_content_threshold"],
        compare=distribution["perform_comparison"] == "Enabled",
        threshold=threshold,
        robust=distribution["comparison_method"] == "Robust",
        categorical_threshold=distribution.get("categorical_comparison_threshold", threshold),
        chi_squared=distribution["categorical_drift_method"] == "ChiSquared",
    )


def suggested(statistics: Statistics) -> Constraints:
    """What the baseline job suggests: what held of the baseline's rows.

    The completeness that was observed; non-negative where no number was below zero; a domain where at
    most `MOST_DOMAIN` texts occur and at most `MOST_SINGLE` of them once only.
    """
    return Constraints(
        version=0.0,
        features=[_suggested(feature) for feature in statistics.features],
        monitoring_config=MonitoringConfig.model_validate(DEFAULTS),
    )


def _suggested(feature: Feature) -> FeatureConstraints:
    said: dict[str, Any] = {"name": feature.name, "inferred_type": feature.inferred_type}
    if feature.completeness is not None:
        said["completeness"] = feature.completeness
    if feature.numeric is not None and feature.numeric.least is not None:
        said["num_constraints"] = {"is_non_negative": feature.numeric.least >= 0}
    if feature.text is not None and feature.text.counts and _few(feature.text.counts):
        said["string_constraints"] = {"domains": list(feature.text.counts)}
    return FeatureConstraints.model_validate(said)


def _few(counts: Mapping[str, int]) -> bool:
    single = sum(n == 1 for n in counts.values())
    return len(counts) <= MOST_DOMAIN and single <= MOST_SINGLE * len(counts)


def as_body(constraints: Constraints) -> dict[str, Any]:
    """`constraints.json`: the service's keys in its order, and what else stood in the file."""
    return constraints.model_dump(mode="json", exclude_unset=True)


@lru_cache(maxsize=8)
def read_constraints(text: bytes, name: str = "constraints.json") -> Constraints:
    """The constraints in a file of Model Monitor's.

    Parameters
    ----------
    text
        The file.
    name
        What it is called in messages.

    Raises
    ------
    UsageError
        It is not JSON, or not such a file; the message says where, and the nearest right key.
    """
    body = from_json(text, name)
    if isinstance(body, dict) and "dataset" in body:
        raise UsageError(f"{name}: this is a statistics.json; right would be the constraints.json beside it")
    return validated(body, name)


def validated(body: Any, name: str) -> Constraints:
    """Constraints as they stand in a file.

    Raises
    ------
    UsageError
        They cannot stand there.
    """
    try:
        return Constraints.model_validate(body)
    except ValidationError as wrong:
        said = [line.removeprefix(": ") for line in sentences(wrong, "", body)]
        raise UsageError("\n".join(f"{name}: {line}" for line in said)) from wrong
