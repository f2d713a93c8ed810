"""A sweep: the same worlds for every variant, lived through once, summed up with intervals."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from simlab.errors import ScenarioInvalid, UsageError
from simlab.lab import Lab
from simlab.outcomes import Interval
from simlab.sweep import Summary, Swept, _efficient, as_json, label, parse_vary

POLICIES = {"stages.retrain.policy": ["never", {"every": {"windows": 2}}]}


def figures(swept: Swept) -> list[dict[str, Any]]:
    """What a sweep found, without the time it took."""
    variants: list[dict[str, Any]] = as_json(swept)["variants"]
    for variant in variants:
        variant["figures"] = {n: f for n, f in variant["figures"].items() if not n.startswith("seconds")}
    return variants


@pytest.fixture
def short(tiny: Path) -> Path:
    return tiny


def test_what_may_vary_is_written_as_a_list_or_with_commas() -> None:
    assert parse_vary(["a.b=1,x", "c=[{every: {windows: 5}}, never]"]) == {
        "a.b": [1, "x"],
        "c": [{"every": {"windows": 5}}, "never"],
    }
    assert parse_vary(["a=[1, 2],[3, 4]", "b=x,x"]) == {"a": [[1, 2], [3, 4]], "b": ["x"]}
    for seeds in ("seed=1,2", "seed.world=1,2"):
        with pytest.raises(UsageError, match="what --seeds is for"):
            parse_vary([seeds])
    for wrong in ("a.b", "=1", "a.b="):
        with pytest.raises(UsageError, match="write KEY=VALUE,VALUE"):
            parse_vary([wrong])


def test_a_variant_that_is_no_scenario_stops_everything_before_it_starts(short: Path, warm: Lab) -> None:
    with pytest.raises(ScenarioInvalid, match="did you mean 'never'"):
        warm.sweep(short, vary={"stages.retrain.policy": ["never", "nevver"]}, seeds=1, workers=1)
    assert not (warm.home / "sweeps").exists()


def test_worlds_are_lived_through_once_and_more_seeds_add_to_them(short: Path, warm: Lab) -> None:
    first = warm.sweep(short, vary=POLICIES, seeds=2, workers=1)
    assert (first.worlds, first.fresh, len(first.variants)) == (4, 4, 2)
    again = warm.sweep(short, vary=POLICIES, seeds=2, workers=1)
    assert (again.fresh, again.folder) == (0, first.folder)
    assert figures(again) == figures(first)
    more = warm.sweep(short, vary=POLICIES, seeds=3, workers=1)
    assert (more.worlds, more.fresh, more.folder) == (6, 2, first.folder)


def test_only_the_variants_need_to_make_sense_and_values_may_be_of_any_type(short: Path, warm: Lab) -> None:
    late = {
        "expect": [],
        "inject": [{"id": "a", "kind": "set_missing", "start": 9, "with": {"column": "age"}}],
    }
    swept = warm.sweep(short, late, vary={"inject.a.start": [1, 2]}, seeds=1, workers=1)
    assert [v.varied for v in swept.variants] == [{"inject.a.start": 1}, {"inject.a.start": 2}]
    mixed = warm.sweep(short, vary={"labels.delay": [0, "1d"]}, seeds=1, workers=1)
    assert pq.read_table(mixed.folder / "worlds.parquet", use_threads=False)["vary.labels.delay"].to_pylist() == [
        "0", "1d",
    ]  # fmt: skip


def test_worlds_that_do_not_live_to_their_end_are_told(short: Path, warm: Lab) -> None:
    gate = {"given": [{"metric_above": {"metric": "evaluate.auc", "value": 0.999}}]}
    (dead,) = warm.sweep(short, gate, vary={}, seeds=2, workers=1).variants
    assert len(dead.cut_short) == 2 and "the gate was not met" in dead.cut_short[0]
    assert not dead.efficient and dead.null is None
    shifted = {**gate, "inject": [{"id": "a", "kind": "set_missing", "with": {"column": "age"}}]}
    with pytest.raises(UsageError, match="did not live to its end: the gate was not met"):
        warm.twin(short, shifted)


def test_windows_without_an_answer_count_as_lived(short: Path, warm: Lab) -> None:
    broken = {
        "expect": [],
        "stages.monitor.alarm": {"datapoints": 1, "of": 1},
        "inject": [{"id": "a", "kind": "retype_column", "start": 1, "end": 3, "with": {"column": "age"}},
                   {"id": "b", "kind": "shift_column", "start": 3, "with": {"column": "age", "by": 3.0}}],
    }  # fmt: skip
    (variant,) = warm.sweep(short, broken, vary={}, seeds=1, workers=1).variants
    assert variant.change is not None and variant.change.at_risk >= 1


def test_a_sweep_that_was_killed_goes_on(short: Path, warm: Lab) -> None:
    whole = warm.sweep(short, vary=POLICIES, seeds=2, workers=1)
    log = whole.folder / "worlds.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:2]) + lines[2][:40])  # a torn line is as good as none
    rest = warm.sweep(short, vary=POLICIES, seeds=2, workers=1)
    assert rest.fresh == 2
    assert figures(rest) == figures(whole)


def test_every_world_is_a_row(short: Path, warm: Lab) -> None:
    swept = warm.sweep(short, vary=POLICIES, seeds=2, workers=1)
    table = pq.read_table(swept.folder / "worlds.parquet", use_threads=False)
    assert table.num_rows == 4
    assert table["seed"].to_pylist() == [3, 3, 4, 4], "every variant lives in the same worlds"
    assert table["vary.stages.retrain.policy"].to_pylist() == ["never", '{"every": {"windows": 2}}'] * 2
    assert table["hindsight.log_loss"].null_count == 0
    mean = swept.variants[0].figures["hindsight.log_loss"]
    own = table["hindsight.log_loss"].to_pylist()[::2]
    assert mean.value == pytest.approx(sum(own) / 2) and mean.n == 2
    assert mean.low is not None and mean.low < min(own)
    kept = json.loads((swept.folder / "summary.json").read_text())
    assert kept["variants"][0]["figures"]["rows"]["mean"] == mean_of(table["rows"].to_pylist()[::2])
    assert (swept.folder / "pareto.svg").read_text().lstrip().startswith("<?xml")


def mean_of(values: list[float]) -> float:
    return sum(values) / len(values)


def test_a_variant_is_efficient_if_no_other_beats_it_in_quality_and_cost() -> None:
    def variant(name: str, loss: float | None, cost: float) -> Summary:
        found = {"hindsight.log_loss": Interval(loss, None, None, 1), "cost": Interval(cost, None, None, 1)}
        return Summary({"a": name}, 1, 1, found)

    given = [
        variant("cheap", 0.5, 1), variant("good", 0.3, 9), variant("between", 0.4, 5),
        variant("beaten", 0.45, 5), variant("twin of good", 0.3, 9), variant("unknown", None, 0),
    ]  # fmt: skip
    found = _efficient(given, "hindsight.log_loss", "cost")
    assert [v.varied["a"] for v in found if v.efficient] == ["cheap", "good", "between", "twin of good"]
    better_is_more = _efficient(
        [Summary({"a": n}, 1, 1, {"hindsight.auc": Interval(q, None, None, 1), "cost": Interval(c, None, None, 1)})
         for n, q, c in (("low", 0.7, 1.0), ("high", 0.9, 1.0))],
        "hindsight.auc", "cost",
    )  # fmt: skip
    assert [v.varied["a"] for v in better_is_more if v.efficient] == ["high"]


def test_run_lengths_count_from_the_change_and_censor_what_never_came(short: Path, warm: Lab) -> None:
    loud = {
        "expect": [],
        "inject": [{"id": "older", "kind": "shift_column", "start": 2, "with": {"column": "age", "by": 2.0}}],
        "stages.monitor.alarm": {"datapoints": 1, "of": 1},
    }
    swept = warm.sweep(short, loud, vary={"inject.older.with.by": [2.0, 0.0]}, seeds=2, workers=1)
    hit, missed = swept.variants
    assert hit.change is not None and (hit.change.mean, hit.change.censored) == (1.0, 0), (
        "in its first window"
    )
    assert hit.null is not None and (hit.null.mean, hit.null.at_risk) == (None, 4), (
        "two windows in two worlds"
    )
    assert missed.change is not None and (missed.change.mean, missed.change.censored) == (None, 2)
    assert as_json(swept)["variants"][0]["arl1"]["mean"] == 1.0


def test_a_variant_without_changes_has_a_name_too() -> None:
    assert label({}) == "as it is"


@pytest.mark.slow
def test_processes_and_a_cluster_find_what_one_process_finds(short: Path, tmp_path: Path) -> None:
    alone = Lab(tmp_path / "alone").sweep(short, vary=POLICIES, seeds=6, workers=1)
    several = Lab(tmp_path / "several").sweep(short, vary=POLICIES, seeds=6, workers=2)
    assert figures(several) == figures(alone)
    distributed = pytest.importorskip("distributed")
    os.environ["DASK_TEMPORARY_DIRECTORY"] = str(tmp_path / "dask")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path / "dask")
    ) as cluster:
        spread = Lab(tmp_path / "spread").sweep(short, vary=POLICIES, seeds=6, dask=cluster.scheduler_address)
    assert figures(spread) == figures(alone)


@pytest.mark.slow
def test_an_address_where_nobody_answers_is_told(short: Path, warm: Lab) -> None:
    with pytest.raises(UsageError, match="no Dask scheduler answers at tcp://127.0.0.1:9"):
        warm.sweep(short, vary={}, seeds=1, dask="tcp://127.0.0.1:9")
