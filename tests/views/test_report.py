from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from math import inf

import pytest

from simlab.events import (
    DistributionShifted,
    FindingMade,
    Injected,
    MetricMeasured,
    RunFinished,
    RunStarted,
    StageFailed,
    WorldStarted,
)
from simlab.views.report import report
from simlab.views.report_story import story
from simlab.views.report_top import moments
from simlab.views.report_windows import window_notes

MEGABYTE = 2**20
EVIL = "</title></script><script>alert('x')</script><img src=x onerror=alert(1)> & \"quoted\""


class Page(HTMLParser):
    """What a browser would make of the page, as far as the tests ask."""

    VOID = frozenset({"meta", "br", "img", "hr", "input", "link"})

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)

    @property
    def words(self) -> str:
        return " ".join(
            text for tag, texts in self.texts.items() for text in texts if tag not in ("script", "style")
        )


def started(**more) -> RunStarted:
    settings = {
        "scenario": "s",
        "title": "A title",
        "dataset": "d",
        "dataset_digest": "0",
        "problem": "binary",
        "seed": {"world": 1, "build": 2},
        "windows": 4,
        "rows": 10,
        "step_seconds": 3600,
        "time": "2026-01-05T00:00:00",
    }
    return RunStarted(**{**settings, **more})


def finding(
    window: int, value: float, breached: bool, method: str = "psi", threshold: float = 0.1
) -> FindingMade:
    return FindingMade(
        window=window,
        monitor="data_quality",
        check="drift",
        column="age",
        method=method,
        value=value,
        threshold=threshold,
        breached=breached,
        of_window=window,
    )


# --- the story ------------------------------------------------------------------------------------


def test_what_was_known_stands_apart_from_hindsight(lived):
    told = story(*lived(windows=12, delay=3).parts())
    first = told.known["log_loss"][0]
    assert (first.window, first.of_window) == (3, 0)
    assert sorted(told.hindsight["log_loss"]) == list(range(12))
    assert len(told.known["log_loss"]) == 9  # the last three windows' labels came too late


def test_an_episode_spans_the_windows_in_which_it_really_acted():
    world = [
        Injected(
            window=w,
            injection="i",
            injector="shift_column",
            on="live",
            intensity=a,
            rows=5,
            of=10,
            mask="m",
            measured={"age": a},
            relabelled=1,
        )
        for w, a in ((3, 0.5), (4, 1.0), (5, 0.0))
    ]
    (episode,) = story([], world).episodes
    assert episode.span == (3, 4)
    assert episode.measured == {"age": 1.0}
    assert (episode.rows, episode.of, episode.relabelled) == (15, 30, 3)


def test_a_disabled_injection_is_no_episode():
    assert story([], [], {"injections": [{"id": "i", "kind": "k", "enabled": False}]}).episodes == ()


def test_an_injection_on_training_rows_has_no_window():
    world = [Injected(injection="i", injector="k", on="training", intensity=1, rows=1, of=2, mask="m")]
    (episode,) = story([], world).episodes
    assert episode.training and episode.span is None


@pytest.mark.parametrize(
    ("value", "breached", "wanted"),
    [(0.05, False, 0.5), (0.2, True, 2.0), (None, True, inf), (None, False, 0.0)],
)
def test_a_distance_is_measured_in_thresholds(value, breached, wanted):
    (lane,) = story([finding(0, value, breached)]).lanes
    assert lane.readings[0].strength == pytest.approx(wanted)


def test_a_p_value_is_stronger_the_lower_it_is():
    said = [finding(0, 0.5, False, "ks", 0.05), finding(1, 0.0025, True, "ks", 0.05)]
    (lane,) = story(said).lanes
    assert lane.readings[0].strength < 1
    assert lane.readings[1].strength == pytest.approx(2)


def test_a_check_that_allows_nothing_is_broken_by_anything():
    (lane,) = story([finding(0, 0.01, True, threshold=0.0)]).lanes
    assert lane.readings[0].strength == inf
    assert "1 %" in report([started(), finding(0, 0.01, True, threshold=0.0)])


def test_the_metric_of_the_story_is_the_one_the_monitor_looks_at(lived):
    assert story(*lived(windows=6).parts()).metric == "log_loss"
    assert story(*lived(windows=6, problem="regression").parts()).metric == "mae"


