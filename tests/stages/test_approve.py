"""A version goes into service only if it beats what needs no model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from simlab.artifacts import Approved, Model, Params, Rejected, Schema, Score, Scores, Version
from simlab.context import Context
from simlab.events import Event, ModelApproved, ModelRejected
from simlab.stages.approve import approve_version

NONE = pa.table({})


def version(log_loss: float, auc: float = 0.9) -> Version:
    model = Model("lightgbm", "binary", (), (), {}, "", {}, 0.5, NONE)
    scores = Scores(
        rows=100,
        model=(Score("log_loss", log_loss, log_loss, log_loss), Score("auc", auc, auc, auc)),
        dummy={"log_loss": 0.6, "auc": 0.5},
        rule={"log_loss": 0.4, "auc": 0.8},
        rule_text="",
    )
    schema = Schema("binary", "y", "id", "t", ())
    return Version(1, model, scores, schema, (), NONE, Params("lightgbm", {}, "log_loss"))


def approve(given: Version, **settings: Any) -> tuple[Approved | Rejected, list[Event]]:
    said: list[Event] = []
    return approve_version(Context("approve", None, 0, said.append, Path()), given, **settings), said


def test_better_than_the_rule_is_approved_and_said() -> None:
    found, said = approve(version(0.3))
    assert isinstance(found, Approved) and isinstance(said[0], ModelApproved)


def test_as_good_as_the_rule_is_not_enough() -> None:
    found, said = approve(version(0.4))
    assert isinstance(found, Rejected) and isinstance(said[0], ModelRejected)
    assert "no better than the rule" in found.reasons[0]
    assert isinstance(approve(version(0.4), better_than="dummy")[0], Approved)


def test_bounds_are_kept() -> None:
    assert isinstance(approve(version(0.3, auc=0.85), metric="auc", at_least=0.86)[0], Rejected)
    assert isinstance(approve(version(0.3), at_most=0.29)[0], Rejected)
    assert isinstance(approve(version(0.3), at_most=0.31, better_than="nothing")[0], Approved)


def test_a_metric_nobody_measured_approves_nothing() -> None:
    assert isinstance(approve(version(0.3), metric="mae")[0], Rejected)
