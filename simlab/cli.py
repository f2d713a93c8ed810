"""The command line: each command a few lines over `Lab`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from simlab.cli_captures import captures
from simlab.cli_cloudwatch import alarms, metrics, show_bus
from simlab.cli_constraints import app as constraints_app
from simlab.cli_worlds import calibrate, sweep, twin
from simlab.engines import mute_warnings
from simlab.errors import SimlabError, UsageError
from simlab.options import (
    AsJson,
    Home,
    RunName,
    ScenarioFile,
    Sets,
    end_politely,
    find,
    lab_of,
    print_json,
    sets_of,
)

app = typer.Typer(
    name="simlab",
    help="A flight simulator for machine learning in production: live through a scenario, offline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: the decorated one takes longer to import than everything else
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(constraints_app)


@app.command()
def run(
    scenario: ScenarioFile,
    home: Home = None,
    sets: Sets = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the newest unfinished run of this scenario.")
    ] = False,
    until: Annotated[
        str | None, typer.Option("--until", metavar="STAGE", help="Stop once this stage is done.")
    ] = None,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only the outcome.")] = False,
) -> None:
    """Live through a scenario and judge it by its own expectations."""
    from simlab.progress import Progress

    end_politely()
    progress = Progress(silent=as_json or quiet)
    with progress:
        outcome = lab_of(home).run(
            find(scenario), sets_of(sets), resume=resume, until=until, watch=progress.watch
        )
    if as_json:
        print_json(outcome.as_json())
    else:
        progress.outcome(outcome)
    raise typer.Exit(outcome.exit)


@app.command()
def check(scenario: ScenarioFile, sets: Sets = None, as_json: AsJson = False) -> None:
    """Check a scenario in full without running it."""
    from simlab.checking import check as check_file  # not through Lab, which imports what running needs

    ready = check_file(find(scenario), sets_of(sets))
    found = ready.scenario
    if as_json:
        print_json({"scenario": found.name, "title": found.title, "dataset": found.dataset, "valid": True})
        return
    clock, made = found.clock, " (synthetic)" if ready.card.synthetic else ""
    typer.echo(f"{found.name}: can run. {found.title}")
    typer.echo(
        f"  {clock.windows} windows of {clock.rows} rows on {found.dataset}{made}, "
        f"{len(found.inject)} injection{'s' * (len(found.inject) != 1)}, "
        f"{len(found.expect)} expectation{'s' * (len(found.expect) != 1)}"
    )


@app.command()
def plan(scenario: ScenarioFile, sets: Sets = None, as_json: AsJson = False) -> None:
    """Show what a run would do: its stages, injections, expectations and mutants."""
    from simlab.progress import show_plan
    from simlab.scenario import mutants

    ready = lab_of(None).check(find(scenario), sets_of(sets))
    changes = mutants(ready.scenario)
    if as_json:
        body = ready.scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
        print_json({**body, "mutants": changes})
    else:
        show_plan(ready, changes)


@app.command()
def runs(home: Home = None, as_json: AsJson = False) -> None:
    """List the runs of a home."""
    from simlab.progress import show_runs

    found = lab_of(home).runs()
    if as_json:
        print_json(found)
    else:
        show_runs(found)


@app.command()
def report(
    run: RunName = None,
    home: Home = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    evidently: Annotated[
        bool,
        typer.Option(
            "--evidently", help="Write Evidently's reports too: of windows with alarms, and of all."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a run's report again from its logs, and say where it is."""
    lab = lab_of(home)
    compared = lab.evidently(run) if evidently else []
    path = lab.report(run)
    if as_json:
        print_json({"report": str(path)} | ({"evidently": [str(p) for p in compared]} if evidently else {}))
    else:
        for each in (path, *compared):
            typer.echo(str(each))
    if open_it:
        typer.launch(path.resolve().as_uri())


