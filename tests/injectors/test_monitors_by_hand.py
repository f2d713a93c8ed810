"""Faults of the monitors, with data small enough to check by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from simlab.injectors.delay_monitor import delay_monitor
from simlab.injectors.poison_baseline import poison_baseline
from simlab.injectors.skip_monitor import skip_monitor
from simlab.schedules import Due, Firing

NOON = datetime(2026, 1, 5, 12)
HOUR = timedelta(hours=1)
DUE = tuple(
    Due(name, Firing(NOON + n * HOUR, NOON, NOON + n * HOUR), NOON + n * HOUR)
    for n, name in enumerate(("bias", "inputs", "bias", "inputs"))
)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_one_schedule_is_late_and_half_the_strength_is_half_the_delay():
    late = delay_monitor(DUE, 0.5, rng(), by=4 * HOUR, schedule="bias")
    assert [(one.runs - one.firing.moment) / HOUR for one in late] == [2, 0, 2, 0]
    assert [one.firing for one in late] == [one.firing for one in DUE], "it looks at its own period"


def test_one_schedule_does_not_run():
    assert [one.schedule for one in skip_monitor(DUE, 1.0, rng(), schedule="bias")] == ["inputs", "inputs"]
    assert skip_monitor(DUE, 1.0, rng()) == ()
    assert skip_monitor(DUE * 500, 1.0, rng(), share=0.25)[0] in DUE
    assert len(skip_monitor(DUE * 500, 0.5, rng(), share=0.5)) / 2000 == pytest.approx(0.75, abs=0.04)


ROWS = pa.table({"age": [20.0, 30.0, None], "label": [0.0, 1.0, None], "prediction": [0.2, 0.7, 0.5]})


def test_ages_are_doubled_labels_mirrored_and_rows_left_out():
    mask = np.array([True, False, True])
    doubled = poison_baseline(ROWS, mask, 1.0, rng(), column="age", scale=2.0)
    assert doubled["age"].to_pylist() == [40.0, 30.0, None]
    flipped = poison_baseline(ROWS, mask, 1.0, rng(), flip=True)
    assert flipped["label"].to_pylist() == [1.0, 1.0, None]
    assert flipped.drop_columns(["label"]).equals(ROWS.drop_columns(["label"]))
    assert poison_baseline(ROWS, mask, 1.0, rng(), drop=True).to_pylist() == ROWS.slice(1, 1).to_pylist()


def test_a_column_the_baseline_lacks_is_named():
    with pytest.raises(LookupError, match="did you mean 'age'"):
        poison_baseline(ROWS, np.ones(3, bool), 1.0, rng(), column="agee", scale=2.0)
