"""`simlab score` and exit code 6: a real run scored, from the file to the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simlab.cli import main
from simlab.errors import ScenarioInvalid, UsageError
from simlab.lab import Lab
from simlab.scoring import card_of, judge

FAST: dict[str, Any] = {"score": {"within": 1, "merge": 0}}
"""Four windows leave room for one more."""
ASKED = {"score.at_least": 0.5}


@pytest.fixture
def command(
    warm: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unprojected: None
) -> Callable[..., tuple[int, str]]:
    monkeypatch.setenv("SIMLAB_HOME", str(warm.home))

    def run(*words: object) -> tuple[int, str]:
        capsys.readouterr()
        return main([str(word) for word in words]), capsys.readouterr().out

    return run


def test_an_eventful_run_is_scored(eventful: Path, warm: Lab) -> None:
    warm.run(eventful, FAST, project=False)
    found = warm.score(None)
    assert (found.run, found.exit, found.verdict) == ("eventful-001", 0, None)
    card = found.card
    assert [(j.episode.id, j.accepted) for j in card.episodes] == [("older+comma", (1, 3))]
    assert card.episodes[0].episode.columns == ("age", "hours_per_week")
    drift = card.monitor("data_quality:drift")
    assert drift is not None and (drift.figures.recall, drift.figures.delay) == (1, 0)
    assert json.loads(json.dumps(found.as_json())) == found.as_json()


def test_the_score_is_of_a_log_and_changes_no_byte_of_it(
    eventful: Path, warm: Lab, facts: Callable[[Path], tuple[bytes, bytes]]
) -> None:
    plain = warm.run(eventful, project=False)
    scored = warm.run(eventful, FAST, project=False)
    assert facts(plain.path) == facts(scored.path)


def test_6_a_score_under_what_is_asked(eventful: Path, warm: Lab, command: Callable[..., Any]) -> None:
    muted = {**FAST, **ASKED, "stages.monitor.muted": True, "expect": []}
    under = warm.run(eventful, muted, project=False)
    assert (under.status, under.exit) == ("under", 6)
    assert [(v.expectation, v.held) for v in under.verdicts][-1] == (
        "at_least: {monitor: overall, figure: f1, value: 0.5}", False,
    )  # fmt: skip
    assert "the f1 of overall is 0" in under.why
    page = (under.path / "report.html").read_text()
    assert "Under its score" in page and 'id="scorecard"' in page
    again = warm.run(eventful, muted, resume=True, project=False)
    assert (again.run, again.exit, again.verdicts) == (under.run, 6, under.verdicts)
    code, said = command("score", "--json")
    found = json.loads(said)
    assert code == 6 and found["exit"] == 6 and found["at_least"]["reached"] is False
    code, said = command("score")
    assert code == 6 and "✗ at_least: {monitor: overall" in said


def test_a_score_that_is_reached_ends_with_0(eventful: Path, warm: Lab, command: Callable[..., Any]) -> None:
    good = warm.run(eventful, {**FAST, **ASKED}, project=False)
    assert (good.status, good.exit, good.verdicts[-1].held) == ("held", 0, True)
    assert command("score")[0] == 0


def test_a_broken_expectation_comes_before_the_score(eventful: Path, warm: Lab) -> None:
    muted = warm.run(eventful, {**FAST, **ASKED, "stages.monitor.muted": True}, project=False)
    assert (muted.status, muted.exit) == ("deviated", 5)


def test_the_terminal_shows_the_baselines_beside(
    eventful: Path, warm: Lab, command: Callable[..., Any]
) -> None:
    warm.run(eventful, FAST, project=False)
    code, said = command("score", "eventful-001")
    assert code == 0
    for words in (
        "older+comma",
        "data_quality:drift aims at shifted",
        "never",
        "always",
        "random",
        "MTFA",
        "hindsight",
    ):
        assert words in said


def test_a_quiet_world_has_false_alarms_only(tiny: Path, warm: Lab, command: Callable[..., Any]) -> None:
    warm.run(tiny, {"score.at_least": 0.1}, project=False)
    found = warm.score(None)
    overall = found.card.monitor("overall")
    assert overall is not None and (overall.figures.episodes, overall.figures.f1) == (0, None)
    assert found.exit == 6 and found.verdict is not None
    assert found.verdict.why == "the f1 of overall is undefined in this run"
    page = (warm.folder(None) / "report.html").read_text()
    assert (
        'id="scorecard"' not in page
        and "#scorecard" not in page.partition("<main>")[0].partition("</nav>")[0].rpartition("<nav")[2]
    )


def test_a_run_without_a_window_has_no_score(tiny: Path, warm: Lab) -> None:
    warm.run(tiny, until="train", project=False)
    with pytest.raises(UsageError, match="lived through no window"):
        warm.score(None)


def test_episodes_that_cannot_be_told_apart_have_no_score(eventful: Path, warm: Lab) -> None:
    apart = {"inject.older.end": 2, "inject.comma.start": 3}
    warm.run(eventful, {**apart, "expect": []}, project=False)
    with pytest.raises(ScenarioInvalid, match="could belong to older"):
        warm.score(None)
    assert 'id="scorecard"' not in (warm.folder(None) / "report.html").read_text()


def test_a_monitor_that_is_not_there_is_named_with_the_nearest(eventful: Path, warm: Lab) -> None:
    asked = {**FAST, "score.at_least": {"value": 0.5, "monitor": "data_quality:drfit", "figure": "lift"}}
    under = warm.run(eventful, asked, project=False)
    assert under.exit == 6 and "did you mean 'data_quality:drift'?" in under.why


def test_effects_of_twins_decide_what_harms(eventful: Path, warm: Lab) -> None:
    warm.run(eventful, FAST, project=False)
    effects = {"older": {1: 0.0, 2: 0.0, 3: 0.0}, "comma": {2: 0.5, 3: 0.5}}
    scenario = warm.check(eventful, FAST).scenario
    (judged,) = card_of(scenario, warm.events(None), warm.events(None, world=True), effects).episodes
    assert (judged.harm.known_from, judged.harm.worse, judged.harmful) == ("twins", 0.5, True)


def test_lift_may_be_asked_for(eventful: Path, warm: Lab) -> None:
    warm.run(eventful, FAST, project=False)
    scenario = warm.check(eventful, {**FAST, "score.at_least": {"value": 0.99, "figure": "lift"}}).scenario
    card = card_of(scenario, warm.events(None), warm.events(None, world=True))
    found = judge(scenario, card)
    assert found is not None and not found.held and "the best that knows nothing" in found.why
