"""MLflow, in process and on files: a picture of finished runs for people who know MLflow.

It is a projection: everything in it is read from a record of plain values, `HOME/mlflow.db` may be
deleted at any time, and `rebuild` brings it back. One projector writes at a time, under a lock.

What becomes of a run: one experiment per scenario; in it one MLflow run per run of simlab, with the
monitored metrics as series; below it one run per model version, and below that one per trial of its
tuning; and a registered model of the run's name whose versions hold the exported graph.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote, urlsplit

import filelock
import mlflow
import mlflow.onnx
import onnx
from mlflow.entities import Metric, Param, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy import event

from simlab.errors import EnvironmentProblem

for _chatty in ("mlflow", "alembic"):
    logging.getLogger(_chatty).setLevel(logging.ERROR)

Record = Mapping[str, Any]
"""What a run has to say, as plain values; see `project`."""

IN_SERVICE = "in-service"
"""Alias of the version that serves when the run ends."""

WAIT_SECONDS = 120
"""How long a projector waits for another one to finish."""

TAG = "simlab.run"
ROLE = "simlab.role"
DIGEST = "simlab.digest"
"""Set last: a run without it was projected in part only, and is projected again."""

ENDED_BADLY = {"failed": "FAILED", "interrupted": "KILLED", "unfinished": "KILLED"}
"""MLflow's name for how a run of simlab ended, where it is not FINISHED."""

REQUIREMENTS = [f"onnx=={onnx.__version__}", f"mlflow=={mlflow.__version__}", "onnxruntime"]


def open_store(home: Path) -> MlflowClient:
    """A client of the home's own store, which is made if it is not there.

    Making the tables takes MLflow a second or more, so an empty store is kept under `HOME/cache/` and
    copied. Calling this early, while something else runs, makes `project` start at once.
    """
    with _lock(home):
        return _client(home)


def project(home: Path, record: Record) -> None:
    """Put one run into MLflow; do nothing where it is there already as the record says.

    Parameters
    ----------
    home
        Folder that holds `mlflow.db` and `mlartifacts/`; nothing is written elsewhere.
    record
        ``run``, ``scenario``: names. ``title``: a sentence. ``status``: ``held``, ``deviated`` …
        ``start_ms``, ``end_ms``: simulated times in milliseconds. ``step_ms`` (optional): length of a
        window. ``tags``, ``params``: by name. ``versions``: each with ``number``, ``algorithm``,
        ``params``, ``metrics``, ``trials`` (``number``, ``values``, ``score``), ``metric_name`` (of
        the scores), ``onnx_path`` (None where nothing was exported), ``approved``, ``why``.
        ``in_service`` (optional): number of the version that serves at the end; without the key, the
        last approved one. ``series``: by metric, pairs of window and value. ``files``: paths to keep
        with the run.

    Raises
    ------
    EnvironmentProblem
        Another process holds the lock, or the store cannot be read or written.
    """
    with _lock(home):
        _project(_client(home), home, record)


def rebuild(home: Path, records: Iterable[Record]) -> None:
    """Bring every run back, after `mlflow.db` was deleted or at any other time.

    Runs that are there already stay as they are; what somebody else logged stays too, as long as the
    database does.
    """
    with _lock(home):
        fresh = not (home / "mlflow.db").exists()
        client = _client(home)
        cleared = set()
        for record in records:
            # Without the database nobody knows which run an old artifact belonged to.
            if fresh and record["scenario"] not in cleared:
                shutil.rmtree(_artifacts(home, record["scenario"]), ignore_errors=True)
                cleared.add(record["scenario"])
            _project(client, home, record)


@contextmanager
def _lock(home: Path) -> Iterator[None]:
    """Be the one projector of a home, and say in words what the machine refuses."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(home / "mlflow.lock", timeout=WAIT_SECONDS):
            yield
    except filelock.Timeout:
        raise EnvironmentProblem(
            f"another process has been writing {home / 'mlflow.db'} for {WAIT_SECONDS} seconds"
        ) from None
    except OSError as refused:
        raise EnvironmentProblem(
            f"cannot read or write {refused.filename or home}: {refused.strerror}"
        ) from refused
    except MlflowException as refused:
        if refused.error_code != "TEMPORARILY_UNAVAILABLE":
            raise
        first = str(refused).partition("\n")[0]
        raise EnvironmentProblem(f"cannot write {home / 'mlflow.db'}: {first}") from refused


def _client(home: Path) -> MlflowClient:
    """The client of a home's store; the store is copied from an empty one where it is missing."""
    database = home.resolve() / "mlflow.db"
    if not database.exists():
        _copy(_empty_store(home), database)
    try:
        _follow(home, database)
        client = _connected(str(database))
    except (sqlite3.DatabaseError, MlflowException) as broken:
        first = str(broken).partition("\n")[0]
        raise EnvironmentProblem(
            f"{database} cannot be used ({first}); delete it, and `simlab rebuild` brings it back"
        ) from broken
    for store in _stores(client):
        store.engine.dispose()  # connections kept from an earlier file of that name read the deleted one
    return client


