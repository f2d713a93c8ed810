"""`analysis.json`: Clarify's bias report, which is also the constraints file of the bias monitor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

from simlab.clarify.bias import STAGES, BiasFigure, BiasStage
from simlab.errors import SimlabError, did_you_mean
from simlab.wire import as_json, from_json

SECTIONS: Mapping[BiasStage, str] = {
    "Pre-training": "pre_training_bias_metrics",
    "Post-Training": "post_training_bias_metrics",
}
"""Names of the two sections, in their order."""

WORDS: Mapping[float, float | str] = {inf: "Infinity", -inf: "-Infinity"}
"""What stands for figures that JSON has no word for."""


def sections(figures: Iterable[BiasFigure], label: str, label_value: str) -> dict[str, Any]:
    """The bias sections of `analysis.json`.

    Keys stand in the order of files that the service wrote: `label`, `facets`,
    `label_value_or_threshold`. Its guide shows the last one before the facets.

    Parameters
    ----------
    label, label_value
        Name of the label, and what counts as positive.
    """
    found: dict[str, dict[str, dict[str, list[dict[str, Any]]]]] = {}
    for figure in figures:
        groups = found.setdefault(SECTIONS[figure.stage], {}).setdefault(figure.facet, {})
        groups.setdefault(figure.value, []).append(_metric(figure))
    return {
        section: {
            "label": label,
            "facets": {
                facet: [
                    {"value_or_threshold": value, "metrics": metrics} for value, metrics in groups.items()
                ]
                for facet, groups in found[section].items()
            },
            "label_value_or_threshold": label_value,
        }
        for section in SECTIONS.values()
        if section in found
    }


def _metric(figure: BiasFigure) -> dict[str, Any]:
    value = figure.figure
    said: dict[str, Any] = {
        "name": figure.metric,
        "description": STAGES[figure.stage][figure.metric],
        "value": value if value is None else WORDS.get(value, value),
    }
    return said | {"error": figure.error} if figure.error else said


def written(figures: Iterable[BiasFigure], label: str, label_value: str) -> bytes:
    """`analysis.json` of bias metrics alone.

    Parameters
    ----------
    label, label_value
        As in `sections`.
    """
    return as_json({"version": "1.0", **sections(figures, label, label_value)})


def read(content: bytes, file: str = "analysis.json") -> tuple[BiasFigure, ...]:
    """Bias metrics of an `analysis.json`, whoever wrote it; explanations in it are passed over.

    Parameters
    ----------
    file
        Its name, for messages.

    Raises
    ------
    SimlabError
        It is no JSON, or a part of it is not as Clarify writes it; the message says which.
    """
    body = from_json(content, file)
    if not isinstance(body, dict):
        raise SimlabError(f"{file}: it must hold sections such as {SECTIONS['Post-Training']}")
    for key in body:
        if key not in ("version", "explanations", *SECTIONS.values()):
            known = ("explanations", *SECTIONS.values())
            raise SimlabError(f"{file}: no section called {key!r}{did_you_mean(key, known)}")
    found: list[BiasFigure] = []
    for stage, section in SECTIONS.items():
        if section in body:
            facets = _part(body[section], "facets", dict, f"{file}: {section}")
            for facet, groups in facets.items():
                where = f"{file}: {section}.facets.{facet}"
                if not isinstance(groups, list):
                    raise SimlabError(f"{where}: it must be a list of groups")
                for number, group in enumerate(groups):
                    found += _group(stage, facet, group, f"{where}[{number}]")
    return tuple(found)


def label_of(content: bytes) -> tuple[str, str]:
    """The label and its positive value in an `analysis.json` that can be read; empty where it says none."""
    body = from_json(content, "analysis.json")
    for section in SECTIONS.values():
        if isinstance(body.get(section), dict):
            said = body[section]
            return str(said.get("label", "")), str(said.get("label_value_or_threshold", ""))
    return "", ""


def _part(body: Any, key: str, kind: type[Any], where: str) -> Any:
    if not isinstance(body, dict) or not isinstance(body.get(key), kind):
        known = "a mapping" if kind is dict else "a list" if kind is list else "a text"
        hint = "" if not isinstance(body, dict) or key in body else did_you_mean(key, body)
        raise SimlabError(f"{where}: it needs {key!r}, {known}{hint}")
    return body[key]


def _group(stage: BiasStage, facet: str, group: Any, where: str) -> list[BiasFigure]:
    value = _part(group, "value_or_threshold", str, where)
    found = []
    for place, metric in enumerate(_part(group, "metrics", list, where)):
        here = f"{where}.metrics[{place}]"
        name = _part(metric, "name", str, here)
        if name not in STAGES[stage]:
            raise SimlabError(f"{here}.name: no metric called {name!r}{did_you_mean(name, STAGES[stage])}")
        figure = metric.get("value")
        if figure in ("Infinity", "-Infinity"):
            figure = inf if figure == "Infinity" else -inf
        if figure is not None and (isinstance(figure, (str, bool)) or not isinstance(figure, (int, float))):
            raise SimlabError(f"{here}.value: {figure!r} is no number, 'Infinity', '-Infinity' or null")
        found.append(
            BiasFigure(
                stage,
                facet,
                value,
                name,
                None if figure is None else float(figure),
                str(metric.get("error", "")),
            )
        )
    return found
