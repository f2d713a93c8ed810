"""Conditions on rows, in SQL: `hours_per_week > 40 AND sex = 'Female'`.

DuckDB parses a condition and DuckDB evaluates it, so what was checked is what runs. Between the two
its tree is held against a list of what a condition may be made of; the connection, besides, can
reach no file and no network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import duckdb

from simlab.errors import SimlabError, did_you_mean

if TYPE_CHECKING:  # conditions are checked before anything runs, and neither is needed for that
    import numpy as np
    import pyarrow as pa

TAKES = "conditions take columns, literals, comparisons, AND, OR, NOT, IN, BETWEEN, IS NULL, LIKE, arithmetic"
OPERATORS = frozenset(
    {"OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "COMPARE_IN", "COMPARE_NOT_IN"}
)
SIGNS = frozenset({"+", "-", "*", "/", "%", "~~", "!~~", "~~*", "!~~*"})
"""Arithmetic, and LIKE and ILIKE as the parser spells them."""
REFUSED = {
    "SUBQUERY": "a subquery",
    "CAST": "a cast",
    "CASE": "CASE",
    "PARAMETER": "a parameter",
    "STAR": "*",
    "WINDOW": "a window function",
    "LAMBDA": "a lambda",
    "COLLATE": "COLLATE",
}
TYPES = {"number": "DOUBLE", "numeric": "DOUBLE", "text": "VARCHAR", "categorical": "VARCHAR"}
HEAD, TAIL = "SELECT (", "\n) AS hit FROM rows"


def _connect() -> Any:
    connection = duckdb.connect(
        config={
            "threads": "1",
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )
    connection.execute("SET lock_configuration = true")
    return connection


def problems_in(where: str, columns: Mapping[str, str]) -> list[str]:
    """What is wrong with a condition, for people; nothing when it may be used.

    Parameters
    ----------
    where
        The condition, as in a SQL WHERE: columns, literals, comparisons, AND, OR, NOT, IN,
        BETWEEN, IS NULL, LIKE and arithmetic. No functions, no subqueries.
    columns
        Kind of each column there is, `number` or `text`.
    """
    if not where.strip():
        return [f"it is empty; {TAKES}"]
    with _connect() as connection:
        if problems := _problems(connection, where, columns):
            return problems
        typed = ", ".join(f"{_quoted(name)} {TYPES.get(kind, kind)}" for name, kind in columns.items())
        connection.execute(f"CREATE TABLE rows ({typed or 'nothing INTEGER'})")
        # Some mistakes (a number compared with 'x') show only on a row; on one of nulls AND and OR look
        # at both sides.
        for value in ("1", "NULL"):
            connection.execute(f"INSERT INTO rows VALUES ({', '.join([value] * max(len(columns), 1))})")
        return _run(connection, where)[1]


def mask(table: pa.Table, where: str) -> np.ndarray:
    """Which rows of a table meet a condition; a condition that is unknown (null) is not met.

    Parameters
    ----------
    table
        The rows.
    where
        See `problems_in`.

    Returns
    -------
    np.ndarray
        One boolean a row.

    Raises
    ------
    SimlabError
        The condition cannot be used on these columns.
    """
    with _connect() as connection:
        problems = _problems(connection, where, dict.fromkeys(table.column_names, ""))
        if not problems:
            connection.register("rows", table)
            hits, problems = _run(connection, where)
    if problems:
        raise SimlabError(f"condition {where!r}: {'; '.join(problems)}")
    found: np.ndarray = hits.filled(False) if hasattr(hits, "filled") else hits
    return found


def _run(connection: Any, where: str) -> tuple[Any, list[str]]:
    """A condition's values on the table `rows`, masked where null, and what is wrong with it."""
    try:
        result = connection.execute(HEAD + where + TAIL)
        kind, hits = str(result.description[0][1]), result.fetchnumpy()["hit"]
    except duckdb.Error as wrong:
        said = str(wrong).splitlines()[0]
        return None, [said.partition(": ")[2].partition(" - ")[0] or said]
    return hits, [] if kind == "BOOLEAN" else [f"it is a value of type {kind}, not a condition; {TAKES}"]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _tree(connection: Any, where: str) -> Any:
    ((text,),) = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [HEAD + where + TAIL]).fetchall()
    return json.loads(text)


def _problems(connection: Any, where: str, columns: Mapping[str, str]) -> list[str]:
    """What a condition is made of that it may not be."""
    tree = _tree(connection, where)
    if tree["error"]:
        place = int(tree.get("position", len(HEAD + where))) - len(HEAD)
        rest = where[max(place, 0) :].strip()
        return [f"it cannot be read from {rest!r} on" if rest else "it ends too early"]
    found, plain = (_without_places(t["statements"]) for t in (tree, _tree(connection, "true")))
    selected = found[0]["node"].pop("select_list", [])
    plain[0]["node"].pop("select_list")
    if found != plain or len(selected) != 1:
        return [f"it is not one condition; {TAKES}"]
    return list(dict.fromkeys(_refused(selected[0], columns)))


def _without_places(tree: Any) -> Any:
    """A parse tree without positions in the text."""
    if isinstance(tree, dict):
        return {
            key: _without_places(value) for key, value in tree.items() if not key.startswith("query_location")
        }
    return [_without_places(value) for value in tree] if isinstance(tree, list) else tree


def _refused(node: Mapping[str, Any], columns: Mapping[str, str]) -> Iterator[str]:
    """What in an expression is not on the list."""
    kind = node["class"]
    if kind == "COLUMN_REF":
        *above, name = node["column_names"]
        if above:
            yield f"{'.'.join(node['column_names'])}: a column goes by its name alone"
        elif name not in columns:
            yield f"no column called {name!r} (text stands in single quotes){did_you_mean(name, columns)}"
    elif kind == "COMPARISON":
        yield from _refused(node["left"], columns)
        yield from _refused(node["right"], columns)
    elif kind == "BETWEEN":
        for part in ("input", "lower", "upper"):
            yield from _refused(node[part], columns)
    elif kind == "CONJUNCTION" or (kind == "OPERATOR" and node["type"] in OPERATORS):
        for child in node["children"]:
            yield from _refused(child, columns)
    elif kind == "FUNCTION" and node["is_operator"] and node["function_name"] in SIGNS:
        for argument in node["arguments"]:
            yield from _refused(argument["expression"], columns)
    elif kind != "CONSTANT":
        name = REFUSED.get(kind) or f"{node.get('function_name') or node['type']}"
        yield f"{name} cannot stand in a condition; {TAKES}"
