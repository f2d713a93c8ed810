"""The report's page: what the report tells, as HTML with its own style and script inside."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

from simlab.events import AlarmChanged
from simlab.quality import LOWER_IS_BETTER, METRICS
from simlab.views import report_drawing as draw
from simlab.views import report_monitoring, report_scorecard
from simlab.views.metrics import Point
from simlab.views.monitoring import Monitoring
from simlab.views.report_markup import Markup, figure, join, percent, plural, ranges, tag
from simlab.views.report_story import Build, Episode, Onset, Reasons, Shift, Story
from simlab.views.scorecard import Card

ONSETS = 8
"""Alarm windows shown at once; further ones are folded away."""
MOMENTS = 7
"""Moments in the strip at the top; the rest are in the timeline."""
BUILDS = 8
"""Versions told in full: the first, and the last ones."""
RANG = 6
"""Alarms of one window that are told one by one."""
CHANGES = 500
"""Most rows of the table of alarm changes."""
STATUS = {
    "held": ("✓", "Held", "good"),
    "deviated": ("✗", "Deviated", "bad"),
    "under": ("✗", "Under its score", "bad"),
    "gate": ("■", "Stopped at the gate", "warn"),
    "failed": ("✗", "Failed", "bad"),
    "": ("…", "Not finished", "warn"),
}
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
        _hero(story, record),
        _nav({"scorecard": card is not None, "monitoring": monitored is not None}),
        tag(
            "main",
            _timeline(story),
            _alarms(story, evidently or {}),
            monitored,
            _scorecard(card) if card else None,
            _builds(story, aws),
            _world(story),
            _proof(story, scenario, record),
        ),
        tag("footer", "Written by simlab from the run's own facts. This page needs no network."),
        tag("div", id="tip", role="status", aria_live="polite", hidden=True),
        tag("script", _data(window_notes(story)), type="application/json", id="windows"),
        tag("script", Markup(script)),
    )
    return "<!DOCTYPE html>\n" + tag("html", "\n", head, "\n", body, "\n", lang="en") + "\n"


def _data(value: object) -> Markup:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _section(id: str, title: str, lead: str, *inside: object) -> Markup:
    return tag("section", tag("h2", title), tag("p", lead, class_="lead") if lead else None, *inside, id=id)


def _table(
    head: Sequence[object], rows: Iterable[Sequence[object]], caption: str = "", class_: str = ""
) -> Markup:
    body = [tag("tr", [tag("td", cell) for cell in row]) for row in rows]
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption) if caption else None,
            tag("thead", tag("tr", [tag("th", cell, scope="col") for cell in head])),
            tag("tbody", body),
            class_=class_ or None,
        ),
        class_="scroll",
    )


def _fold(summary: str, *inside: object, open_: bool = False) -> Markup:
    return tag("details", tag("summary", summary), *inside, open=open_)


def _nav(there: Mapping[str, bool]) -> Markup:
    """Links to the sections; one that is not there on every page has none where it is missing."""
    shown = [(id, title) for id, title in SECTIONS if there.get(id, True)]
    return tag("nav", [tag("a", title, href=f"#{id}") for id, title in shown], aria_label="Sections")


def _when(story: Story, window: int | None) -> str:
    """A window with its date, for people."""
    if window is None or window < 0:
        return "before the first window"
    date = draw.date_of(story, window)
    return f"window {window}" + (f", {date}" if date else "")


# --- the top --------------------------------------------------------------------------------------


def _hero(story: Story, record: Mapping[str, Any]) -> Markup:
    run = str(record.get("run") or story.name or "run")
    return tag(
        "header",
        tag(
            "div",
            tag("p", f"simlab · {run}", class_="eyebrow"),
            tag("h1", story.title),
            tag("p", story.shows, class_="shows") if story.shows else None,
            _figures(story),
            _chips(story),
            class_="intro",
        ),
        _verdict(story),
        _moments(story),
        id="verdict",
    )


def _figures(story: Story) -> Markup | None:
    """The run in three figures of its main metric: promised, at its worst, in the end."""
    promised = next((b.scores[story.metric].value for b in story.builds if story.metric in b.scores), None)
    truth = story.hindsight.get(story.metric) or {
        point.about: point.value
        for point in story.known.get(story.metric, ())
        if point.about is not None and point.value is not None
    }
    if promised is None or not truth:
        return None
    windows = sorted(truth)
    pick = max if story.metric in LOWER_IS_BETTER else min
    worst = pick(windows, key=lambda window: truth[window])
    shown = (
        (f"{story.metric} at evaluation", promised, "before the first window"),
        ("at its worst", truth[worst], f"window {worst}"),
        ("in the end", truth[windows[-1]], f"window {windows[-1]}"),
    )
    items = [
        tag("div", tag("dt", name), tag("dd", figure(value, 3), tag("span", when)))
        for name, value, when in shown
    ]
    return tag("dl", items, class_="figures")


def _synthetic(story: Story) -> str:
    return " (synthetic)" if story.synthetic else ""


def _chips(story: Story) -> Markup:
    windows = f"{story.lived:,}" + (f" of {story.windows:,}" if story.lived < story.windows else "")
    facts = (
        ("data", f"{story.dataset}{_synthetic(story)}, {story.problem}" if story.dataset else ""),
        ("windows", windows if story.windows else ""),
        ("rows a window", f"{story.window_rows:,}" if story.window_rows else ""),
        ("a window is", _length(story.step_seconds) if story.step_seconds else ""),
        ("versions served", str(sum(bool(version.spans) for version in story.versions))),
        ("alarms", str(sum(len(alarm.spans) for alarm in story.alarms))),
        ("retrains", str(len(story.retrains))),
        ("seed", _seed(story.seed)),
    )
    shown = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value]
    return tag("dl", shown, class_="chips")


def _seed(seed: Mapping[str, int]) -> str:
    if len(set(seed.values())) == 1:  # one number was given for all
        return str(next(iter(seed.values())))
    return ", ".join(f"{name} {value}" for name, value in seed.items())


def _length(seconds: int) -> str:
    for unit, size in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds % size == 0:
            return plural(seconds // size, unit)
    return plural(seconds, "second")


def _verdict(story: Story) -> Markup:
    mark, word, mood = STATUS.get(story.status, ("?", story.status.capitalize(), "warn"))
    broken = [j for j in (*story.given, *story.expected) if not j.held]
    expected = len(story.expected)
    if story.status == "held":
        line = (
            f"{'All ' if expected > 1 else ''}{plural(expected, 'expectation')} held"
            if expected
            else "Nothing was expected"
        )
    elif story.status == "deviated":
        line = f"{len(broken)} of {plural(expected, 'expectation')} did not hold"
    elif story.status == "under":
        line = "Every expectation held, but the monitors' score is under what the scenario asks"
    elif story.status == "gate":
        line = "The built model did not meet what was given; no live window was lived through"
    elif story.failures:
        failed = story.failures[-1]
        line = f"{failed.stage} failed in {_when(story, failed.window)}: {failed.why}"
    elif story.status == "failed":
        line = "A stage failed for good"
    else:
        line = f"The run has not come to its end; {plural(story.lived, 'window')} lived through"
    judged = [*(("given", j) for j in story.given), *(("expect", j) for j in story.expected)]
    items = [
        tag(
            "li",
            tag("span", "✓" if j.held else "✗", class_="mark", aria_hidden="true"),
            tag(
                "div",
                tag(
                    "p",
                    _expectation(j.expectation),
                    tag("span", "given", class_="state warn") if of == "given" else None,
                    class_="wanted",
                ),
                tag("p", tag("b", "Held: " if j.held else "Did not hold: "), j.why, class_="why"),
            ),
            class_="good" if j.held else "bad",
        )
        for of, j in judged
    ]
    return tag(
        "div",
        tag(
            "div",
            tag("span", mark, class_="mark", aria_hidden="true"),
            tag("div", tag("p", word, class_="word"), tag("p", line, class_="line")),
            class_=f"banner {mood}",
        ),
        tag("ul", items, class_="verdicts") if items else None,
        class_="verdict",
    )


def _expectation(text: str) -> Markup:
    """An expectation with its name set apart from its settings."""
    name, colon, settings = text.partition(":")
    settings = settings.strip().removeprefix("{").removesuffix("}")
    return join(tag("code", name), " ", tag("span", settings, class_="settings") if colon else None)


Moment = tuple[int, str, str, str]
"""Window, class, headline, detail."""


def moments(story: Story) -> list[Moment]:
    """What happened, in order: the truth, the alarms, the retrains, the failures."""
    found: list[tuple[int, int, str, str, str]] = []
    for episode in story.episodes:
        if episode.span:
            first, last = episode.span
            found.append((first, 0, "truth", f"{episode.id} begins", episode.kind.replace("_", " ")))
            if last < story.lived - 1:
                found.append(
                    (
                        last + 1,
                        0,
                        "truth",
                        f"{episode.id} is over",
                        f"after {plural(last - first + 1, 'window')}",
                    )
                )
    rang: dict[int, list[str]] = {}
    for alarm in story.alarms:
        for onset, _ in alarm.spans:
            rang.setdefault(onset, []).append(alarm.name)
    for window, names in rang.items():
        watched = [draw.alarm_label(name) for name in names]
        words = f"{watched[0][0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        kinds = ", ".join(dict.fromkeys(kind for _, kind in watched))
        found.append(
            (
                window,
                1,
                "alarm",
                "Alarm" if len(names) == 1 else plural(len(names), "alarm"),
                f"{words} ({kinds})",
            )
        )
    for retrain in story.retrains:
        if retrain.replaced:
            headline, detail = (
                f"v{retrain.version} takes over",
                f"retrained by {retrain.policy}, serves from window {retrain.window + 1}",
            )
        elif retrain.replaced is False:
            headline, detail = "Retrain, old version kept", retrain.why
        else:
            headline, detail = "Retrain begun", retrain.reason
        found.append((retrain.window, 2, "retrain", headline, detail))
    for failure in story.failures:
        if failure.window is not None:
            found.append((failure.window, 3, "failure", f"{failure.stage} fails", failure.why))
    return [(window, class_, headline, detail) for window, _, class_, headline, detail in sorted(found)]


def _ranks(happened: Sequence[Moment], noticed: Mapping[int, int]) -> list[int]:
    """How much each moment matters where there is no room for all: the first of a kind more than the next."""
    ranks, seen = [], dict.fromkeys(("alarm", "retrain"), 0)
    for window, class_, _, _ in happened:
        if class_ in seen:
            seen[class_] += 1
            early = seen[class_] == 1 or (class_ == "alarm" and window in noticed)
            ranks.append(1 if early else 2 if seen[class_] == 2 else 3)
        else:
            ranks.append(0)
    return ranks


def _moments(story: Story) -> Markup | None:
    happened = moments(story)
    if not happened:
        return None
    starts = [e.span[0] for e in story.episodes if e.span and not e.expected]
    first = {}  # the first alarm after each beginning, which is the one that noticed it
    for start in starts:
        onset = next((w for w, class_, _, _ in happened if class_ == "alarm" and w >= start), None)
        if onset is not None:
            first[onset] = onset - start
    told = sorted(range(len(happened)), key=_ranks(happened, first).__getitem__)
    items = []
    for window, class_, headline, detail in (happened[n] for n in sorted(told[:MOMENTS])):
        later = first.get(window) if class_ == "alarm" else None
        items.append(
            tag(
                "li",
                tag("p", f"w{window}", tag("span", draw.date_of(story, window)), class_="at"),
                tag("p", headline, class_="what"),
                tag("p", draw.shortened(detail, 70), class_="minor"),
                tag(
                    "p",
                    f"{plural(later, 'window')} after it began" if later else "in the very window it began",
                    class_="minor",
                )
                if later is not None
                else None,
                class_=class_,
            )
        )
    if len(happened) > MOMENTS:
        items.append(tag("li", tag("p", f"and {len(happened) - MOMENTS} more", class_="what"), class_="more"))
    return tag("ol", items, class_="moments", aria_label="What happened")


# --- the timeline ---------------------------------------------------------------------------------


def _timeline(story: Story) -> Markup:
    if not story.windows or not story.lived:
        return _section("timeline-section", "Timeline", "No window was lived through.")
    per = draw.Axis(story.windows).per
    lead = "Everything on one clock. Point at a window, or use the arrow keys, to read it."
    if per > 1:
        lead += f" Each bar stands for {per} windows: the worst drift in them, the mean of the rest."
    others = [m for m in _metrics_of(story) if m != story.metric]
    small = [
        tag("figure", tag("figcaption", m, _hint(story, m)), draw.small_metric(story, m)) for m in others
    ]
    return _section(
        "timeline-section",
        "Timeline",
        lead,
        tag("div", draw.timeline(story), class_="stage"),
        tag("h3", "The same by every other metric") if small else None,
        tag("div", small, class_="metrics") if small else None,
        _fold("The timeline as a table", _window_table(story)),
    )


def _hint(story: Story, metric: str) -> Markup | None:
    if metric not in METRICS.get(story.problem, ()):
        return None  # a rate, say, which is neither good nor bad
    better = "lower" if metric in LOWER_IS_BETTER else "higher"
    return tag("span", f" {better} is better", class_="minor")


def _metrics_of(story: Story) -> list[str]:
    """Metrics with a figure for some window, in the problem's own order."""
    seen = {*story.known, *story.hindsight}
    order = METRICS.get(story.problem, ())
    return [m for m in order if m in seen] + sorted(m for m in seen if m not in order)


