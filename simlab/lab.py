"""Lab: the one object with every verb; command line, console and API are thin ways to call it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simlab import events as e
from simlab import log
from simlab.calibration import Calibration, calibrate
from simlab.checking import Checked, check, checked
from simlab.cloudwatch.describe import describe_alarm_history, describe_alarms, only
from simlab.cloudwatch.events import eventbridge
from simlab.cloudwatch.metrics import published
from simlab.cloudwatch.patterns import matches, problems_in
from simlab.cloudwatch.settings import Settings
from simlab.comparisons import MOST, onsets, reports
from simlab.errors import (
    EnvironmentProblem,
    LogBroken,
    SimlabError,
    UsageError,
    did_you_mean,
)
from simlab.expect import Verdict
from simlab.home import (
    FINISHED,
    attentive,
    claim,
    locked,
    newest,
    now,
    writable,
    write_record,
)
from simlab.machine import disk_full, environment
from simlab.run import Reached, Run, Watch
from simlab.scenario import Scenario, mutants, read
from simlab.scoring import Scored, card_if_any, scored
from simlab.services import Service
from simlab.stages import STAGES
from simlab.store import Store, write_whole
from simlab.story import source_of, tell
from simlab.sweep import Swept, sweep
from simlab.truth import truth
from simlab.twin import Twins, effects, twin
from simlab.watched import Published


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    run: str
    path: Path
    status: str
    exit: int
    verdicts: tuple[Verdict, ...] = ()
    metrics: Mapping[str, float] | None = None
    alarms: tuple[dict[str, Any], ...] = ()
    versions: tuple[dict[str, Any], ...] = ()
    seconds: float = 0.0
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """The one object of `simlab run --json`."""
        return {
            "run": self.run,
            "path": str(self.path),
            "status": self.status,
            "exit": self.exit,
            "verdicts": [{"expect": v.expectation, "held": v.held, "why": v.why} for v in self.verdicts],
            "metrics": dict(self.metrics or {}),
            "alarms": list(self.alarms),
            "versions": list(self.versions),
            "seconds": round(self.seconds, 3),
            **({"why": self.why} if self.why else {}),
        }


def showing(watch: Watch, evidently: Service, run: str, wanted: str) -> Watch:
    """A watcher that hands every window in which an alarm began to the process that reports on it.

    At most `MOST` windows of a run are handed over. A fact is told once its stage's whole transaction is in
    the log, so the process finds it there.
    """
    told: set[int] = set()

    def following(what: str, value: Any) -> None:
        watch(what, value)
        if what == "fact" and wanted in ("onset", "all"):
            for window in onsets([value]):
                if window not in told and len(told) < MOST:
                    told.add(window)
                    evidently.tell({"run": run, "window": window})

    return following


def default_home() -> Path:
    """`SIMLAB_HOME`, else `.simlab/` in the working folder."""
    return Path(os.environ.get("SIMLAB_HOME") or ".simlab")


class Lab:
    """A home with its runs, and every verb of simlab.

    Parameters
    ----------
    home
        Folder that holds everything simlab writes.
    """

    def __init__(self, home: Path | str | None = None):
        self.home = Path(home) if home is not None else default_home()

    # --- reading --------------------------------------------------------------------------------

    def check(self, path: Path | str, sets: Mapping[str, Any] | None = None) -> Checked:
        """Check a scenario in full without running it."""
        return check(Path(path), sets)

    def mutants(self, path: Path | str) -> dict[str, dict[str, Any]]:
        """The changes under which the scenario's expectations must break."""
        return mutants(read(Path(path)))

    def runs(self) -> list[dict[str, Any]]:
        """Every run of the home, oldest first: its record."""
        root = self.home / "runs"
        found = []
        for folder in sorted(root.iterdir()) if root.is_dir() else []:
            with suppress(OSError, json.JSONDecodeError):
                found.append(json.loads((folder / "run.json").read_text()))
        return sorted(found, key=lambda record: (record["scenario"], record["run"]))

    def folder(self, run: str | None) -> Path:
        """The folder of a run; the newest one when none is named.

        Raises
        ------
        UsageError
            There is no such run.
        """
        root = self.home / "runs"
        names = os.listdir(root) if root.is_dir() else []
        if run in names and (root / run / "run.json").is_file():  # a name, never a path
            return root / run
        known: list[str] = [record["run"] for record in self.runs()]
        if run is None and known:
            return root / max(known, key=lambda name: (root / name / "run.json").stat().st_mtime)
        if run is None:
            raise UsageError(f"there are no runs in {self.home}; `simlab run SCENARIO` makes one")
        raise UsageError(f"no run called {run!r} in {self.home}{did_you_mean(run, known)}")

    def record(self, run: str | None) -> dict[str, Any]:
        """The record of a run."""
        found: dict[str, Any] = json.loads((self.folder(run) / "run.json").read_text())
        return found

    def events(self, run: str | None, world: bool = False) -> list[e.Event]:
        """The facts of a run, or of its world."""
        folder = self.folder(run)
        return log.read_world(folder / "world.jsonl") if world else log.read(folder / "events.jsonl")

    def verify(self, run: str | None) -> dict[str, int]:
        """Check both logs of a run against their chains and the run's record; their lengths.

        Raises
        ------
        LogBroken
            A byte was changed, or a line is missing.
        """
        folder, record = self.folder(run), self.record(run)
        found = {}
        for name in ("events", "world"):
            kept = record.get(name) or {}
            try:
                found[name] = log.verify(folder / f"{name}.jsonl", kept.get("count"), kept.get("head"))
            except FileNotFoundError:
                raise LogBroken(f"{folder.name}/{name}.jsonl: the file is missing") from None
            except LogBroken as wrong:
                raise LogBroken(f"{folder.name}/{name}.jsonl: {wrong}") from None
        return found

    def score(self, run: str | None, *, twins: bool = False) -> Scored:
        """Score a run's monitors against the truth of its world.

        Parameters
        ----------
        run
            Its name; the newest one when None.
        twins
            Whether to measure what each injection harms by twin worlds without retrains; otherwise harm
            is judged in hindsight.

        Raises
        ------
        UsageError
            There is no such run, or it lived through no window.
        ScenarioInvalid
            Which episode an alarm belongs to could not be told.
        """
        scenario, folder = self.scenario(run), self.folder(run)
        measured = None
        if twins and any(i.enabled for i in scenario.inject):
            ready = checked(scenario, folder.name)
            with writable(self.home):
                measured = effects(ready, self.home)
        return scored(folder.name, scenario, self.events(run), self.events(run, world=True), measured)

    def metrics(self, run: str | None) -> tuple[Published, ...]:
        """Every datapoint that a run published, under CloudWatch's names."""
        return published(self.events(run), _endpoint(self.scenario(run)))

    def alarms(self, run: str | None, alarm: str | None = None) -> dict[str, Any]:
        """A run's alarms and what happened to them, as DescribeAlarms and DescribeAlarmHistory say it.

        Parameters
        ----------
        run
            Its name; the newest one when None.
        alarm
            This alarm alone, by its AlarmName or as facts have it.

        Raises
        ------
        UsageError
            There is no such run, or no such alarm.
        """
        scenario, facts = self.scenario(run), self.events(run)
        found = describe_alarms(facts, _alarming(scenario), endpoint=_endpoint(scenario))
        if alarm is not None:
            alarm, found = only(found, alarm)
        return {**found, **describe_alarm_history(facts, alarm)}

    def bus(self, run: str | None, pattern: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """A run's events in EventBridge's shape, in their order.

        Parameters
        ----------
        run
            Its name; the newest one when None.
        pattern
            Only events that match this EventBridge pattern.

        Raises
        ------
        UsageError
            There is no such run, or the pattern is none.
        """
        if pattern is not None and (wrong := list(problems_in(pattern))):
            raise UsageError(f"the pattern matches nothing: {'; '.join(wrong)}")
        scenario = self.scenario(run)
        found = eventbridge(
            self.events(run),
            group=scenario.name,
            endpoint=_endpoint(scenario),
            settings=_alarming(scenario),
        )
        return [event for event in found if pattern is None or matches(pattern, event)]

    def report(self, run: str | None) -> Path:
        """Write a run's report again from its logs; its path."""
        return self._report(self.folder(run), self.scenario(run), self.record(run))

    def evidently(self, run: str | None) -> list[Path]:
        """Write Evidently's reports of a run: one a window in which an alarm began, one of all; their paths.

        Raises
        ------
        UsageError
            There is no such run, or the home no longer holds its rows.
        EnvironmentProblem
            Evidently could not write one.
        """
        folder = self.folder(run)
        with writable(self.home):
            service = self._evidently(folder)
            try:
                for window in (*onsets(self.events(run))[:MOST], None):
                    service.tell({"run": folder.name, "window": window})
                answers = service.heard()
            except RuntimeError as wrong:
                raise EnvironmentProblem(f"Evidently's reports were not written: {wrong}") from wrong
            finally:
                service.close()
        for answer in answers:
            if "error" in answer:
                raise EnvironmentProblem(f"Evidently's report was not written: {answer['error']}")
        found = [Path(answer["path"]) for answer in answers if answer["path"]]
        if not found:
            raise UsageError(f"{self.home} no longer holds the rows of {folder.name}; run its scenario again")
        return found

    def _evidently(self, folder: Path) -> Service:
        return Service("simlab.comparisons", [str(self.home.resolve())], folder / "evidently.txt")

    def scenario(self, run: str | None) -> Scenario:
        """The scenario a run lived through, as it was resolved."""
        found = read(self.folder(run) / "scenario.yaml")
        return found.model_copy(update={"name": self.record(run)["scenario"]})

    # --- running --------------------------------------------------------------------------------

    def run(
        self,
        path: Path | str,
        sets: Mapping[str, Any] | None = None,
        *,
        resume: bool = False,
        until: str | None = None,
        watch: Watch = lambda what, value: None,
        project: bool = True,
    ) -> Outcome:
        """Live through a scenario.

        Parameters
        ----------
        path
            The scenario's file.
        sets
            Dotted keys to change first, as ``--set`` does.
        resume
            Continue the newest unfinished run of the same resolved scenario, if there is one; of a
            finished one, repeat the outcome.
        until
            Stop once this stage is done.
        watch
            Told of what happens.
        project
            Whether to show the run in MLflow's database.

        Raises
        ------
        ScenarioInvalid, EnvironmentProblem, UsageError
            Before anything ran, or because the machine is in the way.
        """
        if until is not None and until not in {s.name for s in STAGES}:
            raise UsageError(
                f"--until: no stage called {until!r}{did_you_mean(until, [s.name for s in STAGES])}"
            )
        ready = check(Path(path), sets)
        with writable(self.home):
            if resume and (found := newest(self.home, ready.scenario)):
                record = json.loads((found / "run.json").read_text())
                if record["status"] in FINISHED:
                    return self._outcome(found, ready.scenario, record)
            else:
                found = claim(self.home, ready.scenario)
            with locked(found):
                return self._live(found, ready, until, watch, project)

    def _live(self, folder: Path, ready: Checked, until: str | None, watch: Watch, project: bool) -> Outcome:
        scenario = ready.scenario
        began = time.perf_counter()
        record = json.loads((folder / "run.json").read_text())
        if (folder / "events.jsonl").exists():
            watch("say", f"continuing {folder.name}")
        projector = (
            Service("simlab.projector", [str(self.home.resolve())], folder / "projector.txt")
            if project
            else None
        )
        evidently = self._evidently(folder) if scenario.evidently != "never" else None
        run = None
        try:
            watch = attentive(watch)
            if evidently is not None:
                watch = showing(watch, evidently, folder.name, scenario.evidently)
            run = Run(scenario, ready.settings, folder, Store(self.home / "store"), watch, until)
            if run.events.replaying:
                run.note("resumed")
            watch("run", (folder.name, scenario))
            told = tell(run, ready, source_of(ready, run.memo))
            verdicts, status, code, why = list(told.verdicts), told.status, told.exit, told.why
            run.close()
            record = {**record, "status": status, "exit": code, "finished": now(), "why": why}
            record |= {
                n: {"count": lg.count, "head": lg.head}
                for n, lg in (("events", run.events), ("world", run.world))
            }
            write_whole(folder / "truth.json", json.dumps(truth(scenario, run.world_said), indent=1) + "\n")
            if evidently is not None:
                self._compare(evidently, folder, scenario, watch)
            self._report(folder, scenario, record, run)
            write_record(folder, record)
            shutil.rmtree(folder / "work", ignore_errors=True)
            if projector is not None and run.carried_out:
                self._project(projector, folder, watch)
            elif projector is not None:
                # Nothing new was computed, so nobody waits for the picture of it either.
                projector.leave({"run": folder.name})
            outcome = self._outcome(folder, scenario, record, verdicts, run.said)
            return replace(outcome, seconds=time.perf_counter() - began)
        except Reached as reached:
            write_record(folder, {**record, "status": "stopped", "why": f"stopped after {reached}"})
            return Outcome(folder.name, folder, "stopped", 0, seconds=time.perf_counter() - began)
        except KeyboardInterrupt:
            with suppress(OSError):
                write_record(folder, {**record, "status": "interrupted"})
            raise
        except SimlabError as wrong:
            with suppress(OSError):
                write_record(folder, {**record, "status": "interrupted", "why": str(wrong)})
            raise
        except OSError as wrong:
            with suppress(OSError):
                write_record(folder, {**record, "status": "interrupted", "why": str(environment(wrong))})
            raise
        except Exception as wrong:
            if disk_full(wrong):
                raise EnvironmentProblem(f"the disk is full: {wrong}") from wrong
            raise
        finally:
            if run is not None:
                run.close()
            for service in (projector, evidently):
                if service is not None:
                    service.close()

    def _project(self, projector: Service, folder: Path, watch: Watch) -> None:
        try:
            projector.ask({"run": folder.name})
        except RuntimeError as wrong:
            watch("warn", f"MLflow does not show this run yet ({wrong}); `simlab rebuild` brings it in")

    def _compare(self, evidently: Service, folder: Path, scenario: Scenario, watch: Watch) -> None:
        """Wait for Evidently's reports; the run's own report links to those that are there."""
        if scenario.evidently in ("run", "all"):
            evidently.tell({"run": folder.name, "window": None})
        try:
            wrongs = [answer["error"] for answer in evidently.heard() if "error" in answer]
        except RuntimeError as wrong:
            wrongs = [str(wrong)]
        for why in wrongs:
            watch(
                "warn", f"a report of Evidently's is missing ({why}); `simlab report --evidently` writes it"
            )

    def _report(
        self, folder: Path, scenario: Scenario, record: Mapping[str, Any], run: Run | None = None
    ) -> Path:
        from simlab.views.report import report

        told = run.said if run else log.read(folder / "events.jsonl")
        world = run.world_said if run else log.read_world(folder / "world.jsonl")
        timings = [json.loads(line) for line in (folder / "timings.jsonl").read_text().splitlines()]
        body = scenario.model_dump(mode="json", by_alias=True)
        page = report(
            told,
            world,
            {**body, "name": scenario.name, "text": scenario.text(), "run": folder.name},
            timings,
            aws={s.name: s.aws for s in STAGES},
            record=record,
            card=card_if_any(scenario, told, world),
            evidently=reports(folder),
        )
        path = folder / "report.html"
        write_whole(path, page)
        return path

    def _outcome(
        self,
        folder: Path,
        scenario: Scenario,
        record: Mapping[str, Any],
        verdicts: list[Verdict] | None = None,
        said: list[e.Event] | None = None,
    ) -> Outcome:
        from simlab.views.alarms import alarms
        from simlab.views.metrics import latest
        from simlab.views.registry import versions as registered

        events = said if said is not None else log.read(folder / "events.jsonl")
        if verdicts is None:
            verdicts = [Verdict(f.expectation, f.held, f.why) for f in events if isinstance(f, e.Judged)]
        return Outcome(
            run=folder.name,
            path=folder,
            status=record["status"],
            exit=record["exit"],
            verdicts=tuple(verdicts),
            metrics=latest(events),
            alarms=tuple(
                {"alarm": a.name, "state": a.state, "spans": [list(s) for s in a.spans]}
                for a in alarms(events).values()
                if a.spans
            ),
            versions=tuple(
                {
                    "version": v.number,
                    "approved": v.approved,
                    "why": v.why,
                    "in_service": [list(s) for s in v.spans],
                }
                for v in registered(events)
            ),
            why=record.get("why", ""),
        )

    # --- many worlds ----------------------------------------------------------------------------

    def twin(self, path: Path | str, sets: Mapping[str, Any] | None = None, **more: Any) -> Twins:
        """Tell what each injection of a scenario causes, by worlds with it and without it; see `twin`.

        Raises
        ------
        ScenarioInvalid, EnvironmentProblem, UsageError
            Before anything ran, or because the machine is in the way.
        """
        ready = check(Path(path), sets)
        with writable(self.home):
            return twin(ready, self.home, **more)

    def sweep(self, path: Path | str, sets: Mapping[str, Any] | None = None, **more: Any) -> Swept:
        """Live through a scenario in many worlds and variants, and sum up; see `sweep`.

        Raises
        ------
        ScenarioInvalid, EnvironmentProblem, UsageError
            Before anything ran, or because the machine is in the way.
        """
        with writable(self.home):
            return sweep(Path(path), self.home, sets=sets or {}, **more)

    def calibrate(
        self, path: Path | str, sets: Mapping[str, Any] | None = None, **more: Any
    ) -> list[Calibration]:
        """Find thresholds at which a quiet world has no more false alarms than asked; see `calibrate`.

        Raises
        ------
        ScenarioInvalid, EnvironmentProblem, UsageError
            Before anything ran, or because the machine is in the way.
        """
        ready = check(Path(path), sets)
        with writable(self.home):
            return calibrate(ready, self.home, **more)

    # --- projections ----------------------------------------------------------------------------

    def rebuild(self, watch: Watch = lambda what, value: None) -> int:
        """Bring every finished run back into MLflow's database from the logs; how many."""
        done = [record for record in self.runs() if record["status"] in FINISHED]
        with writable(self.home):
            projector = Service(
                "simlab.projector", [str(self.home.resolve())], self.home / "cache" / "projector.txt"
            )
            try:
                for record in done:
                    watch("say", f"projecting {record['run']}")
                    try:
                        projector.ask({"run": record["run"]})
                    except RuntimeError as wrong:
                        raise EnvironmentProblem(
                            f"{record['run']} could not be projected: {wrong}"
                        ) from wrong
            finally:
                projector.close()
        return len(done)

    def fault(self, wrong: BaseException) -> Path | None:
        """Save the traceback of a fault of simlab; its path."""
        text = "".join(traceback.format_exception(wrong))
        for root in (self.home / "faults", Path(tempfile.gettempdir())):
            with suppress(OSError):
                path = root / f"fault-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
                write_whole(path, text)
                return path
        return None


def _endpoint(scenario: Scenario) -> str:
    """The name of a scenario's endpoint."""
    return str(scenario.setting("deploy", "endpoint", "simlab-endpoint"))


def _alarming(scenario: Scenario) -> Settings:
    """What a scenario says of alarms, rules and topics."""
    return Settings.of(scenario.stages.get("alarm") or {})
