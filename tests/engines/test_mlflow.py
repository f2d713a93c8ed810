"""MLflow as a projection of runs: read back with MLflow's own client, and made again from nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest

from simlab.engines import engine
from simlab.errors import EnvironmentProblem

pytestmark = pytest.mark.engine

START = 1_767_571_200_000
DAY = 86_400_000


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an empty store in its cache, so that not every test waits for the tables, and a graph."""
    home = tmp_path_factory.mktemp("prepared")
    engine("mlflow").open_store(home)
    write_graph(home / "double.onnx", 2.0)
    write_graph(home / "treble.onnx", 3.0)
    return home


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Path:
    shutil.copytree(prepared / "cache", tmp_path / "home" / "cache")
    return tmp_path / "home"


def write_graph(path: Path, factor: float) -> None:
    """A graph of one step: x times a factor."""
    import onnx
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None]) for name in ("x", "y")]
    constant = helper.make_tensor("factor", TensorProto.DOUBLE, [1], [factor])
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "factor"], ["y"])], "times", ends[:1], ends[1:], [constant]
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), str(path))


def version(number: int, graph: Path | None, why: str, **said: Any) -> dict[str, Any]:
    return {
        "number": number, "algorithm": "lightgbm", "params": {}, "metrics": {}, "trials": [],
        "metric_name": "log_loss", "onnx_path": graph and str(graph), "approved": graph is not None,
        "why": why, **said,
    }  # fmt: skip


def record(prepared: Path, run: str = "income-drift-001", **changes: Any) -> dict[str, Any]:
    """A run of two approved versions and a rejected one that was never exported."""
    trials = [{"number": n, "values": {"num_leaves": 7 + n}, "score": 0.4 - n / 100} for n in range(2)]
    versions = [
        version(1, prepared / "double.onnx", "better than the rule", params={"num_leaves": 8},
                metrics={"auc": 0.9, "log_loss": 0.3}, trials=trials),
        version(2, None, "worse than v1", algorithm="linear", metrics={"auc": 0.7, "log_loss": None}),
        version(3, prepared / "treble.onnx", "recovered"),
    ]  # fmt: skip
    return {
        "run": run, "scenario": "income-drift", "title": "Incomes rise", "status": "held",
        "start_ms": START, "end_ms": START + 30 * DAY, "step_ms": DAY,
        "tags": {"dataset": "adult-income"}, "params": {"seed": 7, "clock": {"windows": 30}},
        "versions": versions, "series": {"monitor.log_loss": [[0, 0.3], [1, None], [2, 0.5]]}, "files": [],
        **changes,
    }  # fmt: skip


def runs(home: Path) -> list[Any]:
    client = engine("mlflow").open_store(home)
    experiments = [e.experiment_id for e in client.search_experiments()]
    return list(client.search_runs(experiments))


def seen(home: Path) -> dict[str, Any]:
    """What a person reads in MLflow, without its random ids."""
    client = engine("mlflow").open_store(home)
    found: dict[str, Any] = {}
    by_id = {r.info.run_id: r for r in runs(home)}
    for one in by_id.values():
        parent = by_id.get(one.data.tags.get("mlflow.parentRunId"))
        path = (one.data.tags["simlab.run"], parent and parent.info.run_name, one.info.run_name)
        tags = {k: v for k, v in one.data.tags.items() if k != "mlflow.parentRunId"}
        found[str(path)] = (
            one.info.status,
            one.info.start_time,
            one.info.end_time,
            one.data.params,
            one.data.metrics,
            tags,
        )
    for model in client.search_registered_models():
        found[model.name] = dict(model.aliases)
    for version in client.search_model_versions():
        found[f"{version.name} {version.version}"] = (version.tags, version.description)
    return found


def test_a_run_its_versions_and_its_trials_nest(home, prepared):
    engine("mlflow").project(home, record(prepared))
    by_name = {r.info.run_name: r for r in runs(home)}
    assert set(by_name) == {"income-drift-001", "v1", "v2", "v3", "v1 trial 0", "v1 trial 1"}
    top, first = by_name["income-drift-001"], by_name["v1"]
    assert "mlflow.parentRunId" not in top.data.tags
    assert first.data.tags["mlflow.parentRunId"] == top.info.run_id
    assert by_name["v1 trial 1"].data.tags["mlflow.parentRunId"] == first.info.run_id


