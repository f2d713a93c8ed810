"""The commands `simlab constraints`: show, edit and compare what a data-quality monitor judges by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simlab.errors import UsageError
from simlab.options import AsJson, Home, lab_of, print_json

app = typer.Typer(
    name="constraints",
    help="Show, edit and compare constraints.json, what a data-quality monitor judges by.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Where = Annotated[
    str, typer.Argument(metavar="RUN|FILE", help="A constraints.json, or a run, as `simlab runs` lists it.")
]
ScheduleName = Annotated[
    str | None, typer.Option("--schedule", help="Which of a run's schedules, where it has several.")
]


def _file(given: str, schedule: str | None, home: Path | None) -> tuple[Path, bool]:
    """A file by path, or a run's; and whether it is a run's."""
    from simlab.constraint_files import baselines_in, chosen

    path = Path(given)
    if path.is_file() or path.suffix == ".json" or len(path.parts) > 1:
        return path, False
    return chosen(baselines_in(lab_of(home).folder(given)), schedule, given), True


@app.command()
def show(source: Where, schedule: ScheduleName = None, home: Home = None, as_json: AsJson = False) -> None:
    """Show constraints in a table, with the rules that hold for each feature."""
    from simlab.constraint_files import COLUMNS, as_rows, read_file
    from simlab.model_monitor.constraints import as_body

    path, _ = _file(source, schedule, home)
    constraints = read_file(path)
    if as_json:
        print_json(as_body(constraints))
        return
    typer.echo(str(path))
    rows = [COLUMNS, *as_rows(constraints)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    for row in rows:
        typer.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


@app.command()
def edit(
    source: Where,
    sets: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Set a value (null takes it away): features.age.completeness=0.9, "
            "monitoring_config.comparison_threshold=0.2.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where the new version goes [beside FILE: constraints.v2.json, v3 …]."),
    ] = None,
    schedule: ScheduleName = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write a new version of constraints with some values set, and say what changed."""
    from simlab.constraint_files import edit as edit_file
    from simlab.scenario import parse_sets

    path, of_run = _file(source, schedule, home)
    if of_run and out is None:
        raise UsageError("a run's own files stay as they are; --out says where the new version goes")
    target, changed = edit_file(path, parse_sets(sets), out)
    if as_json:
        print_json({"file": str(target), "changed": [vars(change) for change in changed]})
        return
    for change in changed:
        typer.echo(str(change))
    typer.echo(str(target))


@app.command()
def diff(
    one: Where,
    other: Where,
    schedule: ScheduleName = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Say what differs between two constraints, feature by feature; exit code 1 if anything does."""
    from simlab.constraint_files import compare

    found = compare(_file(one, schedule, home)[0], _file(other, schedule, home)[0])
    if as_json:
        print_json({"same": not found, "differences": [vars(change) for change in found]})
    elif not found:
        typer.echo("no difference")
    else:
        for change in found:
            typer.echo(str(change))
    raise typer.Exit(1 if found else 0)
