"""The one rule: the file name is the YAML name, the keyword-only parameters are the YAML keys."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field

from simlab.signature import find, first_line, keywords, module_of, names, settings, settings_model


def stage(
    rows: list[int], *, rounds: Annotated[int, Field(ge=1)] = 200, kind: Literal["a", "b"] = "a", name: str
) -> None:
    """Do something.

    More of it.
    """


def second(rows: list[int], *, share: float | None = None) -> None:
    """Do something else."""


def test_only_keyword_only_parameters_are_keys() -> None:
    assert {key: default for key, (_, default) in keywords(stage).items()} == {
        "rounds": 200,
        "kind": "a",
        "name": ...,
    }


def test_values_are_typed_and_defaults_are_left_to_the_function() -> None:
    assert settings(stage, {"name": "x", "rounds": 5}, "here") == ({"name": "x", "rounds": 5}, [])
    assert settings((stage, second), {"name": "x", "share": 1}, "here") == ({"name": "x", "share": 1.0}, [])


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"name": "x", "round": 5}, "here: no key called 'round'; did you mean 'rounds'?"),
        ({"name": "x", "zzz": 5}, "here: no key called 'zzz'; it takes 'kind', 'name', 'rounds'"),
        ({}, "here: the key 'name' is missing"),
        ({"name": 5}, "here.name: input should be a valid string (it says 5)"),
        ({"name": "x", "rounds": 0}, "here.rounds: input should be greater than or equal to 1 (it says 0)"),
        ({"name": "x", "kind": "bb"}, "here.kind: 'bb' is not one of them; did you mean 'b'?"),
        ({"name": "x", "rows": []}, "here: no key called 'rows'; did you mean 'rounds'?"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_what_would_be_right(
    given: dict[str, object], problem: str
) -> None:
    assert settings(stage, given, "here")[1] == [problem]


def test_every_mistake_is_told() -> None:
    assert len(settings(stage, {"rounds": 0, "x": 1, "kind": "c"}, "here")[1]) == 4


def test_names_are_the_files_of_a_folder_without_the_private_ones() -> None:
    assert "never" in names("policies") and not any(name.startswith("_") for name in names("injectors"))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("shift_colum", "no injector called 'shift_colum'; did you mean 'shift_column'?"),
        ("nosuch.thing", "cannot import 'nosuch' for 'nosuch.thing'"),
        ("json.nothing", "'json' has no function 'nothing'"),
        (".x", "cannot import"),
        ("a..b", "cannot import"),
        ("_columns", "no injector called"),
    ],
)
def test_a_name_that_leads_nowhere_is_told(kind: str, words: str) -> None:
    with pytest.raises(LookupError) as wrong:
        module_of("injectors", kind)
    assert words in str(wrong.value.args[0])


def test_somebody_elses_function_is_found_by_its_dotted_name() -> None:
    assert find("policies", "tests.test_signature.second") is not None
    assert first_line(find("policies", "tests.test_signature.second")) == "Do something else."


def test_the_model_of_several_functions_refuses_unknown_keys() -> None:
    schema = settings_model(stage, second).model_json_schema()
    assert set(schema["properties"]) == {"rounds", "kind", "name", "share"}
    assert schema["required"] == ["name"] and schema["additionalProperties"] is False
