"""Sweep: the same scenario in many worlds and many variants, as a table that can be trusted.

Every variant lives through the same seeds, so that differences between variants are differences, and
not luck. A sweep is named after what it sweeps; asked again, it goes on where it stopped, and more
seeds add to what is there.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from simlab.checking import Checked, check
from simlab.engines import engine
from simlab.errors import ScenarioInvalid, UsageError
from simlab.many import Cell, Row, Task, cell_of, live_through, ready_of
from simlab.outcomes import Interval, interval
from simlab.provenance import foreign_code, source_digest
from simlab.quality import DEFAULT_METRIC, LOWER_IS_BETTER
from simlab.store import write_whole
from simlab.views.runlength import RunLength, arl
from simlab.yamlfile import parse_yaml

FOLD = "simlab.outcomes.figures"

PLAIN = ("status", "exit", "why", "seconds.build", "seconds.live")
"""Figures of a world that are no measure of a variant."""


@dataclass(frozen=True)
class Summary:
    """One variant over all its worlds."""

    varied: Mapping[str, Any]
    worlds: int
    held: int
    """Worlds in which every expectation held."""
    figures: Mapping[str, Interval]
    """Mean of each figure over the worlds in which it is defined, with its interval."""
    cut_short: tuple[str, ...] = ()
    """Why some of its worlds did not live to their end; such a variant is never called efficient."""
    null: RunLength | None = None
    """Windows to the first false alarm where nothing has changed yet (ARL0); None where a change acts from
    the first window on."""
    change: RunLength | None = None
    """Windows from the first change to the first alarm after it (ARL1); None where nothing changes."""
    efficient: bool = False
    """Whether no other variant is at least as good and as cheap, and better in one of them."""


@dataclass(frozen=True)
class Swept:
    """A sweep, as far as it got."""

    folder: Path
    variants: tuple[Summary, ...]
    worlds: int
    fresh: int
    """Worlds lived through now; the others were known."""
    seconds: float
    phases: Mapping[str, float]
    """Mean seconds of a fresh world by phase."""
    quality: str
    cost: str


def parse_vary(given: Sequence[str]) -> dict[str, list[Any]]:
    """What `--vary key=a,b,c` options say; a YAML list may stand for the values.

    >>> parse_vary(["stages.retrain.policy=never,on_alarm", "clock.rows=[200, 1000]"])
    {'stages.retrain.policy': ['never', 'on_alarm'], 'clock.rows': [200, 1000]}

    Raises
    ------
    UsageError
        One has no values, or is written in another form.
    """
    found: dict[str, list[Any]] = {}
    for item in given:
        key, equals, text = item.partition("=")
        if not equals or not key.strip() or not text.strip():
            raise UsageError(f"--vary {item}: write KEY=VALUE,VALUE, as in --vary clock.rows=200,1000")
        if key.strip() in ("seed", "seed.world"):
            raise UsageError(f"--vary {item}: worlds are what --seeds is for; vary seed.build")
        try:
            values, _ = parse_yaml(f"[{text}]", f"--vary {key}")
        except ScenarioInvalid as wrong:
            raise UsageError(str(wrong)) from None
        if isinstance(values, list) and len(values) == 1 and isinstance(values[0], list):
            (values,) = values
        if isinstance(values, list):
            values = [value for n, value in enumerate(values) if value not in values[:n]]
        if not isinstance(values, list) or not values:
            raise UsageError(f"--vary {item}: no values")
        found[key.strip()] = values
    return found


def cells(path: Path, sets: Mapping[str, Any], vary: Mapping[str, Sequence[Any]]) -> list[Cell]:
    """Every combination of the varied keys, checked before anything runs.

    Raises
    ------
    ScenarioInvalid
        A combination makes no valid scenario.
    """
    found = []
    for values in product(*vary.values()):
        varied = dict(zip(vary, values, strict=True))
        found.append(cell_of(check(path, {**sets, **varied}), varied))
    return found


def sweep(
    path: Path,
    home: Path,
    *,
    sets: Mapping[str, Any],
    vary: Mapping[str, Sequence[Any]],
    seeds: int,
    workers: int | None = None,
    dask: str | None = None,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Swept:
    """Live through every variant in every seed that is not known yet, and sum up.

    Parameters
    ----------
    seeds
        How many worlds a variant has; the first has the scenario's own `seed.world`.
    """
    began = time.perf_counter()
    variants = cells(path, sets, vary)
    ready = [ready_of(cell) for cell in variants]
    problems = {each.card.problem for each in ready}
    if len(problems) > 1:
        raise UsageError("the variants are different kinds of problem, so no figure of quality compares them")
    made = [_made_of(each) for each in ready]
    first = int(variants[0].body["seed"]["world"])
    wanted = [Task(cell, first + n) for n in range(seeds) for cell in range(len(variants))]
    folder = home / "sweeps" / _name(path.stem, variants)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "worlds.jsonl"
    known = dict(_known(log))
    missing = [t for t in wanted if _key(variants[t.cell], t.seed, made[t.cell]) not in known]
    fresh: list[Row] = []
    with log.open("a") as out:
        lived = live_through(variants, missing, home, FOLD, workers=workers, dask=dask, told=told)
        for task, row in lived:
            key = _key(variants[task.cell], task.seed, made[task.cell])
            known[key] = row
            fresh.append(row)
            out.write(json.dumps({"key": key, "row": row}) + "\n")
            out.flush()  # a world once lived through is never lived through again
    rows = [(t, known[_key(variants[t.cell], t.seed, made[t.cell])]) for t in wanted]
    quality = f"hindsight.{DEFAULT_METRIC[problems.pop()]}"
    swept = Swept(
        folder=folder,
        variants=_efficient(_summaries(variants, rows), quality, "cost"),
        worlds=len(rows),
        fresh=len(fresh),
        seconds=time.perf_counter() - began,
        phases={
            phase: sum(r[f"seconds.{phase}"] for r in fresh) / len(fresh) if fresh else 0.0
            for phase in ("build", "live")
        },
        quality=quality,
        cost="cost",
    )
    _write(swept, variants, rows)
    return swept


def _name(scenario: str, variants: Sequence[Cell]) -> str:
    """A sweep's name: what it sweeps, by whatever code; more seeds make no other sweep."""
    bodies = [{**cell.body, "seed": {**cell.body["seed"], "world": 0}} for cell in variants]
    text = json.dumps([bodies, [dict(cell.varied) for cell in variants]], sort_keys=True, default=str)
    return f"{scenario}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _made_of(ready: Checked) -> list[str]:
    """What a world's row depends on beside its scenario: code, also that which judges, and the data."""
    made = [ready.card.model_dump_json(), source_digest(judging=True)]
    return [*made, *foreign_code(ready.scenario.model_dump(mode="json"))]


