"""The report's timeline section: the drawing, its tooltips, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simlab.quality import LOWER_IS_BETTER, METRICS
from simlab.views import report_metric, report_timeline
from simlab.views import report_parts as parts
from simlab.views import report_pieces as pieces
from simlab.views.metrics import Point
from simlab.views.report_markup import Markup, figure, percent, tag
from simlab.views.report_story import Story


def timeline(story: Story) -> Markup:
    """The section: everything on one clock."""
    if not story.windows or not story.lived:
        return parts.section("timeline-section", "Timeline", "No window was lived through.")
    per = pieces.Axis(story.windows).per
    lead = "Everything on one clock. Point at a window, or use the arrow keys, to read it."
    if per > 1:
        lead += f" Each bar stands for {per} windows: the worst drift in them, the mean of the rest."
    others = [m for m in _metrics_of(story) if m != story.metric]
    small = [
        tag("figure", tag("figcaption", m, _hint(story, m)), report_metric.small_metric(story, m))
        for m in others
    ]
    return parts.section(
        "timeline-section",
        "Timeline",
        lead,
        tag("div", report_timeline.timeline(story), class_="stage"),
        tag("h3", "The same by every other metric") if small else None,
        tag("div", small, class_="metrics") if small else None,
        parts.fold("The timeline as a table", _window_table(story)),
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
    per = pieces.Axis(story.windows).per
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
            {"t": title, "d": pieces.date_of(story, window), "l": _lines(story, window, then.get(window, []))}
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
        watched, keeper = pieces.alarm_label(name)
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
    for back in story.rollbacks:
        if back.window == window:
            lines.append(("retrain-mark", "rolled back", back.why))
    return lines


def _window_table(story: Story) -> Markup:
    then = _known_in(story)
    hindsight = story.hindsight.get(story.metric, {})
    rows = []
    for window in range(0, story.lived, pieces.Axis(story.windows).per):
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
                pieces.date_of(story, window),
                ", ".join(acting),
                known,
                figure(hindsight.get(window)),
                f"v{version.number}" if version else "",
                ", ".join(" ".join(pieces.alarm_label(name)) for name in story.sounding(window)),
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
    return parts.table(head, rows, class_="numbers")