def _known_in(story: Story) -> dict[int, list[Point]]:
    """Points of the main metric by the window in which they became known."""
    found: dict[int, list[Point]] = {}
    for point in story.known.get(story.metric, ()):
        if point.window is not None:
            found.setdefault(point.window, []).append(point)
    return found


def window_notes(story: Story) -> list[dict[str, Any]]:
    """What the timeline's tooltip says of each slot: a title and lines of class, name and text."""
    if not story.lived:
        return []
    per = draw.Axis(story.windows).per
    then = _known_in(story)
    notes = []
    for window in range(0, story.lived, per):
        # Where a slot holds several windows, its first one speaks.
        title = (
            f"window {window}"
            if per == 1
            else f"window {window} (of {window} to {min(window + per, story.lived) - 1})"
        )
        notes.append(
            {"t": title, "d": draw.date_of(story, window), "l": _lines(story, window, then.get(window, []))}
        )
    return notes


def _lines(story: Story, window: int, known: Sequence[Point]) -> list[tuple[str, str, str]]:
    lines: list[tuple[str, str, str]] = []
    for episode in story.episodes:
        share = episode.intensity.get(window)
        if share:
            lines.append(("truth", episode.id, f"{percent(share)} of its size"))
    for point in known:
        late = "" if point.of_window in (None, window) else f" (of window {point.of_window})"
        lines.append(("known", f"{story.metric}, known now", figure(point.value) + late))
    true = story.hindsight.get(story.metric, {}).get(window)
    if true is not None:
        lines.append(("hindsight", f"{story.metric}, hindsight", figure(true)))
    version = story.version_in(window)
    if version:
        lines.append((f"v{version.number % 6}", "in service", f"version {version.number}"))
    for name in story.sounding(window)[:5]:
        watched, keeper = draw.alarm_label(name)
        lines.append(
            ("alarm quality" if keeper == "model quality" else "alarm", "alarm", f"{watched}, {keeper}")
        )
    found = [(lane, lane.readings[window]) for lane in story.lanes if window in lane.readings]
    for lane, reading in sorted(found, key=lambda item: -item[1].strength)[:3]:
        said = f"{figure(reading.value)} against {figure(reading.threshold)}"
        lines.append(("over" if reading.breached else "under", lane.label, said))
    if window in story.answered:
        lines.append(("answered", "rows answered", f"{story.answered[window]:,}"))
    if story.rejected.get(window):
        why = "; ".join(f"{column}: {reason}" for column, reason, _ in story.reasons.get(window, ())[:2])
        lines.append(("aside", "set aside", f"{story.rejected[window]:,}" + (f" ({why})" if why else "")))
    if story.labels.get(window):
        lines.append(("labels", "labels arrived", f"{story.labels[window]:,}"))
    for retrain in story.retrains:
        if retrain.window == window:
            lines.append(("retrain-mark", "retrain", retrain.why or retrain.reason))
    return lines


