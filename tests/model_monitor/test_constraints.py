"""`constraints.json`: suggested, read in every spelling that is out there, refused in words."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from simlab.errors import UsageError
from simlab.model_monitor.constraints import (
    MOST_DOMAIN,
    Constraints,
    as_body,
    read_constraints,
    rules,
    suggested,
    validated,
)
from simlab.model_monitor.statistics import as_body as statistics_body
from simlab.model_monitor.statistics import statistics_of
from simlab.wire import as_json

CONFIG = {
    "evaluate_constraints": "Enabled",
    "emit_metrics": "Enabled",
    "datatype_check_threshold": 1.0,
    "domain_content_threshold": 1.0,
    "distribution_constraints": {
        "perform_comparison": "Enabled",
        "comparison_threshold": 0.1,
        "comparison_method": "Robust",
        "categorical_comparison_threshold": 0.1,
        "categorical_drift_method": "LInfinity",
    },
}


def of(**columns: Any) -> Constraints:
    return suggested(statistics_of(pa.table(columns)))


def file(feature: dict[str, Any], config: dict[str, Any] | None = None) -> Constraints:
    told = {"name": "age", "inferred_type": "Integral"} | feature
    return validated({"version": 0.0, "features": [told], "monitoring_config": config or {}}, "c.json")


def test_the_recorded_excerpt_is_suggested_key_by_key():
    found = of(Churn=[0.0, 1.0, 1.0, 0.0, 1.0], State=["NJ", "NJ", "OH", "OH", "OH"])
    assert json.dumps(as_body(found)) == json.dumps(
        {
            "version": 0.0,
            "features": [
                {
                    "name": "Churn",
                    "inferred_type": "Integral",
                    "completeness": 1.0,
                    "num_constraints": {"is_non_negative": True},
                },
                {
                    "name": "State",
                    "inferred_type": "String",
                    "completeness": 1.0,
                    "string_constraints": {"domains": ["OH", "NJ"]},
                },
            ],
            "monitoring_config": CONFIG,
        }
    )


def test_what_held_of_the_baseline_is_suggested():
    found = of(x=[None, -1.0, 2.0, 3.5], empty=pa.nulls(4)).features
    assert found[0].completeness == 0.75 and found[0].inferred_type == "Fractional"
    assert found[0].num_constraints is not None and found[0].num_constraints.is_non_negative is False
    assert (found[1].inferred_type, found[1].num_constraints) == ("Unknown", None)


def test_a_domain_is_suggested_for_few_texts_that_occur_more_than_once():
    few = [f"t{i}" for i in range(MOST_DOMAIN)]
    assert of(x=few * 2).features[0].string_constraints is not None
    assert of(x=[*few, "one more"] * 2).features[0].string_constraints is None
    assert of(x=["a", "b"] * 9 + ["c"]).features[0].string_constraints is None, "a third of them is single"


def test_a_file_that_the_service_wrote_is_read_and_written_again_as_it_was():
    body = {
        "version": 0.0,
        "features": [
            {"name": "_c0", "inferred_type": "Fractional", "completeness": 1.0, "num_constraints": {"is_non_negative": True}},
            {"name": "_c5", "inferred_type": "String", "completeness": 1.0, "num_constraints": {"is_non_negative": True}, "monitoring_config_overrides": {"evaluate_constraints": "Disabled"}, "of_a_later_release": [1]},
        ],
        "monitoring_config": {k: v for k, v in CONFIG.items() if k != "distribution_constraints"} | {"distribution_constraints": {"perform_comparison": "Enabled", "comparison_threshold": 0.1, "comparison_method": "Robust"}},
    }  # fmt: skip
    found = read_constraints(as_json(body))
    assert as_body(found) == body
    assert json.dumps(as_body(found)) == json.dumps(body), "the keys keep their order"
    assert rules(found, found.features[0]).categorical_threshold == 0.1
    assert rules(found, found.features[1]).evaluate is False


@pytest.mark.parametrize("key", ["monitoring_config_overrides", "monitoringConfigOverrides"])
@pytest.mark.parametrize("place", ["", "string_constraints", "num_constraints"])
def test_an_override_counts_in_both_spellings_and_where_the_sdk_once_put_it(key: str, place: str):
    told = {key: {"distribution_constraints": {"comparison_threshold": 0.4, "comparison_method": "Simple"}}}
    found = file({place: told} if place else told)
    settled = rules(found, found.features[0])
    assert (settled.threshold, settled.robust, settled.categorical_threshold) == (0.4, False, 0.4)
    assert rules(found).threshold == 0.1 and settled.datatype == 1.0


def test_a_threshold_of_all_features_is_the_categorical_one_too_unless_that_is_said():
    one = file({}, {"distribution_constraints": {"comparison_threshold": 0.3}})
    assert rules(one).categorical_threshold == 0.3
    both = {"comparison_threshold": 0.3, "categorical_comparison_threshold": 0.2}
    assert rules(file({}, {"distribution_constraints": both})).categorical_threshold == 0.2


def test_left_out_keys_have_the_defaults_of_real_files():
    settled = rules(file({}))
    assert (settled.datatype, settled.domain, settled.threshold, settled.robust) == (1.0, 1.0, 0.1, True)
    assert settled.evaluate and settled.emit and settled.compare and not settled.chi_squared


@pytest.mark.parametrize(
    ("feature", "config", "said"),
    [
        ({"completness": 1.0}, {}, "features[0]: no key called 'completness'; did you mean 'completeness'?"),
        ({"completeness": 1.2}, {}, "features[0].completeness: input should be less than or equal to 1"),
        ({"inferred_type": "Integer"}, {}, "'Integer' is not one of them; did you mean 'Integral'?"),
        ({"num_constraints": {"is_nonnegative": True}}, {}, "did you mean 'is_non_negative'?"),
        ({}, {"evaluate_constraints": "enabled"}, "did you mean 'Enabled'?"),
        ({}, {"distribution_constraints": {"comparion_method": "Simple"}}, "did you mean 'comparison_method'?"),
    ],
)  # fmt: skip
def test_a_slip_is_refused_with_its_place_and_the_right_word(feature, config, said):
    with pytest.raises(UsageError) as told:
        file(feature, config)
    assert said in str(told.value) and str(told.value).startswith("c.json: ")


def test_a_feature_may_stand_there_once():
    twice = {"features": [{"name": "a", "inferred_type": "String"}] * 2}
    with pytest.raises(UsageError, match="the feature 'a' stands there twice"):
        validated(twice, "c.json")


def test_statistics_are_not_taken_for_constraints():
    body = as_json(statistics_body(statistics_of(pa.table({"age": [30.0, 40.0]}))))
    with pytest.raises(UsageError, match="s.json: this is a statistics.json; right would be the constraints"):
        read_constraints(body, "s.json")
