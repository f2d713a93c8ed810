"""`constraint_violations.json`: what a data-quality execution found to be violated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from simlab.errors import UsageError
from simlab.signature import sentences
from simlab.wire import from_json

NAME = "constraint_violations.json"
"""What the service calls the file; one of its pages says `constraints_violations.json`."""


@dataclass(frozen=True)
class Violation:
    """One line of the violations table."""

    feature: str
    check: str
    description: str


class _Violation(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    feature_name: str
    constraint_check_type: str
    description: str


class _Violations(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    violations: list[_Violation]


def as_body(violations: Iterable[Violation]) -> dict[str, Any]:
    """The file, with the service's keys in its order; it has no version.

    >>> as_body([])
    {'violations': []}
    """
    return {
        "violations": [
            {"feature_name": v.feature, "constraint_check_type": v.check, "description": v.description}
            for v in violations
        ]
    }


def read_violations(text: bytes, name: str = NAME) -> tuple[Violation, ...]:
    """The violations in a file of Model Monitor's.

    Parameters
    ----------
    text
        The file.
    name
        What it is called in messages.

    Raises
    ------
    UsageError
        It is not JSON, or not such a file.
    """
    body = from_json(text, name)
    try:
        found = _Violations.model_validate(body)
    except ValidationError as wrong:
        raise UsageError("\n".join(f"{name}: {said}" for said in sentences(wrong, "", body))) from wrong
    return tuple(Violation(v.feature_name, v.constraint_check_type, v.description) for v in found.violations)