def _window_table(story: Story) -> Markup:
    then = _known_in(story)
    hindsight = story.hindsight.get(story.metric, {})
    rows = []
    for window in range(0, story.lived, draw.Axis(story.windows).per):
        acting = [e.id for e in story.episodes if e.intensity.get(window)]
        version = story.version_in(window)
        known = ", ".join(
            figure(p.value) + ("" if p.of_window in (None, window) else f" (of {p.of_window})")
            for p in then.get(window, ())
        )
        breached = [
            lane.label for lane in story.lanes if window in lane.readings and lane.readings[window].breached
        ]
        rows.append(
            (
                str(window),
                draw.date_of(story, window),
                ", ".join(acting),
                known,
                figure(hindsight.get(window)),
                f"v{version.number}" if version else "",
                ", ".join(" ".join(draw.alarm_label(name)) for name in story.sounding(window)),
                ", ".join(breached),
                f"{story.answered[window]:,}" if window in story.answered else "",
                f"{story.rejected.get(window, 0):,}",
                f"{story.labels.get(window, 0):,}",
            )
        )
    head = (
        "window", "begins", "truly acting", f"{story.metric} known", "hindsight", "version", "alarms",
        "breached", "answered", "set aside", "labels",
    )  # fmt: skip
    return _table(head, rows, class_="numbers")


