"""Projector: the one process that writes runs into MLflow's database.

It is started with a run and imports MLflow while the run works, so that nobody waits for it.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simlab import events as e
from simlab.artifacts import Deployment
from simlab.engines import engine
from simlab.log import read
from simlab.store import Store
from simlab.views.registry import versions as registered


def record_of(home: Path, run: str) -> dict[str, Any]:
    """What MLflow is to know of a run, folded from its log."""
    folder = home / "runs" / run
    events = read(folder / "events.jsonl")
    store = Store(home / "store")
    started = next(f for f in events if isinstance(f, e.RunStarted))
    finished = next((f for f in events if isinstance(f, e.RunFinished)), None)
    series: dict[str, list[tuple[int, float]]] = {}
    trials: list[dict[str, Any]] = []
    versions: list[dict[str, Any]] = []
    made: list[str] = []
    deployed: dict[int, str] = {}
    metric = ""
    for fact in events:
        if isinstance(fact, e.TrialFinished):
            trials.append({"number": fact.number, "values": dict(fact.values), "score": fact.score})
            metric = fact.metric
        elif isinstance(fact, e.MetricMeasured) and fact.value is not None and fact.of_window is not None:
            series.setdefault(fact.metric, []).append((fact.of_window, fact.value))
        elif isinstance(fact, e.ModelRegistered):
            versions.append(
                {
                    "number": fact.version,
                    "algorithm": fact.algorithm,
                    "params": {},
                    "metrics": {k: v for k, v in fact.metrics.items() if v is not None},
                    "trials": trials,
                    "metric_name": metric,
                    "onnx_path": None,
                    "approved": False,
                    "why": "",
                }
            )
            trials = []
        elif isinstance(fact, e.ModelApproved):
            versions[fact.version - 1].update(approved=True, why=fact.why)
        elif isinstance(fact, e.ModelRejected):
            versions[fact.version - 1].update(approved=False, why="; ".join(fact.reasons))
        elif isinstance(fact, e.ModelTrained):
            made.append(json.dumps(dict(fact.values), sort_keys=True))
        elif isinstance(fact, e.StageFinished) and fact.stage == "deploy":
            deployed[len(deployed)] = fact.artifact
    for version, values in zip(versions, made, strict=False):
        version["params"] = json.loads(values)
    for short in deployed.values():
        found = next((store.root / "objects" / short[:2]).glob(f"{short}*"), None)
        if found is None:
            continue
        deployment = store.load(found.name)
        if isinstance(deployment, Deployment):
            path = folder / "artifacts" / f"model-v{deployment.version}.onnx"
            path.parent.mkdir(exist_ok=True)
            if not path.exists():
                path.write_bytes(deployment.onnx)
            versions[deployment.version - 1]["onnx_path"] = str(path)
    return {
        "run": run,
        "scenario": started.scenario,
        "title": started.title,
        "status": finished.status if finished else "unfinished",
        "start_ms": _milliseconds(started.time),
        "end_ms": _milliseconds(events[-1].time),
        "tags": {
            "simlab.dataset": started.dataset,
            "simlab.dataset_digest": started.dataset_digest,
            **({"simlab.synthetic": "true"} if started.synthetic else {}),
        },
        "params": {
            "windows": started.windows,
            "rows": started.rows,
            **{f"seed.{k}": v for k, v in started.seed.items()},
        },
        "versions": versions,
        "in_service": next((v.number for v in registered(events) if v.serves), None),
        "series": series,
        "files": [
            str(folder / n) for n in ("scenario.yaml", "events.jsonl", "report.html") if (folder / n).exists()
        ],
    }


def _milliseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).replace(tzinfo=UTC).timestamp() * 1000)


def main() -> None:
    """Answer requests on standard input until it closes."""
    home = Path(sys.argv[1])
    mlflow = engine("mlflow")
    mlflow.open_store(home)
    for line in sys.stdin:
        try:
            mlflow.project(home, record_of(home, json.loads(line)["run"]))
            answer: dict[str, Any] = {"done": True}
        except Exception as wrong:  # the run's own record is whole; only the projection is not
            answer = {"error": f"{type(wrong).__name__}: {wrong}"}
        try:
            print(json.dumps(answer), flush=True)
        except BrokenPipeError:  # the run did not wait for an answer
            os._exit(0)


if __name__ == "__main__":
    main()
