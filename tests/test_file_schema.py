"""The shipped JSON Schema says of scenario files what `simlab check` says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.file_schema import scenario_schema, shipped_schema
from simlab.yamlfile import read_yaml

SHIPPED = sorted((Path(__file__).parent.parent / "scenarios").glob("*.yaml"))
SCHEMA = scenario_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def content(path: Path) -> Any:
    return json.loads(json.dumps(read_yaml(path)[0], default=str))


def every_mapping(found: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every mapping whose keys the schema knows, with its place."""
    if isinstance(found, list):
        return [m for number, value in enumerate(found) for m in every_mapping(value, f"{path}[{number}]")]
    if not isinstance(found, dict) or path.startswith(".mutants") or path.endswith(".fixed"):
        return []
    return [
        (path, found),
        *(m for key, value in found.items() for m in every_mapping(value, f"{path}.{key}")),
    ]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_shipped_file_is_up_to_date() -> None:
    assert json.loads(shipped_schema().read_text()) == SCHEMA


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_scenario_meets_it(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(content(path))] == []
    assert path.read_text().startswith("# yaml-language-server: $schema=./scenario.schema.json")


def test_the_tests_own_scenarios_meet_it(tiny: Path, eventful: Path) -> None:
    for path in (tiny, eventful):
        assert [error.message for error in VALIDATOR.iter_errors(content(path))] == []


@given(data=st.data())
def test_an_unknown_key_fails_it_at_every_level(data: st.DataObject) -> None:
    found = content(data.draw(st.sampled_from(SHIPPED)))
    places = [m for m in every_mapping(found) if m[0] != ""] + [("", found)]
    place, mapping = data.draw(st.sampled_from(places))
    mapping["nosuchkey"] = 1
    assert list(VALIDATOR.iter_errors(found)), place


@pytest.mark.parametrize(
    "change",
    [
        {"seed": {"world": 1, "build": 2}},
        {"seed": 0},
        {"expect": ["retrained", {"retrained": None}, {"retrained": {}}]},
        {"clock": {"start": "2026-01-05T06:00:00"}},
        {"stages": {"retrain": {"policy": "never"}}},
        {
            "stages": {
                "monitor": {"detectors": {"numeric": "mine.shift", "categorical": {"mine.two": {"at": 1}}}}
            }
        },
        {"stages": {"monitor": {"detectors": {"numeric": {"ks": None}}, "correction": "holm"}}},
        {"stages": {"monitor": {"sequential": {"columns": "cusum", "errors": {"ddm": {"threshold": 4}}}}}},
        {
            "stages": {
                "monitor": {"multivariate": "domain_classifier", "estimate": {"cbpe": {"metric": "auc"}}}
            }
        },
        {"stages": {"monitor": {"multivariate": None, "estimate": None, "sequential": {"errors": None}}}},
    ],
    ids=str,
)
def test_what_check_takes_meets_it(change: dict[str, Any], tiny: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors({**content(tiny), **change})] == []


@pytest.mark.parametrize(
    "change",
    [
        {"clock": {"start": "2026-01-05", "windows": "many"}},
        {"clock": {"windows": 3}},
        {"dataset": "adult-incom"},
        {"expect": [{"rows_servd": {}}]},
        {"expect": [{"rows_served": {}}]},
        {"inject": [{"id": "a", "kind": "shift_colum"}]},
        {"inject": [{"id": "a", "kind": "shift_column", "shape": "suden", "with": {"column": "age"}}]},
        {"inject": [{"id": "a", "kind": "shift_column", "with": {"colum": "age"}}]},
        {"stages": {"trian": {}}},
        {"stages": {"train": {"rounds": 0}}},
        {"stages": {"retrain": {"policy": {"every": {"window": 3}}}}},
        {"stages": {"monitor": {"detectors": {"numeric": "chisquare"}}}},
        {"stages": {"monitor": {"detectors": {"numeric": {"psi": {"treshold": 1}}}}}},
        {"stages": {"monitor": {"sequential": {"columns": "ddm"}}}},
        {"stages": {"monitor": {"estimate": "domain_classifier"}}},
        {"stages": {"monitor": {"correction": "sidak"}}},
        {"simlab": 2},
        {"labels": {"delay": "soon"}},
    ],
    ids=str,
)
def test_what_check_refuses_fails_it(change: dict[str, Any], tiny: Path) -> None:
    assert list(VALIDATOR.iter_errors({**content(tiny), **change}))


def test_an_editor_is_told_what_every_stage_and_injector_does() -> None:
    stages = SCHEMA["properties"]["stages"]["properties"]
    assert "on AWS" in stages["train"]["description"]
    assert all(
        part["then"]["properties"]["with"]["description"] for part in SCHEMA["$defs"]["Injection"]["allOf"]
    )
