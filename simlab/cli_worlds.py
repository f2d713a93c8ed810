"""Commands that live through many worlds: twin, sweep, calibrate."""

from __future__ import annotations

from typing import Annotated

import typer

from simlab.options import AsJson, Home, ScenarioFile, Sets, end_politely, find, lab_of, print_json, sets_of

Seeds = Annotated[
    int, typer.Option("--seeds", min=1, help="How many worlds: seeds of chance, the same everywhere.")
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes to live in [as many as there are cores].")
]
Dask = Annotated[
    str | None,
    typer.Option("--dask", metavar="ADDRESS", help="A Dask scheduler to live at instead: tcp://host:8786."),
]


def twin(
    scenario: ScenarioFile,
    home: Home = None,
    sets: Sets = None,
    seeds: Seeds = 1,
    workers: Workers = None,
    dask: Dask = None,
    as_json: AsJson = False,
) -> None:
    """Tell what each injection causes: the same world with it and without it."""
    end_politely()
    from simlab.progress_worlds import counting, show_twins
    from simlab.twin import as_json as plain

    with counting("worlds", silent=as_json) as told:
        found = lab_of(home).twin(
            find(scenario), sets_of(sets), seeds=seeds, workers=workers, dask=dask, told=told
        )
    if as_json:
        print_json(plain(found))
    else:
        show_twins(found)


def sweep(
    scenario: ScenarioFile,
    home: Home = None,
    sets: Sets = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary", metavar="KEY=A,B,C", help="Variants: stages.retrain.policy=never,every,on_alarm."
        ),
    ] = None,
    seeds: Seeds = 20,
    workers: Workers = None,
    dask: Dask = None,
    as_json: AsJson = False,
) -> None:
    """Live through a scenario in many worlds and variants; the same command again goes on with it."""
    end_politely()
    from simlab.progress_worlds import counting, show_sweep
    from simlab.sweep import as_json as plain
    from simlab.sweep import parse_vary

    varied = parse_vary(vary or [])
    with counting("worlds", silent=as_json) as told:
        found = lab_of(home).sweep(
            find(scenario), sets_of(sets), vary=varied, seeds=seeds, workers=workers, dask=dask, told=told
        )
    if as_json:
        print_json(plain(found))
    else:
        show_sweep(found)


def calibrate(
    scenario: ScenarioFile,
    home: Home = None,
    sets: Sets = None,
    false_alarms: Annotated[
        str, typer.Option("--false-alarms", metavar="COUNT/TIME", help="How many can be borne: 1/month.")
    ] = "1/month",
    rows: Annotated[
        list[int] | None,
        typer.Option("--rows", min=1, help="A window size; several times for several [the scenario's own]."),
    ] = None,
    worlds: Annotated[
        int, typer.Option("--worlds", min=2, help="Null worlds to choose on; as many fresh ones to try on.")
    ] = 40,
    workers: Workers = None,
    dask: Dask = None,
    as_json: AsJson = False,
) -> None:
    """Find thresholds at which a quiet world has no more false alarms than can be borne."""
    end_politely()
    from simlab.calibration import as_json as plain
    from simlab.progress_worlds import counting, show_calibration

    with counting("null worlds", silent=as_json) as told:
        found = lab_of(home).calibrate(
            find(scenario),
            sets_of(sets),
            false_alarms=false_alarms,
            rows=rows or (),
            worlds=worlds,
            workers=workers,
            dask=dask,
            told=told,
        )
    if as_json:
        print_json(plain(found))
    else:
        show_calibration(found)
