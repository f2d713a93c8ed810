"""What Model Monitor knows of rows: every feature's type, completeness, moments and distribution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

from simlab.model_monitor.sketch import Sketch

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

InferredType = Literal["Integral", "Fractional", "String", "Unknown"]
"""SageMaker's inferred_type."""

BUCKETS = 10
"""Equal-width buckets between the least and the greatest value."""

MOST_NAMES = 1000
"""Distinct texts up to which a file holds their counts; Deequ's histograms hold as many."""

_INTEGRAL = r"^[-+]? ?\d+$"
_FRACTIONAL = r"^[-+]? ?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$"


@dataclass(frozen=True)
class Bucket:
    """A bucket of a numeric distribution: from its lower bound, until its upper one."""

    lower: float
    upper: float
    count: float


@dataclass(frozen=True)
class Numeric:
    """What is known of a feature's numbers; a moment of no numbers is None."""

    mean: float | None
    total: float | None
    std_dev: float | None
    """Of the population, as in Deequ."""
    least: float | None
    greatest: float | None
    buckets: tuple[Bucket, ...] = ()
    sketch: Sketch | None = None
    """None where a file holds none."""


@dataclass(frozen=True)
class Textual:
    """What is known of a feature's texts."""

    distinct: float
    counts: Mapping[str, int] | None = None
    """How often each occurs, the most frequent first; None where a file does not say."""


@dataclass(frozen=True)
class Feature:
    """What is known of one feature."""

    name: str
    inferred_type: InferredType
    present: int
    missing: int
    numeric: Numeric | None = None
    text: Textual | None = None
    matching: float | None = None
    """Share of the present values that are of the type; known of rows, not of a file."""

    @property
    def completeness(self) -> float | None:
        """Share of the values that are present; None without rows."""
        rows = self.present + self.missing
        return self.present / rows if rows else None


@dataclass(frozen=True)
class Statistics:
    """What `statistics.json` says."""

    items: int
    features: tuple[Feature, ...]
    version: float = field(default=0.0)

    @cached_property
    def by_name(self) -> Mapping[str, Feature]:
        """The features by name."""
        return {feature.name: feature for feature in self.features}


def statistics_of(
    table: pa.Table, types: Mapping[str, InferredType] | None = None, columns: Iterable[str] | None = None
) -> Statistics:
    """What is known of a table's columns.

    The type of a column is read from its values unless it is given: numbers that are all whole are
    Integral, texts are String. A missing value is null, NaN or infinite. The order of the rows does not
    count.

    Parameters
    ----------
    table
        Rows.
    types
        Types that the values should have, by column: what is not of its type is left out of the figures
        and lowers `matching`.
    columns
        Which columns, in which order; all of them when left out.
    """
    expected = types or {}
    names = table.column_names if columns is None else list(columns)
    return Statistics(
        items=table.num_rows,
        features=tuple(_feature(name, table[name], expected.get(name)) for name in names),
    )


def _feature(name: str, column: pa.ChunkedArray, expected: InferredType | None) -> Feature:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_null(kind) or len(column) == column.null_count:
        return _empty(name, len(column), expected)
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = _numbers(column)
        if not len(values):
            return _empty(name, len(column), expected)
        if expected == "String":
            return _textual(name, _spelled(values), len(column))
        return _numeric(name, values, len(values), len(column), expected)
    column = column.cast(pa.string())
    if expected in ("Integral", "Fractional"):
        return _parsed(name, column, expected)
    return _textual(name, column, len(column))


def _empty(name: str, rows: int, expected: InferredType | None) -> Feature:
    nothing = Numeric(None, None, None, None, None)
    if expected in ("Integral", "Fractional"):
        return Feature(name, expected, 0, rows, numeric=nothing)
    if expected == "String":
        return Feature(name, "String", 0, rows, text=Textual(0.0, {}))
    return Feature(name, "Unknown", 0, rows)


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    """The finite values of a numeric column."""
    import numpy as np

    values = np.asarray(column.to_numpy(), float)
    here = np.isfinite(values)
    return values if here.all() else values[here]


def _numeric(
    name: str,
    values: np.ndarray,
    present: int,
    rows: int,
    expected: InferredType | None,
    fractional: int = 0,
) -> Feature:
    """A numeric feature.

    Parameters
    ----------
    values
        Numbers among the present values.
    present, rows
        Values that are there, and all of them.
    fractional
        Numbers that are whole in value and not in spelling.
    """
    import numpy as np

    whole = int(np.count_nonzero(np.floor(values) == values)) - fractional if expected != "Fractional" else 0
    found: InferredType = "Integral" if whole == present else "Fractional"
    kind = found if expected in (None, "Unknown") else expected
    right = whole if kind == "Integral" else len(values)
    return Feature(
        name,
        kind,
        present,
        rows - present,
        numeric=summarised(np.sort(values)),
        matching=right / present if present else None,
    )


