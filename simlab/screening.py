"""Screening: which rows of a table meet a schema, and what its columns looked like.

Names follow Model Monitor's constraints where they mean the same: completeness, domain, data type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simlab.artifacts import Column, Constraint, Finding, Quarantined, Schema, Window

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


def _cast(column: Any, kind: str) -> tuple[Any, np.ndarray]:
    """A column in its schema type, and which of its present values could not be converted."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    column = column.combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    nothing = np.zeros(len(column), bool)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        return column.cast(pa.float64() if kind == "numeric" else pa.string()), nothing
    if kind == "categorical":
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            return column.cast(pa.string()), nothing
        present = column.is_valid().to_numpy(zero_copy_only=False)
        return pa.nulls(len(column), pa.string()), present  # a number where a name belongs
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        plain = pc.match_substring_regex(column, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
        fits = pc.fill_null(plain, True)
        numbers = pc.cast(pc.if_else(fits, column, None), pa.float64())
        return numbers, ~fits.to_numpy(zero_copy_only=False)
    if pa.types.is_boolean(column.type):
        return column.cast(pa.int8()).cast(pa.float64()), nothing
    return column.cast(pa.float64()), nothing


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
    reason = np.full(rows, "", dtype=object)
    blamed = np.full(rows, "", dtype=object)
    cast: dict[str, Any] = {}
    missing: dict[str, int] = {}
    retyped: dict[str, int] = {}
    for column in declared:
        absent = column.name not in table.column_names
        kind = pa.float64() if column.kind == "numeric" else pa.string()
        if absent:
            values, wrong = pa.nulls(rows, kind), np.zeros(rows, bool)
        else:
            values, wrong = _cast(table[column.name], column.kind)
        empty = values.is_null().to_numpy(zero_copy_only=False) & ~wrong
        missing[column.name], retyped[column.name] = int(empty.sum()), int(wrong.sum())
        cast[column.name] = values
        bad = [(wrong, f"not {'a number' if column.kind == 'numeric' else 'text'}")]
        if column.name in strict:
            bad.append((empty, "column missing" if absent else "value missing"))
        for mask, why in bad:
            fresh = mask & (reason == "")
            reason[fresh], blamed[fresh] = why, column.name
    good = reason == ""
    known = {c.name for c in declared}
    others = {"inference_id", "split", schema.target, schema.entity, schema.event_time, *schema.keys}
    kept = {n: table[n] for n in table.column_names if n in others}
    accepted = pa.table({**kept, **cast}).filter(pa.array(good))
    refused = table.filter(pa.array(~good))
    counts: dict[tuple[str, str], int] = {}
    for column_name, why in zip(blamed[~good], reason[~good], strict=True):
        counts[column_name, why] = counts.get((column_name, why), 0) + 1
    return Screened(
        table=accepted,
        quarantine=pa.table(
            {
                "column": pa.array(blamed[~good].tolist(), pa.string()),
                "reason": pa.array(reason[~good].tolist(), pa.string()),
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
        outside = None
        if constraint.lowest is not None and constraint.highest is not None:
            outside = pc.or_(pc.less(values, constraint.lowest), pc.greater(values, constraint.highest))
        elif constraint.domain:
            import pyarrow as pa

            outside = pc.invert(pc.is_in(values, pa.array([*constraint.domain, None], pa.string())))
        if outside is not None and len(values):
            note("domain", name, (pc.sum(outside).as_py() or 0) / len(values), domain_share)
    note("schema", "", float(len(screened.unexpected)), 0.0)
    schema = window.schema
    if schema.event_time in window.table.column_names:
        note("lateness", schema.event_time, _untimely(window) / rows, 0.0)
    if schema.key_per_row and schema.entity in window.table.column_names:
        repeated = window.table.num_rows - len(pc.unique(window.table[schema.entity]))
        note("duplicates", schema.entity, repeated / rows, 0.0)
    return tuple(found)


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
