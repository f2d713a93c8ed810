"""Memory of a long run: bounded by the window and the label delay, or growing with time.

`python benchmarks/memory.py [--windows 200] [--rows 25000]` runs a scenario without tuning whose
requests carry their features, watches its resident memory, and prints the peak, the growth per
hundred windows, and the disk it used. No figure fails it: the target stands beside it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import linear_regression, median

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from measuring import generate, machine, must, take  # noqa: E402
from synthetic import write_scenario  # noqa: E402

TARGET_MB = 1536


def resident_mb(pid: int) -> float | None:
    """Resident memory of a process, or None once it is gone."""
    try:
        if sys.platform == "linux":
            status = Path(f"/proc/{pid}/status").read_text()
            line = next(each for each in status.splitlines() if each.startswith("VmRSS"))
            return int(line.split()[1]) / 1024
        shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True)
        return int(shown.stdout) / 1024
    except (OSError, StopIteration, ValueError):
        return None


def windows_done(home: Path) -> int:
    """Windows that a run has been through."""
    timings = next(home.glob("runs/*/timings.jsonl"), None)
    if timings is None:
        return 0
    with timings.open("rb") as lines:
        lines.seek(max(0, timings.stat().st_size - 2000))
        found = [line for line in lines.read().decode().splitlines() if line.startswith('{"stage"')]
    known = [json.loads(line)["window"] for line in found if line.endswith("}")]
    return 0 if not known or known[-1] is None else int(known[-1])


def size_mb(folder: Path) -> float:
    """Disk that a folder's files take."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def main() -> None:
    """Parse, run, watch, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--windows", type=int, default=200)
    parser.add_argument("--rows", type=int, default=25_000)
    parser.add_argument("--delay", type=int, default=3, help="windows until a label arrives")
    given = parser.parse_args()
    samples: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory(prefix="simlab-bench-") as folder:
        work = Path(folder)
        home = work / "home"
        generate(work, 100_000)
        scenario = write_scenario(
            work / "memory.yaml", training=20_000, baseline=5_000, windows=given.windows, rows=given.rows,
            trials=0, serve_from="request", delay=given.delay,
        )  # fmt: skip
        size = f"{given.windows} windows of {given.rows} rows x 20 columns"
        print(f"{size}, labels after {given.delay}\n{machine()}", flush=True)

        def watch(pid: int) -> None:
            now = resident_mb(pid)
            if now is not None:
                samples.append((windows_done(home), now))

        command = ["-m", "simlab", "run", str(scenario), "--home", str(home), "--json"]
        began = time.perf_counter()
        taken = must(
            take(command, work / "run.txt", {"SIMLAB_DATASETS": str(work / "datasets")}, watch), "the run"
        )
        seconds = time.perf_counter() - began
        used = {each.name: size_mb(each) for each in sorted(home.iterdir()) if each.is_dir()}
        rate = f"{taken.cpu:.1f} of CPU; {given.windows / seconds:.1f} windows a second"
        print(f"\n  seconds          {seconds:8.1f}    {rate}")
        print(f"  peak resident    {taken.peak_mb:8.0f} MB at most {TARGET_MB} (the largest process)")
        first = given.windows // 5
        settled = [each for each in samples if each[0] >= first]
        if len({window for window, _ in settled}) > 2:
            slope, _ = linear_regression([float(window) for window, _ in settled], [mb for _, mb in settled])
            print(f"  growth           {100 * slope:8.1f} MB per 100 windows, from window {first} on")
        early = [mb for window, mb in settled if window < given.windows // 2]
        late = [mb for window, mb in settled if window >= given.windows * 3 // 4]
        if early and late:
            print(f"  resident, median {median(early):8.0f} MB in the first half, then {median(late):.0f} MB")
        parts = ", ".join(f"{name} {mb:.0f}" for name, mb in used.items())
        print(f"  disk             {sum(used.values()):8.0f} MB: {parts}")


if __name__ == "__main__":
    main()
