from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.metrics import roc_auc_score

from simlab.artifacts import Column, Schema, View
from simlab.card import load_card
from simlab.dataset import load, schema
from simlab.engines import engine
from simlab.errors import SimlabError

pytestmark = pytest.mark.engine

feast = engine("feast")
FLIGHTS = Path(__file__).parents[2] / "datasets" / "nyc-flights"
START = datetime(2020, 1, 1)
HOUR = 3600

SHOPS = Schema(
    problem="binary",
    target="sold",
    entity="visit_id",
    event_time="when",
    columns=(Column("city", "categorical"), Column("amount_y", "numeric")),
    keys=("shop",),
    views=(
        View(
            "visit",
            "visit_id",
            (Column("city", "categorical"), Column("amount_y", "numeric")),
            from_rows=True,
        ),
        View(
            "weather", "city", (Column("heat", "numeric"), Column("sky", "categorical")), ttl_seconds=3 * HOUR
        ),
        View("shops", "shop", (Column("size", "numeric"),)),
    ),
)
"""Three views with three clocks; `city` is a key and a feature at once."""


def at(*hours: float | None) -> pa.Array:
    return pa.array([None if h is None else START + timedelta(hours=h) for h in hours], pa.timestamp("us"))


def visits(hours, cities, shops, ids=None):
    count = len(hours)
    return pa.table(
        {
            "visit_id": pa.array(range(count) if ids is None else ids, pa.int64()),
            "when": at(*hours),
            "shop": pa.array(shops, pa.string()),
            "city": pa.array(cities, pa.string()),
            "amount_y": pa.array([float(n) for n in range(count)]),
            "sold": pa.array([float(n % 2) for n in range(count)]),
        }
    )


def weather(hours, cities, heats, skies=None):
    skies = ["clear"] * len(hours) if skies is None else skies
    return pa.table(
        {
            "city": pa.array(cities, pa.string()),
            "when": at(*hours),
            "heat": pa.array(heats, pa.float64()),
            "sky": pa.array(skies, pa.string()),
        }
    )


def shops(hours, names, sizes):
    return pa.table(
        {"shop": pa.array(names, pa.string()), "when": at(*hours), "size": pa.array(sizes, pa.float64())}
    )


def random_world(seed: int, visitors: int = 120):
    """Visits and updates with ties, duplicates, gaps longer than the time to live, and missing keys."""
    draw = np.random.default_rng(seed)
    hours = np.sort(draw.integers(0, 96, visitors)) / 2
    rows = visits(
        hours.tolist(),
        draw.choice(["A", "B", "C", None], visitors).tolist(),
        draw.choice(["x", "y", None], visitors).tolist(),
    )
    count = 60
    updates = {
        "weather": weather(
            (draw.integers(-8, 110, count) / 2).tolist(),
            draw.choice(["A", "B", "D"], count).tolist(),
            [None if n % 7 == 0 else float(n) for n in range(count)],
            draw.choice(["clear", "rain", None], count).tolist(),
        ),
        "shops": shops([-5, 10, 10, 30], ["x", "x", "x", "y"], [1.0, 2.0, 3.0, 4.0]),
    }
    return rows, updates


def brute_force(told: Schema, rows: pa.Table, updates) -> list[dict[str, object]]:
    """What was known at each row's event time, by looking at everything."""
    answers = []
    for row in rows.to_pylist():
        answer = {}
        for view in told.views:
            best: dict[str, object] | None = None
            for update in (rows if view.from_rows else updates[view.name]).to_pylist():
                if row[view.entity] is None or update[view.entity] != row[view.entity]:
                    continue
                age = (row[told.event_time] - update[told.event_time]).total_seconds()
                if age < 0 or (view.ttl_seconds and age > view.ttl_seconds):
                    continue
                if best is None or update[told.event_time] >= best[told.event_time]:
                    best = update
            answer |= {c.name: best[c.name] if best else None for c in view.columns}
        answers.append(answer)
    return answers


