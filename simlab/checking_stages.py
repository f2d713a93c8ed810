"""Checking the stages: what a scenario sets on them, typed, whatever its world."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

from simlab.artifacts import Schema
from simlab.cloudwatch.settings import Settings
from simlab.cloudwatch.settings import problems as alarm_problems
from simlab.errors import did_you_mean
from simlab.executing import functions_of
from simlab.scenario import Scenario
from simlab.schedules import problems_in as schedule_problems
from simlab.signature import find, module_of, settings
from simlab.stages import STAGES


def stage_settings(scenario: Scenario) -> tuple[dict[str, dict[str, Any]], list[str]]:
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
    """What settings name, and what of them cannot go together."""
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
        if name == "on_event":
            yield from _on_event((values or {}).get("rules", "*"), typed.get("alarm", {}).get("rules", {}))
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


def _on_event(wanted: Any, rules: Mapping[str, Any]) -> Iterator[str]:
    """A policy that waits for rules of which there are none."""
    names = [name for name, rule in rules.items() if rule.target == "retrain"]
    where = "stages.retrain.policy.on_event"
    if not names:
        yield f"{where}: no rule under `stages.alarm.rules` has the target `retrain`"
    elif isinstance(wanted, str) and not any(fnmatchcase(name, wanted) for name in names):
        hint = did_you_mean(wanted, names)
        yield f"{where}.rules: no rule with the target `retrain` is called {wanted!r}{hint}"


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


def monitors(typed: Mapping[str, Mapping[str, Any]], shape: Schema, step: timedelta) -> Iterator[str]:
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
