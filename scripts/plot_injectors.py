"""Draw what each injector does: rows before and after it at full strength, as docs/images/injectors/KIND.svg.

The settings are those of tests/injectors/examples/KIND.yaml, the rows those of adult-income (bikeshare for
a regression, agrawal for a generated world, nyc-flights for feature views). Each picture holds a digest of
the injector, its example and the code that draws it, so that a stale one is found without drawing.
`scripts/generate_docs.py` calls this; by itself: python scripts/plot_injectors.py [KIND ...]
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from simlab.engines import engine  # noqa: E402
from simlab.signature import find, module_of, names, settings  # noqa: E402

PICTURES = ROOT / "docs" / "images" / "injectors"
EXAMPLES = ROOT / "tests" / "injectors" / "examples"
CODE = (Path(__file__), ROOT / "simlab" / "engines" / "matplotlib.py")
ROWS = 4000

OWN: Mapping[str, dict[str, Any]] = {"change_rule": {"with": {"to": {"function": 3}}}}
"""Settings of those whose example would need another dataset."""
DATASETS: Mapping[str, str] = {"change_rule": "agrawal", "move_mean": "bikeshare", "blur_labels": "bikeshare"}


def example(kind: str) -> dict[str, Any]:
    """How a scenario may write an injection of this kind that does something."""
    path = EXAMPLES / f"{kind}.yaml"
    if kind in OWN or not path.is_file():
        return OWN.get(kind, {"with": {}})
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["something"]
    return found


def digest(kind: str) -> str:
    """What a picture was drawn from."""
    found = hashlib.sha256()
    for path in (ROOT / "simlab" / "injectors" / f"{kind}.py", EXAMPLES / f"{kind}.yaml", *CODE):
        found.update(path.read_bytes() if path.is_file() else b"")
        found.update(b"\0")
    return found.hexdigest()[:16]


def stale(folder: Path = PICTURES) -> list[str]:
    """Kinds without a picture, or with one of other code; and pictures of no kind, by their file's name."""
    found = []
    for kind in names("injectors"):
        path = folder / f"{kind}.svg"
        if not path.is_file() or f"<!-- {digest(kind)} -->" not in path.read_text(encoding="utf-8")[-40:]:
            found.append(kind)
    known = {f"{kind}.svg" for kind in names("injectors")}
    return found + sorted(path.name for path in folder.glob("*.svg") if path.name not in known)


def write(kinds: list[str], folder: Path = PICTURES) -> None:
    """Draw pictures, and take away those of no kind."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        if kind.endswith(".svg"):
            (folder / kind).unlink()
            continue
        (folder / f"{kind}.svg").write_text(
            f"{draw(kind).rstrip()}\n<!-- {digest(kind)} -->\n", encoding="utf-8"
        )


# --- a world ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """Some rows, what an injector may know of their world, and the chance of a yes of each row."""

    rows: Any
    reference: Any
    eta: Any


@cache
def world(name: str) -> World:
    """Rows of a dataset, drawn once and for all."""
    import numpy as np
    import pyarrow as pa

    from simlab.card import load_card
    from simlab.dataset import find_dataset, load, schema
    from simlab.generated import draw as made_by
    from simlab.generated import law_of
    from simlab.labeller import Labeller
    from simlab.reference import Reference

    folder = find_dataset(name)
    card = load_card(folder)
    law = law_of(card)
    known, _ = load(folder, card, made_by(card) if law else None)
    about = schema(card)
    kept: dict[str, Any] = {}

    def memo(name: str, parts: Any, make: Callable[[], Any]) -> Any:
        return kept.setdefault(name, None) or kept.update({name: make()}) or kept[name]

    teller = Labeller(known, about, "", memo, law.eta if law else None)
    rows = known.take(pa.array(np.sort(np.random.default_rng(0).permutation(known.num_rows)[:ROWS])))
    times = np.datetime64("2026-01-05", "us") + np.arange(ROWS) * np.timedelta64(86_400_000_000 // 200, "us")
    ids = pa.array(np.arange(ROWS))
    for column, values in (("inference_id", ids), (about.entity, ids), (about.event_time, pa.array(times))):
        rows = rows.drop_columns([column]) if column in rows.column_names else rows
        rows = rows.append_column(column, values)
    rows = rows.combine_chunks()
    moments = {}
    for column in about.features:
        if column.kind == "numeric":
            values = rows[column.name].drop_null().cast(pa.float64()).to_numpy()
            moments[column.name] = (float(values.mean()), float(values.std()))
    reference = Reference(
        moments,
        table=rows,
        target=about.target,
        event_time=about.event_time,
        entity=about.entity,
        problem=about.problem,
        eta=teller.eta,
        law=law.changed if law else Reference.law,
    )
    return World(rows, reference, teller.eta(rows))


def number(rows: Any, column: str) -> Any:
    """A column as doubles, NaN where missing."""
    import numpy as np
    import pyarrow as pa

    return np.asarray(rows[column].cast(pa.float64()).to_numpy(zero_copy_only=False), float)


def words(rows: Any, column: str) -> Any:
    """A column as text, `missing` where it is."""
    import numpy as np

    return np.array(["missing" if v is None else str(v) for v in rows[column].to_pylist()])


def plain(values: Any) -> list[float]:
    """Numbers with three significant digits: another machine's last ones must not show."""
    return [float(f"{value:.3g}") for value in values]


