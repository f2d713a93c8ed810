"""How often Evidently's default drift report cries wolf on clean data, and how often once calibrated.

`python benchmarks/cry_wolf.py [--windows 20] [--sizes 100 1000] [--baselines 5000 1000] [--fast]` draws
windows and baselines from one pool (adult-income, as the scenario `quiet-world` does), so every drifted
column is a false alarm. It runs Evidently's `Report([DataDriftPreset()])` on each, counts, and prints
shares with their exact 95 % intervals; then it finds thresholds with `simlab.calibration.calibrate`, puts
them into the same preset, and counts again on windows that they were not chosen on.

With `--fast` the statistics come from `simlab.statistics`, which takes a small part of the time; Evidently's
report is run on a sample of the windows, and the program fails if a figure differs by more than 1e-9 or a
column is judged otherwise.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from simlab.artifacts import History  # noqa: E402
from simlab.calibration import calibrate, null_world  # noqa: E402
from simlab.checking import Checked, check  # noqa: E402
from simlab.engines import mute_warnings  # noqa: E402
from simlab.signature import module_of  # noqa: E402
from simlab.statistics import Prepared, sample, statistic  # noqa: E402
from simlab.story import source_of  # noqa: E402
from simlab.stream import Outside, Parts, Source, Stream  # noqa: E402
from simlab.views.runlength import share_interval  # noqa: E402

SCENARIO = HERE.parent / "scenarios" / "quiet-world.yaml"
UNSEEN = 1_000_000
"""World seeds from here on were neither chosen on nor tried on by the calibration."""
ENOUGH = 0.5
"""Share of drifted columns from which the preset says that the data set drifted: its own default."""
DISTANCES = {"numeric": "wasserstein", "categorical": "jensenshannon"}
P_VALUES = {"numeric": "ks", "categorical": "chisquare"}
QUIET = Outside(lambda fact: None, lambda name, inputs, made: made(), lambda thing: "", lambda name: None)
"""What a stream needs of a run, where there is none."""


@dataclass(frozen=True)
class Judged:
    """One window as a report saw it."""

    drifted: Mapping[str, bool]
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Counts:
    """How many columns and windows drifted, of how many."""

    columns: int
    of_columns: int
    any_column: int
    data_set: int
    windows: int


@dataclass(frozen=True)
class Limits:
    """Methods and thresholds of the preset; Evidently's own choice where there are none."""

    methods: Mapping[str, str]
    thresholds: Mapping[str, float]


DEFAULT = Limits({}, {})


def counted(found: Sequence[Mapping[str, bool]]) -> Counts:
    """What some windows add up to.

    >>> counted([{"a": True, "b": False}, {"a": False, "b": False}])
    Counts(columns=1, of_columns=4, any_column=1, data_set=1, windows=2)
    """
    return Counts(
        columns=sum(sum(window.values()) for window in found),
        of_columns=sum(len(window) for window in found),
        any_column=sum(any(window.values()) for window in found),
        data_set=sum(sum(window.values()) >= ENOUGH * len(window) for window in found),
        windows=len(found),
    )


def share(hits: int, of: int) -> str:
    """A share in percent with its exact 95 % interval."""
    value, low, high = (100 * part for part in share_interval(hits, of))
    return f"{value:.1f} ({low:.1f} to {high:.1f})"


# --- the windows --------------------------------------------------------------------------------


def scenario_of(baseline: int, more: Mapping[str, Any] | None = None) -> Checked:
    """The quiet world with a baseline of so many rows and alarms that one report alone gives."""
    return check(
        SCENARIO,
        {
            "world.baseline_rows": baseline,
            "stages.features": {"serve_from": "request"},
            "stages.monitor.alarm": {"datapoints": 1, "of": 1},
            **(more or {}),
        },
    )


def world_of(
    null: Checked,
    source: Source,
    build: int,
    world: int,
    rows: int,
    windows: int,
    parts: Parts | None = None,
) -> Stream:
    """A quiet world's stream."""
    scenario = null.scenario.model_copy(
        update={
            "seed": null.scenario.seed.model_copy(update={"build": build, "world": world}),
            "clock": null.scenario.clock.model_copy(update={"rows": rows, "windows": windows}),
        }
    )
    return Stream(scenario, source, QUIET, parts)


def told(stream: Stream) -> Iterator[Any]:
    """Tables of a world's windows, one by one."""
    while window := stream.next(History()):
        yield window.table


# --- two ways to judge one window ---------------------------------------------------------------


