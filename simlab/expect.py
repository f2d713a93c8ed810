"""What a scenario may expect of its run, one function per expectation.

Each looks at what the run said and answers with a verdict: whether it held, and why in one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from math import fsum
from typing import Annotated, Any, Literal

from pydantic import Field

from simlab import events as e
from simlab.clarify.bias import Metric as BiasMetric
from simlab.quality import LOWER_IS_BETTER
from simlab.scenario import Scenario
from simlab.wordings import NAMESPACES

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True)
class Account:
    """What a run said, what was done to its world, and the scenario it lived through."""

    scenario: Scenario
    events: Sequence[e.Event]
    world: Sequence[e.Event] = ()
    """No monitor reads it; who wrote the scenario may ask it what the monitors did not know."""


@dataclass(frozen=True)
class Verdict:
    """One expectation judged."""

    expectation: str
    held: bool
    why: str


def expectations() -> dict[str, Callable[..., tuple[bool, str]]]:
    """Every expectation by name."""
    return {f.__name__: f for f in _ALL}


def judge(account: Account, wanted: Iterable[Mapping[str, Mapping[str, Any]]]) -> list[Verdict]:
    """Judge each expectation of a list."""
    found = []
    for item in wanted:
        ((name, settings),) = item.items()
        held, why = expectations()[name](account, **settings)
        shown = ", ".join(f"{key}: {value}" for key, value in settings.items())
        found.append(Verdict(expectation=f"{name}: {{{shown}}}", held=held, why=why))
    return found


# --- what the expectations read -----------------------------------------------------------------


def _of(account: Account, kind: type[e.Event]) -> list[Any]:
    return [event for event in account.events if isinstance(event, kind)]


def _onsets(account: Account, alarm: str) -> list[tuple[int, str]]:
    """Windows in which matching alarms began to sound."""
    return [
        (change.window or 0, change.alarm)
        for change in _of(account, e.AlarmChanged)
        if change.state == "ALARM" and fnmatch(change.alarm, alarm)
    ]


def _points(account: Account, metric: str) -> list[tuple[int | None, float]]:
    """Values of a metric by the window they speak about, in the order in which they became known."""
    latest: dict[int | None, float] = {}
    for fact in _of(account, e.MetricMeasured):
        if fact.metric == metric and fact.value is not None:
            latest[fact.of_window if fact.of_window is not None else fact.window] = fact.value
    return list(latest.items())


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)


def _count(number: int, what: str) -> str:
    """A number with its noun.

    >>> _count(1, "window"), _count(2, "window")
    ('1 window', '2 windows')
    """
    return f"{number} {what}" + ("" if number == 1 else "s")


def _text(values: Iterable[tuple[int, str]]) -> str:
    return ", ".join(f"{name} in window {window}" for window, name in values)


# --- expectations -------------------------------------------------------------------------------


def metric_above(
    account: Account, *, metric: str, value: float, first: int | None = None, last: int | None = None
) -> tuple[bool, str]:
    """A metric's last value (or its mean over some windows) is above a bound."""
    return _bound(account, metric, value, first, last, above=True)


def metric_below(
    account: Account, *, metric: str, value: float, first: int | None = None, last: int | None = None
) -> tuple[bool, str]:
    """A metric's last value (or its mean over some windows) is below a bound."""
    return _bound(account, metric, value, first, last, above=False)


def _bound(
    account: Account, metric: str, value: float, first: int | None, last: int | None, above: bool
) -> tuple[bool, str]:
    return _judged(account, _points(account, metric), metric, value, first, last, above)


def _judged(
    account: Account,
    points: Sequence[tuple[int | None, float]],
    metric: str,
    value: float,
    first: int | None,
    last: int | None,
    above: bool,
) -> tuple[bool, str]:
    if first is not None or last is not None:
        low, high = first or 0, last if last is not None else account.scenario.clock.windows
        values = [v for w, v in points if w is not None and low <= w <= high]
        if not values:
            return False, f"{metric} was never measured in windows {low} to {high}"
        found, what = _mean(values), f"its mean over windows {low} to {high}"
    else:
        if not points:
            return False, f"{metric} was never measured"
        found, what = points[-1][1], "its last value"
    held = found > value if above else found < value
    return held, f"{metric}: {what} is {found:.4g}, {'above' if found > value else 'not above'} {value:g}"


def bias_above(
    account: Account,
    *,
    metric: BiasMetric,
    facet: str,
    group: str,
    value: float,
    of: Literal["build", "live"] = "live",
    first: int | None = None,
    last: int | None = None,
) -> tuple[bool, str]:
    """A bias metric of a group, last published (or its mean over some windows), is above a bound."""
    return _bias(account, metric, facet, group, value, of, first, last, above=True)


