"""One metric over the windows: known, in hindsight, and as promised at evaluation."""

from __future__ import annotations

from collections.abc import Sequence

from simlab.quality import LOWER_IS_BETTER
from simlab.views import report_pieces as pieces
from simlab.views.metrics import Point
from simlab.views.report_markup import Markup, figure, join, tag
from simlab.views.report_pieces import Axis
from simlab.views.report_story import Build, Story


def tints(story: Story, axis: Axis, top: float, bottom: float) -> Markup:
    """True episodes as a tint behind everything."""
    drawn = []
    for episode in story.episodes:
        if episode.span:
            first, last = episode.span
            x = axis.at(first)
            drawn.append(pieces.rect(x, top, axis.at(last + 1) - x, bottom - top, "tint"))
            drawn.append(pieces.line(x, top, x, bottom, "begins"))
    return join(drawn)


def retrain_lines(story: Story, axis: Axis, top: float, bottom: float) -> Markup:
    """Where retrains were carried out; thin where there are many."""
    many = " many" if len(story.retrains) > 24 else ""
    return join(
        [
            pieces.line(
                axis.at(done.window + 1),
                top,
                axis.at(done.window + 1),
                bottom,
                ("retrain" if done.replaced else "retrain kept") + many,
            )
            for done in story.retrains
        ]
    )


def _spans(story: Story) -> list[tuple[int, int, Point, Build]]:
    """First window and the one after the last of every version in service, with its build."""
    return [
        (first, story.lived if after is None else after, Point(None, None, None), build)
        for version in story.versions
        for first, after in version.spans
        for build in story.builds
        if build.version == version.number and build.deployed
    ]


def curve(story: Story, metric: str, axis: Axis, y: float, tall: float, about: int = 4) -> Markup:
    """One metric over the windows, in a box."""
    known = [p for p in story.known.get(metric, ()) if p.value is not None and p.window is not None]
    hindsight = story.hindsight.get(metric, {})
    levels = [(a, b, build.scores[metric]) for a, b, _, build in _spans(story) if metric in build.scores]
    sign = 1 if metric in LOWER_IS_BETTER else -1
    limit = story.tolerance if metric == story.metric else None
    limits = [
        (a, b, p.value + sign * abs(p.value) * limit)
        for a, b, p in levels
        if limit is not None and p.value is not None
    ]
    values = [p.value for p in known if p.value is not None] + list(hindsight.values())
    values += [v for _, _, p in levels for v in (p.value, p.low, p.high) if v is not None]
    values += [v for _, _, v in limits]
    low, high = min(values), max(values)
    room = 0.08 * (high - low or abs(high) or 1.0)
    low, high = low - room, high + room

    def up(value: float) -> float:
        return y + tall - (value - low) / (high - low) * tall

    drawn = [pieces.rect(axis.left, y, axis.width, tall, "lane")]
    for tick in pieces.ticks(low, high, about):
        drawn.append(pieces.line(axis.left, up(tick), axis.left + axis.width, up(tick), "grid"))
        drawn.append(pieces.text(axis.left + axis.width + 8, up(tick) + 4, figure(tick), class_="tick"))
    for first, after, point in levels:
        if point.value is None:
            continue
        x, wide = axis.at(first), axis.at(after) - axis.at(first)
        if point.low is not None and point.high is not None:
            drawn.append(pieces.rect(x, up(point.high), wide, up(point.low) - up(point.high), "band"))
        drawn.append(pieces.line(x, up(point.value), x + wide, up(point.value), "evaluated"))
    drawn += [pieces.line(axis.at(a), up(v), axis.at(b), up(v), "limit") for a, b, v in limits]
    truth = axis.binned(hindsight, mean)
    half = axis.per / 2
    drawn += [
        pieces.polyline([(axis.at(s * axis.per + half), up(truth[s])) for s in run], "hindsight")
        for run in _unbroken(sorted(truth), 1)
    ]
    drawn += [
        _dots(
            [(axis.at(s * axis.per + half), up(truth[s])) for s in sorted(truth)],
            2.5,
            "hindsight dot",
            len(truth) == 1,
        )
    ]
    then = axis.binned(
        {p.window: p.value for p in known if p.window is not None and p.value is not None}, mean
    )
    points = [(axis.at(s * axis.per + half), up(then[s])) for s in sorted(then)]
    drawn.append(pieces.polyline(points, "known"))
    drawn.append(_dots(points, min(3.6, max(1.2, axis.slot * 0.28)), "known dot", axis.slot > 8))
    return join(drawn)


def _dots(points: Sequence[tuple[float, float]], radius: float, class_: str, wanted: bool) -> Markup:
    if not wanted:
        return Markup("")
    return join([tag("circle", cx=x, cy=y, r=radius, class_=class_) for x, y in points])


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)


def _unbroken(slots: Sequence[int], gap: int) -> list[list[int]]:
    """Runs of neighbouring slots."""
    runs: list[list[int]] = []
    for slot in slots:
        if runs and slot - runs[-1][-1] <= gap:
            runs[-1].append(slot)
        else:
            runs.append([slot])
    return runs


def small_metric(story: Story, metric: str) -> Markup:
    """One metric over the windows, small."""
    axis = Axis(story.windows, 4.0, 270.0)
    body = curve(story, metric, axis, 8, 120, 3)
    marks = retrain_lines(story, axis, 8, 128)
    behind = tints(story, axis, 8, 128)
    ends = [
        pieces.text(axis.at(0.5), 146, 0, class_="tick", anchor="start"),
        pieces.text(
            axis.at(story.windows), 146, f"window {max(story.windows - 1, 0)}", class_="tick", anchor="end"
        ),
    ]
    return pieces.svg(326, 152, f"{metric} by window", behind, body, marks, ends)
