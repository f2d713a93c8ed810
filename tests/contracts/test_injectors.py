"""What every injector keeps to; a new file in the folder is found and held to it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args, get_origin

import numpy as np
import pyarrow as pa
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simlab.artifacts import Finding
from simlab.monitors import MONITORS
from simlab.reference import Reference
from simlab.schedules import Due, Firing
from simlab.signature import find, first_line, keywords, module_of, names
from simlab.signature import settings as check

KINDS = names("injectors")
SEAMS = {"traffic", "draw", "decisions", "labels", "arrival", "delivery", "updates"}
SEAMS |= {"monitor.run", "monitor.schedule", "monitor.baseline"}
TRAFFIC = [k for k in KINDS if module_of("injectors", k).SEAM == "traffic"]
DRAW = [k for k in KINDS if module_of("injectors", k).SEAM == "draw"]
LABELS = [k for k in KINDS if module_of("injectors", k).SEAM == "labels"]
MONITOR = [k for k in KINDS if module_of("injectors", k).SEAM == "monitor.run"]
SCHEDULE = [k for k in KINDS if module_of("injectors", k).SEAM == "monitor.schedule"]
BASELINES = [k for k in KINDS if module_of("injectors", k).SEAM == "monitor.baseline"]

EXAMPLES = {
    path.stem: yaml.safe_load(path.read_text()).get("synthetic")
    for path in sorted((Path(__file__).parent.parent / "injectors" / "examples").glob("*.yaml"))
}
"""Settings for the made-up rows of these tests, where they cannot be read off the signature."""

MORPHS = {
    "shift_column",
    "shift_class",
    "add_noise",
    "correlate_columns",
    "bias_measurement",
    "plant_proxy",
    "leak_target",
}
"""Every touched row moves a little at a little strength: none of them is struck or spared."""


def law(rows: pa.Table) -> np.ndarray:
    """A made-up world's chance of a yes."""
    amount, count = (
        np.clip(np.nan_to_num(rows[name].cast(pa.float64()).to_numpy(), nan=middle), -1e3, 1e3)
        for name, middle in (("amount", 10.0), ("count", 40.0))
    )
    found: np.ndarray = 1 / (1 + np.exp(-((amount - 12) / 3 + (count - 40) / 20)))
    return found


def usual(count: int = 300) -> pa.Table:
    """Rows of a made-up world before anything befell it."""
    random = np.random.default_rng(3)
    rows = pa.table(
        {
            "inference_id": pa.array([f"i{n}" for n in range(count)], pa.string()),
            "amount": random.gamma(6.25, 1.6, count),
            "count": random.normal(40, 12, count).round().astype(int),
            "city": pa.array(random.choice(["Bonn", "Köln", "Ulm"], count), pa.string()),
        }
    )
    return rows.append_column("target", pa.array((random.random(count) < law(rows)).astype(float)))


def rows_of(count: int) -> pa.Table:
    """Rows of a made-up world, to go with answers."""
    return usual(max(count, 1)).slice(0, count)


REFERENCE = Reference(
    {"amount": (10.0, 4.0), "count": (40.0, 12.0)},
    table=usual(),
    eta=law,
    law=lambda rows, eta, to, strength: eta * (1 - strength),
)
COLUMNS = {
    "numeric": ("amount", "count"),
    "categorical": ("city",),
    "any": ("amount", "count", "city"),
    None: (),
}
BASELINE = pa.table(
    {
        "amount": pa.array([2.0, 8.0, 10.0, 13.0, 17.0]),
        "count": pa.array([20, 35, 40, 44, 61]),
        "city": pa.array(["Bonn", "Köln", "Ulm", "Bonn", None]),
        "target": pa.array([0.0, 1.0, 0.0, 1.0, 1.0]),
    }
)

cell = st.tuples(
    st.none() | st.floats(-1e6, 1e6),
    st.none() | st.integers(-1000, 1000),
    st.none() | st.sampled_from(["Bonn", "Köln", "Ulm"]),
    st.booleans(),
)


