"""Catalogue: what a scenario may name, read from the folders and the docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simlab.card import Generator, load_card
from simlab.dataset import dataset_names, find_dataset
from simlab.errors import ScenarioInvalid, SimlabError, UsageError, did_you_mean
from simlab.expect import expectations
from simlab.scenario import read
from simlab.shapes import SHAPES
from simlab.shipped import scenario_names
from simlab.signature import find, first_line, keywords, module_of, names
from simlab.stages import STAGES
from simlab.watching import PLACES, places_of
from simlab.yamlfile import spell

Entry = dict[str, str]


def _stages() -> list[Entry]:
    return [
        {
            "name": s.name,
            "says": first_line(getattr(module_of("stages", s.name), s.functions[0])),
            "aws": s.aws,
        }
        for s in STAGES
    ]


def _detectors() -> list[Entry]:
    """Every detector with the places that may name it."""
    return [
        {
            "name": name,
            "says": first_line(find("detectors", name)),
            "places": ", ".join(f"stages.monitor.{place}" for place in places_of(name)),
        }
        for name in names("detectors")
    ]


def _folder(folder: str) -> Callable[[], list[Entry]]:
    return lambda: [{"name": name, "says": first_line(find(folder, name))} for name in names(folder)]


def _functions(found: Callable[[], dict[str, Any]]) -> Callable[[], list[Entry]]:
    return lambda: [{"name": name, "says": first_line(function)} for name, function in found().items()]


def _datasets() -> list[Entry]:
    return [{"name": name, "says": load_card(find_dataset(name)).title} for name in dataset_names()]


def _scenarios() -> list[Entry]:
    found = []
    for name, path in scenario_names().items():
        try:
            found.append({"name": name, "says": read(path).title})
        except SimlabError:
            found.append({"name": name, "says": "cannot be read; `simlab check` says why"})
    return found


LISTS: dict[str, Callable[[], list[Entry]]] = {
    "scenarios": _scenarios,
    "datasets": _datasets,
    "stages": _stages,
    "injectors": _folder("injectors"),
    "detectors": _detectors,
    "monitors": _folder("monitors"),
    "policies": _folder("policies"),
    "generators": _folder("generators"),
    "shapes": _functions(lambda: dict(SHAPES)),
    "expectations": _functions(lambda: dict(expectations())),
}
"""What can be listed, by the word for it."""


def catalogue(what: str = "") -> dict[str, list[Entry]]:
    """Names with their first docstring lines, of one list or of all.

    Raises
    ------
    UsageError
        There is no such list.
    """
    if what and what not in LISTS:
        raise UsageError(f"nothing is listed under {what!r}{did_you_mean(what, LISTS)}")
    return {name: entries() for name, entries in LISTS.items() if what in ("", name)}


def describe(name: str) -> dict[str, Any]:
    """What one name does and which keys it takes.

    Raises
    ------
    UsageError
        Nothing has that name.
    """
    found = _function(name)
    if found is not None and name not in dataset_names():  # a dataset may be called as its generator
        kind, functions = found
        keys = {k: v for function in functions for k, v in keywords(function).items()}
        lines = [f"{name} ({kind})", ""]
        lines += [inspect.getdoc(function) or "" for function in functions]
        if kind == "detector":
            lines += ["", "looks at:"]
            lines += [f"  {PLACES[place].what} (stages.monitor.{place})" for place in places_of(name)]
        if keys:
            lines += ["", "keys:"]
            lines += [
                f"  {key}: {'required' if default is ... else f'default {default!r}'}"
                for key, (_, default) in keys.items()
            ]
        return {"name": name, "kind": kind, "keys": sorted(keys), "text": "\n".join(lines)}
    if name in dataset_names():
        card = load_card(find_dataset(name))
        return {
            "name": name,
            "kind": "dataset",
            "text": _card_text(name, card),
            "card": card.model_dump(mode="json"),
        }
    if name in scenario_names():
        path = scenario_names()[name]
        return {"name": name, "kind": "scenario", "path": str(path), "text": path.read_text()}
    known = {entry["name"] for entries in catalogue().values() for entry in entries}
    raise UsageError(f"nothing is called {name!r}{did_you_mean(name, known)}")


def _function(name: str) -> tuple[str, tuple[Callable[..., Any], ...]] | None:
    for row in STAGES:
        if row.name == name:
            module = module_of("stages", name)
            return f"stage; on AWS: {row.aws}", tuple(getattr(module, f) for f in row.functions)
    if name in names("monitors"):
        return "monitor", (find("monitors", name), module_of("monitors", name).suggest)
    folders = ("injectors", "injector"), ("detectors", "detector"), ("policies", "policy")
    for folder, kind in (*folders, ("generators", "generator")):
        if name in names(folder):
            return kind, (find(folder, name),)
    if name in SHAPES:
        return "shape", (SHAPES[name],)
    if name in expectations():
        return "expectation", (expectations()[name],)
    return None


def _card_text(name: str, card: Any) -> str:
    lines = [
        f"{name} ({'synthetic ' if card.synthetic else ''}dataset): {card.title}",
        "",
        card.about.strip(),
        "",
        f"problem: {card.problem}, target: {card.target_name}",
    ]
    lines += ["", "columns:"]
    for column, field in card.columns.items():
        marks = ", ".join(m for m in ("sensitive", "pii") if getattr(field, m))
        lines.append(
            f"  {column}: {field.role}"
            + (f" ({marks})" if marks else "")
            + (f"; {field.why}" if field.why else "")
        )
    for view, table in card.views.items():
        lines.append(f"  view {view} by {table.entity}: {', '.join(table.columns)}")
    if card.generator is not None:
        lines += _generator_text(card.generator)
    lines += [
        "",
        f"licence: {card.licence.name} ({'checked' if card.licence.checked else 'not checked'})",
        card.attribution,
    ]
    lines += ["", f"known drift: {card.known_drift.strip()}", "", "traps:"]
    lines += [f"  - {trap}" for trap in card.traps]
    return "\n".join(lines)


def _generator_text(made: Generator) -> list[str]:
    """What a synthetic dataset's generator does, and the keys that `change_rule` may change."""
    function = find("generators", made.kind)
    lines = ["", f"synthetic: {made.rows} rows by the generator {made.kind}, seed {made.seed}"]
    lines += [f"noise: {made.noise}", "", inspect.getdoc(function) or "", "", "keys (`change_rule: to`):"]
    for key, (_, default) in keywords(function).items():
        lines.append(f"  {key}: {made.settings.get(key, default)!r} here")
    return lines


