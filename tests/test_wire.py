"""AWS's files are JSON in the order given, lists of numbers on one line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.errors import UsageError
from simlab.wire import as_json, from_json

numbers = st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False)
plain = st.none() | st.booleans() | st.text(max_size=4)


def bodies(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=8,
    )


@given(body=bodies(plain | numbers))
def test_what_is_written_is_read_again(body: Any) -> None:
    assert json.loads(as_json(body)) == body


@given(body=bodies(st.none() | st.text(max_size=4)))
def test_without_lists_of_numbers_it_is_as_python_writes_it(body: Any) -> None:
    assert as_json(body).decode() == json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def test_keys_keep_their_order_and_are_texts() -> None:
    assert list(json.loads(as_json({"b": 1, "a": {0: [1, 2.5], True: []}}))) == ["b", "a"]
    assert as_json({0: 1, None: 2}) == json.dumps({0: 1, None: 2}, indent=2).encode() + b"\n"


@pytest.mark.parametrize("figure", [float("nan"), float("inf")])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [1.0, x], lambda x: {"a": x}])
def test_figures_that_json_has_no_word_for_are_refused(figure: float, wrap: Any) -> None:
    with pytest.raises(ValueError):
        as_json(wrap(figure))


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_told_with_the_files_name(content: bytes) -> None:
    with pytest.raises(UsageError, match="mine.json: not JSON"):
        from_json(content, "mine.json")