def bias_below(
    account: Account,
    *,
    metric: BiasMetric,
    facet: str,
    group: str,
    value: float,
    of: Literal["build", "live"] = "live",
    first: int | None = None,
    last: int | None = None,
) -> tuple[bool, str]:
    """A bias metric of a group, last published (or its mean over some windows), is below a bound."""
    return _bias(account, metric, facet, group, value, of, first, last, above=False)


def _bias(
    account: Account,
    metric: str,
    facet: str,
    group: str,
    value: float,
    of: str,
    first: int | None,
    last: int | None,
    above: bool,
) -> tuple[bool, str]:
    """As `_bound`, of what the bias stage (`build`) or the bias monitor (`live`) published."""
    namespace, name = NAMESPACES["bias" if of == "build" else "model_bias"].words, f"bias_metric_{metric}"
    latest: dict[int | None, float] = {}
    for fact in _of(account, e.MetricsPublished):
        told = fact.dimensions
        if fact.namespace != namespace or (told.get("Facet"), told.get("FacetValue")) != (facet, group):
            continue
        count, total, _, _ = fact.values.get(name, (None, None, None, None))
        if count and total is not None:
            latest[fact.window] = total / count
    return _judged(account, list(latest.items()), f"{metric} of {facet}={group}", value, first, last, above)


def alarm_within(account: Account, *, injection: str, windows: Count, alarm: str = "*") -> tuple[bool, str]:
    """An alarm begins to sound within some windows of an injection's start, and not before."""
    known = account.scenario.injection(injection)
    if not known.enabled:
        return False, f"{injection} is switched off, so there was nothing to find"
    hits = [(w, a) for w, a in _onsets(account, alarm) if w >= known.start]
    if not hits:
        return False, f"no alarm began after {injection} did in window {known.start}"
    first = hits[0]
    held = first[0] - known.start <= windows
    return (
        held,
        f"{first[1]} sounded {_count(first[0] - known.start, 'window')} after {injection} began",
    )


def alarm_between(account: Account, *, first: Count, last: Count, alarm: str = "*") -> tuple[bool, str]:
    """A matching alarm begins to sound between two windows."""
    hits = [(w, a) for w, a in _onsets(account, alarm) if first <= w <= last]
    if hits:
        return True, _text(hits[:3])
    return False, f"no alarm like {alarm} began in windows {first} to {last}"


def no_alarm_before(account: Account, *, window: Count, alarm: str = "*") -> tuple[bool, str]:
    """No alarm begins to sound before a window, though the monitors were looking."""
    early = [(w, a) for w, a in _onsets(account, alarm) if w < window]
    if early:
        return False, f"sounded early: {_text(early[:5])}"
    looked = [f for f in _of(account, e.FindingMade) if (f.window or 0) < window]
    if not looked:
        return False, f"nobody looked: the monitors made no finding before window {window}"
    return True, f"no alarm before window {window}, in {len(looked)} findings"


def alarms_at_most(account: Account, *, count: Count, alarm: str = "*") -> tuple[bool, str]:
    """At most so many alarms begin to sound in the whole run, though the monitors were looking."""
    onsets = _onsets(account, alarm)
    looked = len(_of(account, e.FindingMade))
    if not looked:
        return False, "nobody looked: the monitors made no finding"
    said = f"{_count(len(onsets), 'alarm')} in {looked} findings" + (
        f": {_text(onsets[:5])}" if onsets else ""
    )
    return len(onsets) <= count, said


def alarm_clears(account: Account, *, alarm: str, by: Count) -> tuple[bool, str]:
    """A matching alarm sounded, and every one that did is back to OK by a window."""
    state: dict[str, tuple[str, int]] = {}
    sounded = False
    for change in _of(account, e.AlarmChanged):
        if fnmatch(change.alarm, alarm) and (change.window or 0) <= by:
            state[change.alarm] = (change.state, change.window or 0)
            sounded = sounded or change.state == "ALARM"
    if not sounded:
        return False, f"no alarm like {alarm} ever sounded by window {by}"
    still = sorted(name for name, (now, _) in state.items() if now == "ALARM")
    return (
        not still,
        f"still sounding in window {by}: {', '.join(still)}" if still else f"all quiet by window {by}",
    )


