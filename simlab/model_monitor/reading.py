"""Reading `statistics.json`: simlab's own, a person's, and the real service's."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from simlab.errors import UsageError
from simlab.model_monitor.sketch import SHRINKING, SIZE, Sketch
from simlab.model_monitor.statistics import Bucket, Feature, InferredType, Numeric, Statistics, Textual
from simlab.signature import sentences
from simlab.wire import from_json


class _Part(BaseModel):
    """A part of the file; what simlab does not read may stand there."""

    model_config = ConfigDict(extra="ignore", frozen=True)


Figure = float | None


class _Bucket(_Part):
    lower_bound: float
    upper_bound: float
    count: float


class _Parameters(_Part):
    c: float = SHRINKING
    k: float = float(SIZE)


class _Sketch(_Part):
    parameters: _Parameters = _Parameters()
    data: list[list[float]]


class _Kll(_Part):
    buckets: list[_Bucket] = []
    sketch: _Sketch | None = None


class _Value(_Part):
    value: Annotated[str, BeforeValidator(lambda given: given if isinstance(given, str) else str(given))]
    count: Annotated[int, BeforeValidator(lambda given: int(given) if isinstance(given, float) else given)]


class _Categorical(_Part):
    buckets: list[_Value] = []


class _Distribution(_Part):
    kll: _Kll | None = None
    categorical: _Categorical | None = None


class _Common(_Part):
    num_present: Annotated[int, Field(ge=0)]
    num_missing: Annotated[int, Field(ge=0)] = 0


class _Numerical(_Part):
    common: _Common
    mean: Figure = None
    sum: Figure = None
    std_dev: Figure = None
    min: Figure = None
    max: Figure = None
    distribution: _Distribution | None = None


class _String(_Part):
    common: _Common
    distinct_count: float = 0.0
    distribution: _Distribution | None = None


class _Feature(_Part):
    name: str
    inferred_type: InferredType
    numerical_statistics: _Numerical | None = None
    string_statistics: _String | None = None


class _Dataset(_Part):
    item_count: Annotated[int, Field(ge=0)]


class _Statistics(_Part):
    version: float = 0.0
    dataset: _Dataset
    features: list[_Feature]


@lru_cache(maxsize=8)
def read_statistics(text: bytes, name: str = "statistics.json") -> Statistics:
    """The statistics in a file of Model Monitor's.

    A sketch may have any number of levels, a distribution may be missing, and a column of a file
    without a head may be called `_c0`.

    Parameters
    ----------
    text
        The file.
    name
        What it is called in messages.

    Raises
    ------
    UsageError
        It is not JSON, or not such a file; the message says where.
    """
    body = from_json(text, name)
    try:
        found = _Statistics.model_validate(body)
    except ValidationError as wrong:
        raise UsageError("\n".join(f"{name}: {said}" for said in sentences(wrong, "", body))) from wrong
    return Statistics(
        found.dataset.item_count, tuple(_read(feature) for feature in found.features), found.version
    )


def _read(feature: _Feature) -> Feature:
    numbers, texts = feature.numerical_statistics, feature.string_statistics
    if numbers is not None:
        kll = numbers.distribution.kll if numbers.distribution else None
        numeric = Numeric(
            numbers.mean,
            numbers.sum,
            numbers.std_dev,
            numbers.min,
            numbers.max,
            tuple(Bucket(b.lower_bound, b.upper_bound, b.count) for b in kll.buckets) if kll else (),
            Sketch.read(kll.sketch.data, kll.sketch.parameters.c, kll.sketch.parameters.k)
            if kll and kll.sketch
            else None,
        )
        return _built(feature, numbers.common, numeric=numeric)
    if texts is None:
        return Feature(feature.name, feature.inferred_type, 0, 0)
    if feature.inferred_type == "Unknown":
        return _built(feature, texts.common)
    shares = texts.distribution.categorical if texts.distribution else None
    counts = {bucket.value: bucket.count for bucket in shares.buckets} if shares else None
    return _built(feature, texts.common, text=Textual(texts.distinct_count, counts))


def _built(feature: _Feature, common: _Common, **known: Any) -> Feature:
    return Feature(feature.name, feature.inferred_type, common.num_present, common.num_missing, **known)
