"""Evidently's statistics, called directly: the numbers of its reports, and nothing else loaded."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from simlab.detectors import REFUSED
from simlab.engines import engine
from simlab.signature import find, keywords, module_of, names

pytestmark = pytest.mark.engine

CATEGORIES = np.array(["alpha", "beta", "gamma", "delta", "epsilon"], object)


def child(program: str, **variables: str) -> str:
    """What a fresh Python prints for a program."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_default_thresholds_are_evidentlys_own():
    for name in names("detectors"):
        for kind in {"numeric", "categorical"} & set(module_of("detectors", name).KINDS):
            ours = keywords(find("detectors", name))["threshold"][1]
            assert engine("evidently").default_threshold(name, kind) == ours, (name, kind)


def test_every_refused_method_is_one_of_evidentlys():
    for name in REFUSED:
        kind = "categorical" if name in ("TVD", "g_test", "fisher_exact") else "numeric"
        assert engine("evidently").default_threshold(name, kind) > 0


def test_cramer_von_mises_takes_ties_for_drift_which_is_why_it_is_refused():
    rng = np.random.default_rng(0)
    grades = rng.integers(1, 7, 6000).astype(float)
    assert engine("evidently").statistic("cramer_von_mises", "numeric", grades[:5000], grades[5000:]) < 1e-4
    assert engine("evidently").statistic("ks", "numeric", grades[:5000], grades[5000:]) > 0.1


def test_an_unknown_method_is_an_error():
    with pytest.raises(ValueError, match="wasserstain"):
        engine("evidently").statistic("wasserstain", "numeric", np.ones(3), np.ones(3))


def test_undefined_figures_warn_nobody():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(engine("evidently").statistic("t_test", "numeric", np.ones(5), np.ones(5)))


def figures_of_names() -> dict[str, float]:
    rng = np.random.default_rng(0)
    names = np.array([f"place {n}" for n in range(60)], object)
    a, b = rng.choice(names, 3000), rng.choice(names[:-2], 500)
    methods = ("psi", "jensenshannon", "kl_div", "hellinger", "chisquare", "z")
    return {method: engine("evidently").statistic(method, "categorical", a, b) for method in methods}


def test_the_statistics_load_alone_leave_no_trace_and_say_the_same_in_every_process():
    program = f"""
import json, sys
import numpy as np
from simlab.engines import engine
{inspect.getsource(figures_of_names)}
figures = figures_of_names()
left = [name for name in sys.modules if name.split(".")[0] == "evidently" or name == "plotly"]
print(json.dumps([figures, left]))
"""
    # Sets of text are ordered by the hash seed: sums over them must not be.
    figures, left = json.loads(child(program, PYTHONHASHSEED="1"))
    assert figures == figures_of_names()
    assert left == []


def test_another_layout_of_the_package_takes_the_long_way(monkeypatch):
    module = engine("evidently")

    def broken():
        raise ImportError("moved")

    monkeypatch.setattr(module, "_alone", broken)
    taken = []
    monkeypatch.setattr(module, "import_module", lambda name: taken.append(name) or sys)
    module._statistics.__wrapped__()
    assert taken == [module.REGISTRY, module.CORE]


@pytest.mark.slow
def test_a_report_of_evidentlys_made_afterwards_says_the_same_numbers():
    program = """
import json
import numpy as np, pandas as pd
from simlab.engines import engine
rng = np.random.default_rng(0)
ref = pd.DataFrame({"x": rng.normal(size=1500), "few": rng.integers(0, 5, 1500),
                    "c": rng.choice(["u", "v", "w"], 1500)})
cur = pd.DataFrame({"x": rng.normal(0.2, 1.1, 400), "few": rng.integers(0, 4, 400),
                    "c": rng.choice(["u", "v", "zz"], 400)})
asked = [("x", m) for m in ("wasserstein", "psi", "jensenshannon", "kl_div", "hellinger", "ks", "anderson",
                            "t_test", "mannw")]
asked += [("few", m) for m in ("wasserstein", "psi", "jensenshannon", "ks")]
asked += [("c", m) for m in ("psi", "jensenshannon", "kl_div", "hellinger", "chisquare", "z")]
ours = {}
for column, method in asked:
    kind, as_type = ("categorical", object) if column == "c" else ("numeric", float)
    ours[f"{column} {method}"] = engine("evidently").statistic(
        method, kind, ref[column].to_numpy(as_type), cur[column].to_numpy(as_type))

import evidently
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift
assert evidently.legacy.core and evidently.__version__
definition = DataDefinition(numerical_columns=["x", "few"], categorical_columns=["c"])
report = Report([ValueDrift(column=column, method=method) for column, method in asked])
snapshot = report.run(Dataset.from_pandas(cur, definition), Dataset.from_pandas(ref, definition))
found = [(m["config"], m["value"]) for m in snapshot.dict()["metrics"]]
theirs = {f"{config['column']} {config['method']}": float(value) for config, value in found}
print(json.dumps([ours, theirs]))
"""
    ours, theirs = json.loads(child(program).splitlines()[-1])
    assert len(ours) == 19
    assert ours == pytest.approx(theirs, rel=1e-12)