def metric_recovers(
    account: Account, *, metric: str, within: Count, share: Share = 0.5, after: int | None = None
) -> tuple[bool, str]:
    """After a retrain, a metric makes good some share of what it had lost.

    Lost is the gap between its mean before the first alarm (or before window `after`) and its mean
    from then to the retrain; made good is how far its mean over the `within` windows after the
    retrain has come back.
    """
    done = [f for f in _of(account, e.RetrainFinished) if f.replaced]
    if not done:
        return False, "no retrain put a new version into service"
    points = [(w, v) for w, v in _points(account, metric) if w is not None]
    onsets = [w for w, _ in _onsets(account, "*")]
    hurt_from = after if after is not None else min(onsets, default=None)
    if hurt_from is None:
        return False, "no alarm sounded before the retrain"
    mended = next((f.window for f in done if f.window is not None and f.window >= hurt_from), None)
    if mended is None:
        return False, f"no retrain from window {hurt_from} on"
    before = [v for w, v in points if w < hurt_from]
    during = [v for w, v in points if hurt_from <= w <= mended]
    later = [v for w, v in points if mended < w <= mended + within]
    if not (before and during and later):
        return False, f"{metric} was not measured before, during and after (windows {hurt_from}, {mended})"
    sign = 1 if metric.rpartition(".")[2] in LOWER_IS_BETTER else -1
    lost = sign * (_mean(during) - _mean(before))
    back = sign * (_mean(during) - _mean(later))
    said = f"{metric} went from {_mean(before):.4g} to {_mean(during):.4g}, and to {_mean(later):.4g} after"
    if lost <= 0:
        return False, f"{said}: nothing was lost"
    return back >= share * lost, f"{said}: {back / lost:.0%} made good"


def metric_degrades(
    account: Account, *, metric: str, injection: str, by: Annotated[float, Field(gt=0)], within: Count = 10
) -> tuple[bool, str]:
    """An injection really hurts: a metric gets worse by a share of its size within some windows."""
    start = account.scenario.injection(injection).start
    points = [(w, v) for w, v in _points(account, metric) if w is not None]
    before = [v for w, v in points if w < start]
    after = [v for w, v in points if start <= w < start + within]
    if not (before and after):
        return False, f"{metric} was not measured on both sides of window {start}"
    sign = 1 if metric.rpartition(".")[2] in LOWER_IS_BETTER else -1
    worst = max(after, key=lambda v: sign * v)
    worse = sign * (worst - _mean(before)) / (abs(_mean(before)) or 1.0)
    return worse >= by, f"{metric} went from {_mean(before):.4g} to {worst:.4g}, {worse:+.0%} worse"


def retrained(
    account: Account,
    *,
    at_least: Count = 1,
    at_most: Count | None = None,
    first: Count = 0,
    last: Count | None = None,
) -> tuple[bool, str]:
    """A number of retrains put a new version into service."""
    end = last if last is not None else account.scenario.clock.windows
    done = [f for f in _of(account, e.RetrainFinished) if f.replaced and first <= (f.window or 0) <= end]
    held = len(done) >= at_least and (at_most is None or len(done) <= at_most)
    where = ", ".join(f"version {f.version} in window {f.window}" for f in done)
    return held, _count(len(done), "retrain") + (f": {where}" if where else "")


def challenger_refused(
    account: Account,
    *,
    at_least: Count = 1,
    at_most: Count | None = None,
    first: Count = 0,
    last: Count | None = None,
) -> tuple[bool, str]:
    """A number of new versions were not proven better than the one in service, and stayed out.

    >>> lost = e.ChallengerJudged(window=9, champion=1, challenger=2, metric="log_loss", test="bootstrap",
    ...     difference=-0.1, rows=500, left_out=0, replaced=False, why="log_loss is worse")
    >>> challenger_refused(Account(None, [lost]), last=12)
    (True, '1 challenger refused: version 2 in window 9')
    """
    end = last if last is not None else account.scenario.clock.windows
    judged = [f for f in _of(account, e.ChallengerJudged) if first <= (f.window or 0) <= end]
    lost = [f for f in judged if not f.replaced]
    held = len(lost) >= at_least and (at_most is None or len(lost) <= at_most) and bool(judged)
    where = ", ".join(f"version {f.challenger} in window {f.window}" for f in lost)
    return held, f"{_count(len(lost), 'challenger')} refused" + (f": {where}" if where else "")


def rolled_back(
    account: Account,
    *,
    at_least: Count = 1,
    at_most: Count | None = None,
    within: Count | None = None,
    first: Count = 0,
    last: Count | None = None,
) -> tuple[bool, str]:
    """A number of versions were taken out of service again, soon after they took over.

    >>> done = e.RetrainFinished(window=8, version=2, replaced=True, why="")
    >>> back = e.VersionRolledBack(window=11, version=1, replaced=2, why="")
    >>> rolled_back(Account(None, [done, back]), within=4, last=12)
    (True, '1 rollback: version 2 in window 11, 3 windows after it took over')
    >>> rolled_back(Account(None, [done, back]), within=2, last=12)[0]
    False
    """
    end = last if last is not None else account.scenario.clock.windows
    began = {f.version: f.window or 0 for f in _of(account, e.RetrainFinished) if f.replaced}
    done = [
        (f, (f.window or 0) - began.get(f.replaced, 0))
        for f in _of(account, e.VersionRolledBack)
        if first <= (f.window or 0) <= end
    ]
    soon = [f for f, after in done if within is None or after <= within]
    watching = bool(done) or bool(_of(account, e.VersionsCompared))
    held = watching and len(soon) >= at_least and (at_most is None or len(done) <= at_most)
    where = ", ".join(
        f"version {f.replaced} in window {f.window}, {_count(after, 'window')} after it took over"
        for f, after in done
    )
    return held, _count(len(done), "rollback") + (f": {where}" if where else "")


