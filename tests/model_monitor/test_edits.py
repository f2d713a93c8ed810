"""Edits go where a person means them, and a comparison says them again."""

from __future__ import annotations

import pyarrow as pa
import pytest

from simlab.errors import UsageError
from simlab.model_monitor.constraints import Constraints, as_body, rules, suggested
from simlab.model_monitor.edits import differences, edited
from simlab.model_monitor.statistics import statistics_of

BEFORE = suggested(statistics_of(pa.table({"age": [1.0, 2.0], "a.b": [0.5, -1.5], "job": ["x", "x"]})))


def said(edits: dict[str, object], before: Constraints = BEFORE) -> list[str]:
    return [str(change) for change in differences(before, edited(before, edits))]


def test_a_value_is_set_and_the_change_told():
    edits = {"features.age.completeness": 0.9, "monitoring_config.comparison_threshold": 0.2}
    assert said(edits) == [
        "features.age.completeness: 1.0 -> 0.9",
        "monitoring_config.distribution_constraints.comparison_threshold: 0.1 -> 0.2",
    ]
    assert as_body(BEFORE)["features"][0]["completeness"] == 1.0, "what was edited stays as it was"


def test_a_rule_of_one_feature_becomes_an_override():
    after = edited(BEFORE, {"features.age.comparison_threshold": 0.5})
    assert as_body(after)["features"][0]["monitoring_config_overrides"] == {
        "distribution_constraints": {"comparison_threshold": 0.5}
    }
    assert rules(after, after.features[0]).threshold == 0.5 and rules(after).threshold == 0.1


def test_an_override_keeps_the_spelling_that_the_file_has():
    body = {"features": [{"name": "age", "inferred_type": "Integral", "monitoringConfigOverrides": {}}]}
    after = edited(Constraints.model_validate(body), {"features.age.evaluate_constraints": "Disabled"})
    assert as_body(after)["features"][0]["monitoringConfigOverrides"] == {"evaluate_constraints": "Disabled"}


def test_names_with_dots_every_feature_and_taking_away():
    assert said({"features.a.b.completeness": 0.5}) == ["features.a.b.completeness: 1.0 -> 0.5"]
    assert len(said({"features.*.completeness": 0.5})) == 3
    assert said({"features.*.domains": None}) == ["features.job.string_constraints.domains: ['x'] -> (none)"]
    assert [f.name for f in edited(BEFORE, {"features.a.b": None}).features] == ["age", "job"]
    assert said({"features.age.is_non_negative": False}) == [
        "features.age.num_constraints.is_non_negative: True -> False"
    ]


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"features.agee.completeness": 1}, "no feature called 'agee'; did you mean 'age'?"),
        ({"features.age.completness": 1}, "no key called 'completness'; did you mean 'completeness'?"),
        ({"features.age.completeness": 2}, "less than or equal to 1"),
        ({"features.age.completeness.x": 2}, "'completeness' holds no further keys"),
        ({"feature.age.completeness": 1}, "did you mean 'features'?"),
        ({"monitoring_config.compare": 1}, "no key called 'compare'"),
        ({"features.age": 1}, "can be taken away"),
    ],
)
def test_a_wrong_edit_says_what_would_be_right(edits, words):
    with pytest.raises(UsageError) as told:
        edited(BEFORE, edits)
    assert words in str(told.value)


def test_the_order_of_features_and_of_a_domain_is_no_difference():
    body = as_body(BEFORE)
    turned = Constraints.model_validate(body | {"features": body["features"][::-1]})
    assert differences(BEFORE, turned) == []
    gone = Constraints.model_validate(body | {"features": body["features"][:2]})
    assert [c.path for c in differences(BEFORE, gone)] == [
        "features.job.inferred_type",
        "features.job.completeness",
        "features.job.string_constraints.domains",
    ]
