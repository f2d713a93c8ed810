"""YAML as people write it: 1.2 words, no key twice, and a line for every path."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.errors import ScenarioInvalid
from simlab.yamlfile import line_of, parse_yaml, placed, seconds, spell


def test_on_off_yes_and_no_are_words() -> None:
    content, _ = parse_yaml("on: live\noff: no\nyes: y\ntrue: True\nx: false", "f")
    assert content == {"on": "live", "off": "no", "yes": "y", True: True, "x": False}


def test_every_path_has_its_line() -> None:
    _, lines = parse_yaml("a: 1\nb:\n  - {c: 2,\n     d: 3}\n  - e\n", "f")
    assert {path: lines[path] for path in ("a", "b", "b[0]", "b[0].c", "b[0].d", "b[1]")} == {
        "a": 1, "b": 2, "b[0]": 3, "b[0].c": 3, "b[0].d": 4, "b[1]": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("b[0].c.deeper", 3),
        ("b[0].zzz", 3),
        ("b[7]", 2),
        ("nosuch", None),
        ("a[0", 1),
        ("b.", 2),
        ("[", None),
    ],
)
def test_a_path_without_a_line_has_its_nearest_parents(path: str, line: int | None) -> None:
    _, lines = parse_yaml("a: 1\nb:\n  - {c: 2}\n", "f")
    assert line_of(path, lines) == line


@given(st.text(alphabet=".[]ab0 :", max_size=12))
def test_looking_for_a_line_always_ends(path: str) -> None:
    assert line_of(path, {"a": 1}) in (1, None)
    assert len(placed([path], {"a": 1})) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "f:3: the file says 'a' twice"),
        ("a: {b: 1, b: 2}", "f:1: a says 'b' twice"),
        ("a:\n - b: 1\n   b: 2", "f:3: a[0] says 'b' twice"),
        ("? {a: 1}\n: 2", "f:1: not YAML a scenario can be: a key must be a word"),
        ("a: &x {b: *x}", "f: not YAML a scenario can be: it is nested without end"),
    ],
)
def test_what_is_no_sensible_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ScenarioInvalid) as wrong:
        parse_yaml(text, "f")
    assert str(wrong.value) == message


def test_an_anchor_may_be_used_again() -> None:
    assert parse_yaml("a: &x {b: 1}\nc: *x", "f")[0] == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("given", "length"),
    [
        ("3d", 259200),
        ("6h", 21600),
        ("30m", 1800),
        ("45s", 45),
        ("2w", 1209600),
        ("1.5h", 5400),
        (" 3 d ", 259200),
        (0, 0),
        ("0s", 0),
    ],
)
def test_durations_as_people_write_them(given: Any, length: float) -> None:
    assert seconds(given).total_seconds() == length


@pytest.mark.parametrize("given", ["", "3", "d", "-3d", "3 days", "1e3s", None, True, 5, [], "9" * 30 + "w"])
def test_what_is_no_duration_is_told(given: Any) -> None:
    with pytest.raises(ValueError, match=r"is not a duration|longer than time"):
        seconds(given)


@given(st.integers(0, 10**8))
def test_a_duration_is_spelled_so_that_it_reads_back(total: int) -> None:
    length = timedelta(seconds=total)
    assert seconds(spell(length)) == length
