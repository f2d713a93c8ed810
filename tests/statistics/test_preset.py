"""The preset says what Evidently's own DataDriftPreset says, column by column."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from simlab.statistics import sample
from simlab.statistics.preset import DRIFT_SHARE, FEW_VALUES, THRESHOLDS, drift_of, method_for

KINDS = {"real": "numeric", "few": "numeric", "two": "numeric", "job": "categorical", "sex": "categorical"}

COLUMNS = """
import numpy as np
def columns(rows, seed, shift):
    rng = np.random.default_rng([81, seed])
    real = rng.normal(shift, 1, rows)
    real[:3] = np.nan
    return {
        "real": real,
        "few": rng.integers(0, 4, rows) + (rng.random(rows) < shift),
        "two": (rng.random(rows) < 0.4 + shift / 3).astype(float),
        "job": rng.choice(["baker", "clerk", "smith"], rows, p=[0.3 + shift / 4, 0.3, 0.4 - shift / 4]),
        "sex": rng.choice(["f", "m"], rows, p=[0.5 + shift / 3, 0.5 - shift / 3]),
    }
"""
EVIDENTLY = (
    COLUMNS
    + """
import json, pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
kinds = DataDefinition(numerical_columns=["real", "few", "two"], categorical_columns=["job", "sex"])
told = []
for rows in (400, 1500):
    for shift in (0.0, 0.3):
        before, now = (Dataset.from_pandas(pd.DataFrame(columns(*c)), kinds) for c in ((rows, 1, 0.0), (600, 2, shift)))
        told.append(Report([DataDriftPreset()]).run(now, before).dict()["metrics"])
print(json.dumps(told, default=float))
"""
)
METHODS = {
    "K-S p_value": "ks",
    "chi-square p_value": "chisquare",
    "Z-test p_value": "z",
    "Wasserstein distance (normed)": "wasserstein",
    "Jensen-Shannon distance": "jensenshannon",
}


@pytest.mark.engine
def test_every_column_is_judged_as_by_evidently_s_own_report() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EVIDENTLY], env={**os.environ}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    reports = iter(json.loads(done.stdout.splitlines()[-1]))
    known: dict[str, Any] = {}
    exec(COLUMNS, known)
    taken = set()
    for rows in (400, 1500):
        for shift in (0.0, 0.3):
            report = next(reports)
            drifts = {}
            for name, kind in KINDS.items():
                before, now = (known["columns"](*c)[name] for c in ((rows, 1, 0.0), (600, 2, shift)))
                drifts[name] = drift_of(sample(before, kind), sample(now, kind))
            total, *columns = report
            assert total["config"]["drift_share"] == DRIFT_SHARE
            assert total["value"]["count"] == sum(drift.drifted for drift in drifts.values())
            for theirs in columns:
                ours = drifts[theirs["config"]["column"]]
                assert METHODS[theirs["config"]["method"]] == ours.method
                assert theirs["config"]["threshold"] == ours.threshold
                assert theirs["value"] == pytest.approx(ours.value, abs=1e-9)
                taken.add(ours.method)
    assert taken == set(THRESHOLDS), "every way was looked at"


def test_the_rows_of_the_reference_and_the_distinct_values_choose_the_statistic() -> None:
    few = np.arange(FEW_VALUES, dtype=float)
    many = np.arange(FEW_VALUES + 1, dtype=float)
    reals, names = np.arange(1001.0), np.array(["a", "b"] * 501, object)
    for before, now, method in (
        (reals[:1000], few, "ks"),
        (reals, few, "wasserstein"),
        (few, few, "chisquare"),
        (few, many, "ks"),
        (few[:2], few[:1], "z"),
        (np.tile(few, 201), few, "jensenshannon"),
        (names[:1000], names, "z"),
        (names[:1000], np.array(["c"], object), "chisquare"),
        (names, names, "jensenshannon"),
    ):
        assert method_for(sample(before), sample(now)) == method


def test_nothing_to_compare_is_no_drift() -> None:
    found = drift_of(sample(np.array([1.0, 2.0])), sample(np.array([np.nan])))
    assert (found.value, found.drifted) == (None, False)
