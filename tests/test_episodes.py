"""Which injections make an episode, when it is complete, and what cannot be told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simlab.checking import check
from simlab.episodes import benign, episodes, faults, overlaps, problems_in
from simlab.errors import ScenarioInvalid
from simlab.events import Injected
from simlab.scenario import Injection, Scenario, Scoring

AGE = {"column": "age", "by": 1.0}


def scenario(*injections: dict[str, Any], windows: int = 60, score: dict[str, Any] | None = None) -> Scenario:
    found = [{"kind": "shift_column", "with": AGE, **given} for given in injections]
    return Scenario(
        simlab=1, title="t", dataset="adult-income", clock={"start": "2026-01-05", "windows": windows},
        inject=tuple(Injection.model_validate(i) for i in found), score=score,
    )  # fmt: skip


def spans(given: Scenario, **more: Any) -> list[tuple[str, int, int, int]]:
    return [(e.id, e.first, e.settled, e.last) for e in episodes(given, **more)]


def test_an_episode_is_complete_when_the_change_is_as_strong_as_it_gets():
    slow = scenario({"id": "slow", "start": 10, "end": 30, "shape": {"linear": 4}})
    assert spans(slow) == [("slow", 10, 13, 29)]
    assert spans(scenario({"id": "for-ever", "start": 10})) == [("for-ever", 10, 10, 59)]


def test_injections_whose_spans_meet_are_one_episode_whatever_their_order():
    parts = (
        {"id": "b", "start": 14, "end": 20},
        {"id": "a", "start": 10, "end": 15},
        {"id": "c", "start": 40, "end": 42},
    )
    assert (
        spans(scenario(*parts)) == spans(scenario(*parts[::-1])) == [("a+b", 10, 14, 19), ("c", 40, 40, 41)]
    )


def test_three_in_a_row_are_one_by_way_of_the_one_in_the_middle():
    parts = (
        {"id": "a", "start": 10, "end": 30},
        {"id": "b", "start": 12, "end": 14},
        {"id": "c", "start": 29, "end": 40},
    )
    assert spans(scenario(*parts)) == [("a+b+c", 10, 29, 39)]


def test_neighbours_that_share_no_window_stay_apart():
    assert len(spans(scenario({"id": "a", "start": 10, "end": 15}, {"id": "b", "start": 15, "end": 20}))) == 2


def test_what_moves_no_row_and_no_answer_is_no_episode():
    given = scenario(
        {"id": "off", "start": 5, "enabled": False},
        {"id": "before", "on": "training"},
        {"id": "deaf", "kind": "silence_monitor", "on": "ops", "start": 9, "with": {}},
        {"id": "never", "start": 59, "shape": {"seasonal": 30}},
    )
    assert spans(given) == [] and benign(given) == {}


def test_faults_of_the_machinery_are_episodes_of_their_own_where_somebody_watches_it():
    deaf = {"id": "deaf", "kind": "silence_monitor", "on": "ops", "start": 9, "end": 12, "with": {}}
    given = scenario(deaf, {"id": "age", "start": 10, "end": 14})
    assert faults(given) == ()
    given = given.model_copy(update={"stages": {"monitor": {"health": {"enable": True}}}})
    assert [(f.id, f.first, f.last) for f in faults(given)] == [("deaf", 9, 11)]
    assert spans(given) == [("age", 10, 10, 13)], "the data's own episode knows nothing of it"


def test_what_the_operator_knows_of_is_benign():
    given = scenario(
        {"id": "season", "start": 5, "end": 20, "expected": True}, {"id": "real", "start": 10, "end": 12}
    )
    assert (benign(given), spans(given)) == ({"season": (5, 19)}, [("real", 10, 10, 11)])


def test_a_change_of_the_answers_alone_moves_no_inputs():
    flip = {
        "id": "flip",
        "kind": "flip_labels",
        "on": "labels",
        "start": 10,
        "end": 20,
        "with": {"share": 0.2},
    }
    given = scenario(flip, {"id": "age", "start": 15, "end": 25})
    (both,) = episodes(given)
    assert (both.id, both.inputs, both.columns) == ("flip+age", True, ("age",))
    assert spans(given, of_inputs=True) == [("age", 15, 15, 24)]
    (alone,) = episodes(scenario(flip))
    assert (alone.inputs, alone.columns) == (False, ())


def test_the_columns_are_those_that_were_touched():
    given = scenario({"id": "older", "start": 10, "where": "age > 30"})
    fact = Injected(
        window=10, injection="older", injector="shift_column", on="live", intensity=1, rows=1, of=1, mask="0",
        measured={"age": 1.0, "hours_per_week": 0.2},
    )  # fmt: skip
    assert episodes(given)[0].columns == ("age",), "as declared"
    assert episodes(given, [fact])[0].columns == ("age", "hours_per_week"), "as it happened"
    assert episodes(given)[0].where == ("age > 30",)


def test_a_recurring_change_rests_inside_its_episode():
    (found,) = episodes(
        scenario({"id": "a", "start": 10, "shape": {"recurring": {"on": 2, "off": 3}}}, windows=20)
    )
    assert (found.first, found.last, found.acting) == (10, 19, (10, 11, 15, 16))


# --- what check says ----------------------------------------------------------------------------

CLOSE = ({"id": "a", "start": 10, "end": 12}, {"id": "b", "start": 14, "end": 16})


def test_acceptance_windows_that_overlap_are_an_error_where_scores_are_asked_for():
    assert overlaps(scenario(*CLOSE)) and not list(problems_in(scenario(*CLOSE)))
    (problem,) = problems_in(scenario(*CLOSE, score={}))
    assert "an alarm in window 14 could belong to a (accepted until 15) or to b (accepted from 14)" in problem
    assert not list(problems_in(scenario(*CLOSE, score={"within": 3})))
    assert list(problems_in(scenario(*CLOSE, score={"within": 3, "before": 1})))


def test_an_overlap_that_only_the_monitors_of_the_data_meet_is_found():
    between = {
        "id": "c",
        "kind": "flip_labels",
        "on": "labels",
        "start": 11,
        "end": 15,
        "with": {"share": 0.2},
    }
    given = scenario(*CLOSE, between, score={})
    assert len(episodes(given)) == 1 and len(list(problems_in(given))) == 1


def test_an_episode_that_the_run_cuts_short_is_an_error_where_scores_are_asked_for():
    (problem,) = problems_in(scenario({"id": "late", "start": 56}, score={}))
    assert problem == (
        "score: late is accepted until window 61, and the last window is 59; let it begin earlier, or make "
        "`within` smaller"
    )
    assert not list(problems_in(scenario({"id": "late", "start": 54}, score={})))


def test_check_tells_it_with_its_line(eventful: Path):
    eventful.write_text(eventful.read_text() + "score: {within: 5}\n")
    with pytest.raises(
        ScenarioInvalid, match="score: older\\+comma is accepted until window 7, and the last"
    ):
        check(eventful)
    assert check(eventful, {"score.within": 1}).scenario.score == Scoring(within=1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{within: -1}", "score.within"),
        ("{merg: 2}", "no key called 'merg'; did you mean 'merge'?"),
        ("{within: 1, harm: {metric: mae}}", "score.harm.metric: 'mae' is not measured in a binary problem"),
        ("{at_least: {figure: f2, value: 1}}", "it takes 'f1', 'lift', 'precision', 'recall'"),
        ("{at_least: much}", "score.at_least"),
        ("{at_least: {valu: 0.5}}", "did you mean 'value'?"),
        ("{targets: {'data_quality:drift:*': hurt}}", "'hurt' is not one of them"),
        ("{cost: {missed: -2}}", "score.cost.missed"),
    ],
)
def test_mistakes_are_told(text: str, said: str, eventful: Path):
    eventful.write_text(eventful.read_text() + f"score: {text}\n")
    with pytest.raises(ScenarioInvalid) as wrong:
        check(eventful)
    assert said in str(wrong.value)


def test_a_plain_number_is_an_f1_of_all_monitors():
    given = scenario(score={"at_least": 0.8})
    assert given.scoring.at_least.model_dump() == {"value": 0.8, "figure": "f1", "monitor": "overall"}


def test_a_scenario_without_scores_reads_as_before():
    assert "score" not in scenario().text() and scenario().scoring == Scoring()


def watched(*injections: dict[str, Any], **settings: Any) -> Scenario:
    """A scenario whose bias monitor compares the groups of some columns."""
    fair = {"fair": {"monitor": {"model_bias": settings}, "expression": "daily"}}
    return scenario(*injections).model_copy(update={"stages": {"monitor": {"schedules": fair}}})


HISTORY = {"kind": "bias_history", "on": "labels", "with": {"group": "race", "value": "Black"}}


@pytest.mark.parametrize(
    ("given", "settings", "uneven"),
    [
        ({**HISTORY}, {"facets": {"sex": ["Female"]}}, True),  # to be blind to a group is to miss it
        ({"where": "sex = 'Female' AND hours > 3"}, {"facets": {"sex": ["Female"]}}, True),
        ({"where": "sexes = 1"}, {"facets": {"sex": ["Female"]}}, False),
        ({}, {"facets": {"age": {"threshold": 40}}}, True),
        ({}, {"facets": {"sex": None}}, False),
        ({"where": "race = 'White'"}, {}, True),  # the card calls it sensitive
        ({"where": "workclass = 'Private'"}, {}, False),
    ],
)
def test_an_episode_is_uneven_where_it_befalls_some_groups_and_not_others(given, settings, uneven):
    found = watched({"id": "one", "start": 10, "end": 12, **given}, **settings)
    assert spans(found, uneven=True) == ([("one", 10, 10, 11)] if uneven else [])
    assert len(spans(found)) == 1


def test_of_a_compound_episode_only_the_uneven_part_counts_as_uneven():
    all_ = {"id": "all", "start": 10, "end": 20}
    found = watched(all_, {"id": "some", "start": 14, "end": 30, **HISTORY}, facets={"sex": None})
    assert spans(found) == [("all+some", 10, 14, 29)]
    assert spans(found, uneven=True) == [("some", 14, 14, 29)]
