"""`analysis_config.json`: the service's keys and no others, and settings on either side of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simlab.clarify import config
from simlab.clarify.facets import Threshold
from simlab.errors import SimlabError

CONTRACT: dict[str, Any] = {
    "version": "1.0", "dataset_type": "text/csv", "dataset_uri": "s3://bucket/data", "headers": ["age", "sex", "y"],
    "label": "y", "predicted_label": "yhat", "label_values_or_threshold": [1], "probability_threshold": 0.5,
    "facet": [{"name_or_index": "sex", "value_or_threshold": [0]}], "group_variable": "age",
    "excluded_columns": [], "joinsource_name_or_index": "id",
    "methods": {
        "pre_training_bias": {"methods": "all"},
        "post_training_bias": {"methods": ["DPPL", "DI", "DCA"]},
        "shap": {
            "baseline": [[0.3, 1]], "num_samples": 100, "agg_method": "mean_abs", "use_logit": False,
            "save_local_shap_values": True, "seed": 1,
        },
        "pdp": {"grid_resolution": 15, "features": ["age"], "top_k_features": 10},
        "report": {"name": "report", "title": "Analysis Report"},
    },
    "predictor": {
        "model_name": "m", "instance_type": "ml.m5.xlarge", "initial_instance_count": 1, "content_type": "text/csv",
        "accept_type": "text/csv", "label": 0, "probability": 0, "label_headers": ["no", "yes"],
        "content_template": '{"instances":$features}',
    },
}  # fmt: skip


def changed(**more: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(CONTRACT)), **more}


def test_a_job_of_the_service_is_read_and_becomes_settings() -> None:
    found = config.settings_of(config.read(json.dumps(CONTRACT).encode()))
    assert found.facets == {"sex": (0,)} and found.group_variable == "age"
    assert found.probability_threshold == 0.5 and found.label_values == (1,)
    assert found.metrics == ("CDDL", "CI", "DPL", "JS", "KL", "KS", "LP", "TVD", "DCA", "DI", "DPPL")


def test_columns_by_place_and_thresholds_of_numbers() -> None:
    facets = [{"name_or_index": 0, "value_or_threshold": [40]}, {"name_or_index": 1}]
    read = config.read(json.dumps(changed(facet=facets, group_variable=1)).encode())
    found = config.settings_of(read, numeric=["age"])
    assert found.facets == {"age": Threshold(40.0), "sex": None} and found.group_variable == "sex"
    with pytest.raises(SimlabError, match="column 7 has no header"):
        config.settings_of(config.read(json.dumps(changed(group_variable=7)).encode()))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (changed(lable="y"), "no key called 'lable'; did you mean 'label'?"),
        (
            changed(facet=[{"name_or_indx": "sex"}]),
            "facet[0]: no key called 'name_or_indx'; did you mean 'name_or_index'?",
        ),
        (changed(facet=[{}]), "facet[0]: the key 'name_or_index' is missing"),
        (changed(methods={}), "methods: it needs at least one of shap"),
        (
            changed(methods={"post_training_bias": {"methods": ["DPL", "DI"]}}),
            "methods.post_training_bias.methods: no metric called 'DPL'; did you mean 'DPPL'?",
        ),
        (
            changed(dataset_type="text/cvs"),
            "dataset_type: 'text/cvs' is not one of them; did you mean 'text/csv'?",
        ),
        (
            changed(methods={"shap": {"agg_methd": "median"}}),
            "methods.shap: no key called 'agg_methd'; did you mean 'agg_method'?",
        ),
        (changed(label=None), "the key 'label' is missing, and bias metrics need it"),
        (changed(methods={"pdp": {}}), "methods.pdp: the key 'grid_resolution' is missing"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_would_be_right(body: dict[str, Any], says: str) -> None:
    assert any(says in problem for problem in config.problems_in(body)), config.problems_in(body)
    with pytest.raises(SimlabError) as wrong:
        config.read(json.dumps(body).encode(), "mine.json")
    assert f"mine.json: {says}" in str(wrong.value)


def test_the_services_case_does_not_matter_where_it_does_not_there() -> None:
    assert not config.problems_in(changed(dataset_type="Text/CSV"))


@pytest.mark.parametrize(
    "settings",
    [
        config.BiasSettings(
            {"sex": ("Female",), "race": None, "age": Threshold(40.0)}, "race", "all", 0.4, (1,)
        ),
        config.BiasSettings({"sex": ("Female",)}, None, ("CI", "DPPL"), None, (1,)),
        config.BiasSettings({"sex": ("a", "b")}, None, ("DPL",), None, (1,)),
    ],
)
def test_settings_survive_the_file(settings: config.BiasSettings) -> None:
    content = config.written(settings, ["age", "sex", "race", "y", "prediction"], "y", "prediction")
    assert config.problems_in(json.loads(content)) == []
    assert config.settings_of(config.read(content), numeric=["age"]) == settings
