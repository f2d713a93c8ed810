"""The same lifecycle twice in one sitting: simlab, and a bare script over the same engines.

`python benchmarks/lifecycle.py [--repeats 3] [--quick]` prints wall seconds per phase of each, and
the ratios that count. No figure fails it: targets stand beside the figures. A side that does not
end well does fail it, as does a lifecycle that did not do its work.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from measuring import Taken, generate, machine, must, take  # noqa: E402
from synthetic import write_scenario  # noqa: E402

PHASES: Mapping[str, tuple[str, ...]] = {
    "import": (),
    "world": (),
    "join": ("build_features",),
    "tune": ("tune_params",),
    "train": ("train_model",),
    "evaluate": ("evaluate_model",),
    "convert": ("deploy_model",),
    "mlflow": (),
    "online": ("look_up_features",),
    "serve": ("serve_window",),
    "monitor": ("monitor_window",),
    "report": (),
    "quality": ("validate_rows", "screen_window"),
    "records": ("ingest_rows", "register_model", "approve_version", "plan_retrain"),
}
"""Rows of the table, and the stage functions of simlab that stand behind them."""

SAID = {
    "import": "Python, engines, command line",
    "world": "read the data (simlab: also its digest)",
    "join": "Feast: offline files, point-in-time join (simlab: online parity too)",
    "tune": "Optuna over LightGBM",
    "convert": "ONNX and parity",
    "mlflow": "runs, model, version (simlab: waiting for its projector)",
    "online": "Feast: materialise a window, read it back",
    "serve": "score the windows",
    "monitor": "drift of 20 columns per window (simlab: model quality too)",
    "quality": "schema and constraints (simlab alone)",
    "records": "lake, registry, approval, policy (simlab alone)",
    "else": "simlab: traffic, injections, labels, hindsight, logs",
}


Phases = dict[str, tuple[float, float]]
"""Seconds of wall time and of CPU, by phase."""


def simlab_phases(notes: Mapping[str, Any], timings: Path, taken: Taken) -> Phases:
    """The run's own timings, less the imports within, and what lies outside stages."""
    spans = [note for note in notes["notes"] if note["what"] == "import"]
    wall, cpu = dict.fromkeys(PHASES, 0.0), dict.fromkeys(PHASES, 0.0)
    of = {function: phase for phase, functions in PHASES.items() for function in functions}

    def count(phase: str, begun: float, ended: float, used: float) -> None:
        within = [note for note in spans if begun - 0.002 <= note["from"] and note["to"] <= ended + 0.002]
        wall[phase] += ended - begun - sum(note["to"] - note["from"] for note in within)
        cpu[phase] += used - sum(note["cpu"] for note in within)

    for line in timings.read_text().splitlines():
        record = json.loads(line)
        if "stage" in record:
            end = datetime.fromisoformat(record["at"]).timestamp()
            count(of[record["function"]], end - record["seconds"], end, record["cpu"])
    for note in notes["notes"]:
        if note["what"] != "import":
            count(note["what"], note["from"], note["to"], note["cpu"])
    for note in spans:
        wall["import"] += note["to"] - note["from"]
        cpu["import"] += note["cpu"]
    cpu["mlflow"] += notes["children"]
    wall["import"] += taken.seconds - (
        notes["ended"] - notes["started"]
    )  # before the first line, and leaving
    cpu["import"] += taken.cpu - notes["cpu"] - notes["children"]
    return _closed(wall, cpu, taken)


def bare_phases(told: Mapping[str, Any], taken: Taken) -> Phases:
    """The script's own phases; what came before its first line belongs to the imports."""
    renamed = {"world" if name == "data" else name: pair for name, pair in told["phases"].items()}
    wall = {name: pair[0] for name, pair in renamed.items()}
    cpu = {name: pair[1] for name, pair in renamed.items()}
    wall["import"] += taken.seconds - (told["ended"] - told["started"])
    cpu["mlflow"] += told["children"]  # it starts a process to see what the model imports
    cpu["import"] += taken.cpu - told["cpu"] - told["children"]
    return _closed(wall, cpu, taken)