def features(told: Schema, table: pa.Table) -> list[dict[str, object]]:
    return table.select([c.name for c in told.features]).to_pylist()


# --- training -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_training_join_knows_what_was_known_and_nothing_more(tmp_path, seed):
    rows, updates = random_world(seed)
    joined = feast.join_training(SHOPS, rows, updates, tmp_path)
    assert features(SHOPS, joined) == brute_force(SHOPS, rows, updates)


def test_future_expired_tied_and_unknown_values_by_hand(tmp_path):
    rows = visits([5, 5, 5, 9, 9], ["A", "B", "C", "A", None], ["x", "y", None, "x", "x"])
    updates = {
        "weather": weather(
            [2, 4, 6, 1.9, 5, 5],
            ["A", "A", "A", "B", "C", "C"],
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        ),
        "shops": shops([-9000], ["x"], [7.0]),
    }
    joined = feast.join_training(SHOPS, rows, updates, tmp_path)
    # newest before 5; expired by six minutes; the later of two at the same moment; exactly three
    # hours old; no key
    assert joined["heat"].to_pylist() == [2.0, None, 6.0, 3.0, None]
    assert joined["size"].to_pylist() == [7.0, None, None, 7.0, 7.0]


def test_rows_come_back_in_their_order_and_number_with_their_columns(tmp_path):
    rows = visits([9, 1, 5, 1], ["A", "A", "B", "A"], ["x"] * 4, ids=[40, 10, 30, 10])
    joined = feast.join_training(SHOPS, rows, {}, tmp_path)
    assert joined.column_names == ["visit_id", "when", "city", "amount_y", "heat", "sky", "size", "sold"]
    assert joined["visit_id"].to_pylist() == [40, 10, 30, 10]
    assert joined["when"].equals(rows["when"])
    assert joined["sold"].equals(rows["sold"])
    assert joined["heat"].type == pa.float64()
    assert joined["sky"].type == pa.string()
    assert joined["sky"].null_count == 4


def test_no_rows_give_no_rows(tmp_path):
    rows, updates = random_world(0)
    joined = feast.join_training(SHOPS, rows.slice(0, 0), updates, tmp_path)
    assert joined.num_rows == 0
    assert joined.column_names == ["visit_id", "when", "city", "amount_y", "heat", "sky", "size", "sold"]
    window, _ = feast.replay_window(SHOPS, rows.slice(0, 0), updates, tmp_path)
    assert window.num_rows == 0


class Changed:
    """A Feast job whose answer is not what it was."""

    def __init__(self, job, change):
        self.job, self.change = job, change

    def to_arrow(self):
        return self.change(self.job.to_arrow())


def with_changed_answers(store, change):
    honest = store.get_historical_features
    return lambda **asked: Changed(honest(**asked), change)


def test_a_lost_row_is_an_error_and_not_a_smaller_table(tmp_path, monkeypatch):
    rows, updates = random_world(0)
    store = feast._store(SHOPS, tmp_path)
    losing = with_changed_answers(store, lambda answer: answer.slice(1))
    monkeypatch.setattr(store, "get_historical_features", losing)
    with pytest.raises(SimlabError, match="took 120 rows and gave 119"):
        feast.join_training(SHOPS, rows, updates, tmp_path)


def test_an_answer_in_another_order_is_put_in_the_rows_order(tmp_path, monkeypatch):
    rows, updates = random_world(0)
    expected = feast.join_training(SHOPS, rows, updates, tmp_path)
    store = feast._store(SHOPS, tmp_path)
    backwards = pa.array(range(rows.num_rows - 1, -1, -1))
    monkeypatch.setattr(
        store, "get_historical_features", with_changed_answers(store, lambda answer: answer.take(backwards))
    )
    assert feast.join_training(SHOPS, rows, updates, tmp_path).equals(expected)


# --- online -------------------------------------------------------------------------------------


