"""What the four monitors cost, beside Evidently, whylogs, NannyML and AWS's open smclarify.

`python benchmarks/monitor.py [monitors] [constraints] [windows] [clarify] [--repeats 5] [--quick]
[--envs DIR]` prints the sections named, or all of them. Peers live in environments of their own under
`--envs`, which are made on first use (that needs the network) and used again; one that cannot be installed
is named and left out. Each comparison takes the best of several turns on the same rows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from measuring import machine, must, take  # noqa: E402
from world import a_table, best, gap  # noqa: E402

START = datetime(2026, 1, 5)

PEERS = {
    "whylogs": ("whylogs[viz]==1.6.4", "pandas<3", "pyarrow"),
    "nannyml": ("nannyml==0.13.1", "statsmodels", "pandas<3", "numpy<2.3", "pyarrow"),
    "smclarify": ("smclarify==0.5", "pandas<3", "numpy<2", "pyarrow<21"),
}
"""What each peer's environment holds."""


# --- the world ----------------------------------------------------------------------------------


def a_schema() -> Any:
    """Fifteen numeric features and five categorical ones."""
    from simlab.artifacts import Column, Schema, View

    names = a_table(10, 1, 0.0).column_names
    columns = tuple(Column(n, "categorical" if n.startswith("name") else "numeric") for n in names)
    view = View("rows", "id", columns, from_rows=True)
    return Schema("binary", "y", "id", "at", columns, views=(view,))


def some_rows(rows: int, seed: int, moved: float) -> Any:
    """Rows with a key, a time spread over a day, and an answer that several columns decide."""
    import numpy as np
    import pyarrow as pa

    table, rng = a_table(rows, seed, moved), np.random.default_rng(seed + 1)
    odds = table["normal0"].to_numpy() + np.log(table["amount0"].to_numpy() + 0.01)
    odds = odds + 2.0 * (table["name0"].to_numpy(zero_copy_only=False) == "level 0") - 1.0
    at = np.datetime64(START, "us") + (np.arange(rows) * (86_400_000_000 / rows)).astype("timedelta64[us]")
    answer = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(float)
    for name, values in (("id", np.arange(rows)), ("at", at), ("y", answer)):
        table = table.append_column(name, pa.array(values))
    return table


@cache
def a_model(rounds: int = 100) -> Any:
    """A model in service, with 5,000 baseline rows: no stage but the engines behind them."""
    import numpy as np
    import pyarrow as pa

    from simlab.artifacts import Deployment, FeatureSet
    from simlab.engines import engine, mute_warnings

    mute_warnings()
    schema = a_schema()
    history = some_rows(20_000, 3, 0.0)
    split = np.where(
        np.arange(20_000) < 14_000, "train", np.where(np.arange(20_000) < 17_000, "valid", "test")
    )
    features = FeatureSet(
        history.append_column("split", pa.array(split)), schema, (), some_rows(5_000, 1, 0.0)
    )
    model = engine("lightgbm").fit(features, {"num_leaves": 31}, rounds=rounds, seed=7)
    graph = engine("onnx").export(model)
    scored = engine("onnxruntime").score(graph, features.baseline)
    baseline = features.baseline.append_column("prediction", pa.array(scored))
    return Deployment(
        1, graph, "lightgbm", "binary", schema, model.numeric, model.categorical, model.threshold, (),
        baseline, {}, 0.0, model,
    )  # fmt: skip


def a_capture(model: Any, rows: int, seed: int, moved: float) -> Any:
    """Captured rows of a window with every label known."""
    import pyarrow as pa

    from simlab.engines import engine

    table = some_rows(rows, seed, moved)
    scored = engine("onnxruntime").score(model.onnx, table)
    table = table.rename_columns(
        ["label" if n == "y" else "inference_id" if n == "id" else n for n in table.column_names]
    )
    return table.append_column("prediction", pa.array(scored))


