"""The report's drawings: plain functions from what is told to SVG. Colours live in the style sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, isfinite, log10

from simlab.quality import LOWER_IS_BETTER
from simlab.views.metrics import Point
from simlab.views.report_markup import Markup, figure, join, number, percent, plural, tag
from simlab.views.report_story import Build, Episode, Lane, Shift, Story

WIDTH = 1280.0
LEFT, RIGHT = 190.0, 92.0
PLOT = WIDTH - LEFT - RIGHT
SLOTS = 400
"""Most bars next to each other; a longer run shows several windows in one bar."""
LANES, COLUMNS, ALARMS = 6, 40, 14
"""Most drift lanes, rows of the heat strip, and alarm lanes."""
TALLEST = 4.0
"""A drift bar is cut off at so many times its threshold, so that the threshold stays in sight."""
LEVELS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0)
"""Bounds between the shades of the heat strip, in thresholds."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Drawn = tuple[Markup, float]
"""A part of the timeline and its height."""


@dataclass(frozen=True)
class Axis:
    """The shared horizontal axis: windows to coordinates."""

    windows: int
    left: float = LEFT
    width: float = PLOT

    @property
    def per(self) -> int:
        """Windows in one slot."""
        return max(1, ceil(self.windows / SLOTS))

    @property
    def slot(self) -> float:
        """Width of a slot."""
        return self.width * self.per / max(self.windows, 1)

    def at(self, window: float) -> float:
        """Where a window begins; `window + 0.5` is its middle."""
        return self.left + self.width * window / max(self.windows, 1)

    def binned(
        self, values: Mapping[int, float], combine: Callable[[Sequence[float]], float]
    ) -> dict[int, float]:
        """Values by slot; where a slot holds several windows, they are combined."""
        if self.per == 1:
            return dict(values)
        found: dict[int, list[float]] = {}
        for window, value in values.items():
            found.setdefault(window // self.per, []).append(value)
        return {slot: combine(several) for slot, several in found.items()}


# --- pieces ---------------------------------------------------------------------------------------


def _text(x: float, y: float, *inside: object, class_: str = "", anchor: str | None = None) -> Markup:
    return tag("text", *inside, x=x, y=y, class_=class_ or None, text_anchor=anchor)


def _rect(x: float, y: float, width: float, height: float, class_: str, **more: object) -> Markup:
    return tag("rect", x=x, y=y, width=max(width, 0.5), height=max(height, 0.0), class_=class_, **more)


def _line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def _polyline(points: Sequence[tuple[float, float]], class_: str) -> Markup:
    if len(points) < 2:
        return Markup("")
    path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return tag("path", d=path, class_=class_)


def _bars(boxes: Iterable[tuple[float, float, float, float]], class_: str) -> Markup:
    """Many boxes (x, y, width, height) as one path."""
    path = "".join(f"M{number(x)} {number(y)}h{number(w)}v{number(h)}h{number(-w)}z" for x, y, w, h in boxes)
    return tag("path", d=path, class_=class_) if path else Markup("")


def shortened(text: str, most: int) -> str:
    """A text cut to so many characters.

    >>> shortened("hours_per_week", 8)
    'hours_p…'
    """
    return text if len(text) <= most else text[: most - 1] + "…"


def _label(y: float, text: str, below: str = "", most: int = 25) -> Markup:
    """A lane's name in the gutter, with a smaller line below it."""
    shown = shortened(text, most)
    full = tag("title", text) if shown != text else None
    return join(
        tag("text", full, shown, x=LEFT - 12, y=y, class_="name", text_anchor="end"),
        _text(LEFT - 12, y + 14, shortened(below, 30), class_="minor", anchor="end") if below else None,
    )


def _heading(y: float, title: str, *legend: Markup) -> Drawn:
    """A group's title with its legend on the same line."""
    drawn = [_line(0, y + 4, WIDTH, y + 4, "rule"), _text(0, y + 24, title, class_="group")]
    return join(drawn, *legend), 34


def _legend(y: float, *items: tuple[str, str]) -> list[Markup]:
    """Swatches with words, right-aligned to the plot; each item is a class and a text."""
    x, drawn = LEFT, []
    for class_, text in items:
        if class_:
            kind = class_.split()[0]
            if kind in ("known", "hindsight", "limit", "evaluated"):
                drawn.append(_line(x, y + 20, x + 24, y + 20, class_))
                x += 31
            else:
                drawn.append(_rect(x, y + 14, 12, 12, class_, rx=2))
                x += 18
        drawn.append(_text(x, y + 24, text, class_="minor"))
        x += 6.6 * len(text) + 20
    return drawn


def _nothing(y: float, words: str, class_: str = "nothing") -> Drawn:
    return join(_text(LEFT, y + 15, words, class_=class_)), 26


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers between two bounds.

    >>> ticks(0.28, 0.47)
    [0.3, 0.35, 0.4, 0.45]
    """
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** floor(log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough * 0.999)
    first = ceil(low / step - 1e-9)
    return [float(f"{n * step:.10g}") for n in range(first, floor(high / step + 1e-9) + 1)]


def date_of(story: Story, window: int) -> str:
    """The simulated date at which a window begins, as short as its step allows."""
    if story.start is None or story.step_seconds <= 0:
        return ""
    try:
        moment = story.start + timedelta(seconds=story.step_seconds * window)
        last = story.start + timedelta(seconds=story.step_seconds * story.windows)
    except OverflowError:
        return ""
    return _date(moment, story.step_seconds, story.start.year != last.year)


def _date(moment: datetime, step: int, with_year: bool) -> str:
    text = f"{moment.day} {MONTHS[moment.month - 1]}"
    if with_year:
        text += f" {moment.year % 100:02d}" if step < 86400 else f" {moment.year}"
    return text if step % 86400 == 0 else f"{text} {moment:%H:%M}"


def _tick_windows(windows: int, dates: bool) -> list[int]:
    """Windows that get a tick, so that their labels do not touch."""
    most = 11 if dates else 20
    step = next((s for p in range(9) for s in (10**p, 2 * 10**p, 5 * 10**p) if windows / s <= most), 1)
    return list(range(0, windows, step))


# --- the timeline ---------------------------------------------------------------------------------


def timeline(story: Story) -> Markup:
    """The run on one shared axis: truth, quality, versions, alarms, drift, rows and labels."""
    axis = Axis(story.windows)
    y = 46.0
    parts: list[Markup] = []
    bodies: list[tuple[float, float]] = []
    for draw in (_truth, _quality, _service, _alarms, _drift, _heat, _rows):
        drawn, height = draw(story, axis, y)
        parts.append(drawn)
        if height:
            if draw is not _truth:  # a retrain changes nothing about the truth
                bodies.append((y + 32, y + height))
            y += height + 14
    top, bottom = 44.0, y
    behind = [
        _tints(story, axis, top, bottom),
        _gridlines(story, axis, top, bottom),
        _unlived(story, axis, top, bottom),
    ]
    front = [_retrain_lines(story, axis, start, end) for start, end in bodies]
    cursor = tag(
        "g",
        _rect(0, top, axis.slot, bottom - top, "cursor"),
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
        viewBox=f"0 0 {number(WIDTH)} {number(height)}",
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
        _line(0, 0, 0, 8, "hatch"),
        id="hatched",
        width=8,
        height=8,
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )
    return tag("defs", hatch)


def _axis_labels(story: Story, axis: Axis, y: float) -> Markup:
    dated = bool(date_of(story, 0))
    drawn = [_text(LEFT - 12, y, "window", class_="minor", anchor="end")]
    for window in _tick_windows(story.windows, dated):
        x = axis.at(window + 0.5)
        drawn.append(_text(x, y, window, class_="tick strong", anchor="middle"))
        if dated:
            drawn.append(_text(x, y + 16, date_of(story, window), class_="tick", anchor="middle"))
    return join(drawn)


def _gridlines(story: Story, axis: Axis, top: float, bottom: float) -> Markup:
    windows = _tick_windows(story.windows, bool(date_of(story, 0)))
    return join([_line(axis.at(w + 0.5), top, axis.at(w + 0.5), bottom, "grid") for w in windows])


def _tints(story: Story, axis: Axis, top: float, bottom: float) -> Markup:
    """True episodes as a tint behind everything."""
    drawn = []
    for episode in story.episodes:
        if episode.span:
            first, last = episode.span
            x = axis.at(first)
            drawn.append(_rect(x, top, axis.at(last + 1) - x, bottom - top, "tint"))
            drawn.append(_line(x, top, x, bottom, "begins"))
    return join(drawn)


def _retrain_lines(story: Story, axis: Axis, top: float, bottom: float) -> Markup:
    """Where retrains were carried out; thin where there are many."""
    many = " many" if len(story.retrains) > 24 else ""
    return join(
        [
            _line(
                axis.at(done.window + 1),
                top,
                axis.at(done.window + 1),
                bottom,
                ("retrain" if done.replaced else "retrain kept") + many,
            )
            for done in story.retrains
        ]
    )


def _unlived(story: Story, axis: Axis, top: float, bottom: float) -> Markup:
    if story.lived >= story.windows:
        return Markup("")
    x = axis.at(story.lived)
    wide = axis.at(story.windows) - x
    words = _text(x + wide / 2, top + 30, "not lived through", class_="minor", anchor="middle")
    return join(
        _rect(x, top, wide, bottom - top, "veil"),
        tag("rect", x=x, y=top, width=wide, height=bottom - top, fill="url(#hatched)"),
        words if wide > 130 else None,
    )


def _truth(story: Story, axis: Axis, y: float) -> Drawn:
    """What was really done to the world, as the world's own log says."""
    legend = _legend(
        y, ("truth", "what was really done, from the world's own log; nobody in the run could see it")
    )
    head, height = _heading(y, "The truth", *(legend if story.episodes else ()))
    drawn = [head]
    if story.order == "replay":
        if story.episodes:
            words = (
                "Rows are replayed in their own order: beside the injections they may drift of themselves."
            )
        else:
            words = "Truth unknown: rows are replayed in their own order, with whatever drift they hold."
        note, more = _nothing(y + height, words, "unknown")
        drawn.append(tag("rect", x=LEFT, y=y + height, width=PLOT, height=22, fill="url(#hatched)"))
        drawn.append(note)
        height += more
    elif not story.episodes:
        words = (
            "Nothing was injected: windows differ from the baseline by chance alone; any alarm is false."
            if story.world_known
            else "The world's own log is not at hand."
        )
        note, more = _nothing(y + height, words)
        drawn.append(note)
        height += more
    for episode in story.episodes:
        drawn.append(_episode(episode, axis, y + height))
        height += 38
    return join(drawn), height


def _episode(episode: Episode, axis: Axis, y: float) -> Markup:
    tall = 28.0
    acted = axis.binned(episode.intensity, max)
    boxes = []
    for slot, share in sorted(acted.items()):
        high = max(tall * share, 1.5 if share > 0 else 0)
        boxes.append((axis.at(slot * axis.per), y + tall - high, axis.slot, high))
    words = episode.kind + (" (expected)" if episode.expected else "")
    drawn = [
        _label(y + 13, episode.id, words),
        _rect(LEFT, y, PLOT, tall, "lane"),
        _bars(boxes, "truth expected" if episode.expected else "truth"),
    ]
    if episode.training:
        drawn.append(_text(LEFT + 8, y + 19, "acted on the training rows", class_="minor"))
    elif not episode.span:
        drawn.append(_text(LEFT + 8, y + 19, "never acted in the windows lived through", class_="minor"))
    size = max(episode.measured.values(), key=abs, default=None)
    if size is not None:
        drawn.append(_text(WIDTH - RIGHT + 10, y + 14, size_of(episode.measured), class_="value"))
        drawn.append(_text(WIDTH - RIGHT + 10, y + 28, "measured", class_="minor"))
    return join(drawn)


def size_of(measured: Mapping[str, float]) -> str:
    """The largest measured size, in words.

    >>> size_of({"age": 0.795}), size_of({"labels changed": 0.25})
    ('+0.8 σ', '25 %')
    """
    name, size = max(measured.items(), key=lambda item: abs(item[1]))
    return percent(size) if name == "labels changed" else f"{size:+.2g} σ"


def _quality(story: Story, axis: Axis, y: float) -> Drawn:
    """The main metric: what was known when, and what was true."""
    head, height = _heading(
        y,
        "Model quality",
        *_legend(
            y,
            ("known", "known then, drawn when its labels had arrived"),
            ("hindsight", "hindsight, drawn at the window itself"),
            ("band", "at evaluation, 95 % interval"),
            *([("limit", f"monitor's limit, {percent(story.tolerance)} worse")] if story.tolerance else []),
        ),
    )
    known, hindsight = story.known.get(story.metric, ()), story.hindsight.get(story.metric, {})
    if not known and not hindsight:
        note, more = _nothing(
            y + height, f"No label arrived and no hindsight is at hand: {story.metric} is unknown."
        )
        return join(head, note), height + more
    tall = 210.0
    better = "lower is better" if story.metric in LOWER_IS_BETTER else "higher is better"
    body = _metric(story, story.metric, axis, y + height + 6, tall)
    label = _label(y + height + 22, story.metric, better)
    return join(head, label, body), height + tall + 12


def _spans(story: Story) -> list[tuple[int, int, Point, Build]]:
    """First window and the one after the last of every version in service, with its build."""
    return [
        (first, story.lived if after is None else after, Point(None, None, None), build)
        for version in story.versions
        for first, after in version.spans
        for build in story.builds
        if build.version == version.number and build.deployed
    ]


def _metric(story: Story, metric: str, axis: Axis, y: float, tall: float, about: int = 4) -> Markup:
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

    drawn = [_rect(axis.left, y, axis.width, tall, "lane")]
    for tick in ticks(low, high, about):
        drawn.append(_line(axis.left, up(tick), axis.left + axis.width, up(tick), "grid"))
        drawn.append(_text(axis.left + axis.width + 8, up(tick) + 4, figure(tick), class_="tick"))
    for first, after, point in levels:
        if point.value is None:
            continue
        x, wide = axis.at(first), axis.at(after) - axis.at(first)
        if point.low is not None and point.high is not None:
            drawn.append(_rect(x, up(point.high), wide, up(point.low) - up(point.high), "band"))
        drawn.append(_line(x, up(point.value), x + wide, up(point.value), "evaluated"))
    drawn += [_line(axis.at(a), up(v), axis.at(b), up(v), "limit") for a, b, v in limits]
    truth = axis.binned(hindsight, _mean)
    half = axis.per / 2
    drawn += [
        _polyline([(axis.at(s * axis.per + half), up(truth[s])) for s in run], "hindsight")
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
        {p.window: p.value for p in known if p.window is not None and p.value is not None}, _mean
    )
    points = [(axis.at(s * axis.per + half), up(then[s])) for s in sorted(then)]
    drawn.append(_polyline(points, "known"))
    drawn.append(_dots(points, min(3.6, max(1.2, axis.slot * 0.28)), "known dot", axis.slot > 8))
    return join(drawn)


def _dots(points: Sequence[tuple[float, float]], radius: float, class_: str, wanted: bool) -> Markup:
    if not wanted:
        return Markup("")
    return join([tag("circle", cx=x, cy=y, r=radius, class_=class_) for x, y in points])


def _mean(values: Sequence[float]) -> float:
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


def _service(story: Story, axis: Axis, y: float) -> Drawn:
    """Which version answered which windows, and when a retrain was carried out."""
    legend = _legend(y, ("retrain-mark", "retrain")) if story.retrains else []
    head, height = _heading(y, "In service", *legend)
    if not any(version.spans for version in story.versions):
        note, more = _nothing(y + height, "No version went into service.")
        return join(head, note), height + more
    tall, top = 30.0, y + height
    drawn = [head, _label(top + 19, "version"), _rect(LEFT, top, PLOT, tall, "lane")]
    for version in story.versions:
        score = version.metrics.get(story.metric)
        for first, after in version.spans:
            x = axis.at(first)
            wide = axis.at(story.lived if after is None else after) - x
            if wide <= 0:
                continue
            drawn.append(_rect(x, top, wide, tall, f"version v{version.number % 6}", rx=3))
            label = f"v{version.number}"
            if score is not None and wide > 230:
                label += f" · {story.metric} {figure(score)} at evaluation"
            if wide > 8.2 * len(label) + 16:
                drawn.append(_text(x + 12, top + 20, label, class_="on-version"))
    for done in story.retrains:
        x, middle, half = axis.at(done.window + 1), top + tall / 2, 8 if len(story.retrains) <= 24 else 3
        path = f"M{number(x - half)} {number(middle)}l{half} -{half} {half} {half} -{half} {half}z"
        drawn.append(tag("path", d=path, class_="retrain-mark" if done.replaced else "retrain-mark kept"))
    for failure in story.failures:
        if failure.window is not None:
            x = axis.at(failure.window + 1)
            late = x > LEFT + PLOT - 140
            words = f"✗ {failure.stage} failed"
            drawn.append(
                _text(
                    x - 10 if late else x + 10,
                    top + 20,
                    words,
                    class_="failed",
                    anchor="end" if late else None,
                )
            )
    kept = sum(r.replaced is False for r in story.retrains)
    counted = f"{len(story.retrains)}" + (f", {kept} kept" if kept else "")
    if story.retrains:
        drawn.append(_text(WIDTH - RIGHT + 10, top + 13, counted, class_="value"))
        drawn.append(
            _text(
                WIDTH - RIGHT + 10,
                top + 27,
                "retrains" if len(story.retrains) > 1 else "retrain",
                class_="minor",
            )
        )
    return join(drawn), height + tall


def alarm_label(name: str) -> tuple[str, str]:
    """What an alarm watches, and which monitor keeps it.

    >>> alarm_label("data_quality:drift:age"), alarm_label("model_quality:quality:log_loss")
    (('age', 'data drift'), ('log_loss', 'model quality'))
    """
    monitor, _, rest = name.partition(":")
    check, _, column = rest.partition(":")
    if monitor == "model_quality":
        return column or check or name, "model quality"
    return column or check or name, f"data {check.replace('_', ' ')}" if column else monitor.replace("_", " ")


def _alarms(story: Story, axis: Axis, y: float) -> Drawn:
    """A bar for every sounding of every alarm."""
    legend = _legend(y, ("alarm", "data alarm sounds"), ("alarm quality", "model-quality alarm sounds"))
    head, height = _heading(y, "Alarms", *(legend if story.alarms else ()))
    if not story.alarms:
        words = (
            f"No alarm sounded; {plural(story.silent, 'alarm')} kept watch."
            if story.silent
            else "No monitor kept watch."
        )
        note, more = _nothing(y + height, words)
        return join(head, note), height + more
    drawn = [head]
    for alarm in story.alarms[:ALARMS]:
        top = y + height
        watched, keeper = alarm_label(alarm.name)
        quality = alarm.name.startswith("model_quality")
        words = shortened(watched, 16)
        named = tag("text", tag("title", alarm.name), words, tag("tspan", f"  {keeper}", class_="minor"),
                   x=LEFT - 12, y=top + 12, class_="name", text_anchor="end")  # fmt: skip
        drawn += [named, _rect(LEFT, top, PLOT, 15, "lane")]
        spans = story.sounded(alarm)
        total = sum(max(after - onset, 0) for onset, after in spans)
        for onset, after in spans:
            wide = max(axis.at(after) - axis.at(onset), 3)
            drawn.append(_rect(axis.at(onset), top, wide, 15, "alarm quality" if quality else "alarm", rx=3))
        still = alarm.spans[-1][1] is None
        said = "still on" if still else plural(total, "window")
        drawn.append(_text(WIDTH - RIGHT + 10, top + 12, said, class_="minor"))
        height += 22
    if len(story.alarms) > ALARMS:
        note, more = _nothing(
            y + height, f"… and {len(story.alarms) - ALARMS} more; all are in the table below."
        )
        drawn.append(note)
        height += more
    return join(drawn), height


def _drift(story: Story, axis: Axis, y: float) -> Drawn:
    """Bars of value over threshold for the checks that ever breached."""
    legend = _legend(y, ("under", "value ÷ threshold"), ("over", "breached"))
    if not story.lanes:
        return Markup(""), 0
    lanes = [lane for lane in story.lanes if lane.breaches][:LANES]
    head, height = _heading(y, "What breached", *(legend if lanes else ()))
    if not lanes:
        note, more = _nothing(y + height, "No check breached in any window.")
        return join(head, note), height + more
    drawn = [head]
    peak = max(min(lane.peak, TALLEST) for lane in lanes)
    scale = max(1.6, peak * 1.05)
    for lane in lanes:
        drawn.append(_ratio(lane, axis, y + height, 44.0, scale))
        height += 52
    return join(drawn), height - 4


def _ratio(lane: Lane, axis: Axis, y: float, tall: float, scale: float) -> Markup:
    strengths = axis.binned({w: r.strength for w, r in lane.readings.items()}, max)
    breached = axis.binned({w: float(r.breached) for w, r in lane.readings.items()}, max)
    gap = min(1.0, axis.slot * 0.15)
    boxes: dict[bool, list[tuple[float, float, float, float]]] = {False: [], True: []}
    cut = []
    for slot, strength in sorted(strengths.items()):
        high = min(strength / scale, 1.0) * tall
        x = axis.at(slot * axis.per)
        boxes[breached[slot] > 0].append((x + gap / 2, y + tall - high, axis.slot - gap, high))
        if strength > scale and axis.slot > 7:
            cut.append(
                tag("path", d=f"M{number(x + axis.slot / 2 - 4)} {number(y + 8)}l4 -5 4 5z", class_="cut")
            )
    line = y + tall - tall / scale
    said = f"{figure(lane.peak, 3)}×" if isfinite(lane.peak) else _worst(lane)
    return join(
        _label(y + 20, lane.label, lane.method),
        _rect(axis.left, y, axis.width, tall, "lane"),
        _bars(boxes[False], "under"),
        _bars(boxes[True], "over"),
        cut,
        _line(axis.left, line, axis.left + axis.width, line, "threshold") if isfinite(lane.peak) else None,
        _text(WIDTH - RIGHT + 10, y + 20, said, class_="value"),
        _text(WIDTH - RIGHT + 10, y + 34, "at its peak", class_="minor"),
    )


def _worst(lane: Lane) -> str:
    """The largest value of a check that allows none at all."""
    worst = max((r.value for r in lane.readings.values() if r.value is not None), default=None)
    if worst is None:
        return "broken"
    return figure(worst) if lane.check == "schema" else percent(worst)


def level(strength: float) -> int:
    """The shade of a strength: 0 to 3 under the threshold, 4 and more over it.

    >>> level(0.1), level(0.99), level(1.2), level(9)
    (0, 3, 4, 7)
    """
    return sum(strength >= bound for bound in LEVELS)


def _heat(story: Story, axis: Axis, y: float) -> Drawn:
    """Every check on every column as one row of shades."""
    if not story.lanes:
        return Markup(""), 0
    words = [("", "value ÷ threshold:")]
    named = ("0", "¼", "½", "¾", "1", "1.5", "2.5", "5 and more")
    head, height = _heading(
        y, "Every check", *_legend(y, *words, *((f"h{n}", t) for n, t in enumerate(named)))
    )
    drawn = [head]
    pitch = 17.0 if len(story.lanes) <= 20 else 14.0
    for lane in story.lanes[:COLUMNS]:
        top = y + height
        shown = axis.binned({w: r.strength for w, r in lane.readings.items()}, max)
        drawn.append(_rect(LEFT, top, PLOT, pitch - 2, "lane"))
        rows: dict[int, list[tuple[float, float, float, float]]] = {}
        for slot, strength in sorted(shown.items()):
            shade, x = level(strength), axis.at(slot * axis.per)
            boxes = rows.setdefault(shade, [])
            if boxes and abs(boxes[-1][0] + boxes[-1][2] - x) < 0.01:
                boxes[-1] = (boxes[-1][0], top, boxes[-1][2] + axis.slot, pitch - 2)
            else:
                boxes.append((x, top, axis.slot, pitch - 2))
        drawn += [_bars(boxes, f"h{shade}") for shade, boxes in sorted(rows.items())]
        drawn.append(_label(top + pitch - 5, lane.label, most=27))
        if lane.breaches:
            drawn.append(
                _text(
                    WIDTH - RIGHT + 10,
                    top + pitch - 5,
                    plural(lane.breaches, "breach", "breaches"),
                    class_="minor",
                )
            )
        height += pitch
    if len(story.lanes) > COLUMNS:
        note, more = _nothing(y + height, f"… and {len(story.lanes) - COLUMNS} more that breached less.")
        drawn.append(note)
        height += more
    return join(drawn), height


def _rows(story: Story, axis: Axis, y: float) -> Drawn:
    """Rows answered, rows set aside, labels that arrived."""
    lanes = [
        ("rows answered", story.answered, "answered"),
        ("rows set aside", story.rejected if any(story.rejected.values()) else {}, "aside"),
        ("labels arriving", story.labels, "labels"),
    ]
    if not any(values for _, values, _ in lanes):
        return Markup(""), 0
    head, height = _heading(y, "Traffic and labels")
    drawn = [head]
    top_rows = max([*story.answered.values(), *story.labels.values(), 1])
    for name, values, class_ in lanes:
        if not values and class_ == "aside":
            continue
        tall, top = 30.0, y + height
        most = max(values.values(), default=0) if class_ == "aside" else top_rows
        shown = axis.binned({w: float(v) for w, v in values.items()}, _mean)
        gap = min(1.0, axis.slot * 0.15)
        boxes = [
            (axis.at(s * axis.per) + gap / 2, top + tall * (1 - v / most), axis.slot - gap, tall * v / most)
            for s, v in sorted(shown.items())
            if v > 0
        ]
        drawn += [_label(top + 20, name), _rect(LEFT, top, PLOT, tall, "lane"), _bars(boxes, class_)]
        if not values:
            drawn.append(_text(LEFT + 8, top + 20, "none arrived", class_="minor"))
        else:
            drawn.append(_text(WIDTH - RIGHT + 10, top + 13, f"{sum(values.values()):,}", class_="value"))
            drawn.append(
                _text(WIDTH - RIGHT + 10, top + 27, f"most {max(values.values()):,}", class_="minor")
            )
        height += tall + 8
    return join(drawn), height - 4


# --- smaller drawings -----------------------------------------------------------------------------


def _svg(width: float, height: float, title: str, *inside: object, class_: str = "chart") -> Markup:
    return tag(
        "svg",
        tag("title", title),
        *inside,
        class_=class_,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
    )


def small_metric(story: Story, metric: str) -> Markup:
    """One metric over the windows, small."""
    axis = Axis(story.windows, 4.0, 270.0)
    body = _metric(story, metric, axis, 8, 120, 3)
    marks = _retrain_lines(story, axis, 8, 128)
    tints = _tints(story, axis, 8, 128)
    ends = [
        _text(axis.at(0.5), 146, 0, class_="tick", anchor="start"),
        _text(
            axis.at(story.windows), 146, f"window {max(story.windows - 1, 0)}", class_="tick", anchor="end"
        ),
    ]
    return _svg(326, 152, f"{metric} by window", tints, body, marks, ends)


def distribution(shift: Shift, window: int) -> Markup:
    """Two distributions side by side: baseline and window, bin by bin or category by category."""
    if len(shift.labels) == len(shift.baseline) + 1:
        return _histogram(shift, window)
    return _categories(shift, window)


def bins(labels: Sequence[str]) -> tuple[list[str], bool]:
    """Names of a histogram's bins, and whether each holds one whole number.

    >>> bins(("0", "10", "20")), bins(("-0.5", "0.5", "1.5"))
    ((['0 to 10', '10 to 20'], False), (['0', '1'], True))
    """
    try:
        edges = [float(label) for label in labels]
    except ValueError:
        edges = []
    if edges and all(isfinite(e) and abs(e - floor(e) - 0.5) < 1e-9 for e in edges):
        steps = [b - a for a, b in zip(edges, edges[1:], strict=False)]
        if all(abs(step - 1) < 1e-9 for step in steps):
            return [f"{e + 0.5:.0f}" for e in edges[:-1]], True
    pairs = zip(labels, labels[1:], strict=False)
    return [f"{_edge(a)} to {_edge(b)}" for a, b in pairs], False


def _edge(text: str) -> str:
    try:
        return figure(float(text), 3) if isfinite(float(text)) else ("−∞" if float(text) < 0 else "∞")
    except ValueError:
        return text


def _histogram(shift: Shift, window: int) -> Markup:
    width, tall, left, top = 480.0, 160.0, 48.0, 12.0
    count = max(len(shift.baseline), 1)
    most = max([*shift.baseline, *shift.current, 1e-9])
    step = (width - left - 10) / count
    names, whole = bins(shift.labels)
    drawn = []
    for tick in ticks(0, most, 3):
        y = top + tall * (1 - tick / most)
        drawn.append(_line(left, y, width - 10, y, "grid"))
        drawn.append(_text(left - 8, y + 4, percent(tick), class_="tick", anchor="end"))
    for n, (before, now) in enumerate(zip(shift.baseline, shift.current, strict=False)):
        x = left + n * step
        tip = f"{names[n]}: baseline {percent(before)}, window {window} {percent(now)}"
        bar = step * 0.44
        drawn.append(
            tag(
                "g",
                _rect(x, top, step, tall, "hit"),
                _rect(
                    x + step * 0.05, top + tall * (1 - before / most), bar, tall * before / most, "baseline"
                ),
                _rect(
                    x + step * 0.05 + bar, top + tall * (1 - now / most), bar, tall * now / most, "current"
                ),
                data_tip=tip,
            )
        )
    every = max(1, ceil(count / 6))
    for n in range(0, count + (not whole), every):
        x, words = (left + (n + 0.5) * step, names[n]) if whole else (left + n * step, _edge(shift.labels[n]))
        drawn.append(_text(x, top + tall + 18, words, class_="tick", anchor="middle"))
    drawn.append(_line(left, top + tall, width - 10, top + tall, "axis"))
    return _svg(width, top + tall + 26, f"{shift.column}: baseline and window {window}", drawn)


def _categories(shift: Shift, window: int) -> Markup:
    rows = list(zip(shift.labels, shift.baseline, shift.current, strict=False))
    rows.sort(key=lambda row: (-max(row[1], row[2]), row[0]))
    shown, rest = rows[:9], rows[9:]
    if rest:
        shown.append((f"{len(rest)} more", sum(r[1] for r in rest), sum(r[2] for r in rest)))
    width, left, pitch, top = 480.0, 160.0, 24.0, 6.0
    most = max([share for _, *two in shown for share in two] + [1e-9])
    drawn = []
    for n, (name, before, now) in enumerate(shown):
        y = top + n * pitch
        wide = (width - left - 56) / most
        tip = f"{name}: baseline {percent(before)}, window {window} {percent(now)}"
        drawn.append(
            tag(
                "g",
                _rect(0, y, width, pitch, "hit"),
                _text(left - 10, y + 16, shortened(name, 22), class_="name", anchor="end"),
                _rect(left, y + 2, before * wide, 9, "baseline"),
                _rect(left, y + 11, now * wide, 9, "current"),
                _text(left + max(before, now) * wide + 6, y + 16, percent(now), class_="tick"),
                data_tip=tip,
            )
        )
    return _svg(width, top + len(shown) * pitch + 6, f"{shift.column}: baseline and window {window}", drawn)


def trials(build: Build) -> Markup:
    """Scores of tuning's trials in their order, with the best so far."""
    scored = [(trial.number, trial.score, trial) for trial in build.trials if trial.score is not None]
    if not scored:
        return Markup("")
    metric = build.trials[0].metric
    width, tall, left, top = 440.0, 130.0, 56.0, 10.0
    values = [score for _, score, _ in scored]
    low, high = min(values), max(values)
    room = 0.1 * (high - low or abs(high) or 1.0)
    low, high = low - room, high + room
    last = max(number_ for number_, _, _ in scored)

    def place(n: int, score: float) -> tuple[float, float]:
        return left + 8 + (width - left - 28) * n / max(last, 1), top + tall - (score - low) / (
            high - low
        ) * tall

    drawn = []
    for tick in ticks(low, high, 3):
        y = place(0, tick)[1]
        drawn.append(_line(left, y, width - 8, y, "grid"))
        drawn.append(_text(left - 8, y + 4, figure(tick), class_="tick", anchor="end"))
    better: Callable[[float, float], float] = min if metric in LOWER_IS_BETTER else max
    best, path = scored[0][1], []
    for n, score, _ in scored:
        if better(score, best) != best:
            path.append((place(n, best)[0], place(n, best)[1]))
        best = better(score, best)
        path.append(place(n, best))
    drawn.append(_polyline(path, "best"))
    for n, score, trial in scored:
        x, y = place(n, score)
        tip = f"trial {n}: {metric} {figure(score)}; " + ", ".join(
            f"{k} {_plain(v)}" for k, v in trial.values.items()
        )
        winner = score == best
        drawn.append(
            tag(
                "circle",
                cx=x,
                cy=y,
                r=6 if winner else 4,
                class_="trial won" if winner else "trial",
                data_tip=tip,
            )
        )
    drawn.append(
        _text(
            left,
            top + tall + 20,
            f"{plural(len(scored), 'trial')}, best {metric} {figure(best)}",
            class_="tick",
        )
    )
    return _svg(width, top + tall + 28, f"Trials: {metric} by number", drawn)


def _plain(value: object) -> str:
    return figure(value) if isinstance(value, float) else str(value)


def whisker(point: Point, rivals: Sequence[tuple[str, float]]) -> Markup:
    """A metric's value with its interval, beside the dummy's and the rule's."""
    values = [v for v in (point.value, point.low, point.high, *(v for _, v in rivals)) if v is not None]
    if not values or point.value is None:
        return Markup("")
    low, high = min(values), max(values)
    width = 160.0
    scale = (width - 20) / (high - low) if high > low else 0.0

    def at(value: float) -> float:
        return 10 + (value - low) * scale

    drawn = [_line(10, 13, width - 10, 13, "grid")]
    if point.low is not None and point.high is not None:
        drawn.append(_rect(at(point.low), 10, max(at(point.high) - at(point.low), 1.5), 6, "interval"))
    for name, value in rivals:
        x = at(value)
        shape = (
            f"M{number(x - 5)} 8l10 10m0 -10l-10 10" if name == "dummy" else f"M{number(x)} 7l6 6 -6 6 -6 -6z"
        )
        drawn.append(tag("path", d=shape, class_=f"rival {name}", data_tip=f"{name} {figure(value)}"))
    drawn.append(
        tag(
            "circle",
            cx=at(point.value),
            cy=13,
            r=5,
            class_="known dot",
            data_tip=f"model {figure(point.value)}",
        )
    )
    return _svg(width, 26, "model, dummy and rule", drawn, class_="chart whisker")


def spark(episode: Episode, windows: int) -> Markup:
    """The course of an injection's intensity."""
    axis = Axis(windows, 0.0, 180.0)
    acted = axis.binned(episode.intensity, max)
    boxes = [
        (axis.at(s * axis.per), 30 - 28 * v, axis.slot, 28 * v) for s, v in sorted(acted.items()) if v > 0
    ]
    body = [_rect(0, 2, 180, 28, "lane"), _bars(boxes, "truth"), _line(0, 30, 180, 30, "axis")]
    return _svg(180, 32, f"Intensity of {episode.id} by window", body, class_="chart spark")