def heat(folder, hours=5.0, city="A"):
    keys = pa.table({"visit_id": [0], "city": [city], "shop": ["x"]})
    answer = feast.read(SHOPS, keys, folder, at=START + timedelta(hours=hours))
    return answer["heat"][0].as_py()


def test_the_newest_event_wins_within_a_table_and_across_pushes(tmp_path):
    feast.push(SHOPS, {"weather": weather([4, 3], ["A", "A"], [4.0, 3.0])}, tmp_path)
    assert heat(tmp_path) == 4.0
    feast.push(SHOPS, {"weather": weather([2], ["A"], [2.0])}, tmp_path)
    assert heat(tmp_path) == 4.0
    feast.push(SHOPS, {"weather": weather([4], ["A"], [4.5])}, tmp_path)
    assert heat(tmp_path) == 4.5  # of two at the same moment, the one given later
    feast.push(SHOPS, {"weather": weather([4.5], ["A"], [5.0])}, tmp_path)
    assert heat(tmp_path) == 5.0


def test_half_a_second_decides(tmp_path):
    feast.push(SHOPS, {"weather": weather([4 + 0.6 / HOUR], ["A"], [2.0])}, tmp_path)
    feast.push(SHOPS, {"weather": weather([4 + 0.4 / HOUR], ["A"], [1.0])}, tmp_path)
    assert heat(tmp_path) == 2.0


def test_a_newer_unknown_value_replaces_an_older_known_one(tmp_path):
    feast.push(SHOPS, {"weather": weather([3], ["A"], [3.0])}, tmp_path)
    feast.push(SHOPS, {"weather": weather([4], ["A"], [None], [None])}, tmp_path)
    assert heat(tmp_path) is None


def test_values_expire_in_simulated_time(tmp_path):
    feast.push(SHOPS, {"weather": weather([4], ["A"], [4.0])}, tmp_path)
    assert heat(tmp_path, hours=7) == 4.0
    assert heat(tmp_path, hours=7.001) is None


def test_reads_are_in_the_order_of_the_keys_and_unknown_keys_are_null(tmp_path):
    feast.push(
        SHOPS,
        {"weather": weather([4, 4], ["A", "B"], [1.0, 2.0]), "shops": shops([1], ["x"], [9.0])},
        tmp_path,
    )
    keys = pa.table({"visit_id": [1, 2, 3, 4], "city": ["B", None, "A", "Z"], "shop": ["x", "x", None, "y"]})
    answer = feast.read(SHOPS, keys, tmp_path, at=START + timedelta(hours=5))
    assert answer["heat"].to_pylist() == [2.0, None, 1.0, None]
    assert answer["size"].to_pylist() == [9.0, 9.0, None, None]
    assert answer.column_names == ["visit_id", "shop", "city", "amount_y", "heat", "sky", "size"]


def test_another_process_finds_what_was_pushed(tmp_path):
    feast.push(SHOPS, {"weather": weather([4], ["A"], [4.0])}, tmp_path)
    feast._open.cache_clear()  # as a new process would
    assert heat(tmp_path) == 4.0


def test_a_folder_that_was_removed_begins_anew(tmp_path):
    folder = tmp_path / "store"
    feast.push(SHOPS, {"weather": weather([4], ["A"], [4.0])}, folder)
    folder.rename(tmp_path / "gone")
    assert heat(folder) is None


# --- a window -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_what_is_served_equals_what_is_trained_on(tmp_path, seed):
    rows, updates = random_world(seed)
    served = []
    for start in range(-24, 48, 12):  # windows of twelve hours; updates come with the window they fall in
        low, high = at(start)[0], at(start + 12)[0]
        now = {
            n: t.filter(pc.and_(pc.greater_equal(t["when"], low), pc.less(t["when"], high)))
            for n, t in updates.items()
        }
        window = rows.filter(pc.and_(pc.greater_equal(rows["when"], low), pc.less(rows["when"], high)))
        served.append(feast.replay_window(SHOPS, window, now, tmp_path)[0])
    trained = feast.join_training(SHOPS, rows, updates, tmp_path)
    assert features(SHOPS, pa.concat_tables(served)) == features(SHOPS, trained)
    assert trained["heat"].null_count < rows.num_rows * 0.8