# --- what is drawn ------------------------------------------------------------------------------


def draw(kind: str) -> str:
    """The picture of an injector, as SVG."""
    import numpy as np

    written, module = example(kind), module_of("injectors", kind)
    given, problems = settings(find("injectors", kind), written.get("with", {}), kind)
    assert not problems, problems
    here = (
        world(DATASETS.get(kind, "adult-income"))
        if module.SEAM not in ("updates", "monitor.run", "monitor.schedule")
        else None
    )
    mask = np.random.default_rng(2).random(ROWS) < written.get("fraction", 1.0)
    act = find("injectors", kind)
    if here is None:
        alone = {"updates": _views, "monitor.run": _monitors, "monitor.schedule": _executions}
        return alone[module.SEAM](act, given)
    rng, reference = np.random.default_rng(1), here.reference
    answers = number(here.rows, reference.target)
    if module.SEAM == "traffic":
        after = act(here.rows, mask, 1.0, rng, reference, **given)
        return TRAFFIC.get(kind, _column)(here, after, given)
    if module.SEAM == "monitor.baseline":
        return _column(here, act(here.rows, mask, 1.0, rng, **given), given)
    if module.SEAM == "draw":
        return _draw(kind, here, act(here.rows, 1.0, reference, **given), given, answers)
    if module.SEAM == "decisions":
        return _urn(act, here, given)
    if module.SEAM == "labels" and module.LABELS == "concept":
        return _law(kind, here, act(here.eta, here.rows, mask, 1.0, reference, **given), given)
    if module.SEAM == "labels":
        return _record(
            here, answers, act(answers, here.rows, mask, 1.0, rng, reference, **given), kind, given
        )
    if module.SEAM == "arrival":
        delays, yes = np.full(ROWS, 3600.0), here.eta > 0.5
        after = act(delays, here.rows, yes, mask, 1.0, rng, reference, **given)
        return _arrival(kind, here, after, yes, answers, given)
    if module.SEAM == "delivery":
        few = here.rows.slice(0, 60)
        return _delivery(few, act(few, mask[:60], 1.0, rng, reference, **given), reference.event_time)
    raise LookupError(f"{kind}: teach scripts/plot_injectors.py the seam {module.SEAM}")


