"""Checking: everything a scenario refers to is looked up before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simlab import episodes, expect
from simlab.artifacts import Schema
from simlab.clarify.facets import Facets
from simlab.clarify.facets import problems_in as facet_problems
from simlab.cloudwatch.settings import Settings
from simlab.cloudwatch.settings import problems as alarm_problems
from simlab.dataset import Card, find_dataset, load_card, schema
from simlab.engines import engine
from simlab.errors import ScenarioInvalid, did_you_mean
from simlab.executing import functions_of
from simlab.quality import METRICS
from simlab.scenario import Injection, Scenario, read
from simlab.schedules import problems_in as schedule_problems
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
    typed, found = _stages(scenario)
    problems += found
    problems += _expectations(scenario)
    if card is not None:
        shape = schema(card)
        problems += _world(scenario, card)
        problems += _injections(scenario, shape)
        problems += _rules(scenario, card)
        problems += _metrics(scenario, shape)
        problems += _monitors(typed, shape, scenario.clock.step)
        if not problems:  # what is wrong with an injection is told first
            problems += episodes.problems_in(scenario)
    else:
        problems += _injections(scenario, None)
    if problems or card is None or folder is None:
        raise ScenarioInvalid(file, placed(problems, dict(lines or {})))
    return Checked(scenario=scenario, folder=folder, card=card, schema=schema(card), settings=typed)


def _stages(scenario: Scenario) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Typed settings of every stage, and what is wrong with them."""
    typed: dict[str, dict[str, Any]] = {}
    problems: list[str] = []
    known = {s.name: s for s in STAGES}
    for name, given in scenario.stages.items():
        if name not in known:
            problems.append(f"stages: no stage called {name!r}{did_you_mean(name, known)}")
            continue
        module = module_of("stages", name)
        functions = tuple(getattr(module, f) for f in known[name].functions)
        typed[name], found = settings(functions, given, f"stages.{name}")
        problems += found
    problems += _nested(typed)
    return typed, problems


