"""AWS's files as bytes: keys in the order in which they are given, two spaces of indent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from simlab.errors import UsageError

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def as_json(body: Any) -> bytes:
    r"""A file of AWS's as it is written.

    A list of numbers stands on one line, as the service writes it: a sketch holds thousands.

    Figures that JSON has no word for must be given as the text that the service writes in their place
    (`"NaN"`, `"Infinity"`).

    Raises
    ------
    ValueError
        The body holds such a figure.

    >>> as_json({"version": 0.0, "data": [[1.0, 2.0]]})
    b'{\n  "version": 0.0,\n  "data": [\n    [1.0, 2.0]\n  ]\n}\n'
    """
    return (_text(body, "\n") + "\n").encode()


def from_json(content: bytes | str, name: str) -> Any:
    """What a JSON file of a person's or of the service's holds.

    Parameters
    ----------
    name
        What it is called in the message.

    Raises
    ------
    UsageError
        It is no JSON.

    >>> from_json(b'{"version": 0.0}', "statistics.json")
    {'version': 0.0}
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as wrong:  # a file of nothing but brackets nests without end
        raise UsageError(f"{name}: not JSON: {wrong}") from wrong


def _text(value: Any, line: str) -> str:
    """A value as JSON.

    Parameters
    ----------
    line
        A line break, and the indent of the line that the value began on.
    """
    inner = line + "  "
    if isinstance(value, Mapping) and value:
        pairs = (f"{inner}{_encode(_key(key))}: {_text(each, inner)}" for key, each in value.items())
        return "{" + ",".join(pairs) + line + "}"
    if isinstance(value, (list, tuple)) and not all(isinstance(each, (int, float)) for each in value):
        return "[" + ",".join(inner + _text(each, inner) for each in value) + line + "]"
    return _encode(value)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else _encode(key)
