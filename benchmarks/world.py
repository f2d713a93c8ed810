"""What a world costs: the drift of a window, what hurts it, and worlds by the dozen.

`python benchmarks/world.py [drift] [injectors] [sweep] [memory] [--repeats 5] [--quick]` prints the sections
named, or all of them. Each compares sides that did the same work in one sitting, a turn each, and prints
the ratio of their best turns. No figure fails it, except that drift must be Evidently's own to 1e-9.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from measuring import machine  # noqa: E402

EXAMPLES = HERE.parent / "tests" / "injectors" / "examples"
"""Settings with which each injector does something to the rows of adult-income."""


def best(sides: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Seconds of the best turn of each side; they take turns, so that a busy machine is busy for all."""
    for turn in sides.values():
        turn()
    least = dict.fromkeys(sides, float("inf"))
    for _ in range(repeats):
        for name, turn in sides.items():
            began = time.perf_counter()
            turn()
            least[name] = min(least[name], time.perf_counter() - began)
    return least


# --- drift --------------------------------------------------------------------------------------


def a_table(rows: int, seed: int, moved: float) -> Any:
    """Fifteen numeric columns of several laws and five categorical ones."""
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {f"normal{n}": rng.normal(moved, 1 + moved, rows) for n in range(7)}
    columns |= {f"whole{n}": rng.integers(0, 20 * (n + 1), rows) + 5.0 * moved for n in range(4)}
    columns |= {f"amount{n}": rng.lognormal(moved, 1, rows).round(2) for n in range(2)}
    columns |= {
        f"seldom{n}": np.where(rng.random(rows) < 0.9, 0.0, rng.gamma(2, 1 + moved, rows)) for n in range(2)
    }
    for n, levels in enumerate((2, 5, 8, 16, 42)):
        share = np.arange(1, levels + 1) ** -(1 + moved)
        names = np.array([f"level {level}" for level in range(levels)], object)
        columns[f"name{n}"] = pa.array(rng.choice(names, rows, p=share / share.sum()), pa.string())
    return pa.table(columns)


