"""Evidently's report says what simlab's fast path says, number by number, and opens without a network."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

from simlab.engines import engine
from simlab.measuring import metrics
from simlab.signature import find, keywords, module_of, names
from simlab.statistics import sample

pytestmark = [pytest.mark.engine, pytest.mark.slow]

NUMERIC = tuple(n for n in names("detectors") if "numeric" in module_of("detectors", n).KINDS)
CATEGORICAL = tuple(n for n in names("detectors") if "categorical" in module_of("detectors", n).KINDS)


def rows(count: int, seed: int, by: float) -> dict[str, pa.Array]:
    """A column of many values, one of few, one with holes, and one of names with holes."""
    rng = np.random.default_rng(seed)
    hole = rng.random(count) < 0.05
    x = rng.normal(by, 1 + by, count)
    return {
        "many": pa.array(x),
        "few": pa.array(rng.integers(0, 6 - round(by * 3), count).astype(float)),
        "holes": pa.array(x, mask=hole),
        "names": pa.array(rng.choice(["a", "b", "c", "d"][: 4 - round(by * 3)], count).tolist(), mask=hole),
    }


def asked() -> list[tuple[str, str]]:
    numeric = [(column, method) for column in ("many", "few", "holes") for method in NUMERIC]
    return numeric + [("names", method) for method in CATEGORICAL]


def reported(before: dict[str, pa.Array], now: dict[str, pa.Array], thresholds: dict[str, float]):
    """A report in which every pair of a column and a method is a column of its own."""
    pairs = {f"{column} {method}": (column, method) for column, method in asked()}
    kind = {name: "categorical" if column == "names" else "numeric" for name, (column, _) in pairs.items()}
    return engine("evidently_report").report(
        kind,
        pa.table({name: before[column] for name, (column, _) in pairs.items()}),
        pa.table({name: now[column] for name, (column, _) in pairs.items()}),
        problem="binary",
        methods={name: (method, thresholds[name]) for name, (_, method) in pairs.items()},
    )


@pytest.mark.parametrize("by", [0.0, 0.35])
def test_every_method_says_the_same_in_the_report_as_in_the_fast_path(by: float) -> None:
    before, now = rows(700, 1, 0.0), rows(240, 2, by)
    ours = {}
    for column, method in asked():
        kind = "categorical" if column == "names" else "numeric"
        detect = find("detectors", method)
        ours[f"{column} {method}"] = detect(sample(before[column], kind), sample(now[column], kind))
    thresholds = {
        name: keywords(find("detectors", m))["threshold"][1]
        for (c, m), name in zip(asked(), ours, strict=True)
    }
    found = reported(before, now, thresholds)
    assert not found.left_out and set(found.drift) == set(ours)
    for name, (value, breached, threshold) in ours.items():
        theirs = found.drift[name]
        assert theirs.value == pytest.approx(value, rel=1e-12, abs=1e-12), name
        assert (theirs.drifted, theirs.threshold) == (breached, threshold), name
    assert any(drift.drifted for drift in found.drift.values()) or not by
    assert not all(drift.drifted for drift in found.drift.values())


OTHERWISE = {"ks": True, "ed": False}
"""Evidently's verdict on a figure equal to its threshold, where it is not simlab's: ``ks`` says ``<=`` as
the only one of its p-values, ``ed`` says ``>`` as the only one of its distances."""


def test_a_figure_that_meets_its_threshold_is_judged_alike_but_by_two_methods() -> None:
    before, now = rows(700, 1, 0.0)["many"], rows(240, 2, 0.35)["many"]
    pair = sample(before, "numeric"), sample(now, "numeric")
    values = {method: find("detectors", method)(*pair)[0] for method in NUMERIC}
    found = engine("evidently_report").report(
        dict.fromkeys(NUMERIC, "numeric"),
        pa.table(dict.fromkeys(NUMERIC, before)),
        pa.table(dict.fromkeys(NUMERIC, now)),
        problem="binary",
        methods={method: (method, values[method]) for method in NUMERIC},
    )
    met = [method for method in NUMERIC if found.drift[method].value == values[method]]
    assert {*OTHERWISE, "anderson", "hellinger", "psi", "wasserstein"} <= {*met}
    for method in met:
        ours = find("detectors", method)(*pair, threshold=values[method])[1]
        assert found.drift[method].drifted == OTHERWISE.get(method, ours), method
        assert (method in OTHERWISE) == (found.drift[method].drifted != ours), method


def answered(problem: str, count: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, count).astype(float)
    scores = np.clip(0.3 * label + rng.random(count) * 0.7, 0, 1).round(
        2
    )  # with ties, and some at the threshold
    if problem == "regression":
        label, scores = 10 + 3 * rng.normal(size=count), 10 + rng.normal(size=count)
    return pa.table({"label": label, "prediction": scores})


@pytest.mark.parametrize("problem", ["binary", "regression"])
def test_quality_in_the_report_is_simlabs(problem: str) -> None:
    before, now = answered(problem, 500, 3), answered(problem, 200, 4)
    columns = {"many": "numeric"}
    found = engine("evidently_report").report(
        columns,
        pa.table({"many": rows(50, 1, 0)["many"]}),
        pa.table({"many": rows(50, 2, 0)["many"]}),
        problem=problem,
        methods={},
        threshold=0.4,
        answered=(before, now),
    )
    ours = metrics(problem, now["label"].to_numpy(), now["prediction"].to_numpy(), 0.4)
    assert len(found.quality) == {"binary": 6, "regression": 5}[problem]
    for name, value in found.quality.items():
        assert value == pytest.approx(ours[name], rel=1e-12, abs=1e-12), name


def test_what_evidently_cannot_judge_is_left_out_and_said() -> None:
    empty = pa.nulls(60, pa.float64())
    x = rows(60, 1, 0)["many"]
    one_class = pa.table({"label": [1.0] * 5, "prediction": [0.5] * 5})
    found = engine("evidently_report").report(
        {"x": "numeric", "empty": "numeric", "foreign": "numeric", "constant": "numeric"},
        pa.table({"x": x, "empty": empty, "foreign": x, "constant": [1.0] * 60}),
        pa.table({"x": x, "empty": empty, "foreign": x, "constant": [1.0] * 60}),
        problem="binary",
        methods={"x": ("ks", 0.05), "empty": ("ks", 0.05), "constant": ("t_test", 0.05)},
        answered=(answered("binary", 50, 1), one_class),
    )
    assert set(found.drift) == {"x"}
    assert set(found.left_out) == {"empty", "foreign", "constant", "quality"}
    assert "no method of Evidently" in found.html and "one class" in found.html


def test_the_page_loads_nothing_from_anywhere() -> None:
    x = pa.table({"x": rows(60, 1, 0)["many"]})
    found = engine("evidently_report").report(
        {"x": "numeric"}, x, x, problem="binary", methods={"x": ("ks", 0.05)}, title="Window <3>"
    )
    head = found.html[: found.html.index("<style>")]
    assert "default-src 'none'" in head and "<title>Window &lt;3&gt;</title>" in head
    assert not re.search(r"<(script|img|iframe|link)[^>]*\b(src|href)=", found.html.split("<body", 1)[0])
    assert not re.search(r"<script[^>]+src=|<link[^>]+href=|url\(['\"]?https?:", found.html)
    assert "://" not in head
