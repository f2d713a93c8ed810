"""The monitoring part of the report: there where facts speak of it, whole, and of any size."""

from __future__ import annotations

import pytest

from simlab import events as e
from simlab.views.report import report
from tests.views.monitored import LONG, monitored
from tests.views.test_report import EVIL, Page, started


def titled(windows: int) -> e.Event:
    return started(windows=windows, step_seconds=86400)


def test_every_part_is_there_and_every_element_closed(lived) -> None:
    run = lived(windows=24)
    page = Page(report([*run.events, *monitored(24)], *run.parts()[1:]))
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) and "monitoring" in ids
    for title in (
        "Features over time",
        "Monitoring executions",
        "Bias over time",
        "Attribution over time",
        "What followed",
    ):
        assert title in page.words, title
    assert "96 executions of 4 schedules" in page.words
    assert "Baseline drift distance" in page.words and "baseline_drift_check" in page.words
    assert "version 2 took over from version 1" in page.words


def test_what_no_fact_speaks_of_is_not_there(lived) -> None:
    plain = Page(report(*lived(windows=12).parts())).words
    assert "Features over time" in plain and "What followed" in plain
    assert "Monitoring executions" not in plain and "Bias over time" not in plain
    bare = Page(report([started()]))
    assert "#monitoring" not in [attributes.get("href") for _, attributes in bare.tags]
    assert "Attribution" not in bare.words


def test_a_long_name_is_cut_and_stands_whole_in_its_title() -> None:
    page = Page(report([titled(24), *monitored(24)]))
    assert any(tag == "b" and attributes.get("title") == LONG for tag, attributes in page.tags)
    assert LONG in page.texts["title"]


def test_each_feature_has_a_chart_and_its_breaches_are_marked() -> None:
    page = Page(report([titled(24), *monitored(24)]))
    charts = [text for text in page.texts["title"] if text.startswith("Drift of ")]
    assert len(charts) == 16 and charts[0] == "Drift of hours_per_week by window: 14 breaches"
    assert page.texts["text"].count("▲") == 14


@pytest.mark.parametrize("windows", [1, 2, 1000])
def test_any_number_of_windows_is_drawn(windows: int) -> None:
    text = report([titled(windows), *monitored(windows)])
    assert Page(text).open == []
    assert "nan" not in text.lower().replace("maintenance", "") and len(text) < 6_000_000


def test_figures_that_are_undefined_everywhere_are_drawn_as_nothing() -> None:
    told = {"Facet": "sex", "FacetValue": "F", "BiasStage": "Pre-training"}
    nothing = e.MetricsPublished(
        window=0,
        namespace="aws/sagemaker/Endpoints/bias-metrics",
        dimensions=told,
        unit="None",
        values={"bias_metric_CDDL": (0.0, None, None, None)},
    )
    words = Page(report([titled(1), nothing])).words
    assert "Never defined: CDDL." in words


def test_what_a_monitor_says_is_never_markup() -> None:
    said = [
        fact.model_copy(update={"description": EVIL, "subject": EVIL})
        if isinstance(fact, e.ConstraintViolated)
        else fact
        for fact in monitored(24, features=(EVIL, "age", "sex"))
    ]
    page = Page(report([titled(24), *said]))
    assert page.open == [] and page.count("script") == 2 and page.count("img") == 0
    assert EVIL in page.words


def test_the_same_facts_give_the_same_bytes() -> None:
    assert report([titled(24), *monitored(24)]) == report([titled(24), *monitored(24)])


def test_evidentlys_reports_are_linked_where_they_are(lived) -> None:
    run = lived(windows=20)
    links = {
        11: "artifacts/evidently/window-011.html",
        3: "artifacts/evidently/window-003.html",
        None: "artifacts/evidently/run.html",
    }
    page = Page(report(*run.parts(), evidently=links))
    shown = [a["href"] for _, a in page.tags if (a.get("href") or "").startswith("artifacts/")]
    assert shown == ["artifacts/evidently/run.html", "artifacts/evidently/window-011.html"]
