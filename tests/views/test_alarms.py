from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from simlab.artifacts import Finding
from simlab.events import AlarmChanged
from simlab.views.alarms import alarms, evaluate, state_of


def finding(window: int, breached: bool, column: str = "age") -> Finding:
    return Finding("data_quality", "drift", column, "psi", 0.3 if breached else 0.1, 0.2, breached, window)


def changed(window: int, state: str, previous: str = "OK", alarm: str = "a") -> AlarmChanged:
    return AlarmChanged(window=window, alarm=alarm, state=state, previous=previous, reason="")


def test_an_alarm_sounds_when_enough_of_its_last_points_breach():
    assert state_of([True, False, True], datapoints=2, of=3) == "ALARM"
    assert state_of([True, True, False, False], datapoints=2, of=3) == "OK"


def test_points_older_than_the_last_n_count_nothing():
    assert state_of([True] * 9 + [False, False], datapoints=1, of=2) == "OK"


def test_fewer_points_than_n_are_judged_as_they_are():
    assert state_of([True, True], datapoints=2, of=3) == "ALARM"
    assert state_of([True], datapoints=1, of=3) == "ALARM"


def test_without_a_point_there_is_not_enough_data():
    assert state_of([], datapoints=1, of=1) == "INSUFFICIENT_DATA"


def test_an_alarm_gains_one_point_however_many_findings_it_has():
    found = [finding(5, False), finding(5, True), finding(4, True)]
    states, points, changes = evaluate(found, {}, {}, datapoints=2, of=3)
    assert points == {"data_quality:drift:age": (True,)}
    assert states == {"data_quality:drift:age": "OK"}
    assert [(c.previous, c.state) for c in changes] == [("INSUFFICIENT_DATA", "OK")]


def executed(*breached: bool) -> list[Finding]:
    """One finding of each execution of a window."""
    return [replace(finding(5, one), execution=n) for n, one in enumerate(breached, 1)]


def test_every_execution_of_a_window_is_a_point():
    states, points, _ = evaluate(executed(True, False, True), {}, {}, datapoints=2, of=3)
    assert points == {"data_quality:drift:age": (True, False, True)}
    assert states == {"data_quality:drift:age": "ALARM"}
    lone, _, _ = evaluate(executed(*[False] * 9, True, *[False] * 9), {}, {}, datapoints=2, of=3)
    assert lone == {"data_quality:drift:age": "OK"}, "one breach of nineteen is no alarm"


def test_an_alarm_that_sounded_within_a_window_is_seen_and_falls_silent_in_the_next():
    states, points, changes = evaluate(executed(True, True, *[False] * 9), {}, {}, datapoints=2, of=3)
    assert states == {"data_quality:drift:age": "ALARM"}
    assert changes[0].reason.startswith("2 of the last 2 points breached")
    after, _, changes = evaluate(executed(False), points, states, datapoints=2, of=3)
    assert after == {"data_quality:drift:age": "OK"} and changes[0].previous == "ALARM"


def test_an_alarm_without_a_finding_keeps_its_state_and_its_points():
    kept = {"data_quality:drift:age": (True, True)}
    states, points, changes = evaluate([], kept, {"data_quality:drift:age": "ALARM"}, datapoints=2, of=3)
    assert states == {"data_quality:drift:age": "ALARM"} and points == kept and changes == ()


def test_alarms_of_different_columns_do_not_mix():
    found = [finding(0, True, "age"), finding(0, True, "sex")]
    states, _, _ = evaluate(found, {}, {}, datapoints=2, of=2)
    assert set(states.values()) == {"OK"}


def test_the_reason_of_a_change_holds_the_count_and_the_figure():
    before = {"data_quality:drift:age": (False, True)}
    _, _, changes = evaluate([finding(2, True)], before, {"data_quality:drift:age": "OK"}, datapoints=2, of=3)
    assert changes[0].reason == (
        "2 of the last 3 points breached; 2 of 3 make an alarm (psi 0.3 against a threshold of 0.2)"
    )


def test_evaluating_leaves_what_it_was_given_alone():
    points, states = {"data_quality:drift:age": (True,)}, {"data_quality:drift:age": "OK"}
    evaluate([finding(1, True)], points, states, datapoints=1, of=1)
    assert points == {"data_quality:drift:age": (True,)} and states == {"data_quality:drift:age": "OK"}


@given(st.lists(st.booleans(), max_size=20), st.integers(1, 5), st.integers(0, 4))
def test_window_by_window_comes_to_the_same_as_counting_the_last_n(breaches, datapoints, more):
    of = datapoints + more
    points, states = {}, {}
    for window, breached in enumerate(breaches):
        states, points, _ = evaluate(
            [finding(window, breached)], points, states, datapoints=datapoints, of=of
        )
        wanted = "ALARM" if sum(breaches[: window + 1][-of:]) >= datapoints else "OK"
        assert states == {"data_quality:drift:age": wanted}
        assert len(points["data_quality:drift:age"]) <= of


def test_a_span_runs_from_the_onset_to_the_first_quiet_window():
    said = [changed(3, "ALARM"), changed(5, "OK", "ALARM"), changed(9, "ALARM")]
    assert alarms(said)["a"].spans == ((3, 5), (9, None))
    assert alarms(said)["a"].state == "ALARM"


def test_a_new_baseline_ends_a_span():
    said = [changed(3, "ALARM"), changed(6, "INSUFFICIENT_DATA", "ALARM")]
    assert alarms(said)["a"].spans == ((3, 6),)
    assert alarms(said)["a"].state == "INSUFFICIENT_DATA"


def test_an_alarm_that_never_sounded_is_known_and_has_no_span():
    assert alarms([changed(0, "OK", "INSUFFICIENT_DATA")])["a"].spans == ()


def test_nothing_said_means_no_alarms():
    assert alarms([]) == {}
