"""The report's drawings, piece by piece: the shared axis, lines, bars, labels and dates as SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, log10

from simlab.views.report_markup import Markup, number, tag
from simlab.views.report_story import Story

WIDTH = 1280.0
LEFT, RIGHT = 190.0, 92.0
PLOT = WIDTH - LEFT - RIGHT
SLOTS = 400
"""Most bars next to each other; a longer run shows several windows in one bar."""
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


def text(x: float, y: float, *inside: object, class_: str = "", anchor: str | None = None) -> Markup:
    """Words at a place."""
    return tag("text", *inside, x=x, y=y, class_=class_ or None, text_anchor=anchor)


def rect(x: float, y: float, width: float, height: float, class_: str, **more: object) -> Markup:
    """A box, wide enough to be seen."""
    return tag("rect", x=x, y=y, width=max(width, 0.5), height=max(height, 0.0), class_=class_, **more)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def polyline(points: Sequence[tuple[float, float]], class_: str) -> Markup:
    """A line through points, if there are two."""
    if len(points) < 2:
        return Markup("")
    path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return tag("path", d=path, class_=class_)


def bars(boxes: Iterable[tuple[float, float, float, float]], class_: str) -> Markup:
    """Many boxes (x, y, width, height) as one path."""
    path = "".join(f"M{number(x)} {number(y)}h{number(w)}v{number(h)}h{number(-w)}z" for x, y, w, h in boxes)
    return tag("path", d=path, class_=class_) if path else Markup("")


def shortened(text: str, most: int) -> str:
    """A text cut to so many characters.

    >>> shortened("hours_per_week", 8)
    'hours_p…'
    """
    return text if len(text) <= most else text[: most - 1] + "…"


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


def tick_windows(windows: int, dates: bool) -> list[int]:
    """Windows that get a tick, so that their labels do not touch."""
    most = 11 if dates else 20
    step = next((s for p in range(9) for s in (10**p, 2 * 10**p, 5 * 10**p) if windows / s <= most), 1)
    return list(range(0, windows, step))


def alarm_label(name: str) -> tuple[str, str]:
    """What an alarm watches, and which monitor keeps it.

    >>> alarm_label("data_quality:drift:age"), alarm_label("model_quality:quality:log_loss")
    (('age', 'data drift'), ('log_loss', 'model quality'))
    >>> alarm_label("model_bias:bias_drift_check:sex=Female:DPPL")
    ('sex=Female:DPPL', 'bias drift check')
    """
    monitor, _, rest = name.partition(":")
    check, _, column = rest.partition(":")
    if monitor == "model_quality":
        return column or check or name, "model quality"
    words = check.replace("_", " ")
    if monitor == "data_quality":
        words = f"data {words}"
    return column or check or name, words if column else monitor.replace("_", " ")


def svg(width: float, height: float, title: str, *inside: object, class_: str = "chart") -> Markup:
    """A drawing with its title."""
    return tag(
        "svg",
        tag("title", title),
        *inside,
        class_=class_,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
    )