def test_a_window_keeps_its_rows_and_further_columns(tmp_path):
    rows, updates = random_world(0)
    rows = rows.append_column("inference_id", pa.array(range(rows.num_rows)))
    shuffled = rows.take(pa.array(np.random.default_rng(0).permutation(rows.num_rows)))
    served, _ = feast.replay_window(SHOPS, shuffled, updates, tmp_path)
    assert served["inference_id"].equals(shuffled["inference_id"])
    assert served["amount_y"].equals(shuffled["amount_y"])
    assert features(SHOPS, served) == brute_force(SHOPS, shuffled, updates)


def test_a_key_seen_twice_in_a_window_is_answered_as_of_each_time(tmp_path):
    rows = visits([1, 2, 2, 3], ["A", "B", "C", "A"], ["x"] * 4, ids=[7, 7, 7, 7])
    served, _ = feast.replay_window(SHOPS, rows, {}, tmp_path)
    assert served["amount_y"].to_pylist() == [0.0, 2.0, 2.0, 3.0]
    assert features(SHOPS, served) == features(SHOPS, feast.join_training(SHOPS, rows, {}, tmp_path))


def test_rows_of_earlier_windows_are_forgotten_and_views_are_not(tmp_path):
    updates = {"weather": weather([0], ["A"], [1.0])}
    feast.replay_window(SHOPS, visits([1], ["A"], ["x"], ids=[1]), updates, tmp_path)
    served, _ = feast.replay_window(SHOPS, visits([2], ["A"], ["x"], ids=[2]), {}, tmp_path)
    assert served["heat"].to_pylist() == [1.0]
    keys = pa.table({"visit_id": [1, 2], "city": ["A", "A"], "shop": ["x", "x"]})
    assert feast.read(SHOPS, keys, tmp_path, at=START)["amount_y"].to_pylist() == [None, 0.0]


def test_a_store_that_is_told_to_forget_can_replay_the_past(tmp_path):
    rows, updates = random_world(0)
    once, _ = feast.replay_window(SHOPS, rows, updates, tmp_path)
    again, written = feast.replay_window(SHOPS, rows, updates, tmp_path, forget=True)
    assert again.equals(once)
    assert written["weather"].num_rows > 10
    late, written = feast.replay_window(SHOPS, rows, updates, tmp_path)
    assert not late.equals(once)  # the store holds the newest values alone
    assert written["weather"].num_rows == 3  # the last ones of each key: nothing older is written


def test_rows_without_a_key_are_answered_with_nothing(tmp_path):
    rows = visits([1, 2, 3], ["A", "A", "B"], ["x"] * 3, ids=[None, None, 5])
    served, _ = feast.replay_window(SHOPS, rows, {}, tmp_path)
    assert served["amount_y"].to_pylist() == [None, None, 2.0]
    assert features(SHOPS, served) == features(SHOPS, feast.join_training(SHOPS, rows, {}, tmp_path))


def test_what_was_written_brings_a_lost_store_back(tmp_path):
    rows, updates = random_world(1)
    first, second = rows.slice(0, 60), rows.slice(60)
    _, written = feast.replay_window(SHOPS, first, updates, tmp_path / "a")
    expected, _ = feast.replay_window(SHOPS, second, {}, tmp_path / "a")
    assert set(written) == {"weather", "shops"}
    feast.push(SHOPS, written, tmp_path / "b")
    found, _ = feast.replay_window(SHOPS, second, {}, tmp_path / "b")
    assert found.equals(expected)


