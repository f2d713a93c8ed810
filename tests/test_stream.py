"""The world outside: the three-way split, traffic by window, labels that come due, twins that stay coupled."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from simlab import events as e
from simlab.artifacts import WEIGHT, Column, Deployment, History, Model, Plan, Schema, Served, View
from simlab.errors import ScenarioInvalid
from simlab.scenario import Clock, Injection, LabelLaw, Scenario, Seeds, World
from simlab.stream import Outside, Source, Stream

START = datetime(2026, 1, 5)
COLUMNS = (Column("age", "numeric"), Column("job", "categorical"))
SCHEMA = Schema("binary", "y", "id", "at", COLUMNS, views=(View("people", "id", COLUMNS, from_rows=True),))


def source(rows: int = 2000, ordered: bool = False) -> Source:
    rng = np.random.default_rng(0)
    age = rng.uniform(20, 60, rows)
    table = pa.table(
        {
            "id": pa.array(np.arange(rows)),
            "age": age,
            "job": pa.array(rng.choice(["baker", "clerk"], rows), pa.string()),
            "y": (rng.random(rows) < (age - 20) / 40).astype(float),
        }
    )
    if ordered:  # one row an hour, from ten days before the start
        at = [START + timedelta(hours=i - 240) for i in range(rows)]
        table = table.add_column(1, "at", pa.array(at, pa.timestamp("us")))
    return Source("by hand", "d1", table, {}, replace(SCHEMA, ordered=ordered))


def scenario(**more: Any) -> Scenario:
    given: dict[str, Any] = {
        "seed": Seeds(world=5, build=5),
        "clock": Clock(start=START, windows=6, rows=100),
        "world": World(training=400, baseline_rows=300),
    }
    return Scenario(simlab=1, title="t", dataset="by hand", name="s", **{**given, **more})


def shift(by: float = 1.0, **more: Any) -> Injection:
    return Injection(id="older", kind="shift_column", settings={"column": "age", "by": by}, **more)


class Kept:
    """What the stream gives away, kept in memory."""

    def __init__(self) -> None:
        self.said: list[e.Event] = []
        self.nouns: list[Any] = []

    def outside(self) -> Outside:
        def keep(noun: Any) -> str:
            self.nouns.append(noun)
            return str(len(self.nouns) - 1)

        def memo(name: str, inputs: Any, compute: Any) -> Any:
            return compute()

        return Outside(self.said.append, memo, keep, lambda name: self.nouns[int(name)])

    def injected(self) -> list[e.Injected]:
        return [fact for fact in self.said if isinstance(fact, e.Injected)]


def make(given: Scenario, rows: Source | None = None) -> tuple[Stream, Kept]:
    kept = Kept()
    return Stream(given, rows or source(), kept.outside()), kept


def windows(given: Scenario, rows: Source | None = None) -> list[Any]:
    stream, _ = make(given, rows)
    return [stream.next(History()) for _ in range(given.clock.windows)]


MODEL = Model("linear", "binary", ("age",), ("job",), {}, "", {}, 0.5, pa.table({}))
DEPLOYMENT = Deployment(
    1, b"", "linear", "binary", SCHEMA, ("age",), ("job",), 0.5, (), pa.table({}), {}, 0.0, MODEL
)


def answer(stream: Stream, kept: Kept, window: Any, prediction: float = 0.7) -> Served:
    """Answer every row of a window with one prediction."""
    ids = window.table["inference_id"]
    served = Served(
        window.number,
        1,
        pa.table({"inference_id": ids, "prediction": pa.array([prediction] * len(ids), pa.float64())}),
    )
    stream.observe(DEPLOYMENT, served, kept.outside().keep(window))
    return served


# --- the split ----------------------------------------------------------------------------------


def test_training_baseline_and_traffic_come_from_three_parts() -> None:
    rows = source()
    stream, kept = make(scenario(), rows)
    table = stream.training().table
    split = table["split"].to_pylist()
    assert (split.count("history"), split.count("baseline")) == (400, 300)
    trained = set(table.filter(pc.equal(table["split"], "history"))["age"].to_pylist())
    baseline = set(table.filter(pc.equal(table["split"], "baseline"))["age"].to_pylist())
    lived = {age for window in windows(scenario(), rows) for age in window.table["age"].to_pylist()}
    assert not trained & (baseline | lived), "what is trained on is never seen again"
    started = kept.said[0]
    assert isinstance(started, e.WorldStarted)
    assert (started.training_rows, started.baseline_rows, started.pool_rows) == (400, 300, 1600)
    assert abs(started.baseline_gap["age"] or 0) < 0.2


def test_the_baseline_may_be_drawn_from_training() -> None:
    table = (
        make(scenario(world=World(training=400, baseline_rows=300, baseline="training")))[0].training().table
    )
    parts = [
        set(table.filter(pc.equal(table["split"], s))["age"].to_pylist()) for s in ("history", "baseline")
    ]
    assert parts[1] <= parts[0]


def test_a_share_of_rows_to_train_on() -> None:
    stream, kept = make(scenario(world=World(training=0.25, baseline_rows=50)))
    stream.training()
    assert kept.said[0].training_rows == 500  # type: ignore[attr-defined]


@pytest.mark.parametrize("training", [2000, 5000])
def test_a_world_without_traffic_is_refused(training: int) -> None:
    with pytest.raises(
        ScenarioInvalid, match=r"world\.training: leaves no rows of by hand for traffic; it has 2000"
    ):
        make(scenario(world=World(training=training)))


# --- traffic ------------------------------------------------------------------------------------


def test_windows_are_dated_counted_and_carry_no_label() -> None:
    for number, window in enumerate(windows(scenario())):
        assert (window.number, window.start, window.end) == (
            number, START + timedelta(days=number), START + timedelta(days=number + 1),
        )  # fmt: skip
        assert "y" not in window.table.column_names
        ends = pc.min_max(window.table["at"]).as_py()
        assert window.start <= ends["min"] <= ends["max"] < window.end
        assert window.table.num_rows == len(set(window.table["inference_id"].to_pylist())) == 100


def test_the_world_ends_after_its_last_window() -> None:
    stream, kept = make(scenario())
    for _ in range(6):
        assert stream.next(History()) is not None
    assert stream.next(History()) is None
    assert isinstance(kept.said[-1], e.WorldFinished)


def test_a_replay_plays_each_row_once_in_its_own_window() -> None:
    rows = source(600, ordered=True)
    given = scenario(world=World(order="replay", training=1000, baseline_rows=50))
    played = windows(given, rows)
    assert [w.table.num_rows for w in played] == [24] * 6
    assert [i for w in played for i in w.table["id"].to_pylist()] == list(range(240, 240 + 144))
    training = make(given, rows)[0].training().table
    history = training.filter(pc.equal(training["split"], "history"))
    assert history["id"].to_pylist() == list(range(240)), "nothing from after the start"


@pytest.mark.parametrize("start", [datetime(2020, 1, 1), datetime(2030, 1, 1)])
def test_a_replay_outside_the_data_is_refused(start: datetime) -> None:
    with pytest.raises(ScenarioInvalid, match=r"clock\.start: leaves no rows of by hand"):
        make(
            scenario(world=World(order="replay"), clock=Clock(start=start, windows=3)),
            source(600, ordered=True),
        )


# --- twins --------------------------------------------------------------------------------------


def twins(injection: Injection, **more: Any) -> tuple[list[Any], list[Any]]:
    return windows(scenario(**more)), windows(scenario(inject=(injection,), **more))


def test_twins_are_equal_until_the_injection_and_in_every_untouched_row() -> None:
    without, with_it = twins(shift(start=2, where="job = 'baker'", fraction=0.5))
    for number, (a, b) in enumerate(zip(without, with_it, strict=True)):
        if number < 2:
            assert a.table.equals(b.table)
            continue
        moved = pc.not_equal(a.table["age"], b.table["age"])
        jobs = set(a.table.filter(moved)["job"].to_pylist())
        assert jobs == {"baker"}
        assert 10 < pc.sum(moved).as_py() < 45, "about half of the bakers"
        still = pc.invert(moved)
        assert a.table.filter(still).equals(b.table.filter(still))
        assert a.table.drop_columns(["age"]).equals(b.table.drop_columns(["age"])), "only one column moves"


def test_twins_keep_the_labels_of_untouched_rows_and_most_of_the_others() -> None:
    stream, kept = make(scenario())
    other, _ = make(scenario(inject=(shift(start=0, fraction=0.5),)))
    a, b = stream.next(History()), other.next(History())
    assert a is not None and b is not None
    truth, moved_truth = (w._sent[0][SCHEMA.target].to_numpy() for w in (stream, other))
    moved = pc.not_equal(a.table["age"], b.table["age"]).to_numpy(zero_copy_only=False)
    assert (truth[~moved] == moved_truth[~moved]).all()
    changed = truth[moved] != moved_truth[moved]
    assert 0 < changed.mean() < 0.6
    assert (moved_truth[moved] >= truth[moved]).mean() > 0.9, "the older earn more: labels move one way"


def test_resampling_moves_who_arrives_and_weights_of_one_move_nobody() -> None:
    def resample(by: float) -> Injection:
        return Injection(id="who", kind="resample", start=2, settings={"column": "age", "by": by})

    without, alike = twins(resample(0.0))
    assert all(a.table.equals(b.table) for a, b in zip(without, alike, strict=True))
    _, older = twins(resample(1.0))
    assert all(a.table.equals(b.table) for a, b in zip(without[:2], older[:2], strict=True))
    for a, b in zip(without[2:], older[2:], strict=True):
        assert pc.mean(b.table["age"]).as_py() > pc.mean(a.table["age"]).as_py() + 3


def test_what_an_injection_did_is_told_with_its_measured_size() -> None:
    stream, kept = make(scenario(inject=(shift(start=1, shape={"linear": 2}),)))
    stream.training()
    for _ in range(3):
        stream.next(History())
    one, two = kept.injected()
    assert [(f.window, f.intensity, f.rows, f.of) for f in (one, two)] == [
        (1, 0.5, 100, 100),
        (2, 1.0, 100, 100),
    ]
    assert one.measured["age"] == pytest.approx(0.5, abs=1e-4) and two.measured["age"] == pytest.approx(
        1.0, abs=1e-4
    )
    assert two.relabelled > one.relabelled > 0


def test_an_injection_on_training_rows_touches_them_alone() -> None:
    plain, hurt = (make(scenario(inject=inject))[0] for inject in ((), (shift(on="training"),)))
    a, b = plain.training().table, hurt.training().table
    moved = pc.not_equal(a["age"], b["age"]).to_pylist()
    assert moved == [split == "history" for split in a["split"].to_pylist()]
    first, second = plain.next(History()), hurt.next(History())
    assert first is not None and second is not None and first.table.equals(second.table)


# --- labels -------------------------------------------------------------------------------------


def live(given: Scenario, prediction: float = 0.7) -> list[list[int]]:
    """Which windows' labels arrive during each window."""
    stream, kept = make(given)
    found = []
    while window := stream.next(History()):
        answer(stream, kept, window, prediction)
        labels = stream.labels_due(window.number)
        assert labels.arrived == window.number
        found.append(sorted(set(labels.table["window"].to_pylist())))
    return found


