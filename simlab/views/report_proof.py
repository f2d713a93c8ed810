"""The report's proof: the run is its log, and how to check that nobody changed it."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from simlab.views import report_parts as parts
from simlab.views.report_markup import Markup, figure, join, tag
from simlab.views.report_story import Story


def proof(story: Story, scenario: Mapping[str, Any], record: Mapping[str, Any]) -> Markup:
    """The section: what the page is folded from, and the commands that check it."""
    run = str(record.get("run") or "RUN")
    rows: list[tuple[object, object]] = [
        (
            "facts",
            f"{sum(story.facts.values()):,}"
            + (f", and {story.world_facts:,} of the world" if story.world_facts else ""),
        )
    ]
    if story.seed:
        rows.append(("seed", parts.seed(story.seed)))
    if story.dataset:
        rows.append(
            ("dataset", join(story.dataset, parts.synthetic(story), " ", tag("code", story.dataset_digest)))
        )
    rows += [
        (name, tag("code", text)) for name, text in _flat({k: v for k, v in record.items() if k != "run"})
    ]
    commands = f"simlab events {run} --verify\nsimlab report {run}"
    text = str(scenario.get("text") or "")
    return parts.section(
        "proof",
        "Proof",
        "The run is its log: everything above is folded from it. The same scenario and seed give the same "
        "log, to the byte.",
        parts.table(("what", "figure"), rows),
        tag("p", "Check that no byte of the log was changed, and write this page anew:"),
        tag("pre", commands),
        parts.fold(
            "Facts by kind",
            parts.table(("fact", "times"), [(k, f"{n:,}") for k, n in story.facts.items()], class_="numbers"),
        ),
        parts.fold("The scenario, as resolved", tag("pre", text)) if text else None,
    )


def _flat(record: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Nested figures as lines."""
    found: list[tuple[str, str]] = []
    for key, value in record.items():
        name = f"{before} {key}".strip()
        if isinstance(value, Mapping):
            found += _flat(value, name)
        elif isinstance(value, float):
            found.append((name, figure(value) if isfinite(value) else "–"))
        else:
            found.append((name, str(value)))
    return found
