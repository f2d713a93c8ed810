"""The golden table of the tests: smclarify 0.5 was run on it, and its answers written down."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from simlab.clarify.bias import BiasFigure, BiasStage, FlipRows, figures, look
from simlab.clarify.facets import Facets

SEX = "a" * 12 + "d" * 8
LABEL = [1] * 8 + [0] * 4 + [1] * 3 + [0] * 5
ANSWER = [1] * 7 + [0, 1, 0, 0, 0] + [1, 1, 0, 1, 0, 0, 0, 0]
GROUP = "xxxxyyyyxxyy" + "xyyxxyyy"

GOLDEN = {
    "CI": 0.2, "DPL": 0.2916667, "KL": 0.1740399, "JS": 0.0432402, "LP": 0.4124790, "TVD": 0.2916667,
    "KS": 0.2916667, "CDDL": 0.2816667,
    "DPPL": 0.2916667, "DI": 0.5625, "DCA": 0.0, "DCR": 0.0, "RD": 0.2083333, "SD": 0.05, "DAR": 0.2083333,
    "DRR": 0.05, "AD": 0.0833333, "TE": 0.0, "CDDPL": 0.2732143, "FT": -0.025, "GE": 0.1,
}  # fmt: skip


def votes(known: np.ndarray, answers: np.ndarray, asked: np.ndarray, count: int) -> np.ndarray:
    """Majority of the nearest neighbours, by hand."""
    apart = ((asked[:, None, :] - known[None, :, :]) ** 2).sum(axis=2)
    nearest = np.argsort(apart, axis=1, kind="stable")[:, :count]
    return answers[nearest].mean(axis=1) > 0.5


def golden() -> pa.Table:
    """The twenty rows five times over."""
    return pa.table({"sex": list(SEX * 5), "group": list(GROUP * 5), "num": np.arange(100) / 100})


def measured(
    table: pa.Table,
    facets: Facets,
    positive: np.ndarray,
    predicted: np.ndarray,
    group: str | None = None,
    minimum: int = 0,
    flips: FlipRows | None = None,
) -> Iterator[BiasFigure]:
    """Every metric of every group of a table."""
    seen = look(table, facets, np.asarray(positive, bool), np.asarray(predicted, bool), group_variable=group)
    stages: tuple[BiasStage, ...] = ("Pre-training", "Post-Training")
    for split, cells in zip(seen.splits, seen.cells, strict=True):
        for stage in stages:
            yield from figures(
                stage, split, cells, minimum=minimum, grouped=seen.grouped,
                predicted=np.asarray(predicted, bool), flips=flips,
            )  # fmt: skip


def cells(a: list[list[int]], d: list[list[int]]) -> np.ndarray:
    """Counts of two groups by label and answer, in one stratum: `[[TN, FP], [FN, TP]]`."""
    return np.array([[a, d]])
