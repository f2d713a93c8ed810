"""Validate learns what columns look like, and sets aside what the model must not see, losing nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from simlab.errors import SimlabError
from simlab.events import MetricMeasured, RowsRejected
from simlab.stages.validate import screen_window, validate_rows
from tests.stages.people import context, deployment, lake, people, window


def test_clean_rows_pass_and_teach_the_constraints() -> None:
    ctx, said = context("validate")
    found = validate_rows(ctx, lake(), slack=0.1)
    assert (found.rejected, found.table.num_rows, said) == (0, 600, [])
    by_name = {c.column: c for c in found.constraints}
    assert by_name["job"].domain == ("baker", "clerk", "smith")
    baseline = lake().table.slice(400)["age"].to_pylist()
    width = max(baseline) - min(baseline)
    assert by_name["age"].lowest == pytest.approx(min(baseline) - 0.1 * width)
    assert by_name["age"].highest == pytest.approx(max(baseline) + 0.1 * width)
    assert (by_name["age"].completeness, by_name["age"].nullable) == (1.0, False)


def test_a_column_with_gaps_in_the_baseline_may_have_gaps() -> None:
    rows = lake()
    ages = [None if number % 4 == 0 else age for number, age in enumerate(rows.table["age"].to_pylist())]
    found = validate_rows(
        context("validate")[0], replace(rows, table=rows.table.set_column(2, "age", pa.array(ages)))
    )
    age = next(c for c in found.constraints if c.column == "age")
    assert age.nullable and age.completeness == pytest.approx(0.75)


def test_training_rows_of_the_wrong_type_are_set_aside_and_counted() -> None:
    rows = lake()
    text = ["1,234" if number < 7 else str(age) for number, age in enumerate(rows.table["age"].to_pylist())]
    ctx, said = context("validate")
    found = validate_rows(ctx, replace(rows, table=rows.table.set_column(2, "age", pa.array(text))))
    assert (found.rejected, found.table.num_rows) == (7, 593)
    assert said == [RowsRejected(column="age", reason="not a number", rows=7, of=600)]
    assert found.table["age"].type == pa.float64()


def test_too_few_rows_to_train_on_is_an_error() -> None:
    with pytest.raises(SimlabError, match="only 49 rows are left to train on"):
        validate_rows(context("validate")[0], lake(history=49))
    validate_rows(context("validate")[0], lake(history=50))


def test_a_windows_bad_rows_are_kept_in_quarantine_with_their_reason(tmp_path: Path) -> None:
    table = people(10, first=500).drop_columns(["y"])
    hours = [None, "40", "1,400", "forty", *table["hours"].cast(pa.string()).to_pylist()[4:]]
    table = table.set_column(3, "hours", pa.array(hours))
    ctx, said = context("validate", window=0)
    found = screen_window(ctx, deployment(tmp_path), window(table=table))
    assert (found.arrived, found.table.num_rows, found.quarantine.num_rows) == (10, 7, 3)
    rows = found.quarantine.to_pylist()
    assert [(row["column"], row["reason"]) for row in rows] == [
        ("hours", "value missing"), ("hours", "not a number"), ("hours", "not a number"),
    ]  # fmt: skip
    assert [json.loads(row["row"])["hours"] for row in rows] == [None, "1,400", "forty"], "as it arrived"
    assert {(f.reason, f.rows, f.of) for f in said if isinstance(f, RowsRejected)} == {
        ("value missing", 1, 10), ("not a number", 2, 10),
    }  # fmt: skip
    assert [f.value for f in said if isinstance(f, MetricMeasured)] == [3]


def test_every_row_is_either_accepted_or_in_quarantine(tmp_path: Path) -> None:
    served = deployment(tmp_path)
    renamed = people(20).drop_columns(["y"]).rename_columns(["id", "at", "age", "working_hours", "job"])
    numbers = people(20).drop_columns(["y"]).set_column(4, "job", pa.array(range(20)))
    for table, reason in ((renamed, "column missing"), (numbers, "not text")):
        found = screen_window(context("validate", window=0)[0], served, window(table=table))
        assert found.table.num_rows + found.quarantine.num_rows == found.arrived == 20
        assert [r.reason for r in found.reasons] == [reason]
    assert found.table.num_rows == 0


def test_what_is_out_of_range_is_let_through_and_reported(tmp_path: Path) -> None:
    table = people(20).drop_columns(["y"]).set_column(2, "age", pa.array([400.0] * 5 + [40.0] * 15))
    table = table.set_column(4, "job", pa.array(["pilot"] * 2 + ["baker"] * 18))
    found = screen_window(context("validate", window=0)[0], deployment(tmp_path), window(table=table))
    assert found.quarantine.num_rows == 0
    domain = {f.column: (f.value, f.breached) for f in found.findings if f.check == "domain"}
    assert domain == {"age": (0.25, True), "hours": (0.0, False), "job": (0.1, True)}


def test_an_unexpected_column_is_a_finding_not_a_refusal(tmp_path: Path) -> None:
    table = people(20).drop_columns(["y"]).append_column("mood", pa.array(["fine"] * 20))
    found = screen_window(context("validate", window=0)[0], deployment(tmp_path), window(table=table))
    assert found.table.num_rows == 20 and "mood" not in found.table.column_names
    assert [(f.value, f.breached) for f in found.findings if f.check == "schema"] == [(1.0, True)]


def test_an_empty_window_is_screened_too(tmp_path: Path) -> None:
    found = screen_window(
        context("validate", window=0)[0],
        deployment(tmp_path),
        window(table=people(5).drop_columns(["y"]).slice(0, 0)),
    )
    assert (found.arrived, found.table.num_rows, found.quarantine.num_rows) == (0, 0, 0)
    assert not any(f.breached for f in found.findings)