# --- alarms ---------------------------------------------------------------------------------------


def _alarms(story: Story, evidently: Mapping[int | None, str]) -> Markup:
    whole = tag(
        "p", tag("a", "Evidently's report of the whole run", href=evidently[None])
    ) if None in evidently else None  # fmt: skip
    if not story.onsets:
        lead = (
            f"No alarm sounded. {plural(story.silent, 'alarm')} kept watch."
            if story.silent
            else "No alarm sounded."
        )
        return _section("alarms", "Alarms", lead, whole)
    lead = "For every window in which an alarm began to sound: what the monitors saw in it."
    links = evidently.get
    shown = [_onset(story, onset, links(onset.window)) for onset in story.onsets[:ONSETS]]
    rest = [_onset(story, onset, links(onset.window)) for onset in story.onsets[ONSETS : ONSETS * 5]]
    history = _table(
        ("window", "alarm", "from", "to", "why"),
        [(str(c.window if c.window is not None else "–"), c.alarm, c.previous, c.state, c.reason)
         for c in _told(story)[:CHANGES]],
    )  # fmt: skip
    return _section(
        "alarms",
        "Alarms",
        lead,
        whole,
        shown,
        _fold(f"{plural(len(rest), 'further window')} with alarms", rest) if rest else None,
        _fold("Every change of an alarm", history),
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
                tag("b", draw.alarm_label(c.alarm)[0]),
                tag("span", f" {draw.alarm_label(c.alarm)[1]}", class_="tagged"),
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
        notes.append(
            f"{finding.column} of window {finding.of_window} was {percent(finding.value or 0)} worse than at "
            f"evaluation; {percent(finding.threshold or 0)} was allowed."
        )
    if onset.rejected:
        notes.append("Rows set aside: " + _reasons(onset.rejected) + ".")
    findings = _table(
        ("check", "column", "method", "value", "threshold"),
        [(f.check, f.column or "–", f.method, figure(f.value), figure(f.threshold)) for f in other],
    )
    title = _when(story, onset.window)
    return tag(
        "article",
        tag(
            "div",
            tag("h3", title[0].upper() + title[1:]),
            tag("p", truth, class_="truth-note") if truth else None,
            names,
            [tag("p", note) for note in notes],
            tag("p", tag("a", "Evidently's report of this window", href=link)) if link else None,
            _fold(f"{plural(len(other), 'other finding')} breached in this window", findings)
            if other
            else None,
        ),
        tag("div", [_shift(story, onset.window, shift) for shift in shown[:6]], class_="pairs")
        if shown
        else None,
        class_="onset",
        id=f"window-{onset.window}",
    )


def _reasons(reasons: Reasons) -> str:
    """Why rows were set aside, the commonest first."""
    ordered = sorted(reasons, key=lambda reason: (-reason[2], reason))
    said = [
        f"{plural(rows, 'row')}, {column + ' ' if column else ''}{why}" for column, why, rows in ordered[:5]
    ]
    return "; ".join(said) + (f"; and {len(reasons) - 5} reasons more" if len(reasons) > 5 else "")


def _shift(story: Story, window: int, shift: Shift) -> Markup:
    numeric = len(shift.labels) == len(shift.baseline) + 1
    lane = next((la for la in story.lanes if la.check == "drift" and la.column == shift.column), None)
    reading = lane.readings.get(window) if lane else None
    said = f"{percent(shift.moved)} of the rows lie elsewhere"
    if lane and reading:
        said += f"; {lane.method} {figure(reading.value)} against {figure(reading.threshold)}"
    names = draw.bins(shift.labels)[0] if numeric else list(shift.labels)
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
        draw.distribution(shift, window),
        _fold(
            "as a table",
            _table(("bin" if numeric else "value", "baseline", f"window {window}"), rows, class_="numbers"),
        ),
    )


