"""The scorecard: which monitor aims at what, which episode harms, and who is to blame."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simlab.events import AlarmChanged, FindingMade, HindsightMeasured, RetrainFinished
from simlab.targets import target_of
from simlab.views.detection import Episode
from simlab.views.harm import harm
from simlab.views.scorecard import Known, column_of, scorecard

GAINS = Episode("gains", ("gains",), 10, 11, 14, tuple(range(10, 15)), columns=("gain",))
TASTE = Episode("taste", ("taste",), 30, 30, 33, tuple(range(30, 34)), inputs=False)
KNOWN = Known(windows=50, episodes=(GAINS, TASTE), of_inputs=(GAINS,))


def rang(window: int, alarm: str) -> AlarmChanged:
    return AlarmChanged(window=window, alarm=alarm, state="ALARM", previous="OK", reason="")


def looked(alarm: str) -> FindingMade:
    monitor, check, *column = alarm.split(":")
    return FindingMade(
        monitor=monitor, check=check, column="".join(column), method="m", breached=False, of_window=0
    )


def world(harmed: dict[int, float]) -> list[HindsightMeasured]:
    """A log loss of 0.3, but in some windows."""
    return [
        HindsightMeasured(window=w, version=1, metrics={"log_loss": harmed.get(w, 0.3)}, rows=10)
        for w in range(50)
    ]


HURT = world({w: 0.45 for w in range(10, 15)})
"""`gains` harms, `taste` does not."""


def test_a_monitor_of_the_data_is_not_asked_for_what_the_data_does_not_show():
    card = scorecard([rang(12, "data_quality:drift:gain")], HURT, KNOWN)
    drift, overall = card.monitor("data_quality:drift"), card.monitor("overall")
    assert (drift.figures.episodes, drift.figures.recall, drift.target) == (1, 1, "shifted")
    assert (overall.figures.episodes, overall.figures.recall) == (2, 0.5)


def test_a_monitor_of_the_data_that_fires_where_only_answers_changed_is_wrong():
    card = scorecard([rang(31, "data_quality:drift:gain")], HURT, KNOWN)
    assert card.monitor("data_quality:drift").figures.false_alarms == 1


def test_a_monitor_of_quality_is_asked_for_harm_alone():
    quality = scorecard([rang(31, "model_quality:quality:auc")], HURT, KNOWN).monitor("model_quality:quality")
    assert (quality.target, quality.figures.episodes, quality.figures.hits) == ("harmful", 1, 0)
    assert quality.figures.benign_alarms == 1, "what does not harm needs no report from it"


def test_a_monitor_of_bias_is_asked_for_what_befalls_one_group_alone():
    known = replace(KNOWN, uneven=(TASTE,))
    for window, told in ((31, (1, 1, 0)), (12, (1, 0, 1)), (2, (1, 0, 0))):
        card = scorecard([rang(window, "model_bias:bias_drift_check:sex=Female:DPL")], HURT, known)
        bias = card.monitor("model_bias:bias_drift_check")
        assert bias.target == "uneven"
        assert (bias.figures.episodes, bias.figures.hits, bias.figures.benign_alarms) == told
    assert bias.figures.false_alarms == 1, "window 2 is clean"


def test_what_befalls_all_beside_one_group_is_not_held_against_a_monitor_of_bias():
    both = replace(GAINS, id="gains+taste", injections=("gains", "taste"))
    known = Known(windows=50, episodes=(both,), of_inputs=(GAINS,), uneven=(replace(GAINS, first=12),))
    known = replace(known, uneven=(replace(known.uneven[0], id="taste", injections=("taste",)),))
    card = scorecard([rang(10, "model_bias:bias_drift_check:sex=Female:DPL")], HURT, known)
    assert card.monitor("model_bias:bias_drift_check").figures.benign_alarms == 0


def test_attributions_are_not_asked_for_what_the_rows_do_not_show():
    alarm = "model_explainability:feature_attribution_drift_check:shap"
    card = scorecard([rang(31, alarm)], HURT, KNOWN)
    figures = card.monitor("model_explainability:feature_attribution_drift_check").figures
    assert (figures.episodes, figures.false_alarms) == (1, 1)


def test_the_scenario_may_say_what_an_alarm_aims_at():
    known = replace(KNOWN, targets={"data_quality:drift:*": "harmful"})
    card = scorecard([rang(12, "data_quality:drift:gain")], world({}), known)
    drift = card.monitor("data_quality:drift")
    assert (drift.target, drift.figures.episodes, drift.figures.f1) == ("harmful", 0, None)
    assert (drift.best, drift.lift) == (None, None)


def test_a_family_with_two_targets_is_two_monitors():
    known = replace(KNOWN, targets={"data_quality:drift:gain": "harmful"})
    card = scorecard([looked("data_quality:drift:gain"), looked("data_quality:drift:age")], HURT, known)
    assert [m.name for m in card.monitors] == [
        "data_quality:drift (shifted)", "data_quality:drift (harmful)", "overall",
    ]  # fmt: skip


def test_who_looked_and_said_nothing_is_on_the_card():
    never = scorecard([looked("data_quality:drift:gain")], HURT, KNOWN).monitor("data_quality:drift")
    assert (never.figures.missed_rate, never.figures.onsets) == (1, 0)


def test_an_unmeasured_harm_is_not_guessed():
    card = scorecard([rang(12, "model_quality:quality:auc")], [], KNOWN)
    quality = card.monitor("model_quality:quality")
    assert [e.harmful for e in card.episodes] == [None, None]
    assert (quality.figures.episodes, quality.figures.false_alarms, quality.figures.late) == (0, 0, 1)


def test_an_episode_whose_acceptance_window_the_run_cuts_short_is_left_out():
    short = replace(KNOWN, windows=15)
    card = scorecard([], HURT, replace(short, episodes=(GAINS,)))
    assert card.episodes[0].cut_short and card.monitor("overall").figures.episodes == 0
    whole = scorecard([], HURT, replace(short, windows=17, episodes=(GAINS,)))
    assert whole.monitor("overall").figures.episodes == 1


@pytest.mark.parametrize(
    ("blamed", "right"),
    [(["gain"], 1.0), (["gain", "age"], 0.5), (["age"], 0.0), ([], None)],
)
def test_localisation_is_the_jaccard_index_of_the_columns(blamed, right):
    events = [rang(12, f"data_quality:drift:{column}") for column in blamed] + [
        rang(12, "model_quality:quality:auc"), rang(40, "data_quality:drift:other"),
    ]  # fmt: skip
    assert scorecard(events, HURT, KNOWN).monitor("overall").localisation == right


def test_several_columns_in_one_window_are_one_onset():
    events = [rang(12, f"data_quality:drift:{column}") for column in "abc"]
    assert scorecard(events, HURT, KNOWN).monitor("overall").figures.onsets == 1


def test_lift_is_over_the_best_that_knows_nothing():
    drift = scorecard([rang(12, "data_quality:drift:gain")], HURT, KNOWN).monitor("data_quality:drift")
    best = max(b.figures.f1 for b in drift.baselines)
    assert drift.lift == 1 - best and {b.name for b in drift.baselines} >= {
        "never",
        "always",
        "every 5",
        "random",
    }


def test_retrains_cost_beside_the_alarms():
    retrain = RetrainFinished(window=20, version=2, replaced=True, why="")
    card = scorecard([rang(12, "data_quality:drift:gain"), retrain], HURT, KNOWN)
    assert card.retrains == 1 and card.total_cost == card.monitor("overall").figures.cost + 5


def test_an_unknown_truth_scores_nobody():
    card = scorecard([rang(12, "data_quality:drift:gain")], HURT, Known(windows=50, unknown=True))
    assert (card.monitors, card.total_cost, card.as_json()["truth"]) == ((), None, "unknown")


def test_the_card_tells_delays_in_windows_and_in_hours():
    card = scorecard([rang(12, "data_quality:drift:gain")], HURT, replace(KNOWN, step_seconds=6 * 3600))
    said = next(m for m in card.as_json()["monitors"] if m["monitor"] == "data_quality:drift")
    assert (said["delay"], said["delay_hours"], said["missed_rate"]) == (2, 12, 0)
    assert said["localisation_of_groups"] is None and said["baselines"]["random"]["draws"] == 1000


def test_the_same_run_has_the_same_card():
    events = [rang(12, "data_quality:drift:gain"), rang(3, "data_quality:drift:gain")]
    assert scorecard(events, HURT, KNOWN).as_json() == scorecard(events, HURT, KNOWN).as_json()


def test_targets_and_columns_are_read_from_the_alarms_name():
    assert (target_of("model_quality:quality:auc"), target_of("bias:dpl:sex")) == ("harmful", "shifted")
    assert (column_of("data_quality:drift:a:b"), column_of("data_quality:schema")) == ("a:b", "")


# --- harm ---------------------------------------------------------------------------------------


def test_harm_in_hindsight_is_measured_once_the_change_is_complete():
    found = harm(GAINS, world({10: 0.31, 11: 0.36, 12: 0.36, 13: 0.36, 14: 0.36}), "log_loss", 5, range(10))
    assert found.worse == pytest.approx(0.2) and found.known_from == "hindsight"
    assert (found.over(0.1), found.over(0.3)) == (True, False)


def test_windows_in_which_something_acted_are_no_yardstick():
    values = world({**{w: 0.6 for w in range(5)}, **{w: 0.36 for w in range(11, 15)}})
    assert harm(GAINS, values, "log_loss", 5, range(5, 10)).worse == pytest.approx(0.2)


def test_twins_are_believed_before_hindsight():
    found = harm(GAINS, HURT, "log_loss", 2, range(10), {"gains": {11: 0.02, 12: 0.04, 13: 0.06, 14: 9.0}})
    assert found.worse == pytest.approx(0.04) and found.known_from == "twins"


def test_of_several_twins_the_largest_effect_counts():
    both = replace(GAINS, injections=("gains", "more"))
    found = harm(both, [], "log_loss", 0, (), {"gains": {11: 0.02}, "more": {11: 0.5}})
    assert found.worse == 0.5
