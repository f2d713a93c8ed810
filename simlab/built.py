"""The nouns of a build: from rows as the world gave them to a model in service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from simlab.watched import Files, Fit

if TYPE_CHECKING:  # Arrow costs a tenth of a second, which `simlab check` need not pay
    import pyarrow as pa

Problem = Literal["binary", "regression"]
Kind = Literal["numeric", "categorical"]


# --- data ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """One feature column and what a person knows about it."""

    name: str
    kind: Kind
    sensitive: bool = False
    integral: bool = False
    """Whether its values are whole numbers at the source."""


@dataclass(frozen=True)
class View:
    """A group of features with one entity key, one clock and one time to live."""

    name: str
    entity: str
    """Column that joins the view to a row."""
    columns: tuple[Column, ...]
    ttl_seconds: int = 0
    """How long a value may be served after its event time; 0 is for ever."""
    from_rows: bool = False
    """Whether the rows themselves carry the view's features (no table of its own)."""


@dataclass(frozen=True)
class Schema:
    """Who is who among the columns; no stage names a column by itself."""

    problem: Problem
    target: str
    entity: str
    event_time: str
    columns: tuple[Column, ...]
    """Columns that arrive with the row and may be features."""
    keys: tuple[str, ...] = ()
    """Further entity keys that arrive with the row and join views; not features."""
    views: tuple[View, ...] = ()
    """Feature views; exactly one of them is `from_rows`."""
    ordered: bool = False
    """Whether event times are real, so that a split must respect them."""
    key_per_row: bool = False
    """Whether every row has an entity key of its own, so that one seen twice is a row sent twice."""

    @property
    def features(self) -> tuple[Column, ...]:
        """Every feature of the model, in the order of the views."""
        return tuple(column for view in self.views for column in view.columns)

    @property
    def numeric(self) -> tuple[str, ...]:
        """Names of the numeric features."""
        return tuple(c.name for c in self.features if c.kind == "numeric")

    @property
    def categorical(self) -> tuple[str, ...]:
        """Names of the categorical features."""
        return tuple(c.name for c in self.features if c.kind == "categorical")


@dataclass(frozen=True)
class Rows:
    """Labelled rows as the world gave them: entity key, event time, columns, target."""

    table: pa.Table
    schema: Schema
    source: str
    """Where they came from, for people: `adult-income, training`."""
    updates: Mapping[str, pa.Table] = field(default_factory=dict)
    """Rows of the views that have tables of their own, by view name."""


@dataclass(frozen=True)
class LakeRows:
    """Rows kept in the local lake under a version and a digest."""

    table: pa.Table
    schema: Schema
    source: str
    version: int
    updates: Mapping[str, pa.Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Constraint:
    """What one column must look like, learned from the rows the model was built on."""

    column: str
    kind: Kind
    completeness: float
    """Least share of values that are present, in [0, 1]."""
    nullable: bool
    """Whether one missing value is acceptable in a row."""
    lowest: float | None = None
    highest: float | None = None
    domain: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValidRows:
    """Rows that met the schema, and the constraints learned from them."""

    table: pa.Table
    schema: Schema
    constraints: tuple[Constraint, ...]
    rejected: int
    """Rows set aside in quarantine."""
    updates: Mapping[str, pa.Table] = field(default_factory=dict)


@dataclass(frozen=True)
class FeatureSet:
    """Point-in-time correct training features: one row per labelled event.

    `table` holds the entity key, the event time, every feature (numeric as double, categorical
    as string, null where unknown), the target as double, and `split` (train, valid or test).
    """

    table: pa.Table
    schema: Schema
    constraints: tuple[Constraint, ...]
    baseline: pa.Table
    """Features and target that the monitors compare with."""

    def part(self, split: str) -> pa.Table:
        """The rows of one part of the split."""
        import pyarrow.compute as pc

        return self.table.filter(pc.equal(self.table["split"], split))

    held_out: pa.Table | None = None
    """Labelled live rows that a retrain kept away from the model: champion and challenger meet on them."""


@dataclass(frozen=True)
class Trial:
    """One setting tried by tuning."""

    number: int
    values: Mapping[str, Any]
    score: float
    best_round: int = 0


@dataclass(frozen=True)
class Params:
    """The hyperparameters to train with."""

    algorithm: str
    values: Mapping[str, Any]
    metric: str
    score: float | None = None
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True)
class Model:
    """A trained model in its engine's own text, with what is needed to score with it."""

    algorithm: str
    problem: Problem
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    """Known values of each categorical feature, in code order."""
    native: str
    """LightGBM's model text, or the linear model's coefficients as JSON."""
    values: Mapping[str, Any]
    threshold: float
    """A score at or above it counts as the positive class (binary problems)."""
    probe: pa.Table
    """A few hundred feature rows on which native and exported scores must agree."""


