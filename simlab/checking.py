"""Checking: everything a scenario refers to is looked up before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simlab import episodes, expect
from simlab.artifacts import Schema
from simlab.card import Card, load_card
from simlab.checking_stages import monitors, stage_settings
from simlab.clarify.facets import Facets
from simlab.clarify.facets import problems_in as facet_problems
from simlab.dataset import find_dataset, schema
from simlab.engines import engine
from simlab.errors import ScenarioInvalid, did_you_mean
from simlab.quality import METRICS
from simlab.scenario import Injection, Scenario, read
from simlab.screening import own_columns
from simlab.shapes import problems_in as shape_problems
from simlab.signature import adapter, find, keywords, module_of, settings
from simlab.stages import STAGES
from simlab.yamlfile import placed, read_yaml

WORLD_SEAMS = {
    "training": ("traffic", "draw", "labels"),
    "live": ("traffic", "draw", "decisions", "delivery", "updates"),
    "labels": ("labels", "arrival"),
}
"""Seams of the world itself, by what an injection may be `on`."""


@dataclass(frozen=True)
class Checked:
    """A scenario that can run: with its dataset's card and typed settings."""

    scenario: Scenario
    folder: Path
    """The dataset's folder."""
    card: Card
    schema: Schema
    settings: Mapping[str, Mapping[str, Any]]
    """Settings by stage."""


def check(path: Path, sets: Mapping[str, Any] | None = None) -> Checked:
    """Read a scenario and look up everything it refers to.

    Raises
    ------
    ScenarioInvalid
        With every problem found, each with its line and the nearest right name.
    """
    scenario = read(path, sets)
    lines = read_yaml(path)[1]
    return checked(scenario, path.name, lines)


def checked(scenario: Scenario, file: str, lines: Mapping[str, int] | None = None) -> Checked:
    """Look up everything a scenario refers to; see `check`."""
    problems: list[str] = []
    folder = card = None
    try:
        folder = find_dataset(scenario.dataset)
        card = load_card(folder)
    except ScenarioInvalid as wrong:
        inner = [str(wrong)] if wrong.file != file else list(wrong.problems)
        problems += [f"dataset: {text}" for text in inner]
    except LookupError as wrong:
        problems.append(f"dataset: {wrong.args[0]}")
    typed, found = stage_settings(scenario)
    problems += found
    problems += _expectations(scenario)
    if card is not None:
        shape = schema(card)
        problems += _world(scenario, card)
        problems += _injections(scenario, shape)
        problems += _rules(scenario, card)
        problems += _metrics(scenario, shape)
        problems += monitors(typed, shape, scenario.clock.step)
        if not problems:  # what is wrong with an injection is told first
            problems += episodes.problems_in(scenario)
    else:
        problems += _injections(scenario, None)
    if problems or card is None or folder is None:
        raise ScenarioInvalid(file, placed(problems, dict(lines or {})))
    return Checked(scenario=scenario, folder=folder, card=card, schema=schema(card), settings=typed)


def _world(scenario: Scenario, card: Card) -> Iterator[str]:
    world, clock = scenario.world, scenario.clock
    if world.order == "replay" and card.event_time.simulated:
        yield f"world.order: {scenario.dataset} has no clock of its own, so it cannot be replayed; use drawn"
    if world.order == "drawn" and card.views:
        names = ", ".join(card.views)
        yield (
            f"world.order: {scenario.dataset} has feature views with clocks of their own ({names}), "
            "which only fit a replay; write world: {order: replay}"
        )
    if world.training_from is not None:
        if world.order == "drawn":
            yield "world.training_from: only a replay has a first moment of its training rows"
        elif world.training_from >= clock.start:
            yield "world.training_from: must be before the clock's start, or there is nothing to train on"
    if (
        world.order == "replay"
        and isinstance(world.training, float)
        and world.training < 1
        and world.training != 0.4
    ):
        yield "world.training: in a replay, write a number of rows, or training_from; a share means nothing"
    if clock.step < timedelta(seconds=1):
        yield "clock.step: at least one second"