@st.composite
def windows(draw: st.DrawFn, most: int = 12) -> tuple[pa.Table, np.ndarray]:
    """A window of traffic and which of its rows may be touched."""
    rows = draw(st.lists(cell, max_size=most))
    mask = np.array(draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), bool)
    amounts, counts, cities, answers = zip(*rows, strict=True) if rows else ((), (), (), ())
    table = pa.table(
        {
            "inference_id": pa.array([f"i{n}" for n in range(len(rows))], pa.string()),
            "amount": pa.array(amounts, pa.float64()),
            "count": pa.array(counts, pa.int64()),
            "city": pa.array(cities, pa.string()),
            "target": pa.array([float(answer) for answer in answers], pa.float64()),
        }
    )
    return table, mask


def a_value(annotation: Any) -> st.SearchStrategy[Any]:
    """Something that may stand in a scenario for a parameter of this type."""
    low, high = 0.05, 1.0
    if get_origin(annotation) is not None and hasattr(annotation, "__metadata__"):
        for field in annotation.__metadata__:
            for bound in getattr(field, "metadata", ()):
                low = max(low, getattr(bound, "ge", low), getattr(bound, "gt", low) + 1e-6)
                high = min(high, getattr(bound, "le", high), getattr(bound, "lt", high + 1e-6) - 1e-6)
        annotation = get_args(annotation)[0]
    if annotation is float:
        return st.floats(low, max(low, min(high, 0.45)))  # a share, a tail, a number of standard deviations
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        return st.integers(int(np.ceil(low)), max(int(np.ceil(low)), int(high)))
    if annotation is timedelta:
        return st.integers(1, 200).map(lambda hours: timedelta(hours=hours))
    if get_origin(annotation) is dict:
        return st.just({"function": 1})
    if annotation is str:
        return st.just("elsewhere")
    if get_origin(annotation) is Mapping:
        return st.dictionaries(st.sampled_from(["Bonn", "Ulm"]), a_value(get_args(annotation)[1]), min_size=1)
    if str(get_origin(annotation)).endswith("Literal"):
        return st.sampled_from(get_args(annotation))
    inner = [a for a in get_args(annotation) if a is not type(None)]
    assert inner, f"teach this test to write a {annotation}"
    some = st.one_of([a_value(kind) for kind in inner])
    return some if len(inner) == len(get_args(annotation)) else st.none() | some


@st.composite
def written(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """Settings as a scenario may write them, every one of them given."""
    if EXAMPLES.get(kind):
        return dict(draw(st.sampled_from(EXAMPLES[kind])))
    module, values, taken = module_of("injectors", kind), {}, set()
    columns = {"column": module.COLUMN, **getattr(module, "ALSO", {})}
    for name, (annotation, _) in keywords(find("injectors", kind)).items():
        if columns.get(name) is None:
            values[name] = "Bonn" if name == "value" and "group" in columns else draw(a_value(annotation))
            continue
        # No column twice: few changes make sense of one with itself.
        free = [c for c in COLUMNS[columns[name]] if c not in taken]
        if "tuple" in str(annotation) or "Several" in str(annotation):
            values[name] = tuple(draw(st.permutations(free)))
            continue
        values[name] = draw(st.sampled_from(free))
        taken.add(values[name])
    if kind == "resample" and values["column"] == "city":
        values["value"] = "Bonn"  # a category has no distance from the mean
    elif kind == "resample":
        values["value"] = None
    return values


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def same_value(a: Any, b: Any) -> bool:
    """Equal, or the same number written as plain text."""
    if a is None or b is None or isinstance(a, str) == isinstance(b, str):
        return bool(a == b)
    try:
        return float(a) == float(b)
    except ValueError:
        return False


def changed(before: pa.Table, after: pa.Table) -> set[int]:
    """Numbers of the rows in which any value differs."""
    found = set()
    for name in dict.fromkeys(after.column_names + before.column_names):
        old, new = (
            rows[name].to_pylist() if name in rows.column_names else [None] * before.num_rows
            for rows in (before, after)
        )
        found |= {n for n, (a, b) in enumerate(zip(old, new, strict=True)) if not same_value(a, b)}
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_it_says_where_it_acts_and_what_becomes_of_the_answers(kind):
    module, function = module_of("injectors", kind), find("injectors", kind)
    assert module.SEAM in SEAMS
    assert module.LABELS in {"ask", "keep", "weights", "concept", "noise"}
    assert set(module.PROBLEMS) <= {"binary", "regression"}
    assert module.COLUMN in COLUMNS
    assert ("column" in keywords(function)) == (module.COLUMN is not None)
    assert first_line(function).endswith(".")
    for name in keywords(function):
        assert f"\n{name}\n" in inspect.getdoc(function), f"{kind}: {name} is not explained"


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=10)
def test_what_the_contract_writes_is_what_a_scenario_may_write(kind, data):
    function = find("injectors", kind)
    assert check(function, data.draw(written(kind)), "with")[1] == []


