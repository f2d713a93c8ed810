"""Edits of constraints by path, and what differs between two files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from simlab.errors import UsageError, did_you_mean
from simlab.model_monitor.constraints import (
    Constraints,
    DistributionConstraints,
    FeatureConstraints,
    MonitoringConfig,
    NumConstraints,
    StringConstraints,
    as_body,
    validated,
)

_PARTS: Mapping[str, type[Any]] = {
    "num_constraints": NumConstraints,
    "string_constraints": StringConstraints,
    "monitoring_config": MonitoringConfig,
    "monitoring_config_overrides": MonitoringConfig,
    "monitoringConfigOverrides": MonitoringConfig,
    "distribution_constraints": DistributionConstraints,
}
"""Keys that hold further keys."""

_MISSING = object()


@dataclass(frozen=True)
class Difference:
    """One value that differs; None where one side has none."""

    path: str
    """`features.age.completeness`, `monitoring_config.comparison_threshold` …"""
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path}: {_told(self.before)} -> {_told(self.after)}"


def _told(value: Any) -> str:
    return "(none)" if value is None else str(value)


def edited(constraints: Constraints, edits: Mapping[str, Any], name: str = "constraints.json") -> Constraints:
    """Constraints with some of their values set; None takes a value away.

    Parameters
    ----------
    constraints
        What stands in the file.
    edits
        Values by path: `features.age.completeness`, `features.age.comparison_threshold` (an override),
        `monitoring_config.comparison_threshold`. `features.*` means every feature; `features.age` itself
        can only be taken away. A key of the distribution constraints, of the numeric and of the string
        constraints needs no more than its own name.
    name
        What the file is called in messages.

    Raises
    ------
    UsageError
        There is no such place, or the value cannot stand there.
    """
    body = deepcopy(as_body(constraints))
    for path, value in edits.items():
        _set(body, path, value, name)
    return validated(body, name)


def _set(body: dict[str, Any], path: str, value: Any, name: str) -> None:
    first, _, rest = path.partition(".")
    if first == "monitoring_config" and rest:
        _into(body.setdefault(first, {}), rest, value, MonitoringConfig, f"{name}: {path}")
        return
    if first != "features" or not rest:
        near = (
            did_you_mean(first, ("features", "monitoring_config")) if not rest or first != "features" else ""
        )
        raise UsageError(
            f"{name}: {path}: a path begins with features.NAME. or with monitoring_config.{near}"
        )
    features = body["features"]
    if rest.startswith("*."):
        for feature in features:
            _into(feature, rest[2:], value, FeatureConstraints, f"{name}: {path}")
        return
    feature = _named(features, rest, f"{name}: {path}")
    key = rest[len(feature["name"]) + 1 :]
    if not key:
        if value is not None:
            raise UsageError(f"{name}: {path}: a feature can be taken away (null), not set; set a key of it")
        features.remove(feature)
        return
    _into(feature, key, value, FeatureConstraints, f"{name}: {path}")


def _named(features: list[dict[str, Any]], rest: str, where: str) -> dict[str, Any]:
    """The feature whose name a path begins with; a name may hold dots, so the longest one is meant."""
    fitting = [f for f in features if rest == f["name"] or rest.startswith(f["name"] + ".")]
    if not fitting:
        asked, known = rest.partition(".")[0], [feature["name"] for feature in features]
        raise UsageError(f"{where}: no feature called {asked!r}{did_you_mean(asked, known)}")
    return max(fitting, key=lambda found: len(found["name"]))


def _into(place: dict[str, Any], path: str, value: Any, kind: type[Any], where: str) -> None:
    """Set a value in a part of the file; what is left out of the path is found by the last key."""
    first, _, rest = path.partition(".")
    if first in kind.model_fields or first in place:
        if not rest:
            if value is None:
                place.pop(first, None)
            else:
                place[first] = value
            return
        if first in _PARTS:
            _part(place, first, rest, value, where)
            return
        raise UsageError(f"{where}: {first!r} holds no further keys")
    for part in _reachable(kind, place):
        deeper = _PARTS[part] is MonitoringConfig and first in DistributionConstraints.model_fields
        if first in _PARTS[part].model_fields or deeper:
            _part(place, part, path, value, where)
            return
    known = {*kind.model_fields, *(k for part in _reachable(kind, place) for k in _PARTS[part].model_fields)}
    raise UsageError(f"{where}: no key called {first!r}{did_you_mean(first, known)}")


def _part(place: dict[str, Any], part: str, path: str, value: Any, where: str) -> None:
    """Set a value in a part that may not be there yet."""
    inner = place.get(part) or {}
    _into(inner, path, value, _PARTS[part], where)
    if inner or part in place:
        place[part] = inner


def _reachable(kind: type[Any], place: Mapping[str, Any]) -> tuple[str, ...]:
    """Parts in which a key may be meant that the part itself has not."""
    if kind is FeatureConstraints:
        spelled = "monitoringConfigOverrides" in place
        return (
            "num_constraints",
            "string_constraints",
            "monitoringConfigOverrides" if spelled else "monitoring_config_overrides",
        )
    return ("distribution_constraints",) if kind is MonitoringConfig else ()


def differences(before: Constraints, after: Constraints) -> list[Difference]:
    """What differs between two files, feature by feature; the order of features does not count."""
    left, right = dict(_flat(as_body(before))), dict(_flat(as_body(after)))
    found = []
    for path in [*left, *(path for path in right if path not in left)]:
        one, other = left.get(path, _MISSING), right.get(path, _MISSING)
        if one != other:
            found.append(
                Difference(path, None if one is _MISSING else one, None if other is _MISSING else other)
            )
    return found


def _flat(body: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its path; features go by their names, and lists of texts are one value."""
    if isinstance(body, Mapping):
        for key, value in body.items():
            yield from _flat(value, f"{path}.{key}" if path else key)
    elif path == "features":
        for feature in body:
            yield from _flat({k: v for k, v in feature.items() if k != "name"}, f"features.{feature['name']}")
    elif isinstance(body, list):
        yield path, sorted(body, key=str)
    else:
        yield path, body
