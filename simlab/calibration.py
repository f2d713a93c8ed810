"""Calibration: thresholds at which a quiet world has no more false alarms than can be borne.

A null world is the scenario with nothing injected into its traffic and the policy `never`: every alarm
in it is false. The figures of its checks do not depend on thresholds, so one pass over some null worlds
serves every threshold that is tried. What was found is then tried on fresh seeds, because a threshold
chosen on some worlds looks better there than elsewhere.

The budget is split evenly between the monitors that are calibrated: by Bonferroni, all of them
together then have no more false alarms than asked for. Of each monitor the most sensitive threshold is
taken whose rate is within its share with `SURE` confidence, not merely in the worlds it was chosen on;
so few worlds cost sensitivity, and never the promise.

All worlds share the scenario's build: its model, and the monitors' baseline with whatever chance put
into it. Another build needs its own thresholds, the more so the smaller its baseline.
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
from simlab.gauges import Gauge, Ungauged, gauges, ungauged
from simlab.many import Row, Task, cell_of, live_through
from simlab.stages.monitor import Datapoints
from simlab.views.runlength import RunLength, arl, rate_interval

FOLD = "simlab.outcomes.points"
SPANS = {"day": 1, "week": 7, "month": 30, "year": 365}
"""Days that a word stands for."""
SURE = 0.8
"""Confidence with which a chosen threshold keeps to its share of the budget, by a Poisson law."""
FEW = "too few null worlds to vouch for it; take more"
LOUD = "no threshold keeps it within its share; take another detector"
NOTHING = "its figure was undefined in every null world"


@dataclass(frozen=True)
class Rate:
    """False alarms in quiet worlds."""

    alarms: int
    windows: int
    rate: float
    """Per window."""
    low: float
    high: float
    """Bounds of its 95 % interval: Garwood's, exact by a Poisson law, with alarms and windows divided by
    the dispersion."""
    dispersion: float
    """How many times as much the worlds' counts vary as by a Poisson law, and at least 1: alarms come
    in clusters where columns go together or an alarm flutters."""
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
    doubt: str = ""
    """Why the worlds it was chosen on do not vouch for it; empty where they do."""


@dataclass(frozen=True)
class Uncalibrated:
    """A monitor whose threshold stays as it is."""

    name: str
    why: str
    achieved: Rate
    """Its false alarms as it is, on the fresh seeds."""


@dataclass(frozen=True)
class Calibration:
    """Thresholds for one window size."""

    rows: int
    budget: float
    """False alarms per window that all monitors together may have."""
    monitors: tuple[Calibrated, ...]
    before: Rate
    """All calibrated monitors together, as they are."""
    achieved: Rate
    """The same, with the new thresholds."""
    others: tuple[Uncalibrated, ...]
    """Monitors that are not calibrated: their false alarms come on top."""
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
    found = re.fullmatch(r"\s*([0-9.]+)\s*/\s*(?:([1-9]\d{0,3})\s*)?(window|day|week|month|year)s?\s*", text)
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
        The scenario replays real rows, its thresholds are corrected in each window, a null world was not
        lived through to its end, or the words say no rate.
    """
    allowed = budget(false_alarms, ready.scenario.clock.step)
    monitors = gauges(ready)
    settings = ready.settings.get("monitor", {})
    if settings.get("correction", "none") != "none" and any(not gauge.rises for gauge in monitors):
        raise UsageError(
            f"{ready.scenario.name} corrects the thresholds of p-values in every window, so none of them can "
            "be calibrated; add --set stages.monitor.correction=none: calibrated ones need no correction"
        )
    sizes = list(rows) or [ready.scenario.clock.rows]
    nulls = [null_world(ready, size) for size in sizes]
    cells = [cell_of(null, {"clock.rows": size}) for null, size in zip(nulls, sizes, strict=True)]
    first = ready.scenario.seed.world
    tasks = [Task(cell, first + n) for cell in range(len(cells)) for n in range(2 * worlds)]
    found: dict[tuple[int, int], Row] = {}
    for task, row in live_through(cells, tasks, home, FOLD, workers=workers, dask=dask, told=told):
        if row["status"] in ("gate", "failed"):
            raise UsageError(f"the null world of seed {task.seed} was not lived through: {row['why']}")
        found[task.cell, task.seed] = row
    return [
        _calibrated(
            monitors,
            [found[cell, first + n] for n in range(worlds)],
            [found[cell, first + n] for n in range(worlds, 2 * worlds)],
            settings.get("alarm", Datapoints()),
            {c.name: c.kind for c in ready.schema.features},
            size,
            allowed,
            ungauged(ready),
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
    others: Sequence[Ungauged] = (),
) -> Calibration:
    def own(gauge: Gauge, row: Row) -> list[Any]:
        return [series for name, series in row["points"].items() if _feeds(gauge.check, name, kinds)]

    def sounded(gauge: Gauge, threshold: float) -> list[list[int]]:
        return [onsets(own(gauge, row), threshold, gauge.rises, alarm, strict=gauge.strict) for row in fresh]

    speaking = [gauge for gauge in monitors if any(own(gauge, row) for row in chosen_on)]
    silent = [Ungauged(g.name, g.check, "it said nothing in the null worlds") for g in monitors]
    silent = [s for s, gauge in zip(silent, monitors, strict=True) if gauge not in speaking]
    found, before, after = [], [], []
    for gauge in speaking:
        threshold, doubt = _threshold(
            gauge, [own(gauge, row) for row in chosen_on], chosen_on, alarm, allowed / len(speaking)
        )
        before.append(sounded(gauge, gauge.present))
        after.append(sounded(gauge, threshold))
        found.append(Calibrated(gauge, threshold, _rate(before[-1], fresh), _rate(after[-1], fresh), doubt))
    together = [
        [[w for monitor in kind for w in monitor[n]] for n in range(len(fresh))] for kind in (before, after)
    ]
    left: list[tuple[str, str, tuple[str, ...]]] = [
        (other.name, other.why, (other.check,)) for other in (*others, *silent)
    ]
    spoken_for = [gauge.check for gauge in speaking] + [check for _, _, checks in left for check in checks]
    loud = {name for row in fresh for _, name in row.get("alarms", ())}
    if rest := sorted(name for name in loud if not any(_feeds(check, name, kinds) for check in spoken_for)):
        checks = tuple(sorted({":".join(name.split(":", 2)[:2]) for name in rest}))
        left.append((", ".join(check.partition(":")[2] for check in checks), "no setting", checks))
    return Calibration(
        rows=rows,
        budget=allowed,
        monitors=tuple(found),
        before=_rate(together[0], fresh),
        achieved=_rate(together[1], fresh),
        others=tuple(
            Uncalibrated(name, why, _rate([_recorded(row, checks, kinds) for row in fresh], fresh))
            for name, why, checks in left
        ),
        worlds=len(chosen_on),
    )


def _feeds(check: str, alarm: str, kinds: Mapping[str, str]) -> bool:
    """Whether an alarm belongs to a check; drift is divided by kind of column."""
    monitor, said, column = (*alarm.split(":", 2), "", "")[:3]
    if f"{monitor}:{said}" == "data_quality:drift":
        return check == f"data_quality:drift:{kinds.get(column)}"
    return check == f"{monitor}:{said}"


def _recorded(row: Row, checks: Sequence[str], kinds: Mapping[str, str]) -> list[int]:
    """Windows in which alarms of some checks began to sound in a world as it was."""
    return [
        window
        for window, name in row.get("alarms", ())
        if any(_feeds(check, name, kinds) for check in checks)
    ]


def onsets(
    series: Sequence[Sequence[Sequence[float | None]]],
    threshold: float,
    rises: bool,
    alarm: Datapoints,
    *,
    strict: bool = False,
) -> list[int]:
    """Windows in which alarms begin to sound, over all the series of one monitor in one world.

    As the monitor counts: a window is one point of an alarm however many figures it has, a figure that is
    undefined is a point without a breach, and a window without a figure is none.

    Parameters
    ----------
    series
        For each alarm, pairs of a window and a figure (None: undefined), in order.
    threshold, rises
        Where a breach begins, and whether it lies above.
    strict
        Whether a rising figure must exceed the threshold.
    """
    import numpy as np

    found: list[int] = []
    for points in series:
        values = np.array([p[1] for p in points], float)  # None becomes NaN, which breaches nothing
        beyond = values > threshold if strict else values >= threshold
        breached = beyond if rises else values < threshold
        if np.count_nonzero(breached) < alarm.datapoints:
            continue
        at = np.array([p[0] for p in points], int)
        begin = np.flatnonzero(np.concatenate([[True], at[1:] != at[:-1]]))
        at, breached = at[begin], np.logical_or.reduceat(breached, begin)
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
) -> tuple[float, str]:
    """The most sensitive threshold that keeps to the budget, from the safe end on; and why it may not.

    Two things are in the way. With too few windows even no alarm at all vouches for little: the threshold
    is then one that nothing in these worlds breached. And a figure can be at its extreme in a quiet
    world (a p-value of 0, where a category is new), beyond which no threshold lies.
    """
    import numpy as np

    known = [p[1] for world in worlds for series in world for p in series if p[1] is not None]
    if not known:
        return gauge.present, NOTHING
    values = np.sort(np.array(known))
    exposure = sum(row["windows"] for row in rows)
    safe_first = values[::-1] if gauge.rises else values
    # Thresholds thin out towards the middle of the null law, where every one of them is too loud.
    places = np.unique(np.geomspace(1, max(2, len(values) // 2), 400).astype(int)) - 1
    best, doubt = gauge.legal(_clear(float(safe_first[0]), gauge.rises)), FEW
    for place in places[places < len(values)]:
        candidate = gauge.legal(_clear(float(safe_first[place]), gauge.rises))
        if not doubt and candidate == best:
            continue
        count = sum(
            len(onsets(world, candidate, gauge.rises, alarm, strict=gauge.strict)) for world in worlds
        )
        if rate_interval(count, exposure, 2 * SURE - 1)[2] > allowed:
            return best, (LOUD if doubt and count else doubt)
        best, doubt = candidate, ""
    return best, doubt


def _clear(value: float, rises: bool) -> float:
    """A figure rounded to three digits, to the side on which it is no breach itself.

    >>> _clear(0.123412, True), _clear(0.123412, False), _clear(0.57, True)
    (0.124, 0.123, 0.571)
    """
    if value == 0:
        return 1e-6 if rises else 1e-12
    scale = 10.0 ** (floor(log10(abs(value))) - 2)
    steps = floor(value / scale)

    def rounded(number: int) -> float:
        return float(f"{number * scale:.3g}")

    if not rises:  # a p-value of exactly the threshold is no breach
        return rounded(steps) if rounded(steps) <= value else rounded(steps - 1)
    # 0.57 / 0.001 falls short of 570: one step up may lead back to the value itself
    return rounded(steps + 1) if rounded(steps + 1) > value else rounded(steps + 2)


def _rate(found: Sequence[Sequence[int]], rows: Sequence[Row]) -> Rate:
    from statistics import variance

    exposure = sum(row["windows"] for row in rows)
    counts = [len(world) for world in found]
    count = sum(counts)
    dispersion = max(1.0, variance(counts) * len(counts) / count) if count and len(counts) > 1 else 1.0
    _, low, high = rate_interval(count / dispersion, exposure / dispersion)
    first = [min(world) + 1 if world else None for world in found]
    lived = [row["windows"] for row in rows]
    return Rate(count, exposure, count / exposure, low, high, dispersion, arl(first, lived))


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
            "dispersion": of.dispersion,
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
                    "doubt": m.doubt or None,
                    "before": rate(m.before),
                    "achieved": rate(m.achieved),
                }
                for m in c.monitors
            ],
            "not_calibrated": [
                {"monitor": other.name, "why": other.why, "achieved": rate(other.achieved)}
                for other in c.others
            ],
            "set": sets_of(c),
        }
        for c in found
    ]
