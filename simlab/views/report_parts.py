"""What the report's sections are made of: tables, folds, dates and reasons in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from simlab.views import report_pieces as pieces
from simlab.views.report_markup import Markup, plural, tag
from simlab.views.report_story import Reasons, Story

CHANGES = 500
"""Most rows of the table of alarm changes."""


def section(id: str, title: str, lead: str, *inside: object) -> Markup:
    """A section with its title and a line that says what it shows."""
    return tag("section", tag("h2", title), tag("p", lead, class_="lead") if lead else None, *inside, id=id)


def table(
    head: Sequence[object], rows: Iterable[Sequence[object]], caption: str = "", class_: str = ""
) -> Markup:
    """A table with a head; it scrolls where it is too wide."""
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


def fold(summary: str, *inside: object, open_: bool = False) -> Markup:
    """What opens at a click."""
    return tag("details", tag("summary", summary), *inside, open=open_)


def when(story: Story, window: int | None) -> str:
    """A window with its date, for people."""
    if window is None or window < 0:
        return "before the first window"
    date = pieces.date_of(story, window)
    return f"window {window}" + (f", {date}" if date else "")


def synthetic(story: Story) -> str:
    """A mark behind the name of a dataset that a generator made."""
    return " (synthetic)" if story.synthetic else ""


def seed(seed: Mapping[str, int]) -> str:
    """The seeds, as one number where they are one."""
    if len(set(seed.values())) == 1:  # one number was given for all
        return str(next(iter(seed.values())))
    return ", ".join(f"{name} {value}" for name, value in seed.items())


def reasons(reasons: Reasons) -> str:
    """Why rows were set aside, the commonest first."""
    ordered = sorted(reasons, key=lambda reason: (-reason[2], reason))
    said = [
        f"{plural(rows, 'row')}, {column + ' ' if column else ''}{why}" for column, why, rows in ordered[:5]
    ]
    return "; ".join(said) + (f"; and {len(reasons) - 5} reasons more" if len(reasons) > 5 else "")
