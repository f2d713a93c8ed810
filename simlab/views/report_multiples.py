"""The report's small multiples: many small charts alike, and the ranks of the features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from simlab.clarify.bias import NEUTRAL
from simlab.views import report_pieces as pieces
from simlab.views.monitoring import Attribution, BiasSeries, ExecutionView, Spot
from simlab.views.report_markup import Markup, figure, join, number, plural, tag
from simlab.views.report_story import Lane, Story

WIDE, TALL, TOP = 220.0, 64.0, 6.0
"""A small chart's plot, in pixels, and where it begins."""
TALLEST = 3.0
"""A drift is cut off at so many thresholds, so that the threshold stays in sight."""
POINTED = 60
"""Most windows of which each can be pointed at; in a longer run only breaches can."""
RANKED = 20
"""Most features in a chart of ranks."""
COLOURED = 5
"""Features whose ranks moved most, which get a colour."""


def _chart(story: Story, title: str, *inside: object) -> Markup:
    """A small chart: its plot, the windows below, and where a new version took over."""
    axis = _axis(story)
    takeovers = [
        tag(
            "line",
            x1=axis.at(r.window + 1),
            x2=axis.at(r.window + 1),
            y1=TOP,
            y2=TOP + TALL,
            class_="takeover",
        )
        for r in story.retrains
        if r.replaced
    ]
    floor = TOP + TALL
    ends = (
        tag("line", x1=axis.left, x2=axis.left + WIDE, y1=floor, y2=floor, class_="rule"),
        tag("text", 0, x=axis.left, y=floor + 14, class_="tick"),
        tag("text", story.windows - 1, x=axis.left + WIDE, y=floor + 14, class_="tick", text_anchor="end"),
    )
    return tag(
        "svg",
        tag("title", title),
        takeovers,
        ends,
        inside,
        class_="chart small",
        viewBox=f"0 0 {number(WIDE + 40)} {number(floor + 18)}",
        role="img",
    )


def _axis(story: Story) -> pieces.Axis:
    return pieces.Axis(story.windows, 36.0, WIDE)


def _level(y: float, words: str, class_: str) -> Markup:
    """A line across the chart with its figure in the margin."""
    return join(
        tag("line", x1=36, x2=36 + WIDE, y1=y, y2=y, class_=class_),
        tag("text", words, x=32, y=y + 4, class_="tick", text_anchor="end"),
    )


def _line(
    story: Story, heights: Mapping[int, float], red: Mapping[int, bool], tips: Mapping[int, str]
) -> Markup:
    """A series as a line that breaks where a window is missing, with its breaches marked."""
    axis = _axis(story)
    windows = sorted(heights)
    path, before = "", None
    for window in windows:
        x, y = axis.at(window + 0.5), heights[window]
        near = before is not None and window - before <= _usual_gap(windows)
        path += f"{'L' if near else 'M'}{number(x)} {number(y)}"
        before = window
    few = story.windows <= POINTED
    marks = [
        tag(
            "circle",
            cx=axis.at(window + 0.5),
            cy=heights[window],
            r=3.2 if red.get(window) else 1.8,
            class_="over" if red.get(window) else "known",
            data_tip=tips.get(window),
        )
        for window in windows
        if few or red.get(window)
    ]
    hits = [
        tag("rect", x=axis.at(w), y=TOP, width=axis.slot, height=TALL, class_="hit", data_tip=tips.get(w))
        for w in windows
        if few
    ]
    return join(tag("path", d=path, class_="known thin") if path else None, hits, marks)


