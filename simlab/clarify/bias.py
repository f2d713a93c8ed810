"""Bias: every metric of every group, from one count of the rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from simlab.clarify import post_training, pre_training
from simlab.clarify.counts import Counts
from simlab.clarify.facets import Facets, Split, key_of, split, strata
from simlab.clarify.post_training import Votes, flip_test

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Metric = Literal[
    "CDDL", "CI", "DPL", "JS", "KL", "KS", "LP", "TVD",
    "AD", "CDDPL", "DAR", "DCA", "DCR", "DI", "DPPL", "DRR", "FT", "GE", "RD", "SD", "TE",
]  # fmt: skip
"""Clarify's names for its metrics."""

BiasStage = Literal["Pre-training", "Post-Training"]
"""CloudWatch's names for the two stages."""

STAGES: Mapping[BiasStage, Mapping[str, str]] = {
    "Pre-training": pre_training.DESCRIPTIONS,
    "Post-Training": post_training.DESCRIPTIONS,
}
"""Every metric with its description, by stage, in the order of `analysis.json`."""

NEUTRAL: Mapping[str, float] = {"DI": 1.0}
"""The value at which a metric says that nobody is treated worse; 0 unless it stands here."""

NO_GROUP, NOBODY, EVERYBODY, NOTHING_COMMON, NO_POSITIVE, NO_NEGATIVE, ALL_MISSED, TEXTS = (
    "Group variable is empty or not provided",
    "Facet set is empty",
    "Negated Facet set is empty",
    "No instance of common facet found, dataset may be too small",
    "No positive labels in set",
    "No negative labels in set",
    "All predicted labels are false negatives. "
    "There should be at least one prediction that is not false negative.",
    "FlipTest does not support non-numeric columns",
)
"""Why a metric has no value, in the service's words."""

ALONE = "FlipTest needs a feature besides the facet"
UNKNOWN = "FlipTest needs a value in every column"
"""Why there is no flip test on other tables; the open code fails in its neighbours' search there."""


@dataclass(frozen=True)
class BiasFigure:
    """One metric of one group."""

    stage: BiasStage
    facet: str
    value: str
    """The group's value or interval, as `analysis.json` says it."""
    metric: str
    figure: float | None
    """May be infinite; None where it is undefined, or the group too small to be judged."""
    error: str = ""
    """Why there is none."""

    @property
    def key(self) -> str:
        """The group's lasting name: its value, or its threshold."""
        return key_of(self.value)

    @property
    def subject(self) -> str:
        """Who and what: `sex=Female:DPPL`."""
        return f"{self.facet}={self.key}:{self.metric}"


@dataclass(frozen=True)
class FlipRows:
    """What the flip test looks at besides the answers."""

    matrix: np.ndarray | None
    """Features without the facet, [rows, columns]; None where some are no numbers."""
    votes: Votes


@dataclass(frozen=True)
class Looked:
    """A table looked at: its groups, and how many of their rows were and were answered what."""

    splits: tuple[Split, ...]
    cells: tuple[np.ndarray, ...]
    """Counts by split, each [groups, strata, 2, 2, 2]."""
    grouped: bool
    """Whether the strata are the values of a group variable."""


def look(
    table: pa.Table,
    facets: Facets,
    positive: np.ndarray,
    predicted: np.ndarray | None = None,
    *,
    group_variable: str | None = None,
    continuous: bool | None = None,
) -> Looked:
    """Count the rows of every facet's groups.

    Parameters
    ----------
    table
        Columns of the facets and of the group variable.
    positive, predicted
        Whose label and whose answer is positive, [rows], booleans.
    group_variable
        Column whose values are the strata of CDDL and CDDPL.
    continuous
        As in `split`.

    Raises
    ------
    SimlabError
        A facet or the group variable does not fit its column.
    """
    column = table[group_variable] if group_variable is not None else None
    codes, number = strata(column, group_variable or "", table.num_rows)
    splits = tuple(split(name, table[name], facet, continuous=continuous) for name, facet in facets.items())
    cells = tuple(counted(s, positive, predicted, codes, number) for s in splits)
    return Looked(splits, cells, group_variable is not None)


def positive(labels: np.ndarray, above: float | None = None) -> np.ndarray:
    """Which labels count as positive: 1, or in a regression those above a threshold.

    >>> import numpy as np
    >>> positive(np.array([0.0, 1.0])).tolist(), positive(np.array([0.5, 2.0]), above=1.0).tolist()
    ([False, True], [False, True])
    """
    found: np.ndarray = labels == 1 if above is None else labels > above
    return found


