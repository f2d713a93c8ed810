"""What the history remembers, and for how long."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from simlab.artifacts import MEASURED_KEPT, Findings, History, Labels, Measured, Served

NO_LABELS = pa.table(
    {"inference_id": pa.array([], pa.int64()), "label": [], "window": pa.array([], pa.int64())}
)


def after(history: History, window: int, fresh: int = 0, version: int = 1, **more: Any) -> History:
    findings = Findings(window=window, findings=(), alarms={}, points={}, metrics={}, **more)
    labels = Labels(window, NO_LABELS, fresh)
    return history.add(Served(window, version, pa.table({})), findings, labels, 3)


def test_labels_are_counted_from_one_build_to_the_next() -> None:
    history = after(after(History(), 0, fresh=40), 1, fresh=2)
    assert history.fresh_labels == 42


def test_a_window_that_is_measured_bit_by_bit_is_one() -> None:
    history = after(History(), 0, measured=(Measured(0, 1, {"estimated.auc": 0.8}),))
    history = after(history, 1, measured=(Measured(0, 1, {"auc": 0.7}),))
    history = after(history, 2, measured=(Measured(0, 1, {"auc": 0.6}), Measured(1, 1, {"auc": 0.9})))
    assert [(m.window, dict(m.figures)) for m in history.measured] == [
        (0, {"estimated.auc": 0.8, "auc": 0.6}),
        (1, {"auc": 0.9}),
    ]


def test_what_another_version_answered_is_not_held_against_this_one() -> None:
    history = after(
        History(), 5, version=2, measured=(Measured(4, 1, {"auc": 0.5}), Measured(5, 2, {"auc": 0.9}))
    )
    assert [m.window for m in history.measured] == [5]


def test_the_oldest_measured_windows_go_first() -> None:
    history = History()
    for window in range(MEASURED_KEPT + 5):
        history = after(history, window, measured=(Measured(window, 1, {"auc": 0.9}),))
    assert [m.window for m in history.measured] == list(range(5, MEASURED_KEPT + 5))
