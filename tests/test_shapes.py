"""Shapes: how hard an injection acts in each window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from simlab.shapes import SHAPES, alpha, json_schema, parse, problems_in, settled, span

EVERY = {
    "sudden": "sudden",
    "linear": {"linear": 4},
    "sigmoid": {"sigmoid": 6},
    "sigmoid_moa": {"sigmoid_moa": 6},
    "equal_mix": {"equal_mix": 3},
    "recurring": {"recurring": {"on": 3, "off": 5}},
    "seasonal": {"seasonal": 7},
    "pulse": {"pulse": 2},
    "steps": {"steps": {12: 0.3, 15: 1.0}},
}
ONE_WAY = ("sudden", "linear", "sigmoid", "sigmoid_moa", "equal_mix", "steps")
"""Shapes that never let go again."""

widths = st.floats(1e-3, 1e6)
whole = st.integers(1, 60)
shapes = st.one_of(
    st.just("sudden"),
    st.builds(lambda w: {"linear": w}, widths),
    st.builds(lambda w: {"sigmoid": w}, widths),
    st.builds(lambda w: {"sigmoid_moa": w}, widths),
    st.builds(lambda w: {"equal_mix": w}, whole),
    st.builds(lambda on, off: {"recurring": {"on": on, "off": off}}, whole, whole),
    st.builds(lambda s: {"seasonal": s}, st.floats(1.001, 1e4)),
    st.builds(lambda w: {"pulse": w}, whole),
    st.builds(
        lambda levels: {"steps": levels},
        st.dictionaries(st.integers(0, 60), st.floats(0, 1), min_size=1, max_size=5),
    ),
)


def test_there_is_an_example_here_of_every_shape():
    assert set(EVERY) == set(SHAPES)


@given(shapes, st.integers(0, 10_000), st.integers(0, 10_000), st.none() | st.integers(0, 10_000))
def test_intensity_is_a_share_and_is_zero_from_the_end_on(shape, t, start, end):
    share = alpha(shape, t, start, end)
    assert 0 <= share <= 1
    if end is not None and t >= end:
        assert share == 0


@given(shapes, st.integers(0, 100), st.integers(1, 100))
def test_nothing_acts_before_the_start_except_the_tail_of_moa(shape, start, earlier):
    if "sigmoid_moa" not in shape:
        assert alpha(shape, start - earlier, start) == 0


@given(shapes, st.integers(0, 200), st.integers(0, 100))
def test_shapes_of_a_lasting_change_never_fall(shape, t, start):
    name = shape if isinstance(shape, str) else next(iter(shape))
    if name == "steps":
        shape = {"steps": {at: (n + 1) / 5 for n, at in enumerate(sorted(shape["steps"]))}}
    if name in ONE_WAY:
        assert alpha(shape, t, start) <= alpha(shape, t + 1, start)


def course(shape, start, windows, end=None):
    return [round(alpha(shape, t, start, end), 2) for t in range(windows)]


def test_linear_acts_in_its_first_window_and_is_full_in_its_last():
    assert course({"linear": 4}, 2, 8) == [0, 0, 0.25, 0.5, 0.75, 1, 1, 1]


def test_the_bounded_sigmoid_goes_from_one_to_ninety_nine_percent_inside_its_width():
    assert course({"sigmoid": 4}, 2, 8) == [0, 0, 0.01, 0.09, 0.5, 0.91, 0.99, 1]
    assert alpha({"sigmoid": 4}, 1, 2) == 0
    assert alpha({"sigmoid": 4}, 7, 2) == 1


def test_moas_sigmoid_is_a_half_at_its_position_and_12_to_88_percent_around_it():
    assert course({"sigmoid_moa": 4}, 4, 9)[2:7:2] == [0.12, 0.5, 0.88]


def test_recurring_comes_and_goes():
    assert course({"recurring": {"on": 2, "off": 1}}, 1, 8) == [0, 1, 1, 0, 1, 1, 0, 1]


def test_a_season_is_absent_at_its_start_and_strongest_half_a_period_later():
    assert course({"seasonal": 4}, 1, 8) == [0, 0, 0.5, 1, 0.5, 0, 0.5, 1]


def test_every_season_is_like_the_first_to_the_last_digit():
    assert alpha({"seasonal": 7}, 10 + 3, 10) == alpha({"seasonal": 7}, 10 + 3 + 7 * 1000, 10)


def test_a_pulse_is_short_and_an_equal_mix_stays():
    assert course({"pulse": 2}, 1, 5) == [0, 1, 1, 0, 0]
    assert course("pulse", 1, 4) == [0, 1, 0, 0]
    assert course({"equal_mix": 2}, 1, 5) == [0, 0.5, 0.5, 1, 1]


def test_steps_name_windows_of_the_run_also_when_a_file_made_text_of_them():
    assert course({"steps": {"2": 0.5, "4": 0}}, 0, 6) == [0, 0, 0.5, 0.5, 0, 0]
    assert course({"steps": {1: 0.5}}, 3, 5) == [0, 0, 0, 0.5, 0.5]


@pytest.mark.parametrize(
    ("shape", "end", "episode"),
    [
        ("sudden", None, (10, None)),
        ("sudden", 15, (10, 14)),
        ("sudden", 30, (10, None)),
        ({"linear": 4}, None, (10, None)),
        ({"sigmoid": 6}, 20, (10, 19)),
        ({"sigmoid_moa": 4}, None, (6, None)),  # 0.018 four windows before its position, 0.007 five
        ({"seasonal": 7}, None, (11, None)),
        ({"recurring": {"on": 3, "off": 5}}, None, (10, None)),
        ({"recurring": {"on": 3, "off": 5}}, 25, (10, 20)),
        ({"recurring": {"on": 3, "off": 50}}, None, (10, None)),
        ({"pulse": 2}, None, (10, 11)),
        ({"steps": {12: 0.5, 20: 0}}, None, (12, 19)),
        ({"steps": {40: 1}}, None, None),
    ],
)
def test_the_episode_lasts_from_the_first_window_it_acts_in_to_the_last(shape, end, episode):
    assert span(shape, 10, end, 30) == episode


@given(shapes, st.integers(0, 40), st.none() | st.integers(1, 60))
def test_an_episode_covers_every_window_in_which_something_acts(shape, start, end):
    windows = 40
    acting = [t for t in range(windows) if alpha(shape, t, start, end) >= 0.01]
    episode = span(shape, start, end, windows)
    if acting:
        first, last = episode
        assert first <= acting[0]
        assert last is None or acting[-1] <= last < windows - 1


def test_a_change_is_complete_where_it_is_strongest():
    assert settled({"linear": 4}, 10, None, 30) == 13
    assert settled({"sigmoid": 6}, 10, None, 30) == 17
    assert settled({"linear": 40}, 10, None, 30) == 29
    assert settled("sudden", 40, None, 30) is None


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ("suden", "did you mean 'sudden'?"),
        ({"liner": 4}, "did you mean 'linear'?"),
        ({"linear": {"widht": 4}}, "did you mean 'width'?"),
        ("linear", "'width' is missing"),
        ({"linear": 0}, "greater than 0"),
        ({"linear": float("inf")}, "finite"),
        ({"linear": "wide"}, "valid number"),
        ({"pulse": 1.5}, "valid integer"),
        ({"seasonal": 1}, "greater than 1"),
        ({"recurring": 3}, "it takes on, off"),
        ({"recurring": {"on": 3, "of": 5}}, "did you mean 'off'?"),
        ({"steps": {}}, "at least 1"),
        ({"steps": {3: 1.5}}, "less than or equal to 1"),
        ({"sudden": 3}, "no parameters"),
        ({"sudden": {}, "linear": 4}, "one shape"),
        (None, "one shape"),
        (3, "one shape"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_would_be_right(shape, says):
    problems = problems_in(shape, "inject[0].shape")
    assert all(p.startswith("inject[0].shape") for p in problems)
    assert any(says in p for p in problems)
    with pytest.raises(ValueError, match="shape"):
        parse(shape)


@pytest.mark.parametrize("shape", EVERY.values(), ids=EVERY)
def test_the_json_schema_takes_every_shape(shape):
    as_json = {k: {str(i): j for i, j in v.items()} if isinstance(v, dict) else v for k, v in shape.items()} \
        if isinstance(shape, dict) else shape  # fmt: skip
    validator = Draft202012Validator(json_schema())
    assert not problems_in(shape)
    assert validator.is_valid(as_json)


@pytest.mark.parametrize(
    "shape", ["suden", {"linear": 0}, {"linear": {"widht": 4}}, {"recurring": {"on": 3}}, 3]
)
def test_the_json_schema_refuses_what_the_check_refuses(shape):
    assert problems_in(shape)
    assert not Draft202012Validator(json_schema()).is_valid(shape)
