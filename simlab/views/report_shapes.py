"""The report's smaller drawings: distributions, trials, scores and intensities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor, isfinite

from simlab.quality import LOWER_IS_BETTER
from simlab.views import report_pieces as pieces
from simlab.views.metrics import Point
from simlab.views.report_markup import Markup, figure, number, percent, plural, tag
from simlab.views.report_pieces import Axis
from simlab.views.report_story import Build, Episode, Shift


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
    for tick in pieces.ticks(0, most, 3):
        y = top + tall * (1 - tick / most)
        drawn.append(pieces.line(left, y, width - 10, y, "grid"))
        drawn.append(pieces.text(left - 8, y + 4, percent(tick), class_="tick", anchor="end"))
    for n, (before, now) in enumerate(zip(shift.baseline, shift.current, strict=False)):
        x = left + n * step
        tip = f"{names[n]}: baseline {percent(before)}, window {window} {percent(now)}"
        bar = step * 0.44
        drawn.append(
            tag(
                "g",
                pieces.rect(x, top, step, tall, "hit"),
                pieces.rect(
                    x + step * 0.05, top + tall * (1 - before / most), bar, tall * before / most, "baseline"
                ),
                pieces.rect(
                    x + step * 0.05 + bar, top + tall * (1 - now / most), bar, tall * now / most, "current"
                ),
                data_tip=tip,
            )
        )
    every = max(1, ceil(count / 6))
    for n in range(0, count + (not whole), every):
        x, words = (left + (n + 0.5) * step, names[n]) if whole else (left + n * step, _edge(shift.labels[n]))
        drawn.append(pieces.text(x, top + tall + 18, words, class_="tick", anchor="middle"))
    drawn.append(pieces.line(left, top + tall, width - 10, top + tall, "axis"))
    return pieces.svg(width, top + tall + 26, f"{shift.column}: baseline and window {window}", drawn)


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
                pieces.rect(0, y, width, pitch, "hit"),
                pieces.text(left - 10, y + 16, pieces.shortened(name, 22), class_="name", anchor="end"),
                pieces.rect(left, y + 2, before * wide, 9, "baseline"),
                pieces.rect(left, y + 11, now * wide, 9, "current"),
                pieces.text(left + max(before, now) * wide + 6, y + 16, percent(now), class_="tick"),
                data_tip=tip,
            )
        )
    return pieces.svg(
        width, top + len(shown) * pitch + 6, f"{shift.column}: baseline and window {window}", drawn
    )


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
    for tick in pieces.ticks(low, high, 3):
        y = place(0, tick)[1]
        drawn.append(pieces.line(left, y, width - 8, y, "grid"))
        drawn.append(pieces.text(left - 8, y + 4, figure(tick), class_="tick", anchor="end"))
    better: Callable[[float, float], float] = min if metric in LOWER_IS_BETTER else max
    best, path = scored[0][1], []
    for n, score, _ in scored:
        if better(score, best) != best:
            path.append((place(n, best)[0], place(n, best)[1]))
        best = better(score, best)
        path.append(place(n, best))
    drawn.append(pieces.polyline(path, "best"))
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
        pieces.text(
            left,
            top + tall + 20,
            f"{plural(len(scored), 'trial')}, best {metric} {figure(best)}",
            class_="tick",
        )
    )
    return pieces.svg(width, top + tall + 28, f"Trials: {metric} by number", drawn)


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

    drawn = [pieces.line(10, 13, width - 10, 13, "grid")]
    if point.low is not None and point.high is not None:
        drawn.append(pieces.rect(at(point.low), 10, max(at(point.high) - at(point.low), 1.5), 6, "interval"))
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
    return pieces.svg(width, 26, "model, dummy and rule", drawn, class_="chart whisker")


def spark(episode: Episode, windows: int) -> Markup:
    """The course of an injection's intensity."""
    axis = Axis(windows, 0.0, 180.0)
    acted = axis.binned(episode.intensity, max)
    boxes = [
        (axis.at(s * axis.per), 30 - 28 * v, axis.slot, 28 * v) for s, v in sorted(acted.items()) if v > 0
    ]
    body = [
        pieces.rect(0, 2, 180, 28, "lane"),
        pieces.bars(boxes, "truth"),
        pieces.line(0, 30, 180, 30, "axis"),
    ]
    return pieces.svg(180, 32, f"Intensity of {episode.id} by window", body, class_="chart spark")
