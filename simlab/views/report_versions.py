"""The report's versions: how each came about, and why it was let into service."""

from __future__ import annotations

from collections.abc import Mapping

from simlab.quality import METRICS
from simlab.views import report_parts as parts
from simlab.views import report_shapes as shapes
from simlab.views.report_markup import Markup, figure, join, plural, ranges, tag
from simlab.views.report_parts import CHANGES
from simlab.views.report_story import Build, Story

BUILDS = 8
"""Versions told in full: the first, and the last ones."""


def builds(story: Story, aws: Mapping[str, str]) -> Markup:
    """The section: a card a version, and the stages that made them."""
    numbered = list(enumerate(story.builds))
    full = numbered if len(numbered) <= BUILDS else [numbered[0], *numbered[1 - BUILDS :]]
    cards = [_build(story, build, number) for number, build in full]
    timed = any(seconds is not None for _, _, seconds in story.stages)
    head = ["stage", "ran", *(["seconds"] if timed else []), *(["on AWS"] if aws else [])]
    rows = []
    for stage, count, seconds in story.stages:
        row: list[object] = [tag("code", stage), f"{count:,} ×"]
        if timed:
            row.append(f"{seconds:.2f}" if seconds is not None else "–")
        if aws:
            row.append(aws.get(stage, "–"))
        rows.append(row)
    stages = join(
        tag("h3", "The stages" + (", and what stands for each on AWS" if aws else "")),
        parts.table(head, rows),
    )
    return parts.section(
        "builds",
        "Versions",
        "How each version came about: its rows, its tuning, its evaluation beside a dummy and a simple rule, "
        "and why it was let into service.",
        tag("div", cards, class_="cards"),
        parts.fold("Every version as a table", _version_table(story)) if len(full) < len(numbered) else None,
        stages if rows else None,
    )


def _version_table(story: Story) -> Markup:
    rows = []
    for build in story.builds[:CHANGES]:
        score = build.scores.get(story.metric)
        rows.append(
            (
                f"v{build.version}" if build.version is not None else "–",
                "first build" if build.window is None else f"window {build.window}",
                f"{build.rows:,}" if build.rows is not None else "–",
                figure(score.value if score else None),
                "in service" if build.deployed else "failed" if build.failed else "not deployed",
                build.failed or build.why,
            )
        )
    return parts.table(("version", "built in", "rows", story.metric, "outcome", "why"), rows)


def _build(story: Story, build: Build, number: int) -> Markup:
    name = f"Version {build.version}" if build.version is not None else "No version"
    if build.deployed:
        state, mood = "in service", "good"
    elif build.failed:
        state, mood = "failed", "bad"
    elif build.approved is False:
        state, mood = "rejected", "bad"
    else:
        state, mood = "not deployed", "warn"
    spans = next((v.spans for v in story.versions if v.number == build.version), ())
    if spans and build.deployed:
        lasts = [(first, (story.lived if after is None else after) - 1) for first, after in spans]
        served = [f"{first} to {last}" for first, last in lasts if last >= first]
        if served:
            state = f"served windows {' and '.join(served)}"
    retrain = f"Retrain in {parts.when(story, build.window)}: {build.reason}"
    origin = retrain if number else "The first build"
    facts: list[tuple[str, object]] = []
    if build.rows is not None:
        facts.append(("rows", f"{build.rows:,}" + (f" × {build.columns} columns" if build.columns else "")))
    if build.source:
        facts.append(("from", build.source))
    if build.windows:
        facts.append(
            (
                "labelled windows",
                ranges(build.windows) + (" and training rows" if build.include_training else ""),
            )
        )
    if build.rows is not None:
        facts.append(("set aside", parts.reasons(build.rejected) or "no row"))
    if build.parity_rows is not None:
        checked = f"{plural(build.parity_rows, 'row')} read from both stores"
        facts.append(("feature parity", f"{checked}, {build.parity_differing} values differ"))
    if build.trained:
        facts.append(("model", f"{build.trained.algorithm}, fitted on {plural(build.trained.rows, 'row')}"))
    if build.parity is not None:
        size = f", {build.bytes / 1024:,.0f} KiB" if build.bytes else ""
        facts.append(("ONNX parity", f"answers differ by at most {figure(build.parity, 2)}{size}"))
    if build.why:
        facts.append(("approved" if build.approved else "rejected", build.why))
    if build.failed:
        facts.append(("failed", build.failed))
    values = build.trained.values if build.trained else {}
    settings = ", ".join(f"{k} {figure(v) if isinstance(v, float) else v}" for k, v in values.items())
    return tag(
        "article",
        tag(
            "h3",
            tag("i", class_=f"swatch v{(build.version or 0) % 6}"),
            name,
            tag("span", state, class_=f"state {mood}"),
        ),
        tag("p", origin, class_="minor"),
        tag("dl", [join(tag("dt", k), tag("dd", v)) for k, v in facts], class_="facts"),
        _scores(story, build),
        tag("figure", tag("figcaption", "Tuning"), shapes.trials(build)) if build.trials else None,
        parts.fold("Hyperparameters", tag("p", settings, class_="settings")) if settings else None,
        class_="card",
    )


def _scores(story: Story, build: Build) -> Markup | None:
    names = [
        n for n in build.scores if not n.startswith(("dummy.", "rule.")) and build.scores[n].value is not None
    ]
    order = (story.metric, *METRICS.get(story.problem, ()))
    names.sort(key=lambda n: order.index(n) if n in order else len(order))
    if not names:
        return None
    rows = []
    for name in names:
        point = build.scores[name]
        rivals = [
            (r, build.scores[f"{r}.{name}"].value) for r in ("dummy", "rule") if f"{r}.{name}" in build.scores
        ]
        known = [(r, v) for r, v in rivals if v is not None]
        interval = f"{figure(point.low)} to {figure(point.high)}" if point.low is not None else ""
        found = dict(known)
        rows.append(
            (
                tag("b", name) if name == story.metric else name,
                join(
                    tag("b", figure(point.value)), tag("div", interval, class_="minor") if interval else None
                ),
                figure(found.get("dummy")),
                figure(found.get("rule")),
                shapes.whisker(point, known),
            )
        )
    tested = next((p.rows for p in build.scores.values() if p.rows), None)
    where = f"on {plural(tested, 'row')} it never saw" if tested else ""
    caption = f"Evaluation {where}: ● model with interval, ✕ dummy, ◇ rule"
    return parts.table(
        ("metric", "model, 95 % interval", "dummy", "rule", "side by side"), rows, caption, "numbers"
    )
