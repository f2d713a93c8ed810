"""Generated worlds: the law is the rule, at any row, under any settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river.datasets import synth

from simlab import events as e
from simlab.card import Card, load_card
from simlab.dataset import load, schema
from simlab.engines import engine
from simlab.errors import ScenarioInvalid
from simlab.generated import Law, digest_of, draw, law_of
from simlab.generators.hyperplane import COLUMNS as PLANE
from simlab.generators.hyperplane import hyperplane
from simlab.injectors.change_rule import change_rule
from simlab.lab import Lab
from simlab.projector import record_of
from simlab.reference import Reference
from simlab.scenario import Clock, Injection, Scenario, Seeds, World
from simlab.signature import find
from simlab.stream import TRUTH, Outside, Source, Stream

DATASETS = Path(__file__).parent.parent / "datasets"
START = datetime(2026, 1, 5)


def quiet(name: str, **changes: Any) -> Card:
    """A shipped card without noise and with few rows."""
    card = load_card(DATASETS / name)
    assert card.generator is not None
    made = card.generator.model_copy(update={"rows": 4000, "noise": 0.0, **changes})
    return card.model_copy(update={"generator": made})


def world(name: str, *injections: Injection, rows: int = 400, **changes: Any) -> tuple[Stream, list[e.Event]]:
    """A stream on a generated dataset, with its facts."""
    card, said = quiet(name, **changes), []
    table, views = load(DATASETS / name, card, draw(card))
    source = Source(name, "d", table, views, schema(card), law_of(card))

    def memo(what: str, inputs: Any, compute: Callable[[], Any]) -> Any:
        assert what != "labeller", "nothing is fitted where the law is known"
        return compute()

    scenario = Scenario(
        simlab=1, title="t", dataset=name, name="s", seed=Seeds(world=5, build=5), inject=injections,
        clock=Clock(start=START, windows=4, rows=rows), world=World(training=1000, baseline_rows=300),
    )  # fmt: skip
    return Stream(scenario, source, Outside(said.append, memo, lambda noun: "", lambda name: None)), said


def live(stream: Stream) -> pa.Table:
    """All rows of a run with what truly happened."""
    from simlab.artifacts import History

    tables = []
    while (window := stream.next(History())) is not None:
        tables.append(stream._sent[window.number].drop_columns(["event_time"]))
    return pa.concat_tables(tables)


def rule(rows: pa.Table, name: str, **settings: Any) -> np.ndarray:
    made = load_card(DATASETS / name).generator
    assert made is not None
    found: np.ndarray = find("generators", made.kind)(rows, made.seed, **{**made.settings, **settings})
    return found


MOVES = [
    ("agrawal", "shift_column", {"column": "salary", "by": 1.5}),
    ("agrawal", "shift_column", {"column": "age", "by": -2.0}),
    ("sea", "shift_column", {"column": "att1", "by": 0.8, "scale": 0.5}),
    ("stagger", "new_category", {"column": "color", "value": "violet"}),
    ("sine", "shift_column", {"column": "att2", "by": 1.0}),
    ("mixed", "shift_column", {"column": "x", "by": 0.7}),
    ("hyperplane", "shift_column", {"column": "x3", "by": 3.0}),
]


@pytest.mark.engine
@pytest.mark.parametrize(("name", "kind", "values"), MOVES, ids=str)
def test_moved_rows_get_the_generators_own_answer(name, kind, values):
    moving = Injection(id="moving", kind=kind, start=1, settings=values)
    moved, still = live(world(name, moving)[0]), live(world(name)[0])
    answers = moved[TRUTH].to_numpy()
    assert (answers == rule(moved, name)).all()
    assert moved.num_rows == 1600 and (answers != still[TRUTH].to_numpy()).sum() > 20


@pytest.mark.engine
@given(threshold=st.floats(2, 18), start=st.integers(0, 3), by=st.floats(-2, 2), fraction=st.floats(0, 1))
@settings(max_examples=15)
def test_whatever_is_moved_and_wherever_the_rule_goes_the_truth_is_exact(threshold, start, by, fraction):
    moving = Injection(
        id="moving", kind="shift_column", settings={"column": "att2", "by": by}, fraction=fraction
    )
    to = Injection(
        id="to", kind="change_rule", on="labels", start=start, settings={"to": {"threshold": threshold}}
    )
    rows = live(world("sea", moving, to, rows=50)[0])
    late = rows["inference_id"].to_numpy() >= start * 10_000_000
    said = np.where(late, rule(rows, "sea", threshold=threshold), rule(rows, "sea"))
    assert (rows[TRUTH].to_numpy() == said).all()


@pytest.mark.engine
def test_a_regressions_residual_stays_when_its_function_changes():
    to = Injection(id="to", kind="change_rule", on="labels", start=2, settings={"to": {"concept": "gra"}})
    changed, plain = (live(world("friedman", *some, noise=1.0)[0]) for some in ((to,), ()))
    residual = plain[TRUTH].to_numpy() - rule(plain, "friedman")
    late = changed["inference_id"].to_numpy() >= 20_000_000
    said = np.where(late, rule(changed, "friedman", concept="gra"), rule(changed, "friedman"))
    assert changed[TRUTH].to_numpy() - said == pytest.approx(residual, abs=1e-9)
    assert np.std(residual) == pytest.approx(1, abs=0.1)


@pytest.mark.engine
def test_mixed_laws_are_those_of_the_share_of_rows_that_the_shape_says():
    """What river's ConceptDriftStream does row by row, with its own S of the shape."""
    switch = Injection(
        id="switch", kind="change_rule", on="labels", act="mix", shape={"equal_mix": 4}, start=0,
        settings={"to": {"function": 1}},
    )  # fmt: skip
    rows = live(world("sine", switch)[0])
    other = rows[TRUTH].to_numpy() != rule(rows, "sine")  # function 1 is the opposite of 0
    assert other.mean() == pytest.approx(0.5, abs=0.05)