def _injections(scenario: Scenario, shape: Schema | None) -> Iterator[str]:
    seen: dict[str, int] = {}
    exposed = {seam for s in STAGES for seam in s.seams}
    for number, injection in enumerate(scenario.inject):
        where = f"inject[{number}]"
        if injection.id in seen:
            yield f"{where}.id: {injection.id!r} is taken by inject[{seen[injection.id]}]"
        seen[injection.id] = number
        if injection.enabled and injection.on != "training" and injection.start >= scenario.clock.windows:
            yield (
                f"{where}.start: window {injection.start} never comes; "
                f"the scenario has windows 0 to {scenario.clock.windows - 1}"
            )
        yield from shape_problems(injection.shape, f"{where}.shape")
        try:
            module = module_of("injectors", injection.kind)
            function = find("injectors", injection.kind)
        except LookupError as wrong:
            yield f"{where}.kind: {wrong.args[0]}"
            continue
        values, problems = settings(function, injection.settings, f"{where}.with")
        yield from problems
        seam = str(getattr(module, "SEAM", "traffic"))
        if injection.on == "ops":
            if seam not in exposed:
                yield f"{where}.kind: {injection.kind} acts at the seam {seam!r}, which no stage exposes"
            yield from _watched(scenario, injection, seam, where)
        elif seam not in WORLD_SEAMS[injection.on]:
            right = [on for on, seams in WORLD_SEAMS.items() if seam in seams] or ["ops"]
            yield f"{where}.on: {injection.kind} acts on {' or '.join(right)}, not on {injection.on}"
        if seam in ("draw", "decisions") and injection.on == "live" and scenario.world.order == "replay":
            yield f"{where}.kind: {injection.kind} draws rows anew, which a replay does not do"
        if shape is not None:
            yield from _columns(injection, module, values, shape, where)


def _watched(scenario: Scenario, injection: Injection, seam: str, where: str) -> Iterator[str]:
    """Scheduled monitors that a fault of them needs."""
    known = scenario.setting("monitor", "schedules") or {}
    given = injection.settings.get("schedule")
    if seam in ("monitor.schedule", "monitor.baseline") and not known:
        yield f"{where}.kind: {injection.kind} strikes scheduled monitors; stages.monitor.schedules has none"
    elif given is not None and given not in known:
        yield f"{where}.with.schedule: no schedule called {given!r}{did_you_mean(str(given), known)}"


def _rules(scenario: Scenario, card: Card) -> Iterator[str]:
    """Injections that only a generated world knows, and the settings of the generator that they name."""
    for number, injection in enumerate(scenario.inject):
        where = f"inject[{number}]"
        try:
            if getattr(module_of("injectors", injection.kind), "WORLD", None) != "generated":
                continue
        except LookupError:  # told already
            continue
        if card.generator is None:
            yield f"{where}.kind: {injection.kind} needs a generated world; {scenario.dataset} is real data"
            continue
        given = injection.settings.get("to")
        if not isinstance(given, Mapping):  # told already
            continue
        function = find("generators", card.generator.kind)
        typed, problems = settings(function, given, f"{where}.with.to")
        yield from problems
        present = {key: default for key, (_, default) in keywords(function).items()}
        present |= card.generator.settings
        if not problems and typed and all(present[key] == value for key, value in typed.items()):
            yield f"{where}.with.to: {scenario.dataset} is like that already, so nothing would change"


