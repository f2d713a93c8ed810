"""NannyML's side of `monitor.py`, run in an environment of its own.

`python nannyml_side.py REFERENCE.parquet CURRENT.parquet REPEATS` prints JSON: the least seconds of each
task, and the figures it came to. The reference is fitted outside the time, as a monitor's baseline is.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # it reports its use otherwise
warnings.simplefilter("ignore")

import nannyml as nml  # noqa: E402
import pandas as pd  # noqa: E402

METRICS = ["roc_auc", "f1", "precision", "recall", "specificity", "accuracy"]


def least(turn: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Seconds of the best turn, and what it came to."""
    found, best = turn(), float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        found = turn()
        best = min(best, time.perf_counter() - began)
    return best, found


def main() -> None:
    """Drift of every feature, and the quality of the model."""
    reference, current = pd.read_parquet(sys.argv[1]), pd.read_parquet(sys.argv[2])
    repeats = int(sys.argv[3])
    features = [name for name in reference if name not in ("prediction", "label")]
    categorical = [name for name in features if not pd.api.types.is_numeric_dtype(reference[name])]
    for frame in (reference, current):
        frame["said"] = (frame["prediction"] >= 0.5).astype(int)
        frame["label"] = frame["label"].astype(int)
    drift = nml.UnivariateDriftCalculator(
        column_names=features,
        treat_as_categorical=categorical,
        continuous_methods=["kolmogorov_smirnov"],
        categorical_methods=["l_infinity"],
        chunk_size=len(current),
    ).fit(reference)
    quality = nml.PerformanceCalculator(
        problem_type="classification_binary",
        y_true="label",
        y_pred="said",
        y_pred_proba="prediction",
        metrics=METRICS,
        chunk_size=len(current),
    ).fit(reference)
    seconds, found = least(lambda: drift.calculate(current), repeats)
    table = found.to_df()
    row = table[table[("chunk", "chunk", "period")] == "analysis"].iloc[0]
    distances = {
        name: float(row[(name, "l_infinity" if name in categorical else "kolmogorov_smirnov", "value")])
        for name in features
    }
    quality_seconds, measured = least(lambda: quality.calculate(current), repeats)
    table = measured.to_df()
    row = table[table[("chunk", "period")] == "analysis"].iloc[0]
    figures = {name: float(row[(name, "value")]) for name in METRICS}
    print(
        json.dumps(
            {
                "version": nml.__version__,
                "drift": {"seconds": seconds, "figures": distances},
                "quality": {"seconds": quality_seconds, "figures": figures},
            }
        )
    )


if __name__ == "__main__":
    main()
