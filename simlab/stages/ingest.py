"""Ingest: rows enter the local data lake, under a version and a digest."""

from __future__ import annotations

from simlab.artifacts import LakeRows, Rows
from simlab.context import Context
from simlab.digest import table_digest
from simlab.events import DataIngested


def ingest_rows(ctx: Context, rows: Rows) -> LakeRows:
    """Keep rows in the local lake, named by a version and a content digest.

    The lake is the artifact itself: Parquet under its digest, shared by every run of the home that
    holds the same rows. Versions count up within a run.
    """
    found = LakeRows(
        table=rows.table,
        schema=rows.schema,
        source=rows.source,
        version=ctx.ordinal + 1,
        updates=rows.updates,
    )
    ctx.emit(
        DataIngested(
            version=found.version,
            rows=rows.table.num_rows,
            columns=rows.table.num_columns,
            digest=table_digest(rows.table)[:16],
            source=rows.source,
        )
    )
    return found