def test_the_log_and_the_truth_say_that_the_law_is_exact():
    stream, said = world("sea")
    stream.training()
    (started,) = [fact for fact in said if isinstance(fact, e.WorldStarted)]
    assert started.law == "exact"


def test_a_plane_moves_as_rivers_does_while_it_draws():
    step = 0.002
    moving = synth.Hyperplane(seed=3, n_features=10, mag_change=step, noise_percentage=0.0, sigma=0.0)
    pairs = list(moving.take(1500))
    rows = pa.table({name: [x[place] for x, _ in pairs] for place, name in enumerate(PLANE)})
    found = [hyperplane(rows.slice(n, 1), 3, moved=n * step)[0] for n in range(len(pairs))]
    assert found == [y for _, y in pairs]
    assert hyperplane(rows, 3).tolist() != [y for _, y in pairs]


def law(kind: str = "sea", noise: float = 0.0, **settings: Any) -> Law:
    return Law(kind, 1, noise, settings)


def test_fractional_numbers_move_and_choices_mix():
    rows = pa.table({"att1": [4.0, 4.5, 5.0], "att2": [4.5, 4.5, 4.5], "att3": [0.0] * 3})  # 8.5, 9, 9.5
    sea = law(threshold=8.0)
    assert sea.changed(rows, sea.eta(rows), {"threshold": 10.0}, 0.5).tolist() == [0, 0, 1]
    things = pa.table({"size": ["small", "large"], "color": ["red", "blue"], "shape": ["square", "square"]})
    stagger = law("stagger", noise=0.1)
    mixed = stagger.changed(things, stagger.eta(things), {"function": 2}, 0.25)
    assert mixed == pytest.approx([0.9 * 0.75 + 0.1 * 0.25, 0.1 * 0.75 + 0.9 * 0.25])