def test_rows_rejected_in_a_build_are_not_traffic(lived):
    told = story(*lived(windows=8, start=None).parts())
    assert told.rejected[6] == 40 and told.rejected[5] == 0
    assert told.reasons == {6: (("age", "value missing", 40),)}
    assert told.builds[0].rejected == (("age", "not a number", 3),)


def test_rows_rejected_in_a_retrain_are_not_traffic(lived):
    told = story(*lived().parts())
    assert told.builds[1].window == 15 and told.builds[1].rejected == (("age", "not a number", 3),)
    assert sorted(told.reasons) == [6, 17, 28]


def test_alarms_silenced_by_a_new_version_sounded_until_it_took_over(lived):
    told = story(*lived().parts())
    (retrain,) = told.retrains
    alarm = next(a for a in told.alarms if a.name.endswith("hours_per_week"))
    assert told.sounded(alarm)[0][1] == retrain.window + 1
    assert alarm.name in told.sounding(retrain.window)
    assert alarm.name not in told.sounding(retrain.window + 1)


def test_each_build_keeps_its_own_trials_scores_and_decision(lived):
    first, second = story(*lived().parts()).builds
    assert (first.version, second.version) == (1, 2)
    assert len(first.trials) == len(second.trials) == 15
    assert second.window == 15 and second.deployed and second.approved
    assert {"log_loss", "dummy.log_loss", "rule.log_loss"} <= set(second.scores)


def test_moments_are_told_in_order(lived):
    happened = moments(story(*lived().parts()))
    assert [window for window, *_ in happened] == sorted(window for window, *_ in happened)
    assert happened[0][1:3] == ("truth", "raise begins")
    assert ("retrain", "v2 takes over") in [moment[1:3] for moment in happened]


def test_a_tooltip_tells_what_was_known_in_its_window_and_of_which(lived):
    notes = window_notes(story(*lived(windows=12, delay=3).parts()))
    lines = {name: text for _, name, text in notes[5]["l"]}
    assert lines["log_loss, known now"].endswith("(of window 2)")
    assert "log_loss, known now" not in {name for _, name, _ in notes[2]["l"]}


# --- the page -------------------------------------------------------------------------------------