@dataclass(frozen=True)
class Score:
    """One metric with its 95 % bootstrap interval."""

    metric: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Scores:
    """How the model did on rows it never saw, beside a dummy and a simple rule."""

    rows: int
    model: tuple[Score, ...]
    dummy: Mapping[str, float | None]
    rule: Mapping[str, float | None]
    rule_text: str

    def get(self, metric: str) -> Score | None:
        """The named metric, or None when the problem has none of that name."""
        return next((s for s in self.model if s.metric == metric), None)


@dataclass(frozen=True)
class BiasReport:
    """What Clarify says of the training labels, and of a model's answers on rows it never saw."""

    label: str
    label_value: str
    """What counts as positive; empty where nothing was measured."""
    analysis: bytes
    """`analysis.json`; empty where nothing was measured."""
    config: bytes
    """`analysis_config.json`: what was asked."""


@dataclass(frozen=True)
class Surrogate:
    """A small tree that answers as a model does, as far as it can."""

    text: str
    """The tree in words."""
    r2: float | None
    """Share of the variance of the model's answers that it explains, on rows it did not learn from."""
    agreement: float | None
    """Share of those rows that both call alike; None in a regression."""


@dataclass(frozen=True)
class Reasons:
    """Why a model answers as it does, on a sample of rows it never saw."""

    rows: int
    """Rows in the sample; 0 where nothing was explained."""
    method: str
    """TreeShap or LinearShap."""
    agg_method: str
    attributions: Mapping[str, float]
    """Global attribution of each feature, in the model's order."""
    expected_value: float
    """The raw score where nothing is known of a row; with a row's attributions it sums to its raw score."""
    permutation: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """How much worse the model gets where a feature is shuffled: mean and deviation."""
    surrogate: Surrogate | None = None
    files: Files = field(default_factory=dict)
    """`analysis.json` and what else may be opened."""


@dataclass(frozen=True)
class Version:
    """A registered model version; numbers count up within a run."""

    number: int
    model: Model
    scores: Scores
    schema: Schema
    constraints: tuple[Constraint, ...]
    baseline: pa.Table
    params: Params
    bias: BiasReport | None = None
    """What was measured of its bias."""
    seen: pa.Table | None = None
    """Keys of the rows that the model was fitted and tuned on (see `row_keys`)."""


@dataclass(frozen=True)
class Approved:
    """A version that may go into service."""

    version: Version
    why: str


@dataclass(frozen=True)
class Rejected:
    """A version that may not go into service, and why."""

    version: Version
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Deployment:
    """A model in service: the exported graph, its parity, and what its monitors compare with."""

    version: int
    onnx: bytes
    algorithm: str
    problem: Problem
    schema: Schema
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    threshold: float
    constraints: tuple[Constraint, ...]
    baseline: pa.Table
    """Features of the baseline rows, plus `prediction` and `label`."""
    quality: Mapping[str, Score]
    """The evaluation of this version, by metric."""
    parity: float
    """Largest difference between native and exported scores on the probe."""
    model: Model
    """The model behind the graph: its own text explains its answers."""
    endpoint: str = "simlab-endpoint"
    """Name of the endpoint that serves it."""
    deployed: datetime = datetime(1970, 1, 1)
    """When it was put into service, in simulated time."""
    baselines: Mapping[str, Files] = field(default_factory=dict)
    """What each scheduled monitor judges by: AWS's baseline files, by schedule."""
    params: Params | None = None
    """The hyperparameters it was trained with, for a retrain that does not tune again."""
    seen: pa.Table | None = None
    """Keys of the rows that it was fitted and tuned on: nothing is proven by them."""
    fit: Fit | None = None
    """Whether the baseline jobs saw this version's own rows; None where nobody asked."""


def row_keys(table: pa.Table, schema: Schema) -> pa.Table:
    """What tells labelled rows apart: the entity, and its time where the dataset's clock is real.

    Without a real clock all rows of an entity count as one, as they do in the split.
    """
    return table.select([schema.entity, schema.event_time] if schema.ordered else [schema.entity])