@cache
def _connected(database: str) -> MlflowClient:
    uri = f"sqlite:///{database}"
    client = MlflowClient(uri, uri)
    for store in _stores(client):
        event.listen(store.engine, "connect", _hurry)
    return client


def _stores(client: MlflowClient) -> tuple[Any, Any]:
    """The two stores behind a client, each with a pool of connections of its own."""
    return client._tracking_client.store, client._get_registry_client().store


def _hurry(connection: Any, _: Any) -> None:
    # Losing power may break the file. It is a projection and can be made again; waiting for the disk
    # at each of some hundred small transactions would double the time.
    connection.execute("PRAGMA synchronous=OFF")


def _empty_store(home: Path) -> Path:
    """A store without runs, with all its tables, made once per home and version of MLflow."""
    kept = home.resolve() / "cache" / f"mlflow-{mlflow.__version__}.db"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=kept.parent, prefix="mlflow-") as folder:
            making = Path(folder) / "new.db"
            uri = f"sqlite:///{making}"
            MlflowClient(uri, uri)._tracking_client.store.engine.dispose()
            with closing(sqlite3.connect(making)) as database, database:
                # MLflow's own choice is a folder beside whoever calls it.
                where = _artifacts(home, "0").as_uri()
                database.execute(
                    "UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0", [where]
                )
            making.replace(kept)
    return kept


def _follow(home: Path, database: Path) -> None:
    """Make a store know where its home is now: MLflow keeps whole paths, and homes are moved and mounted.

    It also finds out at once whether the file is a database, over which MLflow would ponder for minutes.
    """
    here = _artifacts(home, "0").as_uri().removesuffix("0")
    with closing(sqlite3.connect(database)) as opened, opened:
        found = opened.execute("SELECT artifact_location FROM experiments WHERE experiment_id = 0").fetchone()
        before = found[0].removesuffix("0") if found and found[0].endswith("/mlartifacts/0") else here
        if before == here:
            return
        for table, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("model_versions", "source"),
            ("model_versions", "storage_location"),
        ):
            opened.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                [here, len(before) + 1, len(before), before],
            )


def _copy(source: Path, target: Path) -> None:
    """Copy a file so that its name never stands for half of it."""
    making = target.with_name(target.name + ".new")
    shutil.copyfile(source, making)
    making.replace(target)


def _artifacts(home: Path, experiment: str) -> Path:
    return home.resolve() / "mlartifacts" / re.sub(r"[^\w.-]", "_", experiment)


def _project(client: MlflowClient, home: Path, record: Record) -> None:
    digest = _digest(record)
    experiment = _experiment(client, home, record["scenario"])
    earlier = _runs_of(client, experiment, record["run"])
    if any(run.data.tags.get(DIGEST) == digest for run in earlier):
        return
    _forget(client, record["run"], earlier)
    start, end = int(record["start_ms"]), int(record["end_ms"])
    step = int(record.get("step_ms", 0))
    about = {
        TAG: record["run"],
        ROLE: "run",
        "simlab.status": record["status"],
        "mlflow.note.content": record.get("title", ""),
        "mlflow.source.name": "simlab",
    }
    metrics = [
        Metric(_key(name), value, start + step * window, window)
        for name, points in sorted(record.get("series", {}).items())
        for window, value in points
        if _is_figure(value)
    ]
    status = ENDED_BADLY.get(record["status"], "FINISHED")
    top = _run(
        client, experiment, record["run"], None, (start, end), status,
        tags={**about, **record.get("tags", {})}, params=record.get("params", {}), metrics=metrics,
    )  # fmt: skip
    for path in record.get("files", ()):
        client.log_artifact(top, str(path))
    versions = sorted(record.get("versions", ()), key=lambda v: int(v["number"]))
    if [int(v["number"]) for v in versions] != list(range(1, len(versions) + 1)):
        raise ValueError(f"the versions of {record['run']} do not count up from 1")
    if versions:
        client.create_registered_model(_model(record["run"]), {TAG: record["run"]}, record.get("title"))
    for version in versions:
        _version(client, experiment, record, version, top, (start, end))
    serving = _serving(record)
    if serving is not None:
        client.set_registered_model_alias(_model(record["run"]), IN_SERVICE, str(serving))
    client.set_tag(top, DIGEST, digest)


