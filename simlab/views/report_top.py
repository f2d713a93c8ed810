"""The report's top: what was expected, how it ended, and what happened in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simlab.quality import LOWER_IS_BETTER
from simlab.views import report_parts as parts
from simlab.views import report_pieces as pieces
from simlab.views.report_markup import Markup, figure, join, plural, tag
from simlab.views.report_story import Story

MOMENTS = 7
"""Moments in the strip at the top; the rest are in the timeline."""
STATUS = {
    "held": ("✓", "Held", "good"),
    "deviated": ("✗", "Deviated", "bad"),
    "under": ("✗", "Under its score", "bad"),
    "gate": ("■", "Stopped at the gate", "warn"),
    "failed": ("✗", "Failed", "bad"),
    "": ("…", "Not finished", "warn"),
}
Moment = tuple[int, str, str, str]
"""Window, class, headline, detail."""


def hero(story: Story, record: Mapping[str, Any]) -> Markup:
    """The top of the page: the title, the verdict, and what happened."""
    run = str(record.get("run") or story.name or "run")
    return tag(
        "header",
        tag(
            "div",
            tag("p", f"simlab · {run}", class_="eyebrow"),
            tag("h1", story.title),
            tag("p", story.shows, class_="shows") if story.shows else None,
            _figures(story),
            _chips(story),
            class_="intro",
        ),
        _verdict(story),
        _moments(story),
        id="verdict",
    )


def _figures(story: Story) -> Markup | None:
    """The run in three figures of its main metric: promised, at its worst, in the end."""
    promised = next((b.scores[story.metric].value for b in story.builds if story.metric in b.scores), None)
    truth = story.hindsight.get(story.metric) or {
        point.about: point.value
        for point in story.known.get(story.metric, ())
        if point.about is not None and point.value is not None
    }
    if promised is None or not truth:
        return None
    windows = sorted(truth)
    pick = max if story.metric in LOWER_IS_BETTER else min
    worst = pick(windows, key=lambda window: truth[window])
    shown = (
        (f"{story.metric} at evaluation", promised, "before the first window"),
        ("at its worst", truth[worst], f"window {worst}"),
        ("in the end", truth[windows[-1]], f"window {windows[-1]}"),
    )
    items = [
        tag("div", tag("dt", name), tag("dd", figure(value, 3), tag("span", when)))
        for name, value, when in shown
    ]
    return tag("dl", items, class_="figures")


def _chips(story: Story) -> Markup:
    windows = f"{story.lived:,}" + (f" of {story.windows:,}" if story.lived < story.windows else "")
    facts = (
        ("data", f"{story.dataset}{parts.synthetic(story)}, {story.problem}" if story.dataset else ""),
        ("windows", windows if story.windows else ""),
        ("rows a window", f"{story.window_rows:,}" if story.window_rows else ""),
        ("a window is", _length(story.step_seconds) if story.step_seconds else ""),
        ("versions served", str(sum(bool(version.spans) for version in story.versions))),
        ("alarms", str(sum(len(alarm.spans) for alarm in story.alarms))),
        ("retrains", str(len(story.retrains))),
        ("seed", parts.seed(story.seed)),
    )
    shown = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value]
    return tag("dl", shown, class_="chips")


def _length(seconds: int) -> str:
    for unit, size in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds % size == 0:
            return plural(seconds // size, unit)
    return plural(seconds, "second")


def _verdict(story: Story) -> Markup:
    mark, word, mood = STATUS.get(story.status, ("?", story.status.capitalize(), "warn"))
    broken = [j for j in (*story.given, *story.expected) if not j.held]
    expected = len(story.expected)
    if story.status == "held":
        line = (
            f"{'All ' if expected > 1 else ''}{plural(expected, 'expectation')} held"
            if expected
            else "Nothing was expected"
        )
    elif story.status == "deviated":
        line = f"{len(broken)} of {plural(expected, 'expectation')} did not hold"
    elif story.status == "under":
        line = "Every expectation held, but the monitors' score is under what the scenario asks"
    elif story.status == "gate":
        line = "The built model did not meet what was given; no live window was lived through"
    elif story.failures:
        failed = story.failures[-1]
        line = f"{failed.stage} failed in {parts.when(story, failed.window)}: {failed.why}"
    elif story.status == "failed":
        line = "A stage failed for good"
    else:
        line = f"The run has not come to its end; {plural(story.lived, 'window')} lived through"
    judged = [*(("given", j) for j in story.given), *(("expect", j) for j in story.expected)]
    items = [
        tag(
            "li",
            tag("span", "✓" if j.held else "✗", class_="mark", aria_hidden="true"),
            tag(
                "div",
                tag(
                    "p",
                    _expectation(j.expectation),
                    tag("span", "given", class_="state warn") if of == "given" else None,
                    class_="wanted",
                ),
                tag("p", tag("b", "Held: " if j.held else "Did not hold: "), j.why, class_="why"),
            ),
            class_="good" if j.held else "bad",
        )
        for of, j in judged
    ]
    return tag(
        "div",
        tag(
            "div",
            tag("span", mark, class_="mark", aria_hidden="true"),
            tag("div", tag("p", word, class_="word"), tag("p", line, class_="line")),
            class_=f"banner {mood}",
        ),
        tag("ul", items, class_="verdicts") if items else None,
        class_="verdict",
    )


def _expectation(text: str) -> Markup:
    """An expectation with its name set apart from its settings."""
    name, colon, settings = text.partition(":")
    settings = settings.strip().removeprefix("{").removesuffix("}")
    return join(tag("code", name), " ", tag("span", settings, class_="settings") if colon else None)


def moments(story: Story) -> list[Moment]:
    """What happened, in order: the truth, the alarms, the retrains, the failures."""
    found: list[tuple[int, int, str, str, str]] = []
    for episode in story.episodes:
        if episode.span:
            first, last = episode.span
            found.append((first, 0, "truth", f"{episode.id} begins", episode.kind.replace("_", " ")))
            if last < story.lived - 1:
                found.append(
                    (
                        last + 1,
                        0,
                        "truth",
                        f"{episode.id} is over",
                        f"after {plural(last - first + 1, 'window')}",
                    )
                )
    rang: dict[int, list[str]] = {}
    for alarm in story.alarms:
        for onset, _ in alarm.spans:
            rang.setdefault(onset, []).append(alarm.name)
    for window, names in rang.items():
        watched = [pieces.alarm_label(name) for name in names]
        words = f"{watched[0][0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        kinds = ", ".join(dict.fromkeys(kind for _, kind in watched))
        found.append(
            (
                window,
                1,
                "alarm",
                "Alarm" if len(names) == 1 else plural(len(names), "alarm"),
                f"{words} ({kinds})",
            )
        )
    for retrain in story.retrains:
        if retrain.replaced:
            headline, detail = (
                f"v{retrain.version} takes over",
                f"retrained by {retrain.policy}, serves from window {retrain.window + 1}",
            )
        elif retrain.replaced is False:
            headline, detail = "Retrain, old version kept", retrain.why
        else:
            headline, detail = "Retrain begun", retrain.reason
        found.append((retrain.window, 2, "retrain", headline, detail))
    for back in story.rollbacks:
        detail = f"v{back.replaced} is taken out: {back.why}"
        found.append((back.window, 2, "retrain", f"v{back.version} is put back", detail))
    for failure in story.failures:
        if failure.window is not None:
            found.append((failure.window, 3, "failure", f"{failure.stage} fails", failure.why))
    return [(window, class_, headline, detail) for window, _, class_, headline, detail in sorted(found)]


def _ranks(happened: Sequence[Moment], noticed: Mapping[int, int]) -> list[int]:
    """How much each moment matters where there is no room for all: the first of a kind more than the next."""
    ranks, seen = [], dict.fromkeys(("alarm", "retrain"), 0)
    for window, class_, _, _ in happened:
        if class_ in seen:
            seen[class_] += 1
            early = seen[class_] == 1 or (class_ == "alarm" and window in noticed)
            ranks.append(1 if early else 2 if seen[class_] == 2 else 3)
        else:
            ranks.append(0)
    return ranks


def _moments(story: Story) -> Markup | None:
    happened = moments(story)
    if not happened:
        return None
    starts = [e.span[0] for e in story.episodes if e.span and not e.expected]
    first = {}  # the first alarm after each beginning, which is the one that noticed it
    for start in starts:
        onset = next((w for w, class_, _, _ in happened if class_ == "alarm" and w >= start), None)
        if onset is not None:
            first[onset] = onset - start
    told = sorted(range(len(happened)), key=_ranks(happened, first).__getitem__)
    items = []
    for window, class_, headline, detail in (happened[n] for n in sorted(told[:MOMENTS])):
        later = first.get(window) if class_ == "alarm" else None
        items.append(
            tag(
                "li",
                tag("p", f"w{window}", tag("span", pieces.date_of(story, window)), class_="at"),
                tag("p", headline, class_="what"),
                tag("p", pieces.shortened(detail, 70), class_="minor"),
                tag(
                    "p",
                    f"{plural(later, 'window')} after it began" if later else "in the very window it began",
                    class_="minor",
                )
                if later is not None
                else None,
                class_=class_,
            )
        )
    if len(happened) > MOMENTS:
        items.append(tag("li", tag("p", f"and {len(happened) - MOMENTS} more", class_="what"), class_="more"))
    return tag("ol", items, class_="moments", aria_label="What happened")
