"""The world's labeller: what Y would have been, had X been something else.

On real data it is a model of another family than the served ones (a random forest), fitted once on
all rows of the dataset. In a generated world it is the generator's own rule, which is exact. A row's
latent draw couples the answer before and after: given the real (x, y), draw u with y = 1[u <= eta(x)];
then y' = 1[u <= eta(x')], so y' = y where x' = x. For regression the residual is kept:
y' = y + f(x') - f(x).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simlab.artifacts import Schema
from simlab.engines import engine

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class Labeller:
    """Answers for rows that were moved.

    Parameters
    ----------
    rows, schema
        The dataset it is fitted on.
    digest
        The dataset's digest; one fit serves every run on it.
    memo
        Keeps the fitted graph between runs.
    law
        The world's own law, where a generator made it; nothing is fitted then.
    """

    def __init__(
        self,
        rows: pa.Table,
        schema: Schema,
        digest: str,
        memo: Callable[[str, tuple[Any, ...], Callable[[], Any]], Any],
        law: Callable[[pa.Table], np.ndarray] | None = None,
    ):
        self._rows, self.schema, self._digest, self._memo = rows, schema, digest, memo
        self._graph: bytes | None = None
        self._law = law

    def eta(self, rows: pa.Table) -> np.ndarray:
        """P(Y = 1 | X = x) of each row, or the mean of Y in a regression; shape (n,)."""
        if self._law is not None:
            return self._law(rows)
        if self._graph is None:
            self._graph = self._memo(
                "labeller",
                (self._digest,),
                lambda: engine("sklearn").fit_labeller(self._rows, self.schema, seed=0),
            )
        found: np.ndarray = engine("onnxruntime").score(self._graph, rows)
        return found

    def latent(self, y: np.ndarray, eta: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """The latent draw behind each label: uniform on [0, eta] where y = 1, on (eta, 1] where 0."""
        import numpy as np

        found: np.ndarray = np.where(y >= 0.5, uniform * eta, eta + (1 - uniform) * (1 - eta))
        return found

    def answer(self, y: np.ndarray, before: np.ndarray, after: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Labels under the new law, coupled to the real ones.

        Parameters
        ----------
        y
            Real labels, shape (n,).
        before, after
            eta (or mean) at the real and at the moved rows, or under the old and the new law.
        uniform
            One draw per row.
        """
        import numpy as np

        if self.schema.problem == "regression":
            moved: np.ndarray = y + (after - before)
            return moved
        same = before == after
        drawn = (self.latent(y, before, uniform) <= after).astype(float)
        found: np.ndarray = np.where(same, y, drawn)
        return found
