"""The injector `silence_monitor`."""

from __future__ import annotations

from typing import Literal

from simlab.artifacts import Finding

SEAM = "monitor.run"
LABELS = "keep"
COLUMN = None
PROBLEMS = ("binary", "regression")


def silence_monitor(
    findings: tuple[Finding, ...],
    strength: float,
    *,
    monitor: Literal["data_quality", "model_quality", "model_bias", "model_explainability"] | None = None,
) -> tuple[Finding, ...]:
    """Let a monitor say nothing, as if it were down.

    An operational fault of the watcher itself: it has no finding, good or bad, in any window with a
    strength above 0. A monitor is up or down; there is no halfway. The health check stands outside and
    keeps speaking.

    Parameters
    ----------
    findings
        What the monitors found in one window.
    strength
        In [0, 1].
    monitor
        Which one is down; every one when not given.
    """
    if strength == 0:
        return findings
    return tuple(f for f in findings if monitor is not None and f.monitor != monitor)
