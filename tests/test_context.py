"""Randomness is named after who draws, so that nobody disturbs anybody."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from simlab.context import Context, rng_for, seed_for

names = st.lists(st.text("abc/", max_size=4) | st.integers(0, 99), min_size=1, max_size=3)


@given(st.integers(0, 2**32 - 1), names)
def test_a_name_draws_the_same_for_ever(seed: int, name: list[object]) -> None:
    assert (rng_for(seed, *name).random(4) == rng_for(seed, *name).random(4)).all()
    assert 0 <= seed_for(seed, *name) < 2**32


def test_these_draws_never_change() -> None:
    # What was promised to repeat to the byte must not depend on the version.
    assert [round(float(v), 12) for v in rng_for(7, "draw", 3).random(2)] == [0.711410279372, 0.6967137667]
    assert seed_for(7, "tune", None, 0) == 4212077047


def test_other_names_and_other_seeds_draw_otherwise() -> None:
    draws = {
        tuple(rng_for(seed, *name).random(3))
        for seed in (0, 1)
        for name in (("draw", 0), ("draw", 1), ("inject", "a", 0), ("inject", "b", 0))
    }
    assert len(draws) == 8


def test_a_stage_draws_by_purpose(tmp_path: Path) -> None:
    context = Context("train", 3, seed=5, emit=lambda fact: None, workdir=tmp_path)
    assert context.rng("split").random() == context.rng("split").random() != context.rng("parity").random()
    assert context.seam("monitor.run", (1, 2)) == (1, 2), "no injection, no harm"