def drift(size: argparse.Namespace) -> None:
    """One window of 5,000 rows and 20 columns beside a baseline of as many."""
    from simlab.engines import mute_warnings
    from simlab.statistics import METHODS, prepared, sample, statistic
    from simlab.statistics.samples import Prepared

    warnings.simplefilter("ignore")
    from evidently import DataDefinition, Dataset, Report
    from evidently.legacy.calculations.stattests.registry import get_registered_stattest
    from evidently.legacy.core import ColumnType
    from evidently.presets import DataDriftPreset

    mute_warnings()
    rows = 1_500 if size.quick else 5_000
    before, now = a_table(rows, 1, 0.0), a_table(rows, 2, 0.05)
    kinds = {name: "categorical" if name.startswith("name") else "numeric" for name in before.column_names}
    frames = before.to_pandas(), now.to_pandas()
    types = {"numeric": ColumnType.Numerical, "categorical": ColumnType.Categorical}
    # Its own choice for a baseline of more than 1,000 rows.
    default = {"numeric": "wasserstein", "categorical": "jensenshannon"}

    def one_by_one(methods: Mapping[str, str]) -> dict[str, float]:
        found = {}
        for name, kind in kinds.items():
            if kind in methods:
                test = get_registered_stattest(methods[kind], types[kind])
                found[name] = float(test(frames[0][name], frames[1][name], types[kind], None).drift_score)
        return found

    def ours(methods: Mapping[str, str], baseline: Prepared) -> dict[str, float]:
        return {
            name: statistic(methods[kind], baseline.sample(name, kind), sample(now[name], kind))
            for name, kind in kinds.items()
            if kind in methods
        }

    definition = DataDefinition(
        numerical_columns=[n for n, kind in kinds.items() if kind == "numeric"],
        categorical_columns=[n for n, kind in kinds.items() if kind == "categorical"],
    )
    data = [Dataset.from_pandas(frame, definition) for frame in frames]
    report = Report([DataDriftPreset(num_method=default["numeric"], cat_method=default["categorical"])])

    def preset() -> dict[str, float]:
        told = report.run(data[1], data[0]).dict()["metrics"]
        return {m["config"]["column"]: float(m["value"]) for m in told if "column" in m["config"]}

    print(f"drift of a window of {rows} rows x {len(kinds)} columns, best of {size.repeats}")
    sides = {
        "preset": preset,
        "one by one": lambda: one_by_one(default),
        "cold": lambda: ours(default, Prepared(before)),
        "warm": lambda: ours(default, prepared(before)),
    }
    took = best(sides, size.repeats)
    said = {
        "preset": "Evidently's DataDriftPreset, its report run (data sets made before)",
        "one by one": "Evidently's statistics called directly, one column after the other",
        "cold": "simlab.statistics, the baseline prepared as well",
        "warm": "simlab.statistics, the baseline prepared before: what every window but the first costs",
    }
    for name, seconds in took.items():
        print(f"  {1e3 * seconds:9.2f} ms   {took['warm'] and seconds / took['warm']:7.1f} x   {said[name]}")
    apart = max(gap(preset(), sides["warm"]()), gap(one_by_one(default), sides["cold"]()))
    print(
        f"  preset / cold {took['preset'] / took['cold']:.0f} (to be at least 10), one by one / cold ", end=""
    )
    print(
        f"{took['one by one'] / took['cold']:.1f} (to be at least 1); figures differ by {apart:.1e} at most"
    )

    print("  every method, the columns it can look at: Evidently one by one, cold, warm")
    worst = apart
    for method in METHODS:
        for kind in ("numeric", "categorical"):
            try:
                get_registered_stattest(method, types[kind])
            except ValueError:
                continue
            chosen = {kind: method}
            took = best(
                {
                    "one by one": lambda chosen=chosen: one_by_one(chosen),
                    "cold": lambda chosen=chosen: ours(chosen, Prepared(before)),
                    "warm": lambda chosen=chosen: ours(chosen, prepared(before)),
                },
                2 * size.repeats,
            )
            apart = gap(one_by_one(chosen), ours(chosen, prepared(before)))
            worst = max(worst, apart)
            shown = "".join(f"{1e3 * seconds:9.2f}" for seconds in took.values())
            ratio = took["one by one"] / took["cold"]
            print(f"  {method:<14}{kind:<12}{shown} ms   {ratio:6.1f} x   differs by {apart:.1e}")
    if worst > 1e-9:
        sys.exit(f"drift differs from Evidently's by {worst:.1e}")