# --- the scorecard --------------------------------------------------------------------------------


def _scorecard(card: Card) -> Markup:
    rules = card.known.rules
    return _section(
        "scorecard",
        "Scorecard",
        "How the monitors did against the truth, each beside the best monitor that knows nothing.",
        [tag("p", words) for words in report_scorecard.episode_words(card)],
        _table(report_scorecard.HEAD, report_scorecard.rows(card), class_="numbers"),
        tag(
            "p",
            f"False alarms are counted in clean time, and those within {plural(rules.merge, 'window')} of "
            "one another are one. The lift is the F1 less that of the best monitor that knows nothing.",
            class_="minor",
        ),
        [tag("p", f"{note[0].upper()}{note[1:]}.", class_="minor") for note in card.known.notes],
    )


# --- versions -------------------------------------------------------------------------------------


def _builds(story: Story, aws: Mapping[str, str]) -> Markup:
    numbered = list(enumerate(story.builds))
    full = numbered if len(numbered) <= BUILDS else [numbered[0], *numbered[1 - BUILDS :]]
    cards = [_build(story, build, number) for number, build in full]
    timed = any(seconds is not None for _, _, seconds in story.stages)
    head = ["stage", "ran", *(["seconds"] if timed else []), *(["on AWS"] if aws else [])]
    rows = []
    for stage, count, seconds in story.stages:
        row: list[object] = [tag("code", stage), f"{count:,} ×"]
        if timed:
            row.append(f"{seconds:.2f}" if seconds is not None else "–")
        if aws:
            row.append(aws.get(stage, "–"))
        rows.append(row)
    stages = join(
        tag("h3", "The stages" + (", and what stands for each on AWS" if aws else "")),
        _table(head, rows),
    )
    return _section(
        "builds",
        "Versions",
        "How each version came about: its rows, its tuning, its evaluation beside a dummy and a simple rule, "
        "and why it was let into service.",
        tag("div", cards, class_="cards"),
        _fold("Every version as a table", _version_table(story)) if len(full) < len(numbered) else None,
        stages if rows else None,
    )