def accepted(scores: np.ndarray, cut: float, above: float | None = None) -> np.ndarray:
    """Which answers count as positive: scores at or above a cut, or in a regression values above a threshold.

    >>> import numpy as np
    >>> accepted(np.array([0.4, 0.5]), 0.5).tolist(), accepted(np.array([1.0, 1.1]), 0.5, above=1.0).tolist()
    ([False, True], [False, True])
    """
    found: np.ndarray = scores >= cut if above is None else scores > above
    return found


def chosen(stage: BiasStage, metrics: Collection[str] | Literal["all"]) -> list[str]:
    """The wanted metrics of a stage, in the order of `analysis.json`."""
    return [name for name in STAGES[stage] if metrics == "all" or name in metrics]


def counted(
    split: Split,
    positive: np.ndarray,
    predicted: np.ndarray | None,
    strata: np.ndarray,
    number: int,
) -> np.ndarray:
    """Cells of every group of a split beside everyone else: [groups, strata, 2, 2, 2].

    Parameters
    ----------
    positive, predicted
        Whose label and whose answer is positive, [rows], booleans.
    strata, number
        Each row's stratum, and how many strata there are.
    """
    import numpy as np

    groups = len(split.keys)
    place = split.codes.astype(np.int64)
    if number > 1:
        place += strata * (groups + 1)
    place *= 4
    place += 2 * positive.view(np.int8)
    if predicted is not None:
        place += predicted.view(np.int8)
    table = np.bincount(place, minlength=number * (groups + 1) * 4).reshape(number, groups + 1, 2, 2)
    d = np.moveaxis(table, 1, 0)[:groups]
    return np.stack([table.sum(axis=1)[None] - d, d], axis=2)


def computed(stage: BiasStage, names: Sequence[str], cells: np.ndarray) -> dict[str, np.ndarray]:
    """The named metrics of every table of counts; NaN where undefined.

    Parameters
    ----------
    cells
        As `Counts` holds them.
    """
    import numpy as np

    counts = Counts(cells)
    known = pre_training.FORMULAS if stage == "Pre-training" else post_training.FORMULAS
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: known[name](counts) for name in names if name in known}


def figures(
    stage: BiasStage,
    split: Split,
    cells: np.ndarray,
    *,
    metrics: Collection[str] | Literal["all"] = "all",
    minimum: int = 0,
    grouped: bool = False,
    predicted: np.ndarray | None = None,
    flips: FlipRows | None = None,
) -> Iterator[BiasFigure]:
    """Every wanted metric of every group.

    Parameters
    ----------
    cells
        What `counted` made of the split.
    metrics
        Clarify's names, or all.
    minimum
        Rows that the group and everyone else must each have to be judged.
    grouped
        Whether the strata are those of a group variable.
    predicted, flips
        What the flip test needs; it is left out without `flips`.
    """
    names = chosen(stage, metrics)
    if flips is None:
        names = [name for name in names if name != "FT"]
    values = computed(stage, names, cells)
    for place, said in enumerate(split.texts):
        table = cells[place].sum(axis=0)
        for name in names:
            error = _why_not(name, table, minimum, grouped)
            figure = None
            if not error and name == "FT":
                assert flips is not None and predicted is not None
                figure, error = _flipped(flips, predicted, split.member[place])
            elif not error:
                figure = float(values[name][place])
                if figure != figure:
                    figure, error = None, ALL_MISSED if name == "GE" else NOTHING_COMMON
            # minus zero is a zero nobody wants to read
            yield BiasFigure(
                stage, split.facet, said, name, figure + 0.0 if figure is not None else None, error
            )


def _why_not(name: str, table: np.ndarray, minimum: int, grouped: bool) -> str:
    """Why a metric of a group is not computed; empty where it is."""
    everyone, group = (int(rows) for rows in table.sum(axis=(1, 2)))
    if name in ("CDDL", "CDDPL") and not grouped:
        return NO_GROUP
    if group == 0:
        return NOBODY
    if everyone == 0 and name != "GE":
        return EVERYBODY
    if min(group, everyone) < minimum:
        return f"The smaller side has {min(group, everyone)} rows, and {minimum} are needed to judge it"
    if name in ("CDDL", "CDDPL"):
        negative, positive = table.sum(axis=(0, 2 if name == "CDDL" else 1))
        return NO_POSITIVE if positive == 0 else NO_NEGATIVE if negative == 0 else ""
    return ""


def _flipped(flips: FlipRows, predicted: np.ndarray, member: np.ndarray) -> tuple[float | None, str]:
    import numpy as np

    if flips.matrix is None:
        return None, TEXTS
    if not flips.matrix.shape[1]:
        return None, ALONE
    if np.isnan(flips.matrix).any():
        return None, UNKNOWN
    return flip_test(flips.matrix, predicted, member, flips.votes), ""