def _version(
    client: MlflowClient,
    experiment: str,
    record: Record,
    version: Mapping[str, Any],
    top: str,
    times: tuple[int, int],
) -> None:
    """One model version: its training as a run, its trials below, and its place in the registry."""
    number, name = int(version["number"]), record["run"]
    about = {TAG: name, "simlab.version": number}
    verdict = {
        "simlab.approved": str(bool(version["approved"])).lower(),
        "simlab.why": version.get("why", ""),
    }
    scores = [Metric(_key(k), v, times[0], 0) for k, v in version.get("metrics", {}).items() if _is_figure(v)]
    trained = _run(
        client, experiment, f"v{number}", top, times, "FINISHED",
        tags={**about, **verdict, ROLE: "version"},
        params={"algorithm": version["algorithm"], **version.get("params", {})}, metrics=scores,
    )  # fmt: skip
    metric = _key(version.get("metric_name") or "score")
    for trial in version.get("trials", ()):
        score = trial.get("score")
        _run(
            client, experiment, f"v{number} trial {trial['number']}", trained, times, "FINISHED",
            tags={**about, ROLE: "trial"}, params=trial["values"],
            metrics=[Metric(metric, score, times[0], 0)] if _is_figure(score) else [],
        )  # fmt: skip
    source = _folder(client.get_run(trained).info.artifact_uri) / "model"
    if version.get("onnx_path"):
        mlflow.onnx.save_model(
            onnx.load_model(str(version["onnx_path"])),
            str(source),
            pip_requirements=REQUIREMENTS,  # else MLflow starts a process to find them out
            onnx_execution_providers=["CPUExecutionProvider"],
            save_as_external_data=False,
        )
    client.create_model_version(
        _model(name),
        source.as_uri(),
        trained,
        tags={**verdict, "simlab.version": number},
        description=version.get("why"),
    )


def _run(
    client: MlflowClient,
    experiment: str,
    name: str,
    parent: str | None,
    times: tuple[int, int],
    status: str,
    *,
    tags: Mapping[str, Any],
    params: Mapping[str, Any],
    metrics: list[Metric],
) -> str:
    """Log one MLflow run at once; its id."""
    texts = {_key(k): _text(v, 5000) for k, v in tags.items()}
    if parent is not None:
        texts["mlflow.parentRunId"] = parent
    run = client.create_run(experiment, start_time=times[0], tags=texts, run_name=name).info.run_id
    settings = [Param(_key(k), _text(v, 6000)) for k, v in params.items()]
    # MLflow takes a thousand metrics and a hundred settings at a time.
    for at in range(0, max(len(metrics), 10 * len(settings)), 1000):
        client.log_batch(run, metrics[at : at + 1000], settings[at // 10 : at // 10 + 100])
    client.set_terminated(run, status, times[1])
    return str(run)


def _experiment(client: MlflowClient, home: Path, scenario: str) -> str:
    """The scenario's experiment, made or brought back if need be."""
    found = client.get_experiment_by_name(scenario)
    if found is None:
        return str(client.create_experiment(scenario, _artifacts(home, scenario).as_uri()))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _runs_of(client: MlflowClient, experiment: str, run: str) -> list[Any]:
    """Every MLflow run that an earlier projection of a run left, also those somebody deleted."""
    found: list[Any] = []
    token = None
    while token is None or token:
        page = client.search_runs(
            [experiment], f"tags.`{TAG}` = {_quoted(run)}", ViewType.ALL, max_results=1000, page_token=token
        )
        found.extend(page)
        token = page.token or ""
    return found


def _forget(client: MlflowClient, run: str, earlier: Iterable[Any]) -> None:
    """Take away an earlier projection of a run, for good."""
    for old in earlier:
        client._tracking_client.store._hard_delete_run(old.info.run_id)
        shutil.rmtree(_folder(old.info.artifact_uri).parent, ignore_errors=True)
    if client.search_registered_models(f"name = {_quoted(_model(run))}"):
        client.delete_registered_model(_model(run))


def _folder(uri: str) -> Path:
    """The folder a `file:` URI stands for."""
    return Path(unquote(urlsplit(uri).path))


def _model(run: str) -> str:
    """A run's name as that of a registered model, which takes no slash and no colon."""
    return re.sub(r"[/:]", "_", run)


def _quoted(name: str) -> str:
    """A name as MLflow's filters read it."""
    return f'"{name}"' if "'" in name else f"'{name}'"


def _serving(record: Record) -> int | None:
    """Number of the version that serves at the end."""
    if "in_service" in record:
        return None if record["in_service"] is None else int(record["in_service"])
    approved = [int(v["number"]) for v in record.get("versions", ()) if v["approved"]]
    return max(approved, default=None)


def _digest(record: Record) -> str:
    """What a record says and its files hold, wherever they lie."""
    files = [Path(path) for path in record.get("files", ())]
    versions = [{**v, "onnx_path": _content(v.get("onnx_path"))} for v in record.get("versions", ())]
    said = {**record, "files": [(path.name, _content(path)) for path in files], "versions": versions}
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def _content(path: Any) -> str | None:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else None


def _is_figure(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _key(name: str) -> str:
    """A name with the signs MLflow takes."""
    return re.sub(r"[^\w.\-: /]", "_", name)[:250]


def _text(value: Any, most: int) -> str:
    return (value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str))[:most]