SETTINGS: dict[str, dict[str, Any]] = {
    "data_quality": {},
    "model_quality": {},
    "model_bias": {"facets": {"name0": ["level 1"]}},
    "model_explainability": {},
}
"""The four monitors, and what they need to be told."""


class Watch:
    """The four monitors over one model: baselines made once, then an execution per window."""

    def __init__(self, model: Any, settings: Mapping[str, Mapping[str, Any]] = SETTINGS):
        from simlab.executing import baseline_rows, functions_of, settings_for
        from simlab.schedules import Schedule

        self.model = model
        self.schedules = {name: Schedule({name: dict(given)}) for name, given in settings.items()}
        self.took: dict[str, float] = {}
        self.baselines = {}
        for name, schedule in self.schedules.items():
            suggest, _ = functions_of(name)
            began = time.perf_counter()
            self.baselines[name] = suggest(model, baseline_rows(model), **settings_for(suggest, schedule))
            self.took[name] = time.perf_counter() - began

    def execute(self, name: str, table: Any) -> Any:
        """One execution of one monitor."""
        from simlab.executing import functions_of, settings_for
        from simlab.monitors import Material

        material = Material(
            table, 0, START, START + timedelta(days=1), START + timedelta(days=1), "bench", name, 7
        )
        _, execute = functions_of(name)
        return execute(
            self.model, self.baselines[name], material, **settings_for(execute, self.schedules[name])
        )


# --- peers --------------------------------------------------------------------------------------


def python_of(peer: str, envs: Path) -> Path | None:
    """The interpreter of a peer's environment, made where it is missing; None where that fails."""
    folder = envs / peer
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"  installing {peer} into {folder}")
        venv.create(folder, with_pip=True, clear=True)
        done = subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", *PEERS[peer]],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            print(f"  {peer} cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
            return None
        (folder / "ready").write_text("\n".join(PEERS[peer]))
    return python