def test_noise_is_the_chance_of_the_other_answer():
    rows = pa.table({"att1": [1.0, 9.0], "att2": [1.0, 9.0], "att3": [0.0, 0.0]})
    assert law(noise=0.1).eta(rows) == pytest.approx([0.1, 0.9])


def test_a_mean_is_not_told_of_a_row_with_a_missing_value():
    rows = pa.table({f"x{n}": pa.array([None if n == 3 else 0.5], pa.float64()) for n in range(10)})
    with pytest.raises(ValueError, match="missing value"):
        law("friedman").eta(rows)


def test_a_rule_can_only_change_where_there_is_one():
    one = np.array([0.5])
    with pytest.raises(LookupError, match="not made by a generator"):
        change_rule(one, pa.table({"x": [1.0]}), np.ones(1, bool), 1.0, Reference(), to={"function": 1})


def test_the_digest_is_of_the_settings(monkeypatch):
    card = load_card(DATASETS / "sea")
    assert card.generator is not None
    before = digest_of(card.generator)
    assert digest_of(card.generator.model_copy(update={"noise": 0.2})) != before
    monkeypatch.setattr("simlab.generated.version", lambda package: "0.99")
    assert digest_of(card.generator) != before, "another river may draw other rows"


@pytest.mark.engine
def test_river_is_asked_for_as_many_names_as_it_has_features():
    with pytest.raises(ValueError):
        engine("river_worlds").draw("SEA", {"seed": 1}, ("one", "two"), 3)


CARD = (DATASETS / "sea/card.yaml").read_text()
WRONG = [
    ("kind: sea", "kind: see", "generator.kind: no generator called 'see'; did you mean 'sea'"),
    ("threshold: 8", "treshold: 8", "generator.with: no key called 'treshold'; did you mean 'threshold'"),
    ("noise: 0.1", "noise: 0.7", "at most 0.5"),
    ("problem: binary", "problem: regression", "sea makes a binary problem"),
    (
        "  att3: {role: numeric}\n",
        "",
        "sea makes, in this order, att1: numeric, att2: numeric, att3: numeric",
    ),
    ("{column: above}", "{column: above, above: 3}", "leave out positive and above"),
    ("row_id, simulated: true", "row_id", "neither key nor clock"),
    ("source: >", "files: {rows: rows.parquet}\nsource: >", "neither files, digest nor views"),
]


@pytest.mark.parametrize(("old", "new", "says"), WRONG, ids=[says for *_, says in WRONG])
def test_a_card_that_its_generator_does_not_do_is_refused(old, new, says, tmp_path):
    assert old in CARD
    (tmp_path / "card.yaml").write_text(CARD.replace(old, new))
    with pytest.raises(ScenarioInvalid) as wrong:
        load_card(tmp_path)
    assert says in str(wrong.value)


@pytest.mark.engine
def test_a_run_says_everywhere_that_its_world_is_made(tiny, tmp_path):
    tiny.write_text(
        tiny.read_text().replace("adult-income", "sea")
        + "inject: [{id: on, kind: change_rule, on: labels, start: 2, with: {to: {threshold: 12}}}]\n"
    )
    lab = Lab(tmp_path / "home")
    outcome = lab.run(tiny, project=False)
    assert outcome.status == "held"

    started = lab.events(outcome.run)[0]
    assert started.synthetic and started.dataset_digest
    truth = json.loads((outcome.path / "truth.json").read_text())
    assert (truth["law"], truth["truth"]) == ("exact", "known")
    changed = [truth["injections"][0]["measured"][window]["labels changed"] for window in ("2", "3")]
    # between 8 and 12 lie 40 % of the square
    assert all(0.25 < share < 0.5 for share in changed), changed
    assert "sea (synthetic), binary" in (outcome.path / "report.html").read_text()
    assert record_of(lab.home, outcome.run)["tags"]["simlab.synthetic"] == "true"

    again = lab.run(tiny, project=False)  # rows from the store
    same = [(path / "events.jsonl").read_bytes() for path in (outcome.path, again.path)]
    assert same[0] == same[1]
