"""Which reports of Evidently's a run gets, and that they hold what the operator knew at the time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simlab import events as e
from simlab.artifacts import Findings
from simlab.comparisons import Kept, compare, of_run, of_window, onsets, path_of, reports
from simlab.errors import ScenarioInvalid
from simlab.lab import Lab
from simlab.store import Store
from tests.test_lifecycle import WATCHED


def rang(window: int, state: str, alarm: str = "a") -> e.AlarmChanged:
    return e.AlarmChanged(window=window, alarm=alarm, state=state, previous="OK", reason="")


def kept(lab: Lab) -> Kept:
    return Kept(Store(lab.home / "store"), tuple(lab.events(None)))


NOISY = {"stages.monitor.alarm": {"datapoints": 1, "of": 1}, "expect": []}


def test_alarms_of_one_window_share_a_report() -> None:
    said = [rang(3, "ALARM"), rang(3, "ALARM", "b"), rang(4, "OK"), rang(7, "ALARM")]
    assert onsets(said) == [3, 7]


def test_reports_are_found_by_window(tmp_path: Path) -> None:
    for window in (12, None):
        path = path_of(tmp_path, window)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (path.parent / "notes.html").write_text("")
    assert reports(tmp_path) == {
        12: "artifacts/evidently/window-012.html",
        None: "artifacts/evidently/run.html",
    }


def test_a_wrong_wish_is_refused(tiny: Path, warm: Lab) -> None:
    with pytest.raises(ScenarioInvalid, match=r"report\.evidently"):
        warm.check(tiny, {"report.evidently": "allways"})


def test_a_window_is_compared_by_the_rows_and_labels_of_its_time(tiny: Path, warm: Lab) -> None:
    warm.run(tiny, {"report.evidently": "run", **NOISY}, project=False)
    found = of_window(kept(warm), 2)
    assert found is not None and found.known is not None
    # Labels are a day late: in window 2 those of window 1 are known, and no later ones.
    assert "window 1, with the 150 labels" in found.says
    assert found.current.num_rows == 150 and len(found.methods) == 13
    auc = next(
        f.value
        for f in warm.events(None)
        if isinstance(f, e.MetricMeasured) and (f.metric, f.of_window) == ("monitor.auc", 1)
    )
    from simlab.measuring import metrics

    labels, scores = (found.known[n].to_numpy() for n in ("label", "prediction"))
    assert metrics("binary", labels, scores, 0.5)["auc"] == pytest.approx(auc, rel=1e-5)
    whole = of_run(kept(warm))
    assert whole is not None and whole.known is not None
    assert (whole.current.num_rows, whole.known.num_rows) == (600, 450)


def test_where_no_label_was_known_nothing_is_said_of_quality(tiny: Path, warm: Lab) -> None:
    warm.run(tiny, NOISY, project=False)
    found = of_window(kept(warm), 0)
    assert found is not None and found.known is None and "Quality" not in found.says


def test_where_only_schedules_look_the_methods_are_evidentlys_own(tiny: Path, warm: Lab) -> None:
    warm.run(tiny, {"stages.monitor.every_window": False, **NOISY}, project=False)
    found = of_window(kept(warm), 2)
    assert found is not None and "Evidently's own" in found.says
    assert found.methods["age"] == ("wasserstein", 0.1) and found.methods["sex"] == ("jensenshannon", 0.1)


def test_a_window_is_compared_with_the_version_that_answered_it(eventful: Path, warm: Lab) -> None:
    warm.run(eventful, {"expect": []}, project=False)
    source = kept(warm)
    deployed = next(f.window for f in source.events if isinstance(f, e.ModelDeployed) and f.version == 2)
    assert deployed is not None and deployed < 3
    versions = [(d := source.deployment(w)) and d.version for w in (0, deployed, deployed + 1)]
    assert versions == [1, 1, 2]


def test_after_a_rollback_a_window_is_compared_with_the_version_that_was_put_back(
    tiny: Path, warm: Lab
) -> None:
    assert warm.run(tiny, WATCHED, project=False).exit == 0
    source = kept(warm)
    (back,) = [f for f in source.events if isinstance(f, e.VersionRolledBack)]
    answered = source.deployment(back.window + 1)
    assert answered is not None and answered.version == back.version == 1


def test_a_home_that_forgot_the_rows_has_nothing_to_compare(tiny: Path, warm: Lab, tmp_path: Path) -> None:
    warm.run(tiny, NOISY, project=False)
    empty = Kept(Store(tmp_path / "empty"), tuple(warm.events(None)))
    assert of_window(empty, 2) is None and of_run(empty) is None


@pytest.mark.engine
@pytest.mark.slow
def test_a_windows_report_says_what_the_monitor_found(tiny: Path, warm: Lab) -> None:
    mixed: dict[str, Any] = {"numeric": "ks", "categorical": {"psi": {"threshold": 0.15}}}
    changes = {"report.evidently": "run", "stages.monitor.detectors": mixed}
    warm.run(tiny, {**changes, "stages.monitor.correction": "holm", **NOISY}, project=False)
    source = kept(warm)
    found, findings = of_window(source, 3), source.made("monitor", 3, Findings)
    assert found is not None and findings is not None
    said = compare(found)
    drift = {f.column: f for f in findings.findings if f.check == "drift"}
    assert set(said.drift) == set(drift) and not said.left_out
    for column, theirs in said.drift.items():
        assert theirs.value == pytest.approx(drift[column].value, rel=1e-12, abs=1e-12)
        assert (theirs.method, theirs.threshold) == (drift[column].method, drift[column].threshold)
        assert theirs.drifted == drift[column].breached
    figures = {
        f.metric.removeprefix("monitor."): f.value
        for f in source.events
        if isinstance(f, e.MetricMeasured) and (f.window, f.of_window) == (3, 2)
    }
    assert len(said.quality) == 6
    for name, value in said.quality.items():
        assert e.figure(value) == figures[name], name


@pytest.mark.engine
@pytest.mark.slow
def test_a_run_writes_what_it_was_asked_for_and_says_the_same_facts(eventful: Path, warm: Lab) -> None:
    plain = warm.run(eventful, project=False)
    shown = warm.run(eventful, {"report.evidently": "all"}, project=False)
    assert (plain.path / "events.jsonl").read_bytes() == (shown.path / "events.jsonl").read_bytes()
    assert not (plain.path / "artifacts/evidently").exists()
    wanted = {*onsets(warm.events(shown.run)), None}
    assert set(reports(shown.path)) == wanted and len(wanted) > 1
    page = (shown.path / "report.html").read_text()
    assert all(f'href="{link}"' in page for link in reports(shown.path).values())
    assert "artifacts/evidently" not in (plain.path / "report.html").read_text()
    written = warm.evidently(plain.run)
    assert {path.name for path in written} == {Path(link).name for link in reports(shown.path).values()}
