"""The report's timeline: the run on one shared axis, lane under lane."""

from __future__ import annotations

from simlab.views import report_lanes as lanes
from simlab.views import report_metric as metrics
from simlab.views import report_pieces as pieces
from simlab.views.report_markup import Markup, join, number, plural, tag
from simlab.views.report_pieces import LEFT, Axis
from simlab.views.report_story import Story


def timeline(story: Story) -> Markup:
    """The run on one shared axis: truth, quality, versions, alarms, drift, rows and labels."""
    axis = Axis(story.windows)
    y = 46.0
    parts: list[Markup] = []
    bodies: list[tuple[float, float]] = []
    for draw in (
        lanes.truth,
        lanes.quality,
        lanes.service,
        lanes.alarms,
        lanes.drift,
        lanes.heat,
        lanes.rows,
    ):
        drawn, height = draw(story, axis, y)
        parts.append(drawn)
        if height:
            if draw is not lanes.truth:  # a retrain changes nothing about the truth
                bodies.append((y + 32, y + height))
            y += height + 14
    top, bottom = 44.0, y
    behind = [
        metrics.tints(story, axis, top, bottom),
        _gridlines(story, axis, top, bottom),
        _unlived(story, axis, top, bottom),
    ]
    front = [metrics.retrain_lines(story, axis, start, end) for start, end in bodies]
    cursor = tag(
        "g",
        pieces.rect(0, top, axis.slot, bottom - top, "cursor"),
        id="cursor",
        visibility="hidden",
    )
    height = bottom + 44
    return tag(
        "svg",
        tag("title", f"Timeline of {story.title}", id="timeline-title"),
        tag("desc", _described(story), id="timeline-desc"),
        _patterns(),
        _axis_labels(story, axis, 16),
        behind,
        parts,
        front,
        _axis_labels(story, axis, bottom + 18),
        cursor,
        id="timeline",
        class_="chart timeline",
        viewBox=f"0 0 {number(pieces.WIDTH)} {number(height)}",
        role="img",
        aria_labelledby="timeline-title timeline-desc",
        tabindex=0,
        data_left=axis.left,
        data_slot=f"{axis.slot:.4f}",
    )


def _described(story: Story) -> str:
    said = [plural(story.lived, "window"), f"quality told by {story.metric}"]
    said += [f"{e.id} acted in windows {e.span[0]} to {e.span[1]}" for e in story.episodes if e.span]
    said += [f"{a.name} first sounded in window {a.spans[0][0]}" for a in story.alarms[:5]]
    said += [f"a retrain in window {r.window}" for r in story.retrains[:5]]
    return "; ".join(said) + ". The same is below as a table."


def _patterns() -> Markup:
    hatch = tag(
        "pattern",
        pieces.line(0, 0, 0, 8, "hatch"),
        id="hatched",
        width=8,
        height=8,
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )
    return tag("defs", hatch)


def _axis_labels(story: Story, axis: Axis, y: float) -> Markup:
    dated = bool(pieces.date_of(story, 0))
    drawn = [pieces.text(LEFT - 12, y, "window", class_="minor", anchor="end")]
    for window in pieces.tick_windows(story.windows, dated):
        x = axis.at(window + 0.5)
        drawn.append(pieces.text(x, y, window, class_="tick strong", anchor="middle"))
        if dated:
            drawn.append(
                pieces.text(x, y + 16, pieces.date_of(story, window), class_="tick", anchor="middle")
            )
    return join(drawn)


def _gridlines(story: Story, axis: Axis, top: float, bottom: float) -> Markup:
    windows = pieces.tick_windows(story.windows, bool(pieces.date_of(story, 0)))
    return join([pieces.line(axis.at(w + 0.5), top, axis.at(w + 0.5), bottom, "grid") for w in windows])


def _unlived(story: Story, axis: Axis, top: float, bottom: float) -> Markup:
    if story.lived >= story.windows:
        return Markup("")
    x = axis.at(story.lived)
    wide = axis.at(story.windows) - x
    words = pieces.text(x + wide / 2, top + 30, "not lived through", class_="minor", anchor="middle")
    return join(
        pieces.rect(x, top, wide, bottom - top, "veil"),
        tag("rect", x=x, y=top, width=wide, height=bottom - top, fill="url(#hatched)"),
        words if wide > 130 else None,
    )
