"""What a model's answers depend on, by asking it again: partial dependence and permutation importance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Answers = Callable[["pa.Table"], "np.ndarray"]
"""A model as somebody who asks it sees it: one answer per row."""


@dataclass(frozen=True)
class Dependence:
    """Mean answers where one feature is set to one value in every row."""

    feature: str
    kind: Literal["numerical", "categorical"]
    values: tuple[float, ...] | tuple[str, ...]
    """Centres of the buckets, or categories."""
    shares: tuple[float, ...]
    """Share of the rows, of those with a value, in each bucket or category."""
    answers: tuple[float, ...]

    def as_aws(self, label: str) -> dict[str, Any]:
        """Its entry under `pdp` in `analysis.json`.

        Parameters
        ----------
        label
            Name of the output.
        """
        return {
            "feature_name": self.feature,
            "data_type": self.kind,
            "feature_values": list(self.values),
            "data_distribution": list(self.shares),
            "model_predictions": [list(self.answers)],
            "label_headers": [label],
        }


def numeric_dependence(table: pa.Table, feature: str, ask: Answers, resolution: int) -> Dependence:
    """Mean answers along a numeric feature (Friedman 2001, section 8.2), at Clarify's buckets.

    The range of the feature is cut in buckets of equal width; every row is answered with the feature at
    the centre of each. A feature of one value has one bucket, a feature without values none.

    Parameters
    ----------
    table
        Rows with every feature; at least one.
    feature
        The feature.
    ask
        The model.
    resolution
        Number of buckets: Clarify's grid_resolution.
    """
    import numpy as np
    import pyarrow as pa

    values = np.asarray(table[feature].drop_null().to_numpy(), float)
    values = values[np.isfinite(values)]
    if not len(values):
        return Dependence(feature, "numerical", (), (), ())
    low, high = float(values.min()), float(values.max())
    edges = np.linspace(low, high, resolution + 1) if high > low else np.array([low, low])
    counts = np.histogram(values, edges)[0] if high > low else np.array([len(values)])
    centres = ((edges[:-1] + edges[1:]) / 2).tolist()
    answers = [_mean(table, feature, pa.scalar(centre, table[feature].type), ask) for centre in centres]
    return Dependence(
        feature, "numerical", tuple(centres), tuple((counts / len(values)).tolist()), tuple(answers)
    )


def categorical_dependence(table: pa.Table, feature: str, ask: Answers, most: int) -> Dependence:
    """Mean answers at each category, the most frequent first.

    Parameters
    ----------
    table, feature, ask
        As in `numeric_dependence`.
    most
        Most categories; those with fewer rows are left out, and the shares then sum to less than 1.
    """
    import pyarrow as pa

    present = table[feature].drop_null()
    counted = [(-each["counts"], str(each["values"])) for each in present.value_counts().to_pylist()]
    counted = sorted(counted)[:most]
    answers = [_mean(table, feature, pa.scalar(text, table[feature].type), ask) for _, text in counted]
    shares = tuple(-count / len(present) for count, _ in counted)
    return Dependence(feature, "categorical", tuple(text for _, text in counted), shares, tuple(answers))


def _mean(table: pa.Table, feature: str, value: pa.Scalar, ask: Answers) -> float:
    import pyarrow as pa

    column = pa.repeat(value, table.num_rows)
    return float(ask(table.set_column(table.column_names.index(feature), feature, column)).mean())


def permutation_importance(
    table: pa.Table,
    features: Sequence[str],
    loss: Callable[[pa.Table], float],
    repeats: int,
    rng: np.random.Generator,
) -> Mapping[str, tuple[float, float]]:
    """How much worse a model gets where one feature is shuffled: mean and deviation over the repeats.

    Permutation importance (Breiman 2001, section 10; Fisher, Rudin and Dominici 2019): the loss with the
    feature's values in another order, less the loss as it is. It may be negative by chance. Every feature
    is shuffled by the same orders, so that features compare fairly.

    Parameters
    ----------
    table
        Rows with every feature and whatever the loss needs; at least one.
    features
        Features to shuffle, one at a time.
    loss
        What is lost on a table's rows; lower is better.
    repeats
        How often each is shuffled.
    rng
        Draws the orders.

    Returns
    -------
    Mean and population standard deviation by feature, in the order given.
    """
    import numpy as np
    import pyarrow as pa

    orders = [pa.array(rng.permutation(table.num_rows)) for _ in range(repeats)]
    usual = loss(table)
    found = {}
    for name in features:
        place = table.column_names.index(name)
        lost = np.array([loss(table.set_column(place, name, table[name].take(order))) for order in orders])
        found[name] = (float((lost - usual).mean()), float(lost.std()))
    return found