def test_labels_arrive_when_they_are_due_and_once() -> None:
    late = live(scenario(labels=LabelLaw(delay=timedelta(days=2))))
    assert late[:2] == [[], []]
    assert all(all(number - 2 <= of <= number - 1 for of in arrived) for number, arrived in enumerate(late))
    assert sorted({of for arrived in late for of in arrived}) == [0, 1, 2, 3]


def test_no_label_is_known_before_its_delay_has_passed() -> None:
    stream, kept = make(scenario(labels=LabelLaw(delay=timedelta(hours=30))))
    known: dict[int, int] = {}
    while window := stream.next(History()):
        answer(stream, kept, window)
        ids = stream.labels_due(window.number).table["inference_id"].to_pylist()
        asked = dict(
            zip(window.table["inference_id"].to_pylist(), window.table["at"].to_pylist(), strict=True)
        )
        known |= dict.fromkeys(ids, window.number)
        assert not set(ids) & set(asked), "asked and answered within one window"
    assert len(known) == len(set(known))


def test_a_share_of_labels_never_arrives() -> None:
    stream, kept = make(scenario(labels=LabelLaw(share=0.3)))
    total = 0
    while window := stream.next(History()):
        answer(stream, kept, window)
        total += stream.labels_due(window.number).table.num_rows
    assert 100 < total < 240


