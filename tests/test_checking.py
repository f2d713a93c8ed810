"""Everything a scenario refers to is looked up before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simlab.checking import check
from simlab.errors import ScenarioInvalid
from simlab.stages.monitor import Datapoints

SHIPPED = sorted((Path(__file__).parent.parent / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_scenario_can_run(path: Path) -> None:
    ready = check(path)
    assert ready.card.problem == ready.schema.problem
    assert set(ready.settings) == set(ready.scenario.stages)


def test_settings_come_typed(eventful: Path) -> None:
    ready = check(eventful)
    assert ready.settings["monitor"]["alarm"] == Datapoints(1, 1)
    assert ready.settings["train"] == {"rounds": 10}


def test_problems_of_every_kind_are_told_together(eventful: Path) -> None:
    text = eventful.read_text()
    for old, new in (
        ("adult-income", "adult-incom"),
        ("rounds:", "round:"),
        ("shift_column", "shift"),
        ("retrained", "retraind"),
    ):
        text = text.replace(old, new)
    eventful.write_text(text)
    with pytest.raises(ScenarioInvalid) as wrong:
        check(eventful)
    said = "\n".join(wrong.value.problems)
    for word in ("adult-incom", "'round'", "'shift'", "'retraind'"):
        assert word in said, said


def test_a_policy_and_a_detector_of_ones_own_may_be_named(tiny: Path) -> None:
    assert check(tiny, {"stages.retrain.policy": "simlab.policies.never.never"}).scenario
    with pytest.raises(ScenarioInvalid, match="cannot import"):
        check(tiny, {"stages.retrain.policy": "nosuch.module.never"})


def test_a_column_named_in_a_condition_must_be_there(eventful: Path) -> None:
    assert check(eventful, {"inject.older.where": "age > 30 AND sex = 'Female'"})
    with pytest.raises(ScenarioInvalid, match=r"inject\[0\]\.where"):
        check(eventful, {"inject.older.where": "income > 30"})


@pytest.mark.parametrize("dataset", ["bikeshare", "nyc-flights"])
def test_a_dataset_with_a_clock_is_only_replayed_where_views_ask_for_it(dataset: str, tiny: Path) -> None:
    change = {
        "dataset": dataset,
        "world": {"order": "replay"},
        "given": [],
        "clock.start": "2013-06-01" if dataset == "nyc-flights" else "2011-06-01",
    }
    assert check(tiny, change)
    if dataset == "nyc-flights":
        with pytest.raises(ScenarioInvalid, match="only fit a replay"):
            check(tiny, {**change, "world": {"order": "drawn"}})
        with pytest.raises(ScenarioInvalid, match="before the clock's start"):
            check(tiny, {**change, "world": {"order": "replay", "training_from": "2013-07-01"}})


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("add_column", {"name": "age"}, "with.name: there is a column called 'age' already"),
        (
            "rename_column",
            {"column": "age", "to": "person_id"},
            "with.to: there is a column called 'person_id'",
        ),
        ("swap_columns", {"column": "age", "other": "age"}, "with.other: 'age' is named twice"),
        (
            "swap_columns",
            {"column": "age", "other": "agee"},
            "with.other: no column called 'agee'; did you mean 'age'",
        ),
        (
            "miss_at_random",
            {"column": "sex", "driver": "race"},
            "with.driver: miss_at_random needs a numeric column",
        ),
        (
            "black_out",
            {"columns": ["sex", "rase"]},
            "with.columns: no column called 'rase'; did you mean 'race'",
        ),
        ("black_out", {"columns": ["sex", "sex"]}, "with.columns: the column 'sex' is named twice"),
        ("reorder_columns", {"columns": ["age"]}, "with.columns: "),
        ("stale_features", {"lag": "6h"}, "kind: stale_features needs feature views with own clocks"),
        ("delay_rows", {"by": "soon"}, "with.by: 'soon' is not a duration"),
        ("miss_not_at_random", {"column": "age", "side": "upper"}, "with.side: 'upper' is not one of them"),
    ],
)
def test_what_a_fault_of_schema_or_quality_cannot_do_is_told_before_it_runs(
    kind: str, given: dict[str, Any], said: str, tiny: Path
) -> None:
    one = {"id": "fault", "kind": kind, "with": given}
    with pytest.raises(ScenarioInvalid) as wrong:
        check(tiny, {"inject": [one]})
    assert any(said in problem for problem in wrong.value.problems), wrong.value.problems


def test_a_view_that_is_told_late_must_be_there(tiny: Path) -> None:
    flights = {
        "dataset": "nyc-flights",
        "world": {"order": "replay"},
        "given": [],
        "clock.start": "2013-06-01",
        "inject": [{"id": "late", "kind": "stale_features", "with": {"lag": "6h", "view": "wether"}}],
    }
    with pytest.raises(ScenarioInvalid, match="no view called 'wether'; did you mean 'weather'"):
        check(tiny, flights)
    flights["inject"][0]["with"]["view"] = "weather"  # type: ignore[index]
    assert check(tiny, flights)


def test_a_delivery_is_of_live_rows_alone(tiny: Path) -> None:
    twice = {"id": "twice", "kind": "duplicate_rows", "on": "training", "with": {}}
    with pytest.raises(ScenarioInvalid, match="acts on live, not on training"):
        check(tiny, {"inject": [twice]})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"sequential": {"columns": "cusm"}},
            "sequential.columns: no detector called 'cusm'; did you mean 'cusum'",
        ),
        ({"sequential": {"column": "cusum"}}, "did you mean 'columns'"),
        (
            {"sequential": {"columns": "ddm"}},
            "ddm does not work on window means; adwin, cusum, kswin, page_hinkley do",
        ),
        ({"sequential": {"errors": "psi"}}, "psi does not work on errors"),
        ({"sequential": {"errors": {"ddm": {"treshold": 2}}}}, "did you mean 'threshold'"),
        ({"sequential": {"columns": {"kswin": {"past": 10}}}}, "kswin.newest: 8 of 10 values"),
        (
            {"sequential": {"columns": "cusum", "hold": 1}, "alarm": {"datapoints": 2, "of": 3}},
            "never makes an alarm",
        ),
        ({"detectors": {"numeric": "adwin"}}, "adwin does not work on numeric columns"),
        ({"multivariate": "ks"}, "ks does not work on all columns at once; domain_classifier does"),
        ({"multivariate": {"domain_classifier": {"threshold": 0.4}}}, "greater than 0.5"),
        ({"estimate": "cbp"}, "did you mean 'cbpe'"),
        ({"estimate": {"cbpe": {"metric": "acuracy"}}}, "did you mean 'accuracy'"),
        ({"correction": "bonferoni", "detectors": {"numeric": "ks"}}, "did you mean 'bonferroni'"),
        ({"correction": "holm"}, "neither wasserstein nor jensenshannon gives a p-value to correct"),
    ],
    ids=str,
)
def test_detectors_are_checked_where_they_stand(change: dict[str, Any], said: str, tiny: Path) -> None:
    with pytest.raises(ScenarioInvalid) as wrong:
        check(tiny, {"stages.monitor": change})
    assert said in "\n".join(wrong.value.problems), wrong.value.problems


def test_detectors_that_read_answers_fit_the_problem(tiny: Path) -> None:
    regression = {
        "dataset": "bikeshare",
        "world": {"order": "replay"},
        "clock.start": "2011-06-01",
        "given": [],
    }
    assert check(tiny, {**regression, "stages.monitor": {"sequential": {"errors": "adwin"}}})
    for monitor in ({"sequential": {"errors": "ddm"}}, {"estimate": "cbpe"}):
        assert check(tiny, {"stages.monitor": monitor})
        with pytest.raises(ScenarioInvalid, match="makes no sense in a regression problem"):
            check(tiny, {**regression, "stages.monitor": monitor})


def test_estimated_metrics_have_names(tiny: Path) -> None:
    item = {"metric_above": {"metric": "monitor.estimated.auc", "value": 0.5}}
    assert check(tiny, {"expect": [item]})
    with pytest.raises(ScenarioInvalid, match="did you mean 'monitor.estimated.auc'"):
        check(tiny, {"expect": [{"metric_above": {"metric": "monitor.estimated.acu", "value": 0.5}}]})


CHANGE = "inject: [{id: rule, kind: change_rule, on: labels, start: 1, with: {to: {%s}}}]\n"


@pytest.mark.parametrize(
    ("dataset", "to", "says"),
    [
        ("adult-income", "function: 2", "needs a generated world; adult-income is real data"),
        ("agrawal", "funktion: 2", "no key called 'funktion'; did you mean 'function'"),
        ("agrawal", "function: 12", "12 is not one of them"),
        ("agrawal", "function: 1", "agrawal is like that already"),
        ("sea", "threshold: high", "with.to.threshold"),
        ("sea", "", "with.to"),
    ],
)
def test_a_rule_changes_only_where_there_is_one_and_into_another(
    dataset: str, to: str, says: str, tiny: Path
) -> None:
    tiny.write_text(tiny.read_text().replace("adult-income", dataset) + CHANGE % to)
    with pytest.raises(ScenarioInvalid) as wrong:
        check(tiny)
    assert says in str(wrong.value)
    assert str(wrong.value).count("inject[0]") == 1, "told once"


def test_a_generated_world_has_no_clock_to_replay(tiny: Path) -> None:
    with pytest.raises(ScenarioInvalid, match="cannot be replayed"):
        check(tiny, {"dataset": "sea", "world": {"order": "replay"}})


def test_a_facet_of_the_bias_stage_or_its_monitor_is_looked_up(tiny: Path) -> None:
    schedule = {"monitor": {"model_bias": {"facets": {"rce": None}}}}
    change = {
        "stages.bias": {"facets": {"sexx": ["Female"], "sex": {"threshold": 1}}, "group_variable": "jb"},
        "stages.capture": {"enable": True},
        "stages.monitor.schedules": {"fair": schedule},
        "expect": [{"bias_below": {"metric": "DPL", "facet": "sex", "group": "Female", "value": 0.2}}],
    }
    with pytest.raises(ScenarioInvalid) as wrong:
        check(tiny, change)
    said = "\n".join(wrong.value.problems)
    for sentence in (
        "stages.bias.facets: no column called 'sexx'; did you mean 'sex'?",
        "stages.bias.facets.sex: a threshold needs a numeric column",
        "stages.bias.group_variable: no column called 'jb'",
        "monitor.model_bias.facets: no column called 'rce'; did you mean 'race'?",
    ):
        assert sentence in said, said
    assert "DPL" not in said, "a bias metric is a metric of an expectation"
    with pytest.raises(ScenarioInvalid, match="'DPPLL' is not one of them"):
        check(tiny, {"stages.bias": {"metrics": ["DPPLL"]}})
    with pytest.raises(ScenarioInvalid, match="no key called 'treshold'; did you mean 'threshold'"):
        check(tiny, {"stages.bias": {"facets": {"age": {"treshold": 40}}}})