def _histogram(
    before: Any, after: Any, across: str, weights: Any = None, *, up: str = "share of rows", log: bool = False
) -> str:
    import numpy as np

    old, new = before[np.isfinite(before)], after[np.isfinite(after)]
    both = np.concatenate([old, new])
    low, high = np.quantile(both, 0.001), np.quantile(both, 0.999)
    if log:
        edges = np.geomspace(max(low, 1), high, 31)
    elif np.allclose(both, np.round(both)) and high - low < 90:
        step = max(1, round((high - low) / 30))
        edges = np.arange(np.floor(low), high + step + 1, step) - 0.5
    else:
        edges = np.linspace(low, high + 1e-9, 33)
    one = np.histogram(np.clip(old, low, high), edges)[0] / len(before)
    other = np.histogram(np.clip(new, low, high), edges, weights=weights)[0]
    other = other / (len(after) if weights is None else weights.sum())
    return str(
        engine("matplotlib").steps(plain(edges), plain(one), plain(other), across=across, up=up, log=log)
    )


def _most(values: Any, count: int = 5) -> list[str]:
    """The most frequent words."""
    import numpy as np

    found, times = np.unique(values, return_counts=True)
    return [str(name) for name in found[np.argsort(-times, kind="stable")][:count]]


def _shares(before: Any, after: Any, across: str, weights: Any = None) -> str:
    import numpy as np

    weights = np.ones(len(after)) if weights is None else weights
    known = list(dict.fromkeys([*_most(before, 4), *_most(after, 4)]))[:6]
    one = [(before == name).mean() for name in known]
    other = [weights[after == name].sum() / weights.sum() for name in known]
    return _bars(known, one, other, across, "share of rows")


def _bars(known: list[str], before: Any, after: Any, across: str, up: str) -> str:
    return str(engine("matplotlib").bars(known, plain(before), plain(after), across=across, up=up))


def _column(here: World, after: Any, given: Mapping[str, Any]) -> str:
    """How the values of the column are spread."""
    column = given["column"]
    if column in here.reference.moments:
        return _histogram(number(here.rows, column), number(after, column), column)
    return _shares(words(here.rows, column), words(after, column), column)


def _bins(values: Any, count: int = 12) -> tuple[Any, list[Any]]:
    """Means of about equally large bins of a column, and which rows are in each."""
    import numpy as np

    known = np.isfinite(values)
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, count + 1)))
    place = np.where(known, np.clip(np.searchsorted(edges, values, "right") - 1, 0, len(edges) - 2), -1)
    found = [place == n for n in range(len(edges) - 1)]
    found = [here for here in found if here.any()]
    return np.array([values[here].mean() for here in found]), found


def _along(values: Any, before: Any, after: Any, across: str, up: str) -> str:
    """Means of two figures along a third."""
    x, bins = _bins(values)
    lines = [plain([figure[here].mean() for here in bins]) for figure in (before, after)]
    return str(engine("matplotlib").curves(plain(x), *lines, across=across, up=up))


def _missing(driver: str) -> Callable[..., str]:
    """Share of values that are missing, along a column as it truly is."""

    def drawn(here: World, after: Any, given: Mapping[str, Any]) -> str:
        import numpy as np

        one, other = (np.asarray(r[given["column"]].is_null(), float) for r in (here.rows, after))
        by = given[driver]
        across = by if driver != "column" else f"{by}, as it truly is"
        return _along(number(here.rows, by), one, other, across, f"{given['column']} missing")

    return drawn


def _pairs(here: World, after: Any, given: Mapping[str, Any]) -> str:
    """Two columns against each other."""
    one, other = given["column"], given["other"]
    points = []
    for rows in (here.rows, after):
        x, y = number(rows, one)[:70], number(rows, other)[:70]
        points.append([tuple(plain(p)) for p in zip(x, y, strict=True) if all(v == v for v in p)])
    return str(engine("matplotlib").panels(*points, across=one, up=other))


def _by_class(here: World, after: Any, given: Mapping[str, Any]) -> str:
    """The share of yes along the column."""
    import numpy as np

    column, yes = given["column"], number(here.rows, here.reference.target)
    edges = np.unique(np.quantile(number(here.rows, column), np.linspace(0, 1, 11)))
    lines, middles = [], (edges[:-1] + edges[1:]) / 2
    for rows in (here.rows, after):
        place = np.clip(np.searchsorted(edges, number(rows, column), "right") - 1, 0, len(edges) - 2)
        lines.append([yes[place == n].mean() if (place == n).any() else 0.0 for n in range(len(edges) - 1)])
    return str(
        engine("matplotlib").curves(
            plain(middles), *map(plain, lines), across=f"{column}, as sent", up="share of yes"
        )
    )


