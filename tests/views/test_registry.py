from __future__ import annotations

from simlab.events import (
    ModelApproved,
    ModelDeployed,
    ModelRegistered,
    ModelRejected,
    RetrainFinished,
    RetrainPlanned,
    VersionRolledBack,
)
from simlab.views.registry import retrains, rollbacks, versions


def registered(version: int, window: int | None = None) -> ModelRegistered:
    return ModelRegistered(
        window=window, version=version, artifact="ab", algorithm="linear", metrics={"auc": 0.9}
    )


def deployed(version: int, window: int | None = None) -> ModelDeployed:
    return ModelDeployed(window=window, version=version, onnx="cd", bytes=10, parity=0.0)


def planned(window: int) -> RetrainPlanned:
    return RetrainPlanned(window=window, policy="every", reason="due", windows=(1, 2), include_training=True)


def test_a_version_serves_from_the_window_after_its_deployment():
    first, second = versions([registered(1), deployed(1), registered(2, 9), deployed(2, 9)])
    assert first.spans == ((0, 10),)
    assert second.spans == ((10, None),)
    assert second.metrics == {"auc": 0.9} and second.window == 9


def test_a_version_that_comes_back_has_two_spans():
    first, second = versions([deployed(1), deployed(2, 3), deployed(1, 6)])
    assert first.spans == ((0, 4), (7, None))
    assert second.spans == ((4, 7),)


def test_a_rejected_version_never_serves_and_says_why():
    (version,) = versions([registered(1), ModelRejected(version=1, reasons=("worse", "too slow"))])
    assert version.approved is False and version.why == "worse; too slow" and version.spans == ()


def test_an_undecided_version_is_neither_approved_nor_rejected():
    (version,) = versions([registered(1)])
    assert version.approved is None
    (version,) = versions([registered(1), ModelApproved(version=1, why="good")])
    assert version.approved is True and version.why == "good"


def test_a_retrain_is_told_with_what_came_of_it():
    done = RetrainFinished(window=4, version=2, replaced=True, why="it took over")
    (retrain,) = retrains([planned(4), done])
    assert (retrain.window, retrain.replaced, retrain.version) == (4, True, 2)


def test_a_retrain_that_did_not_end_has_no_outcome():
    first, second = retrains(
        [planned(4), RetrainFinished(window=4, version=1, replaced=False, why="no"), planned(9)]
    )
    assert first.replaced is False and first.why == "no"
    assert second.replaced is None and second.version is None


def test_a_version_that_is_put_back_serves_again():
    events = [
        deployed(1),
        deployed(2, 4),
        VersionRolledBack(window=6, version=1, replaced=2, why="worse"),
    ]
    one, two = versions(events)
    assert one.spans == ((0, 5), (7, None)) and two.spans == ((5, 7),)
    assert one.serves and not two.serves
    assert one.parity is not None, "it keeps what its deployment proved"
    (back,) = rollbacks(events)
    assert (back.window, back.version, back.replaced, back.why) == (6, 1, 2, "worse")