def starter(name: str, dataset: str, folder: Path) -> Path:
    """Write a scenario to start from, ready to run; its path.

    Raises
    ------
    UsageError
        The file exists already, or there is no such dataset.
    """
    path = folder / f"{name.removesuffix('.yaml')}.yaml"
    if path.exists():
        raise UsageError(f"{path} exists already; choose another name")
    try:
        card = load_card(find_dataset(dataset))
    except ScenarioInvalid as wrong:
        raise UsageError("\n".join(wrong.problems)) from None
    kinds = ("numeric", "categorical")
    column = next(n for kind in kinds for n, c in card.columns.items() if c.role == kind)
    binary = card.problem == "binary"
    replay = not card.event_time.simulated
    metric = "log_loss" if binary else "mae"
    world = ""
    clock = "clock: {start: 2026-01-05, step: 1d, windows: 20, rows: 1000}"
    if replay:
        if card.replay is None:
            raise UsageError(
                f"{dataset}: its card does not say where a replay may begin (replay: {{start: …}})"
            )
        first, step = f"{card.replay.start:%Y-%m-%d}", spell(card.replay.step)
        clock = f"clock: {{start: {first}, step: {step}, windows: 20, rows: 1000}}"
        world = "world: {order: replay, training: 20000}\n"
    rule = "0.5" if replay or not binary else "0.8" if card.synthetic else "0.85"
    gate = f"  - metric_above: {{metric: evaluate.{'auc' if binary else 'r2'}, value: {rule}}}"
    text = f"""# yaml-language-server: $schema=./scenario.schema.json
simlab: 1
title: {name.removesuffix(".yaml")}
shows: What you want a reader to learn from it.
dataset: {dataset}
seed: 1
{clock}
{world}labels: {{delay: 2d}}
stages:
  tune: {{trials: 4, rounds: 100}}
  monitor:
    detectors:
      numeric: {{wasserstein: {{threshold: 0.15}}}}
      categorical: {{jensenshannon: {{threshold: 0.12}}}}
    alarm: {{datapoints: 2, of: 3}}
  retrain: {{policy: never}}
given:
{gate}
inject:
  - {{id: broken, kind: set_missing, on: live, start: 8, with: {{column: {column}, share: 0.5}}}}
expect:
  - alarm_within: {{injection: broken, windows: 2, alarm: "data_quality:completeness:{column}"}}
  - metric_{"below" if metric != "auc" else "above"}: {{metric: monitor.{metric}, value: 1000}}
"""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
