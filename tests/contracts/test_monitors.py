"""What every scheduled monitor keeps to; a new file in the folder is found and held to it."""

from __future__ import annotations

import inspect
import json
import math
import re
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from simlab.artifacts import Deployment
from simlab.executing import baseline_rows
from simlab.monitors import MONITORS, Material, Outcome
from simlab.signature import find, first_line, keywords, module_of, names
from tests.monitors.period import execute, material, suggested
from tests.stages.people import deployment, people

FOUND = names("monitors")
TYPES = ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")

SETTINGS: dict[str, dict[str, Any]] = {"model_bias": {"facets": {"job": ["baker"]}, "minimum": 20}}
"""What a monitor must be told to have something to look at in the small world, by its name."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deployment(tmp_path_factory.mktemp("deployment"))


@pytest.fixture(scope="module")
def seen(model: Deployment) -> Material:
    return material(model)


def look(name: str, model: Deployment, seen: Material) -> Outcome:
    return execute(name, model, seen, **SETTINGS.get(name, {}))


def older(seen: Material) -> Material:
    """The same people, thirty years on and one in two of them a smith."""
    table = seen.table
    age = pa.array(table["age"].to_numpy() + 30)
    job = pa.array(["smith" if n % 2 else name for n, name in enumerate(table["job"].to_pylist())])
    table = table.set_column(table.column_names.index("age"), "age", age)
    return replace(seen, table=table.set_column(table.column_names.index("job"), "job", job))


def holds(outcome: Outcome, name: str, seen: Material) -> None:
    """What is true of every outcome."""
    alarms = [finding.alarm for finding in outcome.findings]
    assert len(set(alarms)) == len(alarms), "one finding per alarm"
    for finding in outcome.findings:
        assert finding.monitor == name and finding.check and finding.of_window == seen.window
        assert isinstance(finding.breached, bool) and finding.method
        for figure in (finding.value, finding.threshold):
            assert figure is None or math.isfinite(figure), finding
    breached = {finding.alarm for finding in outcome.findings if finding.breached}
    assert set(outcome.descriptions) == breached
    assert all(words.strip() for words in outcome.descriptions.values())
    for file, body in outcome.files.items():
        if file.endswith(".json"):
            json.loads(body, parse_constant=pytest.fail)  # NaN and Infinity are no JSON
    told = set()
    for point in outcome.datapoints:
        figures = (point.count, point.total, point.minimum, point.maximum)
        assert all(math.isfinite(figure) for figure in figures), point
        assert point.count > 0 and point.minimum <= point.maximum
        assert set(seen.dimensions.items()) <= set(point.dimensions.items())
        assert re.fullmatch(r"[A-Za-z0-9/_.#:-]+", point.namespace)
        told.add((point.namespace, point.metric, tuple(point.dimensions.items())))
    assert len(told) == len(outcome.datapoints), "one datapoint per metric and dimensions"


def test_the_folder_holds_sagemaker_s_monitors() -> None:
    assert FOUND and set(FOUND) <= set(MONITORS)


@pytest.mark.parametrize("name", FOUND)
class TestMonitor:
    def test_it_says_what_it_is(self, name: str) -> None:
        module = module_of("monitors", name)
        assert dict(zip(MONITORS, TYPES, strict=True))[name] == module.MONITORING_TYPE
        assert isinstance(module.NEEDS_LABELS, bool)
        assert module.TOLD and all(isinstance(check, str) for check in module.TOLD)

    def test_its_keys_have_defaults_and_are_explained(self, name: str) -> None:
        functions = find("monitors", name), module_of("monitors", name).suggest
        # What both take is explained once.
        explained = "\n".join(inspect.getdoc(function) or "" for function in functions)
        for function in functions:
            assert first_line(function).endswith(".")
            for key, (_, default) in keywords(function).items():
                assert default is not ..., f"{name}: {key} has no default"
                assert re.search(rf"^([\w, ]+, )?{key}(, [\w, ]+)?$", explained, re.M), f"{key} is not explained"  # fmt: skip

    def test_a_key_of_both_functions_has_one_default(self, name: str) -> None:
        one, other = keywords(find("monitors", name)), keywords(module_of("monitors", name).suggest)
        assert all(one[key][1] == other[key][1] for key in one.keys() & other.keys())


@pytest.mark.engine
@pytest.mark.parametrize("name", FOUND)
class TestExecution:
    def test_the_baseline_job_is_repeatable_and_writes_json(self, name: str, model: Deployment) -> None:
        settings = SETTINGS.get(name, {})
        files = suggested(name, model, **settings)
        assert files == suggested(name, model, **settings)
        assert files and all(isinstance(body, bytes) for body in files.values())
        for file, body in files.items():
            if file.endswith(".json"):
                assert json.loads(body)

    def test_an_execution_finds_publishes_and_reports(
        self, name: str, model: Deployment, seen: Material
    ) -> None:
        outcome = look(name, model, seen)
        assert outcome.findings and outcome.files and outcome.datapoints and not outcome.failed
        holds(outcome, name, seen)

    def test_it_is_repeatable_and_leaves_the_rows_alone(
        self, name: str, model: Deployment, seen: Material
    ) -> None:
        kept = seen.table.to_pydict()
        assert look(name, model, seen) == look(name, model, seen)
        assert seen.table.to_pydict() == kept

    def test_the_rows_of_the_baseline_themselves_break_nothing(
        self, name: str, model: Deployment, seen: Material
    ) -> None:
        rows = baseline_rows(model)
        clock = pa.array([seen.start] * rows.num_rows, pa.timestamp("us"))
        table = rows.select(["age", "hours", "job", "prediction", "label"])
        table = table.add_column(0, "at", clock).add_column(0, "inference_id", pa.array(range(rows.num_rows)))
        outcome = look(name, model, replace(seen, table=table))
        assert not [finding for finding in outcome.findings if finding.breached]
        holds(outcome, name, seen)

    def test_another_world_is_judged_by_the_same_constraints(
        self, name: str, model: Deployment, seen: Material
    ) -> None:
        here, there = look(name, model, seen), look(name, model, older(seen))
        holds(there, name, seen)
        assert [f.threshold for f in here.findings] == [f.threshold for f in there.findings]
        assert [f.alarm for f in here.findings] == [f.alarm for f in there.findings]

    @pytest.mark.parametrize("rows", [1, 2])
    def test_a_row_or_two_never_fail(self, name: str, model: Deployment, seen: Material, rows: int) -> None:
        few = replace(seen, table=seen.table.slice(0, rows))
        holds(look(name, model, few), name, few)

    def test_holes_in_every_column_never_fail(self, name: str, model: Deployment, seen: Material) -> None:
        table = seen.table
        for column in ("age", "hours", "job"):
            kind = table[column].type
            table = table.set_column(table.column_names.index(column), column, pa.nulls(table.num_rows, kind))
        holed = replace(seen, table=table)
        holds(look(name, model, holed), name, holed)

    def test_labels_that_are_half_known_are_enough(self, name: str, model: Deployment) -> None:
        half = material(model, table=people(300, seed=501, first=50_000), labelled=0.5)
        holds(look(name, model, half), name, half)
