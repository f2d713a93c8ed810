"""Comparisons: the one process that writes Evidently's reports of a run.

Like MLflow's database they are a picture of the log and no part of it: Evidently's pages hold random
ids, so no fact and no digest depends on them. What is compared is what the operator had: the rows a
window was answered for beside the baseline of the version that answered, by the methods and thresholds
of the run's own monitor, and the labels that were known by then.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from simlab import events as e
from simlab.artifacts import Deployment, Findings, Labels, Request, Served
from simlab.clarify.explanations import spaced
from simlab.engines import engine
from simlab.executing import baseline_rows
from simlab.log import read
from simlab.signature import names
from simlab.store import Store, write_whole

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

FOLDER = "artifacts/evidently"
"""Where the reports lie in a run's folder."""
SAMPLE = 20_000
"""Most live rows, and most labelled rows, in the report of a whole run; they are evenly spaced."""
MOST = 40
"""Most windows of a run that get a report of their own, the first ones: each is 4 MB and takes seconds."""


@dataclass(frozen=True)
class Comparison:
    """What one report compares."""

    name: str
    title: str
    says: str
    deployment: Deployment
    current: pa.Table
    methods: Mapping[str, tuple[str, float]]
    """Evidently's method and its threshold, by column."""
    known: pa.Table | None = None
    """`prediction` and `label` of the answers whose label was known."""


def path_of(folder: Path, window: int | None) -> Path:
    """Where the report of a window lies, or that of the whole run."""
    return folder / FOLDER / ("run.html" if window is None else f"window-{window:03}.html")


def onsets(events: Iterable[e.Event]) -> list[int]:
    """Windows in which at least one alarm began to sound."""
    return sorted(
        {
            event.window
            for event in events
            if isinstance(event, e.AlarmChanged) and event.state == "ALARM" and event.window is not None
        }
    )


def reports(folder: Path) -> dict[int | None, str]:
    """Relative links to Evidently's reports in a run's folder, by window (None: of the whole run)."""
    found: dict[int | None, str] = {}
    for path in sorted((folder / FOLDER).glob("*.html")):
        number = path.stem.removeprefix("window-")
        if number.isdigit():
            found[int(number)] = f"{FOLDER}/{path.name}"
        elif path.stem == "run":
            found[None] = f"{FOLDER}/{path.name}"
    return found


# --- what a run left in the store ---------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """What a run's stages made, found by the short digests in its facts."""

    store: Store
    events: tuple[e.Event, ...]

    def load(self, short: str, kind: type[T]) -> T | None:
        """The noun of that digest, if the store has it and it is of that kind."""
        for folder in (self.store.root / "objects" / short[:2]).glob(f"{short}*"):
            body = json.loads((folder / "noun.json").read_text())
            if isinstance(body, dict) and body.get("$noun") == kind.__name__:
                found: T = self.store.load(folder.name)
                return found
        return None

    def made(self, stage: str, window: int | None, kind: type[T]) -> T | None:
        """The first noun of a kind that a stage made in a window."""
        for fact in self.events:
            if isinstance(fact, e.StageFinished) and (fact.stage, fact.window) == (stage, window):
                found = self.load(fact.artifact, kind)
                if found is not None:
                    return found
        return None

    def labels(self, window: int) -> Labels | None:
        """Labels that the monitors were given in a window, where the run kept them."""
        for fact in self.events:
            if isinstance(fact, e.StageFinished) and (fact.stage, fact.window) == ("monitor", window):
                for short in fact.inputs:
                    found = self.load(short, Labels)
                    if found is not None:
                        return found
        return None

    def deployment(self, window: int | None) -> Deployment | None:
        """The deployment that answered a window; with None the first one."""
        served = None if window is None else self.made("serve", window, Served)
        if window is not None and served is None:
            return None
        for fact in self.events:
            if isinstance(fact, e.StageFinished) and fact.stage == "deploy":
                found = self.load(fact.artifact, Deployment)
                if served is None or (found is not None and found.version == served.version):
                    return found
        return None


# --- what is compared ---------------------------------------------------------------------------


def of_window(kept: Kept, window: int) -> Comparison | None:
    """A window beside its baseline; None where the store no longer holds its rows."""
    deployment, request = kept.deployment(window), kept.made("features", window, Request)
    findings = kept.made("monitor", window, Findings)
    if deployment is None or request is None or findings is None:
        return None
    labels = kept.labels(window)
    known, about = (None, None) if labels is None else _latest_known(kept, labels, deployment.version)
    version = deployment.version
    says = f"The {request.table.num_rows:,} rows of window {window} beside the baseline of version {version}."
    methods = methods_of(findings)
    if not methods:
        says += " The run's monitor tested no column, so methods and thresholds are Evidently's own."
        methods = own_methods(deployment)
    if known is not None:
        says += f" Quality is that of window {about}, with the {known.num_rows:,} labels known by then."
    return Comparison(
        f"window-{window:03}",
        f"Window {window}: {', '.join(_began(kept.events, window)) or 'no alarm began'}",
        says,
        deployment,
        request.table,
        methods,
        known,
    )


