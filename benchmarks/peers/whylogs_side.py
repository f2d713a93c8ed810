"""whylogs' side of `monitor.py`, run in an environment of its own.

`python whylogs_side.py REFERENCE.parquet CURRENT.parquet REPEATS` prints JSON: the least seconds of each
task, and the figures it came to. The reference is profiled outside the time, as a monitor's baseline is.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from typing import Any

os.environ["WHYLOGS_NO_ANALYTICS"] = "True"  # it reports its use otherwise
warnings.simplefilter("ignore")

import pandas as pd  # noqa: E402
import whylogs as why  # noqa: E402
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores  # noqa: E402


def main() -> None:
    """A profile of every feature, and the drift between two profiles."""
    reference, current = pd.read_parquet(sys.argv[1]), pd.read_parquet(sys.argv[2])
    repeats = int(sys.argv[3])
    features = [name for name in reference if name not in ("prediction", "label")]
    before = why.log(reference[features]).view()
    profiled = compared = float("inf")
    found: Any = {}
    for _ in range(repeats + 1):
        began = time.perf_counter()
        now = why.log(current[features]).view()
        between = time.perf_counter()
        found = calculate_drift_scores(target_view=now, reference_view=before, with_thresholds=True)
        profiled = min(profiled, between - began)
        compared = min(compared, time.perf_counter() - between)
    figures = {name: score["statistic"] for name, score in found.items() if score is not None}
    print(
        json.dumps(
            {
                "version": why.__version__ if hasattr(why, "__version__") else "",
                "profile": {"seconds": profiled},
                "drift": {"seconds": compared, "figures": figures},
            }
        )
    )


if __name__ == "__main__":
    main()