def _one_group(here: World, after: Any, given: Mapping[str, Any]) -> str:
    """The column's mean in each group."""
    group = words(here.rows, given["group"])
    known = _most(group, 3)
    one, other = (
        [number(rows, given["column"])[group == name].mean() for name in known] for rows in (here.rows, after)
    )
    return _bars(known, one, other, given["group"], f"mean of {given['column']}")


def _one_class(here: World, after: Any, given: Mapping[str, Any]) -> str:
    """The column among those of one answer."""
    chosen = number(here.rows, here.reference.target) == given["label"]
    said = "yes" if given["label"] else "no"
    column = given["column"]
    return _histogram(
        number(here.rows, column)[chosen], number(after, column)[chosen], f"{column} of those with a {said}"
    )


def _stuck(here: World, after: Any, given: Mapping[str, Any]) -> str:
    """The first values, in order."""
    one, other = (number(rows, given["column"])[:40] for rows in (here.rows, after))
    points = [[(float(n), v) for n, v in enumerate(plain(values))] for values in (one, other)]
    return str(engine("matplotlib").dots(*points, across="row", up=given["column"]))


def _units(here: World, after: Any, given: Mapping[str, Any]) -> str:
    column = given["column"]
    return _histogram(number(here.rows, column), number(after, column), f"{column} (logarithmic)", log=True)


def _table(*beside: str) -> Callable[..., str]:
    """Four rows, of which about half were touched."""

    def drawn(here: World, after: Any, given: Mapping[str, Any]) -> str:
        named = [given[k] for k in ("column", "other") if k in given] + list(given.get("columns", ()))
        old = [*beside, *(n for n in named if n in here.rows.column_names)]
        new = [*old, *(n for n in after.column_names if n not in here.rows.column_names)]
        if set(new) == set(old):
            new = [n for n in after.column_names if n in old] if "columns" in given else old
            old = [n for n in here.rows.column_names if n in old] if "columns" in given else old
        new = [n for n in new if n in after.column_names]
        nothing = [None] * ROWS
        a, b = ({n: rows[n].to_pylist() for n in list_} for rows, list_ in ((here.rows, old), (after, new)))
        touched = [
            not all(_cell(a.get(n, nothing)[r]) == _cell(b.get(n, nothing)[r]) for n in {*old, *new})
            and (set(new) > set(old) or not all(a[n][r] in (None, 0.0) for n in old if n not in beside))
            for r in range(ROWS)
        ]
        yes = [r for r in range(ROWS) if touched[r]][:2]
        no = [r for r in range(ROWS) if not touched[r] and all(a[n][r] is not None for n in old)][
            : 4 - len(yes)
        ]
        picked = sorted(yes + no)
        cells = [
            [list(names_), *([_cell(found[n][r]) for n in names_] for r in picked)]
            for found, names_ in ((a, old), (b, new))
        ]
        return str(engine("matplotlib").grids(*cells))

    return drawn


def _cell(value: Any) -> str:
    text = (
        "·" if value is None else f"{value:g}" if isinstance(value, float) else str(value).removesuffix(".0")
    )
    return text if len(text) < 13 else text[:11] + "…"


TRAFFIC: Mapping[str, Callable[..., str]] = {
    "add_column": _table("age", "sex"), "drop_column": _table("age"), "rename_column": _table("age"),
    "reorder_columns": _table(), "retype_column": _table("age"), "black_out": _table("age"),
    "garble_text": _table("age"), "recode_category": _table("age"), "set_sentinel": _column,
    "correlate_columns": _pairs, "swap_columns": _pairs, "leak_target": _by_class, "plant_proxy": _one_group,
    "bias_measurement": _one_group, "shift_class": _one_class, "stick_column": _stuck, "scale_unit": _units,
    "miss_at_random": _missing("driver"), "miss_not_at_random": _missing("column"),
    "set_missing": _missing("column"),
}  # fmt: skip
"""Pictures of those whose story is not the spread of one column."""


