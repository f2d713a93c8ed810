"""River's detectors, called directly and through simlab, signal at the same values."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simlab.engines import engine
from simlab.signature import find, keywords

pytestmark = pytest.mark.engine

THROUGH: dict[str, tuple[str, dict[str, Any]]] = {
    "adwin": ("ADWIN", {"delta": 0.002, "clock": 1, "grace_period": 10}),
    "page_hinkley": ("PageHinkley", {"threshold": 6.0, "delta": 0.5, "min_instances": 5}),
    "kswin": ("KSWIN", {"alpha": 0.005, "window_size": 20, "stat_size": 8, "seed": 0}),
    "ddm": ("DDM", {"drift_threshold": 3.0, "warm_start": 30}),
    "eddm": ("EDDM", {"beta": 0.9, "warm_start": 30}),
    "hddm_a": ("HDDMA", {"drift_confidence": 0.001}),
    "hddm_w": ("HDDMW", {"drift_confidence": 0.001, "lambda_val": 0.05}),
}
"""River's class and its arguments, by our name: the defaults written out."""


def stream(name: str) -> np.ndarray:
    rng = np.random.default_rng(5)
    if name in ("adwin", "page_hinkley", "kswin"):
        return np.concatenate([rng.normal(level, 1, 60) for level in (0, 3, 0, 4)])
    return np.concatenate([rng.random(400) < rate for rate in (0.1, 0.4, 0.1, 0.6)]).astype(float)


def directly(name: str, values: np.ndarray) -> list[int]:
    import river.drift
    import river.drift.binary

    of, settings = THROUGH[name]
    made = (getattr(river.drift, of, None) or getattr(river.drift.binary, of))(**settings)
    found = []
    for at, value in enumerate(values.tolist()):
        made.update(value)
        if made.drift_detected:
            found.append(at)
    return found


@pytest.mark.parametrize("name", THROUGH)
def test_the_adapter_signals_where_river_does(name: str) -> None:
    values = stream(name)
    of, settings = THROUGH[name]
    wanted = directly(name, values)
    assert wanted, "a stream without a signal shows nothing"
    assert np.flatnonzero(engine("river").signals(of, values, **settings)).tolist() == wanted


@pytest.mark.parametrize("name", THROUGH)
def test_a_detector_counts_rivers_signals_among_the_fresh_values(name: str) -> None:
    values = stream(name)
    wanted, function = directly(name, values), find("detectors", name)
    for fresh in (1, 100, len(values)):
        count = sum(at >= len(values) - fresh for at in wanted)
        assert function(values, fresh) == (count, count > 0, 1.0)


def test_every_detector_of_rivers_is_compared() -> None:
    folder = Path(__file__).parents[2] / "simlab/detectors"
    own = {path.stem for path in folder.glob("*.py") if "signalled(" in path.read_text()} - {"__init__"}
    assert own == set(THROUGH)
    assert all("seed" not in keywords(find("detectors", name)) or name == "kswin" for name in own)


def test_the_import_leaves_data_sets_aside_and_river_whole() -> None:
    script = (
        "import sys; from simlab.engines import engine; import numpy as np\n"
        "engine('river').signals('DDM', np.zeros(3))\n"
        "print([m for m in ('sqlalchemy', 'sklearn', 'pandas', 'river.datasets') if m in sys.modules])\n"
        "import river.drift.datasets; print(river.drift.datasets.AirlinePassengers.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "AirlinePassengers"]
