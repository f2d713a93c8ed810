"""Ingest keeps rows under a version and a digest."""

from __future__ import annotations

from simlab.artifacts import Rows
from simlab.digest import table_digest
from simlab.events import DataIngested
from simlab.stages.ingest import ingest_rows
from tests.stages.people import SCHEMA, context, people


def test_rows_are_kept_as_they_came_under_the_next_version() -> None:
    rows = Rows(people(30), SCHEMA, "by hand", {"weather": people(3)})
    ctx, said = context("ingest", ordinal=2)
    kept = ingest_rows(ctx, rows)
    assert (kept.table, kept.updates, kept.version) == (rows.table, rows.updates, 3)
    (fact,) = said
    assert isinstance(fact, DataIngested)
    assert (fact.rows, fact.columns, fact.version) == (30, 6, 3)
    assert fact.digest == table_digest(rows.table)[:16]


def test_other_rows_have_another_digest() -> None:
    digests = []
    for seed in (0, 0, 1):
        ctx, said = context("ingest")
        ingest_rows(ctx, Rows(people(30, seed), SCHEMA, "by hand"))
        digests.append(said[0].digest)  # type: ignore[attr-defined]
    assert digests[0] == digests[1] != digests[2]