@pytest.mark.parametrize("kind", TRAFFIC)
@given(window=windows(), strength=st.floats(0.01, 1), data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_rows_are_changed_alike_every_time_and_only_where_allowed(kind, window, strength, data):
    rows, mask = window
    values = data.draw(written(kind))
    function = find("injectors", kind)
    before, mask_before, reference = rows.to_pydict(), mask.copy(), REFERENCE

    once = function(rows, mask, strength, rng(), reference, **values)
    again = function(rows, mask, strength, rng(), reference, **values)
    in_pieces = pa.concat_tables([rows.slice(0, 3), rows.slice(3)]) if rows.num_rows > 3 else rows
    pieced = function(in_pieces, mask, strength, rng(), reference, **values)

    assert once.equals(again)
    assert once.to_pydict() == pieced.to_pydict()
    assert rows.to_pydict() == before and (mask == mask_before).all() and reference == REFERENCE
    assert once.num_rows == rows.num_rows
    if getattr(module_of("injectors", kind), "SCHEMA", "stays") == "changes":
        assert len(set(once.column_names)) == once.num_columns
    else:
        assert once.column_names[: rows.num_columns] == rows.column_names
    assert set(once.column_names) - set(rows.column_names) <= set(values.values()), "a column nobody named"
    assert changed(rows, once) <= set(np.flatnonzero(mask))


@pytest.mark.parametrize("kind", TRAFFIC)
@given(window=windows(), data=st.data())
@settings(max_examples=20)
def test_no_strength_is_no_change_at_all(kind, window, data):
    rows, mask = window
    assert find("injectors", kind)(rows, mask, 0.0, rng(), REFERENCE, **data.draw(written(kind))) is rows


@pytest.mark.parametrize("kind", TRAFFIC)
@given(window=windows(), strengths=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)), data=st.data())
@settings(max_examples=40)
def test_a_row_struck_at_some_strength_is_struck_at_every_greater_one(kind, window, strengths, data):
    rows, mask = window
    values = data.draw(written(kind))
    weak, strong = (
        changed(rows, find("injectors", kind)(rows, mask, s, rng(), REFERENCE, **values))
        for s in sorted(strengths)
    )
    # A shift too small for the last digit of a large number is no change.
    if kind not in MORPHS:
        assert weak <= strong


@pytest.mark.parametrize("kind", TRAFFIC)
@given(window=windows(), data=st.data())
@settings(max_examples=20)
def test_the_mask_does_not_decide_how_much_is_drawn(kind, window, data):
    rows, mask = window
    values = data.draw(written(kind))
    some, none = rng(), rng()
    find("injectors", kind)(rows, mask, 0.5, some, REFERENCE, **values)
    find("injectors", kind)(rows, np.zeros(rows.num_rows, bool), 0.5, none, REFERENCE, **values)
    assert some.bit_generator.state == none.bit_generator.state


