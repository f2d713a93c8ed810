from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from simlab.engines import engine
from simlab.errors import SimlabError

pytestmark = pytest.mark.engine

COLUMNS = {"age": "number", "hours": "number", "sex": "text", "odd name": "text"}
PEOPLE = pa.table(
    {
        "age": [20.0, 30.0, None, 50.0],
        "hours": [40.0, 45.0, 60.0, 0.0],
        "sex": ["F", "M", "F", None],
        "odd name": ["a", "b", "c", "d"],
    }
)


def mask(where: str, table: pa.Table = PEOPLE) -> list[bool]:
    return engine("duckdb").mask(table, where).tolist()


def problems(where: str) -> list[str]:
    return engine("duckdb").problems_in(where, COLUMNS)


@pytest.mark.parametrize(
    ("where", "hits"),
    [
        ("age > 20", [False, True, False, True]),
        ("age > 20 OR sex = 'F'", [True, True, True, True]),
        ("NOT (age > 20)", [True, False, False, False]),  # unknown stays unknown, and is not met
        ("age IS NULL", [False, False, True, False]),
        ("sex IN ('M', 'X') AND age BETWEEN 30 AND 40", [False, True, False, False]),
        ("sex LIKE 'F%' AND hours / 2 + 1 >= 21", [True, False, True, False]),
        ("\"odd name\" <> 'a'", [False, True, True, True]),
        ("hours % 2 = 1 -- an odd number of hours", [False, True, False, False]),
        ("NULL = 1", [False] * 4),
    ],
)
def test_a_condition_picks_rows(where, hits):
    assert problems(where) == []
    assert mask(where) == hits


def test_a_mask_has_one_boolean_a_row_also_for_no_rows_and_for_many():
    rows = pa.table({"number": np.arange(50_000)})
    hits = engine("duckdb").mask(rows, "number % 3 = 0")
    assert hits.dtype == bool
    assert np.array_equal(hits, np.arange(50_000) % 3 == 0)
    assert mask("age > 1", PEOPLE.slice(0, 0)) == []
    assert mask("age > 20", PEOPLE.slice(1, 2)) == [True, False]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("agee > 3", "no column called 'agee' (text stands in single quotes); did you mean 'age'?"),
        ('sex = "F"', "text stands in single quotes"),
        ("Age > 3", "did you mean 'age'?"),
        ("rows.age > 3", "goes by its name alone"),
        ("age > ", "ends too early"),
        ("", "empty"),
        ("age > 1; DROP TABLE rows", "cannot be read from '; DROP TABLE rows' on"),
        ("age > 1 ORDER BY age", "cannot be read from 'ORDER BY age' on"),
        ("age > 1) AS hit FROM rows --", "ends too early"),
        ("age), (sex", "not one condition"),
        ("age > (SELECT 1)", "a subquery"),
        ("EXISTS (FROM rows)", "a subquery"),
        ("age IN (SELECT 1)", "a subquery"),
        ("abs(age) > 1", "abs cannot stand"),
        ("count(*) > 1", "count_star cannot stand"),
        ("read_text('/etc/hostname') = ''", "read_text cannot stand"),
        ("sex ~ 'F'", "regexp_matches cannot stand"),
        ("age::INT = 1", "a cast"),
        ("CASE WHEN age > 1 THEN true END", "CASE"),
        ("row_number() OVER () = 1", "a window function"),
        ("age = $1", "not one condition"),
        ("age", "of type DOUBLE, not a condition"),
        ("age + 1", "of type DOUBLE, not a condition"),
        ("sex > 1", "Cannot compare"),
        ("age > 'old'", "Could not convert string 'old'"),
        ("age > 3 AND hours = 'many'", "Could not convert string 'many'"),
    ],
)
def test_what_a_condition_may_not_be_is_said_in_words(where, said):
    found = problems(where)
    assert len(found) == 1
    assert said in found[0]


def test_every_unknown_column_is_named():
    assert len(problems("agee > 1 AND hourss > 1")) == 2


@pytest.mark.parametrize(
    "where", ["agee > 1", "age > (SELECT 1)", "age", "age > 'old'", "read_text('/etc/hostname') = ''"]
)
def test_a_mask_refuses_what_the_check_refuses(where):
    with pytest.raises(SimlabError, match="condition"):
        mask(where)


def test_the_connection_reaches_no_file_and_cannot_be_told_to(tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    duckdb = engine("duckdb")
    with duckdb._connect() as connection:
        with pytest.raises(duckdb.duckdb.Error):
            connection.execute(f"SELECT * FROM read_csv('{secret}')")
        with pytest.raises(duckdb.duckdb.Error, match="locked"):
            connection.execute("SET enable_external_access = true")
