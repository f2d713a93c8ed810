"""The injector `change_rule`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

SEAM = "labels"
LABELS = "concept"
COLUMN = None
PROBLEMS = ("binary", "regression")
WORLD = "generated"


def change_rule(
    eta: np.ndarray,
    rows: pa.Table,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    to: Annotated[dict[str, Any], Field(min_length=1)],
) -> np.ndarray:
    """Change the rule by which a generated world answers: the same rows get another rule's answers.

    Concept drift whose truth is exact, for the rule is the law (only for datasets made by a generator).
    Fractional numbers move with the strength, ``was + s (to - was)``, as a hyperplane rotates. Of
    anything else there is no halfway, so the laws mix, ``(1 - s) eta + s eta_other``: with the shape
    `sigmoid_moa` that is the expectation of river's and MOA's ConceptDriftStream, with `act: mix` each
    row belongs to one of the two, as there; `equal_mix` is FriedmanDrift's `gsg`.

    Parameters
    ----------
    eta
        The world's answers, one per row: the chance of a yes, or a regression's mean.
    rows, mask, strength, reference
        As for every injector of the law.
    to
        The generator's keys and what they become, as in `{function: 3}`; `simlab show DATASET` lists
        them.

    Raises
    ------
    LookupError
        The world was not made by a generator.
    """
    import numpy as np

    if strength == 0:
        return eta
    return np.where(mask, reference.law(rows, eta, to, strength), eta)
