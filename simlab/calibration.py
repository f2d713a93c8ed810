"""Calibration: thresholds at which a quiet world has no more false alarms than can be borne.

A null world is the scenario with nothing injected into its traffic and the policy `never`: every alarm
in it is false. Its findings do not depend on thresholds, so one pass over some null worlds serves
every threshold that is tried. What was found is then tried on fresh seeds, because a threshold chosen
on some worlds looks better there than elsewhere.

The budget is split evenly between the monitors that are calibrated: by Bonferroni, all of them
together then have no more false alarms than asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import floor, log10
from pathlib import Path
from typing import Any

from simlab.checking import Checked, checked
from simlab.errors import UsageError
from simlab.many import Row, Task, cell_of, live_through
from simlab.signature import module_of
from simlab.stages.monitor import Datapoints, Detectors, Quality
from simlab.views.runlength import RunLength, arl, rate_interval
from simlab.watching import detector_of

FOLD = "simlab.outcomes.points"
SPANS = {"day": 1, "week": 7, "month": 30, "year": 365}
"""Days that a word stands for."""


@dataclass(frozen=True)
class Gauge:
    """A monitor with a threshold: where it is written, and which alarms it feeds."""

    name: str
    """As a person would say it: `drift of numeric columns (wasserstein)`."""
    key: str
    """Where the threshold stands in the scenario."""
    present: float
    """The threshold as it is."""
    rises: bool
    """Whether a larger figure is the worse one; a p-value falls."""
    method: str
    check: str
    settings: Mapping[str, Any] | None = None
    """The detector's other settings, which stay; None where the threshold stands alone."""

    def written(self, threshold: float) -> Any:
        """What to write under the key."""
        return (
            threshold if self.settings is None else {self.method: {**self.settings, "threshold": threshold}}
        )


@dataclass(frozen=True)
class Rate:
    """False alarms in quiet worlds."""

    alarms: int
    windows: int
    rate: float
    """Per window."""
    low: float
    high: float
    """Bounds of its exact 95 % interval, if false alarms follow a Poisson law."""
    run_length: RunLength
    """Windows to the first false alarm of a world (ARL0)."""


@dataclass(frozen=True)
class Calibrated:
    """One monitor's threshold, and what it is worth."""

    gauge: Gauge
    threshold: float
    before: Rate
    """With the present threshold, on the fresh seeds."""
    achieved: Rate
    """With the new one, on the fresh seeds."""


@dataclass(frozen=True)
class Calibration:
    """Thresholds for one window size."""

    rows: int
    budget: float
    """False alarms per window that all monitors together may have."""
    monitors: tuple[Calibrated, ...]
    before: Rate
    """All monitors together, as they are."""
    achieved: Rate
    worlds: int
    """Null worlds that the thresholds were chosen on, and as many fresh ones they were tried on."""


def budget(text: str, step: timedelta) -> float:
    """False alarms per window, from words such as `1/month`, `2/week` or `0.01/window`.

    >>> budget("1/month", timedelta(days=1)), budget("0.02/window", timedelta(hours=1))
    (0.03333333333333333, 0.02)

    Raises
    ------
    UsageError
        It is written in another form.
    """
    found = re.fullmatch(r"\s*([0-9.]+)\s*/\s*(?:(\d+)\s*)?(window|day|week|month|year)s?\s*", text)
    try:
        count = float(found[1]) if found else 0.0
    except ValueError:
        count = 0.0
    if found is None or not count > 0:
        raise UsageError(f"--false-alarms {text}: write COUNT/TIME, as in 1/month, 2/week or 0.01/window")
    several = int(found[2] or 1)
    if found[3] == "window":
        return count / several
    return count * (step / timedelta(days=SPANS[found[3]] * several))


def gauges(ready: Checked) -> list[Gauge]:
    """The monitors of a scenario that have a threshold, with what it is now."""
    settings = ready.settings.get("monitor", {})
    detectors = settings.get("detectors", Detectors())
    found = []
    for kind in ("numeric", "categorical"):
        if not any(c.kind == kind for c in ready.schema.features):
            continue
        name, given = detector_of(getattr(detectors, kind))
        module = module_of("detectors", name)
        function = getattr(module, name.rpartition(".")[2])
        default = function.__kwdefaults__["threshold"]
        found.append(
            Gauge(
                name=f"drift of {kind} columns ({name})",
                key=f"stages.monitor.detectors.{kind}",
                present=float(given.get("threshold", default)),
                rises=module.DIRECTION == "above",
                method=name,
                check=f"data_quality:drift:{kind}",
                settings=given,
            )
        )
    quality = settings.get("quality", Quality())
    found.append(
        Gauge(
            name="model quality",
            key="stages.monitor.quality.worse_by",
            present=float(quality.worse_by),
            rises=True,
            method="relative",
            check="model_quality:quality",
        )
    )
    return found