def test_a_run_says_what_the_record_says(home, prepared):
    report = home / "report.html"
    report.write_text("<h1>held</h1>")
    engine("mlflow").project(home, record(prepared, files=[str(report)]))
    by_name = {r.info.run_name: r for r in runs(home)}
    top = by_name["income-drift-001"]
    assert (top.info.status, top.info.start_time, top.info.end_time) == ("FINISHED", START, START + 30 * DAY)
    assert top.data.params == {"seed": "7", "clock": '{"windows": 30}'}
    assert top.data.tags.items() >= {"dataset": "adult-income", "simlab.status": "held"}.items()
    assert by_name["v1"].data.params == {"algorithm": "lightgbm", "num_leaves": "8"}
    assert by_name["v1"].data.metrics == {"auc": 0.9, "log_loss": 0.3}
    assert by_name["v2"].data.metrics == {"auc": 0.7}
    assert by_name["v1 trial 1"].data.metrics == {"log_loss": 0.39}
    client = engine("mlflow").open_store(home)
    points = [
        (m.step, m.value, m.timestamp) for m in client.get_metric_history(top.info.run_id, "monitor.log_loss")
    ]
    assert points == [(0, 0.3, START), (2, 0.5, START + 2 * DAY)]
    assert [f.path for f in client.list_artifacts(top.info.run_id)] == ["report.html"]


def test_versions_are_registered_in_order_and_the_last_approved_one_serves(home, prepared):
    engine("mlflow").project(home, record(prepared))
    client = engine("mlflow").open_store(home)
    versions = sorted(client.search_model_versions("name = 'income-drift-001'"), key=lambda v: int(v.version))
    assert [(int(v.version), v.tags["simlab.approved"]) for v in versions] == [
        (1, "true"),
        (2, "false"),
        (3, "true"),
    ]
    assert versions[1].tags["simlab.why"] == "worse than v1"
    assert int(client.get_model_version_by_alias("income-drift-001", "in-service").version) == 3


@pytest.mark.parametrize(("serving", "aliases"), [(1, {"in-service": "1"}), (None, {})])
def test_the_record_may_say_which_version_serves(home, prepared, serving, aliases):
    engine("mlflow").project(home, record(prepared, in_service=serving))
    client = engine("mlflow").open_store(home)
    assert {k: str(v) for k, v in client.get_registered_model("income-drift-001").aliases.items()} == aliases


def test_a_registered_version_loads_and_answers_in_both_ways(home, prepared):
    import mlflow

    engine("mlflow").project(home, record(prepared))
    client = engine("mlflow").open_store(home)
    source = client.get_model_version_by_alias("income-drift-001", "in-service").source
    assert mlflow.onnx.load_model(source).graph.name == "times"
    answer = mlflow.pyfunc.load_model(source).predict({"x": np.array([1.0, 2.5])})
    assert answer["y"].tolist() == [3.0, 7.5]


def test_a_projection_is_made_once(home, prepared):
    engine("mlflow").project(home, record(prepared))
    before = {r.info.run_id for r in runs(home)}
    engine("mlflow").project(home, record(prepared))
    assert {r.info.run_id for r in runs(home)} == before


def test_a_record_that_changed_replaces_the_run_and_leaves_nothing_of_it(home, prepared):
    engine("mlflow").project(home, record(prepared))
    engine("mlflow").project(home, record(prepared, run="income-drift-002"))
    engine("mlflow").project(
        home, record(prepared, status="deviated", versions=record(prepared)["versions"][:1])
    )
    mine = [r for r in runs(home) if r.data.tags["simlab.run"] == "income-drift-001"]
    assert sorted(r.info.run_name for r in mine) == ["income-drift-001", "v1", "v1 trial 0", "v1 trial 1"]
    client = engine("mlflow").open_store(home)
    assert len(client.search_model_versions("name = 'income-drift-001'")) == 1
    assert len(client.search_model_versions("name = 'income-drift-002'")) == 3
    with_graph = {p.parents[2].name for p in (home / "mlartifacts").rglob("MLmodel")}
    assert len(with_graph) == 3 and with_graph <= {r.info.run_id for r in runs(home)}


