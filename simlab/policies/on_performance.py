"""The policy `on_performance`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simlab.artifacts import History
from simlab.quality import LOWER_IS_BETTER, Metric, worse_by

Windows = Annotated[int, Field(ge=1, le=100)]


def on_performance(
    history: History,
    *,
    metric: Metric | None = None,
    bound: float | None = None,
    than_evaluation: Annotated[float, Field(gt=0)] | None = 0.25,
    datapoints: Windows = 2,
    of: Windows = 3,
    estimated: bool = False,
) -> str | None:
    """Retrain when the model is measured to be worse than it may be, in M of the last N measured windows.

    Only windows that the version in service answered count, and of these only what is known by now: a
    window whose labels are late is judged once they have come. The figures are those of the monitor that
    looks at every window; while it is switched off nothing is measured.

    Parameters
    ----------
    metric
        What is looked at; `log_loss` or `mae` when not said.
    bound
        Value that the metric may not be worse than.
    than_evaluation
        Share by which it may be worse than at the version's own evaluation; `null` for any.
    datapoints, of
        M and N. With fewer than N measured windows those that there are count.
    estimated
        Whether a window without labels is judged by its estimate (`stages.monitor.estimate`) until they
        come.

    >>> from simlab.artifacts import Measured
    >>> poor = tuple(Measured(window, 1, {"log_loss": 0.5}) for window in (3, 4))
    >>> on_performance(History(measured=poor, quality={"log_loss": 0.3}))
    'log_loss 0.5 in window 4: worse than allowed in 2 of the last 2 measured windows'
    >>> on_performance(History(measured=poor, quality={"log_loss": 0.45}))
    """
    name = metric or ("mae" if "mae" in history.quality else "log_loss")
    reference = history.quality.get(name)
    known = []
    for measured in history.measured:
        value = measured.figures.get(name)
        if value is None and estimated:
            value = measured.figures.get(f"estimated.{name}")
        if value is not None:
            known.append((measured.window, value))
    last = known[-of:]

    def poor(value: float) -> bool:
        if bound is not None and (value > bound if name in LOWER_IS_BETTER else value < bound):
            return True
        if than_evaluation is None or reference is None:
            return False
        return worse_by(name, value, reference) > than_evaluation

    worse = [(window, value) for window, value in last if poor(value)]
    if len(worse) < datapoints:
        return None
    window, value = worse[-1]
    return (
        f"{name} {value:.4g} in window {window}: worse than allowed in {len(worse)} of the last "
        f"{len(last)} measured windows"
    )
