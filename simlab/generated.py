"""Generated worlds: rows drawn once from a rule, and the rule as the world's law, exact at any row.

Real data has no law that anybody could look up; a forest fitted to it stands in (see
`simlab.labeller`). A generated world needs no stand-in: what its rule says is what would have been.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from simlab.card import Card, Generator
from simlab.context import rng_for
from simlab.engines import engine
from simlab.signature import find, keywords, module_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True)
class Law:
    """A generator's rule under some settings.

    Parameters
    ----------
    kind
        The generator's name.
    seed
        Its seed.
    noise
        Share of the answers that are the opposite of the rule's (binary problems).
    settings
        Its own keys.
    """

    kind: str
    seed: int
    noise: float
    settings: Mapping[str, Any]

    def eta(self, rows: pa.Table) -> np.ndarray:
        """P(Y = 1 | X = x) of each row, or the mean of Y in a regression; shape (n,).

        Raises
        ------
        ValueError
            A regression's mean is asked of a row with a missing value.
        """
        import numpy as np

        rule: np.ndarray = find("generators", self.kind)(rows, self.seed, **self.settings)
        if not np.isfinite(rule).all():
            raise ValueError(f"the rule of {self.kind} has no answer for a row with a missing value")
        if module_of("generators", self.kind).PROBLEM == "regression":
            return rule
        return rule + self.noise * (1 - 2 * rule)

    def changed(self, rows: pa.Table, eta: np.ndarray, to: Mapping[str, Any], strength: float) -> np.ndarray:
        """The law on its way to other settings.

        Parameters
        ----------
        rows
            The rows asked for.
        eta
            Their present answers.
        to
            The settings that change. Fractional numbers move; of anything else there is no halfway,
            so the two laws mix: `1 - s` of the present one and `s` of the other.
        strength
            How far on the way, s in [0, 1].
        """
        if self.moves(to):
            known = self._known
            moved = {key: known[key] + strength * (value - known[key]) for key, value in to.items()}
            return replace(self, settings={**self.settings, **moved}).eta(rows)
        other = replace(self, settings={**self.settings, **to}).eta(rows)
        return other if strength == 1 else (1 - strength) * eta + strength * other

    def moves(self, to: Mapping[str, Any]) -> bool:
        """Whether all that changes is fractional numbers."""
        known = keywords(find("generators", self.kind))
        return all(isinstance(known[key][1], float) for key in to)

    @property
    def _known(self) -> dict[str, Any]:
        """Every key with its present value."""
        known = keywords(find("generators", self.kind))
        return {**{key: default for key, (_, default) in known.items()}, **self.settings}


def law_of(card: Card) -> Law | None:
    """The law of a card's world; None where it is real and nobody knows."""
    made = card.generator
    return None if made is None else Law(made.kind, made.seed, made.noise, made.settings)


def digest_of(generator: Generator) -> str:
    """What stands for the rows: a digest of the generator's settings and of river's version."""
    said = json.dumps([generator.model_dump(mode="json"), version("river")], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def draw(card: Card) -> pa.Table:
    """The rows of a synthetic dataset with their answers, independent of each other.

    The features are river's; the answers are the rule's, with noise of their own.
    """
    import pyarrow as pa

    made, law = card.generator, law_of(card)
    assert made is not None and law is not None
    module = module_of("generators", made.kind)
    names = tuple(module.COLUMNS)
    name, settings = module.river(made.seed)
    table = engine("river_worlds").draw(name, settings, names, made.rows).select(names)
    table = in_words(table, getattr(module, "WORDS", {}))
    rng = rng_for(made.seed, "generator", made.kind)
    rule = find("generators", made.kind)(table, made.seed, **made.settings)
    if module.PROBLEM == "binary":
        other = rng.random(made.rows) < made.noise
        answers = rule + other * (1 - 2 * rule)
    else:
        answers = rule + made.noise * rng.standard_normal(made.rows)
    return table.append_column(card.target.column, pa.array(answers))


def in_words(table: pa.Table, words: Mapping[str, Mapping[Any, str]]) -> pa.Table:
    """The same rows, with the values of some columns by their names."""
    import pyarrow as pa

    for column, called in words.items():
        spelled = pa.array([called[value] for value in table[column].to_pylist()], pa.string())
        table = table.set_column(table.column_names.index(column), column, spelled)
    return table
