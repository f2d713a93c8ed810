"""EventBridge event patterns: which events a rule matches.

Every field of a pattern must match (`$or` names alternatives); a leaf is a list of which one element
must match; where the event holds a list, one of its elements must. A field that is not there matches
`{"exists": false}` alone. An exact number matches the number as it is written (300 is not 300.0), a
`numeric` one its value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from operator import eq, ge, gt, le, lt
from typing import Any

from simlab.errors import did_you_mean

OPERATORS = (
    *("prefix", "suffix", "anything-but", "numeric", "exists", "equals-ignore-case", "wildcard", "cidr"),
)
LARGEST = 5e9
"""Numbers are compared between -5e9 and 5e9."""
LONGEST = 4096
"""Characters that a pattern may have."""

_ORDER: dict[str, Callable[[float, float], bool]] = {"=": eq, ">": gt, ">=": ge, "<": lt, "<=": le}
_ABSENT: tuple[Any, ...] = ()


def problems_in(pattern: Any, where: str = "") -> Iterator[str]:
    """What is wrong with a pattern, one sentence each, with the path of the field.

    >>> list(problems_in({"source": "aws.sagemaker"}))
    ["source: a field is given as a list of what it may be: ['aws.sagemaker']"]
    """
    if not isinstance(pattern, Mapping) or not pattern:
        yield f"{where}{': ' if where else ''}a pattern is a mapping of fields, and not empty"
        return
    for key, wanted in pattern.items():
        path = f"{where}.{key}" if where else str(key)
        if key == "$or":
            if not isinstance(wanted, Sequence) or isinstance(wanted, str) or len(wanted) < 2:
                yield f"{path}: it takes a list of at least two patterns"
                continue
            for number, inner in enumerate(wanted):
                yield from problems_in(inner, f"{path}[{number}]")
        elif isinstance(wanted, Mapping):
            yield from problems_in(wanted, path)
        elif isinstance(wanted, (list, tuple)):
            if not wanted:
                yield f"{path}: an empty list matches nothing"
            for element in wanted:
                yield from _problems_with(element, path)
        else:
            yield f"{path}: a field is given as a list of what it may be: [{wanted!r}]"


def _problems_with(element: Any, path: str) -> Iterator[str]:
    if isinstance(element, (list, tuple)):
        yield f"{path}: a list inside the list matches nothing"
        return
    if not isinstance(element, Mapping):
        return
    if len(element) != 1:
        yield f"{path}: write one operator a mapping"
        return
    ((name, wanted),) = element.items()
    if name not in OPERATORS:
        yield f"{path}: no operator called {name!r}{did_you_mean(name, OPERATORS)}"
        return
    yield from (f"{path}.{name}: {problem}" for problem in _PROBLEMS[name](wanted))


def _text_or_folded(wanted: Any) -> Iterator[str]:
    if isinstance(wanted, Mapping):
        if set(wanted) != {"equals-ignore-case"} or not isinstance(wanted["equals-ignore-case"], str):
            yield "right is a text, or {equals-ignore-case: a text}"
    elif not isinstance(wanted, str) or not wanted:
        yield f"{wanted!r} is no text"


def _text(wanted: Any) -> Iterator[str]:
    if not isinstance(wanted, str):
        yield f"{wanted!r} is no text"


def _wildcard(wanted: Any) -> Iterator[str]:
    yield from _text(wanted)
    if isinstance(wanted, str) and "**" in re.sub(r"\\.", "", wanted):
        yield "two asterisks in a row are refused"


def _flag(wanted: Any) -> Iterator[str]:
    if not isinstance(wanted, bool):
        yield f"{wanted!r} is neither true nor false"


def _numeric(wanted: Any) -> Iterator[str]:
    if not isinstance(wanted, (list, tuple)) or len(wanted) not in (2, 4):
        yield "right is an operator and a number, once or twice: ['>', 0, '<=', 5]"
        return
    for sign, number in zip(wanted[::2], wanted[1::2], strict=True):
        if not isinstance(sign, str) or sign not in _ORDER:
            yield f"{sign!r} compares nothing{did_you_mean(sign, _ORDER)}"
        if not _is_number(number) or not -LARGEST <= number <= LARGEST:
            yield f"{number!r} is no number between -5e9 and 5e9"
    if len(wanted) == 4 and not (wanted[0] in (">", ">=") and wanted[2] in ("<", "<=")):
        yield "a range is given from below to above: ['>', 0, '<=', 5]"


def _cidr(wanted: Any) -> Iterator[str]:
    try:
        ip_network(wanted, strict=False)
    except ValueError as wrong:
        yield str(wrong)


def _anything_but(wanted: Any) -> Iterator[str]:
    if isinstance(wanted, Mapping):
        if len(wanted) != 1 or next(iter(wanted)) not in (
            "prefix",
            "suffix",
            "equals-ignore-case",
            "wildcard",
        ):
            yield "right is a value, a list of values, or one of prefix, suffix, equals-ignore-case, wildcard"
            return
        ((name, values),) = wanted.items()
        for value in values if isinstance(values, (list, tuple)) else [values]:
            yield from _PROBLEMS[name](value)
        return
    values = wanted if isinstance(wanted, (list, tuple)) else [wanted]
    if not values or not all(isinstance(v, str) or _is_number(v) for v in values):
        yield "right is a text, a number, or a list of them"


_PROBLEMS: dict[str, Callable[[Any], Iterator[str]]] = {
    "prefix": _text_or_folded,
    "suffix": _text_or_folded,
    "equals-ignore-case": _text,
    "wildcard": _wildcard,
    "exists": _flag,
    "numeric": _numeric,
    "cidr": _cidr,
    "anything-but": _anything_but,
}


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Whether an event matches a pattern; the pattern must be a right one (see `problems_in`).

    >>> matches({"detail": {"state": {"value": ["ALARM"]}}}, {"detail": {"state": {"value": "ALARM"}}})
    True
    """
    for key, wanted in pattern.items():
        if key == "$or":
            if not any(matches(inner, event) for inner in wanted):
                return False
            continue
        found = event.get(key, _ABSENT) if isinstance(event, Mapping) else _ABSENT
        if isinstance(wanted, Mapping):
            # Of a list of objects one must match all of the inner pattern by itself.
            inner_events = found if isinstance(found, (list, tuple)) and found else [found]
            if not any(matches(wanted, inner) for inner in inner_events):
                return False
        elif not any(_leaf(element, found) for element in wanted):
            return False
    return True