class ByReport:
    """Evidently's report, run as its documentation shows."""

    def __init__(self, kinds: Mapping[str, str], baseline: Any, limits: Limits):
        from evidently import DataDefinition, Report
        from evidently.presets import DataDriftPreset

        self._kinds = kinds
        self._definition = DataDefinition(
            numerical_columns=[name for name, kind in kinds.items() if kind == "numeric"],
            categorical_columns=[name for name, kind in kinds.items() if kind == "categorical"],
        )
        self._baseline = self._data(baseline)
        given = {f"{kind[:3]}_method": method for kind, method in limits.methods.items()}
        given |= {f"{kind[:3]}_threshold": value for kind, value in limits.thresholds.items()}
        self._report = Report([DataDriftPreset(**given)])

    def _data(self, table: Any) -> Any:
        from evidently import Dataset

        return Dataset.from_pandas(table.select(list(self._kinds)).to_pandas(), self._definition)

    def judge(self, table: Any) -> Judged:
        """What the report says of a window."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an import of its own resets what was said before
            metrics = self._report.run(self._data(table), self._baseline).dict()["metrics"]
        figures, drifted = {}, {}
        for metric in metrics:
            config = metric["config"]
            if "column" in config:
                column, value = config["column"], float(metric["value"])
                figures[column] = value
                method = config["method"]  # in full where the report chose it, by name where it was told
                falls = method.endswith("p_value") or method in P_VALUES.values()
                drifted[column] = value < config["threshold"] if falls else value >= config["threshold"]
        (count,) = [int(m["value"]["count"]) for m in metrics if "drift_share" in m["config"]]
        if count != sum(drifted.values()):
            sys.exit(f"the report counts {count} drifted columns, and its columns {sum(drifted.values())}")
        return Judged(drifted, figures)


class ByStatistics:
    """The same statistics from a baseline that was prepared once."""

    def __init__(self, kinds: Mapping[str, str], baseline: Any, limits: Limits):
        self._kinds, self._limits, self._table = kinds, limits, baseline
        self._baseline = Prepared(baseline)
        self._tests: dict[str, tuple[str, float]] = {}

    def _test(self, column: str, kind: str, table: Any) -> tuple[str, float]:
        """The method that Evidently takes for a column, and its threshold there."""
        if column not in self._tests:
            from evidently.legacy.calculations.stattests import get_stattest

            test = get_stattest(
                self._table[column].to_pandas(),
                table[column].to_pandas(),
                "num" if kind == "numeric" else "cat",
                self._limits.methods.get(kind),
            )
            self._tests[column] = test.name, self._limits.thresholds.get(kind, test.default_threshold)
        return self._tests[column]

    def judge(self, table: Any) -> Judged:
        """What the report would say of a window."""
        figures, drifted = {}, {}
        for column, kind in self._kinds.items():
            method, threshold = self._test(column, kind, table)
            value = statistic(method, self._baseline.sample(column, kind), sample(table[column], kind))
            falls = module_of("detectors", method).DIRECTION == "below"
            figures[column] = value
            drifted[column] = not isnan(value) and (value < threshold if falls else value >= threshold)
        return Judged(drifted, figures)


def apart(one: Judged, other: Judged) -> float:
    """The largest difference of two judgements' figures; ends the program where one is too large."""
    worst = max(abs(one.figures[name] - other.figures[name]) for name in one.figures)
    if worst > 1e-9 or one.drifted != other.drifted:
        sys.exit(f"simlab.statistics and Evidently's report differ by {worst:.1e}, or in what drifted")
    return worst


class Judge:
    """One way to judge windows beside a baseline; the first few also by the report, if the way is fast."""

    def __init__(
        self, size: argparse.Namespace, kinds: Mapping[str, str], baseline: Any, limits: Limits, checked: int
    ):
        self._size, self._left = size, checked if size.fast else 0
        self._way = (ByStatistics if size.fast else ByReport)(kinds, baseline, limits)
        self._other = ByReport(kinds, baseline, limits) if self._left else None

    def drifted(self, table: Any) -> dict[str, bool]:
        """Which columns of a window drifted."""
        found = self._way.judge(table)
        if self._other is not None and self._left:
            self._left -= 1
            self._size.worst = max(self._size.worst, apart(found, self._other.judge(table)))
            self._size.compared += 1
        return dict(found.drifted)


# --- what is printed ----------------------------------------------------------------------------


