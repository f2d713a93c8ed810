"""The report's alarms: what the monitors saw in every window in which one began to sound."""

from __future__ import annotations

from collections.abc import Mapping

from simlab.events import AlarmChanged
from simlab.views import report_parts as parts
from simlab.views import report_pieces as pieces
from simlab.views import report_shapes as shapes
from simlab.views.report_markup import Markup, figure, percent, plural, tag
from simlab.views.report_parts import CHANGES
from simlab.views.report_story import Onset, Shift, Story

ONSETS = 8
"""Alarm windows shown at once; further ones are folded away."""
RANG = 6
"""Alarms of one window that are told one by one."""


def alarms(story: Story, evidently: Mapping[int | None, str]) -> Markup:
    """The section: every window in which an alarm began, and every change of one."""
    whole = tag(
        "p", tag("a", "Evidently's report of the whole run", href=evidently[None])
    ) if None in evidently else None  # fmt: skip
    if not story.onsets:
        lead = (
            f"No alarm sounded. {plural(story.silent, 'alarm')} kept watch."
            if story.silent
            else "No alarm sounded."
        )
        return parts.section("alarms", "Alarms", lead, whole)
    lead = "For every window in which an alarm began to sound: what the monitors saw in it."
    links = evidently.get
    shown = [_onset(story, onset, links(onset.window)) for onset in story.onsets[:ONSETS]]
    rest = [_onset(story, onset, links(onset.window)) for onset in story.onsets[ONSETS : ONSETS * 5]]
    history = parts.table(
        ("window", "alarm", "from", "to", "why"),
        [(str(c.window if c.window is not None else "–"), c.alarm, c.previous, c.state, c.reason)
         for c in _told(story)[:CHANGES]],
    )  # fmt: skip
    return parts.section(
        "alarms",
        "Alarms",
        lead,
        whole,
        shown,
        parts.fold(f"{plural(len(rest), 'further window')} with alarms", rest) if rest else None,
        parts.fold("Every change of an alarm", history),
    )


def _told(story: Story) -> list[AlarmChanged]:
    """Changes of alarms but their first quiet point."""
    return [c for c in story.changes if c.previous != "INSUFFICIENT_DATA" or c.state == "ALARM"]


def _onset(story: Story, onset: Onset, link: str | None = None) -> Markup:
    acting = [e for e in story.episodes if e.intensity.get(onset.window)]
    began = [e.span[0] for e in acting if e.span]
    if acting:
        names = ", ".join(f"{e.id} ({e.kind})" for e in acting)
        delay = onset.window - max(began) if began else 0
        truth = f"True: {names} was acting, begun {plural(delay, 'window')} before."
    elif story.order == "replay":
        truth = "Truth unknown: a replayed world."
    elif story.world_known:
        past = [e for e in story.episodes if e.span and e.span[0] < onset.window]
        truth = (
            f"Nothing was acting any more ({', '.join(e.id for e in past)} was over)." if past
            else "Nothing was acting: a false alarm."
        )  # fmt: skip
    else:
        truth = ""
    shown = list(onset.shifts)
    names = tag(
        "ul",
        [
            tag(
                "li",
                tag("b", pieces.alarm_label(c.alarm)[0]),
                tag("span", f" {pieces.alarm_label(c.alarm)[1]}", class_="tagged"),
                tag("span", f" {c.reason}", class_="minor"),
            )
            for c in onset.changes[:RANG]
        ],
        tag("li", f"and {len(onset.changes) - RANG} more", class_="minor")
        if len(onset.changes) > RANG
        else None,
        class_="rang",
    )
    quality = [f for f in onset.findings if f.monitor == "model_quality"]
    other = [
        f
        for f in onset.findings
        if f.monitor != "model_quality" and f.column not in {s.column for s in shown}
    ]
    notes = []
    for finding in quality:
        of = f"{finding.column} of window {finding.of_window} was"
        if finding.method == "relative":
            notes.append(
                f"{of} {percent(finding.value or 0)} worse than at evaluation; "
                f"{percent(finding.threshold or 0)} was allowed."
            )
        else:
            notes.append(f"{of} {figure(finding.value)} where {figure(finding.threshold)} is asked for.")
    if onset.rejected:
        notes.append("Rows set aside: " + parts.reasons(onset.rejected) + ".")
    findings = parts.table(
        ("check", "column", "method", "value", "threshold"),
        [(f.check, f.column or "–", f.method, figure(f.value), figure(f.threshold)) for f in other],
    )
    title = parts.when(story, onset.window)
    return tag(
        "article",
        tag(
            "div",
            tag("h3", title[0].upper() + title[1:]),
            tag("p", truth, class_="truth-note") if truth else None,
            names,
            [tag("p", note) for note in notes],
            tag("p", tag("a", "Evidently's report of this window", href=link)) if link else None,
            parts.fold(f"{plural(len(other), 'other finding')} breached in this window", findings)
            if other
            else None,
        ),
        tag("div", [_shift(story, onset.window, shift) for shift in shown[:6]], class_="pairs")
        if shown
        else None,
        class_="onset",
        id=f"window-{onset.window}",
    )


def _shift(story: Story, window: int, shift: Shift) -> Markup:
    numeric = len(shift.labels) == len(shift.baseline) + 1
    lane = next((la for la in story.lanes if la.check == "drift" and la.column == shift.column), None)
    reading = lane.readings.get(window) if lane else None
    said = f"{percent(shift.moved)} of the rows lie elsewhere"
    if lane and reading:
        said += f"; {lane.method} {figure(reading.value)} against {figure(reading.threshold)}"
    names = shapes.bins(shift.labels)[0] if numeric else list(shift.labels)
    rows = [
        (n, percent(a), percent(b)) for n, a, b in zip(names, shift.baseline, shift.current, strict=False)
    ]
    return tag(
        "figure",
        tag("figcaption", tag("b", shift.column), tag("span", f" {said}", class_="minor")),
        tag(
            "p",
            tag("i", class_="swatch baseline"),
            "baseline",
            tag("i", class_="swatch current"),
            f"window {window}",
            class_="legend",
        ),
        shapes.distribution(shift, window),
        parts.fold(
            "as a table",
            parts.table(
                ("bin" if numeric else "value", "baseline", f"window {window}"), rows, class_="numbers"
            ),
        ),
    )