def _draw(kind: str, here: World, weights: Any, given: Mapping[str, Any], answers: Any) -> str:
    """Who arrives."""
    import numpy as np

    if kind == "skew_prevalence":
        group = words(here.rows, given["group"])
        known = _most(group, 3)
        one, other = (
            [np.average(answers[group == n], weights=w[group == n]) for n in known]
            for w in (np.ones(ROWS), weights)
        )
        return _bars(known, one, other, given["group"], "share of yes")
    if given.get("column"):
        if given["column"] in here.reference.moments:
            column = number(here.rows, given["column"])
            return _histogram(column, column, given["column"], weights[np.isfinite(column)])
        return _shares(
            words(here.rows, given["column"]), words(here.rows, given["column"]), given["column"], weights
        )
    if given.get("group"):
        group = words(here.rows, given["group"])
        return _shares(group, group, given["group"], weights)
    said = np.where(answers > 0.5, "yes", "no")
    return _shares(said, said, "answer", weights)


def _urn(act: Callable[..., Any], here: World, given: Mapping[str, Any]) -> str:
    """The share of each window's rows that come from the group that gains."""
    group, yes = words(here.rows, given["group"]), here.eta > 0.5
    known = _most(group, 5)
    past = {name: (0.0, 0.0) for name in known}
    shares: list[dict[str, float]] = []
    for _ in range(16):
        weights = act(here.rows, past, 1.0, here.reference, **given)
        weights = weights / weights.sum()
        shares.append({name: float(weights[group == name].sum()) for name in known})
        for name in known:
            rows, said = past[name]
            mine = group == name
            past[name] = (rows + 200 * weights[mine].sum(), said + 200 * weights[mine & yes].sum())
    most = max(known, key=lambda name: shares[-1][name] - shares[0][name])
    after = [found[most] for found in shares]
    flat = [float((group == most).mean())] * len(after)
    x = [float(n) for n in range(len(after))]
    return str(
        engine("matplotlib").curves(x, plain(flat), plain(after), across="window", up=f"share of {most}")
    )


def _law(kind: str, here: World, after: Any, given: Mapping[str, Any]) -> str:
    """What the world answers, along a column."""
    up = "mean answer" if here.reference.problem == "regression" else "chance of a yes"
    if given.get("group"):
        group = words(here.rows, given["group"])
        known = _most(group, 3)
        return _bars(
            known, *([v[group == n].mean() for n in known] for v in (here.eta, after)), given["group"], up
        )
    if kind == "mirror_concept":
        return _along(here.eta, here.eta, after, "chance of a yes before", up)
    column = given.get("column") or {"change_rule": "salary", "move_mean": "hr"}.get(kind, "age")
    return _along(number(here.rows, column), here.eta, after, column, up)


def _record(here: World, before: Any, after: Any, kind: str, given: Mapping[str, Any]) -> str:
    """How often the record is wrong, and of whom."""
    import numpy as np

    if here.reference.problem == "regression":
        return _histogram(before, after, f"{here.reference.target}, as recorded")
    wrong, right = (before != after).astype(float), np.zeros(ROWS)
    if kind in ("flip_near_boundary", "change_annotator"):
        return _along(here.eta, right, wrong, "chance of a yes", "share recorded wrong")
    said = np.where(before > 0.5, "yes", "no")
    if given.get("group"):
        said = np.array([f"{g}, {s}" for g, s in zip(words(here.rows, given["group"]), said, strict=True)])
    known = sorted(set(said))
    one, other = ([found[said == n].mean() for n in known] for found in (right, wrong))
    return _bars(known, one, other, "what truly happened", "share recorded wrong")


