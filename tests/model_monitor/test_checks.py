"""The six checks of Model Monitor, each breached and each kept, with the words of the service."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.model_monitor import violations
from simlab.model_monitor.checks import Checked, checked
from simlab.model_monitor.constraints import Constraints, suggested
from simlab.model_monitor.edits import edited
from simlab.model_monitor.statistics import Numeric, statistics_of
from simlab.model_monitor.violations import Violation, read_violations
from simlab.monitors import MONITORS
from simlab.signature import module_of
from simlab.wire import as_json
from simlab.wordings import DESCRIPTIONS
from tests.model_monitor.mixed import rows, table


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def world(rows: int, seed: int = 0, shift: float = 0.0) -> pa.Table:
    r = rng(seed)
    return pa.table(
        {
            "age": r.integers(20, 60, rows) + round(shift * 10),
            "hours": r.normal(40 + shift, 2, rows),
            "job": r.choice(["baker", "clerk", "smith"], rows, p=[0.2 + shift / 10, 0.3, 0.5 - shift / 10]),
        }
    )


def checks(
    before: pa.Table, now: pa.Table, edits: dict[str, Any] | None = None
) -> dict[tuple[str, str], Checked]:
    baseline = statistics_of(before)
    constraints = edited(suggested(baseline), edits or {})
    types = {feature.name: feature.inferred_type for feature in constraints.features}
    found = checked(constraints, baseline, statistics_of(now, types), now.column_names)
    return {(result.check, result.feature): result for result in found}


def breached(found: dict[tuple[str, str], Checked]) -> set[tuple[str, str]]:
    return {name for name, result in found.items() if result.breached}


def test_the_sentence_that_the_service_wrote():
    before = pa.table({"Account Length": [1.0, 2.0]})
    now = pa.table({"Account Length": [1.0] * 1970 + [1.5] * 7})
    said = checks(before, now)["data_type_check", "Account Length"]
    assert said.description == (
        "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
        "Observed: Only 99.64592817400101% of data is Integral."
    )


def test_every_check_is_told_kept_or_not():
    found = checks(world(500), world(400, 1))
    assert not breached(found)
    others = {c for name in set(MONITORS) - {"data_quality"} for c in module_of("monitors", name).TOLD}
    assert {check for check, _ in found} == set(DESCRIPTIONS) - {"drifted_columns_share"} - others


def test_a_value_of_the_wrong_type():
    now = world(400, 1).set_column(0, "age", pa.array(rng().integers(20, 60, 400) + 0.5))
    found = checks(world(500), now)
    assert ("data_type_check", "age") in breached(found)
    assert not breached(checks(world(500), now, {"features.age.datatype_check_threshold": 0})) & {
        ("data_type_check", "age")
    }


def test_fewer_values_than_the_completeness_asks():
    now = world(100, 1).set_column(1, "hours", pa.array([None] * 2 + [40.0] * 98))
    said = checks(world(500), now, {"features.*.comparison_threshold": 1})
    assert breached(said) == {("completeness_check", "hours")}
    assert said["completeness_check", "hours"].description == (
        "Value: 0.98 does not meet the constraint requirement! "
    )
    assert not breached(
        checks(world(500), now, {"features.hours.completeness": 0.98, "features.*.comparison_threshold": 1})
    )


def test_a_value_below_zero_where_none_was():
    now = world(400, 1).set_column(0, "age", pa.array([*rng().integers(20, 60, 399), -1]))
    found = checks(world(500), now)
    assert breached(found) == {("non_negative_check", "age")}
    assert found["non_negative_check", "age"].value == pytest.approx(399 / 400)


def test_a_value_outside_the_domain():
    now = world(400, 1).set_column(2, "job", pa.array(["thief", *world(399, 1)["job"].to_pylist()]))
    found = checks(world(500), now)
    assert breached(found) == {("categorical_values_check", "job")}
    assert found["categorical_values_check", "job"].value == 399 / 400
    assert not breached(checks(world(500), now, {"monitoring_config.domain_content_threshold": 0.99}))


def test_a_distribution_that_moved_and_by_how_much():
    from scipy.stats import ks_2samp

    before, now = world(1000), world(1000, 1, shift=2.0)
    found = checks(before, now, {"features.job.perform_comparison": "Disabled"})
    simple = ks_2samp(before["hours"], now["hours"]).statistic
    said = found["baseline_drift_check", "hours"]
    assert said.method == "linf_robust"
    assert said.value == pytest.approx(simple - 1.8 * (2000 / 1e6) ** 0.5)
    assert said.description == f"Baseline drift distance: {said.value} exceeds threshold: 0.1"
    assert breached(found) == {("baseline_drift_check", "age"), ("baseline_drift_check", "hours")}
    plain = checks(before, now, {"monitoring_config.comparison_method": "Simple"})
    assert plain["baseline_drift_check", "hours"].value == pytest.approx(simple)
    assert plain["baseline_drift_check", "hours"].method == "linf_simple"


def test_shares_of_texts_that_moved():
    before, now = world(2000), world(2000, 1, shift=3.0)
    said = checks(before, now)["baseline_drift_check", "job"]
    share = [t["job"].to_pylist().count("baker") / 2000 for t in (before, now)]
    gap = max(share[1] - share[0], 0.3)
    assert said.breached and said.value == pytest.approx(gap - 1.8 * (4000 / 4e6) ** 0.5, abs=0.05)
    chi = {"monitoring_config.categorical_drift_method": "ChiSquared"}
    said = checks(before, now, chi)["baseline_drift_check", "job"]
    assert (said.method, said.breached) == ("chi_squared", True) and said.value < 1e-9
    said = checks(before, before.slice(0, 1000), chi)["baseline_drift_check", "job"]
    assert not said.breached and said.value >= 0.1, "a p-value at or above the threshold is no drift"


def test_few_rows_make_no_robust_drift():
    found = checks(world(60), world(60, 1, shift=0.1))
    assert found["baseline_drift_check", "hours"].value == 0.0


def test_columns_that_are_missing_or_more():
    before, now = world(500), world(400, 1)
    found = checks(before, now.drop_columns(["job"]))
    assert breached(found) == {("missing_column_check", "")}
    said = found["missing_column_check", ""]
    assert (said.value, said.subject) == (1.0, "Missing columns")
    assert said.description.endswith(
        "Number of columns in current dataset: 2, Number of columns in baseline constraints: 3"
    )
    assert not any(feature == "job" for _, feature in found)
    found = checks(before, now.append_column("more", now["age"]))
    assert breached(found) == {("extra_column_check", "")}


def test_what_is_switched_off_is_not_checked():
    before, now = world(500), world(400, 1, shift=3.0)
    assert checks(before, now, {"monitoring_config.evaluate_constraints": "Disabled"}) == {}
    found = checks(before, now, {"features.age.evaluate_constraints": "Disabled"})
    assert {feature for _, feature in found} == {"", "hours", "job"}
    off = {"monitoring_config.perform_comparison": "Disabled", "features.job.perform_comparison": "Enabled"}
    drift = [feature for check, feature in checks(before, now, off) if check == "baseline_drift_check"]
    assert drift == ["job"]


def test_a_baseline_of_buckets_alone_is_compared_at_their_edges():
    before, now = statistics_of(world(1000)), statistics_of(world(1000, 1, shift=2.0))
    bare = replace(before, features=tuple(replace(f, numeric=f.numeric and replace(f.numeric, sketch=None)) for f in before.features))  # fmt: skip
    constraints = suggested(before)
    full, rough = (
        {r.feature: r for r in checked(constraints, given, now, ["age", "hours", "job"]) if r.check == "baseline_drift_check"}
        for given in (before, bare)
    )  # fmt: skip
    assert 0.1 < rough["hours"].value <= full["hours"].value + 1e-12
    empty = Numeric(0.0, 0.0, 0.0, 0.0, 0.0)
    bare = replace(before, features=tuple(replace(f, numeric=f.numeric and empty) for f in before.features))
    found = checked(constraints, bare, now, ["age", "hours", "job"])
    assert {r.feature for r in found if r.check == "baseline_drift_check"} == {"job"}
    assert not [r for r in checked(constraints, None, now, ["age"]) if r.check == "baseline_drift_check"]


@given(given=rows)
def test_the_baseline_itself_violates_nothing(given):
    before = table(given)
    found = checks(before, before)
    assert not breached(found), breached(found)


@given(given=rows, seed=st.integers(0, 50))
def test_the_order_of_the_rows_changes_no_check(given, seed):
    before = table(given)
    now = table(given[: len(given) // 2])
    order = rng(seed).permutation(now.num_rows)
    assert checks(before, now) == checks(before, now.take(pa.array(order)))


def test_no_rows_leave_every_value_undefined_and_nothing_breached():
    now = world(5).slice(0, 0)
    found = checks(world(50), now)
    assert not breached(found)
    assert {r.value for (_, feature), r in found.items() if feature} == {None}


def test_violations_are_written_and_read():
    body = violations.as_body([Violation("Account Length", "data_type_check", "words")])
    assert json.dumps(body) == (
        '{"violations": [{"feature_name": "Account Length", '
        '"constraint_check_type": "data_type_check", "description": "words"}]}'
    )
    assert read_violations(as_json(body)) == (Violation("Account Length", "data_type_check", "words"),)
    real = (
        b'{"violations": [{"feature_name": "a", "constraint_check_type": "b", "description": "c", "d": 1}]}'
    )
    assert read_violations(real) == (Violation("a", "b", "c"),)


def test_constraints_that_nobody_typed_check_nothing_of_unknown_columns():
    constraints = Constraints.model_validate({"features": [{"name": "x", "inferred_type": "Unknown"}]})
    found = checked(constraints, None, statistics_of(pa.table({"x": [1.0, -2.0]})), ["x"])
    assert {r.check for r in found} == {"missing_column_check", "extra_column_check"}