def _version_table(story: Story) -> Markup:
    rows = []
    for build in story.builds[:CHANGES]:
        score = build.scores.get(story.metric)
        rows.append(
            (
                f"v{build.version}" if build.version is not None else "–",
                "first build" if build.window is None else f"window {build.window}",
                f"{build.rows:,}" if build.rows is not None else "–",
                figure(score.value if score else None),
                "in service" if build.deployed else "failed" if build.failed else "not deployed",
                build.failed or build.why,
            )
        )
    return _table(("version", "built in", "rows", story.metric, "outcome", "why"), rows)


def _build(story: Story, build: Build, number: int) -> Markup:
    name = f"Version {build.version}" if build.version is not None else "No version"
    if build.deployed:
        state, mood = "in service", "good"
    elif build.failed:
        state, mood = "failed", "bad"
    elif build.approved is False:
        state, mood = "rejected", "bad"
    else:
        state, mood = "not deployed", "warn"
    spans = next((v.spans for v in story.versions if v.number == build.version), ())
    if spans and build.deployed:
        first, after = spans[0]
        last = (story.lived if after is None else after) - 1
        if last >= first:
            state = f"served windows {first} to {last}"
    retrain = f"Retrain in {_when(story, build.window)}: {build.reason}"
    origin = retrain if number else "The first build"
    facts: list[tuple[str, object]] = []
    if build.rows is not None:
        facts.append(("rows", f"{build.rows:,}" + (f" × {build.columns} columns" if build.columns else "")))
    if build.source:
        facts.append(("from", build.source))
    if build.windows:
        facts.append(
            (
                "labelled windows",
                ranges(build.windows) + (" and training rows" if build.include_training else ""),
            )
        )
    if build.rows is not None:
        facts.append(("set aside", _reasons(build.rejected) or "no row"))
    if build.parity_rows is not None:
        checked = f"{plural(build.parity_rows, 'row')} read from both stores"
        facts.append(("feature parity", f"{checked}, {build.parity_differing} values differ"))
    if build.trained:
        facts.append(("model", f"{build.trained.algorithm}, fitted on {plural(build.trained.rows, 'row')}"))
    if build.parity is not None:
        size = f", {build.bytes / 1024:,.0f} KiB" if build.bytes else ""
        facts.append(("ONNX parity", f"answers differ by at most {figure(build.parity, 2)}{size}"))
    if build.why:
        facts.append(("approved" if build.approved else "rejected", build.why))
    if build.failed:
        facts.append(("failed", build.failed))
    values = build.trained.values if build.trained else {}
    settings = ", ".join(f"{k} {figure(v) if isinstance(v, float) else v}" for k, v in values.items())
    return tag(
        "article",
        tag(
            "h3",
            tag("i", class_=f"swatch v{(build.version or 0) % 6}"),
            name,
            tag("span", state, class_=f"state {mood}"),
        ),
        tag("p", origin, class_="minor"),
        tag("dl", [join(tag("dt", k), tag("dd", v)) for k, v in facts], class_="facts"),
        _scores(story, build),
        tag("figure", tag("figcaption", "Tuning"), draw.trials(build)) if build.trials else None,
        _fold("Hyperparameters", tag("p", settings, class_="settings")) if settings else None,
        class_="card",
    )


