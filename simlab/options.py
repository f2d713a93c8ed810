"""Options that several commands take, and what a command starts from."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from simlab.lab import Lab

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder for everything simlab writes [SIMLAB_HOME, else .simlab]."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
RunName = Annotated[
    str | None, typer.Argument(help="A run, as `simlab runs` lists it; the newest when left out.")
]
ScenarioFile = Annotated[Path, typer.Argument(help="A scenario file, or the name of a shipped one.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change the scenario: stages.retrain.policy=never."),
]


def lab_of(home: Path | None) -> Lab:
    """The lab of a home."""
    from simlab.lab import Lab

    return Lab(home)


def print_json(body: Any) -> None:
    """Print JSON and nothing else."""
    sys.stdout.write(json.dumps(body, indent=1, default=str) + "\n")


def end_politely() -> None:
    """Let a request to end be answered as Ctrl-C is."""
    from simlab.home import stop_on_terminate

    stop_on_terminate()


def find(scenario: Path) -> Path:
    """A scenario file, or the shipped one of that name."""
    from simlab.shipped import find_scenario

    return find_scenario(scenario)


def sets_of(given: list[str] | None) -> dict[str, Any]:
    """What `--set` changes, by key."""
    from simlab.scenario import parse_sets

    return parse_sets(given or [])