@app.command()
def score(
    run: RunName = None,
    home: Home = None,
    twins: Annotated[
        bool, typer.Option("--twins", help="Measure harm by twin worlds instead of in hindsight.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score a run's monitors against the truth, beside monitors that know nothing."""
    from simlab.progress import show_score

    found = lab_of(home).score(run, twins=twins)
    if as_json:
        print_json(found.as_json())
    else:
        show_score(found)
    raise typer.Exit(found.exit)


for _command in (twin, sweep, calibrate):  # where they stand in the list of commands
    app.command()(_command)


@app.command()
def events(
    run: RunName = None,
    home: Home = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Only facts of this kind: AlarmChanged.")] = None,
    world: Annotated[bool, typer.Option("--world", help="The world's own log: what was done to it.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check both logs against their chains and the record.")
    ] = False,
    eventbridge: Annotated[
        bool, typer.Option("--eventbridge", help="As the events AWS would have put on the bus, one a line.")
    ] = False,
    pattern: Annotated[
        str | None,
        typer.Option("--pattern", metavar="JSON", help="Only those that match: a file, or the pattern."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a run said, or verify that nobody changed it."""
    from simlab.progress import show_event

    if eventbridge or pattern is not None:
        show_bus(run, home, pattern, as_json)
        return
    lab = lab_of(home)
    if verify:
        found = lab.verify(run)
        name = lab.folder(run).name
        if as_json:
            print_json({"run": name, "whole": True, **found})
        else:
            typer.echo(
                f"{name}: whole; {found['events']} facts and {found['world']} of its world fit their chains"
            )
        return
    told = lab.events(run, world)
    if kind is not None and kind not in {fact.kind for fact in told}:
        from simlab.errors import did_you_mean

        raise UsageError(
            f"no fact of kind {kind!r} in this log{did_you_mean(kind, {fact.kind for fact in told})}"
        )
    told = [fact for fact in told if kind is None or fact.kind == kind]
    if as_json:
        print_json([fact.model_dump(mode="json") for fact in told])
        return
    for fact in told:
        typer.echo(show_event(fact))


app.command()(metrics)
app.command()(alarms)
app.command()(captures)


@app.command("list")
def list_(
    what: Annotated[
        str, typer.Argument(help="scenarios, datasets, stages, injectors, detectors, policies, shapes …")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List what a scenario may use: stages, injectors, detectors, datasets and more."""
    from simlab.catalogue import catalogue
    from simlab.progress import show_catalogue

    found = catalogue(what)
    if as_json:
        print_json(found)
    else:
        show_catalogue(found)


@app.command()
def show(
    what: Annotated[
        str, typer.Argument(help="A name that `simlab list` shows: shift_column, monitor, adult-income.")
    ],
    as_json: AsJson = False,
) -> None:
    """Explain one name: what it does and which keys it takes."""
    from simlab.catalogue import describe

    found = describe(what)
    if as_json:
        print_json(found)
    else:
        typer.echo(found["text"])


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the scenario; the file is NAME.yaml.")],
    dataset: Annotated[str, typer.Option("--dataset", help="Dataset to start from.")] = "adult-income",
    folder: Annotated[Path, typer.Option("--folder", help="Where to write it.")] = Path(),
) -> None:
    """Write a scenario to start from, ready to run."""
    from simlab.catalogue import starter

    typer.echo(str(starter(name, dataset, folder)))


@app.command()
def rebuild(home: Home = None, as_json: AsJson = False) -> None:
    """Bring every run back into MLflow's database from the logs."""
    count = lab_of(home).rebuild(lambda what, value: None if as_json else typer.echo(f"  {value}"))
    if as_json:
        print_json({"runs": count})
    else:
        typer.echo(f"{count} runs are in MLflow again")


@app.command()
def schema(
    check_it: Annotated[
        bool, typer.Option("--check", help="Only say whether the shipped file is up to date.")
    ] = False,
    write: Annotated[Path | None, typer.Option("--write", help="Write it to this file.")] = None,
) -> None:
    """Print the JSON Schema of scenario files, generated from the signatures."""
    from simlab.file_schema import scenario_schema, shipped_schema

    text = json.dumps(scenario_schema(), indent=1) + "\n"
    if check_it:
        path = shipped_schema()
        if not path.is_file() or path.read_text() != text:
            raise UsageError(f"{path} is not up to date; `simlab schema --write {path}` makes it so")
        typer.echo(f"{path}: up to date")
    elif write is not None:
        write.write_text(text)
        typer.echo(str(write))
    else:
        sys.stdout.write(text)


def _version(value: bool) -> None:
    if value:
        from simlab import __version__

        typer.echo(f"simlab {__version__}")
        raise typer.Exit()


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A flight simulator for machine learning in production: live through a scenario, offline."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if not sys.warnoptions:
        mute_warnings()
    as_json = "--json" in given
    try:
        outcome = app(args=given, standalone_mode=False)
        # Typer makes an exit code of Ctrl-C, and would leave without a word.
        return _interrupted(as_json, given) if outcome == 130 else outcome if isinstance(outcome, int) else 0
    except SimlabError as wrong:
        return _say(str(wrong), wrong.exit_code, as_json)
    except typer.Exit as leaving:
        return int(leaving.exit_code)
    except typer.TyperException as wrong:
        context = getattr(wrong, "ctx", None)
        if context is not None:
            typer.echo(context.get_usage(), err=True)
        said = wrong.format_message() if hasattr(wrong, "format_message") else str(wrong)
        return _say(said, 2, as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted(as_json, given)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as wrong:  # a fault of simlab: nobody should have to read a traceback
        from simlab.lab import Lab

        kept = Lab(_given_home(given)).fault(wrong)
        return _say(
            f"a fault of simlab: {type(wrong).__name__}: {wrong}\n  the traceback is in {kept}", 1, as_json
        )


def _interrupted(as_json: bool, given: list[str]) -> int:
    """What an interrupt leaves behind depends on what was interrupted."""
    if "run" in given[:1]:
        return _say("interrupted; the run folder is whole, and `simlab run --resume` goes on", 130, as_json)
    if "sweep" in given[:1]:
        return _say("interrupted; the same command again goes on where it stopped", 130, as_json)
    return _say("interrupted; nothing is kept of it but builds", 130, as_json)


def _given_home(given: list[str]) -> str | None:
    for number, word in enumerate(given):
        if word == "--home" and number + 1 < len(given):
            return given[number + 1]
        if word.startswith("--home="):
            return word.partition("=")[2]
    return None


def _say(text: str, code: int, as_json: bool) -> int:
    if as_json:
        print_json({"error": text, "exit": code})
    for line in text.splitlines():
        typer.echo(line, err=True)
    return code


def entry() -> None:
    """Entry point of the `simlab` command."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
