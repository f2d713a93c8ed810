"""A scenario's story told in a run: build, gate, live, and judge by what the scenario expects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from simlab import events as e
from simlab.artifacts import Deployment
from simlab.checking import Checked
from simlab.dataset import load
from simlab.errors import GateNotMet, StageFailed
from simlab.expect import Account, Verdict, judge
from simlab.generated import digest_of, draw, law_of
from simlab.lifecycle import build, live
from simlab.run import Run
from simlab.scoring import verdicts_on
from simlab.stream import Memo, Outside, Parts, Source, Stream

if TYPE_CHECKING:
    import pyarrow as pa

Status = Literal["held", "deviated", "under", "gate", "failed"]


@dataclass(frozen=True)
class Told:
    """How a story ended."""

    verdicts: tuple[Verdict, ...]
    status: Status
    exit: int
    why: str = ""


@dataclass(frozen=True)
class Built:
    """A build that several worlds share: what was learned from, what came of it, what was said of it."""

    parts: Parts
    learned: pa.Table
    deployment: Deployment
    events: tuple[e.Event, ...]
    world: tuple[e.Event, ...]
    calls: Mapping[str, int]
    """How often each stage function was called."""


def source_of(ready: Checked, memo: Memo = lambda name, inputs, compute: compute()) -> Source:
    """The dataset of a scenario, read or made.

    Parameters
    ----------
    memo
        Keeps made rows, so that they are made once.
    """
    card, name, law = ready.card, ready.scenario.dataset, law_of(ready.card)
    if card.generator is not None:
        total = digest_of(card.generator)
        made = memo("generated", (total, card.target.column), lambda: draw(card))
        rows, views = load(ready.folder, card, made)
    else:
        rows, views = load(ready.folder, card)
        total = hashlib.sha256(json.dumps(dict(sorted(card.digest.items()))).encode()).hexdigest()
    return Source(name=name, digest=total[:16], rows=rows, views=views, schema=ready.schema, law=law)


def tell(run: Run, ready: Checked, source: Source, built: Built | None = None) -> Told:
    """Live a scenario's story in a run, to its last fact.

    Parameters
    ----------
    built
        What an earlier world built from the same rows in the same way; it is not built again.
    """
    told = _told(run, ready, source, built)
    run.say(e.RunFinished(status=told.status, exit=told.exit))
    return told


def begin(run: Run, ready: Checked, source: Source) -> None:
    """Say what is about to be lived through."""
    scenario = ready.scenario
    run.say(
        e.RunStarted(
            scenario=scenario.name,
            title=scenario.title,
            dataset=scenario.dataset,
            dataset_digest=source.digest,
            synthetic=ready.card.synthetic,
            problem=ready.card.problem,
            seed={"world": scenario.seed.world, "build": scenario.seed.build},
            windows=scenario.clock.windows,
            rows=scenario.clock.rows,
            step_seconds=int(scenario.clock.step.total_seconds()),
        )
    )


def outside(run: Run) -> Outside:
    """What a stream needs of its run."""
    return Outside(run.say_of_world, run.memo, run.keep, run.recall)


def _told(run: Run, ready: Checked, source: Source, built: Built | None) -> Told:
    scenario = ready.scenario
    begin(run, ready, source)
    gate: list[Verdict] = []
    try:
        if built is None:
            stream = Stream(scenario, source, outside(run))
            deployment = build(run, stream.training())
        else:
            stream = Stream(scenario, source, outside(run), built.parts)
            stream.learn(built.learned)
            run.repeat(built.events, built.world, built.calls)
            deployment = built.deployment
        gate = judge(Account(scenario, run.said, run.world_said), scenario.given)
        _say_verdicts(run, gate, "given")
        if missed := [v for v in gate if not v.held]:
            raise GateNotMet(f"the gate was not met: {missed[0].expectation}: {missed[0].why}")
        live(run, stream, deployment)
    except GateNotMet as wrong:
        return Told(tuple(gate), "gate", wrong.exit_code, str(wrong))
    except StageFailed as failed:
        found = judge(Account(scenario, run.said, run.world_said), scenario.expect)
        covered = any(
            "stage_fails" in item and v.held for item, v in zip(scenario.expect, found, strict=True)
        )
        _say_verdicts(run, found, "expect")
        if not covered:
            return Told(tuple(found), "failed", failed.exit_code, str(failed))
        return _ended(found, found)
    found = judge(Account(scenario, run.said, run.world_said), scenario.expect)
    _say_verdicts(run, found, "expect")
    asked = verdicts_on(scenario, run.said, run.world_said)
    _say_verdicts(run, asked, "score")
    ended = _ended([*gate, *found, *asked], found)
    if ended.exit == 0 and not all(v.held for v in asked):
        return replace(ended, status="under", exit=6, why=_broken(asked))
    return ended


def _ended(shown: list[Verdict], found: list[Verdict]) -> Told:
    if all(v.held for v in found):
        return Told(tuple(shown), "held", 0)
    return Told(tuple(shown), "deviated", 5, _broken(found))


def _broken(verdicts: list[Verdict]) -> str:
    first = next(v for v in verdicts if not v.held)
    return f"{first.expectation}: {first.why}"


def _say_verdicts(run: Run, verdicts: list[Verdict], of: Literal["given", "expect", "score"]) -> None:
    run.say(*(e.Judged(of=of, expectation=v.expectation, held=v.held, why=v.why) for v in verdicts))
