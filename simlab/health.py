"""Health: who watches the watcher. Scheduled monitors that are missing, late or mute, and wrong baselines.

It stands outside of what it watches: it reckons by itself when a schedule has to run, counts the executions
that came, listens to what was said of them after everything that may silence a monitor, and compares the
rows the baseline jobs saw with those the version was registered with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import ConfigDict, Field

from simlab.artifacts import Finding
from simlab.digest import digest
from simlab.schedules import Schedule, firings, several
from simlab.statistics.samples import Numbers
from simlab.watched import Awaited, Captured, Execution, Fit
from simlab.yamlfile import Duration

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MONITOR = "health"
"""The monitor of its findings: alarms are called `health:missing:SCHEDULE`."""

EVERY_WINDOW = "every_window"
"""Stands for the detectors that look at every window, beside the names of schedules."""

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Health:
    """How the monitors themselves are watched."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    enable: bool = False
    """Whether anybody watches."""
    late_after: Duration = timedelta(hours=1)
    """An execution that runs so much later than its schedule fired is late. AWS starts one within 20
    minutes."""
    missing_after: Duration = timedelta(days=1)
    """An execution that has not come after so long is missing."""
    baseline: Literal["digest", "statistics"] = "digest"
    """`digest`: the baseline jobs must see the very rows the version was registered with. `statistics`:
    other rows of the same law will do."""
    false_alarms: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """With `statistics`: the chance, at most, that another sample of the same law is taken for wrong."""


UNWATCHED = Health()


def fit_of(registered: pa.Table, used: pa.Table, health: Health) -> Fit:
    """Whether the rows that the baseline jobs saw are those of the version.

    With `digest` they must be the same to the byte. With `statistics` every numeric column is put to a
    two-sample Kolmogorov-Smirnov test and every other one, and what is missing, to a chi-squared test;
    the smallest p-value times the number of tests (Bonferroni) must not be under `false_alarms`.

    Parameters
    ----------
    registered
        The rows the version was registered with.
    used
        The rows the baseline jobs saw.
    health
        How to compare them.
    """
    if health.baseline == "digest":
        other = used is not registered and digest(used) != digest(registered)
        return Fit("digest", float(other), 0.0, other)
    if registered.column_names != used.column_names or not used.num_rows:
        return Fit("two_sample", 0.0, health.false_alarms, True)
    values = list(_p_values(registered, used))
    least = min(1.0, min(values) * len(values)) if values else 1.0
    return Fit("two_sample", least, health.false_alarms, least < health.false_alarms)


def _p_values(registered: pa.Table, used: pa.Table) -> Iterator[float]:
    import pyarrow as pa
    from scipy import stats

    for name in registered.column_names:
        before, after = registered[name], used[name]
        if before.null_count or after.null_count:
            yield _table_p([_present(before), _present(after)])
        if pa.types.is_floating(before.type) or pa.types.is_integer(before.type):
            one, other = (Numbers(c.to_numpy()).values for c in (before, after))
            if len(one) and len(other):
                yield float(stats.ks_2samp(one, other, method="asymp").pvalue)
        elif pa.types.is_string(before.type) or pa.types.is_dictionary(before.type):
            yield _table_p([_counts(before), _counts(after)])


def _present(column: pa.ChunkedArray) -> dict[str, int]:
    return {"missing": column.null_count, "present": len(column) - column.null_count}


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    found = column.drop_null().cast("string").value_counts().to_pylist()
    return {pair["values"]: pair["counts"] for pair in found}


def _table_p(counts: Sequence[Mapping[str, int]]) -> float:
    """The chi-squared test of two rows of counts; values too rare for it are taken together."""
    import numpy as np
    from scipy import stats

    names = sorted({name for row in counts for name in row})
    table = np.array([[row.get(name, 0) for name in names] for row in counts], float)
    table = _without_rare(table)
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return 1.0
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def _without_rare(table: np.ndarray) -> np.ndarray:
    """Columns of which fewer than five are expected in a row, summed up in one."""
    import numpy as np

    share = table.sum(axis=1, keepdims=True) / max(table.sum(), 1.0)
    rare = (share * table.sum(axis=0)).min(axis=0) < 5
    if not rare.any():
        return table
    joined: np.ndarray = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    return joined[:, joined.sum(axis=0) > 0]