def summarised(ordered: np.ndarray) -> Numeric:
    """Moments, buckets and sketch of finite values in ascending order."""
    import numpy as np

    if not len(ordered):
        return Numeric(None, None, None, None, None)
    least, greatest = float(ordered[0]), float(ordered[-1])
    with np.errstate(over="ignore"):
        total = float(ordered.sum())
        mean = total / len(ordered) if isfinite(total) else float((ordered / len(ordered)).sum())
        # Rounding must not put the mean of equal numbers beside them.
        mean = min(max(mean, least), greatest)
        deviation = float(np.sqrt(np.square(ordered - mean).sum() / len(ordered)))
    edges = _edges(least, greatest)
    below = ordered.searchsorted(edges[:-1], side="left")
    counts = np.diff(np.append(below, len(ordered)))
    return Numeric(
        mean=mean,
        total=total,
        std_dev=deviation,
        least=least,
        greatest=greatest,
        buckets=tuple(Bucket(edges[i], edges[i + 1], float(n)) for i, n in enumerate(counts)),
        sketch=Sketch.of(ordered),
    )


def _edges(least: float, greatest: float) -> list[float]:
    """Bounds of the buckets, also where the way between the two is longer than a double can say."""
    width = greatest - least
    if isfinite(width * BUCKETS):
        edges = [least + width * i / BUCKETS for i in range(BUCKETS + 1)]
    else:
        edges = [least * (1 - i / BUCKETS) + greatest * (i / BUCKETS) for i in range(BUCKETS + 1)]
    edges[-1] = greatest
    return edges


def _textual(name: str, column: pa.ChunkedArray, rows: int) -> Feature:
    import pyarrow.compute as pc

    counted = pc.value_counts(column)
    pairs = zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True)
    ordered = sorted(((-n, name) for name, n in pairs if name is not None))
    present = -sum(n for n, _ in ordered)
    return Feature(
        name,
        "String",
        present,
        rows - present,
        text=Textual(float(len(ordered)), {name: -n for n, name in ordered}),
        matching=1.0 if present else None,
    )


def _parsed(name: str, column: pa.ChunkedArray, expected: InferredType) -> Feature:
    """A column of texts in which numbers are expected, as a CSV file has them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = column.drop_null()
    numbers = texts.filter(pc.match_substring_regex(texts, _FRACTIONAL))
    plain = pc.replace_substring(numbers, " ", "")
    values = np.asarray(pc.cast(pc.replace_substring_regex(plain, r"^\+", ""), pa.float64()).to_numpy())
    values = values[np.isfinite(values)]
    spelled = int(pc.sum(pc.match_substring_regex(numbers, _INTEGRAL)).as_py() or 0)
    whole = int(np.count_nonzero(np.floor(values) == values))
    return _numeric(name, values, len(texts), len(column), expected, max(0, whole - spelled))


def _spelled(values: np.ndarray) -> pa.ChunkedArray:
    """Numbers as texts: whole ones without a point."""
    import numpy as np
    import pyarrow as pa

    if (np.floor(values) == values).all() and np.abs(values).max(initial=0) < 2**53:
        return pa.chunked_array([pa.array(values.astype(np.int64)).cast(pa.string())])
    return pa.chunked_array([pa.array(values).cast(pa.string())])


def as_body(statistics: Statistics) -> dict[str, Any]:
    """`statistics.json`, with the service's keys in its order."""
    return {
        "version": statistics.version,
        "dataset": {"item_count": statistics.items},
        "features": [_feature_body(feature) for feature in statistics.features],
    }


def _feature_body(feature: Feature) -> dict[str, Any]:
    body: dict[str, Any] = {"name": feature.name, "inferred_type": feature.inferred_type}
    common = {"num_present": feature.present, "num_missing": feature.missing}
    if feature.numeric is not None:
        body["numerical_statistics"] = {"common": common} | _numeric_body(feature.numeric)
    elif feature.text is not None:
        told: dict[str, Any] = {"common": common, "distinct_count": feature.text.distinct}
        if feature.text.counts is not None and len(feature.text.counts) <= MOST_NAMES:
            buckets = [{"value": name, "count": n} for name, n in feature.text.counts.items()]
            told["distribution"] = {"categorical": {"buckets": buckets}}
        body["string_statistics"] = told
    else:
        body["string_statistics"] = {"common": common, "distinct_count": 0.0}
    return body


def _numeric_body(numeric: Numeric) -> dict[str, Any]:
    if numeric.mean is None:
        return {}  # the service's figures of no numbers are not known
    body: dict[str, Any] = {
        "mean": figure(numeric.mean),
        "sum": figure(numeric.total),
        "std_dev": figure(numeric.std_dev),
        "min": numeric.least,
        "max": numeric.greatest,
    }
    kll: dict[str, Any] = {}
    if numeric.buckets:
        kll["buckets"] = [
            {"lower_bound": b.lower, "upper_bound": b.upper, "count": b.count} for b in numeric.buckets
        ]
    if numeric.sketch is not None:
        kll["sketch"] = {
            "parameters": {"c": numeric.sketch.c, "k": numeric.sketch.k},
            "data": [level.tolist() for level in numeric.sketch.levels],
        }
    return body | ({"distribution": {"kll": kll}} if kll else {})


def figure(value: float | None) -> float | str | None:
    """A figure as JSON can say it.

    >>> figure(float("inf")), figure(0.5)
    ('Infinity', 0.5)
    """
    if value is None or abs(value) < float("inf"):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
