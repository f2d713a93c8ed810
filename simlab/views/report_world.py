"""What was done to the world, as declared and as measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simlab.views import report_lanes as lanes
from simlab.views import report_parts as parts
from simlab.views import report_shapes as shapes
from simlab.views.report_markup import Markup, join, percent, plural, tag
from simlab.views.report_story import Episode, Story


def world(story: Story) -> Markup:
    """The section: an injection a row, declared beside measured."""
    if story.order == "replay":
        lead = (
            "Rows were replayed in their own time order. What drift they hold nobody declared: truth unknown."
        )
    elif not story.world_known:
        lead = "The world's own log is not at hand, so this page cannot say what was done to it."
    elif story.episodes:
        lead = "What was done to the world on purpose, as declared and as measured on the rows it touched."
    else:
        lead = "Nothing was done to the world: rows were drawn from one pool throughout."
    rows = [_episode(story, episode) for episode in story.episodes]
    head = (
        "injection",
        "kind",
        "on",
        "windows",
        "shape",
        "on whom",
        "declared",
        "measured at its hardest",
        "rows touched",
        "intensity",
    )
    counted = ", ".join(f"{name} {rows_:,}" for name, rows_ in story.world_rows.items())
    gaps = sorted(story.gap.items(), key=lambda item: -abs(item[1]))
    return parts.section(
        "world",
        "What was done to the world",
        lead,
        parts.table(head, rows) if rows else None,
        tag("p", f"Rows of the world: {counted}.", class_="minor") if counted else None,
        parts.fold(
            "Measured gap between training rows and baseline",
            parts.table(
                ("column", "gap, in standard deviations"),
                [(n, f"{g:+.3f}") for n, g in gaps],
                class_="numbers",
            ),
        )
        if gaps
        else None,
    )


def _episode(story: Story, episode: Episode) -> Sequence[object]:
    declared = episode.declared
    if episode.training:
        when = "training rows"
    elif episode.span:
        when = f"{episode.span[0]} to {episode.span[1]}"
    elif episode.start is not None:
        when = f"{episode.start} to {'the end' if episode.end is None else episode.end - 1}, but never acted"
    else:
        when = "never"
    fraction = declared.get("fraction")
    whom = [str(declared["where"])] if declared.get("where") else []
    if isinstance(fraction, (int, float)) and fraction < 1:
        whom.append(percent(fraction) + " of rows")
    touched = f"{episode.rows:,} of {episode.of:,}" if episode.of else "–"
    if episode.relabelled:
        touched += f"; {plural(episode.relabelled, 'label')} changed"
    measured = [
        tag("div", f"{name} ", tag("b", lanes.size_of({name: size})))
        for name, size in _largest(episode.measured)
    ]
    return (
        tag("b", episode.id),
        tag("code", episode.kind, class_="nowrap"),
        episode.on + (" (expected)" if episode.expected else ""),
        when,
        tag("code", _written(declared.get("shape") or "–")),
        ", ".join(whom) or "every row",
        tag("code", _written(declared.get("with") or "–")),
        join(measured) if measured else "–",
        touched,
        shapes.spark(episode, story.windows) if episode.span else "–",
    )


def _largest(measured: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(measured.items(), key=lambda item: -abs(item[1]))[:4]


def _written(value: object) -> str:
    """A plain value as YAML would write it on one line.

    >>> _written({"column": "age", "by": 0.8})
    'column: age, by: 0.8'
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_inner(v)}" for k, v in value.items())
    return _inner(value)


def _inner(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + _written(value) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_inner(v) for v in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
