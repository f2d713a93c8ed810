"""The command `simlab captures`: captured requests, a run's or the service's, joined with ground truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simlab.errors import UsageError
from simlab.options import AsJson, Home, lab_of, print_json

if TYPE_CHECKING:
    from simlab.capture_format import BadLine

SHOWN = 5
"""Bad lines that are shown, of each kind."""

Captured = Annotated[
    str, typer.Argument(metavar="RUN|PATH", help="A run, or a folder or file of captured requests.")
]
TruthPath = Annotated[
    Path | None, typer.Option("--ground-truth", help="Folder or file of labels [a run's own].")
]
MergedPath = Annotated[
    Path | None, typer.Option("--merged", metavar="FILE", help="Write the merge job's lines here.")
]


def captures(
    source: Captured,
    truth: TruthPath = None,
    merged: MergedPath = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Read captured requests, join them with ground truth by inference id, and say what did not fit."""
    from simlab.capture_format import merge, read_captures, read_truth

    path = Path(source)
    if not path.exists():
        folder = lab_of(home).folder(source)
        path, truth = folder / "capture", truth or folder / "ground-truth"
    for place in filter(None, (path, truth)):
        if not place.exists():
            raise UsageError(f"{place}: nothing was captured there; `stages.capture.enable` writes it")
    found = read_captures(path)
    if not found.table.num_rows and not found.bad:
        raise UsageError(f"{path}: it holds no line of a *.jsonl file")
    labels = None if truth is None else read_truth(truth)
    bad = [*found.bad, *(labels.bad if labels is not None else ())]
    said: dict[str, Any] = {"rows": found.table.num_rows, "columns": found.table.column_names}
    if labels is not None:
        joined = merge(found, labels)
        said |= {"labelled": joined.table.num_rows, "unlabelled": joined.unlabelled}
        said |= {"unasked": joined.unasked, "repeated": joined.repeated}
        if merged is not None:
            merged.write_text("".join(line.rstrip("\n") + "\n" for line in joined.records), encoding="utf-8")
            said["merged"] = str(merged)
    elif merged is not None:
        raise UsageError("--merged needs labels; --ground-truth says where they are")
    said |= {"bad": len(bad), "bad_lines": [vars(line) for line in bad]}
    if as_json:
        print_json(said)
    else:
        _show(said, bad)


def _show(said: dict[str, Any], bad: list[BadLine]) -> None:
    typer.echo(f"{said['rows']} captured requests: {', '.join(said['columns'])}")
    if "labelled" in said:
        typer.echo(
            f"{said['labelled']} with their label, {said['unlabelled']} without; {said['unasked']} labels of "
            f"requests that were not captured, {said['repeated']} that a later one took the place of"
        )
    if "merged" in said:
        typer.echo(said["merged"])
    if bad:
        typer.echo(f"{len(bad)} line{'s' * (len(bad) != 1)} set aside:")
    for line in bad[:SHOWN]:
        typer.echo(f"  {line.file}:{line.line}: {line.reason}")
    if len(bad) > SHOWN:
        typer.echo(f"  and {len(bad) - SHOWN} more; --json shows all")
