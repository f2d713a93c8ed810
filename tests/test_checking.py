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


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"stages.approve": {"challenge": {"on": "held_out"}}},
            "stages.approve.challenge.on: nothing is held out; say `retrain: {hold_out: 2}`",
        ),
        (
            {"stages.approve": {"challenge": {"test": "mcnemar", "metric": "brier"}}},
            "stages.approve.challenge.metric: McNemar's test compares wrong answers, that is accuracy",
        ),
        (
            {"stages.approve": {"challenge": {"metric": "mae"}}},
            "stages.approve.challenge.metric: 'mae' is not measured in a binary problem",
        ),
        (
            {"stages.approve": {"challenge": {"confidense": 0.9}}},
            "stages.approve.challenge: no key called 'confidense'; did you mean 'confidence'?",
        ),
        (
            {"stages.retrain": {"policy": "on_event"}},
            "stages.retrain.policy.on_event: no rule under `stages.alarm.rules` has the target `retrain`",
        ),
        (
            {
                "stages.retrain": {"policy": {"on_event": {"rules": "drifte"}}},
                "stages.alarm": {
                    "rules": {
                        "drifted": {"event_pattern": {"source": ["aws.cloudwatch"]}, "target": "retrain"}
                    }
                },
            },
            "no rule with the target `retrain` is called 'drifte'; did you mean 'drifted'?",
        ),
        (
            {"stages.approve": {"challenge": {"confidence": 0.9999}}},
            "stages.approve.challenge.repeats: 2000 resamples give no p under 0.0005",
        ),
        (
            {"stages.rollback": {"windows": 300}, "stages.capture": {"enable": True}},
            "stages.rollback.repeats: 4000 resamples give no p under 0.00025, and each of 300 looks",
        ),
        (
            {"stages.rollback": {"windows": 5}},
            "stages.rollback.windows: no row is captured to compare on; say `capture: {enable: true}`",
        ),
        (
            {"stages.rollback": {"windows": 5, "metric": "rmse"}, "stages.capture": {"enable": True}},
            "stages.rollback.metric: 'rmse' is not measured in a binary problem",
        ),
        (
            {"stages.retrain": {"rows": "all", "half_life": 3}},
            "stages.retrain.half_life: rows only have weights with `rows: weighted`",
        ),
        (
            {"stages.retrain": {"policy": {"on_performance": {"metric": "mae"}}}},
            "stages.retrain.policy.on_performance.metric: 'mae' is not measured in a binary problem",
        ),
        (
            {"stages.retrain": {"policy": {"on_new_data": {"row": 3}}}},
            "stages.retrain.policy.on_new_data: no key called 'row'; did you mean 'rows'?",
        ),
    ],
)
def test_what_a_retrain_cannot_do_is_told_before_it_runs(
    change: dict[str, Any], said: str, tiny: Path
) -> None:
    with pytest.raises(ScenarioInvalid) as wrong:
        check(tiny, change)
    assert any(said in problem for problem in wrong.value.problems), wrong.value.problems


def test_a_regression_has_no_wrong_answers_to_compare(tiny: Path) -> None:
    change = {"dataset": "friedman", "stages.approve": {"challenge": {"test": "mcnemar"}}}
    with pytest.raises(ScenarioInvalid) as wrong:
        check(tiny, change)
    assert any("McNemar's test needs a binary problem" in problem for problem in wrong.value.problems)


MAE = '{"regression_constraints": {"mae": {"threshold": 3, "comparison_operator": "GreaterThanThreshold"}}}'


def scheduled(monitor: Any, **schedule: Any) -> dict[str, Any]:
    return {
        "stages.capture.enable": True,
        "stages.monitor.schedules": {"s": {"monitor": monitor, **schedule}},
    }


