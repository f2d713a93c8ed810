"""What a person sees of many worlds: how many are done, and the tables of twins, sweeps, calibrations."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from simlab.calibration import Calibration, Rate, sets_of
from simlab.outcomes import Interval
from simlab.sweep import Swept, label
from simlab.twin import Effect, Twins
from simlab.views.runlength import RunLength

SHOWN = ("held", "recall", "precision", "restricted_delay", "false_alarms", "retrains")
"""Figures of a sweep's table, beside quality and cost; the others are in its files."""


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 160)  # a file has room for whole rows
    return console


@contextmanager
def counting(what: str, silent: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show how many of something are done, on a terminal; elsewhere nothing."""
    console = Console(stderr=True)
    if silent or not console.is_terminal:
        yield lambda done, of: None
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


def spread(found: Interval | None, digits: int = 4) -> str:
    """A mean with its interval, in a cell of a table.

    >>> spread(Interval(0.51234, 0.4, 0.6, 20)), spread(Interval(2.0, None, None, 1)), spread(None)
    ('0.5123 (0.4 to 0.6)', '2', '-')
    """
    if found is None or found.value is None:
        return "-"
    text = f"{found.value:.{digits}g}"
    if found.low is None or found.high is None or found.low == found.high:
        return text
    return f"{text} ({found.low:.{digits - 1}g} to {found.high:.{digits - 1}g})"


def show_twins(found: Twins) -> None:
    """Print what each injection causes."""
    console = _console()
    several = f"{found.seeds} worlds" if found.seeds > 1 else "one world"
    console.print(
        f"[bold]{found.scenario}[/]  the world with it less the same world without it, in {several}"
    )
    table = Table("injection", "", found.metric, "largest", "alarms", "retrains", "cost", box=None)
    for effect in found.effects:
        figures = effect.figures
        table.add_row(
            effect.of,
            effect.compared,
            spread(figures["quality"]),
            _largest(effect),
            *(spread(figures[name]) for name in ("alarms", "retrains", "cost")),
        )
    if found.interaction:
        table.add_row(
            "[dim]interaction[/]",
            "[dim]together less sum of alone[/]",
            spread(found.interaction["quality"]),
            "",
            *(spread(found.interaction[name]) for name in ("alarms", "retrains", "cost")),
        )
    console.print(table)
    for effect in found.effects:
        for names, verb in ((effect.alarms, "makes sound"), (effect.silenced, "keeps silent")):
            if names:
                told = ", ".join(
                    f"{name} in window {window}" for window, _, name in (n.partition(" ") for n in names[:6])
                )
                more = f" and {len(names) - 6} more" if len(names) > 6 else ""
                console.print(f"[dim]{effect.of} {effect.compared} {verb} {told}{more}[/]", soft_wrap=True)


def _largest(effect: Effect) -> str:
    if not effect.by_window:
        return "-"
    window = max(effect.by_window, key=lambda w: abs(effect.by_window[w]))
    return f"{effect.by_window[window]:+.4g} in window {window}" if effect.by_window[window] else "0"


def show_sweep(found: Swept) -> None:
    """Print a sweep's table: one row a variant, means with 95 % intervals over the seeds."""
    console = _console()
    seeds = found.variants[0].worlds
    console.print(
        f"[bold]{found.folder.name}[/]  {len(found.variants)} variants in {seeds} worlds each; "
        "means, and 95 % intervals over the seeds"
    )
    table = Table("variant", "held", found.quality, found.cost, *SHOWN[1:], "", box=None)
    for variant in found.variants:
        table.add_row(
            label(variant.varied),
            f"{variant.held} of {variant.worlds}",
            *(spread(variant.figures.get(name)) for name in (found.quality, found.cost, *SHOWN[1:])),
            "[green]efficient[/]" if variant.efficient else "",
        )
    console.print(table)
    for variant in found.variants:
        if variant.cut_short:
            console.print(
                f"[yellow]{label(variant.varied)}: {len(variant.cut_short)} of {variant.worlds} worlds did "
                f"not live to their end: {escape(variant.cut_short[0])}[/]",
                soft_wrap=True,
            )
        told = [
            f"{what} {_length(length)}"
            for what, length in (("ARL0", variant.null), ("ARL1", variant.change))
            if length is not None
        ]
        console.print(f"[dim]{label(variant.varied)}: {', '.join(told)}[/]")
    console.print(
        "[dim]ARL0: windows to the first false alarm before anything changes; ARL1: from the change to the "
        "first alarm[/]",
        soft_wrap=True,
    )
    known = found.worlds - found.fresh
    if found.fresh:
        console.print(
            f"[dim]{found.fresh} worlds in {found.seconds:.1f} s, {found.fresh / found.seconds:.2f} a second"
            + (f"; {known} were known" if known else "")
            + f"; each took {found.phases['build']:.3f} s to build, {found.phases['live']:.3f} s to live[/]"
        )
    else:
        console.print(f"[dim]all {known} worlds were known[/]")
    console.print(f"every world  {found.folder / 'worlds.parquet'}", soft_wrap=True)
    console.print(f"the picture  {found.folder / 'pareto.svg'}", soft_wrap=True)


def show_calibration(found: Sequence[Calibration]) -> None:
    """Print thresholds, and what they are worth on seeds that they were not chosen on."""
    console = _console()
    for calibration in found:
        windows = calibration.achieved.windows
        console.print(
            f"[bold]windows of {calibration.rows} rows[/]: at most {100 * calibration.budget:.3g} "
            "false alarms in 100 windows, all monitors together"
        )
        console.print(
            f"[dim]thresholds from {calibration.worlds} null worlds, tried on {windows} windows of as many "
            "others; false alarms in 100 windows (95 % interval)[/]"
        )
        table = Table("monitor", "was", "false alarms", "now", "false alarms", box=None)
        for monitor in calibration.monitors:
            table.add_row(
                monitor.gauge.name,
                f"{monitor.gauge.present:g}",
                _rate(monitor.before),
                f"{monitor.threshold:g}" + "*" * bool(monitor.doubt),
                _rate(monitor.achieved),
            )
        table.add_row(
            "[bold]these together[/]", "", _rate(calibration.before), "", _rate(calibration.achieved)
        )
        for other in calibration.others:
            table.add_row(f"[dim]{other.name}[/]", "", _rate(other.achieved), "[dim]stays[/]", "")
        console.print(table)
        for monitor in calibration.monitors:
            if monitor.doubt:
                console.print(f"[dim]* {monitor.gauge.name}: {monitor.doubt}[/]", soft_wrap=True)
        for other in calibration.others:
            console.print(f"[dim]not calibrated: {other.name}: {other.why}[/]", soft_wrap=True)
        length = _length(calibration.achieved.run_length)
        console.print(f"[dim]windows to the first false alarm (ARL0): {length}[/]")
        told = " ".join(
            f"--set {shlex.quote(f'{key}={_yaml(value)}')}" for key, value in sets_of(calibration).items()
        )
        console.print(f"take them:  {told}\n", soft_wrap=True, markup=False)


def _length(found: RunLength) -> str:
    """A run length with its interval; without any alarm all that is known is that it is longer.

    >>> from simlab.views.runlength import arl
    >>> _length(arl([10, None], 20)), _length(arl([None], 20))
    ('30 (95 % from 5.38 to 1185; 1 of 2 censored)', '> 20 (no alarm in 20 windows)')
    """
    if found.mean is None:
        return f"> {found.at_risk} (no alarm in {found.at_risk} windows)"
    high = f"{found.high:.0f}" if found.high is not None else "no bound"
    worlds = found.censored + found.alarms
    censored = f"; {found.censored} of {worlds} censored" if found.censored else ""
    return f"{found.mean:.3g} (95 % from {found.low:.3g} to {high}{censored})"


def _yaml(value: Any) -> str:
    """A value on one line, as a scenario may write it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(inner)}" for key, inner in value.items()) + "}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _rate(found: Rate) -> str:
    return f"{100 * found.rate:.1f} ({100 * found.low:.1f} to {100 * found.high:.1f})"