def _closed(wall: dict[str, float], cpu: dict[str, float], taken: Taken) -> Phases:
    """Both figures by phase, with what is left over as `else`."""
    wall["else"], cpu["else"] = taken.seconds - sum(wall.values()), taken.cpu - sum(cpu.values())
    return {name: (wall[name], cpu[name]) for name in wall}


def simlab(work: Path, home: Path, scenario: Path) -> tuple[Taken, Phases, dict[str, Any]]:
    """Run simlab once; what it took, by phase, and what it says of itself."""
    notes, log = work / "notes.json", work / "simlab.txt"
    command = [str(HERE / "timed_simlab.py"), str(notes), "run", str(scenario), "--home", str(home), "--json"]
    taken = must(take(command, log, {"SIMLAB_DATASETS": str(work / "datasets")}), "simlab")
    outcome = json.loads(taken.output[taken.output.index("{") :])
    if outcome["status"] != "held":
        sys.exit(f"simlab's lifecycle did not do its work: {outcome}")
    timings = Path(outcome["path"]) / "timings.jsonl"
    return taken, simlab_phases(json.loads(notes.read_text()), timings, taken), outcome


def bare(work: Path, rows: Path, size: argparse.Namespace) -> tuple[Taken, Phases, dict[str, Any]]:
    """Run the bare script once; what it took, by phase, and what it says of itself."""
    own = Path(tempfile.mkdtemp(dir=work, prefix="bare-"))
    command = [str(HERE / "bare_lifecycle.py"), str(rows), str(own), str(own / "out.json")]
    for name in ("training", "baseline", "windows", "window_rows", "trials"):
        command += [f"--{name.replace('_', '-')}", str(getattr(size, name))]
    taken = must(take(command, work / "bare.txt"), "the bare script")
    told = json.loads((own / "out.json").read_text())
    half = size.windows // 2
    if any(told["drifted"][:half]) or not all(told["drifted"][half:]):
        sys.exit(f"the bare lifecycle did not do its work: drifted columns by window {told['drifted']}")
    shutil.rmtree(own)
    return taken, bare_phases(told, taken), told


def middle(figures: Iterable[Phases]) -> Phases:
    """The medians of each phase."""
    known = list(figures)
    return {
        name: (median(each[name][0] for each in known), median(each[name][1] for each in known))
        for name in known[0]
    }


def line(name: str, pairs: Iterable[tuple[float | None, float | None]], note: str = "") -> None:
    """Print one row of the table: for each pair both figures and their ratio."""
    shown = ""
    for left, right in pairs:
        shown += "".join("        -" if value is None else f"{value:9.2f}" for value in (left, right))
        shown += f"{left / right:7.2f}  " if left is not None and right and right >= 0.005 else "         "
    print(f"  {name:<9}{shown} {note}".rstrip(), flush=True)


