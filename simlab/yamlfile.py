"""Reading YAML files people wrote: YAML 1.2 words, no duplicate keys, and a line for every path."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from simlab.errors import ScenarioInvalid

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """Safe YAML in which `on`, `off`, `yes` and `no` are words, as YAML 1.2 has it."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, expression) for tag, expression in found if tag != "tag:yaml.org,2002:bool"]
    for first, found in _Base.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def read_yaml(path: Path, name: str | None = None) -> tuple[Any, dict[str, int]]:
    """Content of a YAML file, and the line on which each path begins.

    Returns
    -------
    tuple
        The content; and lines by path, as in ``{"inject[0].with": 14}``, counted from 1.

    Raises
    ------
    ScenarioInvalid
        The file is missing, not text, not YAML, or says a key twice.
    """
    shown = name or path.name
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as missing:
        raise ScenarioInvalid(str(path), ["there is no such file"]) from missing
    except IsADirectoryError as wrong:
        raise ScenarioInvalid(str(path), ["this is a folder, not a file"]) from wrong
    except OSError as wrong:
        raise ScenarioInvalid(str(path), [f"cannot be read: {wrong.strerror}"]) from wrong
    except UnicodeDecodeError as wrong:
        raise ScenarioInvalid(shown, [f"not text in UTF-8: byte {wrong.start} cannot be read"]) from wrong
    return parse_yaml(text, shown)


def parse_yaml(text: str, name: str) -> tuple[Any, dict[str, int]]:
    """Content of YAML text, and the line of each path; see `read_yaml`."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[str, int] = {}
        if node is not None:
            _walk(node, "", lines, name)
        content = loader.construct_document(node) if node is not None else None
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        where = f":{mark.line + 1}: " if mark else ""
        said = getattr(wrong, "problem", None) or str(wrong)
        raise ScenarioInvalid(name, [f"{where}not YAML: {said}"]) from wrong
    except RecursionError as wrong:  # a part that holds itself, or a thousand brackets
        raise ScenarioInvalid(name, ["not YAML a scenario can be: it is nested without end"]) from wrong
    except ValueError as wrong:  # an impossible date, say 2026-02-30
        raise ScenarioInvalid(name, [f"not YAML: {wrong}"]) from wrong
    finally:
        loader.dispose()
    return content, lines


def _walk(node: Any, path: str, lines: dict[str, int], name: str) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ScenarioInvalid(name, [f":{line}: not YAML a scenario can be: a key must be a word"])
            if key.value in seen:
                raise ScenarioInvalid(name, [f":{line}: {path or 'the file'} says {key.value!r} twice"])
            seen.add(key.value)
            inner = f"{path}.{key.value}" if path else str(key.value)
            lines[inner] = line
            _walk(value, inner, lines, name)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _walk(value, f"{path}[{number}]", lines, name)


def line_of(path: str, lines: dict[str, int]) -> int | None:
    """The line of a path, or of its nearest parent that has one."""
    while path:
        if path in lines:
            return lines[path]
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return None


def placed(problems: list[str], lines: dict[str, int]) -> list[str]:
    """Problems with the line of the file in front: ``:14: inject[0].with: no key …``."""
    found = []
    for problem in problems:
        line = line_of(problem.partition(": ")[0], lines)
        found.append(f":{line}: {problem}" if line else problem)
    return found


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds(given: Any) -> timedelta:
    """A duration such as ``3d``, ``6h``, ``30m`` or ``0``.

    >>> seconds("6h")
    datetime.timedelta(seconds=21600)
    """
    if isinstance(given, timedelta):
        return given
    if isinstance(given, (int, float)) and not isinstance(given, bool) and given == 0:
        return timedelta(0)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", str(given))
    if not match:
        raise ValueError(f"{given!r} is not a duration; write a number with s, m, h, d or w, as in 3d or 6h")
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise ValueError(f"{given!r} is longer than time itself; simlab counts up to the year 9999") from None


def spell(length: timedelta) -> str:
    """A duration in the largest unit that fits.

    >>> spell(timedelta(days=3)), spell(timedelta(0))
    ('3d', '0s')
    >>> spell(timedelta(seconds=1.5))
    '1.5s'
    """
    if length % timedelta(seconds=1):
        return f"{length.total_seconds():.6f}".rstrip("0") + "s"
    total = int(length.total_seconds())
    for unit in ("w", "d", "h", "m"):
        if total and total % _UNITS[unit] == 0 and not (unit == "w" and total < 2 * _UNITS["w"]):
            return f"{total // _UNITS[unit]}{unit}"
    return f"{total}s"


Duration = Annotated[
    timedelta,
    BeforeValidator(seconds),
    PlainSerializer(spell, return_type=str),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?[smhdw]$"}, {"const": 0}]}),
]
"""A duration as people write it."""