@pytest.mark.parametrize("kind", [k for k in TRAFFIC + DRAW if module_of("injectors", k).COLUMN])
def test_a_column_that_is_not_there_is_named_with_the_nearest_that_is(kind):
    rows = pa.table({"amount": [1.0], "city": ["Ulm"]})
    module, function = module_of("injectors", kind), find("injectors", kind)
    values = {n: d for n, (_, d) in keywords(function).items()}
    values |= {n: "elsewhere" for n, d in values.items() if d is ... and n != "by"}
    if module.COLUMN is None and not getattr(module, "ALSO", {}):
        pytest.skip(f"{kind} names no column that has to be there")
    wrong = "column" if module.COLUMN else next(iter(module.ALSO))
    values |= dict.fromkeys(getattr(module, "ALSO", {}), "city")
    of = module.COLUMN or module.ALSO[wrong]
    values[wrong] = "citi" if of == "categorical" else "amuont"
    if "tuple" in str(keywords(function)[wrong][0]):
        values[wrong] = ("amount", values[wrong])
    if "by" in values:
        values["by"] = 1.0
    first = (rows,) if kind in DRAW else (rows, np.ones(1, bool))
    rest = (REFERENCE,) if kind in DRAW else (rng(), REFERENCE)
    with pytest.raises(LookupError, match=r"did you mean '(amount|city)'"):
        function(*first, 1.0, *rest, **values)


@pytest.mark.parametrize("kind", DRAW)
@given(window=windows(), strength=st.floats(0, 1), data=st.data())
@settings(max_examples=40)
def test_weights_are_finite_and_above_zero_and_all_one_without_strength(kind, window, strength, data):
    pool, _ = window
    values = data.draw(written(kind))
    before = pool.to_pydict()
    weights = find("injectors", kind)(pool, strength, REFERENCE, **values)
    assert weights.shape == (pool.num_rows,)
    assert np.isfinite(weights).all() and (weights > 0).all()
    assert (weights == find("injectors", kind)(pool, strength, REFERENCE, **values)).all()
    assert pool.to_pydict() == before
    assert (find("injectors", kind)(pool, 0.0, REFERENCE, **values) == 1).all()


def call_on_answers(
    kind: str, answers: np.ndarray, mask: np.ndarray, strength: float, values: dict[str, Any]
):
    drawn = (rng(),) if module_of("injectors", kind).LABELS == "noise" else ()
    rows = usual(len(answers))
    return find("injectors", kind)(answers, rows, mask, strength, *drawn, REFERENCE, **values)


@pytest.mark.parametrize("kind", LABELS)
@given(
    answers=st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=12),
    strength=st.floats(0.01, 1),
    data=st.data(),
)
@settings(max_examples=40)
def test_answers_are_changed_alike_every_time_and_only_where_allowed(kind, answers, strength, data):
    eta = np.array([p for p, _ in answers])
    if module_of("injectors", kind).LABELS == "noise":
        eta = np.round(eta)
    mask = np.array([m for _, m in answers], bool)
    values = data.draw(written(kind))
    before = eta.copy()

    once = call_on_answers(kind, eta, mask, strength, values)

    assert (once == call_on_answers(kind, eta, mask, strength, values)).all()
    assert (eta == before).all()
    assert once.shape == eta.shape and once.dtype == eta.dtype
    if "binary" in module_of("injectors", kind).PROBLEMS:
        assert ((once >= 0) & (once <= 1)).all()
    assert (once[~mask] == eta[~mask]).all()
    assert call_on_answers(kind, eta, mask, 0.0, values) is eta


def undoable(seam: list[str]) -> list[str]:
    return [k for k in seam if hasattr(module_of("injectors", k), "undo")]


@pytest.mark.parametrize("kind", undoable(TRAFFIC))
@given(window=windows(), strength=st.floats(0, 1), data=st.data())
@settings(max_examples=40)
def test_what_can_be_undone_comes_back_to_the_byte(kind, window, strength, data):
    rows, mask = window
    module, values = module_of("injectors", kind), data.draw(written(kind))
    after = find("injectors", kind)(rows, mask, strength, rng(), REFERENCE, **values)
    assert module.undo(after, mask, strength, rng(), REFERENCE, **values).equals(rows)