def _columns(
    injection: Injection, module: Any, values: Mapping[str, Any], shape: Schema, where: str
) -> Iterator[str]:
    """Columns and conditions that an injection names."""
    if shape.problem not in getattr(module, "PROBLEMS", (shape.problem,)):
        yield f"{where}.kind: {injection.kind} makes no sense in a {shape.problem} problem"
    own = {c.name: c.kind for c in own_columns(shape)}
    wanted = {"column": getattr(module, "COLUMN", None), **getattr(module, "ALSO", {})}
    for key, kind in wanted.items():
        given = values.get(key)
        if kind is None or given is None:
            continue
        for column in given if isinstance(given, (tuple, list)) else (given,):
            if column not in own:
                yield f"{where}.with.{key}: no column called {column!r}{did_you_mean(column, own)}"
            elif kind not in ("any", own[column]):
                yield f"{where}.with.{key}: {injection.kind} needs a {kind} column, not {own[column]}"
    new = getattr(module, "NEW", "")
    if values.get(new) in {*own, *shape.keys, shape.target, shape.entity, shape.event_time, "inference_id"}:
        yield f"{where}.with.{new}: there is a column called {values[new]!r} already"
    named = [(key, values[key]) for key in getattr(module, "APART", ()) if key in values]
    for place, (key, column) in enumerate(named):
        if column in [earlier for _, earlier in named[:place]]:
            yield f"{where}.with.{key}: {column!r} is named twice, and {injection.kind} needs another column"
    if getattr(module, "SEAM", "") == "updates":
        views = [v.name for v in shape.views if not v.from_rows]
        view = values.get("view")
        if not views:
            yield f"{where}.kind: {injection.kind} needs feature views with own clocks; this dataset has none"
        elif view is not None and view not in views:
            yield f"{where}.with.view: no view called {view!r}{did_you_mean(view, views)}"
    if injection.where:
        kinds = {n: "number" if k == "numeric" else "text" for n, k in own.items()}
        for problem in engine("duckdb").problems_in(injection.where, kinds):
            yield f"{where}.where: {problem}"


def _expectations(scenario: Scenario) -> Iterator[str]:
    known = expect.expectations()
    ids = [i.id for i in scenario.inject]
    for part in ("given", "expect"):
        for number, item in enumerate(getattr(scenario, part)):
            where = f"{part}[{number}]"
            if len(item) != 1:
                yield f"{where}: write one expectation by its name"
                continue
            ((name, given),) = item.items()
            if name not in known:
                yield f"{where}: no expectation called {name!r}{did_you_mean(name, known)}"
                continue
            values, problems = settings(known[name], given, f"{where}.{name}")
            yield from problems
            if "injection" in values and values["injection"] not in ids:
                asked = values["injection"]
                yield f"{where}.{name}: no injection with id {asked!r}{did_you_mean(asked, ids)}"
            for key in ("window", "by", "first", "last"):
                if isinstance(values.get(key), int) and values[key] > scenario.clock.windows:
                    yield f"{where}.{name}.{key}: window {values[key]} never comes"
            if "stage" in values and values["stage"] not in {s.name for s in STAGES}:
                yield f"{where}.{name}: no stage called {values['stage']!r}" + did_you_mean(
                    values["stage"], [s.name for s in STAGES]
                )


def _answer_readers(scenario: Scenario, shape: Schema) -> Iterator[str]:
    """Detectors that read errors or scores of another kind of problem."""
    sequential = scenario.setting("monitor", "sequential")
    for where, given in (
        ("sequential.errors", _inner(sequential, "errors")),
        ("estimate", scenario.setting("monitor", "estimate")),
    ):
        name = next(iter(given), "") if isinstance(given, dict) else given
        try:
            problems = getattr(module_of("detectors", name), "PROBLEMS", None)
        except (LookupError, AttributeError, TypeError):
            continue  # told elsewhere, or nobody is named
        if problems is not None and shape.problem not in problems:
            yield f"stages.monitor.{where}: {name} makes no sense in a {shape.problem} problem"


def _inner(given: Any, key: str) -> Any:
    """A key of what may not be a mapping at all: that is told elsewhere."""
    return given.get(key) if isinstance(given, Mapping) else None


