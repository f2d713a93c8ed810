"""The rollback stage decides by what is known; it never acts, and never looks ahead."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("lightgbm")

from simlab.artifacts import Captured, Deployment, History, Rollback
from simlab.engines import engine
from simlab.events import Event, VersionsCompared
from simlab.stages.rollback import labelled_rows, plan_rollback
from tests.stages.people import START, context, deployment, people


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deployment(tmp_path_factory.mktemp("good"), rounds=30)


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A version that has hardly learned anything."""
    return replace(deployment(tmp_path_factory.mktemp("poor"), rounds=1), version=2)


def captured(by: Deployment, number: int, count: int = 150, known: int | None = None) -> Captured:
    """A window that a version answered, with the labels of its first rows."""
    table = people(count, seed=number, first=1000 * number)
    answers = engine("onnxruntime").score(by.onnx, table)
    unknown = np.arange(count) >= (count if known is None else known)
    truth = pa.array(table["y"].to_numpy(), pa.float64(), mask=unknown)
    shown = table.drop_columns(["y", "id"]).add_column(0, "inference_id", table["id"])
    shown = shown.append_column("prediction", pa.array(answers)).append_column("label", truth)
    start = START + timedelta(days=number)
    return Captured(number, by.version, start, start + timedelta(days=1), shown, count)


def decide(
    now: Deployment, before: Deployment, captures: tuple[Captured, ...], **settings: Any
) -> tuple[Rollback | None, list[Event]]:
    ctx, said = context("rollback", window=9, workdir=Path())
    history = History(window=9, version=now.version, captures=captures)
    return plan_rollback(ctx, now, before, history, **{"windows": 5, **settings}), said


def test_a_worse_version_is_sent_back(good: Deployment, poor: Deployment) -> None:
    found, said = decide(poor, good, tuple(captured(poor, n) for n in range(3)))
    assert found is not None and found.version == good.version
    (compared,) = said
    assert isinstance(compared, VersionsCompared) and compared.worse
    assert compared.rows == 450 and compared.difference is not None and compared.difference > 0


def test_a_better_version_stays(good: Deployment, poor: Deployment) -> None:
    better = replace(good, version=3)
    found, said = decide(better, poor, tuple(captured(better, n) for n in range(3)))
    assert found is None and len(said) == 1


def test_a_version_that_is_no_worse_than_allowed_stays(good: Deployment, poor: Deployment) -> None:
    captures = tuple(captured(poor, n) for n in range(3))
    assert decide(poor, good, captures, worse_by=20.0)[0] is None


def test_too_few_rows_conclude_nothing(good: Deployment, poor: Deployment) -> None:
    assert decide(poor, good, (captured(poor, 0, known=30),)) == (None, [])
    assert decide(poor, good, ()) == (None, [])
    assert decide(poor, good, tuple(captured(poor, n) for n in range(3)), windows=0) == (None, [])


def test_what_the_version_before_answered_proves_nothing(good: Deployment, poor: Deployment) -> None:
    before = tuple(captured(good, n) for n in range(3))
    assert decide(poor, good, before) == (None, [])
    mixed = decide(poor, good, (*before, *(captured(poor, n) for n in (3, 4))))[1][0]
    assert isinstance(mixed, VersionsCompared) and mixed.rows == 300


@given(known=st.integers(0, 150), seed=st.integers(0, 1000))
def test_labels_that_are_not_known_yet_change_nothing(
    good: Deployment, poor: Deployment, known: int, seed: int
) -> None:
    """The same captures with another future: rows whose labels are unknown may be anybody's."""
    first = (captured(poor, 0), captured(poor, 1, known=known))
    rng = np.random.default_rng(seed)
    table = first[1].table
    shuffled = pa.concat_tables(
        [table.slice(0, known), table.slice(known).take(pa.array(rng.permutation(150 - known)))]
    )
    other = (first[0], replace(first[1], table=shuffled), captured(poor, 2, known=0))
    assert decide(poor, good, first, rows=100) == decide(poor, good, other, rows=100)
    seen = labelled_rows(poor, History(captures=first))
    assert seen is not None and seen.num_rows == 150 + known
