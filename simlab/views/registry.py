"""The registry: versions, why they were approved or not, when they served, and every retrain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from simlab.events import (
    Event,
    ModelApproved,
    ModelDeployed,
    ModelRegistered,
    ModelRejected,
    RetrainFinished,
    RetrainPlanned,
    VersionRolledBack,
)


@dataclass(frozen=True)
class VersionView:
    """One registered version."""

    number: int
    algorithm: str = ""
    artifact: str = ""
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    window: int | None = None
    """Window during which it was registered; None before the first."""
    approved: bool | None = None
    """None while nobody decided."""
    why: str = ""
    """Why it was approved, or every reason why not."""
    parity: float | None = None
    """Largest difference between native and exported answers; None where it was never deployed."""
    spans: tuple[tuple[int, int | None], ...] = ()
    """First window it answered, and the first one it no longer did (None: it still serves)."""

    @property
    def serves(self) -> bool:
        """Whether it is in service at the end."""
        return bool(self.spans) and self.spans[-1][1] is None


@dataclass(frozen=True)
class Retrain:
    """One decision to retrain, and what came of it."""

    window: int
    policy: str
    reason: str
    windows: tuple[int, ...]
    """Labelled live windows that took part."""
    include_training: bool
    replaced: bool | None = None
    """Whether a new version went into service; None where the retrain did not end."""
    version: int | None = None
    """Version in service afterwards."""
    why: str = ""


@dataclass(frozen=True)
class PutBack:
    """A version that was taken out of service again."""

    window: int
    version: int
    """Version in service afterwards."""
    replaced: int
    """Version that was taken out."""
    why: str


def rollbacks(events: Iterable[Event]) -> tuple[PutBack, ...]:
    """Every rollback of a run, in order.

    >>> rollbacks([VersionRolledBack(window=4, version=1, replaced=2, why="worse")])[0].replaced
    2
    """
    return tuple(
        PutBack(-1 if fact.window is None else fact.window, fact.version, fact.replaced, fact.why)
        for fact in events
        if isinstance(fact, VersionRolledBack)
    )


def versions(events: Iterable[Event]) -> tuple[VersionView, ...]:
    """Every version of a run, in order of their numbers.

    A version deployed during a window answers from the next one on, and so does one that is put back.

    >>> [v.approved for v in versions([ModelRejected(version=1, reasons=("worse than the rule",))])]
    [False]
    """
    found: dict[int, VersionView] = {}
    serving: int | None = None
    for event in events:
        if not isinstance(
            event, (ModelRegistered, ModelApproved, ModelRejected, ModelDeployed, VersionRolledBack)
        ):
            continue
        seen = found.get(event.version, VersionView(event.version, window=event.window))
        if isinstance(event, ModelRegistered):
            seen = replace(
                seen,
                algorithm=event.algorithm,
                artifact=event.artifact,
                metrics=dict(event.metrics),
                window=event.window,
            )
        elif isinstance(event, ModelApproved):
            seen = replace(seen, approved=True, why=event.why)
        elif isinstance(event, ModelRejected):
            seen = replace(seen, approved=False, why="; ".join(event.reasons))
        else:
            first = 0 if event.window is None else event.window + 1
            if serving is not None and serving in found and found[serving].spans:
                before = found[serving]
                found[serving] = replace(before, spans=(*before.spans[:-1], (before.spans[-1][0], first)))
            seen = found.get(event.version, seen)
            if isinstance(event, ModelDeployed):
                seen = replace(seen, parity=event.parity)
            seen = replace(seen, spans=(*seen.spans, (first, None)))
            serving = event.version
        found[event.version] = seen
    return tuple(found[number] for number in sorted(found))


def retrains(events: Iterable[Event]) -> tuple[Retrain, ...]:
    """Every retrain of a run, in order.

    >>> plan = RetrainPlanned(window=9, policy="every", reason="", windows=(7, 8), include_training=True)
    >>> retrains([plan])[0].replaced is None
    True
    """
    found: list[Retrain] = []
    for event in events:
        if isinstance(event, RetrainPlanned):
            window = -1 if event.window is None else event.window
            found.append(Retrain(window, event.policy, event.reason, event.windows, event.include_training))
        elif isinstance(event, RetrainFinished) and found and found[-1].replaced is None:
            found[-1] = replace(found[-1], replaced=event.replaced, version=event.version, why=event.why)
    return tuple(found)