def _nested(typed: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Names inside settings: detectors and the policy."""
    from simlab.stages.monitor import Datapoints

    yield from _detectors(typed.get("monitor", {}))
    alarm = typed.get("monitor", {}).get("alarm")
    if isinstance(alarm, Datapoints) and alarm.datapoints > alarm.of:
        yield f"stages.monitor.alarm: {alarm.datapoints} of {alarm.of} datapoints can never breach"
    yield from _schedules(typed)
    yield from (f"stages.alarm.{found}" for found in alarm_problems(Settings(**typed.get("alarm", {}))))
    yield from _comparisons(typed)
    policy = typed.get("retrain", {}).get("policy", "never")
    if isinstance(policy, dict) and len(policy) != 1:
        yield "stages.retrain.policy: write one policy by its name"
    else:
        name, values = (policy, {}) if isinstance(policy, str) else next(iter(policy.items()))
        yield from _named("policies", name, values or {}, "stages.retrain.policy")
    split = typed.get("features", {})
    if (
        split.get("valid", 0.2) + split.get("test", 0.2) >= 0.9
        or min(split.get("valid", 1), split.get("test", 1)) <= 0
    ):
        yield "stages.features: valid and test must each be above 0 and leave at least a tenth to train on"
    algorithm = typed.get("train", {}).get("algorithm", "lightgbm")
    if algorithm not in ("lightgbm", "linear"):
        yield f"stages.train.algorithm: {algorithm!r} has no exact exporter"
    from simlab.hyperparameters import problems_in as parameter_problems

    yield from parameter_problems(algorithm, typed.get("train", {}).get("fixed") or {}, "stages.train.fixed")


def _comparisons(typed: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Rows on which versions are to be compared: whether there will be any."""
    from simlab.stages.approve import Challenge

    challenge, retrain = typed.get("approve", {}).get("challenge"), typed.get("retrain", {})
    rollback = typed.get("rollback", {})
    if isinstance(challenge, Challenge):
        where = "stages.approve.challenge"
        if challenge.on == "held_out" and not retrain.get("hold_out"):
            yield f"{where}.on: nothing is held out; say `retrain: {{hold_out: 2}}`"
        if challenge.test == "bootstrap" and 1 - challenge.confidence < 1 / (1 + challenge.repeats):
            yield (
                f"{where}.repeats: {challenge.repeats} resamples give no p under "
                f"{1 / (1 + challenge.repeats):.2g}, so nobody ever wins at a confidence of "
                f"{challenge.confidence:g}"
            )
        if challenge.test == "mcnemar" and challenge.metric not in (None, "accuracy"):
            yield f"{where}.metric: McNemar's test compares wrong answers, that is accuracy"
    if rollback.get("windows") and not typed.get("capture", {}).get("enable"):
        yield "stages.rollback.windows: no row is captured to compare on; say `capture: {enable: true}`"
    looks, resamples = rollback.get("windows", 0), rollback.get("repeats", 4000)
    asked = 1 - rollback.get("confidence", 0.95)
    if looks and asked / looks < 1 / (1 + resamples):
        yield (
            f"stages.rollback.repeats: {resamples} resamples give no p under {1 / (1 + resamples):.2g}, and "
            f"each of {looks} looks asks for {asked / looks:.2g}, so no version would ever be taken back"
        )
    if "half_life" in retrain and retrain.get("rows") != "weighted":
        yield "stages.retrain.half_life: rows only have weights with `rows: weighted`"


def _schedules(typed: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Monitors that run on schedules: their names, their settings, and rows for them to look at."""
    schedules = typed.get("monitor", {}).get("schedules", {})
    if schedules and not typed.get("capture", {}).get("enable"):
        yield "stages.monitor.schedules: nothing is captured for them; say `capture: {enable: true}`"
    for name, schedule in schedules.items():
        where = f"stages.monitor.schedules.{name}"
        if not re.fullmatch(r"[A-Za-z0-9](-*[A-Za-z0-9]){0,62}", name):
            yield f"{where}: a schedule's name holds letters, digits and single hyphens, at most 63 of them"
        if isinstance(schedule.monitor, dict) and len(schedule.monitor) != 1:
            yield f"{where}.monitor: write one monitor by its name"
            continue
        try:
            functions = functions_of(schedule.kind)
        except (LookupError, AttributeError) as wrong:
            yield f"{where}.monitor: {wrong.args[0]}"
            continue
        yield from settings(functions, schedule.settings, f"{where}.monitor.{schedule.kind}")[1]


def _monitors(typed: Mapping[str, Mapping[str, Any]], shape: Schema, step: timedelta) -> Iterator[str]:
    """Scheduled monitors that could only fail after the training, or never find a thing."""
    for name, schedule in typed.get("monitor", {}).get("schedules", {}).items():
        where = f"stages.monitor.schedules.{name}"
        yield from (f"{where}.{problem}" for problem in schedule_problems(schedule, step))
        if isinstance(schedule.monitor, dict) and len(schedule.monitor) != 1:
            continue  # told already
        try:
            values, wrong = settings(functions_of(schedule.kind), schedule.settings, where)
            look = getattr(module_of("monitors", schedule.kind), "problems_in", None)
        except (LookupError, AttributeError):
            continue  # told already
        if look is not None and not wrong:
            yield from (f"{where}.monitor.{schedule.kind}.{problem}" for problem in look(values, shape))


def _detectors(monitor: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the detectors that the monitor stage names."""
    from simlab.stages.monitor import Datapoints, Detectors
    from simlab.watching import PLACES, UNFOLLOWED, detector_of

    named = {**monitor}
    for part in ("detectors", "sequential"):
        if is_dataclass(named.get(part)):
            named |= {f"{part}.{f.name}": getattr(monitor[part], f.name) for f in fields(monitor[part])}
    for place in PLACES:
        if named.get(place) is not None:
            yield from _detector(named[place], place)
    hold, alarm = monitor.get("sequential", UNFOLLOWED).hold, monitor.get("alarm", Datapoints())
    if (named.get("sequential.columns") or named.get("sequential.errors")) and hold < alarm.datapoints:
        yield (
            f"stages.monitor.sequential.hold: a signal that counts in {hold} windows never makes an alarm "
            f"of {alarm.datapoints} datapoints"
        )
    if monitor.get("correction", "none") == "none":
        return
    detectors = monitor.get("detectors", Detectors())
    try:
        chosen = [detector_of(getattr(detectors, kind))[0] for kind in ("numeric", "categorical")]
        ways = {getattr(module_of("detectors", name), "DIRECTION", "") for name in chosen}
    except (LookupError, ValueError):
        return  # told already
    if "below" not in ways:
        yield f"stages.monitor.correction: neither {chosen[0]} nor {chosen[1]} gives a p-value to correct"


def _detector(given: Any, place: str) -> Iterator[str]:
    """What is wrong with a detector in its place."""
    from simlab.watching import PLACES, detector_of, detectors_for

    where = f"stages.monitor.{place}"
    if isinstance(given, dict) and len(given) != 1:
        yield f"{where}: write one detector by its name"
        return
    name, values = detector_of(given)
    yield from _named("detectors", name, values, where)
    try:
        module = module_of("detectors", name)
        fits = PLACES[place].takes(module)
    except (LookupError, AttributeError):
        return
    if not fits:
        others = detectors_for(place)
        yield (
            f"{where}: {name} does not work on {PLACES[place].what}; "
            f"{', '.join(others)} {'do' if others[1:] else 'does'}"
        )
    elif hasattr(module, "problems_in"):
        yield from (f"{where}.{problem}" for problem in module.problems_in(values))


def _named(folder: str, name: str, values: Mapping[str, Any], where: str) -> list[str]:
    try:
        function = find(folder, name)
    except LookupError as wrong:
        return [f"{where}: {wrong.args[0]}"]
    return settings(function, values, f"{where}.{name}")[1]


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
