"""M-of-N alarms: how a monitor keeps them, and what a log says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from simlab.artifacts import Finding
from simlab.events import AlarmChanged, Event

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]


@dataclass(frozen=True)
class Change:
    """An alarm left one state for another."""

    alarm: str
    state: State
    previous: State
    reason: str


@dataclass(frozen=True)
class Alarm:
    """What became of one alarm in the course of a run."""

    name: str
    spans: tuple[tuple[int, int | None], ...]
    """First window of each sounding, and the first one in which it was silent again (None: not yet)."""
    state: State
    """State after the last fact."""


def state_of(points: Sequence[bool], datapoints: int, of: int, previous: str = "INSUFFICIENT_DATA") -> State:
    """The state of an alarm that sounds when at least `datapoints` of its last `of` points breach.

    As in CloudWatch, an alarm with fewer than `of` points judges by those it has. Without any point
    it keeps its previous state, which is INSUFFICIENT_DATA until the first point.

    Parameters
    ----------
    points
        Whether each point breached, oldest first.

    >>> state_of([False, True, True], datapoints=2, of=3)
    'ALARM'
    >>> state_of([True], datapoints=2, of=3), state_of([], datapoints=2, of=3)
    ('OK', 'INSUFFICIENT_DATA')
    """
    if not points:
        return cast(State, previous)
    return "ALARM" if sum(points[-of:]) >= datapoints else "OK"


def evaluate(
    findings: Iterable[Finding],
    points: Mapping[str, tuple[bool, ...]],
    states: Mapping[str, str],
    *,
    datapoints: int,
    of: int,
) -> tuple[dict[str, str], dict[str, tuple[bool, ...]], tuple[Change, ...]]:
    """The alarms after one window: their states, their last points, and what changed.

    An alarm gains one point per window, breaching if any of the window's findings of its name did; of
    scheduled monitors one per execution, as in CloudWatch. Whoever reads it looks once a window: it
    sounds if it would have after any of its points. An alarm without a finding in the window keeps its
    state and its points, which CloudWatch calls treating missing data as `ignore`.

    Parameters
    ----------
    findings
        What the detectors found in this window.
    points, states
        The last points (oldest first) and the state of every alarm before this window.
    datapoints, of
        M of N: how many of the last `of` points must breach.

    Returns
    -------
    tuple
        States, points (at most `of` each) and changes, by name of the alarm.

    >>> drift = Finding("data_quality", "drift", "age", "psi", 0.3, 0.2, True, of_window=7)
    >>> evaluate([drift], {}, {}, datapoints=1, of=1)[0]
    {'data_quality:drift:age': 'ALARM'}
    """
    found: dict[str, dict[int, list[Finding]]] = {}
    for finding in findings:
        found.setdefault(finding.alarm, {}).setdefault(finding.execution, []).append(finding)
    after, kept = dict(states), dict(points)
    changes = []
    for name in sorted(found):
        previous = state = cast(State, after.get(name, "INSUFFICIENT_DATA"))
        last = seen = kept.get(name, ())
        shown: list[Finding] = []
        for number, one in enumerate(found[name].values()):
            last = (*last, any(finding.breached for finding in one))[-of:]
            if not number or state != "ALARM":
                state, seen, shown = state_of(last, datapoints, of, previous), last, one
        kept[name], after[name] = last, state
        if state != previous:
            changes.append(Change(name, state, previous, _reason(shown, seen, datapoints, of)))
    return dict(sorted(after.items())), dict(sorted(kept.items())), tuple(changes)


def _reason(findings: Sequence[Finding], points: Sequence[bool], datapoints: int, of: int) -> str:
    """Why an alarm changed, in a sentence that ends with the figure that tipped it."""
    breaching = [f for f in findings if f.breached]
    shown = (breaching or findings)[-1]
    if len(points) > 1:
        counted = (
            f"{sum(points)} of the last {len(points)} points breached; {datapoints} of {of} make an alarm"
        )
    else:
        counted = "the only point breached" if points[0] else "the only point did not breach"
    if shown.value is None:
        return counted
    figure = f"{shown.method} {shown.value:.4g}"
    if shown.threshold is not None:
        figure += f" against a threshold of {shown.threshold:.4g}"
    return f"{counted} ({figure})"


def alarms(events: Iterable[Event]) -> dict[str, Alarm]:
    """Every alarm of a run with the windows in which it sounded, by name.

    >>> rang = AlarmChanged(window=5, alarm="a", state="ALARM", previous="OK", reason="")
    >>> alarms([rang])["a"].spans
    ((5, None),)
    """
    found: dict[str, Alarm] = {}
    for event in events:
        if not isinstance(event, AlarmChanged):
            continue
        spans = found[event.alarm].spans if event.alarm in found else ()
        window = -1 if event.window is None else event.window
        if spans and spans[-1][1] is None and event.state != "ALARM":
            spans = (*spans[:-1], (spans[-1][0], window))
        elif event.state == "ALARM" and (not spans or spans[-1][1] is not None):
            spans = (*spans, (window, None))
        found[event.alarm] = Alarm(event.alarm, spans, event.state)
    return dict(sorted(found.items()))
