"""The report's page: what the report tells, as HTML with its own style and script inside."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from simlab.views import report_alarms as alarms
from simlab.views import report_monitoring, report_scorecard
from simlab.views import report_proof as proof
from simlab.views import report_top as top
from simlab.views import report_versions as versions
from simlab.views import report_windows as windows
from simlab.views import report_world as world
from simlab.views.monitoring import Monitoring
from simlab.views.report_markup import Markup, tag
from simlab.views.report_story import Story
from simlab.views.scorecard import Card

SECTIONS = (
    ("verdict", "Verdict"),
    ("timeline-section", "Timeline"),
    ("alarms", "Alarms"),
    ("monitoring", "Monitoring"),
    ("scorecard", "Scorecard"),
    ("builds", "Versions"),
    ("world", "The world"),
    ("proof", "Proof"),
)


def page(
    story: Story,
    scenario: Mapping[str, Any],
    aws: Mapping[str, str],
    record: Mapping[str, Any],
    card: Card | None = None,
    evidently: Mapping[int | None, str] | None = None,
    watched: Monitoring | None = None,
) -> str:
    """The whole page; the same story gives the same bytes."""
    folder = Path(__file__).parent
    monitored = report_monitoring.section(story, watched or Monitoring())
    sheets = ("report.css", "report_monitoring.css") if monitored else ("report.css",)
    style = "".join((folder / sheet).read_text(encoding="utf-8") for sheet in sheets)
    script = (folder / "report.js").read_text(encoding="utf-8")
    hashed = b64encode(sha256(script.encode()).digest()).decode()
    # Nothing is fetched from anywhere, and no script runs but the report's own.
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'; img-src data:"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content="simlab"),
        tag("title", f"{story.title} · simlab"),
        tag("style", Markup(style)),
    )
    body = tag(
        "body",
        tag("a", "Skip to the timeline", class_="skip", href="#timeline-section"),
        top.hero(story, record),
        _nav({"scorecard": card is not None, "monitoring": monitored is not None}),
        tag(
            "main",
            windows.timeline(story),
            alarms.alarms(story, evidently or {}),
            monitored,
            report_scorecard.scorecard(card) if card else None,
            versions.builds(story, aws),
            world.world(story),
            proof.proof(story, scenario, record),
        ),
        tag("footer", "Written by simlab from the run's own facts. This page needs no network."),
        tag("div", id="tip", role="status", aria_live="polite", hidden=True),
        tag("script", _data(windows.window_notes(story)), type="application/json", id="windows"),
        tag("script", Markup(script)),
    )
    return "<!DOCTYPE html>\n" + tag("html", "\n", head, "\n", body, "\n", lang="en") + "\n"


def _data(value: object) -> Markup:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _nav(there: Mapping[str, bool]) -> Markup:
    """Links to the sections; one that is not there on every page has none where it is missing."""
    shown = [(id, title) for id, title in SECTIONS if there.get(id, True)]
    return tag("nav", [tag("a", title, href=f"#{id}") for id, title in shown], aria_label="Sections")
