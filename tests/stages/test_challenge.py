"""Champion against challenger: on the same rows, and on none that either of them knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

pytest.importorskip("lightgbm")

from simlab.artifacts import Deployment, FeatureSet, Rejected, Version, row_keys
from simlab.events import ChallengerJudged, Event, ModelRejected
from simlab.stages.approve import Challenge, _neutral, approve_version, judge_challenger
from simlab.stages.bias import measure_bias
from simlab.stages.deploy import deploy_model
from simlab.stages.evaluate import evaluate_model
from simlab.stages.features import build_features
from simlab.stages.register import register_model
from simlab.stages.train import train_model
from simlab.stages.tune import tune_params
from tests.stages.people import context, lake, people, valid

Built = tuple[Version, FeatureSet, Deployment]


def built(folder: Path, number: int, rounds: int, held_out: int = 0, rows: int = 700) -> Built:
    """A version of these people, the rows it was built from, and its deployment."""
    given = lake(rows, 200)
    if held_out:
        aside = people(held_out, seed=9, first=5000).append_column("split", pa.array(["held_out"] * held_out))
        given = replace(given, table=pa.concat_tables([given.table, aside]))
    split = context("features", window=number, workdir=folder)[0]
    features = build_features(replace(split, seed=number), valid(given), serve_from="request")
    params = tune_params(context("tune")[0], features, "lightgbm", trials=0)
    model = train_model(context("train")[0], features, params, rounds=rounds)
    scores = evaluate_model(context("evaluate")[0], model, features, repeats=20)
    bias = measure_bias(context("bias")[0], model, features)
    version = register_model(
        context("register", ordinal=number - 1)[0], model, scores, features, params, bias
    )
    approved = approve_version(context("approve")[0], version, better_than="nothing")
    return version, features, deploy_model(context("deploy")[0], approved, None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def weak(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(tmp_path_factory.mktemp("weak"), 1, rounds=1)


@pytest.fixture(scope="module")
def strong(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(tmp_path_factory.mktemp("strong"), 2, rounds=25, held_out=300)


def meet(challenger: Built, champion: Built, **settings: Any) -> tuple[Version | Rejected, list[Event]]:
    ctx, said = context("approve", window=3)
    version, features, _ = challenger
    return judge_challenger(ctx, version, features, champion[2], challenge=Challenge(**settings)), said


@pytest.mark.parametrize("test", ["bootstrap", "mcnemar"])
def test_a_better_challenger_goes_on_to_approval(strong: Built, weak: Built, test: str) -> None:
    found, said = meet(strong, weak, test=test)
    assert found is strong[0]
    (judged,) = said
    assert isinstance(judged, ChallengerJudged) and judged.replaced
    assert judged.difference is not None and judged.difference > 0
    assert judged.p is not None and judged.p <= 0.05


@pytest.mark.parametrize("test", ["bootstrap", "mcnemar"])
def test_a_challenger_that_is_not_proven_better_stays_out(strong: Built, test: str) -> None:
    twin = (replace(strong[0], number=3), strong[1], strong[2])
    found, said = meet(twin, strong, test=test)
    assert isinstance(found, Rejected) and "not proven better than version 2" in found.reasons[0]
    judged, rejected = said
    assert isinstance(judged, ChallengerJudged) and (judged.difference, judged.replaced) == (0.0, False)
    assert isinstance(rejected, ModelRejected)


def test_better_is_not_better_enough(strong: Built, weak: Built) -> None:
    found, said = meet(strong, weak, at_least=5.0)
    assert isinstance(found, Rejected)
    assert isinstance(said[0], ChallengerJudged) and said[0].p == 1.0
    assert said[0].why.endswith(", and 0.05 or less is asked")


def test_too_few_rows_prove_nothing(strong: Built, weak: Built) -> None:
    found, said = meet(strong, weak, rows=10_000)
    assert isinstance(found, Rejected)
    assert isinstance(said[0], ChallengerJudged) and said[0].why.startswith("only ")
    assert said[0].why.endswith("10000 are needed"), "nothing is added to it"


def test_without_a_challenge_nobody_is_asked(strong: Built, weak: Built) -> None:
    ctx, said = context("approve")
    assert judge_challenger(ctx, strong[0], strong[1], weak[2]) is strong[0] and said == []


def learned(made: Built) -> set[int]:
    """Ids of the rows that a version was fitted or tuned on, from its own split."""
    table = made[1].table
    known = table.filter(pc.is_in(table["split"], pa.array(["train", "valid"])))
    return set(known["id"].to_pylist())


@pytest.mark.parametrize("on", ["test", "held_out", "both"])
def test_no_row_that_either_of_them_knows_is_asked(strong: Built, weak: Built, on: str) -> None:
    """The same people, split anew: most of the challenger's test rows taught the champion."""
    version, features, _ = strong
    rows, left_out = _neutral(features, version, weak[2], on)
    ids = set(rows["id"].to_pylist())
    assert not ids & (learned(weak) | learned(strong))
    test = set(features.table.filter(pc.equal(features.table["split"], "test"))["id"].to_pylist())
    aside = set(range(5000, 5300))
    wanted = {"test": test, "held_out": aside, "both": test | aside}[on] - learned(weak)
    assert ids == wanted and left_out == (len(test & learned(weak)) if on != "held_out" else 0)
    assert left_out > 50 or on == "held_out", "the trap was set"


def test_rows_of_a_real_clock_are_told_apart_by_their_time(weak: Built, strong: Built) -> None:
    """The same entity at another moment is another row, where moments are real."""
    schema = replace(weak[1].schema, ordered=True)
    table = weak[1].table
    champion = replace(weak[2], schema=schema, seen=row_keys(table, schema))
    moved = table.set_column(
        table.column_names.index("at"), "at", pc.add(table["at"], pa.scalar(np.timedelta64(1, "s")))
    )
    version = replace(weak[0], seen=None)
    for asked, wanted in ((table, 0), (moved, table.num_rows)):
        features = replace(weak[1], schema=schema, table=asked.slice(0, 0), held_out=asked)
        assert _neutral(features, version, champion, "both")[0].num_rows == wanted
