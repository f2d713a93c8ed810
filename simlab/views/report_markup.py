"""HTML and SVG as plain functions; what is not markup already is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from math import isfinite

Inside = object
"""What may stand in an element: markup, text, numbers, None (nothing), or an iterable of these."""

_VOID = frozenset({"meta", "br", "hr", "img", "input", "link", "wbr"})


class Markup(str):
    """Text that is markup already, and is not escaped again."""


def join(*inside: Inside) -> Markup:
    """Markup of several things after each other; text is escaped.

    >>> join("a < b", None, [Markup("<br>"), 3])
    'a &lt; b<br>3'
    """
    parts: list[str] = []
    for item in inside:
        if item is None:
            continue
        if isinstance(item, Markup):
            parts.append(item)
        elif isinstance(item, str):
            parts.append(escape(item))
        elif isinstance(item, Iterable):
            parts.append(join(*item))
        else:
            parts.append(escape(number(item)))
    return Markup("".join(parts))


def tag(name: str, /, *inside: Inside, **attributes: object) -> Markup:
    """An element. `class_` stands for `class`, `_` for `-`; None and False leave an attribute out.

    >>> tag("p", "R & D", class_="note", hidden=True, id=None)
    '<p class="note" hidden>R &amp; D</p>'
    """
    written = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        written.append(f" {key}" if value is True else f' {key}="{escape(number(value))}"')
    opened = f"<{name}{''.join(written)}>"
    return Markup(opened if name in _VOID else f"{opened}{join(*inside)}</{name}>")


def breakable(name: str) -> Markup:
    """A long name that may be broken after its colons and low lines, and reads and copies as it is.

    >>> breakable("data_quality:drift")
    'data_<wbr>quality:<wbr>drift'
    """
    return Markup(re.sub(r"([:_])(?=.)", r"\1<wbr>", escape(name)))


def number(value: object) -> str:
    """A coordinate with at most one decimal place; anything else as it reads.

    >>> number(3.0), number(2.46), number(-0.04), number("x")
    ('3', '2.5', '0', 'x')
    """
    if isinstance(value, float) and isfinite(value):
        text = f"{value:.1f}".removesuffix(".0")
        return "0" if text == "-0" else text
    return str(value)


def figure(value: float | None, digits: int = 4) -> str:
    """A figure for people: some significant digits, no exponent where it can be helped.

    >>> figure(0.30412), figure(1234567.0), figure(None), figure(25.0), figure(0.00001)
    ('0.3041', '1,234,567', '–', '25', '1e-05')
    """
    if value is None or not isfinite(value):
        return "–"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    text = f"{value:.{digits}g}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def percent(share: float) -> str:
    """A share as a percentage, with a decimal place where it is small.

    >>> percent(0.4567), percent(0.0123), percent(0.05)
    ('46 %', '1.2 %', '5 %')
    """
    text = f"{100 * share:.0f}" if abs(share) >= 0.1 else f"{100 * share:.1f}".removesuffix(".0")
    return f"{text} %"


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun.

    >>> plural(1, "alarm"), plural(2000, "row"), plural(2, "entry", "entries")
    ('1 alarm', '2,000 rows', '2 entries')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def ranges(windows: Sequence[int]) -> str:
    """Windows as ranges.

    >>> ranges((3, 4, 5, 9))
    '3–5, 9'
    """
    runs: list[list[int]] = []
    for window in sorted(windows):
        if runs and window == runs[-1][-1] + 1:
            runs[-1].append(window)
        else:
            runs.append([window])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