def gap(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """The largest difference of two sets of figures, which must be of the same columns."""
    assert one.keys() == other.keys(), sorted(one.keys() ^ other.keys())
    return max(abs(one[name] - other[name]) for name in one)


# --- injectors ----------------------------------------------------------------------------------


ANSWERED = 50_000
"""Rows for those that ask the labeller: a forest answers a million in minutes, and the ratio is the same."""


def injectors(size: argparse.Namespace) -> None:
    """Rows per second of every injector of the folder, and of the world's answers where it asks for them."""
    import numpy as np

    from simlab.engines import engine
    from simlab.signature import module_of, names

    rows = 20_000 if size.quick else 1_000_000
    world = AWorld(rows)
    print(
        f"injectors on {rows} rows of adult-income with the settings of their examples, "
        f"best of {size.repeats}"
    )
    asking = []
    for kind in names("injectors"):
        module, written = module_of("injectors", kind), an_example(kind)
        if written is None:
            print(f"  {kind:<26} has no example on these rows")
            continue
        given = positional(kind, world, written)
        if given is None:
            print(f"  {kind:<26} is given no rows (seam {module.SEAM})")
            continue
        world.asked.clear()
        turn = a_turn(kind, given, written)
        turn()
        if module.LABELS == "ask" or world.asked:
            asking.append((kind, written, bool(world.asked)))
        if world.asked:
            print(f"  {kind:<26} asks the labeller: below")
            continue
        seconds = best({kind: turn}, size.repeats)[kind]
        rate = rows / seconds / 1e6
        print(f"  {kind:<26}{rate:10.1f} million rows/s   {1e3 * seconds:9.1f} ms   {module.SEAM}")
    rows = min(rows, 2_000 if size.quick else ANSWERED)
    world = AWorld(rows)
    graph = world.graph()
    print(f"  with the answers of the labeller, {rows} rows: times one bare prediction by ONNX Runtime")
    for kind, written, itself in asking:
        given = positional(kind, world, written)
        turn = a_turn(kind, given or {}, written)
        world.asked.clear()
        turn()
        calls = len(world.asked)

        def whole(turn: Callable[[], Any] = turn, itself: bool = itself) -> None:
            after = turn()
            if itself:
                return
            # What the core does: answers before and after, and the coupled draw of each label.
            before, now = world.labeller.eta(world.table), world.labeller.eta(after)
            world.labeller.answer(world.labels, before, now, np.full(rows, 0.5))

        def bare() -> None:
            engine("onnxruntime").score(graph, world.table)

        took = best({"whole": whole, "bare": bare}, max(1, size.repeats // 2))
        said = f"asks {calls} times itself" if itself else "its core asks twice, before and after"
        print(f"  {kind:<26}{took['whole'] / took['bare']:10.2f} x   {1e3 * took['whole']:9.1f} ms   {said}")


FITTED: dict[str, bytes] = {}
"""The labeller, fitted once."""


class AWorld:
    """Rows of adult-income, drawn with repetition, and what an injector may know of the world."""

    def __init__(self, rows: int):
        import numpy as np
        import pyarrow as pa

        from simlab.card import load_card
        from simlab.dataset import find_dataset, load, schema
        from simlab.labeller import Labeller
        from simlab.reference import Reference
        from simlab.stream import _moments

        folder = find_dataset("adult-income")
        card = load_card(folder)
        known, _ = load(folder, card)
        self.schema = schema(card)
        self.rng = np.random.default_rng(0)
        table = known.take(pa.array(self.rng.integers(0, known.num_rows, rows)))
        ids = pa.array(np.arange(rows))
        times = np.datetime64("2026-01-05", "us") + np.arange(rows).astype("timedelta64[us]")
        for name, values in (
            ("inference_id", ids),
            (self.schema.entity, ids),
            (self.schema.event_time, times),
        ):
            if name in table.column_names:
                table = table.drop_columns([name])
            table = table.append_column(name, pa.array(values))
        self.table = table.combine_chunks()
        self.labels = self.table[self.schema.target].to_numpy()
        self.asked: list[int] = []
        """Numbers of rows for which the labeller was asked by an injector itself."""
        self.labeller = Labeller(known, self.schema, "", self._memo)
        self.reference = Reference(
            moments=_moments(known, self.schema),
            table=known,
            target=self.schema.target,
            event_time=self.schema.event_time,
            entity=self.schema.entity,
            problem=self.schema.problem,
            eta=self._eta,
        )

    def _memo(self, name: str, parts: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        if name not in FITTED:
            FITTED[name] = make()
        return FITTED[name]

    def _eta(self, rows: Any) -> Any:
        self.asked.append(rows.num_rows)
        return self.labeller.eta(rows)

    def graph(self) -> bytes:
        """The labeller's graph."""
        self.labeller.eta(self.table.slice(0, 1))
        return FITTED["labeller"]


def an_example(kind: str) -> dict[str, Any] | None:
    """How a scenario may write an injection of this kind that does something."""
    import yaml

    path = EXAMPLES / f"{kind}.yaml"
    told = yaml.safe_load(path.read_text()) if path.exists() else {}
    return None if "dataset" in told else told.get("something")


def positional(kind: str, world: AWorld, written: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an injector is given before its settings, by name; None where it is given no rows."""
    import inspect

    import numpy as np

    from simlab.signature import find

    rows = world.table.num_rows
    group = str(written["with"].get("group", "sex"))
    known: dict[str, Callable[[], Any]] = {
        "rows": lambda: world.table,
        "pool": lambda: world.table,
        "mask": lambda: world.rng.random(rows) < written.get("fraction", 1.0),
        "strength": lambda: 1.0,
        "rng": lambda: np.random.default_rng(1),
        "reference": lambda: world.reference,
        "eta": lambda: world.rng.random(rows),
        "labels": lambda: world.labels,
        "delays": lambda: np.full(rows, 86_400.0),
        "answered": lambda: world.rng.random(rows) < 0.5,
        "past": lambda: {v: (100, 30) for v in world.table[group].unique().to_pylist() if v is not None},
    }
    parameters = inspect.signature(find("injectors", kind)).parameters.values()
    asked = [p.name for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    if not {"rows", "pool"} & set(asked):
        return None
    unknown = [name for name in asked if name not in known]
    assert not unknown, f"{kind}: teach benchmarks/world.py what {', '.join(unknown)} is"
    return {name: known[name]() for name in asked}


def a_turn(kind: str, given: Mapping[str, Any], written: Mapping[str, Any]) -> Callable[[], Any]:
    """One call of an injector, with a generator that starts anew each time."""
    import numpy as np

    from simlab.signature import find, settings

    function = find("injectors", kind)
    values, problems = settings(function, written["with"], kind)
    assert not problems, problems

    def turn() -> Any:
        again = {"rng": np.random.default_rng(1)} if "rng" in given else {}
        return function(*{**given, **again}.values(), **values)

    return turn


# --- sweep --------------------------------------------------------------------------------------


QUIET = "quiet-world"
"""The scenario of these sections: adult-income, 13 features, monitors of drift and quality, 80 trees."""


def sweep(size: argparse.Namespace) -> None:
    """Worlds per second by rows and policy, over every core, with the phases of a world."""
    from simlab.engines import mute_warnings
    from simlab.lab import Lab
    from simlab.shipped import find_scenario

    mute_warnings()
    windows = 6 if size.quick else 30
    sizes = (200,) if size.quick else (200, 1_000, 5_000)
    plain = {
        "clock.windows": windows, "expect": [], "given": [], "stages.features": {"serve_from": "request"},
    }  # fmt: skip
    cores = os.cpu_count() or 1
    print(f"worlds of {windows} windows of {QUIET}, requests carry their features; {cores} processes")
    print("     rows  policy     worlds   worlds/s   build s   live s   floor s   live / floor")
    with tempfile.TemporaryDirectory(prefix="simlab-bench-") as home:
        lab, path = Lab(home), find_scenario(Path(QUIET))
        for rows in sizes:
            for policy in ("never", {"every": {"windows": 10}}):
                worlds = 8 if size.quick else {200: 400, 1_000: 100, 5_000: 24}[rows]
                if policy != "never":
                    worlds = max(4, worlds // 16)
                sets = {**plain, "clock.rows": rows, "stages.retrain": {"policy": policy, "cooldown": 0}}
                # The build is made by the first world, and found in the home by the ones that are timed.
                lab.sweep(path, sets, vary={}, seeds=1)
                found = lab.sweep(path, sets, vary={}, seeds=1 + worlds)
                floor = serving(lab, path, sets, windows * rows)
                live = found.phases["live"]
                name = policy if isinstance(policy, str) else "every 10"
                print(
                    f"  {rows:7}  {name:<10}{found.fresh:7}{found.fresh / found.seconds:11.2f}"
                    f"{found.phases['build']:10.3f}{live:9.3f}{floor:10.3f}{live / floor:15.1f}",
                    flush=True,
                )
    print(
        "  worlds/s holds the start of the processes; build and live are one process's seconds a world; the"
    )
    print(
        "  floor is ONNX Runtime answering as many rows. To be at least 12 for 200 rows and the policy never."
    )


def serving(lab: Any, path: Path, sets: Mapping[str, Any], rows: int) -> float:
    """Seconds that ONNX Runtime alone needs for so many rows: no world that serves them is faster."""
    from simlab.checking import check
    from simlab.engines import engine
    from simlab.story import outside
    from simlab.stream import Stream
    from simlab.worlds import Worlds

    worlds, ready = Worlds(lab.home), check(path, dict(sets))
    worlds.live(ready)
    (built,) = worlds._builds.values()
    source = worlds._source(ready)
    with tempfile.TemporaryDirectory() as folder:
        stream = Stream(ready.scenario, source, outside(worlds._run(ready, Path(folder))), built.parts)
    pool = stream.parts.pool.slice(0, min(rows, ready.scenario.clock.rows))
    turns = -(-rows // pool.num_rows)

    def turn() -> None:
        for _ in range(turns):
            engine("onnxruntime").score(built.deployment.onnx, pool)

    return best({"floor": turn}, 3)["floor"]


# --- memory -------------------------------------------------------------------------------------


def memory(size: argparse.Namespace) -> None:
    """Twenty million rows in one run, and the memory that it takes while it goes on."""
    import threading
    from statistics import linear_regression

    from memory import resident_mb

    from simlab.checking import check
    from simlab.engines import mute_warnings
    from simlab.shipped import find_scenario
    from simlab.worlds import Worlds

    mute_warnings()
    windows, rows = (8, 2_000) if size.quick else (200, 100_000)
    sets = {
        "clock.windows": windows, "clock.rows": rows, "expect": [], "given": [], "labels.delay": "1d",
        "stages.features": {"serve_from": "request"}, "stages.train.rounds": 20,
    }  # fmt: skip
    samples: list[tuple[float, float]] = []
    over = threading.Event()
    pid = os.getpid()

    def watch() -> None:
        while not over.wait(0.05 if size.quick else 0.5):
            samples.append((time.perf_counter(), resident_mb(pid) or 0.0))

    with tempfile.TemporaryDirectory(prefix="simlab-bench-") as home:
        worlds, ready = Worlds(Path(home)), check(find_scenario(Path(QUIET)), sets)
        worlds.prepare(ready)
        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        began = time.perf_counter()
        worlds.live(ready)
        ended = time.perf_counter()
        over.set()
        watcher.join()
    seconds = ended - began
    print(
        f"{windows} windows of {rows} rows of {QUIET}, {windows * rows / 1e6:.1f} million rows in one world"
    )
    print(f"  {seconds:.1f} s, {windows * rows / seconds / 1e3:.0f} thousand rows/s")
    settled = [((at - began) / seconds * windows, mb) for at, mb in samples if at - began > seconds / 5]
    print(f"  resident: {max(mb for _, mb in samples):.0f} MB at most", end="")
    if len(settled) > 2:
        slope, _ = linear_regression([at for at, _ in settled], [mb for _, mb in settled])
        print(f", growing by {100 * slope:.1f} MB per 100 windows from a fifth of them on", end="")
    print()


SECTIONS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "drift": drift,
    "injectors": injectors,
    "sweep": sweep,
    "memory": memory,
}
"""In the order in which they are printed."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="*", metavar="section", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a small size, to see that it works")
    size = parser.parse_args(arguments)
    if unknown := set(size.sections) - set(SECTIONS):
        parser.error(f"no section called {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    print(machine())
    for name in size.sections or SECTIONS:
        print()
        SECTIONS[name](size)


if __name__ == "__main__":
    main()