def by_default(size: argparse.Namespace, baseline: int) -> None:
    """Each window beside a baseline of its own, so that windows are independent trials."""
    ready = scenario_of(baseline)
    null, source = null_world(ready), source_of(ready)
    kinds = {column.name: column.kind for column in ready.schema.features}
    methods = "distances at 0.1" if baseline > 1000 else "p-values at 0.05"
    print(f"\nEvidently's defaults, a baseline of {baseline:,} rows ({methods}), {len(kinds)} columns,")
    print(f"{size.windows} windows of each size, each beside a baseline of its own; percent (95 % interval)")
    print(f"{'rows':>6}  {'columns that drift':<24}{'windows with a drifted one':<28}data set drift")
    found: dict[int, list[dict[str, bool]]] = {rows: [] for rows in size.sizes}
    for n in range(size.windows):
        parts = world_of(null, source, n + 1, UNSEEN + n, 1, 1).parts
        judge = Judge(size, kinds, parts.baseline, DEFAULT, len(found) * (n < size.check))
        for rows in found:
            found[rows] += map(judge.drifted, told(world_of(null, source, n + 1, UNSEEN + n, rows, 1, parts)))
    for rows in size.sizes:
        c = counted(found[rows])
        print(
            f"{rows:>6}  {share(c.columns, c.of_columns):<24}{share(c.any_column, c.windows):<28}"
            f"{share(c.data_set, c.windows)}",
            flush=True,
        )


def once_calibrated(size: argparse.Namespace, baseline: int, methods: Mapping[str, str], home: Path) -> None:
    """Fresh windows beside the baseline that thresholds were calibrated for, before and after."""
    ready = scenario_of(baseline, {"stages.monitor.detectors": dict(methods)})
    null, source = null_world(ready), source_of(ready)
    kinds = {column.name: column.kind for column in ready.schema.features}
    seeds = ready.scenario.seed
    print(
        f"\nOnce calibrated: at most {size.false_alarms} false alarms of all monitors, one window an alarm,"
    )
    print(f"a baseline of {baseline:,} rows, {' and '.join(methods.values())}, {size.worlds} null worlds;")
    print(f"{size.windows} fresh windows beside that baseline; windows with a drifted column in percent")
    print(
        f"{'rows':>6}  {'numeric':<10}{'categorical':<13}{'by default':<22}{'calibrated':<22}budget of drift"
    )
    found = calibrate(
        ready, home, false_alarms=size.false_alarms, rows=size.sizes, worlds=size.worlds, workers=size.workers
    )
    for calibration in found:
        thresholds = {
            kind: monitor.threshold
            for kind in methods
            for monitor in calibration.monitors
            if monitor.gauge.check == f"data_quality:drift:{kind}"
        }
        for_drift = calibration.budget * len(thresholds) / len(calibration.monitors)
        shares = []
        for limits in (DEFAULT, Limits(methods, thresholds)):
            stream = world_of(null, source, seeds.build, UNSEEN, calibration.rows, size.windows)
            judge = Judge(size, kinds, stream.parts.baseline, limits, size.check)
            counts = counted([*map(judge.drifted, told(stream))])
            shares.append(share(counts.any_column, counts.windows))
        doubts = sorted({f"{m.gauge.name}: {m.doubt}" for m in calibration.monitors if m.doubt})
        print(
            f"{calibration.rows:>6}  {thresholds['numeric']:<10g}{thresholds['categorical']:<13g}"
            f"{shares[0]:<22}{shares[1]:<22}{100 * for_drift:.2f}",
            flush=True,
        )
        for doubt in doubts:
            print(f"          {doubt}")


def main() -> None:
    """Count, and print."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--windows", type=int, default=20, help="windows of each size")
    words.add_argument("--sizes", type=int, nargs="+", default=[100, 200, 500, 1000, 2000, 5000])
    words.add_argument("--baselines", type=int, nargs="+", default=[5000, 1000])
    words.add_argument("--false-alarms", default="1/month", help="what can be borne; a window is a day")
    words.add_argument("--worlds", type=int, default=40, help="null worlds to calibrate on; 0: do not")
    words.add_argument("--workers", type=int, default=None)
    words.add_argument("--fast", action="store_true", help="compute the statistics with simlab.statistics")
    words.add_argument("--check", type=int, default=2, help="with --fast, windows of each kind checked")
    size = words.parse_args()
    size.worst, size.compared = 0.0, 0
    warnings.simplefilter("ignore")
    mute_warnings()
    os.environ["PYTHONWARNINGS"] = "ignore"  # what an engine's import resets, and other processes
    began = time.perf_counter()
    print(f"twenty columns that do not drift, each at 0.05: {100 * (1 - 0.95**20):.0f} % of windows have one")
    for baseline in size.baselines:
        by_default(size, baseline)
    if size.worlds:
        with tempfile.TemporaryDirectory(prefix="cry-wolf-") as home:
            for baseline in size.baselines:
                for methods in (DISTANCES,) if baseline > 1000 else (P_VALUES, DISTANCES):
                    once_calibrated(size, baseline, methods, Path(home))
    if size.fast:
        print(
            f"\n{size.compared} windows were judged by Evidently's report as well: figures differ by ", end=""
        )
        print(f"{size.worst:.1e} at most, and the same columns drifted")
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
