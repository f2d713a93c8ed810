"""Bias drift: judged by the baseline, with intervals, and told in the service's files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from simlab import events as e
from simlab.artifacts import Column, Deployment, Model, Schema, View
from simlab.clarify import analysis
from simlab.clarify.bias import BiasFigure
from simlab.clarify.facets import Threshold
from simlab.errors import SimlabError
from simlab.lab import Lab
from simlab.monitors import Material, Outcome
from simlab.monitors.model_bias import model_bias, suggest
from simlab.watched import Datapoint

COLUMNS = (Column("age", "numeric"), Column("sex", "categorical", sensitive=True))
SCHEMA = Schema("binary", "y", "id", "at", COLUMNS, views=(View("v", "id", COLUMNS, from_rows=True),))
DAY = datetime(2026, 1, 5)


def deployment(problem: Any = "binary") -> Deployment:
    none = pa.table({})
    model = Model("lightgbm", problem, ("age",), ("sex",), {}, "", {}, 0.5, none)
    schema = Schema(problem, "y", "id", "at", COLUMNS, views=SCHEMA.views)
    return Deployment(
        version=1, onnx=b"", algorithm="lightgbm", problem=problem, schema=schema, numeric=("age",),
        categorical=("sex",), threshold=0.5, constraints=(), baseline=none, quality={}, parity=0.0, model=model,
    )  # fmt: skip


def people(men: tuple[int, int, int, int], women: tuple[int, int, int, int]) -> pa.Table:
    """So many true negatives, false positives, false negatives and true positives."""
    sex, label, score = [], [], []
    for name, counts in (("m", men), ("f", women)):
        for number, (truth, answer) in zip(counts, [(0, 0.1), (0, 0.9), (1, 0.1), (1, 0.9)], strict=True):
            sex += [name] * number
            label += [float(truth)] * number
            score += [answer] * number
    ages = np.tile([30.0, 50.0], len(sex))[: len(sex)]
    return pa.table({"age": ages, "sex": sex, "prediction": score, "label": label})


FAIR = people((400, 100, 100, 400), (400, 100, 100, 400))
SLANTED = people((400, 100, 100, 400), (450, 50, 180, 320))  # DPPL 0.13


def execute(table: pa.Table, baseline: Mapping[str, bytes] | pa.Table, **settings: Any) -> Outcome:
    model = deployment()
    files = suggest(model, baseline, **_shared(settings)) if isinstance(baseline, pa.Table) else baseline
    material = Material(table, 4, DAY, DAY, DAY, "ep", "bias", 7)
    return model_bias(model, files, material, **settings)


def _shared(settings: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in settings.items() if k not in ("interval", "repeats", "confidence")}


def breached(outcome: Outcome) -> set[str]:
    return {f.column for f in outcome.findings if f.breached}


def test_the_baseline_job_writes_analysis_json_as_constraints() -> None:
    files = suggest(deployment(), SLANTED)
    assert list(files) == ["analysis.json"]
    body = json.loads(files["analysis.json"])
    assert list(body) == ["version", "pre_training_bias_metrics", "post_training_bias_metrics"]
    assert list(body["post_training_bias_metrics"]["facets"]) == ["sex"]
    found = {f.subject: f.figure for f in analysis.read(files["analysis.json"])}
    assert found["sex=f:DPPL"] == pytest.approx(0.13) and found["sex=m:DPPL"] == pytest.approx(-0.13)
    assert "sex=f:FT" not in found, "neighbours are only asked where the test is named"


def test_the_same_rows_never_drift() -> None:
    for interval in (True, False):
        outcome = execute(SLANTED, SLANTED, interval=interval)
        assert outcome.findings and not breached(outcome)
        assert json.loads(outcome.files["constraint_violations.json"]) == {"version": "1.0", "violations": []}


def test_bias_that_grew_is_a_violation_in_the_services_words() -> None:
    outcome = execute(SLANTED, FAIR, facets={"sex": ("f",)})
    assert {"sex=f:DPPL", "sex=f:RD", "sex=f:DI"} <= breached(outcome)
    body = json.loads(outcome.files["constraint_violations.json"])
    assert list(body) == ["version", "violations"] and body["version"] == "1.0"
    told = next(v for v in body["violations"] if v["metric_name"] == "DPPL")
    assert list(told) == ["facet", "facet_value", "metric_name", "constraint_check_type", "description"]
    assert told["facet"] == "sex" and told["facet_value"] == "f"
    assert told["constraint_check_type"] == "bias_drift_check"
    assert told["description"] == ("Metric value 0.13 doesn't meet the baseline constraint requirement 0.0")
    finding = next(f for f in outcome.findings if f.column == "sex=f:DPPL")
    assert finding.alarm == "model_bias:bias_drift_check:sex=f:DPPL"
    assert outcome.descriptions[finding.alarm] == told["description"]
    assert (finding.method, finding.of_window, finding.threshold) == ("bootstrap", 4, 0.0)


def test_the_recorded_example_is_judged_as_the_guide_says() -> None:
    """A baseline of 0.2 lets 0.1 pass and not -0.3; a CI of 0.37 does not meet 0.28."""
    known = [
        BiasFigure("Pre-training", "age", "(40.0, 70.0]", "CI", 0.28),
        BiasFigure("Post-Training", "age", "(40.0, 70.0]", "DPPL", 0.2),
    ]
    baseline = {"analysis.json": analysis.written(known, "y", "1")}

    def live(over_40: int, positive_over: int, positive_under: int) -> pa.Table:
        under = 200 - over_40
        ages = [50.0] * over_40 + [30.0] * under
        said = [0.9] * positive_over + [0.1] * (over_40 - positive_over)
        said += [0.9] * positive_under + [0.1] * (under - positive_under)
        label = [1.0, 0.0] * 100
        return pa.table({"age": ages, "sex": ["m"] * 200, "prediction": said, "label": label})

    plain = execute(live(63, 30, 50), baseline, interval=False, minimum=0)  # CI (137 - 63) / 200
    (violation,) = json.loads(plain.files["constraint_violations.json"])["violations"]
    assert violation == {
        "facet": "age", "facet_value": "40", "metric_name": "CI", "constraint_check_type": "bias_drift_check",
        "description": "Metric value 0.37 doesn't meet the baseline constraint requirement 0.28",
    }  # fmt: skip
    assert not breached(execute(live(80, 40, 72), baseline, interval=False, minimum=0))  # DPPL 0.1
    turned = execute(live(80, 64, 60), baseline, interval=False, minimum=0)  # DPPL -0.3
    assert breached(turned) == {"age=40:DPPL"}


def test_an_interval_that_reaches_into_what_is_allowed_is_no_violation() -> None:
    few = people((40, 10, 10, 40), (45, 5, 18, 32))  # the slant of SLANTED, in a tenth of the rows
    assert "sex=f:DPPL" in breached(execute(few, FAIR, interval=False))
    assert "sex=f:DPPL" not in breached(execute(few, FAIR))
    assert "sex=f:DPPL" in breached(execute(few, FAIR, confidence=0.5))


def test_unfairness_to_the_other_side_counts_as_well() -> None:
    mirrored = people((450, 50, 180, 320), (400, 100, 100, 400))
    assert "sex=f:DPPL" in breached(execute(mirrored, FAIR))
    assert "sex=f:DPPL" not in breached(execute(mirrored, SLANTED)), "as far from neutral, the other way"


def test_rows_without_a_label_are_not_judged() -> None:
    unknown = SLANTED.set_column(3, "label", pa.nulls(SLANTED.num_rows, pa.float64()))
    both = pa.concat_tables([FAIR, unknown])
    outcome = execute(both, FAIR)
    assert not breached(outcome)
    by_rows = {f.column: f.value for f in outcome.findings}
    assert by_rows["sex=f:DPPL"] == 0.0


def test_a_group_too_small_makes_no_finding() -> None:
    small = people((400, 100, 100, 400), (30, 9, 30, 30))
    outcome = execute(small, FAIR)
    assert not outcome.findings
    live = {f.subject: f for f in analysis.read(outcome.files["analysis.json"])}
    assert live["sex=f:DPPL"].error == "The smaller side has 99 rows, and 100 are needed to judge it"
    assert not outcome.datapoints


def test_a_baseline_that_a_person_wrote_is_what_is_judged_by() -> None:
    body = json.loads(suggest(deployment(), FAIR, facets={"sex": ("f",)})["analysis.json"])
    (group,) = body["post_training_bias_metrics"]["facets"]["sex"]
    for metric in group["metrics"]:
        if metric["name"] == "DPPL":
            metric["value"] = 0.5
    outcome = execute(SLANTED, {"analysis.json": json.dumps(body).encode()})
    assert "sex=f:DPPL" not in breached(outcome) and "sex=f:RD" in breached(outcome)
    group["metrics"][0]["name"] = "ADD"
    with pytest.raises(SimlabError, match="no metric called 'ADD'; did you mean 'AD'"):
        execute(SLANTED, {"analysis.json": json.dumps(body).encode()})


def test_a_threshold_keeps_its_name_where_the_greatest_value_changes() -> None:
    older = FAIR.set_column(0, "age", pa.array(np.tile([30.0, 90.0], FAIR.num_rows // 2)))
    outcome = execute(older, FAIR, facets={"age": Threshold(40)})
    assert {f.column for f in outcome.findings} >= {"age=40:DPPL"}
    assert b"(40, 90]" in outcome.files["analysis.json"]


def test_what_is_published_has_clouds_names_and_a_number_for_infinity() -> None:
    nobody = people((400, 0, 100, 0), (400, 100, 100, 400))
    points = execute(nobody, FAIR, facets={"sex": ("f",)}).datapoints
    assert {p.namespace for p in points} == {"aws/sagemaker/Endpoints/bias-metrics"}
    di = next(p for p in points if p.metric == "bias_metric_DI")
    assert di == Datapoint.of(
        "aws/sagemaker/Endpoints/bias-metrics",
        "bias_metric_DI",
        {
            "Endpoint": "ep", "MonitoringSchedule": "bias", "BiasStage": "Post-Training", "Label": "y",
            "LabelValue": "1", "Facet": "sex", "FacetValue": "f",
        },
        2.348543e108,
    )  # fmt: skip
    dca = next(p for p in points if p.metric == "bias_metric_DCA")
    assert dca.total == 2.348543e108
    assert list(di.dimensions) == [
        "Endpoint", "MonitoringSchedule", "BiasStage", "Label", "LabelValue", "Facet", "FacetValue",
    ]  # fmt: skip


def test_an_infinite_metric_is_further_than_any_finite_one_and_is_said_in_words() -> None:
    nobody = people((400, 0, 100, 0), (400, 100, 100, 400))
    outcome = execute(nobody, FAIR, facets={"sex": ("f",)}, interval=False)
    found = next(f for f in outcome.findings if f.column == "sex=f:DCA")
    assert found.value == math.inf and found.breached and found.method == "value"
    assert outcome.descriptions[found.alarm].startswith("Metric value Infinity doesn't meet")
    assert "sex=f:DCA" not in breached(execute(nobody, nobody, facets={"sex": ("f",)}, interval=False))


def test_the_same_material_is_judged_the_same() -> None:
    assert execute(SLANTED, FAIR) == execute(SLANTED, FAIR)


def test_a_regression_is_cut_at_its_threshold() -> None:
    model = deployment("regression")
    assert json.loads(suggest(model, SLANTED)["analysis.json"]) == {"version": "1.0"}
    files = suggest(model, SLANTED, label_threshold=0.5)
    found = {f.subject: f.figure for f in analysis.read(files["analysis.json"])}
    assert found["sex=f:DPPL"] == pytest.approx(0.13)
    assert analysis.label_of(files["analysis.json"]) == ("y", "(0.5, 1.0]")


def test_bias_in_the_records_is_found_on_the_clock_and_nothing_before(tiny: Path, warm: Lab) -> None:
    bias = {"model_bias": {"facets": {"sex": ["Female"]}, "metrics": ["DPL", "DPPL"], "minimum": 20}}
    schedule = {"monitor": bias, "start_time_offset": "-P2D", "end_time_offset": "-P1D"}
    warm.run(
        tiny,
        {
            "stages.capture": {"enable": True},
            "stages.monitor": {"every_window": False, "schedules": {"fair": schedule}},
            "clock.rows": 600,
            "inject": [
                {
                    "id": "favour", "kind": "bias_labels", "on": "labels", "start": 2,
                    "with": {"group": "sex", "value": "Male", "from_1": 1.0},
                }
            ],
            "expect": [],
        },
        project=False,
    )  # fmt: skip
    told = [f for f in warm.events(None) if isinstance(f, e.ConstraintViolated)]
    # windows 0 and 1 were looked at in windows 1 and 2; the labels of window 2 in window 3
    assert {(f.window, f.subject) for f in told} <= {(3, "sex=Female:DPL")}
    ran = [f for f in warm.events(None) if isinstance(f, e.MonitoringExecuted)]
    assert [(f.window, f.status == "Failed") for f in ran][:2] == [(0, True), (1, False)]
    assert {f.monitoring_type for f in ran} == {"ModelBias"}


def schooled(rows: int, years: tuple[float, ...]) -> pa.Table:
    """So many rows of fair answers; the years of school go round."""
    table = people((rows // 8,) * 4, (rows // 8,) * 4)
    return table.set_column(0, "age", pa.array(np.resize(years, table.num_rows)))


def test_what_a_single_number_means_was_decided_on_the_baseline() -> None:
    """16 years in 4,000 rows are values; in 80 live rows they would be a continuous column."""
    years = tuple(float(year) for year in range(1, 17))
    settings: dict[str, Any] = {"facets": {"age": (13,)}, "minimum": 0}
    few = execute(schooled(80, years), schooled(4000, years), **settings)
    body = json.loads(few.files["analysis.json"])["post_training_bias_metrics"]["facets"]["age"]
    assert [group["value_or_threshold"] for group in body] == ["13"]
    ages = tuple(float(age) / 4 for age in range(40, 400))
    above = execute(schooled(4000, (13.0, 50.0)), schooled(4000, ages), facets={"age": (40,)}, minimum=0)
    body = json.loads(above.files["analysis.json"])["post_training_bias_metrics"]["facets"]["age"]
    assert [group["value_or_threshold"] for group in body] == ["(40, 50]"]


def test_each_value_against_all_others_holds_in_a_small_period() -> None:
    years = tuple(float(year) for year in range(1, 17))
    settings: dict[str, Any] = {"facets": {"age": None}, "minimum": 0, "metrics": ("CI",)}
    found = execute(schooled(80, years), schooled(4000, years), **settings)
    assert {f.column for f in found.findings} == {f"age={int(year)}:CI" for year in years}


def test_a_job_that_cannot_find_the_groups_fails_and_does_not_stop_the_run() -> None:
    baseline = schooled(40_000, tuple(float(year) for year in range(1, 17)))
    noisy = schooled(8000, tuple(year + n / 2000 for n in range(2000) for year in (1.0,)))
    found = execute(noisy, baseline, facets={"age": None}, minimum=0)
    assert "at most 1000 can be groups" in found.failed and not found.findings


def test_an_infinite_metric_has_no_interval_and_is_judged_only_by_value() -> None:
    """No man is answered yes: DI is infinite, and nobody knows how surely."""
    lucky = people((200, 0, 0, 0), (100, 100, 0, 0))
    settings: dict[str, Any] = {"facets": {"sex": ("f",)}, "metrics": ("DI",)}
    assert not execute(lucky, FAIR, **settings).findings
    assert breached(execute(lucky, FAIR, interval=False, **settings)) == {"sex=f:DI"}


@pytest.mark.parametrize(
    ("facets", "said"),
    [
        ({"sex": ("m", "ff")}, "model_bias.facets.sex: no row has the value 'ff'; did you mean 'f'?"),
        ({"age": (31,)}, "model_bias.facets.age: no row has the value '31'; it takes '30', '50'"),
        ({"age": Threshold(50)}, "model_bias.facets.age: no row is above 50"),
    ],
)
def test_a_group_that_no_row_of_the_baseline_is_in_is_told(facets: Any, said: str) -> None:
    with pytest.raises(SimlabError) as wrong:
        suggest(deployment(), FAIR, facets=facets)
    assert said in str(wrong.value)
    assert suggest(replace(deployment(), version=2), FAIR, facets=facets), "it may have left the data since"
    suggest(replace(deployment(), baseline=FAIR), FAIR.slice(0, 1000), facets={"sex": ("f",)})
