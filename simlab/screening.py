"""Screening: which rows of a table meet a schema, and what its columns looked like.

Names follow Model Monitor's constraints where they mean the same: completeness, domain, data type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simlab.artifacts import WEIGHT, Column, Constraint, Finding, Quarantined, Schema, Window

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

DOMAIN_LIMIT = 200
"""A categorical column with more values than this has no learned domain (it is a name, not a class)."""


@dataclass(frozen=True)
class Screened:
    """What a screening found."""

    table: pa.Table
    """Accepted rows, schema columns only, in the schema's types."""
    quarantine: pa.Table
    """Refused rows as JSON text with `reason` and `column`."""
    reasons: tuple[Quarantined, ...]
    missing: dict[str, int]
    """Missing values by column, among all rows."""
    retyped: dict[str, int]
    """Values of the wrong type by column, among all rows."""
    unexpected: tuple[str, ...]
    """Columns nobody declared."""


def own_columns(schema: Schema) -> tuple[Column, ...]:
    """The features that arrive with the row itself."""
    return tuple(c for view in schema.views if view.from_rows for c in view.columns)


def _cast(column: Any, kind: str) -> tuple[Any, np.ndarray | None]:
    """A column in its schema type, and which of its present values could not be converted (None: none)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if column.type == (pa.float64() if kind == "numeric" else pa.string()):
        return column, None
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        return column.cast(pa.float64() if kind == "numeric" else pa.string()), None
    if kind == "categorical":
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            return column.cast(pa.string()), None
        present = column.is_valid().to_numpy(zero_copy_only=False)
        return pa.nulls(len(column), pa.string()), present  # a number where a name belongs
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        plain = pc.match_substring_regex(column, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
        fits = pc.fill_null(plain, True)
        numbers = pc.cast(pc.if_else(fits, column, None), pa.float64())
        return numbers, ~fits.to_numpy(zero_copy_only=False)
    if pa.types.is_boolean(column.type):
        return column.cast(pa.int8()).cast(pa.float64()), None
    return column.cast(pa.float64()), None


def as_declared(column: pa.ChunkedArray, kind: str) -> pa.Array:
    """A column in its schema type; a value that cannot be converted is empty."""
    values: pa.Array = _cast(column, kind)[0]
    return values


def screen(table: pa.Table, schema: Schema, constraints: Sequence[Constraint]) -> Screened:
    """Split a table in rows that meet the schema and rows that do not.

    Parameters
    ----------
    constraints
        What was learned before; without any, only types are judged.
    """
    import numpy as np
    import pyarrow as pa

    rows = table.num_rows
    strict = {c.column for c in constraints if not c.nullable}
    declared = own_columns(schema)
    # Of each row the first thing that was wrong with it; most windows have no such row.
    wrongs: list[tuple[str, str]] = []
    first = np.full(rows, -1)

    def refuse(mask: np.ndarray, column: str, why: str) -> None:
        fresh = mask & (first < 0)
        if fresh.any():
            first[fresh] = len(wrongs)
            wrongs.append((column, why))

    names = set(table.column_names)
    cast: dict[str, Any] = {}
    missing: dict[str, int] = {}
    retyped: dict[str, int] = {}
    for column in declared:
        absent = column.name not in names
        kind = pa.float64() if column.kind == "numeric" else pa.string()
        values, wrong = (pa.nulls(rows, kind), None) if absent else _cast(table[column.name], column.kind)
        cast[column.name] = values
        missing[column.name] = values.null_count
        retyped[column.name] = 0
        if wrong is not None and wrong.any():
            retyped[column.name] = int(wrong.sum())
            missing[column.name] -= retyped[column.name]  # what could not be converted is null by now
            refuse(wrong, column.name, f"not {'a number' if column.kind == 'numeric' else 'text'}")
        if missing[column.name] and column.name in strict:
            empty = values.is_null().to_numpy(zero_copy_only=False)
            empty = empty if wrong is None else empty & ~wrong
            refuse(empty, column.name, "column missing" if absent else "value missing")
    known = {c.name for c in declared}
    others = {"inference_id", "split", WEIGHT, schema.target, schema.entity, schema.event_time, *schema.keys}
    kept = {n: table[n] for n in table.column_names if n in others}
    accepted = pa.table({**kept, **cast})
    bad = first[first >= 0]
    refused = table.slice(0, 0)
    if len(bad):
        accepted, refused = accepted.filter(pa.array(first < 0)), table.filter(pa.array(first >= 0))
    counts: dict[tuple[str, str], int] = {}
    for number in bad.tolist():
        counts[wrongs[number]] = counts.get(wrongs[number], 0) + 1
    return Screened(
        table=accepted,
        quarantine=pa.table(
            {
                "column": pa.array([wrongs[number][0] for number in bad.tolist()], pa.string()),
                "reason": pa.array([wrongs[number][1] for number in bad.tolist()], pa.string()),
                "row": pa.array(_as_text(refused), pa.string()),
            }
        ),
        reasons=tuple(Quarantined(reason=w, column=c, rows=n) for (c, w), n in sorted(counts.items())),
        missing=missing,
        retyped=retyped,
        unexpected=tuple(n for n in table.column_names if n not in known and n not in others),
    )


def _as_text(refused: pa.Table) -> list[str]:
    """Rows as JSON, so that nothing of a refused row is lost whatever its types were."""
    import json

    if not refused.num_rows:
        return []
    return [json.dumps(row, default=str, sort_keys=True) for row in refused.to_pylist()]


def learn_constraints(
    baseline: pa.Table, schema: Schema, *, slack: float, nullable_from: float
) -> tuple[Constraint, ...]:
    """What each column that arrives with a row looks like in the baseline."""
    import pyarrow.compute as pc

    found = []
    for column in own_columns(schema):
        values = baseline[column.name]
        present = 1 - values.null_count / max(len(values), 1)
        lowest = highest = None
        domain: tuple[str, ...] = ()
        if column.kind == "numeric" and values.null_count < len(values):
            ends = pc.min_max(values).as_py()
            room = slack * (ends["max"] - ends["min"])
            lowest, highest = ends["min"] - room, ends["max"] + room
        elif column.kind == "categorical":
            unique = sorted(v for v in pc.unique(values).to_pylist() if v is not None)
            domain = tuple(unique) if len(unique) <= DOMAIN_LIMIT else ()
        found.append(
            Constraint(
                column=column.name,
                kind=column.kind,
                completeness=present,
                nullable=present <= 1 - nullable_from,
                lowest=lowest,
                highest=highest,
                domain=domain,
            )
        )
    return tuple(found)


def judge_columns(
    window: Window, screened: Screened, constraints: Sequence[Constraint], domain_share: float
) -> tuple[Finding, ...]:
    """Findings of the data-quality monitor that need no reference sample.

    Of each column: type, completeness, domain. Of the window: undeclared columns, the share of rows
    whose event time lies in another window, and the share whose entity key came before in it (where
    every row should have a key of its own).
    """
    import pyarrow.compute as pc

    rows = max(window.table.num_rows, 1)
    found: list[Finding] = []

    def note(check: str, column: str, value: float, threshold: float) -> None:
        found.append(
            Finding(
                monitor="data_quality",
                check=check,
                column=column,
                method=check,
                value=value,
                threshold=threshold,
                breached=value > threshold,
                of_window=window.number,
            )
        )

    for constraint in constraints:
        name = constraint.column
        note("data_type", name, screened.retyped[name] / rows, 0.0)
        # Five standard errors of a share: room for chance, none for an outage.
        expected = 1 - constraint.completeness
        allowed = expected + 5 * (expected * (1 - expected) / rows) ** 0.5
        note("completeness", name, screened.missing[name] / rows, allowed)
        values = screened.table[name]
        outside = _outside(values, constraint)
        if outside is not None and len(values):
            note("domain", name, outside / len(values), domain_share)
    note("schema", "", float(len(screened.unexpected)), 0.0)
    schema = window.schema
    if schema.event_time in window.table.column_names:
        note("lateness", schema.event_time, _untimely(window) / rows, 0.0)
    if schema.key_per_row and schema.entity in window.table.column_names:
        repeated = window.table.num_rows - len(pc.unique(window.table[schema.entity]))
        note("duplicates", schema.entity, repeated / rows, 0.0)
    return tuple(found)


def _outside(values: pa.ChunkedArray, constraint: Constraint) -> int | None:
    """How many present values lie outside what was learned; None where nothing was."""
    import numpy as np
    import pyarrow.compute as pc

    if constraint.lowest is not None and constraint.highest is not None:
        numbers = values.to_numpy()  # a missing one is NaN, which lies nowhere
        return int(np.count_nonzero((numbers < constraint.lowest) | (numbers > constraint.highest)))
    if not constraint.domain:
        return None
    counted = pc.value_counts(values)
    known = {None, *constraint.domain}
    found = zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True)
    return sum(int(count) for name, count in found if name not in known)


def _untimely(window: Window) -> int:
    """How many rows say that they happened in another window than the one they arrived in."""
    import pyarrow as pa
    import pyarrow.compute as pc

    times = window.table[window.schema.event_time]
    if not pa.types.is_timestamp(times.type):
        return 0
    start, end = (pa.scalar(moment, times.type) for moment in (window.start, window.end))
    found: int = pc.sum(pc.or_(pc.less(times, start), pc.greater_equal(times, end))).as_py() or 0
    return found