def hindsight_worse(
    account: Account,
    *,
    metric: str,
    by: Annotated[float, Field(gt=0)],
    first: Count = 0,
    last: Count | None = None,
) -> tuple[bool, str]:
    """What truly happened was worse than what the monitors measured, by at least some figure.

    Means over the windows that both speak about: a metric as the monitors knew it in the end, and the
    same judged with every answer as it really was.
    """
    end = last if last is not None else account.scenario.clock.windows
    name = metric.rpartition(".")[2]
    believed = {w: v for w, v in _points(account, metric) if w is not None and first <= w <= end}
    judged = {
        fact.window: value
        for fact in account.world
        if isinstance(fact, e.HindsightMeasured) and (value := fact.metrics.get(name)) is not None
    }
    both = sorted(w for w in believed if w in judged)
    if not both:
        return False, f"{metric} was never measured in windows {first} to {end}"
    seen, true = _mean([believed[w] for w in both]), _mean([judged[w] for w in both])
    worse = (true - seen) if name in LOWER_IS_BETTER else (seen - true)
    said = f"{metric} was believed to be {seen:.4g} in {_count(len(both), 'window')}, and was {true:.4g}"
    return worse >= by, said


def labels_trickle(account: Account, *, windows: Annotated[float, Field(gt=1)]) -> tuple[bool, str]:
    """The labels of a window arrive over at least so many windows, on average."""
    times: dict[int, int] = {}
    for fact in _of(account, e.LabelsArrived):
        for window in fact.of_windows:
            times[window] = times.get(window, 0) + 1
    if not times:
        return False, "no label ever arrived"
    found = sum(times.values()) / len(times)
    said = f"labels of {_count(len(times), 'window')} arrived over {found:.2g} windows each, on average"
    return found >= windows, said


def size_reaches(
    account: Account, *, injection: str, value: float, first: Count = 0, last: Count | None = None
) -> tuple[bool, str]:
    """An injection's own measure of its size comes to at least some value, in one of some windows."""
    end = last if last is not None else account.scenario.clock.windows
    sizes = [
        (fact.size.measured, fact.window or 0, fact.size.what)
        for fact in account.world
        if isinstance(fact, e.Injected) and fact.injection == injection and fact.size is not None
        if fact.size.measured is not None and first <= (fact.window or 0) <= end
    ]
    if not sizes:
        return False, f"{injection} was never measured in windows {first} to {end}"
    most, window, what = max(sizes)
    return most >= value, f"{what}: at most {most:.4g}, in window {window}"


def rows_rejected(
    account: Account, *, at_least: Count, column: str = "*", first: Count = 0, last: Count | None = None
) -> tuple[bool, str]:
    """At least so many live rows were quarantined, for the right column."""
    end = last if last is not None else account.scenario.clock.windows
    hits = [
        f
        for f in _of(account, e.RowsRejected)
        if f.window is not None and first <= f.window <= end and fnmatch(f.column, column)
    ]
    total = sum(f.rows for f in hits)
    return total >= at_least, f"{total} rows quarantined for {column} in windows {first} to {end}"


def rows_served(account: Account, *, at_least: Count) -> tuple[bool, str]:
    """At least so many rows were answered."""
    total = sum(int(f.value or 0) for f in _of(account, e.MetricMeasured) if f.metric == "serve.rows")
    return total >= at_least, f"{total} rows answered"


def stage_fails(account: Account, *, stage: str) -> tuple[bool, str]:
    """A stage fails, as it should."""
    failed = [f for f in _of(account, e.StageFailed) if f.stage == stage]
    return bool(failed), f"{stage} failed: {failed[0].why}" if failed else f"{stage} did not fail"


_ALL: tuple[Callable[..., tuple[bool, str]], ...] = (
    metric_above,
    metric_below,
    bias_above,
    bias_below,
    metric_degrades,
    metric_recovers,
    alarm_within,
    alarm_between,
    no_alarm_before,
    alarms_at_most,
    alarm_clears,
    retrained,
    challenger_refused,
    rolled_back,
    hindsight_worse,
    labels_trickle,
    size_reaches,
    rows_rejected,
    rows_served,
    stage_fails,
)