@pytest.mark.parametrize(("prediction", "some"), [(0.7, True), (0.2, False)])
def test_selective_labels_are_known_only_of_whom_the_model_said_yes_to(prediction: float, some: bool) -> None:
    arrived = live(scenario(labels=LabelLaw(seen="positive")), prediction)
    assert any(arrived) is some


def test_a_refused_row_is_never_labelled() -> None:
    stream, kept = make(scenario())
    window = stream.next(History())
    assert window is not None
    answer(stream, kept, replace(window, table=window.table.slice(40)))
    later = stream.next(History())
    assert later is not None
    answer(stream, kept, replace(later, table=later.table.slice(0, 0)))
    ids = set(stream.labels_due(1).table["inference_id"].to_pylist())
    assert ids == set(window.table["inference_id"].to_pylist()[40:])


def test_a_retrain_gets_accepted_rows_with_the_labels_known_by_now() -> None:
    stream, kept = make(scenario(labels=LabelLaw(share=0.5)))
    stream.training()
    known: set[int] = set()
    for _ in range(3):
        window = stream.next(History())
        assert window is not None
        answer(stream, kept, window)
        known |= set(stream.labels_due(window.number).table["inference_id"].to_pylist())
    plan = Plan("because", (0, 1), include_training=False)
    table = stream.rows(plan).table
    fresh = table.filter(pc.equal(table["split"], "history"))
    wanted = {i for i in known if i < 20_000_000}
    assert set(fresh["id"].to_pylist()) == wanted
    assert fresh["y"].null_count == 0 and set(fresh["y"].to_pylist()) == {0.0, 1.0}
    both = stream.rows(replace(plan, include_training=True)).table
    assert pc.sum(pc.equal(both["split"], "history")).as_py() == len(wanted) + 400


