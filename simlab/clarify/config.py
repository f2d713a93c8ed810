"""`analysis_config.json`: what a Clarify job is asked to do, read with care and written from settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from simlab.clarify.bias import STAGES, Metric, chosen
from simlab.clarify.facets import Facet, Threshold
from simlab.errors import SimlabError, did_you_mean
from simlab.signature import sentences
from simlab.wire import as_json, from_json


def _lower(given: Any) -> Any:
    return given.lower() if isinstance(given, str) else given


Name = str | int
"""A column by its name, or by its place in a file without headers."""


class Part(BaseModel):
    """A part of the file: frozen, and strict about its keys, as the SDK's own schema is."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FacetPart(Part):
    """A facet and the values or the threshold of its group."""

    name_or_index: Name
    value_or_threshold: list[int | float | str] | None = None


class Segment(Part):
    """Rows looked at apart."""

    config_name: str | None = None
    name_or_index: Name
    segments: list[list[Name]]
    display_aliases: list[str] | None = None


class TextConfig(Part):
    """How texts are cut."""

    granularity: Annotated[Literal["token", "sentence", "paragraph"], BeforeValidator(_lower)]
    language: str
    max_top_tokens: int | None = None


class Debug(Part):
    """What of images is kept for a look."""

    image_names: list[str] | None = None
    class_ids: list[int] | None = None
    sample_from: int | None = None
    sample_to: int | None = None


class ImageConfig(Part):
    """How images are cut."""

    num_segments: int | None = None
    segment_compactness: int | None = None
    feature_extraction_method: str | None = None
    model_type: str | None = None
    max_objects: int | None = None
    iou_threshold: float | None = None
    context: float | None = None
    debug: Debug | None = None


class Shap(Part):
    """Kernel SHAP."""

    baseline: str | list[Any] | dict[str, Any] | None = None
    num_clusters: int | None = None
    use_logit: bool | None = None
    num_samples: int | None = None
    agg_method: Annotated[
        Literal["mean_abs", "median", "mean_sq"] | None, BeforeValidator(_lower)
    ] = None  # fmt: skip
    save_local_shap_values: bool | None = None
    text_config: TextConfig | None = None
    image_config: ImageConfig | None = None
    seed: int | None = None
    features_to_explain: list[Name] | None = None


class Asymmetric(Part):
    """Asymmetric Shapley values of time series."""

    direction: Literal["chronological", "anti_chronological", "bidirectional"]
    granularity: Literal["timewise", "fine_grained"]
    num_samples: int | None = None
    baseline: str | dict[str, Any] | None = None


class Bias(Part):
    """Bias metrics: `all`, or a list of names."""

    methods: str | list[str]


class Pdp(Part):
    """Partial dependence."""

    grid_resolution: int
    features: list[Name] | None = None
    top_k_features: int | None = None


class Report(Part):
    """The report."""

    name: str
    title: str | None = None


class Methods(Part):
    """What is to be computed; at least one."""

    shap: Shap | None = None
    asymmetric_shapley_value: Asymmetric | None = None
    pre_training_bias: Bias | None = None
    post_training_bias: Bias | None = None
    pdp: Pdp | None = None
    report: Report | None = None


class Predictor(Part):
    """The model that is asked."""

    endpoint_name: str | None = None
    endpoint_name_prefix: Annotated[str | None, Field(pattern="^[a-zA-Z0-9](-*[a-zA-Z0-9])")] = None
    model_name: str | None = None
    target_model: str | None = None
    instance_type: str | None = None
    initial_instance_count: int | None = None
    accelerator_type: str | None = None
    content_type: str | None = None
    accept_type: str | None = None
    label: Name | None = None
    probability: Name | None = None
    label_headers: list[Name] | None = None
    content_template: str | dict[str, str] | None = None
    record_template: str | None = None
    custom_attributes: str | None = None


class AnalysisConfig(Part):
    """The whole file; keys and types of the SDK's `ANALYSIS_CONFIG_SCHEMA_V1_0`."""

    version: str | None = None
    dataset_type: Annotated[
        Literal[
            "text/csv",
            "application/jsonlines",
            "application/json",
            "application/sagemakercapturejson",
            "application/x-parquet",
            "application/x-image",
        ],
        BeforeValidator(_lower),
    ]
    dataset_uri: str | None = None
    headers: list[str] | None = None
    label: Name | None = None
    predicted_label: Name | None = None
    features: str | None = None
    label_values_or_threshold: list[int | float | str] | None = None
    probability_threshold: float | None = None
    segment_config: list[Segment] | None = None
    facet: list[FacetPart] | None = None
    facet_dataset_uri: str | None = None
    facet_headers: list[str] | None = None
    predicted_label_dataset_uri: str | None = None
    predicted_label_headers: list[str] | None = None
    time_series_data_config: dict[str, Any] | None = None
    excluded_columns: list[Name] | None = None
    joinsource_name_or_index: Name | None = None
    group_variable: Name | None = None
    methods: Methods
    predictor: Predictor | None = None


@dataclass(frozen=True)
class BiasSettings:
    """What of an analysis is simlab's `bias` stage, and the `model_bias` monitor."""

    facets: Mapping[str, Facet]
    group_variable: str | None = None
    metrics: tuple[Metric, ...] | Literal["all"] = "all"
    probability_threshold: float | None = None
    label_values: tuple[int | float | str, ...] = ()


