"""The report's monitoring part: features, executions, bias and attribution over time, and what followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simlab.events import AlarmChanged
from simlab.views import report_multiples as multiples
from simlab.views import report_parts as parts
from simlab.views import report_pieces as pieces
from simlab.views.monitoring import Attribution, BiasSeries, ExecutionView, Followed, Monitoring, Spot
from simlab.views.report_markup import Markup, figure, join, plural, ranges, tag
from simlab.views.report_story import Lane, Story

FEATURES = 60
"""Most features with a chart of their own."""
SHOWN = 12
"""Executions with something to tell, and rows of what followed, that are shown at once."""
LISTED = 500
"""Most rows of any table."""
BIASES = 12
"""Bias metrics of one facet that are shown at once."""
CHECKS = {
    "drift": "Features over time",
    "baseline_drift_check": "Features over time, as the schedules saw them",
}
TAKEOVER = "An upright line stands where a new version took over."
STATUS = {"Completed": "good", "CompletedWithViolations": "warn", "Failed": "bad"}


def section(story: Story, found: Monitoring) -> Markup | None:
    """The whole part; None where no fact speaks of any of it."""
    inside = [
        *(_features(story, check) for check in CHECKS),
        _executions(story, found.executions),
        _bias(story, found.bias),
        _attribution(story, found),
        _action(story, found.followed),
    ]
    if not any(inside):
        return None
    return tag("section", tag("h2", "Monitoring"), inside, id="monitoring")


def _named(name: str, most: int = 24) -> Markup:
    """A name cut to fit, whole in its title."""
    short = pieces.shortened(name, most)
    return tag("b", short, title=name if short != name else None)


# --- features -------------------------------------------------------------------------------------


def _features(story: Story, check: str) -> Markup | None:
    lanes = [lane for lane in story.lanes if lane.check == check and lane.column]
    if not lanes or not story.windows:
        return None
    cards = [_feature(story, lane) for lane in lanes[:FEATURES]]
    rows = [
        (
            lane.subject,
            lane.method,
            figure(next((r.threshold for r in lane.readings.values()), None)),
            figure(_peak(lane)),
            str(lane.breaches),
            ranges([w for w, r in lane.readings.items() if r.breached]),
        )
        for lane in lanes[:LISTED]
    ]
    more = f" The first {FEATURES} of {len(lanes)} features." if len(lanes) > FEATURES else ""
    lead = (
        "Each feature beside the baseline, window by window, on one scale: the dashed line is its threshold, "
        f"a red dot a breach; what lies beyond {multiples.TALLEST:g} thresholds is cut off (▲). "
        f"{TAKEOVER}{more}"
    )
    head = ("feature", "method", "threshold", "at its worst", "breaches", "in windows")
    return join(
        tag("h3", CHECKS[check]),
        tag("p", lead, class_="minor"),
        tag("div", cards, class_="multiples"),
        parts.fold("The features as a table", parts.table(head, rows, class_="numbers")),
    )


def _feature(story: Story, lane: Lane) -> Markup:
    said = f"{lane.method} up to {figure(_peak(lane), 3)}" if _peak(lane) is not None else lane.method
    if _falls(lane):
        said = f"{lane.method} down to {figure(_peak(lane), 2)}"
    return tag(
        "figure",
        tag("figcaption", _named(lane.subject), tag("span", f" {said}", class_="minor")),
        multiples.drift(story, lane),
        class_="breached" if lane.breaches else None,
    )


def _falls(lane: Lane) -> bool:
    """Whether a low figure is what breaches: a p-value."""
    judged = [r for r in lane.readings.values() if r.value is not None and r.threshold is not None]
    return any((r.breached) != (r.value > r.threshold) for r in judged if r.value != r.threshold)  # type: ignore[operator]


def _peak(lane: Lane) -> float | None:
    values = [r.value for r in lane.readings.values() if r.value is not None]
    if not values:
        return None
    return min(values) if _falls(lane) else max(values)


# --- executions -----------------------------------------------------------------------------------


def _executions(story: Story, found: Sequence[ExecutionView]) -> Markup | None:
    if not found:
        return None
    telling = [view for view in found if view.violations or view.fact.status != "Completed"]
    rest = telling[SHOWN:LISTED]
    violations = sum(view.fact.violations for view in found)
    failed = sum(view.fact.status == "Failed" for view in found)
    lead = (
        f"{plural(len(found), 'execution')} of {plural(len({v.fact.schedule for v in found}), 'schedule')}, "
        f"{plural(violations, 'violation')}" + (f", {failed} failed" if failed else "") + "."
    )
    return join(
        tag("h3", "Monitoring executions"),
        tag("p", lead, class_="minor"),
        tag("div", multiples.executions(story, found), class_="stage"),
        tag("p", [_swatch(class_, words) for class_, words in KEYS], class_="legend"),
        _jobs(telling[:SHOWN]) if telling else None,
        parts.fold(f"{plural(len(rest), 'further execution')} with violations", _jobs(rest))
        if rest
        else None,
        parts.fold(
            "Every execution", parts.table(HEAD, [_job(view) for view in found[:LISTED]], class_="numbers")
        ),
    )


def _swatch(class_: str, words: str) -> Markup:
    return tag("span", tag("i", class_=f"swatch {class_}"), words)


KEYS = (("fine", "no violations"), ("violated", "violations"), ("broken", "failed"))
HEAD = ("schedule", "monitoring type", "status", "scheduled", "rows", "with labels", "violations")


def _job(view: ExecutionView) -> tuple[object, ...]:
    fact = view.fact
    return (
        _named(fact.schedule, 32),
        fact.monitoring_type,
        tag("span", fact.status, class_=f"state {STATUS.get(fact.status, 'warn')}"),
        fact.scheduled.replace("T", " "),
        f"{fact.rows:,}",
        f"{fact.labelled:,}",
        f"{fact.violations:,}",
    )


def _jobs(views: Sequence[ExecutionView]) -> Markup:
    """Executions as the console lists them; each opens to what it found."""
    rows = []
    for view in views:
        rows.append(tag("tr", [tag("td", cell) for cell in _job(view)]))
        rows.append(tag("tr", tag("td", _found(view), colspan=len(HEAD)), class_="inside"))
    top = tag("thead", tag("tr", [tag("th", cell, scope="col") for cell in HEAD]))
    return tag("div", tag("table", top, tag("tbody", rows), class_="jobs"), class_="scroll")


def _found(view: ExecutionView) -> Markup:
    if not view.violations:
        return tag("p", view.fact.message, class_="minor")
    head = ("feature or metric", "constraint_check_type", "description")
    rows = [
        (_named(v.subject or "–", 48), tag("code", v.check), v.description) for v in view.violations[:LISTED]
    ]
    subjects = list(dict.fromkeys(v.subject or v.check for v in view.violations))
    told = ", ".join(pieces.shortened(subject, 32) for subject in subjects[:4])
    more = f" and {len(subjects) - 4} more" if len(subjects) > 4 else ""
    return parts.fold(f"{plural(len(view.violations), 'violation')}: {told}{more}", parts.table(head, rows))


# --- bias -----------------------------------------------------------------------------------------


def _bias(story: Story, found: Sequence[BiasSeries]) -> Markup | None:
    if not found:
        return None
    facets: dict[str, list[BiasSeries]] = {}
    for series in found:
        facets.setdefault(series.facet, []).append(series)
    inside: list[object] = [
        tag("h3", "Bias over time"),
        tag(
            "p",
            "Clarify's metrics of each facet, each on its own scale: the grey line is where nothing is "
            "amiss, the dashed one what the constraint allows, a red dot a breach.",
            class_="minor",
        ),
    ]
    for facet, every in facets.items():
        known = [s for s in every if any(spot.value is not None for spot in s.spots.values())]
        silent = [s.metric for s in every if s not in known]
        cards = [_metric(story, series) for series in known]
        inside += [
            tag("h4", facet),
            tag("div", cards[:BIASES], class_="multiples") if cards else None,
            parts.fold(
                plural(len(cards) - BIASES, "further metric"), tag("div", cards[BIASES:], class_="multiples")
            )
            if len(cards) > BIASES
            else None,
            tag("p", f"Never defined: {', '.join(silent)}.", class_="minor") if silent else None,
        ]
    return join(inside)


def _metric(story: Story, series: BiasSeries) -> Markup:
    values = [s.value for _, s in sorted(series.spots.items()) if s.value is not None]
    said = f" {series.stage.lower()}, last {figure(values[-1], 3)}".replace("  ", " ")
    return tag(
        "figure",
        tag("figcaption", tag("b", series.metric), tag("span", said, class_="minor")),
        multiples.bias(story, series),
        class_="breached" if series.breaches else None,
    )


# --- attribution ----------------------------------------------------------------------------------


def _attribution(story: Story, found: Monitoring) -> Markup | None:
    known = [attribution for attribution in found.attributions if attribution.values]
    if not known and not found.ndcg:
        return None
    judged = None
    if found.ndcg:
        judged = tag("div", [_alike(story, *one) for one in found.ndcg.items()], class_="multiples")
    return join(
        tag("h3", "Attribution over time"),
        tag(
            "p",
            "Features by how much they count for the answers (mean absolute Shapley values); 1 counts most. "
            "In colour, those whose rank moved most.",
            class_="minor",
        ),
        [_ranked(story, attribution) for attribution in known],
        judged,
    )


def _alike(story: Story, schedule: str, spots: Mapping[int, Spot]) -> Markup:
    """How alike the order of the features was to that at training, by one schedule."""
    name = f"NDCG, {schedule}" if schedule else "NDCG"
    values = [s.value for _, s in sorted(spots.items()) if s.value is not None]
    return tag(
        "figure",
        tag(
            "figcaption",
            tag("b", name),
            tag("span", f" down to {figure(min(values), 3)}" if values else "", class_="minor"),
        ),
        multiples.figures(story, name, spots, None, 1.0),
        class_="breached" if any(s.breached for s in spots.values()) else None,
    )


def _ranked(story: Story, attribution: Attribution) -> Markup:
    every = attribution.ranks
    more = f", the {multiples.RANKED} that ranked highest" if len(every) > multiples.RANKED else ""
    last = max(attribution.values)
    now = attribution.values[last]
    rows = [
        (name, str(min(at.items())[1]), str(at.get(last, "–")), figure(now.get(name)))
        for name, at in list(every.items())[:LISTED]
    ]
    return join(
        tag("p", tag("b", attribution.name), f": {plural(len(every), 'feature')}{more}"),
        tag("div", multiples.ranks(story, attribution), class_="stage"),
        parts.fold(
            "The ranks as a table",
            parts.table(
                ("feature", "rank at first", "rank at last", "attribution at last"), rows, class_="numbers"
            ),
        ),
    )


# --- what followed --------------------------------------------------------------------------------


def _action(story: Story, found: Sequence[Followed]) -> Markup | None:
    if not found:
        return None
    head = ("began", "why", "what was done", "what changed")
    rows = [_row(story, followed) for followed in found]
    return join(
        tag("h3", "What followed"),
        parts.table(head, rows[:SHOWN], class_="followed"),
        parts.fold(
            plural(len(rows) - SHOWN, "further row"), parts.table(head, rows[SHOWN:LISTED], class_="followed")
        )
        if len(rows) > SHOWN
        else None,
    )


def _row(story: Story, followed: Followed) -> tuple[object, ...]:
    window = followed.window
    done = [_step(step.window, step.words) for step in followed.steps if not step.outcome]
    changed = [_step(step.window, step.words) for step in followed.steps if step.outcome]
    if window is None:
        return (tag("span", "no alarm", class_="minor"), "", _list(done), _list(changed) or "–")
    changed += [_step(end, words) for end, words in _silenced(followed)]
    return (
        join(tag("b", f"window {window}"), tag("div", pieces.date_of(story, window), class_="minor")),
        _list([_alarm(change) for change in followed.alarms]),
        _list(done) or tag("span", "nothing", class_="minor"),
        _list(changed),
    )


def _alarm(change: AlarmChanged) -> Markup:
    watched, keeper = pieces.alarm_label(change.alarm)
    return join(
        _named(watched, 40),
        tag("span", f" {keeper}", class_="tagged"),
        tag("div", change.reason, class_="minor"),
    )


def _silenced(followed: Followed) -> list[tuple[int | None, str]]:
    """When the alarms fell silent, those of one window together; the ones that still sound last."""
    ends: dict[int | None, list[str]] = {}
    for name, end in followed.ended.items():
        ends.setdefault(end, []).append(pieces.alarm_label(name)[0])
    known = sorted(end for end in ends if end is not None) + ([None] if None in ends else [])
    told: list[tuple[int | None, str]] = []
    for end in known:
        names = ends[end]
        whose = names[0] if len(names) == 1 else plural(len(names), "alarm")
        verb = "falls" if len(names) == 1 else "fall"
        still = "still sounds at the end" if len(names) == 1 else "still sound at the end"
        told.append((end, f"{whose} {verb} silent" if end is not None else f"{whose} {still}"))
    return told


def _step(window: int | None, words: str) -> Markup:
    when = tag("span", f"w{window}", class_="when") if window is not None and window >= 0 else None
    return join(when, words)


def _list(items: Sequence[Markup], most: int = 6) -> Markup | None:
    if not items:
        return None
    more = tag("li", f"and {len(items) - most} more", class_="minor") if len(items) > most else None
    return tag("ul", [tag("li", item) for item in items[:most]], more, class_="steps")
