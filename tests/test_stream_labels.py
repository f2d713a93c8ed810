"""Labels that come late, in part or never, and decisions that come back: the world as the stream keeps it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from simlab import events as e
from simlab.artifacts import Deployment, History, Plan, Served
from simlab.scenario import Injection
from simlab.signature import module_of, names
from simlab.stages.features import _parts
from simlab.stream import Stream
from tests.test_stream import DEPLOYMENT, Kept, make, scenario, source

EXAMPLES = Path(__file__).parent / "injectors" / "examples"


def on_labels(kind: str, id: str = "it", **more: Any) -> Injection:
    return Injection(id=id, kind=kind, on="labels", **more)


def answer(
    stream: Stream, kept: Kept, window: Any, said: Any = 0.7, deployment: Deployment = DEPLOYMENT
) -> None:
    """Answer every row of a window, with one prediction or by a function of the row."""
    ids = window.table["inference_id"]
    values = [said(row) for row in window.table.to_pylist()] if callable(said) else [said] * len(ids)
    served = Served(
        window.number, 1, pa.table({"inference_id": ids, "prediction": pa.array(values, pa.float64())})
    )
    stream.observe(deployment, served, kept.outside().keep(window))


def live(given: Any, said: Any = 0.7, rows: Any = None) -> tuple[list[Any], list[Any], Kept, Stream]:
    """All windows of a world, the labels known after each, and what the world said."""
    stream, kept = make(given, rows)
    windows, labels = [], []
    while window := stream.next(History()):
        answer(stream, kept, window, said)
        windows.append(window)
        labels.append(stream.labels_due(window.number))
    return windows, labels, kept, stream


def moments(windows: list[Any]) -> dict[int, Any]:
    """When each row happened."""
    return {
        i: at
        for w in windows
        for i, at in zip(w.table["inference_id"].to_pylist(), w.table["at"].to_pylist(), strict=True)
    }


# --- late -----------------------------------------------------------------------------------------


def test_labels_that_trickle_are_judged_together_and_none_before_it_is_due() -> None:
    late = on_labels("delay_labels", settings={"mean": "36h", "law": "exponential"})
    windows, labels, _, _ = live(scenario(inject=(late,)))
    happened = moments(windows)
    before: dict[int, set[int]] = {}
    came_in: dict[int, int] = {}
    for known in labels:
        by_window: dict[int, set[int]] = {}
        for i, of in zip(
            known.table["inference_id"].to_pylist(), known.table["window"].to_pylist(), strict=True
        ):
            by_window.setdefault(of, set()).add(i)
        fresh = 0
        for of, ids in by_window.items():
            assert ids > before.get(of, set()), "all that was known, and more"
            fresh += len(ids - before.get(of, set()))
            for i in ids:
                assert happened[i] < windows[known.arrived].end, "no label of a row that is yet to come"
            came_in[of] = came_in.get(of, 0) + 1
        assert known.fresh == fresh
        before |= by_window
    assert max(came_in.values()) >= 4, "labels of one window came during several"
    assert 85 < len(before[0]) <= 100, "after six days almost all of the first window's labels are known"


def test_what_is_known_of_a_window_after_some_days_is_the_law_of_waiting() -> None:
    late = on_labels("delay_labels", settings={"mean": "48h", "law": "exponential"})
    _, labels, kept, _ = live(scenario(inject=(late,)))
    known = {each.arrived: pc.sum(pc.equal(each.table["window"], 0)).as_py() or 0 for each in labels}
    # Rows lie evenly in the day: the mean of 1 - exp(-(k + 1 - u) / 2) over u in [0, 1].
    for k in range(6):
        expected = 1 - 2 * (np.exp(0.5) - 1) * np.exp(-(k + 1) / 2)
        assert known.get(k, max(known.values())) / 100 == pytest.approx(expected, abs=0.2)
    sizes = [f.size for f in kept.injected()]
    assert all(s is not None and s.declared == pytest.approx(48) and s.error for s in sizes)


def test_a_delay_grows_with_its_shape_and_ends_with_it() -> None:
    late = on_labels(
        "delay_labels", start=2, end=4, shape={"linear": 2}, settings={"mean": "2d", "law": "constant"}
    )
    _, labels, _, _ = live(scenario(inject=(late,)))
    arrived = {
        n: sorted({each.arrived for each in labels if n in each.table["window"].to_pylist()})
        for n in range(6)
    }
    assert arrived[1] == [1] and arrived[2] == [3] and arrived[3] == [5] and arrived[4] == [4]


def test_a_retrain_gets_the_labels_that_trickled_in_so_far() -> None:
    late = on_labels("delay_labels", settings={"mean": "1d", "law": "exponential"})
    stream, kept = make(scenario(inject=(late,)))
    stream.training()
    counts = []
    for _ in range(4):
        window = stream.next(History())
        assert window is not None
        answer(stream, kept, window)
        stream.labels_due(window.number)
        table = stream.rows(Plan("because", (0,), include_training=False)).table
        counts.append(pc.sum(pc.equal(table["split"], "history")).as_py())
    assert 0 < counts[0] < counts[1] < counts[2] <= counts[3] <= 100


def test_labels_are_due_after_what_happened_whatever_else_is_sent() -> None:
    """A message that says nothing of its row any more does not change when the answer is known."""
    wrong = Injection(id="wrong", kind="set_missing", settings={"column": "job", "share": 1.0})
    slow = on_labels("lose_labels", where="job = 'baker'", settings={"share": 1.0})
    plain = live(scenario(inject=(slow,)))[1]
    with_it = live(scenario(inject=(slow, wrong)))[1]
    assert [a.table.to_pydict() for a in plain] == [b.table.to_pydict() for b in with_it]
    assert 0 < plain[0].table.num_rows < 100


# --- lost and selective -----------------------------------------------------------------------------


def test_lost_labels_never_come() -> None:
    lost = on_labels("lose_labels", settings={"share": 0.4})
    _, labels, kept, stream = live(scenario(inject=(lost,)))
    known = sum(each.fresh for each in labels)
    gone = sum(f.rows for f in kept.injected())
    assert known + gone == 600 and gone / 600 == pytest.approx(0.4, abs=0.08)
    assert not stream._pending, "nobody waits for what never comes"


def test_only_whom_the_model_said_yes_to_is_labelled_and_a_few_by_exploration() -> None:
    def said(row: dict[str, Any]) -> float:
        return 0.9 if row["job"] == "baker" else 0.1

    def jobs(explore: float) -> dict[str, float]:
        chosen = on_labels("select_labels", settings={"explore": explore})
        windows, labels, _, _ = live(scenario(inject=(chosen,)), said)
        job = {i: j for w in windows for i, j in zip(
            w.table["inference_id"].to_pylist(), w.table["job"].to_pylist(), strict=True)}  # fmt: skip
        known = {i for each in labels for i in each.table["inference_id"].to_pylist()}
        every = list(job.values())
        return {j: sum(job[i] == j for i in known) / every.count(j) for j in set(every)}

    assert jobs(0.0) == {"baker": 1.0, "clerk": 0.0}
    some = jobs(0.3)
    assert some["baker"] == 1.0 and some["clerk"] == pytest.approx(0.3, abs=0.1)


def test_a_row_that_was_refused_disturbs_no_other_rows_draw() -> None:
    lost = on_labels("lose_labels", settings={"share": 0.5})
    found = []
    for first in (0, 30):
        stream, kept = make(scenario(inject=(lost,)))
        window = stream.next(History())
        assert window is not None
        answer(stream, kept, replace(window, table=window.table.slice(first)))
        found.append(set(stream.labels_due(0).table["inference_id"].to_pylist()))
        (fact,) = kept.injected()
        assert fact.of == 100 - first and fact.rows == fact.of - len(found[-1])
    assert found[1] == {i for i in found[0] if i >= 30}


# --- noise and hindsight ----------------------------------------------------------------------------


def test_hindsight_judges_what_happened_and_the_labels_say_what_was_recorded() -> None:
    def truth_and_record(*inject: Injection) -> tuple[Any, float]:
        _, labels, kept, _ = live(scenario(inject=inject))
        judged = [f.metrics["positive_rate"] for f in kept.said if isinstance(f, e.HindsightMeasured)]
        values = np.concatenate([each.table["label"].to_numpy() for each in labels])
        return judged, float(values.mean())

    plain, recorded = truth_and_record()
    noisy, wrong = truth_and_record(on_labels("flip_by_class", settings={"from_0": 0.0, "from_1": 1.0}))
    assert plain == noisy and plain[0] is not None and recorded > 0.3
    assert wrong == 0.0


def test_noise_knows_people_as_they_are_even_if_the_message_does_not() -> None:
    """Conditions and groups are those of the row, though the column was renamed, broken, or lost."""
    noise = on_labels("flip_by_group", id="noise", settings={"group": "job", "rates": {"baker": 1.0}})
    only = on_labels("flip_labels", id="only", where="age > 50", settings={"share": 1.0})
    broken = (
        Injection(id="a", kind="set_missing", settings={"column": "job", "share": 1.0}),
        Injection(id="b", kind="retype_column", settings={"column": "age", "style": "comma"}),
    )
    for record in (noise, only):
        plain, hurt = (live(scenario(inject=inject))[1] for inject in ((record,), (record, *broken)))
        assert [a.table.to_pydict() for a in plain] == [b.table.to_pydict() for b in hurt]


def test_two_changes_of_the_law_are_each_measured_by_their_own_effect() -> None:
    both = (
        on_labels("change_concept", id="a", where="job = 'baker'", settings={"mode": "invert"}),
        on_labels("change_concept", id="b", where="job = 'clerk'", settings={"mode": "invert"}),
    )
    _, _, kept, _ = live(scenario(inject=both))
    apart = [live(scenario(inject=(i,)))[2].injected() for i in both]
    assert sum(f.relabelled for f in kept.injected()) == sum(f.relabelled for one in apart for f in one)
    assert [f.relabelled for f in kept.injected() if f.injection == "a"] == [f.relabelled for f in apart[0]]


def test_a_regressions_record_is_blurred_and_what_happened_is_not() -> None:
    rows = source()
    rows = replace(rows, schema=replace(rows.schema, problem="regression"))
    settings = yaml.safe_load((EXAMPLES / "blur_labels.yaml").read_text())
    deployment = replace(DEPLOYMENT, problem="regression")

    def told(*inject: Injection) -> tuple[list[Any], np.ndarray, list[e.Injected]]:
        stream, kept = make(scenario(inject=inject), rows)
        values = []
        while window := stream.next(History()):
            answer(stream, kept, window, deployment=deployment)
            values.append(stream.labels_due(window.number).table["label"].to_numpy())
        judged = [f.metrics for f in kept.said if isinstance(f, e.HindsightMeasured)]
        return judged, np.concatenate(values), kept.injected()

    def an(which: str, **more: Any) -> Injection:
        return Injection.model_validate({"id": "it", "kind": "blur_labels", **settings[which], **more})

    judged, plain, _ = told()
    assert told(an("nothing"))[0] == judged and (told(an("nothing"))[1] == plain).all()
    hurt, blurred, facts = told(an("something"))
    assert hurt == judged and (blurred != plain).mean() > 0.99
    assert all(f.size is not None and f.size.declared == pytest.approx(0.3) for f in facts)
    again = told(an("something"))
    assert (again[1] == blurred).all()
    assert told(an("something", enabled=False))[1].tolist() == plain.tolist()


def test_every_injector_of_a_regression_alone_is_held_to_it_here() -> None:
    alone = [k for k in names("injectors") if module_of("injectors", k).PROBLEMS == ("regression",)]
    assert alone == ["blur_labels", "move_mean"]  # the latter: tests/test_regression_injectors.py


# --- decisions that come back -----------------------------------------------------------------------


def only_bakers(row: dict[str, Any]) -> float:
    return 0.9 if row["job"] == "baker" else 0.1


def bakers(windows: list[Any]) -> list[float]:
    return [w.table["job"].to_pylist().count("baker") / w.table.num_rows for w in windows]


def test_decisions_of_one_window_weigh_in_the_draw_of_the_next() -> None:
    loop = Injection(id="loop", kind="feed_back", settings={"group": "job", "gain": 1.0, "prior": 100.0})
    windows, _, kept, stream = live(scenario(inject=(loop,)), only_bakers)
    shares = bakers(windows)
    plain = bakers(live(scenario(), only_bakers)[0])
    assert shares[0] == plain[0], "before anybody was answered nothing feeds back"
    base = stream._pool["job"].to_pylist().count("baker") / stream._pool.num_rows
    yes = 0.0
    for number, fact in enumerate(kept.injected()):
        due = (100 * base + yes) / (100 + yes)
        assert fact.size is not None and fact.size.what.endswith("baker") or number == 0
        if number:
            assert fact.size is not None and fact.size.measured == pytest.approx(due, rel=1e-4)
        assert shares[number] == pytest.approx(due, abs=0.2)
        yes += shares[number] * 100
    assert stream.past("job")["baker"] == (round(yes), round(yes))
    assert stream.past("job")["clerk"] == (600 - round(yes), 0)
    assert shares[-1] > plain[-1] + 0.2


def test_who_was_answered_is_counted_as_who_they_are() -> None:
    loop = Injection(id="loop", kind="feed_back", settings={"group": "job"})
    gone = Injection(id="gone", kind="set_missing", settings={"column": "job", "share": 1.0})
    stream = live(scenario(inject=(loop, gone)))[3]
    assert set(stream.past("job")) == {"baker", "clerk"}


def test_without_a_yes_nothing_feeds_back() -> None:
    loop = Injection(id="loop", kind="feed_back", settings={"group": "job", "prior": 1.0})
    with_it = live(scenario(inject=(loop,)), 0.1)[0]
    assert all(a.table.equals(b.table) for a, b in zip(with_it, live(scenario(), 0.1)[0], strict=True))


# --- draws ------------------------------------------------------------------------------------------


def under(**more: Any) -> Injection:
    return Injection(
        id="few", kind="underrepresent", settings={"group": "job", "value": "baker", "keep": 0.1}, **more
    )


def parts(stream: Stream) -> tuple[pa.Table, pa.Table]:
    table = stream.training().table
    history, baseline = (table.filter(pc.equal(table["split"], s)) for s in ("history", "baseline"))
    return history, baseline


def test_a_draw_on_training_rows_draws_them_anew_and_nothing_else() -> None:
    plain, few = make(scenario())[0], make(scenario(inject=(under(on="training"),)))[0]
    (a, base_a), (b, base_b) = parts(plain), parts(few)
    assert a.num_rows == b.num_rows == 400
    assert base_a.drop_columns(["id"]).equals(base_b.drop_columns(["id"]))
    assert set(b["age"].to_pylist()) <= set(a["age"].to_pylist()), "from the training rows alone"
    share = b["job"].to_pylist().count("baker") / 400
    assert share == pytest.approx(0.1 / 1.1, abs=0.06) and a["job"].to_pylist().count("baker") / 400 > 0.4
    first, second = plain.next(History()), few.next(History())
    assert first is not None and second is not None and first.table.equals(second.table)


def test_copies_of_a_training_row_are_the_same_person_at_other_times() -> None:
    """So no split can test a model on a person it was trained on, and no join takes one for the other."""
    rows, _ = parts(make(scenario(inject=(under(on="training"),)))[0])
    people: dict[int, set[float]] = {}
    for person, age in zip(rows["id"].to_pylist(), rows["age"].to_pylist(), strict=True):
        people.setdefault(person, set()).add(age)
    assert all(len(ages) == 1 for ages in people.values()) and len(people) < 400
    assert len(set(rows["at"].to_pylist())) == 400


def test_weights_that_are_all_alike_draw_nobody_anew() -> None:
    nobody = under(on="training", where="age > 900")
    a, b = (parts(make(scenario(inject=inject))[0])[0] for inject in ((), (nobody,)))
    assert a.equals(b)


@pytest.mark.parametrize("part", [{"fraction": 0.5}, {"act": "mix", "shape": {"steps": {0: 0.5}}}])
def test_a_share_of_the_rows_may_come_from_the_weighted_world(part: dict[str, Any]) -> None:
    all_, half, none = (
        bakers(live(scenario(inject=(i,) if i else ()))[0]) for i in (under(), under(**part), None)
    )
    low, middle, high = np.mean(all_), np.mean(half), np.mean(none)
    assert middle == pytest.approx((low + high) / 2, abs=0.06) and low < middle - 0.1 < high - 0.2


def test_a_draw_with_a_condition_touches_only_those_it_holds_for() -> None:
    kept_windows = live(scenario(inject=(under(where="age < 40"),)))[0]
    table = pa.concat_tables([w.table for w in kept_windows])
    young = table.filter(pc.less(table["age"], 40))["job"].to_pylist()
    old = table.filter(pc.greater_equal(table["age"], 40))["job"].to_pylist()
    assert young.count("baker") / len(young) < 0.2 < 0.4 < old.count("baker") / len(old)


def test_a_model_is_never_tested_on_a_copy_of_what_it_learned_from() -> None:
    class Drawing:
        def rng(self, name: str) -> np.random.Generator:
            return np.random.default_rng(1)

    people = np.repeat(np.arange(300), 3)
    for shuffled in (people, np.random.default_rng(2).permutation(people)):
        part = _parts(Drawing(), pa.chunked_array([shuffled]), False, 0.2, 0.2)  # type: ignore[arg-type]
        homes: dict[int, set[str]] = {}
        for person, home in zip(shuffled.tolist(), part, strict=True):
            homes.setdefault(person, set()).add(home)
        assert all(len(home) == 1 for home in homes.values())
        assert [part.count(name) / 900 for name in ("train", "valid", "test")] == [0.6, 0.2, 0.2]