def _scores(story: Story, build: Build) -> Markup | None:
    names = [
        n for n in build.scores if not n.startswith(("dummy.", "rule.")) and build.scores[n].value is not None
    ]
    order = (story.metric, *METRICS.get(story.problem, ()))
    names.sort(key=lambda n: order.index(n) if n in order else len(order))
    if not names:
        return None
    rows = []
    for name in names:
        point = build.scores[name]
        rivals = [
            (r, build.scores[f"{r}.{name}"].value) for r in ("dummy", "rule") if f"{r}.{name}" in build.scores
        ]
        known = [(r, v) for r, v in rivals if v is not None]
        interval = f"{figure(point.low)} to {figure(point.high)}" if point.low is not None else ""
        found = dict(known)
        rows.append(
            (
                tag("b", name) if name == story.metric else name,
                join(
                    tag("b", figure(point.value)), tag("div", interval, class_="minor") if interval else None
                ),
                figure(found.get("dummy")),
                figure(found.get("rule")),
                draw.whisker(point, known),
            )
        )
    tested = next((p.rows for p in build.scores.values() if p.rows), None)
    where = f"on {plural(tested, 'row')} it never saw" if tested else ""
    caption = f"Evaluation {where}: ● model with interval, ✕ dummy, ◇ rule"
    return _table(
        ("metric", "model, 95 % interval", "dummy", "rule", "side by side"), rows, caption, "numbers"
    )


# --- the world ------------------------------------------------------------------------------------


def _world(story: Story) -> Markup:
    if story.order == "replay":
        lead = (
            "Rows were replayed in their own time order. What drift they hold nobody declared: truth unknown."
        )
    elif not story.world_known:
        lead = "The world's own log is not at hand, so this page cannot say what was done to it."
    elif story.episodes:
        lead = "What was done to the world on purpose, as declared and as measured on the rows it touched."
    else:
        lead = "Nothing was done to the world: rows were drawn from one pool throughout."
    rows = [_episode(story, episode) for episode in story.episodes]
    head = (
        "injection",
        "kind",
        "on",
        "windows",
        "shape",
        "on whom",
        "declared",
        "measured at its hardest",
        "rows touched",
        "intensity",
    )
    counted = ", ".join(f"{name} {rows_:,}" for name, rows_ in story.world_rows.items())
    gaps = sorted(story.gap.items(), key=lambda item: -abs(item[1]))
    return _section(
        "world",
        "What was done to the world",
        lead,
        _table(head, rows) if rows else None,
        tag("p", f"Rows of the world: {counted}.", class_="minor") if counted else None,
        _fold(
            "Measured gap between training rows and baseline",
            _table(
                ("column", "gap, in standard deviations"),
                [(n, f"{g:+.3f}") for n, g in gaps],
                class_="numbers",
            ),
        )
        if gaps
        else None,
    )