def _usual_gap(windows: Sequence[int]) -> int:
    """Windows between two readings as a rule: a schedule need not fire in every window."""
    gaps = sorted(b - a for a, b in zip(windows, windows[1:], strict=False))
    return gaps[len(gaps) // 2] if gaps else 1


# --- drift ----------------------------------------------------------------------------------------


def drift(story: Story, lane: Lane) -> Markup:
    """One feature's drift over the windows, in thresholds: all charts of the kind share one scale."""
    known = {w: r for w, r in lane.readings.items() if r.value is not None}
    heights = {w: TOP + TALL * (1 - min(r.strength, TALLEST) / TALLEST) for w, r in known.items()}
    tips = {
        w: f"{lane.subject}, window {w}: {lane.method} {figure(r.value)} against {figure(r.threshold)}"
        for w, r in known.items()
    }
    thresholds = {r.threshold for r in known.values() if r.threshold is not None}
    limit = figure(next(iter(thresholds)), 2) if len(thresholds) == 1 else "limit"
    cut = [
        tag("text", "▲", x=_axis(story).at(w + 0.5), y=TOP + 1, class_="beyond", text_anchor="middle")
        for w, r in known.items()
        if r.strength > TALLEST
    ]
    return _chart(
        story,
        f"Drift of {lane.subject} by window: {plural(lane.breaches, 'breach', 'breaches')}",
        _level(TOP + TALL * (1 - 1 / TALLEST), limit, "limit"),
        _line(story, heights, {w: r.breached for w, r in known.items()}, tips),
        cut,
    )


# --- bias, and other figures --------------------------------------------------------------------


def bias(story: Story, series: BiasSeries) -> Markup:
    """One bias metric of one facet, beside where nothing is amiss and what the constraint allows."""
    neutral = NEUTRAL.get(series.metric, 0.0)
    return figures(story, f"{series.metric} of {series.facet}", series.spots, neutral, None)


def figures(
    story: Story, title: str, spots: Mapping[int, Spot], neutral: float | None, highest: float | None
) -> Markup:
    """Figures over the windows on a scale of their own.

    Parameters
    ----------
    neutral
        Where a line is drawn for nothing being amiss, if anywhere.
    highest
        The top of the scale; None takes the greatest figure.
    """
    values = {w: s.value for w, s in spots.items() if s.value is not None and isfinite(s.value)}
    limits = {w: s.threshold for w, s in spots.items() if s.threshold is not None and isfinite(s.threshold)}
    shown = [*values.values(), *limits.values(), *([] if neutral is None else [neutral])]
    low = min(shown, default=0.0)
    high = highest if highest is not None else max(shown, default=1.0)
    room = 0.08 * (high - low) or 0.05 * max(abs(high), 1.0)
    low, high = low - room, high + (0 if highest is not None else room)

    def place(value: float) -> float:
        return TOP + TALL * (high - value) / (high - low)

    tips = {w: _tip(title, w, spots[w]) for w in values}
    drawn: list[Markup] = []
    if neutral is not None:
        drawn.append(_level(place(neutral), figure(neutral, 2), "grid"))
    if limits:
        axis, steps = _axis(story), sorted(limits)
        path = "".join(
            f"M{number(axis.at(w))} {number(place(limits[w]))}H{number(axis.at(w + 1))}" for w in steps
        )
        drawn.append(tag("path", d=path, class_="limit"))
        level = place(limits[steps[-1]])
        if neutral is None or abs(level - place(neutral)) > 11:
            drawn.append(
                tag("text", figure(limits[steps[-1]], 2), x=32, y=level + 4, class_="tick", text_anchor="end")
            )
    heights = {w: place(value) for w, value in values.items()}
    red = {w: spot.breached for w, spot in spots.items()}
    breaches = sum(red.values())
    return _chart(
        story,
        f"{title} by window: {plural(breaches, 'breach', 'breaches')}",
        drawn,
        _line(story, heights, red, tips),
    )


def _tip(title: str, window: int, spot: Spot) -> str:
    limit = "" if spot.threshold is None else f" against {figure(spot.threshold)}"
    return f"{title}, window {window}: {figure(spot.value)}{limit}"


# --- ranks ----------------------------------------------------------------------------------------


def ranks(story: Story, attribution: Attribution) -> Markup:
    """Who counts most, window by window: one line a feature, the ones that moved most in colour."""
    every = attribution.ranks
    best = sorted(every, key=lambda name: (min(every[name].values()), list(every).index(name)))[:RANKED]
    shown = {name: every[name] for name in every if name in best}
    moved = {name: max(at.values()) - min(at.values()) for name, at in shown.items()}
    loud = sorted((n for n in shown if moved[n]), key=lambda n: -moved[n])[:COLOURED]
    lowest = max(max(at.values()) for at in shown.values())
    left, wide, step, top = 210.0, 800.0, 24.0, 22.0
    axis = pieces.Axis(story.windows, left, wide)
    windows = sorted(attribution.values)
    lines, names = [], []
    for name in sorted(shown, key=lambda name: name in loud):
        at = shown[name]
        colour = f"r{loud.index(name)}" if name in loud else "quiet"
        steps = sorted(at)
        points = [(axis.at(w + 0.5), top + step * (at[w] - 0.5)) for w in steps]
        path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
        tip = ", ".join(f"{at[w]} in window {w}" for w in dict.fromkeys((steps[0], steps[-1])))
        lines.append(
            tag(
                "g",
                tag("path", d=path, class_=f"rank {colour}"),
                [tag("circle", cx=x, cy=y, r=4, class_=f"rank {colour}") for x, y in (points[0], points[-1])],
                data_tip=f"{name}: rank {tip}",
            )
        )
        weight = "name" if name in loud else "minor"
        names += [
            _named(name, at[steps[0]], axis.at(windows[0] + 0.5) - 12, points[0][1] + 4, weight, "end"),
            _named(name, at[steps[-1]], axis.at(windows[-1] + 0.5) + 12, points[-1][1] + 4, weight, "start"),
        ]
    height = top + step * lowest + 26
    about = max(1, round(len(windows) / 12))
    marks = [
        tag("text", w, x=axis.at(w + 0.5), y=height - 6, class_="tick", text_anchor="middle")
        for w in windows[::about]
    ]
    return tag(
        "svg",
        tag("title", f"Ranks of the features by attribution, {attribution.name}"),
        tag(
            "text", "window", x=axis.at(windows[0] + 0.5) - 30, y=height - 6, class_="tick", text_anchor="end"
        ),
        lines,
        names,
        marks,
        class_="chart ranks",
        viewBox=f"0 0 {number(left + wide + 210)} {number(height)}",
        role="img",
    )


def _named(name: str, rank: int, x: float, y: float, class_: str, anchor: str) -> Markup:
    short = pieces.shortened(name, 24)
    words = f"{short}  {rank}" if anchor == "end" else f"{rank}  {short}"
    full = tag("title", name) if short != name else None
    return tag("text", full, words, x=x, y=y, class_=class_, text_anchor=anchor)


# --- executions -----------------------------------------------------------------------------------


def executions(story: Story, found: Sequence[ExecutionView]) -> Markup:
    """Every execution as a square: a row a schedule, a column a window."""
    axis = pieces.Axis(story.windows)
    schedules = list(dict.fromkeys(view.fact.schedule for view in found))
    row, top = 26.0, 4.0
    drawn: list[Markup] = []
    for n, schedule in enumerate(schedules):
        y = top + row * n
        short = pieces.shortened(schedule, 25)
        full = tag("title", schedule) if short != schedule else None
        drawn.append(tag("text", full, short, x=axis.left - 12, y=y + 16, class_="name", text_anchor="end"))
        drawn.append(tag("rect", x=axis.left, y=y + 2, width=axis.width, height=row - 6, class_="lane"))
        slots: dict[int, list[ExecutionView]] = {}
        for view in found:
            if view.fact.schedule == schedule:
                slots.setdefault(max(view.fact.window or 0, 0) // axis.per, []).append(view)
        for slot, views in slots.items():
            x = axis.left + axis.slot * slot
            gap = 1.0 if axis.slot > 5 else 0.0
            worst = max(views, key=lambda v: (_worse(v.fact.status), v.fact.violations))
            drawn.append(
                tag(
                    "rect",
                    x=x + gap,
                    y=y + 2,
                    width=max(axis.slot - 2 * gap, 0.5),
                    height=row - 6,
                    class_=("fine", "violated", "broken")[_worse(worst.fact.status)],
                    data_tip=f"{schedule}, {worst.fact.scheduled}: {worst.fact.message}",
                )
            )
            count = max(v.fact.violations for v in views)
            if count and axis.slot >= 16:
                drawn.append(
                    tag("text", count, x=x + axis.slot / 2, y=y + 16, class_="count", text_anchor="middle")
                )
    height = top + row * len(schedules) + 18
    about = max(1, round(story.windows / 20))
    marks = [
        tag("text", w, x=axis.at(w + 0.5), y=height - 4, class_="tick", text_anchor="middle")
        for w in range(0, story.windows, about)
    ]
    return tag(
        "svg",
        tag("title", "Executions of the scheduled monitors by window"),
        drawn,
        marks,
        tag("text", "window", x=axis.left - 12, y=height - 4, class_="tick", text_anchor="end"),
        class_="chart",
        viewBox=f"0 0 {number(pieces.WIDTH)} {number(height)}",
        role="img",
    )


def _worse(status: str) -> int:
    return {"Completed": 0, "CompletedWithViolations": 1}.get(status, 2)