@pytest.mark.parametrize(
    ("monitor", "said"),
    [
        ({"model_quality": {"constraints": "{file}"}}, "no binary_classification_constraints"),
        (
            {"model_quality": {"metrics": ["auc", "recall"], "profile": "aws_replacement"}},
            "metrics: 'recall' has no threshold; it takes 'accuracy', 'auc', 'f1'",
        ),
        ({"model_quality": {"metrics": ["mae"]}}, "metrics: 'mae' has no threshold"),
        ({"model_quality": {"constraints": {"mae": {"threshold": 3}}}}, "no metric called 'mae'"),
        (
            {"data_quality": {"edits": {"features.agee.completeness": 0.9}}},
            "data_quality.edits: features.agee.completeness: no feature called 'agee'; did you mean 'age'?",
        ),
        (
            {"data_quality": {"edits": {"features.age.completness": 0.9}}},
            "no key called 'completness'; did you mean 'completeness'?",
        ),
        ({"data_quality": {"edits": {"features.age.completeness": 9}}}, "data_quality.edits: "),
        ({"data_quality": {"ignore": ["agee"]}}, "ignore: no column called 'agee'; did you mean 'age'?"),
        (
            {"data_quality": {"profile": "aws_replacement", "real_time": True, "critical": ["agee"]}},
            "critical: no column called 'agee'; did you mean 'age'?",
        ),
        (
            {"data_quality": {"profile": "aws_replacement", "critical": ["age"]}},
            "critical: only the variant for endpoints has critical features; say `real_time: true`",
        ),
        (
            {"data_quality": {"drift_share": 0.2}},
            "drift_share: the profile model_monitor does not look at it, only evidently and aws_replacement",
        ),
        ({"data_quality": {"profile": "evidently", "edits": {}}}, "edits: the profile evidently does not"),
        ({"model_bias": {"facets": {}}}, "facets: name at least one column"),
    ],
)
def test_what_would_fail_after_the_training_or_never_work_is_told_before(
    monitor: dict[str, dict[str, Any]], said: str, tiny: Path
) -> None:
    (given,) = monitor.values()
    if given.get("constraints") == "{file}":
        file = tiny.parent / "other.json"
        file.write_text(MAE)
        monitor = {name: {"constraints": str(file)} for name in monitor}
    with pytest.raises(ScenarioInvalid) as wrong:
        check(tiny, scheduled(monitor))
    assert said in str(wrong.value)
    assert len(wrong.value.problems) == 1, wrong.value.problems


def test_settings_that_can_work_are_let_through(tiny: Path) -> None:
    for monitor in (
        {"data_quality": {"ignore": ["prediction", "age"], "edits": {"features.*.completeness": 0.9}}},
        {"data_quality": {"profile": "aws_replacement", "real_time": True, "critical": ["age"]}},
        {
            "model_quality": {
                "profile": "aws_replacement",
                "metrics": ["f1", "recall"],
                "constraints": {"recall": {"threshold": 0.5}},
            }
        },  # fmt: skip
        "model_bias",
    ):
        check(tiny, scheduled(monitor))


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (
            {"start_time_offset": "-P1D", "end_time_offset": "-P2D"},
            "-P1D is not before end_time_offset, -P2D",
        ),
        ({"expression": "NOW", "start_time_offset": "-P2D"}, "NOW looks at no more than 24 hours"),
        ({"expression": "NOW", "end_time_offset": "-P1D"}, "start_time_offset: it is missing"),
    ],
)
def test_a_schedule_whose_period_can_hold_no_row_is_told(
    schedule: dict[str, str], said: str, tiny: Path
) -> None:
    with pytest.raises(ScenarioInvalid) as wrong:
        check(tiny, scheduled("data_quality", **schedule))
    assert said in str(wrong.value)
    moved = {"expression": "NOW", "start_time_offset": "-P2D", "end_time_offset": "-P1D"}
    check(tiny, scheduled("data_quality", **moved))


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("sea", "facets: the dataset's card calls no categorical column sensitive"),
        ("bikeshare", "label_threshold: it is missing"),
    ],
)
def test_a_bias_monitor_that_can_judge_nobody_is_told(dataset: str, said: str, tiny: Path) -> None:
    with pytest.raises(ScenarioInvalid) as wrong:
        check(tiny, {"dataset": dataset, **scheduled("model_bias"), "expect": []})
    assert said in str(wrong.value)