@pytest.mark.parametrize("kind", [k for k in undoable(LABELS) if module_of("injectors", k).LABELS == "noise"])
@given(
    answers=st.lists(st.sampled_from([0.0, 1.0, np.nan]), max_size=12),
    strength=st.floats(0, 1),
    data=st.data(),
)
@settings(max_examples=40)
def test_a_record_that_can_be_undone_comes_back_to_the_byte(kind, answers, strength, data):
    before, mask = np.array(answers), np.arange(len(answers)) % 3 > 0
    values = data.draw(written(kind))
    after = call_on_answers(kind, before, mask, strength, values)
    rows = rows_of(len(answers))
    back = module_of("injectors", kind).undo(after, rows, mask, strength, rng(), REFERENCE, **values)
    assert back.dtype == before.dtype and back.tobytes() == before.tobytes()


@pytest.mark.parametrize("kind", MONITOR)
@given(strength=st.floats(0.01, 1), data=st.data())
@settings(max_examples=10)
def test_findings_are_left_out_never_altered(kind, strength, data):
    values = data.draw(written(kind))
    findings = tuple(Finding(monitor, "drift", "age", "psi", 0.2, 0.1, True, 3) for monitor in MONITORS)
    kept = find("injectors", kind)(findings, strength, **values)
    assert set(kept) <= set(findings)
    assert find("injectors", kind)(findings, 0.0, **values) is findings


@st.composite
def executions(draw: st.DrawFn) -> tuple[Due, ...]:
    """What is due in a window, in the order of its moments."""
    start = datetime(2026, 1, 5)
    hours = sorted(draw(st.lists(st.integers(1, 24), max_size=8)))
    moments = [start + timedelta(hours=hour) for hour in hours]
    names = draw(st.lists(st.sampled_from(["elsewhere", "hourly"]), min_size=8, max_size=8))
    firings = [Firing(moment, moment - timedelta(hours=1), moment) for moment in moments]
    return tuple(Due(name, firing, firing.moment) for name, firing in zip(names, firings, strict=False))


@pytest.mark.parametrize("kind", SCHEDULE)
@given(due=executions(), strengths=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)), data=st.data())
@settings(max_examples=30)
def test_executions_are_left_out_or_late_never_altered(kind, due, strengths, data):
    values, act = data.draw(written(kind)), find("injectors", kind)
    weak, strong = sorted(strengths)
    kept = act(due, strong, rng(), **values)
    assert kept == act(due, strong, rng(), **values)
    assert act(due, 0.0, rng(), **values) is due
    before = [(one.schedule, one.firing) for one in due]
    after = [(one.schedule, one.firing) for one in kept]
    assert all(after.count(one) <= before.count(one) for one in after)
    assert all(one.runs >= one.firing.moment for one in kept), "nothing runs before its time"
    struck = [one for one in due if one not in kept]
    assert all(one not in act(due, strong, rng(), **values) for one in struck)
    assert len(act(due, weak, rng(), **values)) >= len(kept)
    if values["schedule"] is not None:
        assert {one.schedule for one in struck} <= {values["schedule"]}


@pytest.mark.parametrize("kind", BASELINES)
@given(window=windows(), strength=st.floats(0.01, 1), data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_baseline_rows_are_altered_alike_every_time_and_only_where_allowed(kind, window, strength, data):
    rows, mask = window
    rows = rows.rename_columns(["label" if name == "target" else name for name in rows.column_names])
    values, act = data.draw(written(kind)), find("injectors", kind)
    before, marked = rows.to_pydict(), mask.copy()
    once = act(rows, mask, strength, rng(), **values)
    assert once.equals(act(rows, mask, strength, rng(), **values))
    assert rows.to_pydict() == before and (mask == marked).all()
    assert once.column_names == rows.column_names
    assert act(rows, mask, 0.0, rng(), **values) is rows
    left = set(once["inference_id"].to_pylist())
    assert left >= {f"i{n}" for n in np.flatnonzero(~mask)}, "a row outside the mask was left out"
    old = rows.filter(pa.array([one in left for one in rows["inference_id"].to_pylist()], pa.bool_()))
    struck = {old["inference_id"][n].as_py() for n in changed(old, once)}
    assert struck <= {f"i{n}" for n in np.flatnonzero(mask)}