def awaited_now(
    schedules: Mapping[str, Schedule],
    awaited: Iterable[Awaited],
    executions: Sequence[Execution],
    start: datetime,
    end: datetime,
    first: bool,
) -> tuple[Awaited, ...]:
    """Executions that should have run by the end of a window and did not, oldest first.

    Parameters
    ----------
    awaited
        Those of the windows before.
    executions
        What ran in this window.
    start, end
        The window.
    first
        Whether it is the first one.
    """
    came = {(e.schedule, e.scheduled) for e in executions}
    fired = (
        Awaited(name, firing.moment)
        for name, schedule in schedules.items()
        for firing in firings(schedule, start, end, first)
    )
    return tuple(
        sorted(
            (one for one in (*awaited, *fired) if (one.schedule, one.moment) not in came),
            key=lambda one: (one.moment, one.schedule),
        )
    )


def answering_since(captures: Sequence[Captured], version: int) -> datetime:
    """When a version began to answer what was captured up to now, as far back as anybody remembers.

    >>> days = [datetime(2026, 1, day) for day in (1, 2, 3, 4)]
    >>> kept = [Captured(n, 1 if n < 2 else 2, days[n], days[n + 1], None, 0) for n in range(3)]
    >>> answering_since(kept[:2], 1).day, answering_since(kept, 2).day
    (1, 3)
    """
    since = captures[-1].end
    for captured in reversed(captures):
        if captured.version != version:
            break
        since = captured.start
    return since


def examined(
    health: Health,
    schedules: Mapping[str, Schedule],
    awaited: Sequence[Awaited],
    executions: Sequence[Execution],
    heard: Iterable[Finding],
    fit: Fit | None,
    promised: bool,
    window: int,
    end: datetime,
    since: datetime = datetime.min,
) -> tuple[list[Finding], tuple[Awaited, ...]]:
    """What is wrong with the monitors themselves in a window, and for which executions it still waits.

    Per schedule `missing` counts the executions whose time ran out in this window, `late` says by how
    many hours the latest execution came late, `failed` how many could not do their work for want of rows, of
    labels, or of something else, `muted` how many findings were heard of a completed
    execution that made some (a monitor makes one for every constraint it can judge, kept or broken), and
    `baseline` whether its baseline is the version's own. Where there was nothing to judge, there is no
    finding.

    Parameters
    ----------
    awaited
        Executions that should have run by now and did not: see `awaited_now`.
    executions
        What ran in this window.
    heard
        What the monitors say, after everything that may have silenced them.
    fit
        How the baseline jobs' rows compare with the version's.
    promised
        Whether the detectors of every window have to say something about the data.
    window, end
        The window.
    since
        When the version in service began to answer: see `answering_since`. Executions whose period reaches
        further back may fail, and are not counted.
    """
    speaking = {(finding.monitor, finding.schedule) for finding in heard}
    shared = several(schedules)
    overdue = [one for one in awaited if end - one.moment >= health.missing_after]
    found = []
    for name in sorted(schedules):
        mine = [e for e in executions if e.schedule == name]
        gone = sum(one.schedule == name for one in overdue)
        if mine or gone:
            found.append(_finding("missing", name, "executions", gone, 0.0, gone > 0, window))
        if mine:
            hours = max(_delay(e) / HOUR for e in mine)
            limit = health.late_after / HOUR
            found.append(_finding("late", name, "hours", hours, limit, hours > limit, window))
        whole = [e for e in mine if e.start >= since]
        if whole:
            failed = sum(e.status == "Failed" for e in whole)
            found.append(_finding("failed", name, "executions", failed, 0.0, failed > 0, window))
        if any(e.made for e in mine):
            monitor = schedules[name].kind.rpartition(".")[2]
            silent = (monitor, name if name in shared else "") not in speaking
            found.append(_finding("muted", name, "silence", float(silent), 0.0, silent, window))
        if fit is not None:
            found.append(
                _finding("baseline", name, fit.method, fit.value, fit.threshold, fit.breached, window)
            )
    if promised:
        silent = ("data_quality", "") not in speaking
        found.append(_finding("muted", EVERY_WINDOW, "silence", float(silent), 0.0, silent, window))
    return found, tuple(one for one in awaited if one not in overdue)


def _delay(execution: Execution) -> timedelta:
    return timedelta(0) if execution.ran is None else execution.ran - execution.scheduled


def _finding(
    check: str, schedule: str, method: str, value: float, threshold: float, breached: bool, window: int
) -> Finding:
    return Finding(
        monitor=MONITOR,
        check=check,
        column=schedule,
        method=method,
        value=value,
        threshold=threshold,
        breached=breached,
        of_window=window,
    )
