"""What a person sees in the terminal: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import yaml
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from simlab import events as e
from simlab.checking import Checked
from simlab.lab import Outcome, default_home
from simlab.quality import DEFAULT_METRIC
from simlab.scoring import Scored
from simlab.stages import STAGES
from simlab.views.detection import Figures
from simlab.views.report_markup import plural
from simlab.views.scorecard import Card, Judged, Monitor

_BARS = "▁▂▃▄▅▆▇█"
_STATUS = {
    "held": ("green", "every expectation held"),
    "deviated": ("red", "an expectation did not hold"),
    "under": ("red", "the monitors' score is under what the scenario asks"),
    "gate": ("yellow", "the gate was not met; no live window ran"),
    "failed": ("red", "a stage failed"),
    "stopped": ("cyan", "stopped where you asked; --resume goes on"),
}


def sparkline(values: list[float], width: int = 40) -> str:
    """Values as a line of little bars, the newest on the right.

    >>> sparkline([0, 1, 2, 3])
    '▁▃▅█'
    """
    shown = values[-width:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    return "".join(
        _BARS[min(7, int((v - low) / span * 7.999 * 7 / 8 + 0.0)) if v < high else 7 if high > low else 0]
        for v in shown
    )


class Progress:
    """Shows a run while it lives: stage, window, the metric as a sparkline, alarms as they sound.

    Parameters
    ----------
    silent
        Show nothing.
    """

    def __init__(self, silent: bool = False, console: Console | None = None):
        self.silent = silent
        self.console = console or Console(highlight=False)
        self._live: Live | None = None
        self._stage, self._aws, self._window, self._windows = "", "", None, 0
        self._metric, self._values = "", []  # type: tuple[str, list[float]]
        self._said = ""
        self._first: set[str] = set()
        self._aws_of = {s.name: s.aws for s in STAGES}
        self._alarms: set[str] = set()

    def __enter__(self) -> Progress:
        if not self.silent and self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def watch(self, what: str, value: Any) -> None:
        """Be told of something: a stage, a window, a fact, a word."""
        if self.silent:
            return
        if what == "run":
            name, scenario = value
            self._windows = scenario.clock.windows
            self._line(f"[bold]{name}[/]  {scenario.title}")
        elif what == "stage":
            self._stage = value[0]
            if value[0] not in self._first:
                self._first.add(value[0])
                self._line(f"  [cyan]{value[0]:<9}[/] [dim]on AWS: {self._aws_of[value[0]]}[/]")
        elif what == "window":
            self._window = value
            if self._live is None and (value % 10 == 0):
                self._line(f"  window {value} of {self._windows}")
        elif what == "say":
            self._said = str(value)
        elif what == "warn":
            self._line(f"  [yellow]note[/] {value}")
        elif what == "fact":
            self._fact(value)
        self._draw()

    def _fact(self, fact: e.Event) -> None:
        match fact:
            case e.RunStarted():
                self._metric = f"monitor.{DEFAULT_METRIC[fact.problem]}"
            case e.MetricMeasured(metric=name, value=value) if name == self._metric and value is not None:
                self._values.append(value)
            case e.AlarmChanged(state="ALARM"):
                self._alarms.add(fact.alarm)
                self._line(f"  window {fact.window}: [bold red]ALARM[/] {fact.alarm}  [dim]{fact.reason}[/]")
            case e.AlarmChanged():
                if fact.previous == "ALARM":
                    self._line(
                        f"  window {fact.window}: [green]{fact.state}[/] {fact.alarm}  [dim]{fact.reason}[/]"
                    )
                self._alarms.discard(fact.alarm)
            case e.NotificationSent() if "terminal" in fact.to:
                self._line(f"  window {fact.window}: [bold]{escape(fact.topic)}[/] {escape(fact.subject)}")
            case e.RetrainPlanned():
                self._line(f"  window {fact.window}: [magenta]retrain[/] {fact.reason}")
            case e.RetrainFinished():
                self._line(f"  window {fact.window}: [magenta]retrained[/] {fact.why}")
            case e.ChallengerJudged():
                won = "wins over" if fact.replaced else "loses to"
                self._line(f"            challenger {won} version {fact.champion}  [dim]{fact.why}[/]")
            case e.VersionRolledBack():
                self._line(
                    f"  window {fact.window}: [magenta]rolled back[/] to version {fact.version}  "
                    f"[dim]{fact.why}[/]"
                )
            case e.ModelDeployed():
                when = "" if fact.window is None else f"window {fact.window}: "
                self._line(
                    f"  {when}[bold]version {fact.version} in service[/]  [dim]parity {fact.parity:.1e}[/]"
                )
            case e.ModelApproved():
                self._line(f"            [dim]{fact.why}[/]")
            case e.ModelRejected():
                self._line(f"  [red]rejected[/] version {fact.version}: {'; '.join(fact.reasons)}")
            case e.StageFailed():
                self._line(f"  [bold red]{fact.stage} failed[/] {fact.why}")
            case e.RowsRejected() if fact.window is not None:
                self._said = f"{fact.rows} rows quarantined: {fact.column}, {fact.reason}"
            case _:
                pass

    def _line(self, markup: str) -> None:
        self.console.print(markup, soft_wrap=True)

    def _draw(self) -> None:
        if self._live is None:
            return
        line = Text()
        if self._window is not None:
            done = int(20 * (self._window + 1) / max(self._windows, 1))
            line.append("█" * done + "░" * (20 - done), "cyan")
            line.append(f" window {self._window + 1} of {self._windows} ")
        line.append(f" {self._stage} ", "bold")
        line.append(self._said[:60], "dim")
        second = Text()
        if self._values:
            second.append(f"{self._metric} ", "dim")
            second.append(sparkline(self._values))
            second.append(f" {self._values[-1]:.4g}")
        if self._alarms:
            second.append(f"   {len(self._alarms)} in alarm", "bold red")
        self._live.update(Group(line, second))

    def outcome(self, outcome: Outcome) -> None:
        """Show how a run ended: verdicts, and where to look."""
        colour, words = _STATUS[outcome.status]
        table = Table.grid(padding=(0, 1))
        for verdict in outcome.verdicts:
            mark = "[green]✓[/]" if verdict.held else "[red]✗[/]"
            table.add_row(mark, Text(verdict.expectation), Text(verdict.why, "dim"))
        body = Group(table, Text()) if outcome.verdicts else Group()
        foot = Text()
        foot.append(f"{outcome.seconds:.1f} s", "dim")
        if outcome.why and outcome.status in ("failed", "gate", "under"):
            foot.append(f"\n{outcome.why}")
        if (outcome.path / "report.html").exists():
            foot.append(f"\nreport   {outcome.path / 'report.html'}")
        home = outcome.path.parent.parent
        elsewhere = "" if home == default_home() else f" --home {home}"
        foot.append(f"\nfacts    simlab events {outcome.run}{elsewhere}")
        self.console.print(
            Panel(Group(body, foot), title=f"{outcome.run}: {words}", border_style=colour, title_align="left")
        )


def show_plan(ready: Checked, mutants: Mapping[str, Mapping[str, Any]]) -> None:
    """Print what a run would do."""
    console, scenario = Console(highlight=False), ready.scenario
    console.print(f"[bold]{scenario.name}[/]  {scenario.title}\n{scenario.shows.strip()}\n", soft_wrap=True)
    clock = scenario.clock
    console.print(
        f"{ready.card.title}: {clock.windows} windows from {clock.start:%Y-%m-%d}, at most {clock.rows} rows "
        f"each, {scenario.world.order}\n"
    )
    table = Table("stage", "on AWS", "engine", "settings", box=None, header_style="bold")
    for row in STAGES:
        given = scenario.stages.get(row.name, {})
        table.add_row(row.name, row.aws, row.engine, ", ".join(f"{k}: {_flow(v)}" for k, v in given.items()))
    console.print(table)
    for injection in scenario.inject:
        end = "" if injection.end is None else f" to {injection.end}"
        console.print(
            f"\n[red]inject[/] {injection.id}: {injection.kind} from window {injection.start}{end}, "
            f"with {_flow(injection.settings)}"
        )
    for item in scenario.expect:
        for name, values in item.items():
            console.print(f"[green]expect[/] {name}: {_flow(values)}")
    console.print("\nmutants, under which an expectation must break:")
    for name, sets in mutants.items():
        options = " ".join(f"--set {_option(key, value)}" for key, value in sets.items())
        console.print(f"  {name}: simlab run {scenario.name} {options}", soft_wrap=True, markup=False)


def _flow(value: Any) -> str:
    """A value as a scenario would write it, in one line, safe to print.

    >>> _flow({"group": "sex", "muted": True, "cut": None})
    '{group: sex, muted: true, cut: null}'
    """
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return escape(text.removesuffix("\n").removesuffix("\n..."))


def _option(key: str, value: Any) -> str:
    """A change as a shell takes it.

    >>> _option("stages.monitor.muted", True), _option("clock.step", "1 d")
    ('stages.monitor.muted=true', "'clock.step=1 d'")
    """
    return shlex.quote(f"{key}={value if isinstance(value, str) else json.dumps(value)}")


def show_runs(found: list[dict[str, Any]]) -> None:
    """Print the runs of a home."""
    console = Console(highlight=False)
    if not found:
        console.print("no runs yet; `simlab run income-drift` makes one")
        return
    table = Table("run", "status", "exit", "facts", "finished", "title", box=None, header_style="bold")
    for record in found:
        facts = str((record.get("events") or {}).get("count", ""))
        code = "" if record["exit"] is None else str(record["exit"])
        table.add_row(
            record["run"], record["status"], code, facts, record.get("finished") or "", record["title"]
        )
    console.print(table)


def show_event(fact: e.Event) -> str:
    """A fact as one plain line."""
    body = fact.model_dump(exclude={"kind", "window", "time"}, exclude_none=True)
    window = "build" if fact.window is None else f"w{fact.window:03d}"
    text = " ".join(f"{key}={_short(value)}" for key, value in body.items() if value not in ("", (), {}))
    return f"{window}  {fact.kind:<20} {text}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 100 else text[:97] + "..."


def show_catalogue(found: Mapping[str, list[dict[str, str]]]) -> None:
    """Print names with their first docstring lines."""
    console = Console(highlight=False)
    for folder, items in found.items():
        console.print(f"[bold]{folder}[/]")
        table = Table.grid(padding=(0, 2))
        for item in items:
            table.add_row("  " + item["name"], Text(item["says"], "dim"))
        console.print(table)


def show_score(found: Scored) -> None:
    """Print a scorecard: the truth, each monitor, and beside each the monitors that know nothing."""
    console, card = Console(highlight=False), found.card
    if not console.is_terminal:
        console.width = max(console.width, 100)  # a file has room for whole rows
    console.print(f"[bold]{found.run}[/]  {found.title}", soft_wrap=True)
    rules = card.known.rules
    console.print(
        f"[dim]an alarm counts from {plural(rules.before, 'window')} before an episode to "
        f"{plural(rules.within, 'window')} after the change is complete; false alarms within "
        f"{plural(rules.merge, 'window')} are one; a window is {card.known.step_seconds / 3600:g} h\n"
        f"capped: mean delay with a miss as {plural(rules.within, 'window')}; MTFA: clean windows to a false "
        "alarm; below each monitor, the same for monitors that know nothing[/]\n",
        soft_wrap=True,
    )
    if card.episodes:
        table = Table("episode", "windows", "accepted", "moves", "harm", box=None, header_style="bold")
        for judged in card.episodes:
            table.add_row(*_episode_row(judged))
        console.print(table)
    for name, (first, last) in card.known.benign.items():
        console.print(f"[dim]benign[/] {name}: windows {first} to {last}; nobody needs to report it")
    for fault in card.known.faults:
        first, last = card.known.rules.accepted(fault)
        console.print(
            f"[dim]fault[/] {fault.id}: windows {fault.first} to {fault.last}, accepted {first} to {last}; "
            "for the monitors' health check alone"
        )
    for monitor in card.monitors:
        console.print()
        console.print(_monitor_table(monitor, card))
        if more := _beside(monitor.figures):
            console.print(f" {more}")
    console.print()
    if card.total_cost is not None:
        console.print(f"cost, with {plural(card.retrains, 'retrain')}: {card.total_cost:g}")
    for note in card.known.notes:
        console.print(f"[dim]{note}[/]", soft_wrap=True)
    if found.verdict is not None:
        mark = "[green]✓[/]" if found.verdict.held else "[red]✗[/]"
        console.print(f"{mark} {found.verdict.expectation}  [dim]{found.verdict.why}[/]", soft_wrap=True)


def _episode_row(judged: Judged) -> tuple[str, ...]:
    episode, harmful = judged.episode, {True: "harmful", False: "harmless", None: "not measured"}
    worse = "" if judged.harm.worse is None else f", {judged.harm.worse:+.0%} worse"
    return (
        episode.id,
        f"{episode.first} to {episode.last}",
        f"{judged.accepted[0]} to {judged.accepted[1]}" + (" (cut short)" if judged.cut_short else ""),
        "the inputs" if episode.inputs else "the answers",
        harmful[judged.harmful] + worse,
    )


def _monitor_table(monitor: Monitor, card: Card) -> Table:
    """One monitor in the first row, the monitors that know nothing below."""
    where = "" if monitor.localisation is None else f", columns right {monitor.localisation:.2f}"
    lift = "" if monitor.lift is None else f", lift {monitor.lift:+.2f} over {monitor.best}"
    table = Table(
        *("", "found", "missed", "precision", "F1", "delay", "capped", "false", "a day", "MTFA", "cost"),
        title=f"[bold]{monitor.name}[/] aims at {monitor.target}{lift}{where}",
        title_justify="left",
        title_style="",
        box=None,
        header_style="bold",
        padding=(0, 1),
    )
    table.add_row("[bold]this[/]", *_figure_row(monitor.figures, card))
    for rival in monitor.baselines:
        table.add_row(rival.name, *_figure_row(rival.figures, card), style="dim")
    return table


def _figure_row(found: Figures, card: Card) -> tuple[str, ...]:
    hours = card.known.step_seconds / 3600
    rate = None if found.false_alarm_rate is None else found.false_alarm_rate * 24 / hours
    return (
        f"{found.hits:.3g} of {found.episodes}",
        *(_two(value) for value in (found.missed_rate, found.precision, found.f1)),
        "-" if found.delay is None else f"{found.delay:.3g} ({found.delay * hours:.3g} h)",
        _two(found.restricted_delay),
        f"{found.false_alarms:.3g}",
        _two(rate),
        f"{found.mtfa:.3g}" if found.mtfa is not None else f"> {found.clean}" if found.clean else "-",
        f"{found.cost:.3g}",
    )


def _beside(found: Figures) -> str:
    """Alarms that are neither hits nor false alarms in clean time, if there are any."""
    said = []
    if found.benign_alarms:
        said.append(f"{plural(int(found.benign_alarms), 'alarm')} on benign changes, which count as false")
    if found.late:
        said.append(f"{plural(int(found.late), 'late alarm')}, which count for nothing")
    return "; ".join(said)


def _two(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