def null_world(ready: Checked, rows: int | None = None) -> Checked:
    """The scenario with nothing injected into its traffic, and no retrain.

    Raises
    ------
    UsageError
        The scenario replays real rows, which drift by themselves.
    """
    scenario = ready.scenario
    if scenario.world.order == "replay":
        raise UsageError(
            f"{scenario.name} replays real rows, which drift by themselves; calibrate on a drawn world"
        )
    inject = tuple(
        i.model_copy(update={"enabled": i.enabled and i.on == "training"}) for i in scenario.inject
    )
    stages = {**scenario.stages, "retrain": {"policy": "never"}}
    clock = scenario.clock.model_copy(update={"rows": rows or scenario.clock.rows})
    changed = {"inject": inject, "stages": stages, "clock": clock, "expect": (), "given": ()}
    return checked(scenario.model_copy(update=changed), f"{scenario.name}.yaml")


def calibrate(
    ready: Checked,
    home: Path,
    *,
    false_alarms: str = "1/month",
    rows: Sequence[int] = (),
    worlds: int = 40,
    workers: int | None = None,
    dask: str | None = None,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> list[Calibration]:
    """Thresholds that hold, for each window size, tried on fresh seeds.

    Parameters
    ----------
    false_alarms
        What can be borne: `1/month`, `0.01/window`.
    rows
        Window sizes; the scenario's own when none is given.
    worlds
        Null worlds to choose on; as many fresh ones are lived through to try what was chosen.

    Raises
    ------
    UsageError
        The scenario replays real rows, or the words say no rate.
    """
    allowed = budget(false_alarms, ready.scenario.clock.step)
    sizes = list(rows) or [ready.scenario.clock.rows]
    nulls = [null_world(ready, size) for size in sizes]
    cells = [cell_of(null, {"clock.rows": size}) for null, size in zip(nulls, sizes, strict=True)]
    first = ready.scenario.seed.world
    tasks = [Task(cell, first + n) for cell in range(len(cells)) for n in range(2 * worlds)]
    found: dict[tuple[int, int], Row] = {}
    for task, row in live_through(cells, tasks, home, FOLD, workers=workers, dask=dask, told=told):
        found[task.cell, task.seed] = row
    alarm = ready.settings.get("monitor", {}).get("alarm", Datapoints())
    features = {c.name: c.kind for c in ready.schema.features}
    return [
        _calibrated(
            gauges(ready),
            [found[cell, first + n] for n in range(worlds)],
            [found[cell, first + n] for n in range(worlds, 2 * worlds)],
            alarm,
            features,
            size,
            allowed,
        )
        for cell, size in enumerate(sizes)
    ]


def _calibrated(
    monitors: Sequence[Gauge],
    chosen_on: Sequence[Row],
    fresh: Sequence[Row],
    alarm: Datapoints,
    kinds: Mapping[str, str],
    rows: int,
    allowed: float,
) -> Calibration:
    def own(gauge: Gauge, row: Row) -> list[Any]:
        return [series for name, series in row["points"].items() if _feeds(gauge, name, row, kinds)]

    speaking = [g for g in monitors if any(own(g, row) for row in chosen_on)]
    found, before, after = [], [], []
    for gauge in speaking:
        threshold = _threshold(
            gauge, [own(gauge, row) for row in chosen_on], chosen_on, alarm, allowed / len(speaking)
        )
        now = [onsets(own(gauge, row), gauge.present, gauge.rises, alarm) for row in fresh]
        then = [onsets(own(gauge, row), threshold, gauge.rises, alarm) for row in fresh]
        before.append(now)
        after.append(then)
        found.append(Calibrated(gauge, threshold, _rate(now, fresh), _rate(then, fresh)))
    together = [
        [[w for monitor in kind for w in monitor[n]] for n in range(len(fresh))] for kind in (before, after)
    ]
    return Calibration(
        rows=rows,
        budget=allowed,
        monitors=tuple(found),
        before=_rate(together[0], fresh),
        achieved=_rate(together[1], fresh),
        worlds=len(chosen_on),
    )


def _feeds(gauge: Gauge, alarm: str, row: Row, kinds: Mapping[str, str]) -> bool:
    monitor, check, column = (*alarm.split(":"), "")[:3]
    if f"{monitor}:{check}" == "data_quality:drift":
        return gauge.check == f"data_quality:drift:{kinds.get(column)}"
    return gauge.check == f"{monitor}:{check}"


def onsets(
    series: Sequence[Sequence[Sequence[float]]], threshold: float, rises: bool, alarm: Datapoints
) -> list[int]:
    """Windows in which alarms begin to sound, over all the series of one monitor in one world.

    Parameters
    ----------
    series
        For each alarm, pairs of a window and a figure.
    threshold, rises
        Where a breach begins, and whether it lies above.
    """
    import numpy as np

    found: list[int] = []
    for points in series:
        at = np.array([p[0] for p in points], int)
        values = np.array([p[1] for p in points])
        breached = values >= threshold if rises else values < threshold
        total = np.cumsum(np.concatenate([[0], breached]))
        recent = total[1:] - total[np.maximum(np.arange(1, len(total)) - alarm.of, 0)]
        sounding = recent >= alarm.datapoints
        begins = sounding & ~np.concatenate([[False], sounding[:-1]])
        found += at[begins].tolist()
    return sorted(found)


def _threshold(
    gauge: Gauge,
    worlds: Sequence[Sequence[Any]],
    rows: Sequence[Row],
    alarm: Datapoints,
    allowed: float,
) -> float:
    """The most sensitive threshold whose false alarms stay within the budget, from the safe end on."""
    import numpy as np

    values = np.sort(np.array([p[1] for world in worlds for series in world for p in series]))
    exposure = sum(row["windows"] for row in rows)
    safe_first = values[::-1] if gauge.rises else values
    # Thresholds thin out towards the middle of the null law, where every one of them is too loud.
    places = np.unique(np.geomspace(1, max(2, len(values) // 2), 400).astype(int)) - 1
    best = _clear(float(safe_first[0]), gauge.rises)
    for place in places:
        candidate = _clear(float(safe_first[place]), gauge.rises)
        count = sum(len(onsets(world, candidate, gauge.rises, alarm)) for world in worlds)
        if count / exposure > allowed:
            break
        best = candidate
    return best


def _clear(value: float, rises: bool) -> float:
    """A figure rounded to three digits, to the side on which it is no breach itself.

    >>> _clear(0.123412, True), _clear(0.123412, False)
    (0.124, 0.123)
    """
    if value == 0:
        return 1e-6 if rises else 1e-12
    scale = 10.0 ** (floor(log10(abs(value))) - 2)
    steps = floor(value / scale)
    return float(f"{(steps + 1 if rises else steps) * scale:.3g}")


def _rate(found: Sequence[Sequence[int]], rows: Sequence[Row]) -> Rate:
    exposure = sum(row["windows"] for row in rows)
    count = sum(len(world) for world in found)
    rate, low, high = rate_interval(count, exposure)
    first = [min(world) + 1 if world else None for world in found]
    return Rate(count, exposure, rate, low, high, arl(first, [row["windows"] for row in rows]))


def sets_of(calibration: Calibration) -> dict[str, Any]:
    """What to write into the scenario: each monitor's key, and what stands there then."""
    return {c.gauge.key: c.gauge.written(c.threshold) for c in calibration.monitors}


def as_json(found: Sequence[Calibration]) -> list[dict[str, Any]]:
    """The one object of `simlab calibrate --json`."""

    def rate(of: Rate) -> dict[str, Any]:
        return {
            "alarms": of.alarms,
            "windows": of.windows,
            "rate": of.rate,
            "low": of.low,
            "high": of.high,
            "arl0": of.run_length.mean,
            "arl0_low": of.run_length.low,
            "arl0_high": of.run_length.high,
        }

    return [
        {
            "rows": c.rows,
            "budget": c.budget,
            "worlds": c.worlds,
            "before": rate(c.before),
            "achieved": rate(c.achieved),
            "monitors": [
                {
                    "monitor": m.gauge.name,
                    "key": m.gauge.key,
                    "present": m.gauge.present,
                    "threshold": m.threshold,
                    "before": rate(m.before),
                    "achieved": rate(m.achieved),
                }
                for m in c.monitors
            ],
            "set": sets_of(c),
        }
        for c in found
    ]
