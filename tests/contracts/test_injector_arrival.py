"""What every injector of the labels' arrival, and of decisions that feed back, keeps to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.signature import find, keywords, module_of, names
from tests.contracts.test_injectors import REFERENCE, rng, rows_of, windows, written

ARRIVAL = [k for k in names("injectors") if module_of("injectors", k).SEAM == "arrival"]
DECISIONS = [k for k in names("injectors") if module_of("injectors", k).SEAM == "decisions"]


@st.composite
def waiting(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Delays (some of them never), who was answered yes, and who may be touched."""
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from([0.0, 3600.0, 86400.5, np.inf]), st.booleans(), st.booleans()),
            max_size=12,
        )
    )
    delays, yes, mask = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(delays, float), np.array(yes, bool), np.array(mask, bool)


def act(kind: str, given_: Any, strength: float, values: dict[str, Any], random: Any = None) -> np.ndarray:
    delays, yes, mask = given_
    found: np.ndarray = find("injectors", kind)(
        delays, rows_of(len(delays)), yes, mask, strength, random or rng(), REFERENCE, **values
    )
    return found


def test_there_are_some() -> None:
    assert len(ARRIVAL) >= 3 and DECISIONS


@pytest.mark.parametrize("kind", ARRIVAL + DECISIONS)
def test_the_answers_are_left_alone(kind: str) -> None:
    assert ("keep" if kind in ARRIVAL else "weights") == module_of("injectors", kind).LABELS


@pytest.mark.parametrize("kind", ARRIVAL)
@given(given_=waiting(), strength=st.floats(0.01, 1), data=st.data())
def test_delays_change_alike_every_time_and_only_where_allowed(
    kind: str, given_: Any, strength: float, data: Any
) -> None:
    values = data.draw(written(kind))
    before = [part.copy() for part in given_]
    once = act(kind, given_, strength, values)
    assert np.array_equal(once, act(kind, given_, strength, values))
    assert all(np.array_equal(a, b) for a, b in zip(before, given_, strict=True))
    delays, _, mask = given_
    assert once.shape == delays.shape and once.dtype == delays.dtype
    assert np.array_equal(once[~mask], delays[~mask])
    assert (once >= 0).all(), "never before its row, and never unknown when: infinity is never"
    assert np.isinf(once[np.isinf(delays)]).all(), "what never comes does not come after all"


@pytest.mark.parametrize("kind", ARRIVAL)
@given(given_=waiting(), data=st.data())
def test_no_strength_is_the_very_same_delays(kind: str, given_: Any, data: Any) -> None:
    assert act(kind, given_, 0.0, data.draw(written(kind))) is given_[0]


@pytest.mark.parametrize("kind", ARRIVAL)
@given(given_=waiting(), strengths=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)), data=st.data())
def test_a_label_that_waits_at_some_strength_waits_as_long_at_every_greater_one(
    kind: str, given_: Any, strengths: tuple[float, float], data: Any
) -> None:
    values = data.draw(written(kind))
    weak, strong = (act(kind, given_, s, values) for s in sorted(strengths))
    assert (strong >= weak).all()


@pytest.mark.parametrize("kind", ARRIVAL)
@given(given_=waiting(), data=st.data())
def test_the_mask_does_not_decide_how_much_is_drawn(kind: str, given_: Any, data: Any) -> None:
    values = data.draw(written(kind))
    delays, yes, mask = given_
    some, none = rng(), rng()
    act(kind, given_, 0.5, values, some)
    act(kind, (delays, yes, np.zeros_like(mask)), 0.5, values, none)
    assert some.bit_generator.state == none.bit_generator.state


past_of = st.dictionaries(
    st.sampled_from(["Bonn", "Köln", "Ulm", "Paris", ""]),
    st.tuples(st.integers(0, 1000), st.integers(0, 1000)).map(lambda p: (max(p), min(p))),
)


@pytest.mark.parametrize("kind", DECISIONS)
@given(window=windows(), past=past_of, strength=st.floats(0.01, 1), data=st.data())
def test_weights_by_decisions_are_alike_every_time_finite_and_above_zero(
    kind: str, window: Any, past: dict[str, tuple[int, int]], strength: float, data: Any
) -> None:
    pool, _ = window
    values, function = data.draw(written(kind)), find("injectors", kind)
    assert "group" in keywords(function), "the core counts decisions by that column"
    before, counted = pool.to_pydict(), dict(past)
    weights = function(pool, past, strength, REFERENCE, **values)
    assert weights.shape == (pool.num_rows,)
    assert np.isfinite(weights).all() and (weights > 0).all()
    assert np.array_equal(weights, function(pool, past, strength, REFERENCE, **values))
    assert pool.to_pydict() == before and past == counted
    assert (function(pool, past, 0.0, REFERENCE, **values) == 1).all()


@pytest.mark.parametrize("kind", DECISIONS)
@given(data=st.data())
def test_before_anybody_is_answered_everybody_weighs_alike(kind: str, data: Any) -> None:
    weights = find("injectors", kind)(rows_of(30), {}, 1.0, REFERENCE, **data.draw(written(kind)))
    np.testing.assert_allclose(weights, 1.0)


@pytest.mark.parametrize("kind", DECISIONS)
def test_a_group_that_is_not_there_is_named_with_the_nearest_that_is(kind: str) -> None:
    required = {n: 1.0 for n, (_, d) in keywords(find("injectors", kind)).items() if d is ...}
    with pytest.raises(LookupError, match="did you mean 'city'"):
        find("injectors", kind)(
            pa.table({"city": ["Ulm"]}), {}, 1.0, REFERENCE, **{**required, "group": "citi"}
        )