def _arrival(kind: str, here: World, after: Any, yes: Any, answers: Any, given: Mapping[str, Any]) -> str:
    """When a label becomes known, or whose never does."""
    import numpy as np

    known = np.isfinite(after).astype(float)
    if kind == "select_labels":
        sides = [~yes, yes]
        return _bars(
            ["no", "yes"], [1, 1], [known[s].mean() for s in sides], "what the model said", "labels known"
        )
    if given.get("column") and not known.all():
        return _along(
            number(here.rows, given["column"]), np.ones(ROWS), known, given["column"], "labels known"
        )
    days = after[np.isfinite(after)] / 86_400
    return _histogram(
        np.full(ROWS, 3600 / 86_400),
        np.minimum(days, 15),
        "days until a label is known",
        up="share of labels",
    )


def _delivery(before: Any, after: Any, time: str) -> str:
    """When messages happened, against the order in which they come."""
    import numpy as np

    points = []
    for rows in (before, after):
        hours = (rows[time].to_numpy() - before[time].to_numpy().min()) / np.timedelta64(1, "h")
        points.append([(float(n), h) for n, h in enumerate(plain(hours))])
    return str(engine("matplotlib").dots(*points, across="order of arrival", up="event time, hours"))


def _views(act: Callable[..., Any], given: Mapping[str, Any]) -> str:
    """The newest value that is told at the end of each window."""
    from simlab.card import load_card
    from simlab.dataset import find_dataset, load

    folder = find_dataset("nyc-flights")
    table = load(folder, load_card(folder))[1]["weather"].combine_chunks()
    chosen = table.filter(_equal(table["origin"], "JFK")).sort_by("event_ts").slice(24 * 100, 24 * 8)
    moments, values = chosen["event_ts"].to_pylist(), number(chosen, "temp")
    line = [
        ((m - moments[0]) / timedelta(days=1), v)
        for m, v in zip(moments, plain(values), strict=True)
        if v == v
    ]
    points: list[list[tuple[float, float]]] = [[], []]
    for hours in range(12, 24 * 8, 12):
        end = moments[0] + timedelta(hours=hours)
        for found, moment in zip(points, (end, act("weather", end, 1.0, **given)), strict=True):
            day = (moment - moments[0]) / timedelta(days=1)
            told = [v for at, v in line if at <= day]
            found.append((hours / 24, told[-1]))
    return str(engine("matplotlib").dots(*points, across="day", up="newest temp that is told", line=line))


def _equal(values: Any, to: str) -> Any:
    import pyarrow.compute as pc

    return pc.equal(values, to)


def _monitors(act: Callable[..., Any], given: Mapping[str, Any]) -> str:
    """What the monitors say in each window; it acts from window 6 on."""
    from simlab.artifacts import Finding

    said = {0.0: "model_quality", 1.0: "data_quality"}
    before, after = [], []
    for window in range(12):
        findings = tuple(Finding(m, "drift", "age", "psi", 0.1, 0.2, False, 1) for m in said.values())
        kept = {f.monitor for f in act(findings, float(window >= 6), **given)}
        before += [(float(window), place) for place in said]
        after += [(float(window), place) for place, monitor in said.items() if monitor in kept]
    return str(engine("matplotlib").dots(before, after, across="window", up="findings", names=said))


def _executions(act: Callable[..., Any], given: Mapping[str, Any]) -> str:
    """When daily executions run, by the window in which they were due; it acts in windows 6 to 9."""
    import numpy as np

    from simlab.schedules import Due, Firing

    before, after = [], []
    for window in range(16):
        end = datetime(2026, 1, 5) + timedelta(days=window + 1)
        due = (Due("daily", Firing(end, end - timedelta(days=1), end), end),)
        kept = act(due, float(6 <= window < 10), np.random.default_rng([1, window]), **given)
        before.append((float(window), float(window)))
        after += [(float(window), window + (one.runs - end) / timedelta(days=1)) for one in kept]
    return str(engine("matplotlib").dots(before, after, across="due in window", up="runs in window"))


if __name__ == "__main__":
    asked = sys.argv[1:] or stale()
    write(asked)
    print("\n".join(re.sub("^", "docs/images/injectors/", kind) for kind in asked))