def test_many_keys_are_read_and_written_in_pieces(tmp_path, monkeypatch):
    rows, updates = random_world(2)
    whole, _ = feast.replay_window(SHOPS, rows, updates, tmp_path / "a")
    monkeypatch.setattr(feast, "PIECE", 7)
    pieces, _ = feast.replay_window(SHOPS, rows, updates, tmp_path / "b")
    assert pieces.equals(whole)


def test_columns_that_did_not_come_are_null_and_text_numbers_are_read(tmp_path):
    rows = visits([1, 2], ["A", "A"], ["x", "x"]).drop_columns(["amount_y"])
    assert feast.replay_window(SHOPS, rows, {}, tmp_path)[0]["amount_y"].to_pylist() == [None, None]
    rows = rows.append_column("amount_y", pa.array(["1.5", None]))
    assert feast.replay_window(SHOPS, rows, {}, tmp_path)[0]["amount_y"].to_pylist() == [1.5, None]


# --- mistakes and manners -----------------------------------------------------------------------


def test_mistakes_are_named(tmp_path):
    rows, updates = random_world(0)
    words = rows.set_column(4, "amount_y", pa.array(["many"] * rows.num_rows))
    with pytest.raises(SimlabError, match="column 'amount_y' cannot be read as numeric"):
        feast.replay_window(SHOPS, words, updates, tmp_path)
    with pytest.raises(SimlabError, match=r"no view called 'wether'; did you mean 'weather'\?"):
        feast.push(SHOPS, {"wether": updates["weather"]}, tmp_path)
    with pytest.raises(SimlabError, match=r"view weather: its rows have no column called 'city'"):
        feast.push(SHOPS, {"weather": updates["weather"].drop_columns(["city"])}, tmp_path)
    with pytest.raises(SimlabError, match=r"view shops: the rows have no column called 'shop'"):
        feast.replay_window(SHOPS, rows.drop_columns(["shop"]), {}, tmp_path)
    timeless = visits([1, None], ["A", "A"], ["x", "x"])
    with pytest.raises(SimlabError, match="1 of 2 rows have no event time"):
        feast.replay_window(SHOPS, timeless, {}, tmp_path)


def test_the_engine_says_nothing_and_writes_into_its_folder_alone(tmp_path, monkeypatch, capsys):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("HOME", str(elsewhere))
    rows, updates = random_world(0)
    feast.define(SHOPS, tmp_path / "store")
    feast.define(SHOPS, tmp_path / "store")
    feast.join_training(SHOPS, rows, updates, tmp_path / "store")
    feast.replay_window(SHOPS, rows, updates, tmp_path / "store")
    assert capsys.readouterr() == ("", "")
    assert list(elsewhere.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"elsewhere", "store"}


def test_typeguard_works_again_after_the_import(tmp_path):
    (tmp_path / "script.py").write_text(
        "import simlab.engines.feast, typeguard\n"
        "@typeguard.typechecked\n"
        "def double(number: int) -> int: return number * 2\n"
        "try: double('x')\n"
        "except typeguard.TypeCheckError: print('checked')\n"
    )
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "checked", done.stderr


# --- flights ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def flights():
    card = load_card(FLIGHTS)
    return schema(card), *load(FLIGHTS, card)


def between(table: pa.Table, low: datetime | None, high: datetime) -> pa.Table:
    times = table["event_ts"]
    inside = pc.less(times, pa.scalar(high, times.type))
    if low is not None:
        inside = pc.and_(inside, pc.greater_equal(times, pa.scalar(low, times.type)))
    return table.filter(inside)