def test_the_same_facts_give_the_same_bytes(lived):
    assert report(*lived(windows=8).parts()) == report(*lived(windows=8).parts())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"start": None},
        {"stop": 5},
        {"replay": True, "start": None},
        {"retrain": False},
        {"problem": "regression"},
    ],
)
def test_every_element_is_closed_and_every_id_is_its_own(lived, settings):
    page = Page(report(*lived(windows=20, **settings).parts(), aws={"tune": "tuning"}, record={"run": "r-1"}))
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_nothing_is_fetched_from_anywhere(lived):
    text = report(*lived(windows=8).parts())
    page = Page(text)
    for tag, attributes in page.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert "//" not in text and "@import" not in text
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_the_only_script_that_may_run_is_the_reports_own(lived):
    page = Page(report(*lived(windows=8).parts()))
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    digest = b64encode(sha256(page.texts["script"][1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy


def test_what_a_scenario_says_is_never_markup(lived):
    run = lived(windows=20, title=EVIL)
    run.scenario.update(shows=EVIL, text=EVIL)
    run.scenario["injections"][0].update(kind=EVIL, where=EVIL, **{"with": {EVIL: EVIL}})
    run.events.append(StageFailed(window=3, stage=EVIL, why=EVIL))
    run.events.append(finding(3, 0.9, True).model_copy(update={"column": EVIL, "method": EVIL}))
    run.events.append(MetricMeasured(window=3, metric=f"monitor.{EVIL}", value=1.0, of_window=3))
    shares = (0.5, 0.5)
    shifted = DistributionShifted(window=11, column=EVIL, labels=(EVIL, "b"), baseline=shares, current=shares)
    run.events.append(shifted)
    page = Page(report(*run.parts(), aws={EVIL: EVIL}, record={EVIL: EVIL, "run": EVIL}))
    assert page.open == []
    assert page.count("script") == 2 and page.count("img") == 0
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert EVIL in page.words
    assert any((attributes.get("data-tip") or "").startswith(EVIL) for _, attributes in page.tags)


def test_the_tooltips_are_whole_json(lived):
    page = Page(report(*lived(windows=9, title=EVIL).parts()))
    notes = json.loads(page.texts["script"][0])
    assert [note["t"] for note in notes] == [f"window {n}" for n in range(9)]


def test_the_verdict_stands_at_the_top(lived):
    page = Page(report(*lived(windows=20, retrain=False).parts()))
    assert "Deviated" in page.words and "1 of 3 expectations did not hold" in page.words
    assert "89% made good" in page.words
    assert "Held" in Page(report(*lived(windows=20).parts())).words


def test_a_failed_run_says_where_it_failed(lived):
    words = Page(report(*lived(windows=20, stop=14).parts())).words
    assert "serve failed in window 14, 19 Jan: the endpoint did not answer" in words
    assert "not lived through" in words


def test_a_replayed_world_does_not_pretend_to_know_the_truth(lived):
    words = Page(report(*lived(windows=20, replay=True, start=None).parts())).words
    assert "Truth unknown" in words and "false alarm" not in words


def test_an_alarm_in_an_untouched_world_is_called_false(lived):
    assert "Nothing was acting: a false alarm." in Page(report(*lived(start=None).parts())).words


def test_the_aws_counterparts_stand_beside_the_stages(lived):
    words = Page(report(*lived(windows=5).parts(), aws={"tune": "SageMaker automatic model tuning"})).words
    assert "SageMaker automatic model tuning" in words
    assert "SageMaker" not in Page(report(*lived(windows=5).parts())).words


def test_the_runs_record_is_shown():
    words = Page(report([started()], record={"run": "s-004", "events": {"facts": 7, "head": "c0ffee"}})).words
    assert "simlab events s-004 --verify" in words
    assert "c0ffee" in words and "events head" in words


def test_a_run_that_said_nothing_has_a_report():
    page = Page(report([]))
    assert page.open == [] and "No window was lived through." in page.words


def test_a_run_stopped_at_the_gate_has_a_report():
    page = Page(report([started(), RunFinished(status="gate", exit=4)], [], {"title": "T"}))
    assert "Stopped at the gate" in page.words and page.open == []


def test_a_run_without_labels_and_without_a_world_has_a_report():
    said = [started(), *(finding(w, 0.01, False) for w in range(4)), RunFinished(status="held", exit=0)]
    page = Page(report(said))
    assert "No label arrived" in page.words
    assert "The world's own log is not at hand" in page.words


def test_a_metric_that_never_moves_is_drawn():
    said = [
        started(),
        *(MetricMeasured(window=w, metric="monitor.log_loss", value=0.3, of_window=w) for w in range(4)),
    ]
    text = report(said)
    assert "0.3" in Page(text).words
    assert not re.search(r'(x|y|d|height|width)="[^"]*(nan|inf)', text)


def test_a_time_nobody_can_read_leaves_the_dates_out():
    said = [started(time="whenever"), finding(0, 0.01, False)]
    assert Page(report(said)).open == []


def test_a_clock_that_ends_after_the_calendar_has_no_dates():
    said = [started(time="9999-12-30T00:00:00", step_seconds=86400), finding(0, 0.01, False)]
    assert Page(report(said)).open == []


def test_long_runs_fit_on_the_page_and_under_two_megabytes(lived):
    text = report(*lived(windows=1000, start=300).parts())
    assert len(text.encode()) < 2 * MEGABYTE
    assert "Each bar stands for 3 windows" in text
    assert Page(text).open == []


def test_two_hundred_windows_are_drawn_one_by_one(lived):
    text = report(*lived(windows=200, start=60).parts())
    assert len(text.encode()) < MEGABYTE
    assert "Each bar stands for" not in text


def test_drawings_have_words_for_those_who_do_not_see_them(lived):
    page = Page(report(*lived(windows=20).parts()))
    drawings = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(drawings) > 10 and all(attributes["role"] == "img" for attributes in drawings)
    assert page.count("title") > len(drawings)
    assert page.count("table") >= 4


def test_the_worlds_rows_are_named():
    origin = WorldStarted(
        scenario="s",
        dataset="d",
        dataset_digest="0",
        order="drawn",
        training_rows=1234,
        baseline_rows=50,
        pool_rows=99,
        baseline_gap={"age": 0.25},
    )
    words = Page(report([started()], [origin])).words
    assert "training 1,234" in words and "+0.250" in words