def lifecycle(work: Path, size: argparse.Namespace) -> None:
    """Both sides, alternately, and simlab's second run."""
    rows = generate(work, size.training + size.windows * size.window_rows)
    scenario = write_scenario(
        work / "benchmark.yaml", training=size.training, baseline=size.baseline, windows=size.windows,
        rows=size.window_rows, trials=size.trials, serve_from="online", delay=1,
    )  # fmt: skip
    print(
        f"{size.training} training rows x 20 columns, {size.trials} trials, {size.windows} windows of "
        f"{size.window_rows} rows; median of {size.repeats}\n{machine()}\n", flush=True,
    )  # fmt: skip
    # Compiled bytecode and a warm file cache for both, as after an installation.
    engines = "import evidently.presets, feast, lightgbm, mlflow.lightgbm, optuna, onnxruntime, simlab.lab"
    must(take(["-c", engines], work / "warm.txt"), "importing the engines")
    first, second, others = [], [], []
    outcome: dict[str, Any] = {}
    told: dict[str, Any] = {}
    for number in range(size.repeats):
        home = work / f"home-{number}"
        taken, phases, outcome = simlab(work, home, scenario)
        first.append((taken, phases))
        taken, phases, told = bare(work, rows, size)
        others.append((taken, phases))
        taken, phases, _ = simlab(work, home, scenario)
        second.append((taken, phases))
        print(
            f"  pass {number + 1}: simlab {first[-1][0].seconds:.1f} s ({first[-1][0].cpu:.1f} s of CPU), "
            f"bare {others[-1][0].seconds:.1f} s ({others[-1][0].cpu:.1f}), "
            f"simlab again {taken.seconds:.1f} s ({taken.cpu:.1f})", flush=True,
        )  # fmt: skip
        shutil.rmtree(home)
    a, b, c = ([each[0] for each in side] for side in (first, others, second))
    ours, theirs = middle(each[1] for each in first), middle(each[1] for each in others)
    print("\n           wall: simlab     bare  ratio   CPU: simlab     bare  ratio")
    none = (None, None)
    for name in [*PHASES, "else"]:
        left, right = ours.get(name, none), theirs.get(name, none)
        line(name, ((left[0], right[0]), (left[1], right[1])), SAID.get(name, ""))
    if told["parity"] is None:
        print("  (onnxmltools is not installed: the bare script converts nothing, and scores with LightGBM)")
    wall_a, wall_b = median(t.seconds for t in a), median(t.seconds for t in b)
    cpu_a, cpu_b = median(t.cpu for t in a), median(t.cpu for t in b)
    line("total", ((wall_a, wall_b), (cpu_a, cpu_b)), f"to be at most {size.ratio}")
    print(f"  peak resident memory: simlab {median(t.peak_mb for t in a):.0f} MB, bare ", end="")
    print(f"{median(t.peak_mb for t in b):.0f} MB (the largest process)")
    auc = outcome["metrics"].get("evaluate.auc")
    print(f"  AUC on test rows: simlab {auc:.4f}, bare {told['scores']['auc']:.4f}")
    again, again_cpu = median(t.seconds for t in c), median(t.cpu for t in c)
    print(
        f"\nsecond run, nothing changed: {again:.2f} s, {again / wall_a:.3f} of the first (at most 0.1); "
        f"CPU {again_cpu:.2f} s, {again_cpu / median(t.cpu for t in a):.3f}"
    )
    rest = middle(each[1] for each in second)
    shown = (f"{name} {pair[0]:.2f} ({pair[1]:.2f})" for name, pair in rest.items() if max(pair) >= 0.02)
    print("  of it, wall (CPU): " + ", ".join(shown))


def commands(work: Path, scenario: Path, repeats: int) -> None:
    """Wall time of the commands that are to feel instant."""
    print("\ncommands (best and median of several, target 0.3 s)")
    tries = {"simlab --help": ["--help"], "simlab check": ["check", str(scenario)]}
    for name, arguments in tries.items():
        command = ["-m", "simlab", *arguments]
        more = {"SIMLAB_DATASETS": str(work / "datasets")}
        runs = [must(take(command, work / "command.txt", more), name) for _ in range(2 * repeats + 3)]
        walls = [t.seconds for t in runs]
        peak = median(t.peak_mb for t in runs)
        print(f"  {name:<15}{min(walls):6.2f} {median(walls):6.2f} s   {peak:5.0f} MB")


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--quick", action="store_true", help="a small size, to see that it works; its ratios mean little"
    )
    parser.add_argument("--only", choices=("lifecycle", "commands"))
    size = parser.parse_args()
    size.ratio = 0.6
    size.training, size.baseline, size.windows, size.window_rows, size.trials = 50_000, 5_000, 10, 5_000, 20
    if size.quick:
        size.training, size.baseline, size.windows, size.window_rows, size.trials = 4_000, 1_500, 4, 1_500, 3
    with tempfile.TemporaryDirectory(prefix="simlab-bench-") as folder:
        work = Path(folder)
        if size.only != "commands":
            lifecycle(work, size)
        else:
            generate(work, 1_000)
            write_scenario(
                work / "benchmark.yaml", training=500, baseline=100, windows=4, rows=100, trials=1,
                serve_from="online", delay=1,
            )  # fmt: skip
        if size.only != "lifecycle":
            commands(work, work / "benchmark.yaml", size.repeats)


if __name__ == "__main__":
    main()