def told_by(peer: str, script: str, envs: Path, *arguments: str) -> dict[str, Any] | None:
    """What a peer's side says of its work, as JSON; None where it cannot be had."""
    python = python_of(peer, envs)
    if python is None:
        return None
    done = subprocess.run(
        [str(python), str(HERE / "peers" / script), *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    if done.returncode:
        print(f"  {peer} failed: {done.stderr.strip().splitlines()[-1:]}")
        return None
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


# --- sections -----------------------------------------------------------------------------------


def monitors(size: argparse.Namespace) -> None:
    """One window of 5,000 rows and 20 columns through the four monitors, and through the peers."""
    import pyarrow.parquet as pq

    rows = 1_500 if size.quick else 5_000
    model = a_model()
    watch = Watch(model)
    now = a_capture(model, rows, 2, 0.05)
    print(f"the four monitors on a window of {rows} rows x 20 columns, best of {size.repeats}, one process")
    took = best({name: lambda name=name: watch.execute(name, now) for name in SETTINGS}, size.repeats)
    for name, seconds in took.items():
        print(f"  {1e3 * seconds:9.2f} ms   {name}; its baseline job {1e3 * watch.took[name]:.0f} ms, once")
    ours = sum(took.values())
    print(f"  {1e3 * ours:9.2f} ms   all four, report files included")
    theirs = evidently_side(model, now, size.repeats)
    for name, seconds in theirs.items():
        print(f"  {1e3 * seconds:9.2f} ms   Evidently's {name}, its report run (data sets made before)")
    print(f"  all of Evidently's / all four of ours {sum(theirs.values()) / ours:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, table in (("reference", a_baseline(model)), ("current", now)):
            files.append(str(Path(folder) / f"{name}.parquet"))
            features = [c.name for c in model.schema.features]
            pq.write_table(table.select([*features, "prediction", "label"]), files[-1])
        turns = str(1 if size.quick else 2 * size.repeats)
        nannyml = told_by("nannyml", "nannyml_side.py", size.envs, *files, turns)
        whylogs = told_by("whylogs", "whylogs_side.py", size.envs, *files, turns)
    alike(model, watch, now, size.repeats, nannyml, whylogs)


def a_baseline(model: Any) -> Any:
    """The baseline's rows, named as a capture's are."""
    from simlab.executing import baseline_rows

    return baseline_rows(model)


def evidently_side(model: Any, now: Any, repeats: int) -> dict[str, float]:
    """Seconds of Evidently's presets on the same rows."""
    warnings.simplefilter("ignore")
    from evidently import BinaryClassification, DataDefinition, Dataset, Report
    from evidently.presets import ClassificationPreset, DataDriftPreset, DataSummaryPreset

    features = [c.name for c in model.schema.features]
    frames = []
    for table in (a_baseline(model), now):
        frame = table.select([*features, "prediction", "label"]).to_pandas()
        frame["label"] = frame["label"].astype(int)
        frames.append(frame)
    plain = DataDefinition(
        numerical_columns=list(model.schema.numeric), categorical_columns=list(model.schema.categorical)
    )
    answered = DataDefinition(
        classification=[BinaryClassification(target="label", prediction_probas="prediction", pos_label=1)]
    )
    data = [Dataset.from_pandas(frame[features], plain) for frame in frames]
    judged = [Dataset.from_pandas(frame[["prediction", "label"]], answered) for frame in frames]

    def run(preset: Any, of: list[Any]) -> Callable[[], Any]:
        report = Report([preset()])
        return lambda: report.run(of[1], of[0]).dict()

    return best(
        {
            "DataDriftPreset": run(DataDriftPreset, data),
            "DataSummaryPreset": run(DataSummaryPreset, data),
            "ClassificationPreset": run(ClassificationPreset, judged),
        },
        max(1, repeats // 2),
    )


def alike(model: Any, watch: Watch, now: Any, repeats: int, nannyml: Any, whylogs: Any) -> None:
    """The tasks of which a peer computes the same figures, side by side."""
    from simlab.measuring import metrics
    from simlab.model_monitor.distances import categorical, numeric
    from simlab.model_monitor.reading import read_statistics
    from simlab.model_monitor.statistics import statistics_of

    features = [c.name for c in model.schema.features]
    table = now.select(features)
    before = read_statistics(watch.baselines["data_quality"]["statistics.json"])

    def distances() -> dict[str, float]:
        current = statistics_of(table)
        found = {}
        for name in features:
            a, b = before.by_name[name], current.by_name[name]
            if a.numeric and b.numeric and a.numeric.sketch and b.numeric.sketch:
                found[name] = numeric(a.numeric.sketch, b.numeric.sketch)
            else:
                found[name] = categorical(a.text.counts, b.text.counts)
        return found

    truth, said = now["label"].to_numpy(), now["prediction"].to_numpy()
    cut = 0.5  # what the peer's side is told
    took = best(
        {
            "distances": distances,
            "quality": lambda: metrics("binary", truth, said, cut),
        },
        2 * repeats,
    )
    print("  the same figures, the reference known before:")
    print(f"  {1e3 * took['distances']:9.2f} ms   statistics and L-infinity distance of every feature, ours")
    if nannyml is not None:
        seconds = nannyml["drift"]["seconds"]
        apart = gap(distances(), nannyml["drift"]["figures"])
        print(
            f"  {1e3 * seconds:9.2f} ms   {seconds / took['distances']:5.1f} x   Kolmogorov-Smirnov and "
            f"L-infinity distances, NannyML {nannyml['version']}; they differ by {apart:.1e} at most"
        )
    if whylogs is not None:
        seconds = whylogs["profile"]["seconds"] + whylogs["drift"]["seconds"]
        print(
            f"  {1e3 * seconds:9.2f} ms   {seconds / took['distances']:5.1f} x   a profile and drift scores, "
            f"whylogs {whylogs['version']} (from sketches)"
        )
    print(f"  {1e3 * took['quality']:9.2f} ms   AUC, accuracy, precision, recall, F1 and more, ours")
    if nannyml is not None:
        seconds = nannyml["quality"]["seconds"]
        figures = metrics("binary", truth, said, cut)
        apart = max(
            abs(figures[ours] - nannyml["quality"]["figures"][theirs])
            for ours, theirs in (("auc", "roc_auc"), ("f1", "f1"), ("accuracy", "accuracy"))
            if figures.get(ours) is not None
        )
        print(
            f"  {1e3 * seconds:9.2f} ms   {seconds / took['quality']:5.1f} x   six metrics, NannyML; "
            f"they differ by {apart:.1e} at most"
        )


def constraints(size: argparse.Namespace) -> None:
    """The data-quality checks on a million rows and twenty columns."""
    rows = 20_000 if size.quick else 1_000_000
    model = a_model()
    table = a_capture(model, rows, 2, 0.05)
    plain = {"edits": {"monitoring_config.distribution_constraints.perform_comparison": "Disabled"}}
    sides = {"with": Watch(model, {"data_quality": {}}), "without": Watch(model, {"data_quality": plain})}
    print(f"constraint checks on {rows} rows x 21 columns (the answer among them), best of {size.repeats}")
    took = best(
        {name: lambda side=side: side.execute("data_quality", table) for name, side in sides.items()},
        max(1, size.repeats // 2),
    )
    for name, seconds in took.items():
        print(
            f"  {rows / seconds / 1e6:6.2f} million rows/s   statistics, sketches and report files included, "
            f"{name} comparison with the baseline"
        )


def windows(size: argparse.Namespace) -> None:
    """Twenty-four windows of 100,000 rows through the four monitors, in a process of its own."""
    count, rows = (3, 5_000) if size.quick else (24, 100_000)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "windows.txt"
        taken = must(take([str(Path(__file__)), "--child", str(count), str(rows)], log), "the windows")
    print(
        f"{count} windows of {rows} rows x 20 columns through the four monitors, attribution on 500 rows each"
    )
    print(f"  {taken.output.strip()}")


def child(count: int, rows: int) -> None:
    """What `windows` does, measured from inside."""
    watch = Watch(a_model())
    spent, violations = 0.0, 0
    for window in range(count):
        table = a_capture(watch.model, rows, 100 + window, 0.01 * window)
        began = time.perf_counter()
        for name in SETTINGS:
            violations += sum(f.breached for f in watch.execute(name, table).findings)
        spent += time.perf_counter() - began
    print(
        f"{spent:.1f} s in the monitors ({spent / count:.2f} s a window), {violations} violations; "
        f"{peak():.0f} MB at most, engines and the making of rows included"
    )


def peak() -> float:
    """Megabytes that this process held at most.

    Not `getrusage`: to a child it counts what its parent held when it was forked.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024  # bytes there


def clarify(size: argparse.Namespace) -> None:
    """Clarify's bias metrics beside AWS's open smclarify, on a million rows."""
    python = python_of("smclarify", size.envs)
    if python is None:
        return
    rows = "20000" if size.quick else "1000000"
    done = subprocess.run(
        [sys.executable, str(HERE / "clarify_bias.py"), str(python), "--rows", rows], check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )  # fmt: skip
    if done.returncode:
        sys.exit("the bias metrics differ from smclarify's")


SECTIONS = {"monitors": monitors, "constraints": constraints, "windows": windows, "clarify": clarify}


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="smaller tables, to see that it runs")
    parser.add_argument("--envs", type=Path, default=Path(tempfile.gettempdir()) / "simlab-peers")
    parser.add_argument("--child", nargs=2, type=int, help=argparse.SUPPRESS)
    size = parser.parse_args()
    if size.child:
        child(*size.child)
        return
    unknown = [name for name in size.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"no section called {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    print(machine())
    for name in size.sections or SECTIONS:
        SECTIONS[name](size)


if __name__ == "__main__":
    main()
