"""The report's scorecard: a row a monitor, and one for the best that knows nothing."""

from __future__ import annotations

from simlab.views import report_parts as parts
from simlab.views.detection import Figures
from simlab.views.report_markup import Markup, breakable, figure, join, plural, tag
from simlab.views.scorecard import Card

HEAD = (
    "monitor", "aims at", "found", "precision", "F1", "delay", "false alarms", "windows between them",
    "on benign changes", "columns right", "lift",
)  # fmt: skip


def scorecard(card: Card) -> Markup:
    """The section: every monitor's figures, and in words what each episode was."""
    rules = card.known.rules
    return parts.section(
        "scorecard",
        "Scorecard",
        "How the monitors did against the truth, each beside the best monitor that knows nothing.",
        [tag("p", words) for words in episode_words(card)],
        parts.table(HEAD, rows(card), class_="numbers"),
        tag(
            "p",
            f"False alarms are counted in clean time, and those within {plural(rules.merge, 'window')} of "
            "one another are one. The lift is the F1 less that of the best monitor that knows nothing.",
            class_="minor",
        ),
        [tag("p", f"{note[0].upper()}{note[1:]}.", class_="minor") for note in card.known.notes],
    )


def rows(card: Card) -> list[tuple[object, ...]]:
    """Each monitor, and under it the best monitor that knows nothing."""
    found: list[tuple[object, ...]] = []
    for monitor in card.monitors:
        found.append(
            (
                tag("b", breakable(monitor.name)),
                monitor.target,
                *_cells(monitor.figures, card),
                figure(monitor.localisation, 2),
                _signed(monitor.lift),
            )
        )
        rival = next((b for b in monitor.baselines if b.name == monitor.best), None)
        if rival is not None:
            cells = (_minor(cell) for cell in _cells(rival.figures, card))
            found.append((_minor(f"best without knowing: {rival.name}"), "", *cells, "", ""))
    return found


def episode_words(card: Card) -> list[str]:
    """What each episode is, in a sentence."""
    found = []
    for judged in card.episodes:
        episode, worse = judged.episode, judged.harm.worse
        harm = "its harm was not measured"
        if worse is not None:
            word = "harmful" if judged.harmful else "harmless"
            harm = f"{word} ({card.known.metric} {worse:+.0%} worse, from {judged.harm.known_from})"
        first, last = judged.accepted
        end = "; left out, as the run ends before that" if judged.cut_short else ""
        found.append(
            f"{episode.id}: windows {episode.first} to {episode.last}, {harm}; an alarm counts in windows "
            f"{first} to {last}{end}."
        )
    for fault in card.known.faults:
        first, last = card.known.rules.accepted(fault)
        found.append(
            f"{fault.id}: windows {fault.first} to {fault.last}, a fault of the operator's own machinery; an "
            f"alarm of its health check counts in windows {first} to {last}."
        )
    return found


def _cells(found: Figures, card: Card) -> tuple[str, ...]:
    hours = card.known.step_seconds / 3600
    delay = "–" if found.delay is None else f"{figure(found.delay, 3)} ({figure(found.delay * hours, 3)} h)"
    between = figure(found.mtfa, 3) if found.mtfa is not None else f"> {found.clean}" if found.clean else "–"
    return (
        f"{figure(found.hits, 3)} of {found.episodes}",
        figure(found.precision, 2),
        figure(found.f1, 2),
        delay,
        figure(found.false_alarms, 3),
        between,
        figure(found.benign_alarms, 3),
    )


def _minor(text: str) -> Markup:
    return join(tag("span", text, class_="minor"))


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"