def lived(windows: int, **more: Any) -> Stream:
    stream, kept = make(scenario(**more))
    stream.training()
    for _ in range(windows):
        window = stream.next(History())
        assert window is not None
        answer(stream, kept, window)
        stream.labels_due(window.number)
    return stream


def test_a_row_loses_half_its_weight_in_a_half_life() -> None:
    """Windows 0 and 2 of three, and training rows of the four windows before: 100 a window."""
    stream = lived(3)
    plan = Plan("because", (0, 2), include_training=True, half_life=2.0)
    table = stream.rows(plan).table
    fresh = table.filter(pc.equal(table["split"], "history"))
    found: dict[int, set[float]] = {}
    for at, weight in zip(fresh["at"].to_pylist(), fresh[WEIGHT].to_pylist(), strict=True):
        found.setdefault((at - START) // timedelta(days=1), set()).add(round(weight, 9))
    assert found == {day: {round(0.5 ** ((2 - day) / 2), 9)} for day in (-4, -3, -2, -1, 0, 2)}
    others = table.filter(pc.not_equal(table["split"], "history"))
    assert set(others[WEIGHT].to_pylist()) == {1.0}, "nobody trains on the monitors' baseline"
    assert WEIGHT not in stream.rows(replace(plan, half_life=None)).table.column_names


def test_windows_that_are_held_out_are_in_no_other_part() -> None:
    stream = lived(4)
    table = stream.rows(Plan("because", (0, 1), include_training=True, held_out=(2, 3))).table
    windows = {
        name: {
            i // 10_000_000 for i in table.filter(pc.equal(table["split"], name))["id"].to_pylist() if i >= 0
        }
        for name in ("history", "baseline", "held_out")
    }
    assert windows == {"history": {0, 1}, "baseline": {0, 1}, "held_out": {2, 3}}


def test_hindsight_judges_with_every_label_at_once() -> None:
    stream, kept = make(scenario(labels=LabelLaw(delay=timedelta(days=30))))
    window = stream.next(History())
    assert window is not None
    answer(stream, kept, window)
    (judged,) = [f for f in kept.said if isinstance(f, e.HindsightMeasured)]
    assert (judged.window, judged.version, judged.rows) == (0, 1, 100)
    assert judged.metrics["accuracy"] == pytest.approx(judged.metrics["positive_rate"])
