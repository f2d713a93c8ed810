"""The timeline's lanes: truth, quality, versions, alarms, drift, rows and labels."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from simlab.quality import LOWER_IS_BETTER
from simlab.views import report_metric as metrics
from simlab.views import report_pieces as pieces
from simlab.views.report_markup import Markup, figure, join, number, percent, plural, tag
from simlab.views.report_pieces import LEFT, PLOT, RIGHT, WIDTH, Axis, Drawn
from simlab.views.report_story import Episode, Lane, Story

LANES, COLUMNS, ALARMS = 6, 40, 14
"""Most drift lanes, rows of the heat strip, and alarm lanes."""
TALLEST = 4.0
"""A drift bar is cut off at so many times its threshold, so that the threshold stays in sight."""
LEVELS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0)
"""Bounds between the shades of the heat strip, in thresholds."""


def _label(y: float, text: str, below: str = "", most: int = 25) -> Markup:
    """A lane's name in the gutter, with a smaller line below it."""
    shown = pieces.shortened(text, most)
    full = tag("title", text) if shown != text else None
    return join(
        tag("text", full, shown, x=LEFT - 12, y=y, class_="name", text_anchor="end"),
        pieces.text(LEFT - 12, y + 14, pieces.shortened(below, 30), class_="minor", anchor="end")
        if below
        else None,
    )


def _heading(y: float, title: str, *legend: Markup) -> Drawn:
    """A group's title with its legend on the same line."""
    drawn = [pieces.line(0, y + 4, WIDTH, y + 4, "rule"), pieces.text(0, y + 24, title, class_="group")]
    return join(drawn, *legend), 34


def _legend(y: float, *items: tuple[str, str]) -> list[Markup]:
    """Swatches with words, right-aligned to the plot; each item is a class and a text."""
    x, drawn = LEFT, []
    for class_, text in items:
        if class_:
            kind = class_.split()[0]
            if kind in ("known", "hindsight", "limit", "evaluated"):
                drawn.append(pieces.line(x, y + 20, x + 24, y + 20, class_))
                x += 31
            else:
                drawn.append(pieces.rect(x, y + 14, 12, 12, class_, rx=2))
                x += 18
        drawn.append(pieces.text(x, y + 24, text, class_="minor"))
        x += 6.6 * len(text) + 20
    return drawn


def _nothing(y: float, words: str, class_: str = "nothing") -> Drawn:
    return join(pieces.text(LEFT, y + 15, words, class_=class_)), 26


def truth(story: Story, axis: Axis, y: float) -> Drawn:
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
        pieces.rect(LEFT, y, PLOT, tall, "lane"),
        pieces.bars(boxes, "truth expected" if episode.expected else "truth"),
    ]
    if episode.training:
        drawn.append(pieces.text(LEFT + 8, y + 19, "acted on the training rows", class_="minor"))
    elif not episode.span:
        drawn.append(
            pieces.text(LEFT + 8, y + 19, "never acted in the windows lived through", class_="minor")
        )
    size = max(episode.measured.values(), key=abs, default=None)
    if size is not None:
        drawn.append(pieces.text(WIDTH - RIGHT + 10, y + 14, size_of(episode.measured), class_="value"))
        drawn.append(pieces.text(WIDTH - RIGHT + 10, y + 28, "measured", class_="minor"))
    return join(drawn)


def size_of(measured: Mapping[str, float]) -> str:
    """The largest measured size, in words.

    >>> size_of({"age": 0.795}), size_of({"labels changed": 0.25})
    ('+0.8 σ', '25 %')
    """
    name, size = max(measured.items(), key=lambda item: abs(item[1]))
    return percent(size) if name == "labels changed" else f"{size:+.2g} σ"


def quality(story: Story, axis: Axis, y: float) -> Drawn:
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
    body = metrics.curve(story, story.metric, axis, y + height + 6, tall)
    label = _label(y + height + 22, story.metric, better)
    return join(head, label, body), height + tall + 12