def test_three_days_of_flights_are_served_as_they_are_trained_on(tmp_path, flights):
    told, rows, views = flights
    start, served = datetime(2013, 2, 7, 9), []
    for day in range(3):  # the second and third are a snow storm's
        low, high = start + timedelta(days=day), start + timedelta(days=day + 1)
        updates = {name: between(table, None if day == 0 else low, high) for name, table in views.items()}
        served.append(feast.replay_window(told, between(rows, low, high), updates, tmp_path)[0])
    window = between(rows, start, start + timedelta(days=3))
    trained = feast.join_training(told, window, views, tmp_path)
    online = pa.concat_tables(served)
    differing = {
        c.name
        for c in told.features
        if not online[c.name].combine_chunks().equals(trained[c.name].combine_chunks())
    }
    assert differing == set()
    assert window.num_rows > 1500
    assert trained["late_share_so_far"].null_count < window.num_rows / 20
    assert trained["seats"].null_count > 0  # planes that are not in the register


def newest(view: View, table: pa.Table, event_time: str) -> pa.Table:
    """The last value of every key, as if it had been known since before the first row."""
    last = table.sort_by(event_time).to_pandas().groupby(view.entity, as_index=False).last()
    last[event_time] = np.datetime64("2012-01-01", "us")
    return pa.Table.from_pandas(last, preserve_index=False)


def foretold(told: Schema, table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Targets and scores of the last four rows in ten, of a model trained on the six before them."""
    table = table.sort_by(told.event_time)
    frame = table.select([c.name for c in told.features]).to_pandas()
    for name in told.categorical:
        frame[name] = frame[name].astype("category").cat.codes
    target, past = table[told.target].to_numpy(), table.num_rows * 6 // 10
    settings = {"objective": "binary", "verbosity": -1, "deterministic": True, "num_threads": 1, "seed": 0}
    settings |= {"learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 50}
    booster = lightgbm.train(settings, lightgbm.Dataset(frame[:past], target[:past]), 100)
    return target[past:], booster.predict(frame[past:])


def test_joining_the_latest_value_inflates_the_model(tmp_path, flights):
    told, rows, views = flights
    some = rows.take(pa.array(np.arange(0, rows.num_rows, 30)))
    late, honest = foretold(told, feast.join_training(told, some, views, tmp_path / "honest"))
    timeless = replace(told, views=tuple(replace(view, ttl_seconds=0) for view in told.views))
    latest = {v.name: newest(v, views[v.name], told.event_time) for v in told.views if not v.from_rows}
    joined = feast.join_training(timeless, some, latest, tmp_path / "inflated")
    again, inflated = foretold(told, joined)
    assert np.array_equal(late, again)
    draws = np.random.default_rng(0).integers(0, len(late), (100, len(late)))
    gains = [roc_auc_score(late[d], inflated[d]) - roc_auc_score(late[d], honest[d]) for d in draws]
    point, naive = roc_auc_score(late, honest), roc_auc_score(late, inflated)
    print(
        f"AUC {point:.3f} point in time, {naive:.3f} joining the latest value "
        f"(gain {np.quantile(gains, 0.025):.3f} to {np.quantile(gains, 0.975):.3f})"
    )
    assert point > 0.65
    assert naive > point + 0.015
    assert np.quantile(gains, 0.025) > 0


def test_the_online_table_is_the_one_feasts_own_store_would_write(tmp_path):
    from feast.infra.online_stores.sqlite import SqliteOnlineStore

    rows = visits([0, 1, 1.5], ["Rome", None, "Oslo"], ["a", "b", "a"])
    tables = []
    for name, own in (("ours", feast.BulkSqliteOnlineStore), ("theirs", SqliteOnlineStore)):
        store = feast._store(SHOPS, tmp_path / name)
        store.provider.online_store.__class__ = own
        found, _ = feast.replay_window(SHOPS, rows, {}, tmp_path / name)
        connection = store.provider.online_store._get_conn(store.config)
        columns = "entity_key, feature_name, value, value_text, CAST(event_ts AS TEXT), created_ts"
        tables.append(
            (connection.execute(f"SELECT {columns} FROM simlab_visit ORDER BY 1, 2").fetchall(), found)
        )
    (ours, found), (theirs, found_there) = tables
    assert len(ours) == 3 * 3  # city, amount, and the event time
    assert ours == theirs
    assert found.equals(found_there)