def _episode(story: Story, episode: Episode) -> Sequence[object]:
    declared = episode.declared
    if episode.training:
        when = "training rows"
    elif episode.span:
        when = f"{episode.span[0]} to {episode.span[1]}"
    elif episode.start is not None:
        when = f"{episode.start} to {'the end' if episode.end is None else episode.end - 1}, but never acted"
    else:
        when = "never"
    fraction = declared.get("fraction")
    whom = [str(declared["where"])] if declared.get("where") else []
    if isinstance(fraction, (int, float)) and fraction < 1:
        whom.append(percent(fraction) + " of rows")
    touched = f"{episode.rows:,} of {episode.of:,}" if episode.of else "–"
    if episode.relabelled:
        touched += f"; {plural(episode.relabelled, 'label')} changed"
    measured = [
        tag("div", f"{name} ", tag("b", draw.size_of({name: size})))
        for name, size in _largest(episode.measured)
    ]
    return (
        tag("b", episode.id),
        tag("code", episode.kind, class_="nowrap"),
        episode.on + (" (expected)" if episode.expected else ""),
        when,
        tag("code", _written(declared.get("shape") or "–")),
        ", ".join(whom) or "every row",
        tag("code", _written(declared.get("with") or "–")),
        join(measured) if measured else "–",
        touched,
        draw.spark(episode, story.windows) if episode.span else "–",
    )


def _largest(measured: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(measured.items(), key=lambda item: -abs(item[1]))[:4]


def _written(value: object) -> str:
    """A plain value as YAML would write it on one line.

    >>> _written({"column": "age", "by": 0.8})
    'column: age, by: 0.8'
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_inner(v)}" for k, v in value.items())
    return _inner(value)


def _inner(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + _written(value) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_inner(v) for v in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- proof ----------------------------------------------------------------------------------------


def _proof(story: Story, scenario: Mapping[str, Any], record: Mapping[str, Any]) -> Markup:
    run = str(record.get("run") or "RUN")
    rows: list[tuple[object, object]] = [
        (
            "facts",
            f"{sum(story.facts.values()):,}"
            + (f", and {story.world_facts:,} of the world" if story.world_facts else ""),
        )
    ]
    if story.seed:
        rows.append(("seed", _seed(story.seed)))
    if story.dataset:
        rows.append(
            ("dataset", join(story.dataset, _synthetic(story), " ", tag("code", story.dataset_digest)))
        )
    rows += [
        (name, tag("code", text)) for name, text in _flat({k: v for k, v in record.items() if k != "run"})
    ]
    commands = f"simlab events {run} --verify\nsimlab report {run}"
    text = str(scenario.get("text") or "")
    return _section(
        "proof",
        "Proof",
        "The run is its log: everything above is folded from it. The same scenario and seed give the same "
        "log, to the byte.",
        _table(("what", "figure"), rows),
        tag("p", "Check that no byte of the log was changed, and write this page anew:"),
        tag("pre", commands),
        _fold(
            "Facts by kind",
            _table(("fact", "times"), [(k, f"{n:,}") for k, n in story.facts.items()], class_="numbers"),
        ),
        _fold("The scenario, as resolved", tag("pre", text)) if text else None,
    )


def _flat(record: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Nested figures as lines."""
    found: list[tuple[str, str]] = []
    for key, value in record.items():
        name = f"{before} {key}".strip()
        if isinstance(value, Mapping):
            found += _flat(value, name)
        elif isinstance(value, float):
            found.append((name, figure(value) if isfinite(value) else "–"))
        else:
            found.append((name, str(value)))
    return found
