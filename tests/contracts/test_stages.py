"""What every stage keeps to; a new file in the folder is found and held to it."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from simlab.context import Context
from simlab.signature import first_line, keywords, module_of, names, settings
from simlab.stages import STAGES

FUNCTIONS = [(row, getattr(module_of("stages", row.name), name)) for row in STAGES for name in row.functions]


def test_the_table_and_the_folder_agree() -> None:
    assert sorted(row.name for row in STAGES) == list(names("stages"))
    assert all(row.aws and row.engine for row in STAGES)


@pytest.mark.parametrize(("row", "function"), FUNCTIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_stage_takes_a_context_then_nouns_then_settings_with_honest_defaults(
    row: object, function: object
) -> None:
    parameters = list(inspect.signature(function).parameters.values())  # type: ignore[arg-type]
    assert parameters[0].name == "ctx" and parameters[0].annotation == Context.__name__
    for parameter in parameters[1:]:
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            assert parameter.default is not inspect.Parameter.empty, f"{parameter.name} needs a default"
        else:
            assert parameter.default is inspect.Parameter.empty, (
                f"{parameter.name} is a noun, and nouns are given"
            )
    assert function.__name__ != module_of("stages", row.name).__name__.rpartition(".")[2]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("row", "function"), FUNCTIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_stages_docstring_is_a_sentence_and_explains_every_key(row: object, function: object) -> None:
    line, text = first_line(function), inspect.getdoc(function) or ""  # type: ignore[arg-type]
    assert line.endswith(".") and len(line) > 20
    for key in keywords(function):  # type: ignore[arg-type]
        siblings = "".join(
            inspect.getdoc(f) or "" for _, f in FUNCTIONS if f.__module__ == function.__module__
        )  # type: ignore[attr-defined]
        assert key in text or key in siblings, f"{key} is not explained"


@pytest.mark.parametrize(("row", "function"), FUNCTIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_stages_defaults_are_allowed_by_its_own_types(row: object, function: object) -> None:
    for key, (_, default) in keywords(function).items():  # type: ignore[arg-type]
        assert settings(function, {key: default}, "stages")[1] == [], key  # type: ignore[arg-type]


@pytest.mark.parametrize("row", STAGES, ids=lambda row: row.name)
def test_effects_can_be_restored(row: object) -> None:
    module = module_of("stages", row.name)  # type: ignore[attr-defined]
    assert set(row.effects) <= set(row.functions)  # type: ignore[attr-defined]
    assert bool(row.effects) == bool(row.restore)  # type: ignore[attr-defined]
    if row.restore:  # type: ignore[attr-defined]
        assert callable(getattr(module, row.restore))  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", names("stages"))
def test_a_stage_names_no_column_no_clock_and_no_global_randomness(name: str) -> None:
    tree = ast.parse(Path(inspect.getfile(module_of("stages", name))).read_text())
    words = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not words & {"now", "today", "time_ns", "perf_counter", "default_rng", "environ"}
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for dataset_column in ("age", "income", "hours_per_week", "dep_delay", "cnt", "over_50k"):
        assert dataset_column not in texts