def of_run(kept: Kept) -> Comparison | None:
    """All live rows beside the first baseline; None where the store no longer holds them."""
    import pyarrow as pa

    deployment = kept.deployment(None)
    windows = [f.window for f in kept.events if isinstance(f, e.StageFinished) and f.stage == "serve"]
    requests = [kept.made("features", w, Request) for w in windows]
    tables = [r.table for r in requests if r is not None]
    if deployment is None or not tables:
        return None
    features = [column.name for column in deployment.schema.features]
    whole = pa.concat_tables([table.select(features) for table in tables])
    judged = [kept.made("monitor", w, Findings) for w in windows]
    methods = next((m for f in reversed(judged) if f is not None and (m := methods_of(f))), {})
    current, known = spaced(whole, SAMPLE), _all_known(kept, windows)
    says = (
        f"{current.num_rows:,} of the {whole.num_rows:,} live rows of {len(tables)} windows, evenly spaced, "
        f"beside the baseline of version {deployment.version}, the first in service."
    )
    if not methods:
        says += " The run's monitor tested no column, so methods and thresholds are Evidently's own."
        methods = own_methods(deployment)
    if known is not None:
        taken = spaced(known, SAMPLE)
        says += (
            f" Quality is that of {taken.num_rows:,} of the {known.num_rows:,} answers whose label is known."
        )
        known = taken
    return Comparison("run", "The whole run", says, deployment, current, methods, known)


def methods_of(findings: Findings) -> dict[str, tuple[str, float]]:
    """Which of Evidently's methods looked at which column, and with which threshold."""
    ours = set(names("detectors"))
    return {
        finding.column: (finding.method, finding.threshold)
        for finding in findings.findings
        if finding.check == "drift" and finding.method in ours and finding.threshold is not None
    }


def own_methods(deployment: Deployment) -> dict[str, tuple[str, float]]:
    """A distance for every column, at the threshold Evidently gives it."""
    chosen = {"numeric": "wasserstein", "categorical": "jensenshannon"}
    return {
        column.name: (
            chosen[column.kind],
            engine("evidently").default_threshold(chosen[column.kind], column.kind),
        )
        for column in deployment.schema.features
    }


def _began(events: Iterable[e.Event], window: int) -> list[str]:
    return [
        f.alarm for f in events if isinstance(f, e.AlarmChanged) and (f.window, f.state) == (window, "ALARM")
    ]


def answered(served: pa.Table, known: pa.Table) -> pa.Table:
    """Predictions and labels of the answers whose label is known, in the order of their ids."""
    both = served.join(known, "inference_id", join_type="inner", use_threads=False).sort_by("inference_id")
    return both.select(["prediction", "label"])


def _latest_known(kept: Kept, labels: Labels, version: int) -> tuple[pa.Table | None, int | None]:
    """The newest window of this version of which labels arrived, as the monitor judged it."""
    import pyarrow.compute as pc

    for window in sorted(labels.table["window"].unique().to_pylist(), reverse=True):
        served = kept.made("serve", window, Served)
        if served is not None and served.version == version:
            known = labels.table.filter(pc.equal(labels.table["window"], window))
            return answered(served.table, known.select(["inference_id", "label"])), window
    return None, None


def _all_known(kept: Kept, windows: Iterable[int | None]) -> pa.Table | None:
    """Every answer whose label became known in the course of the run, whichever version gave it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    latest: dict[int, Any] = {}
    for window in windows:
        labels = None if window is None else kept.labels(window)
        if labels is not None:
            for about in labels.table["window"].unique().to_pylist():
                latest[about] = labels.table.filter(pc.equal(labels.table["window"], about))
    found = []
    for about in sorted(latest):
        served = kept.made("serve", about, Served)
        if served is not None:
            found.append(answered(served.table, latest[about].select(["inference_id", "label"])))
    return pa.concat_tables(found) if found else None


# --- the pages ----------------------------------------------------------------------------------


def compare(found: Comparison) -> Any:
    """Evidently's report of a comparison: its page and its figures."""
    deployment = found.deployment
    baseline = baseline_rows(deployment)
    pair = None
    if found.known is not None:
        pair = baseline.select(["prediction", "label"]).drop_null(), found.known
    return engine("evidently_report").report(
        {column.name: column.kind for column in deployment.schema.features},
        baseline,
        found.current,
        problem=deployment.problem,
        methods=found.methods,
        threshold=deployment.threshold,
        answered=pair,
        title=found.title,
        says=found.says,
    )


def written(home: Path, run: str, window: int | None) -> Path | None:
    """Write the report of a window of a run, or of the whole run; None where its rows are gone."""
    folder = home / "runs" / run
    kept = Kept(Store(home / "store"), tuple(read(folder / "events.jsonl")))
    found = of_run(kept) if window is None else of_window(kept, window)
    if found is None:
        return None
    path = path_of(folder, window)
    write_whole(path, compare(found).html, sync=False)
    return path


def main() -> None:
    """Answer requests on standard input until it closes."""
    home = Path(sys.argv[1])
    engine("evidently_report")  # takes seconds, which the run uses meanwhile
    for line in sys.stdin:
        body = json.loads(line)
        try:
            path = written(home, body["run"], body["window"])
            answer: dict[str, Any] = {"path": None if path is None else str(path)}
        except Exception as wrong:  # the run's own record is whole; only the projection is not
            answer = {"error": f"{type(wrong).__name__}: {wrong}"}
        try:
            print(json.dumps(answer), flush=True)
        except BrokenPipeError:  # nobody waits for an answer any more
            os._exit(0)


if __name__ == "__main__":
    main()