def service(story: Story, axis: Axis, y: float) -> Drawn:
    """Which version answered which windows, and when a retrain was carried out."""
    legend = _legend(y, ("retrain-mark", "retrain")) if story.retrains else []
    head, height = _heading(y, "In service", *legend)
    if not any(version.spans for version in story.versions):
        note, more = _nothing(y + height, "No version went into service.")
        return join(head, note), height + more
    tall, top = 30.0, y + height
    drawn = [head, _label(top + 19, "version"), pieces.rect(LEFT, top, PLOT, tall, "lane")]
    for version in story.versions:
        score = version.metrics.get(story.metric)
        for first, after in version.spans:
            x = axis.at(first)
            wide = axis.at(story.lived if after is None else after) - x
            if wide <= 0:
                continue
            drawn.append(pieces.rect(x, top, wide, tall, f"version v{version.number % 6}", rx=3))
            label = f"v{version.number}"
            if score is not None and wide > 230:
                label += f" · {story.metric} {figure(score)} at evaluation"
            if wide > 8.2 * len(label) + 16:
                drawn.append(pieces.text(x + 12, top + 20, label, class_="on-version"))
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
                pieces.text(
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
        drawn.append(pieces.text(WIDTH - RIGHT + 10, top + 13, counted, class_="value"))
        drawn.append(
            pieces.text(
                WIDTH - RIGHT + 10,
                top + 27,
                "retrains" if len(story.retrains) > 1 else "retrain",
                class_="minor",
            )
        )
    return join(drawn), height + tall


def alarms(story: Story, axis: Axis, y: float) -> Drawn:
    """A bar for every sounding of every alarm."""
    legend = _legend(y, ("alarm", "alarm sounds"), ("alarm quality", "alarm of the model's quality sounds"))
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
        watched, keeper = pieces.alarm_label(alarm.name)
        quality = alarm.name.startswith("model_quality")
        words = pieces.shortened(watched, 16)
        keeper = pieces.shortened(keeper, 27 - len(words))  # what fits beside it; the title holds it all
        named = tag("text", tag("title", alarm.name), words, tag("tspan", f"  {keeper}", class_="minor"),
                   x=LEFT - 12, y=top + 12, class_="name", text_anchor="end")  # fmt: skip
        drawn += [named, pieces.rect(LEFT, top, PLOT, 15, "lane")]
        spans = story.sounded(alarm)
        total = sum(max(after - onset, 0) for onset, after in spans)
        for onset, after in spans:
            wide = max(axis.at(after) - axis.at(onset), 3)
            drawn.append(
                pieces.rect(axis.at(onset), top, wide, 15, "alarm quality" if quality else "alarm", rx=3)
            )
        still = alarm.spans[-1][1] is None
        said = "still on" if still else plural(total, "window")
        drawn.append(pieces.text(WIDTH - RIGHT + 10, top + 12, said, class_="minor"))
        height += 22
    if len(story.alarms) > ALARMS:
        note, more = _nothing(
            y + height, f"… and {len(story.alarms) - ALARMS} more; all are in the table below."
        )
        drawn.append(note)
        height += more
    return join(drawn), height


def drift(story: Story, axis: Axis, y: float) -> Drawn:
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
        pieces.rect(axis.left, y, axis.width, tall, "lane"),
        pieces.bars(boxes[False], "under"),
        pieces.bars(boxes[True], "over"),
        cut,
        pieces.line(axis.left, line, axis.left + axis.width, line, "threshold")
        if isfinite(lane.peak)
        else None,
        pieces.text(WIDTH - RIGHT + 10, y + 20, said, class_="value"),
        pieces.text(WIDTH - RIGHT + 10, y + 34, "at its peak", class_="minor"),
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


def heat(story: Story, axis: Axis, y: float) -> Drawn:
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
        drawn.append(pieces.rect(LEFT, top, PLOT, pitch - 2, "lane"))
        rows: dict[int, list[tuple[float, float, float, float]]] = {}
        for slot, strength in sorted(shown.items()):
            shade, x = level(strength), axis.at(slot * axis.per)
            boxes = rows.setdefault(shade, [])
            if boxes and abs(boxes[-1][0] + boxes[-1][2] - x) < 0.01:
                boxes[-1] = (boxes[-1][0], top, boxes[-1][2] + axis.slot, pitch - 2)
            else:
                boxes.append((x, top, axis.slot, pitch - 2))
        drawn += [pieces.bars(boxes, f"h{shade}") for shade, boxes in sorted(rows.items())]
        drawn.append(_label(top + pitch - 5, lane.label, most=27))
        if lane.breaches:
            drawn.append(
                pieces.text(
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


def rows(story: Story, axis: Axis, y: float) -> Drawn:
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
        shown = axis.binned({w: float(v) for w, v in values.items()}, metrics.mean)
        gap = min(1.0, axis.slot * 0.15)
        boxes = [
            (axis.at(s * axis.per) + gap / 2, top + tall * (1 - v / most), axis.slot - gap, tall * v / most)
            for s, v in sorted(shown.items())
            if v > 0
        ]
        drawn += [
            _label(top + 20, name),
            pieces.rect(LEFT, top, PLOT, tall, "lane"),
            pieces.bars(boxes, class_),
        ]
        if not values:
            drawn.append(pieces.text(LEFT + 8, top + 20, "none arrived", class_="minor"))
        else:
            drawn.append(
                pieces.text(WIDTH - RIGHT + 10, top + 13, f"{sum(values.values()):,}", class_="value")
            )
            drawn.append(
                pieces.text(WIDTH - RIGHT + 10, top + 27, f"most {max(values.values()):,}", class_="minor")
            )
        height += tall + 8
    return join(drawn), height - 4