def _metrics(scenario: Scenario, shape: Schema) -> Iterator[str]:
    """Metrics that expectations and stages name must exist for this kind of problem."""
    good = METRICS[shape.problem]
    extra = ("positive_rate", "predicted_rate") if shape.problem == "binary" else ("bias", "mape")
    full = {f"{stage}.{m}" for stage in ("evaluate", "monitor") for m in (*good, *extra)}
    full |= {f"evaluate.{rival}.{m}" for rival in ("dummy", "rule") for m in (*good, *extra)}
    full |= {"serve.rows", "validate.rejected", "explain.surrogate.r2", "explain.surrogate.agreement"}
    if shape.problem == "binary":
        full |= {f"monitor.estimated.{m}" for m in ("accuracy", "auc", "log_loss")}
    for part in ("given", "expect"):
        for number, item in enumerate(getattr(scenario, part)):
            for name, values in item.items():
                metric = values.get("metric") if isinstance(values, dict) else None
                if isinstance(metric, str) and metric not in full and not name.startswith("bias_"):
                    where = f"{part}[{number}].{name}.metric"
                    yield f"{where}: no metric called {metric!r}{did_you_mean(metric, full)}"
    along = _inner(scenario.setting("explain", "pdp"), "features")
    for column in along if isinstance(along, (list, tuple)) else ():
        if isinstance(column, str) and column not in (known := [c.name for c in shape.features]):
            yield f"stages.explain.pdp.features: no feature called {column!r}{did_you_mean(column, known)}"
    named = [
        ("tune.metric", scenario.setting("tune", "metric")),
        ("approve.metric", scenario.setting("approve", "metric")),
        ("monitor.quality.metric", _inner(scenario.setting("monitor", "quality"), "metric")),
        ("approve.challenge.metric", _inner(scenario.setting("approve", "challenge"), "metric")),
        ("rollback.metric", scenario.setting("rollback", "metric")),
        (
            "retrain.policy.on_performance.metric",
            _inner(_inner(scenario.setting("retrain", "policy"), "on_performance"), "metric"),
        ),
    ]
    asked = [(f"stages.{where}", metric) for where, metric in named]
    for where, metric in [*asked, ("score.harm.metric", scenario.scoring.harm.metric)]:
        if isinstance(metric, str) and metric not in good:
            hint = did_you_mean(metric, good)
            yield f"{where}: {metric!r} is not measured in a {shape.problem} problem{hint}"
    if shape.problem != "binary" and _inner(scenario.setting("approve", "challenge"), "test") == "mcnemar":
        yield "stages.approve.challenge.test: McNemar's test needs a binary problem"
    yield from _answer_readers(scenario, shape)
    yield from _facets(scenario, shape)
    features = {c.name for c in shape.features}
    ignored = scenario.setting("monitor", "ignore")
    for column in ignored if isinstance(ignored, (list, tuple)) else ():
        if isinstance(column, str) and column not in features:
            yield f"stages.monitor.ignore: no column called {column!r}{did_you_mean(column, features)}"


def _facets(scenario: Scenario, shape: Schema) -> Iterator[str]:
    """Facets and group variables that the bias stage and its monitor name."""
    columns = {c.name: c.kind for c in shape.features}
    named: list[tuple[str, Any]] = [("stages.bias", scenario.stages.get("bias"))]
    schedules = scenario.setting("monitor", "schedules")
    for name, schedule in schedules.items() if isinstance(schedules, Mapping) else ():
        given = _inner(_inner(schedule, "monitor"), "model_bias")
        named.append((f"stages.monitor.schedules.{name}.monitor.model_bias", given))
    for where, given in named:
        facets, group = _inner(given, "facets"), _inner(given, "group_variable")
        try:
            typed = {} if facets is None else adapter(Facets).validate_python(facets)
        except ValidationError:
            continue  # told already
        for key, problem in facet_problems(typed, group if isinstance(group, str) else None, columns):
            yield f"{where}.{key}: {problem}"
        if typed and shape.problem == "regression" and _inner(given, "label_threshold") is None:
            yield f"{where}.label_threshold: it is missing; above it a label of a regression is positive"
