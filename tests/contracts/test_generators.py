"""What every generated world keeps to; a new file in the folder is found and held to it."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from simlab.card import load_card
from simlab.engines import engine
from simlab.engines.river_worlds import ANSWER
from simlab.generated import digest_of, draw, in_words, law_of
from simlab.signature import find, first_line, keywords, module_of, names
from simlab.signature import settings as check

KINDS = names("generators")
CONCEPTS = [(kind, concept) for kind in KINDS for concept in module_of("generators", kind).CONCEPTS]
CARDS = {
    card.generator.kind: card
    for card in (
        load_card(path.parent) for path in sorted(Path(__file__).parents[2].glob("datasets/*/card.yaml"))
    )
    if card.generator is not None
}
ROWS, SEED = 3000, 5


def rivers(kind: str, concept: dict, seed: int = SEED, count: int = ROWS) -> pa.Table:
    """River's own rows with river's own answers, under our names."""
    module = module_of("generators", kind)
    generator, arguments = module.river(seed, **concept)
    drawn = engine("river_worlds").draw(generator, arguments, tuple(module.COLUMNS), count)
    return in_words(drawn, getattr(module, "WORDS", {}))


@pytest.mark.parametrize("kind", KINDS)
def test_it_says_what_it_makes_and_explains_its_keys(kind):
    module, rule = module_of("generators", kind), find("generators", kind)
    assert module.PROBLEM in ("binary", "regression")
    assert set(module.COLUMNS.values()) <= {"numeric", "categorical"}
    assert set(getattr(module, "WORDS", {})) <= {
        n for n, role in module.COLUMNS.items() if role == "categorical"
    }
    assert first_line(rule).endswith(".")
    for key, (_, default) in keywords(rule).items():
        assert f"\n{key}\n" in inspect.getdoc(rule), f"{kind}: {key} is not explained"
        assert default is not ..., f"{kind}: {key} has no default"


@pytest.mark.parametrize("kind", KINDS)
def test_its_concepts_can_be_written_and_the_first_is_the_default(kind):
    module, rule = module_of("generators", kind), find("generators", kind)
    for concept in module.CONCEPTS:
        assert check(rule, concept, "with")[1] == []
    defaults = {key: default for key, (_, default) in keywords(rule).items()}
    assert module.CONCEPTS[0].items() <= defaults.items()


@pytest.mark.parametrize(("kind", "concept"), CONCEPTS, ids=str)
def test_the_rule_gives_rivers_own_answer_to_every_row(kind, concept):
    rows = rivers(kind, concept)
    ours, theirs = find("generators", kind)(rows, SEED, **concept), rows[ANSWER].to_numpy()
    assert ours.shape == (ROWS,) and ours.dtype == float
    if module_of("generators", kind).PROBLEM == "binary":
        assert set(np.unique(ours)) == {0.0, 1.0}  # a rule that always says the same would be held to nothing
        assert (ours == theirs).all()
    else:
        # river adds noise, the same to every concept of a seed: without it the answers must be equal
        plain = rivers(kind, {})
        noise = plain[ANSWER].to_numpy() - find("generators", kind)(plain, SEED)
        assert np.std(noise) == pytest.approx(1, abs=0.05)
        assert plain.drop_columns([ANSWER]).equals(rows.drop_columns([ANSWER]))
        assert theirs - noise == pytest.approx(ours, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_its_concepts_differ(kind):
    rows = rivers(kind, {})
    found = [
        find("generators", kind)(rows, SEED, **c).tobytes() for c in module_of("generators", kind).CONCEPTS
    ]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_those_of_the_seed_and_no_other(kind):
    card = CARDS[kind]
    small = card.model_copy(update={"generator": card.generator.model_copy(update={"rows": 500})})
    other = card.model_copy(update={"generator": small.generator.model_copy(update={"seed": 2})})
    assert draw(small).equals(draw(small))
    assert not draw(small).equals(draw(other))
    assert draw(small).column_names == [*module_of("generators", kind).COLUMNS, card.target.column]
    assert digest_of(small.generator) == digest_of(small.generator) != digest_of(other.generator)


@pytest.mark.parametrize("kind", KINDS)
def test_the_law_is_the_rule_and_the_rows_follow_it(kind):
    card = CARDS[kind]
    rows, law = draw(card), law_of(card)
    answers, eta, noise = rows[card.target.column].to_numpy(), law.eta(rows), card.generator.noise
    if card.problem == "binary":
        assert ((eta >= 0) & (eta <= 1)).all()
        assert sorted(np.unique(eta)) == pytest.approx([noise, 1 - noise])
        wrong = ((answers == 1) != (eta > 0.5)).mean()
        assert wrong == pytest.approx(noise, abs=4 * np.sqrt(noise * (1 - noise) / len(answers)))
    else:
        assert np.std(answers - eta) == pytest.approx(noise, rel=0.03)
        assert abs(np.mean(answers - eta)) < 4 * noise / np.sqrt(len(answers))


@pytest.mark.parametrize("kind", KINDS)
def test_the_rule_answers_for_a_row_alone_as_among_others(kind):
    rows = rivers(kind, {}, count=50)
    rule, whole = find("generators", kind), find("generators", kind)(rows, SEED)
    assert [float(rule(rows.slice(n, 1), SEED)[0]) for n in range(50)] == whole.tolist()


@pytest.mark.parametrize("kind", [k for k in KINDS if module_of("generators", k).PROBLEM == "binary"])
def test_a_missing_value_and_an_unheard_of_category_have_an_answer_too(kind):
    columns = module_of("generators", kind).COLUMNS
    missing = pa.table(
        {
            n: pa.array([None], pa.float64() if role == "numeric" else pa.string())
            for n, role in columns.items()
        }
    )
    strange = rivers(kind, {}, count=1)
    for name, role in columns.items():
        if role == "categorical":
            strange = strange.set_column(strange.column_names.index(name), name, pa.array(["never heard of"]))
    for concept in module_of("generators", kind).CONCEPTS:
        for rows in (missing, strange):
            assert find("generators", kind)(rows, SEED, **concept)[0] in (0.0, 1.0)


def test_every_generator_is_a_dataset_to_be_named_in_a_scenario():
    assert set(CARDS) == set(KINDS)
