"""What an injector says of its size is what is found; one turned the wrong way is caught.

Every injector with a `size` is found by itself and let loose on a made-up world of thousands of rows
whose law is known. A settings example that cannot be read off the signature stands under `synthetic`
in `tests/injectors/examples/KIND.yaml`.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Literal

import hypothesis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from simlab.artifacts import Schema
from simlab.labeller import Labeller
from simlab.reference import Reference, Size
from simlab.signature import find, module_of, names
from tests.contracts.test_injectors import written

MEASURED = [k for k in names("injectors") if hasattr(module_of("injectors", k), "size")]

MOST = 4.0
"""Standard errors between declared and measured: chance alone goes beyond once in 16,000 times."""


@dataclass(frozen=True)
class World:
    """Rows whose law is known, and the undisturbed world they come from."""

    rows: pa.Table
    reference: Reference


def law(rows: pa.Table) -> np.ndarray:
    """The chance of a yes; in a regression the mean of the answer is ten times as much."""
    amount, count = (
        np.nan_to_num(rows[name].cast(pa.float64()).to_numpy(), nan=middle)
        for name, middle in (("amount", 10.0), ("count", 40.0))
    )
    score = (amount - 11) / 3 + (count - 40) / 10 + (rows["city"].fill_null("").to_numpy() == "Ulm")
    return np.asarray(1 / (1 + np.exp(-np.clip(score, -30, 30))))


@cache
def world(seed: int, problem: Literal["binary", "regression"], count: int = 6000) -> World:
    """A skewed and a whole-numbered column that go together, towns, some values missing, a law."""
    draw = np.random.default_rng((20, seed))
    wealth = draw.standard_normal(count)
    rows = pa.table(
        {
            "inference_id": np.arange(count) + 10_000_000,
            "entity": np.arange(count),
            "event_time": np.datetime64(datetime(2026, 1, 5), "us") + np.arange(count) * 10_000_000,
            "amount": pa.array(
                np.exp(2.2 + 0.4 * wealth + 0.2 * draw.standard_normal(count)),
                mask=draw.random(count) < 0.02,
            ),
            "count": pa.array(
                np.round(40 + 6 * wealth + 10 * draw.standard_normal(count)).astype(int),
                mask=draw.random(count) < 0.03,
            ),
            "city": pa.array(
                draw.choice(["Bonn", "Köln", "Ulm"], count, p=[0.5, 0.3, 0.2]),
                mask=draw.random(count) < 0.01,
            ),
        }
    )
    scale = 10.0 if problem == "regression" else 1.0
    if problem == "binary":
        answers = (draw.random(count) < law(rows)).astype(float)
    else:
        answers = scale * law(rows) + draw.standard_normal(count)
    rows = rows.append_column("target", pa.array(answers))
    baseline = rows.slice(0, count // 3)
    moments = {}
    for name in ("amount", "count"):
        known = baseline[name].drop_null().to_numpy()
        moments[name] = (float(known.mean()), float(known.std()))
    reference = Reference(
        moments,
        table=baseline,
        entity="entity",
        problem=problem,
        eta=lambda asked: scale * law(asked),
    )
    return World(rows.slice(count // 3), reference)


def sized(
    kind: str, act: Callable[..., Any], values: dict[str, Any], world: World, strength: float, seed: int
) -> Size | None:
    """Let an injector (or one that passes for it) act as the core does, and ask how large that was."""
    module, reference, rows = module_of("injectors", kind), world.reference, world.rows
    mask = np.random.default_rng((21, seed)).random(rows.num_rows) < 0.7
    rng, uniform = np.random.default_rng((22, seed)), np.random.default_rng((23, seed)).random(rows.num_rows)
    answers = rows[reference.target].to_numpy()
    before: Any = rows
    more: dict[str, Any] = {"rows": rows}
    if module.SEAM in ("traffic", "delivery"):
        after = act(rows, mask, strength, rng, reference, **values)
    elif module.SEAM == "draw":
        mask, after = None, act(rows, strength, reference, **values)
    elif module.SEAM == "decisions":
        more["past"] = past = {"Bonn": (300, 60), "Köln": (200, 90), "Ulm": (100, 80)}
        mask, after = None, act(rows, past, strength, reference, **values)
    elif module.SEAM == "labels" and module.LABELS == "concept":
        before, eta = answers, reference.eta(rows)
        moved = act(eta, rows, mask, strength, reference, **values)
        schema = Schema(reference.problem, reference.target, reference.entity, reference.event_time, ())
        teller = Labeller(rows, schema, "", lambda name, inputs, compute: compute())
        after = teller.answer(answers, eta, moved, uniform)
    elif module.SEAM == "labels":
        before, after = answers, act(answers, rows, mask, strength, rng, reference, **values)
    elif module.SEAM == "arrival":
        before, more["answered"] = np.full(rows.num_rows, 3600.0), law(rows) > 0.5
        after = act(before, rows, more["answered"], mask, strength, rng, reference, **values)
    elif module.SEAM == "updates":
        mask, before = None, datetime(2026, 1, 6)
        after = act("view", before, strength, **values)
    else:
        raise AssertionError(f"teach this test the seam {module.SEAM}")
    if after is before:
        return None
    taken = inspect.signature(module.size).parameters
    more = {name: value for name, value in more.items() if name in taken}
    found: Size | None = module.size(before, after, mask, strength, reference, **more, **values)
    return found


def holds(kind: str, act: Callable[..., Any], values: dict[str, Any], strength: float, seed: int) -> None:
    """The contract of sizes: what is measured lies within a few standard errors of what is declared."""
    problem: Literal["binary", "regression"] = (
        "binary" if "binary" in module_of("injectors", kind).PROBLEMS else "regression"
    )
    size = sized(kind, act, values, world(seed, problem), strength, seed)
    if size is None:
        return
    assert size.what and size.error >= 0
    assert size.measured is not None, f"{kind} with {values}: thousands of rows, and no size"
    off = size.off()
    assert off is None or off <= MOST, f"{kind} with {values} at {strength}: {size} is off by {off}"


@pytest.mark.parametrize("kind", MEASURED)
@given(seed=st.integers(0, 4), strength=st.sampled_from([0.25, 0.6, 1.0]), data=st.data())
@settings(max_examples=12)
def test_an_injector_is_as_large_as_it_says(
    kind: str, seed: int, strength: float, data: st.DataObject
) -> None:
    holds(kind, find("injectors", kind), data.draw(written(kind)), strength, seed)


@pytest.mark.parametrize("problem", ["binary", "regression"])
def test_the_law_of_the_answers_is_followed_in_a_regression_as_in_a_choice(
    problem: Literal["binary", "regression"],
) -> None:
    for kind in MEASURED:
        if set(module_of("injectors", kind).PROBLEMS) >= {"binary", "regression"} and (
            module_of("injectors", kind).LABELS == "concept"
        ):
            size = sized(kind, find("injectors", kind), CONCEPTS[kind], world(1, problem), 0.7, 1)
            assert size is not None and (size.off() or 0) <= MOST and size.measured != 0


ONCE = settings(max_examples=25, phases=[Phase.generate], database=None)
"""Look for one, and do not look for a simpler one then."""

CONCEPTS: dict[str, dict[str, Any]] = {"swap_meaning": {"column": "amount", "other": "count"}}


def _with(kind: str, **other: Callable[[Any], Any]) -> Callable[..., Any]:
    """The injector, with some of its settings turned round before it sees them."""
    right = find("injectors", kind)

    def wrong(*given: Any, **values: Any) -> Any:
        if missing := set(other) - set(values):
            raise LookupError(f"nothing to turn round in {missing}")
        return right(*given, **{k: other[k](v) if k in other else v for k, v in values.items()})

    return wrong


def _strong(kind: str, place: int) -> Callable[..., Any]:
    """The injector, with the complement of its strength."""
    right = find("injectors", kind)

    def wrong(*given: Any, **values: Any) -> Any:
        return right(*given[:place], 1 - given[place], *given[place + 1 :], **values)

    return wrong


def _elsewhere(kind: str) -> Callable[..., Any]:
    """The injector, on the very rows it was not to touch."""
    right = find("injectors", kind)

    def wrong(first: Any, *given: Any, **values: Any) -> Any:
        place = next(n for n, one in enumerate(given) if isinstance(one, np.ndarray) and one.dtype == bool)
        return right(first, *given[:place], ~given[place], *given[place + 1 :], **values)

    return wrong


def _not_at_all(kind: str) -> Callable[..., Any]:
    """Something that does nothing, in a fresh object."""
    place = {"traffic": 0, "labels": 0}[module_of("injectors", kind).SEAM]

    def wrong(*given: Any, **values: Any) -> Any:
        same = given[place]
        return same.select(same.column_names) if isinstance(same, pa.Table) else same.copy()

    return wrong


def _other_way(before: float, to: float) -> float:
    return before - (to - before)


AMOUNT = {"column": "amount"}

INVERTED: dict[str, tuple[str, Callable[..., Any], dict[str, Any]]] = {
    "a shift to the other side": (
        "shift_column", _with("shift_column", by=lambda by: -by), {**AMOUNT, "by": 0.5}),
    "a spread that shrinks instead of growing": (
        "shift_column", _with("shift_column", scale=lambda scale: 1 / scale), {"column": "amount", "by": 0.2, "scale": 9.0}),
    "a unit divided by": ("scale_unit", _with("scale_unit", factor=lambda f: 1 / f), {**AMOUNT, "factor": 60.0}),
    "a unit in the other rows": ("scale_unit", _strong("scale_unit", 2), AMOUNT),
    "the rows that were to be kept are lost": (
        "set_missing", _with("set_missing", share=lambda share: 1 - share), {**AMOUNT, "share": 0.3}),
    "missing where nothing was to be touched": (
        "set_missing", _elsewhere("set_missing"), {**AMOUNT, "share": 0.3}),
    "a category in all other rows": (
        "new_category", _strong("new_category", 2), {"column": "city", "value": "robot"}),
    "renamed where it was not to be": (
        "rename_column", _strong("rename_column", 2), {"column": "city", "to": "town"}),
    "text where there were to be numbers": (
        "retype_column", _strong("retype_column", 2), {**AMOUNT, "style": "comma"}),
    "labels flipped with the complement of the share": (
        "flip_labels", _with("flip_labels", share=lambda share: 1 - share), {"share": 0.1}),
    "log odds that fall instead of rising": (
        "change_concept", _with("change_concept", by=lambda by: -by), {"by": 2.0}),
    "classes kept instead of swapped": (
        "change_concept", _not_at_all("change_concept"), {"mode": "invert"}),
    "a category drawn less instead of more": (
        "resample", _with("resample", by=lambda by: -by), {"column": "city", "by": 0.7, "value": "Ulm"}),
    "a prior moved the other way": (
        "change_prior", _with("change_prior", to=lambda to: _other_way(0.5, to)), {"to": 0.7}),
    "columns that go apart instead of together": (
        "correlate_columns", _with("correlate_columns", rho=lambda rho: -rho), {**AMOUNT, "other": "count", "rho": 0.8}),
    "new support on the wrong side": (
        "extend_range", _with("extend_range", side=lambda side: "below"), {**AMOUNT, "share": 0.2, "side": "above"}),
    "the other class moved": (
        "shift_class", _with("shift_class", label=lambda label: 1 - label), {**AMOUNT, "by": 0.5, "label": 1}),
    "a class moved the other way": (
        "shift_class", _with("shift_class", by=lambda by: -by), {**AMOUNT, "by": 0.5, "label": 1}),
    "outliers below instead of above": (
        "add_outliers", _with("add_outliers", side=lambda side: "below"), {**AMOUNT, "side": "above"}),
    "outliers that are none": (
        "add_outliers", _with("add_outliers", beyond=lambda z: z / 9), {**AMOUNT, "beyond": 3.0}),
    "noise at the complement of its strength": ("add_noise", _strong("add_noise", 2), {**AMOUNT, "by": 1.0}),
    "false positives that stay": ("mirror_concept", _not_at_all("mirror_concept"), {}),
    "a meaning that was not swapped": (
        "swap_meaning", _not_at_all("swap_meaning"), {"column": "amount", "other": "count"}),
    "a region that grows from the other end": (
        "expand_concept", _with("expand_concept", side=lambda side: "below"), {**AMOUNT, "share": 0.3, "side": "above"}),
    "a region that shrinks": ("expand_concept", _strong("expand_concept", 3), {**AMOUNT, "share": 0.5}),
    "answers that fall instead of rising": ("move_mean", _with("move_mean", by=lambda by: -by), {"by": 0.5}),
}  # fmt: skip


@pytest.mark.parametrize("name", INVERTED)
def test_an_inverted_injector_makes_the_suite_red(name: str) -> None:
    kind, wrong, values = INVERTED[name]
    holds(kind, find("injectors", kind), values, 0.7, seed=2)  # what it stands for is well
    with pytest.raises(AssertionError, match="is off by"):
        holds(kind, wrong, values, 0.7, seed=2)


@pytest.mark.parametrize("kind", MEASURED)
def test_one_that_acts_with_another_strength_than_it_was_given_makes_the_suite_red(kind: str) -> None:
    place = {"traffic": 2, "delivery": 2, "draw": 1, "decisions": 2, "labels": 3, "arrival": 4, "updates": 2}
    wrong = _strong(kind, place[module_of("injectors", kind).SEAM])
    problem: Literal["binary", "regression"] = (
        "binary" if "binary" in module_of("injectors", kind).PROBLEMS else "regression"
    )
    declared = 0

    def caught(values: dict[str, Any]) -> bool:
        nonlocal declared
        size = sized(kind, find("injectors", kind), values, world(3, problem), 0.95, 3)
        if size is None or size.declared is None:
            return False
        declared += 1
        try:
            holds(kind, wrong, values, 0.95, seed=3)
        except AssertionError:
            return True
        return False

    try:
        hypothesis.find(written(kind), caught, settings=ONCE, random=random.Random(1))
    except NoSuchExample:
        assert declared == 0, f"{kind} does a twentieth of what it says, and its size does not tell"


def test_a_size_that_nobody_can_know_is_not_held_against_anybody() -> None:
    assert Size("it", None, 0.3).off() is None
    assert replace(Size("it", 0.3, 0.3 + 1e-12), error=0.0).off() == 0.0
    assert Size("it", 0.3, 0.31).off() == float("inf")