def _unknown(model: type[BaseModel], body: Any, where: str) -> Iterator[str]:
    """Keys nobody knows, at any depth, each with the nearest right one."""
    if not isinstance(body, dict):
        return
    for key, value in body.items():
        place = f"{where}.{key}" if where else str(key)
        if key not in model.model_fields:
            hint = did_you_mean(key, model.model_fields)
            yield f"{where + ': ' if where else ''}no key called {key!r}{hint}"
            continue
        for inner in _models(model.model_fields[key].annotation):
            if isinstance(value, list):
                for number, item in enumerate(value):
                    yield from _unknown(inner, item, f"{place}[{number}]")
            else:
                yield from _unknown(inner, value, place)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType, list, Annotated):
        for part in get_args(annotation):
            yield from _models(part)


def problems_in(body: Any) -> list[str]:
    """What is wrong with the content of an `analysis_config.json`, one sentence each, with its place."""
    found = list(_unknown(AnalysisConfig, body, ""))
    try:
        config = AnalysisConfig.model_validate(body)
    except ValidationError as wrong:
        return found + [s for s in sentences(wrong, "", body) if "no key called" not in s]
    asked = config.methods.model_fields_set
    if not asked:
        found.append(f"methods: it needs at least one of {', '.join(Methods.model_fields)}")
    for stage, part in (
        ("Pre-training", config.methods.pre_training_bias),
        ("Post-Training", config.methods.post_training_bias),
    ):
        if part is None or part.methods == "all":
            continue
        key = "pre_training_bias" if stage == "Pre-training" else "post_training_bias"
        known = STAGES[stage]  # type: ignore[index]
        for name in [part.methods] if isinstance(part.methods, str) else part.methods:
            if name not in known:
                found.append(
                    f"methods.{key}.methods: no metric called {name!r}{did_you_mean(name, [*known, 'all'])}"
                )
    biased = {"pre_training_bias", "post_training_bias"} & asked
    for key in ("label", "facet"):
        if biased and getattr(config, key) is None:
            found.append(f"the key {key!r} is missing, and bias metrics need it")
    return found


def read(content: bytes, file: str = "analysis_config.json") -> AnalysisConfig:
    """Read an `analysis_config.json`.

    Parameters
    ----------
    file
        Its name, for messages.

    Raises
    ------
    SimlabError
        It is no JSON, or something in it is not as Clarify takes it; the message names every place.
    """
    body = from_json(content, file)
    if problems := problems_in(body):
        raise SimlabError("\n".join(f"{file}: {problem}" for problem in problems))
    return AnalysisConfig.model_validate(body)


def settings_of(config: AnalysisConfig, numeric: Sequence[str] = ()) -> BiasSettings:
    """What an analysis says of bias, in simlab's words.

    Parameters
    ----------
    numeric
        Names of the numeric columns: one number given for one of them is a threshold. In a column of few
        different whole numbers Clarify takes it for a value; write the setting by hand there.

    Raises
    ------
    SimlabError
        A column is named by a place that no header stands for.
    """
    facets: dict[str, Facet] = {}
    for part in config.facet or ():
        name, given = _name(config, part.name_or_index), part.value_or_threshold
        if not given:
            facets[name] = None
        elif len(given) == 1 and name in numeric and not isinstance(given[0], str):
            facets[name] = Threshold(float(given[0]))
        else:
            facets[name] = tuple(given)
    wanted = _wanted(config.methods.pre_training_bias, "Pre-training")
    wanted += _wanted(config.methods.post_training_bias, "Post-Training")
    everything = [name for stage in STAGES.values() for name in stage]
    group = config.group_variable
    return BiasSettings(
        facets=facets,
        group_variable=None if group is None else _name(config, group),
        metrics="all" if wanted == everything else tuple(wanted),  # type: ignore[arg-type]
        probability_threshold=config.probability_threshold,
        label_values=tuple(config.label_values_or_threshold or ()),
    )


def _wanted(part: Bias | None, stage: Literal["Pre-training", "Post-Training"]) -> list[str]:
    if part is None:
        return []
    methods = part.methods
    return chosen(stage, [methods] if isinstance(methods, str) and methods != "all" else methods)


def _name(config: AnalysisConfig, given: Name) -> str:
    if isinstance(given, str):
        return given
    if config.headers is None or not 0 <= given < len(config.headers):
        raise SimlabError(f"analysis_config.json: column {given} has no header; name columns in 'headers'")
    return config.headers[given]


def written(settings: BiasSettings, headers: Sequence[str], label: str, predicted_label: str) -> bytes:
    """The `analysis_config.json` with which Clarify would do what the settings say.

    Parameters
    ----------
    headers
        Columns of the dataset, in their order.
    label, predicted_label
        Names of the columns that hold the label and the model's answer.
    """
    facets: list[dict[str, Any]] = []
    for name, facet in settings.facets.items():
        part: dict[str, Any] = {"name_or_index": name}
        if facet is not None:
            part["value_or_threshold"] = (
                [facet.threshold] if isinstance(facet, Threshold) else list(facet)
            )  # fmt: skip
        facets.append(part)
    methods: dict[str, Any] = {}
    for stage, key in (("Pre-training", "pre_training_bias"), ("Post-Training", "post_training_bias")):
        names = STAGES[stage]  # type: ignore[index]
        wanted = chosen(stage, settings.metrics)  # type: ignore[arg-type]
        if wanted:
            methods[key] = {"methods": "all" if wanted == list(names) else wanted}
    body: dict[str, Any] = {
        "version": "1.0",
        "dataset_type": "application/x-parquet",
        "headers": list(headers),
        "label": label,
        "predicted_label": predicted_label,
        "label_values_or_threshold": list(settings.label_values),
    }
    if settings.probability_threshold is not None:
        body["probability_threshold"] = settings.probability_threshold
    body["facet"] = facets
    if settings.group_variable is not None:
        body["group_variable"] = settings.group_variable
    return as_json(body | {"methods": methods})
