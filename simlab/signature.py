"""The one rule: the file name is the YAML name, the keyword-only parameters are the YAML keys.

It holds for stages, injectors, detectors, policies and expectations. What a person may write under
a name is read from the function's signature, with types; the docstring is the reference page.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic import create_model as pydantic_model

from simlab.errors import did_you_mean


@cache
def names(folder: str) -> tuple[str, ...]:
    """The names a folder offers: its files.

    >>> "shift_column" in names("injectors")
    True
    """
    here = Path(__file__).parent / folder
    return tuple(sorted(f.stem for f in here.glob("*.py") if not f.stem.startswith("_")))


def module_of(folder: str, kind: str) -> ModuleType:
    """The module behind a name; a dotted name is somebody else's `package.module.function`.

    Raises
    ------
    LookupError
        There is no such name; the message says the nearest right one.
    """
    if "." in kind:
        module, _, function = kind.rpartition(".")
        try:
            found = import_module(module)
        except (ImportError, ValueError) as missing:  # the latter where the name is empty
            raise LookupError(f"cannot import {module!r} for {kind!r}: {missing}") from missing
        if not callable(getattr(found, function, None)):
            raise LookupError(f"{module!r} has no function {function!r}")
        return found
    if kind not in names(folder):
        raise LookupError(f"no {folder.rstrip('s')} called {kind!r}{did_you_mean(kind, names(folder))}")
    return import_module(f"simlab.{folder}.{kind}")


def find(folder: str, kind: str) -> Callable[..., Any]:
    """The function behind a name of a folder (or behind a dotted name)."""
    function: Callable[..., Any] = getattr(module_of(folder, kind), kind.rpartition(".")[2])
    return function


@cache
def keywords(function: Callable[..., Any]) -> Mapping[str, tuple[Any, Any]]:
    """The keyword-only parameters of a function: name, type and default (Ellipsis: required)."""
    module = sys.modules[function.__module__]
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        annotation = parameter.annotation
        if isinstance(annotation, str):
            # Only these annotations are resolved: the nouns among the others may be imported for
            # type checkers alone.
            annotation = eval(annotation, vars(module))
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        found[name] = (annotation, default)
    return found


@cache
def settings_model(*functions: Callable[..., Any]) -> type[BaseModel]:
    """A pydantic model of everything a person may set on these functions."""
    fields: dict[str, Any] = {}
    for function in functions:
        fields.update(keywords(function))
    model: type[BaseModel] = pydantic_model(
        functions[0].__name__,
        __config__=ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True),
        **fields,
    )
    return model


def first_line(function: Callable[..., Any]) -> str:
    """The first line of a docstring: a sentence for a list."""
    return (inspect.getdoc(function) or "").partition("\n")[0]


def settings(
    functions: Callable[..., Any] | tuple[Callable[..., Any], ...], given: Mapping[str, Any], where: str
) -> tuple[dict[str, Any], list[str]]:
    """Check what a person wrote against the signatures; typed values and problems.

    Parameters
    ----------
    functions
        One function, or the several of one stage file, whose keyword-only parameters count.
    given
        What stands in the file.
    where
        Its path in the file, for the messages: ``inject[0].with``.

    Returns
    -------
    tuple
        The values that were given, converted to their types; and what is wrong, one sentence each.
    """
    several = functions if isinstance(functions, tuple) else (functions,)
    fields: dict[str, tuple[Any, Any]] = {}
    for function in several:
        fields.update(keywords(function))
    values: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in given.items():
        if key not in fields:
            problems.append(f"{where}: no key called {key!r}{did_you_mean(key, fields)}")
            continue
        try:
            values[key] = adapter(fields[key][0]).validate_python(value)
        except ValidationError as wrong:
            problems.extend(sentences(wrong, f"{where}.{key}", value, _parts(fields[key][0])))
    for key, (_, default) in fields.items():
        if default is ... and key not in given:
            problems.append(f"{where}: the key {key!r} is missing")
    return values, problems


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def adapter(annotation: Any) -> TypeAdapter[Any]:
    """A validator for an annotation, made once where the annotation can be a key."""
    try:
        return _adapter(annotation)
    except TypeError:
        return TypeAdapter(annotation)


def _parts(annotation: Any) -> tuple[str, ...]:
    """Names of the fields, where a setting is a dataclass, also one that may be left out."""
    kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
    return tuple(field.name for kind in kinds if is_dataclass(kind) for field in dataclass_fields(kind))


def sentences(
    wrong: ValidationError, where: str, value: Any = None, parts: tuple[str, ...] = ()
) -> list[str]:
    """A pydantic error in words for a person, one sentence per mistake, each with its path.

    Parameters
    ----------
    wrong
        What pydantic found.
    where
        Path of the value in the file.
    value
        The value.
    parts
        Keys the value may have, where it is a dataclass.
    """
    found = []
    for error in wrong.errors(include_url=False):
        path = where
        for part in error["loc"]:
            if isinstance(part, int):
                path += f"[{part}]"
            elif not part.startswith(("function-", "is-instance", "constrained-")):
                path += f".{part}" if path else part
        kind, context, given = error["type"], error.get("ctx") or {}, error.get("input")
        if kind == "extra_forbidden":
            parent, _, key = path.rpartition(".")
            known = context.get("known") or ()
            hint = did_you_mean(key, known) if known else ""
            found.append(
                f"{parent}: no key called {key!r}{hint}" if parent else f"no key called {key!r}{hint}"
            )
        elif kind == "unexpected_keyword_argument":
            parent, _, key = path.rpartition(".")
            hint = did_you_mean(key, parts) if parent == where else ""
            found.append(f"{parent}: no key called {key!r}{hint}")
        elif kind == "missing":
            parent, _, key = path.rpartition(".")
            found.append(f"{parent + ': ' if parent else ''}the key {key!r} is missing")
        elif kind == "literal_error":
            choices = [c.strip().strip("'") for c in context["expected"].replace(" or ", ", ").split(",")]
            found.append(f"{path}: {given!r} is not one of them{did_you_mean(given, choices)}")
        else:
            message = error["msg"].removeprefix("Value error, ")
            message = message[0].lower() + message[1:]
            found.append(f"{path}: {message}" + ("" if kind == "value_error" else f" (it says {given!r})"))
    return list(dict.fromkeys(found))
