"""The report: a run's facts, beside what was really done to the world, as one HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simlab.events import Event
from simlab.views.monitoring import monitoring
from simlab.views.report_page import page
from simlab.views.report_story import story
from simlab.views.scorecard import Card


def report(
    events: Iterable[Event],
    world: Iterable[Event] = (),
    scenario: Mapping[str, Any] | None = None,
    timings: Iterable[Mapping[str, Any]] = (),
    *,
    aws: Mapping[str, str] | None = None,
    record: Mapping[str, Any] | None = None,
    card: Card | None = None,
    evidently: Mapping[int | None, str] | None = None,
) -> str:
    """The report of a run as one self-contained HTML page: no network, no other file.

    Parameters
    ----------
    events
        The facts of the run.
    world
        The world's own facts: what was injected, and quality in hindsight.
    scenario
        The scenario as plain data: `title`, `shows`, `text` (the file), `run` (the run's id) and
        `injections` (or `inject`, as the file calls them), each with `id`, `kind`, `on`, `start`,
        `end`, `shape`, `where`, `fraction`, `with`, `expected`.
    timings
        Wall-clock notes; those with `stage` and `seconds` are summed.
    aws
        What stands for each stage on AWS, by name of the stage.
    record
        What the run's record says of itself, to be shown: run id, length and head of both chains,
        versions of the engines.
    card
        The run's scorecard, where its truth is known.
    evidently
        Relative links to Evidently's reports, by window (None: of the whole run).

    Notes
    -----
    Missing pieces are left out: a run that failed, has no labels or no windows has a report too.
    """
    told = scenario or {}
    known = {"run": told.get("run"), **(record or {})}
    said = list(events)
    watched = monitoring(said)
    return page(story(said, world, told, timings), told, aws or {}, known, card, evidently, watched)