def test_a_projection_that_broke_off_is_made_again(home, prepared, monkeypatch):
    module = engine("mlflow")
    with monkeypatch.context() as broken:
        broken.setattr(module, "_serving", lambda record: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            module.project(home, record(prepared))
    module.project(home, record(prepared))
    assert len(runs(home)) == 6
    assert len(module.open_store(home).search_model_versions("name = 'income-drift-001'")) == 3


def test_a_deleted_database_comes_back_from_the_records(home, prepared):
    module, records = (
        engine("mlflow"),
        [record(prepared), record(prepared, run="income-drift-002", status="failed")],
    )
    for one in records:
        module.project(home, one)
    before = seen(home)
    assert len(before) == 20
    (home / "mlflow.db").unlink()
    module.rebuild(home, records)
    assert seen(home) == before
    assert len(list((home / "mlartifacts").rglob("MLmodel"))) == 4, "artifacts of runs nobody knows are left"


def test_rebuild_leaves_alone_what_somebody_else_logged(home, prepared):
    client = engine("mlflow").open_store(home)
    mine = client.create_run("0", run_name="my notebook").info.run_id
    engine("mlflow").rebuild(home, [record(prepared)])
    engine("mlflow").rebuild(home, [record(prepared)])
    assert client.get_run(mine).info.run_name == "my notebook"
    assert len(runs(home)) == 7


def test_a_home_may_move(home, prepared, tmp_path):
    import mlflow

    engine("mlflow").project(home, record(prepared))
    moved = tmp_path / "mön home"
    home.rename(moved)
    client = engine("mlflow").open_store(moved)
    source = client.get_model_version_by_alias("income-drift-001", "in-service").source
    assert "home/mlartifacts" in source and mlflow.onnx.load_model(source).graph.name == "times"
    engine("mlflow").project(moved, record(prepared, run="income-drift-002"))
    assert not home.exists()
    assert len(list((moved / "mlartifacts").rglob("MLmodel"))) == 4


@pytest.mark.parametrize(
    ("status", "called"),
    [("failed", "FAILED"), ("interrupted", "KILLED"), ("unfinished", "KILLED"), ("deviated", "FINISHED")],
)
def test_runs_that_ended_badly_are_called_so(home, prepared, status, called):
    engine("mlflow").project(home, record(prepared, status=status, versions=[]))
    assert [r.info.status for r in runs(home)] == [called]


def test_long_runs_fit_and_odd_names_are_made_to(home, prepared):
    series = {"drift:age %": [[w, w / 10] for w in range(2500)]}
    engine("mlflow").project(
        home, record(prepared, series=series, params={f"p{n}": n for n in range(150)}, versions=[])
    )
    (only,) = runs(home)
    assert len(only.data.params) == 150
    assert only.data.metrics == {"drift:age _": 249.9}


def test_version_numbers_that_do_not_count_up_are_an_error(home, prepared):
    with pytest.raises(ValueError, match="count up"):
        engine("mlflow").project(home, record(prepared, versions=record(prepared)["versions"][1:]))


def test_a_database_that_is_none_is_said_in_words(home, prepared):
    (home / "mlflow.db").write_bytes(b"no database at all, and long enough to be looked at as one" * 20)
    with pytest.raises(EnvironmentProblem, match="delete it, and `simlab rebuild`"):
        engine("mlflow").project(home, record(prepared))


def test_a_second_projector_waits_and_then_says_why(home, prepared, monkeypatch):
    monkeypatch.setattr(engine("mlflow"), "WAIT_SECONDS", 0.2)
    with (
        filelock.FileLock(home / "mlflow.lock"),
        pytest.raises(EnvironmentProblem, match="another process"),
    ):
        engine("mlflow").project(home, record(prepared))


def test_a_graph_that_is_not_there_is_said_in_words(home, prepared):
    versions = [{**record(prepared)["versions"][0], "onnx_path": str(home / "gone.onnx")}]
    with pytest.raises(EnvironmentProblem, match=r"gone\.onnx"):
        engine("mlflow").project(home, record(prepared, versions=versions))


def test_nothing_is_written_elsewhere_nothing_is_said_and_nobody_is_called(home, prepared, tmp_path):
    shutil.rmtree(home / "cache")  # making the tables is part of what must keep quiet
    elsewhere = [tmp_path / name for name in ("working", "user", "temporary")]
    for folder in elsewhere:
        folder.mkdir()
    program = f"""
import sys
def watch(name, arguments):
    if name in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system"):
        if name == "subprocess.Popen" and arguments[0] == "uname":
            return  # Python's own way to learn the name of the processor
        raise SystemExit(f"{{name}} {{arguments}}")
sys.addaudithook(watch)
from pathlib import Path
from simlab.engines import engine
engine("mlflow").project(Path({str(home)!r}), {record(prepared)!r})
"""
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "CI"))} | {
        "HOME": str(elsewhere[1]), "TMPDIR": str(elsewhere[2]), "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=elsewhere[0], env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [p for folder in elsewhere for p in folder.rglob("*")] == []
    assert sorted(p.name for p in home.iterdir()) == ["cache", "mlartifacts", "mlflow.db", "mlflow.lock"]
