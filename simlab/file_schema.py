"""The JSON Schema of scenario files, generated from the signatures, so that an editor completes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from simlab.dataset import dataset_names
from simlab.expect import expectations
from simlab.scenario import Scenario
from simlab.shapes import json_schema as shape_schema
from simlab.shipped import scenario_folders
from simlab.signature import find, first_line, module_of, names, settings_model
from simlab.stages import STAGES
from simlab.watching import PLACES, detectors_for


def shipped_schema() -> Path:
    """Where the shipped schema file lies: beside the shipped scenarios."""
    folders = scenario_folders()
    return (folders[0] if folders else Path("scenarios")) / "scenario.schema.json"


def scenario_schema() -> dict[str, Any]:
    """The whole schema (JSON Schema 2020-12)."""
    definitions: dict[str, Any] = {}
    body = Scenario.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
    definitions.update(body.pop("$defs", {}))
    properties = body["properties"]
    properties.pop("name", None)
    properties["dataset"] = {
        "enum": list(dataset_names()),
        "description": "A dataset; `simlab list datasets`.",
    }
    properties["stages"] = {
        "type": "object",
        "description": "Settings by stage.",
        "additionalProperties": False,
        "properties": {
            s.name: _settings(
                tuple(getattr(module_of("stages", s.name), f) for f in s.functions),
                definitions,
                f"{s.aws} on AWS",
            )
            for s in STAGES
        },
    }
    properties["seed"] = {
        "anyOf": [{"type": "integer", "minimum": 0, "exclusiveMaximum": 2**32}, {"$ref": "#/$defs/Seeds"}],
        "description": "Where randomness comes from: one number, or one for the world and one for the build.",
    }
    wanted = {"type": "array", "items": _expectation(definitions)}
    properties["given"] = {**wanted, "description": "What the built model must meet before any live window."}
    properties["expect"] = {**wanted, "description": "What must come true, or the run exits with 5."}
    definitions["Scoring"]["properties"]["at_least"] = {
        "anyOf": [{"type": "number"}, {"$ref": "#/$defs/AtLeast"}, {"type": "null"}],
        "description": "What the score must reach, or the run exits with 6: an F1, or another figure.",
    }
    injection = definitions["Injection"]
    injection["properties"]["shape"] = shape_schema()
    injection["properties"]["kind"] = {
        "anyOf": [{"enum": list(names("injectors"))}, {"pattern": r"\."}],
        "type": "string",
    }
    injection["allOf"] = [
        {
            "if": {"properties": {"kind": {"const": kind}}},
            "then": {"properties": {"with": _settings((find("injectors", kind),), definitions)}},
        }
        for kind in names("injectors")
    ]
    stages = properties["stages"]["properties"]
    stages["retrain"]["properties"]["policy"] = _one_of("policies", names("policies"), definitions)
    definitions["Schedule"]["properties"]["monitor"] = _one_of("monitors", names("monitors"), definitions)
    for place in PLACES:
        part, _, key = place.rpartition(".")
        owner = definitions[part.capitalize()]["properties"] if part else stages["monitor"]["properties"]
        owner[key] = _one_of("detectors", detectors_for(place), definitions, owner[key])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "simlab scenario",
        "description": "A world, a lifecycle, and what is expected of the two.",
        **{k: v for k, v in body.items() if k not in ("title", "description")},
        "$defs": dict(sorted(definitions.items())),
    }


def _functions(folder: str, name: str) -> tuple[Callable[..., Any], ...]:
    """The functions whose keyword-only parameters are the keys under a name."""
    found = find(folder, name)
    return (found, module_of(folder, name).suggest) if folder == "monitors" else (found,)


def _one_of(
    folder: str, known: tuple[str, ...], definitions: dict[str, Any], said: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The schema of a name, or of a name with its settings; a dotted name is somebody else's.

    A default that is told, null among them, stays one.
    """
    theirs = {"pattern": r"\.", "type": "string"}
    named = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {n: _settings(_functions(folder, n), definitions) for n in known},
        "patternProperties": {r"\.": {"type": ["object", "null"]}},
    }
    for name, found in named["properties"].items():  # type: ignore[attr-defined]
        if not found["required"]:
            named["properties"][name] = {"anyOf": [found, {"type": "null"}]}  # type: ignore[index]
    told = {"default": said["default"]} if said and "default" in said else {}
    nothing = [{"type": "null"}] if told and told["default"] is None else []
    return {"anyOf": [{"enum": list(known)}, theirs, named, *nothing], **told}


def _settings(
    functions: tuple[Callable[..., Any], ...], definitions: dict[str, Any], more: str = ""
) -> dict[str, Any]:
    """The schema of what may be set on some functions."""
    found = settings_model(*functions).model_json_schema(ref_template="#/$defs/{model}")
    definitions.update(found.pop("$defs", {}))
    says = first_line(functions[0])
    return {
        "type": "object",
        "description": f"{says} {more}.".strip() if more else says,
        "properties": found.get("properties", {}),
        "required": found.get("required", []),
        "additionalProperties": False,
    }


def _expectation(definitions: dict[str, Any]) -> dict[str, Any]:
    known = {name: _settings((function,), definitions) for name, function in expectations().items()}
    bare = [name for name, found in known.items() if not found["required"]]
    named = {
        "type": "object",
        "properties": {n: {"anyOf": [f, {"type": "null"}]} if n in bare else f for n, f in known.items()},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"anyOf": [named, {"enum": bare}]}