def _key(cell: Cell, seed: int, made: Sequence[str]) -> str:
    body = {**cell.body, "seed": {**cell.body["seed"], "world": seed}}
    text = json.dumps([list(made), body], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _known(log: Path) -> Iterator[tuple[str, Row]]:
    if not log.exists():
        return
    for line in log.read_text().splitlines():
        try:
            body = json.loads(line)
        except ValueError:  # the torn last line of a sweep that was killed
            continue
        yield body["key"], body["row"]


def _summaries(variants: Sequence[Cell], rows: Sequence[tuple[Task, Row]]) -> list[Summary]:
    found = []
    for number, cell in enumerate(variants):
        own = [row for task, row in rows if task.cell == number]
        told = dict.fromkeys(n for row in own for n in row)  # a world that failed early has fewer
        names = [n for n in told if n not in PLAIN and not n.startswith("length.")]
        figures = {}
        for name in names:
            values = [row.get(name) for row in own]
            figures[name] = interval([None if v is None else float(v) for v in values])
        found.append(
            Summary(
                varied=cell.varied,
                worlds=len(own),
                held=sum(bool(row["held"]) for row in own),
                cut_short=tuple(str(row["why"]) for row in own if row.get("why")),
                figures=figures,
                null=_length(own, "length.null"),
                change=_length(own, "length.change"),
            )
        )
    return found


def _length(rows: Sequence[Row], name: str) -> RunLength | None:
    """The average run length over worlds that had any window for it; an alarm that never came is censored."""
    lived = [row for row in rows if row[f"{name}_of"] > 0]
    if not lived:
        return None
    return arl([row[name] for row in lived], [row[f"{name}_of"] for row in lived])


def _efficient(variants: Sequence[Summary], quality: str, cost: str) -> tuple[Summary, ...]:
    """Mark the variants that no other one beats in quality and cost at once (the Pareto front)."""
    sign = 1 if quality.rpartition(".")[2] in LOWER_IS_BETTER else -1

    def point(summary: Summary) -> tuple[float, float] | None:
        good, dear = _spread(summary, quality)[0], _spread(summary, cost)[0]
        if summary.cut_short:
            return None
        return None if good is None or dear is None else (sign * good, dear)

    points = [point(v) for v in variants]
    marked = []
    for summary, own in zip(variants, points, strict=True):
        beaten = own is None or any(
            other is not None and other != own and other[0] <= own[0] and other[1] <= own[1]
            for other in points
        )
        marked.append(replace(summary, efficient=not beaten))
    return tuple(marked)


def _write(swept: Swept, variants: Sequence[Cell], rows: Sequence[tuple[Task, Row]]) -> None:
    """Write one row per world as Parquet, the summary as JSON, and the plot."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(dict.fromkeys(name for _, row in rows for name in row))
    table: dict[str, list[Any]] = {"seed": [task.seed for task, _ in rows]}
    for key in variants[0].varied:
        values = [_plain(variants[task.cell].varied[key]) for task, _ in rows]
        same = len({type(value) for value in values}) == 1  # a column has one type
        table[f"vary.{key}"] = values if same else [str(value) for value in values]
    for name in names:
        table[name] = [row.get(name) for _, row in rows]
    pq.write_table(pa.table(table), swept.folder / "worlds.parquet", compression="zstd")
    write_whole(swept.folder / "summary.json", json.dumps(as_json(swept), indent=1, default=str) + "\n")
    points = [
        (label(v.varied), _spread(v, swept.cost), _spread(v, swept.quality), v.efficient)
        for v in swept.variants
    ]
    lower = swept.quality.rpartition(".")[2] in LOWER_IS_BETTER
    drawn = engine("matplotlib").pareto(points, swept.cost, swept.quality, lower_is_better=lower)
    write_whole(swept.folder / "pareto.svg", drawn)


def _spread(summary: Summary, name: str) -> tuple[float | None, float | None, float | None]:
    found = summary.figures.get(name)
    return (None, None, None) if found is None else (found.value, found.low, found.high)


def _plain(value: Any) -> Any:
    plain = isinstance(value, (int, float, str, bool)) or value is None
    return value if plain else json.dumps(value, default=str)


def label(varied: Mapping[str, Any]) -> str:
    """A variant in a few words.

    >>> label({"stages.retrain.policy": {"every": {"windows": 5}}, "clock.rows": 200})
    'every windows=5, rows=200'
    """
    words = []
    for key, value in varied.items():
        last = key.rpartition(".")[2]
        if isinstance(value, dict) and len(value) == 1:
            ((name, settings),) = value.items()
            more = " ".join(f"{k}={v}" for k, v in (settings or {}).items())
            words.append(f"{name} {more}".strip())
        else:
            words.append(str(value) if isinstance(value, str) else f"{last}={value}")
    return ", ".join(words) or "as it is"


def as_json(swept: Swept) -> dict[str, Any]:
    """The one object of `simlab sweep --json`."""
    return {
        "sweep": swept.folder.name,
        "path": str(swept.folder),
        "worlds": swept.worlds,
        "fresh": swept.fresh,
        "seconds": round(swept.seconds, 3),
        "worlds_per_second": round(swept.fresh / swept.seconds, 3) if swept.fresh else None,
        "phases": {k: round(v, 6) for k, v in swept.phases.items()},
        "quality": swept.quality,
        "cost": swept.cost,
        "variants": [
            {
                "varied": dict(v.varied),
                "worlds": v.worlds,
                "held": v.held,
                "cut_short": list(v.cut_short),
                "efficient": v.efficient,
                "arl0": None if v.null is None else asdict(v.null),
                "arl1": None if v.change is None else asdict(v.change),
                "figures": {name: i.as_json() for name, i in v.figures.items()},
            }
            for v in swept.variants
        ],
    }