def _leaf(element: Any, found: Any) -> bool:
    """Whether a field's value, or one of its elements, is what one element of a leaf asks for."""
    values = _values(found)
    if isinstance(element, Mapping):
        ((name, wanted),) = element.items()
        if name == "exists":
            return bool(values) is wanted
        return any(_TESTS[name](value, wanted) for value in values)
    return any(_same(value, element) for value in values)


def _values(found: Any) -> list[Any]:
    """The values at a leaf: a list's elements, flattened; an object is no leaf and has none."""
    if isinstance(found, (list, tuple)):
        return [value for element in found for value in _values(element)]
    return [] if isinstance(found, Mapping) else [found]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same(value: Any, wanted: Any) -> bool:
    """Exactly the same, and of the same kind: 1 is neither true nor 1.0."""
    return type(value) is type(wanted) and bool(value == wanted)


def _starts(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        folded = wanted["equals-ignore-case"].casefold()
        return isinstance(value, str) and value.casefold().startswith(folded)
    return isinstance(value, str) and value.startswith(wanted)


def _ends(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        folded = wanted["equals-ignore-case"].casefold()
        return isinstance(value, str) and value.casefold().endswith(folded)
    return isinstance(value, str) and value.endswith(wanted)


def _folded(value: Any, wanted: str) -> bool:
    return isinstance(value, str) and value.casefold() == wanted.casefold()


def _like(value: Any, wanted: str) -> bool:
    r"""Whether a text is like one with asterisks; `\*` and `\\` stand for themselves."""
    parts = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", wanted)
    regex = "".join(".*" if p == "*" else re.escape(p[1:] if p in (r"\*", r"\\") else p) for p in parts)
    return isinstance(value, str) and re.fullmatch(regex, value, re.DOTALL) is not None


def _between(value: Any, wanted: Sequence[Any]) -> bool:
    if not _is_number(value) or not -LARGEST <= value <= LARGEST:
        return False
    return all(
        bool(_ORDER[sign](value, number)) for sign, number in zip(wanted[::2], wanted[1::2], strict=True)
    )


def _in_network(value: Any, wanted: str) -> bool:
    try:
        return isinstance(value, str) and ip_address(value) in ip_network(wanted, strict=False)
    except ValueError:
        return False


def _but(value: Any, wanted: Any) -> bool:
    """Whether a value is none of those named; a value of another kind is none of them."""
    if isinstance(wanted, Mapping):
        ((name, given),) = wanted.items()
        refused = given if isinstance(given, (list, tuple)) else [given]
        return not any(_TESTS[name](value, one) for one in refused)
    refused = wanted if isinstance(wanted, (list, tuple)) else [wanted]
    return not any(_same(value, one) for one in refused)


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "prefix": _starts,
    "suffix": _ends,
    "equals-ignore-case": _folded,
    "wildcard": _like,
    "numeric": _between,
    "cidr": _in_network,
    "anything-but": _but,
}
