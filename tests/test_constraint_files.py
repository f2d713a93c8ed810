"""Files of constraints are found, versioned with their history, and never overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simlab.constraint_files import (
    COLUMNS,
    as_rows,
    baselines_in,
    chosen,
    compare,
    edit,
    next_version,
    read_file,
)
from simlab.errors import UsageError
from simlab.model_monitor.constraints import Constraints
from simlab.wire import as_json

BODY = {
    "version": 0.0,
    "features": [
        {"name": "age", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": True}},
        {"name": "job", "inferred_type": "String", "completeness": 0.95, "string_constraints": {"domains": ["a", "b", "c", "d"]}, "monitoring_config_overrides": {"domain_content_threshold": 0.9}},
    ],
    "monitoring_config": {},
}  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "constraints.json"
    path.write_bytes(as_json(BODY))
    return path


def test_versions_count_up_beside_the_file_and_tell_what_changed(file: Path) -> None:
    before = file.read_bytes()
    second, changed = edit(file, {"features.age.completeness": 0.9}, None)
    assert (second.name, [str(c) for c in changed]) == (
        "constraints.v2.json",
        ["features.age.completeness: 1.0 -> 0.9"],
    )
    third, _ = edit(second, {"features.job": None}, None)
    again, _ = edit(file, {"features.age.completeness": 0.8}, None)
    assert [third.name, again.name] == ["constraints.v3.json", "constraints.v4.json"]
    assert file.read_bytes() == before
    assert [f.name for f in read_file(third).features] == ["age"]
    history = json.loads((file.parent / "constraints.history.json").read_text())["versions"]
    assert [(v["file"], v["of"]) for v in history] == [
        ("constraints.v2.json", "constraints.json"),
        ("constraints.v3.json", "constraints.v2.json"),
        ("constraints.v4.json", "constraints.json"),
    ]
    assert history[0]["changed"] == ["features.age.completeness: 1.0 -> 0.9"]
    assert "simlab" not in second.read_text(), "the file itself is the service's own"


def test_nothing_is_overwritten_and_no_version_is_made_of_no_change(file: Path) -> None:
    with pytest.raises(UsageError, match="are not overwritten"):
        edit(file, {"features.age.completeness": 0.9}, file)
    with pytest.raises(UsageError, match="nothing changes"):
        edit(file, {"features.age.completeness": 1.0}, None)
    with pytest.raises(UsageError, match="did you mean 'completeness'"):
        edit(file, {"features.age.completenes": 1.0}, None)
    assert [path.name for path in file.parent.iterdir()] == ["constraints.json"]
    (file.parent / "constraints.history.json").write_text("[]")
    with pytest.raises(UsageError, match="no history"):
        edit(file, {"features.age.completeness": 0.9}, None)


def test_the_next_version_follows_the_highest_there_is(file: Path) -> None:
    (file.parent / "constraints.v7.json").write_text("{}")
    (file.parent / "other.v9.json").write_text("{}")
    assert next_version(file).name == next_version(file.with_name("constraints.v2.json")).name == "constraints.v8.json"  # fmt: skip


def test_a_table_says_what_holds_for_each_feature() -> None:
    rows = as_rows(Constraints.model_validate(BODY))
    assert all(len(row) == len(COLUMNS) for row in rows)
    assert rows[0] == ("age", "Integral", "1", "not negative", "L-inf robust > 0.1", "")
    assert rows[1][3:] == ("90.0% in 4: a, b, c, …", "L-inf robust > 0.1", "domain_content_threshold")


def test_a_difference_is_told_feature_by_feature(file: Path, tmp_path: Path) -> None:
    other, _ = edit(file, {"features.*.completeness": 0.5}, tmp_path / "other.json")
    assert [c.path for c in compare(file, other)] == [
        "features.age.completeness",
        "features.job.completeness",
    ]
    assert compare(file, file) == []


def test_a_run_s_constraints_are_found_by_schedule_and_newest_version(tmp_path: Path) -> None:
    for version, schedule in (("v1", "dq"), ("v2", "dq"), ("v10", "dq"), ("v1", "nightly")):
        path = tmp_path / "monitoring/baselines" / version / schedule / "constraints.json"
        path.parent.mkdir(parents=True)
        path.write_bytes(as_json(BODY))
    quality = tmp_path / "monitoring/baselines/v1/mq/constraints.json"
    quality.parent.mkdir()
    quality.write_bytes(as_json({"version": 0.0, "binary_classification_constraints": {}}))
    found = baselines_in(tmp_path)
    assert set(found) == {"v1/dq", "v2/dq", "v10/dq", "v1/nightly"}
    assert chosen(found, "dq", "run").parts[-3] == "v10"
    for schedule, words in (
        (None, "--schedule says which: dq, nightly"),
        ("nightli", "did you mean 'nightly'"),
    ):
        with pytest.raises(UsageError, match=words):
            chosen(found, schedule, "run")
    with pytest.raises(UsageError, match="has no constraints"):
        chosen({}, None, "run")


def test_a_file_that_is_not_there_is_told_with_the_nearest(file: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'constraints.json'"):
        read_file(file.with_name("constraint.json"))
