"""The core owns when, where, how hard and on whom; the injector only what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from simlab.artifacts import Finding
from simlab.events import Event, Injected
from simlab.faults import inject_ops
from simlab.injection import TRAINING, acting, inject, intensity
from simlab.reference import Reference
from simlab.scenario import Injection, Scenario
from tests.test_stream import SCHEMA, scenario, source


class World:
    """A world of a few rows, without traffic."""

    schema = SCHEMA
    reference = Reference({"age": (40.0, 10.0)}, eta=lambda rows: Law().eta(rows))

    def __init__(self, *injections: Injection):
        self.scenario: Scenario = scenario(inject=injections)
        self.said: list[Event] = []
        self.labeller = Law()

    def say(self, fact: Event) -> None:
        self.said.append(fact)


class Law:
    """A world in which the chance of a yes is the age in percent."""

    def eta(self, rows: pa.Table) -> np.ndarray:
        found: np.ndarray = np.clip(rows["age"].to_numpy() / 100, 0, 1)
        return found

    def answer(self, y: np.ndarray, before: np.ndarray, after: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.where(before == after, y, (after > 0.5).astype(float))
        return found


ROWS = source(200).rows


def an(kind: str, id: str = "it", **more: Any) -> Injection:
    defaults: dict[str, Any] = {"settings": {"column": "age"}}
    return Injection(id=id, kind=kind, **{**defaults, **more})


def test_it_acts_from_its_start_to_its_end() -> None:
    shift = an("shift_column", start=2, end=4)
    assert [intensity(shift, w) for w in range(5)] == [0, 0, 1, 1, 0]
    assert [len(acting(scenario(inject=(shift,)), ("ask",), w)) for w in range(5)] == [0, 0, 1, 1, 0]
    assert acting(scenario(inject=(shift.model_copy(update={"enabled": False}),)), ("ask",), 2) == []


def test_on_training_rows_it_acts_in_full_and_nowhere_else() -> None:
    found = scenario(inject=(an("shift_column", on="training", start=9, shape={"linear": 50}),))
    assert [strength for _, strength in acting(found, ("ask",), TRAINING)] == [1.0]
    assert acting(found, ("ask",), 9) == []


def test_morph_moves_how_far_and_mix_moves_how_many() -> None:
    by = {"settings": {"column": "age", "by": 1.0}, "shape": {"steps": {0: 0.3}}}
    morphed = inject(World(an("shift_column", **by)), ROWS, 0)["age"].to_numpy() - ROWS["age"].to_numpy()
    mixed = (
        inject(World(an("shift_column", act="mix", **by)), ROWS, 0)["age"].to_numpy() - ROWS["age"].to_numpy()
    )
    np.testing.assert_allclose(morphed, 3.0)
    assert set(np.round(mixed, 6)) == {0.0, 10.0} and 0.15 < (mixed > 0).mean() < 0.45


def test_where_and_fraction_choose_on_whom() -> None:
    shifted = inject(
        World(an("shift_column", where="age < 30 AND job = 'baker'", settings={"column": "age", "by": 5.0})),
        ROWS,
        0,
    )
    moved = shifted["age"].to_numpy() != ROWS["age"].to_numpy()
    wanted = (ROWS["age"].to_numpy() < 30) & (np.array(ROWS["job"].to_pylist()) == "baker")
    assert (moved == wanted).all()
    world = World(an("shift_column", fraction=0.25, settings={"column": "age", "by": 5.0}))
    inject(world, ROWS, 0)
    (fact,) = world.said
    assert isinstance(fact, Injected) and 30 < fact.rows < 70 and fact.of == 200


def test_conditions_look_at_the_rows_as_they_were() -> None:
    first = an("shift_column", id="a", settings={"column": "age", "by": 10.0})
    second = an("scale_unit", id="b", where="age < 40", settings={"column": "age", "factor": 2.0})
    world = World(first, second)
    inject(world, ROWS, 0)
    facts = {f.injection: f.rows for f in world.said if isinstance(f, Injected)}
    assert facts == {"a": 200, "b": int((ROWS["age"].to_numpy() < 40).sum())}


def test_the_world_answers_for_moved_rows_but_not_for_measurement_errors() -> None:
    moved, faulty = (
        World(an("shift_column", settings={"column": "age", "by": 9.0})),
        World(an("scale_unit", settings={"column": "age", "factor": 9.0})),
    )
    assert (inject(moved, ROWS, 0)["y"].to_numpy() == 1).all(), "at such an age everybody earns much"
    assert inject(faulty, ROWS, 0)["y"].equals(ROWS["y"]), "a wrong unit changes nobody's income"
    assert moved.said[0].relabelled > 0 == faulty.said[0].relabelled  # type: ignore[attr-defined]


def test_a_change_of_the_law_moves_labels_and_no_input() -> None:
    world = World(Injection(id="law", kind="change_concept", on="labels", settings={"mode": "invert"}))
    after = inject(world, ROWS, 0)
    assert after.drop_columns(["y"]).equals(ROWS.drop_columns(["y"]))
    assert not after["y"].equals(ROWS["y"])
    assert 0 < world.said[0].measured["labels changed"] <= 1  # type: ignore[attr-defined]


def test_the_input_table_is_never_changed() -> None:
    before = ROWS.to_pydict()
    inject(
        World(an("shift_column", settings={"column": "age", "by": 1.0}), an("set_missing", id="gone")),
        ROWS,
        0,
    )
    assert ROWS.to_pydict() == before


def test_a_seam_is_hurt_only_by_injections_that_name_it() -> None:
    findings = (Finding("data_quality", "drift", "age", "psi", 0.3, 0.2, True, 1),)
    silent = scenario(inject=(Injection(id="mute", kind="silence_monitor", on="ops", start=1),))
    said: list[Event] = []
    assert inject_ops(silent, "monitor.run", findings, 1, said.append) == ()
    assert [f.rows for f in said] == [1]  # type: ignore[attr-defined]
    for seam, window in (("serve.request", 1), ("monitor.run", 0), ("monitor.run", None)):
        assert inject_ops(silent, seam, findings, window, said.append) == findings
    assert len(said) == 1


@pytest.mark.parametrize("ids", [("a", "b"), ("b", "a")])
def test_two_of_a_sort_act_in_the_order_of_their_ids(ids: tuple[str, str]) -> None:
    found = {
        "a": an("shift_column", id="a", settings={"column": "age", "by": 1.0}),
        "b": an("shift_column", id="b", settings={"column": "age", "scale": 2.0}),
    }
    after = inject(World(*(found[i] for i in ids)), ROWS, 0)["age"].to_numpy()
    np.testing.assert_allclose(after, (ROWS["age"].to_numpy() + 10) * 2 - 40)


def test_the_truth_holds_declared_beside_measured_size_and_whether_it_can_be_undone() -> None:
    from simlab.truth import truth

    world = World(
        an("shift_column", "older", start=0, settings={"column": "age", "by": 0.5}),
        an("swap_columns", "swapped", start=0, settings={"column": "age", "other": "job", "share": 0.5}),
    )
    inject(world, ROWS, 0)
    older, swapped = truth(world.scenario, world.said)["injections"]
    size = older["size"]["0"]
    assert (size["declared"], size["measured"], older["can_be_undone"]) == (0.5, 0.5, False)
    assert swapped["can_be_undone"] is True
    size = swapped["size"]["0"]
    assert abs(size["measured"] - size["declared"]) < 4 * size["error"]
