from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from simlab.card import load_card
from simlab.dataset import dataset_folders, dataset_names, find_dataset, load, schema, verify
from simlab.errors import DataFileProblem, ScenarioInvalid

DATASETS = Path(__file__).parents[1] / "datasets"

ROWS = {
    "when": [datetime(2020, 1, 1, hour) for hour in range(4)],
    "place": ["N", "S", None, "N"],
    "size": pa.array([1, 2, 3, 999], pa.int16()),
    "heat": pa.array([1.5, float("nan"), None, 2.5], pa.float32()),
    "weight": [1, 1, 1, 1],
    "minutes": pa.array([10, None, 20, 16], pa.int16()),
}
WEATHER = {"stamp": [datetime(2020, 1, 1, 0)], "place": ["N"], "rain": [0.5]}
CARD = {
    "simlab": 1,
    "title": "Tiny",
    "about": "Four rows.",
    "problem": "binary",
    "target": {"column": "minutes", "name": "late", "above": 15},
    "entity": {"column": "row_id", "simulated": True},
    "event_time": {"column": "when"},
    "files": {"rows": "rows.parquet", "weather": "weather.parquet"},
    "columns": {
        "place_day": {"role": "key", "day_key": {"of": "place", "behind": "2h"}},
        "place": {"role": "categorical"},
        "size": {"role": "numeric", "integral": True, "null_above": 100},
        "heat": {"role": "numeric"},
        "weight": {"role": "never", "why": "a survey weight"},
        "minutes": {"role": "target"},
    },
    "views": {
        "weather": {
            "file": "weather",
            "entity": "place",
            "event_time": "stamp",
            "known_after": "1h",
            "ttl": "3h",
            "columns": {"rain": {"role": "numeric"}},
        }
    },
    "source": "made by hand",
    "licence": {"name": "CC0", "checked": True, "basis": "ours"},
    "attribution": "nobody",
    "known_drift": "none",
}


def dataset(folder: Path, **changes: object) -> Path:
    """A small dataset with parts of its card replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(ROWS), folder / "rows.parquet")
    pq.write_table(pa.table(WEATHER), folder / "weather.parquet")
    digest = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.parquet")}
    (folder / "card.yaml").write_text(yaml.safe_dump(CARD | {"digest": digest} | changes, sort_keys=False))
    return folder


def columns(**changes: object) -> dict[str, object]:
    return CARD["columns"] | changes  # type: ignore[operator]


def with_column(name: str, **column: object) -> dict[str, object]:
    return {"columns": columns(**{name: column})}


def with_view(**changes: object) -> dict[str, object]:
    return {"views": {"weather": CARD["views"]["weather"] | changes}}  # type: ignore[index]


def said(folder: Path) -> str:
    with pytest.raises(ScenarioInvalid) as caught:
        load_card(folder)
    return str(caught.value)


# --- rows ---------------------------------------------------------------------------------------


def test_roles_decide_what_rows_look_like(tmp_path):
    folder = dataset(tmp_path / "tiny")
    rows, views = load(folder, load_card(folder))
    assert rows.to_pylist() == [
        {"row_id": 0, "when": datetime(2020, 1, 1, 0), "place_day": "N-2019-12-31", "place": "N",
         "size": 1.0, "heat": 1.5, "late": 0.0},
        # the second row has no target: dropped, and the key still counts it
        {"row_id": 2, "when": datetime(2020, 1, 1, 2), "place_day": None, "place": None,
         "size": 3.0, "heat": None, "late": 1.0},
        {"row_id": 3, "when": datetime(2020, 1, 1, 3), "place_day": "N-2020-01-01", "place": "N",
         "size": None, "heat": 2.5, "late": 1.0},
    ]  # fmt: skip
    assert views["weather"].to_pylist() == [{"place": "N", "when": datetime(2020, 1, 1, 1), "rain": 0.5}]


def test_the_schema_names_the_roles(tmp_path):
    told = schema(load_card(dataset(tmp_path / "tiny")))
    assert (told.problem, told.target, told.entity, told.event_time) == ("binary", "late", "row_id", "when")
    assert (told.keys, told.numeric, told.categorical) == (
        ("place_day",),
        ("size", "heat", "rain"),
        ("place",),
    )
    assert [(view.name, view.entity, view.ttl_seconds, view.from_rows) for view in told.views] == [
        ("row", "row_id", 0, True),
        ("weather", "place", 10800, False),
    ]
    assert told.ordered


def test_without_views_there_is_one_view_with_every_feature(tmp_path):
    told = schema(load_card(dataset(tmp_path / "tiny", views={}, files={"rows": "rows.parquet"})))
    (view,) = told.views
    assert view.from_rows
    assert view.columns == told.columns == told.features


def test_a_positive_value_makes_a_binary_target(tmp_path):
    told = columns(place={"role": "target"}, minutes={"role": "outcome", "why": "later"})
    del told["place_day"]
    folder = dataset(
        tmp_path / "tiny",
        target={"column": "place", "positive": "N"},
        columns=told,
        views={},
        files={"rows": "rows.parquet"},
    )
    rows, _ = load(folder, load_card(folder))
    assert rows["place"].to_pylist() == [1.0, 0.0, 1.0]
    assert "minutes" not in rows.column_names


def test_a_simulated_clock_leaves_the_event_time_to_the_scenario(tmp_path):
    told = columns(when={"role": "never", "why": "not used"})
    del told["place_day"]
    folder = dataset(
        tmp_path / "tiny",
        event_time={"column": "event_time", "simulated": True},
        columns=told,
        views={},
        files={"rows": "rows.parquet"},
    )
    card = load_card(folder)
    assert load(folder, card)[0].column_names == ["row_id", "place", "size", "heat", "late"]
    assert not schema(card).ordered


def test_local_times_become_utc_in_summer_and_in_winter():
    rows, _ = load(DATASETS / "bikeshare", load_card(DATASETS / "bikeshare"))
    moments = dict(zip(rows["reading_id"].to_pylist(), rows["event_ts"].to_pylist(), strict=True))
    assert moments[0] == datetime(2011, 1, 1, 5)  # midnight
    before, after = moments[1621], moments[1622]  # 1 o'clock and 3 o'clock of the night that has no 2 o'clock
    assert after - before == timedelta(hours=1)
    assert (before, after) == (datetime(2011, 3, 13, 6), datetime(2011, 3, 13, 7))


# --- the traps of the shipped datasets ----------------------------------------------------------


def test_flights_that_did_not_arrive_are_left_out_and_outcomes_are_not_shown():
    folder = DATASETS / "nyc-flights"
    rows, views = load(folder, load_card(folder))
    assert rows.num_rows == 336_776 - 9_430
    assert not {"dep_delay", "arr_delay", "air_time", "cancelled", "flight"} & set(rows.column_names)
    assert "tailnum" not in schema(load_card(folder)).categorical
    assert "wind_gust" not in views["weather"].column_names


def test_bikes_are_not_foretold_from_their_own_parts():
    rows, _ = load(DATASETS / "bikeshare", load_card(DATASETS / "bikeshare"))
    assert not {"casual", "registered"} & set(rows.column_names)


def test_adults_are_not_weighed_and_sensitive_columns_are_marked():
    card = load_card(DATASETS / "adult-income")
    rows, _ = load(DATASETS / "adult-income", card)
    assert not {"fnlwgt", "split"} & set(rows.column_names)
    assert {c.name for c in schema(card).columns if c.sensitive} == {"age", "race", "sex", "native_country"}


def test_weather_is_known_an_hour_after_its_stamp():
    folder = DATASETS / "nyc-flights"
    _, views = load(folder, load_card(folder))
    raw = pq.read_table(folder / "nyc_weather13.parquet", use_threads=False)
    assert views["weather"]["event_ts"][0].as_py() == raw["event_ts"][0].as_py() + timedelta(hours=1)


def test_planes_were_known_before_the_first_flight():
    folder = DATASETS / "nyc-flights"
    rows, views = load(folder, load_card(folder))
    assert max(views["planes"]["event_ts"].to_pylist()) < rows["event_ts"][0].as_py()


def test_airport_day_is_rebuilt_to_the_byte(tmp_path):
    derive = _derive()
    derive.main(tmp_path)
    assert (tmp_path / "airport_day.parquet").read_bytes() == (
        DATASETS / "nyc-flights" / "airport_day.parquet"
    ).read_bytes()


def test_airport_day_counts_only_flights_that_had_left_by_the_hour():
    flights = pq.read_table(DATASETS / "nyc-flights" / "nyc_flights13.parquet", use_threads=False)
    day = [
        f
        for f in flights.slice(0, 900).to_pylist()
        if f["origin"] == "JFK" and (f["event_ts"] - timedelta(hours=5)).date().day == 1
    ]
    table = _derive().airport_day(
        pa.Table.from_pylist(day, pq.read_schema(DATASETS / "nyc-flights" / "nyc_flights13.parquet"))
    )
    assert table.num_rows > 15
    for row in table.to_pylist():
        left = [
            f["dep_delay"]
            for f in day
            if f["dep_delay"] is not None
            and f["event_ts"] < row["event_ts"]
            and f["event_ts"] + timedelta(minutes=f["dep_delay"]) <= row["event_ts"]
        ]
        assert row["flights_so_far"] == len(left)
        assert row["late_share_so_far"] == sum(delay > 15 for delay in left) / len(left)
        assert row["mean_delay_so_far"] == sum(left) / len(left)


def test_nearly_every_flight_finds_its_airports_day():
    folder = DATASETS / "nyc-flights"
    rows, views = load(folder, load_card(folder))
    found = rows.filter(
        pa.compute.is_in(rows["airport_day"], views["airport_day"]["airport_day"].combine_chunks())
    )
    assert found.num_rows == rows.num_rows


def _derive(dataset="nyc-flights"):
    spec = importlib.util.spec_from_file_location("derive", DATASETS / dataset / "derive.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_employment_has_a_nominal_clock_on_which_nothing_happens():
    card = load_card(DATASETS / "acs-employment")
    rows, _ = load(DATASETS / "acs-employment", card)
    assert card.event_time.nominal and not card.event_time.simulated
    assert rows["event_time"].to_pylist() == sorted(rows["event_time"].to_pylist())
    day = rows["event_time"].cast(pa.date32())
    assert pa.compute.count_distinct(day).as_py() == 365 + 366 + 365 + 365
    # The source's own order puts people of group quarters last in 2017 and first in 2018.
    table = pa.table(
        {
            "month": pa.compute.floor_temporal(rows["event_time"], unit="month"),
            "apart": pa.compute.is_in(rows["RELP"], pa.array(["institution", "other group quarters"])),
        }
    )
    shares = table.group_by("month").aggregate([("apart", "mean")])["apart_mean"].to_pylist()
    assert len(shares) == 48
    assert min(shares) > 0.07 and max(shares) < 0.10


def test_employment_is_what_the_source_says():
    rows, _ = load(DATASETS / "acs-employment", load_card(DATASETS / "acs-employment"))
    assert rows.num_rows == 230_842
    assert (pa.compute.min(rows["AGEP"]).as_py(), pa.compute.max(rows["AGEP"]).as_py()) == (16, 90)
    assert "ESP" not in rows.column_names and "year" not in rows.column_names
    counted = {v["values"]: v["counts"] for v in pa.compute.value_counts(rows["RAC1P"]).to_pylist()}
    assert (counted["White"], counted["Black"], counted["Alaska Native"]) == (191_043, 13_469, 4)
    yes = rows.group_by("DIS").aggregate([("employed", "mean")]).sort_by("DIS")["employed_mean"].to_pylist()
    assert [round(share, 3) for share in yes] == [0.669, 0.212]


def test_german_credit_is_what_the_source_says():
    rows, _ = load(DATASETS / "german-credit", load_card(DATASETS / "german-credit"))
    assert rows.num_rows == 1000
    assert pa.compute.sum(rows["bad_risk"]).as_py() == 300
    bad = rows.group_by("sex").aggregate([("bad_risk", "mean")]).sort_by("sex")["bad_risk_mean"].to_pylist()
    assert [round(share, 3) for share in bad] == [0.352, 0.277]
    assert "personal_status_sex" not in rows.column_names


def test_a_years_people_are_dealt_out_to_its_days_like_cards():
    order, times = _derive("acs-employment").dealt(2016, 1000)
    assert sorted(order.tolist()) == list(range(1000))
    assert order[:5].tolist() == [0, 366, 732, 1, 367], "the first day has every 366th person"
    assert (times[1:] > times[:-1]).all()
    assert [str(moment) for moment in times[[0, 1, -1]]] == [
        "2016-01-01T00:00:00",
        "2016-01-01T08:00:00",
        "2016-12-31T12:00:00",
    ]


# --- finding ------------------------------------------------------------------------------------


def test_a_dataset_is_found_by_name_and_the_nearest_folder_wins(tmp_path):
    near, far = dataset(tmp_path / "a" / "tiny"), dataset(tmp_path / "b" / "tiny")
    assert find_dataset("tiny", [tmp_path / "a", tmp_path / "b"]) == near
    assert find_dataset("tiny", [tmp_path / "b"]) == far


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("adult-incom", "did you mean 'adult-income'?"),
        ("zzz", "it takes 'acs-employment'"),
        ("../datasets", "no dataset called"),
    ],
)
def test_an_unknown_dataset_is_answered_with_the_nearest_name(name, hint):
    with pytest.raises(ScenarioInvalid, match="no dataset called") as caught:
        find_dataset(name, [DATASETS])
    assert hint in str(caught.value)
    assert caught.value.exit_code == 3


def test_without_any_dataset_the_places_are_named(tmp_path):
    with pytest.raises(ScenarioInvalid, match=str(tmp_path)):
        find_dataset("tiny", [tmp_path])


def test_the_environment_names_a_folder_that_comes_first(tmp_path, monkeypatch):
    dataset(tmp_path / "tiny")
    monkeypatch.setenv("SIMLAB_DATASETS", str(tmp_path))
    assert dataset_folders()[0] == tmp_path
    assert {"tiny", "adult-income", "bikeshare", "nyc-flights"} <= set(dataset_names())


def test_cards_are_read_without_arrow_or_pandas():
    code = (
        "import sys\n"
        "from simlab.dataset import *\n"
        "from simlab import card, dataset\n"
        "for name in dataset.dataset_names(): dataset.schema(card.load_card(dataset.find_dataset(name)))\n"
        "print(sorted({'pyarrow', 'pandas', 'numpy', 'duckdb'} & set(sys.modules)))"
    )
    root = str(DATASETS.parent)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[]", done.stderr


# --- mistakes -----------------------------------------------------------------------------------


def test_a_missing_card_and_a_broken_one(tmp_path):
    with pytest.raises(DataFileProblem, match=r"card\.yaml"):
        load_card(tmp_path)
    (tmp_path / "card.yaml").write_text("title: [")
    assert "card.yaml:" in said(tmp_path)
    (tmp_path / "card.yaml").write_text("- a list")
    assert "a card is a mapping" in said(tmp_path)


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"licens": "x"}, "no key called 'licens'; did you mean 'licence'?"),
        (with_column("size", role="numeric", integer=True), "columns.size: no key called 'integer'; did you"),
        (with_column("size", role="numerical"), "columns.size.role: "),
        (with_column("weight", role="never"), "columns.weight: a column kept out (role never) says why"),
        (with_column("minutes", role="numeric"), "columns.minutes.role: it is the target's column"),
        (with_column("row_id", role="key"), "columns.row_id: the entity and the event time are not listed"),
        (with_column("rain", role="numeric"), "views.weather.columns.rain: the name is taken"),
        (with_column("size", role="numeric", day_key={"of": "place"}), "columns.size: day_key makes a key"),
        (with_column("day", role="key", day_key={"of": "plase"}), "did you mean 'place'?"),
        (with_column("day", role="key", day_key={"of": "place", "behind": "2"}), "'2' is not a duration"),
        ({"target": {"column": "minuts", "above": 15}}, "target.column: no column called 'minuts'; did you"),
        ({"target": {"column": "minutes"}}, "a binary target says positive or above"),
        ({"problem": "regression"}, "a regression target neither"),
        ({"problem": "multiclass"}, "problem: "),
        ({"files": {"rows": "../rows.parquet", "weather": "weather.parquet"}}, "in the card's own folder"),
        ({"files": {"weather": "weather.parquet"}}, "files: it needs rows"),
        ({"digest": {"rows.parquet": "0"}}, "digest: 'weather.parquet' has no SHA-256"),
        (with_view(file="wether"), "views.weather.file: no file called 'wether'; did you mean 'weather'?"),
        (with_view(entity="plac"), "views.weather.entity: no key called 'plac'; did you mean 'place'?"),
        (with_view(known_since="2020-01-01"), "views.weather: a view has either event_time"),
    ],
)
def test_a_mistake_in_a_card_is_named_with_its_place(tmp_path, changes, hint):
    assert hint in said(dataset(tmp_path / "tiny", **changes))


def test_a_mistake_comes_with_its_line(tmp_path):
    folder = dataset(tmp_path / "tiny", columns=columns(size={"role": "numerical"}))
    line = (folder / "card.yaml").read_text().splitlines().index("    role: numerical") + 1
    assert f"card.yaml:{line}: columns.size.role" in said(folder)


def test_an_altered_file_is_refused_with_both_digests_and_what_to_do(tmp_path):
    folder = dataset(tmp_path / "tiny")
    card = load_card(folder)
    data = bytearray((folder / "weather.parquet").read_bytes())
    data[20] ^= 1
    (folder / "weather.parquet").write_bytes(data)
    for use in (verify, load):
        with pytest.raises(DataFileProblem, match=r"weather\.parquet") as caught:
            use(folder, card)
        assert card.digest["weather.parquet"] in str(caught.value)
        assert hashlib.sha256(data).hexdigest() in str(caught.value)
        assert "restore it" in str(caught.value)
        assert caught.value.exit_code == 7


def test_a_missing_file_is_named(tmp_path):
    folder = dataset(tmp_path / "tiny")
    card = load_card(folder)
    (folder / "rows.parquet").unlink()
    with pytest.raises(DataFileProblem, match=r"rows\.parquet: cannot be read: No such file"):
        load(folder, card)


def test_a_file_that_is_not_parquet_is_said_to_be_so(tmp_path):
    folder = dataset(tmp_path / "tiny")
    (folder / "rows.parquet").write_text("a,b\n1,2\n")
    digest = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.parquet")}
    (folder / "card.yaml").write_text(yaml.safe_dump(CARD | {"digest": digest}))
    with pytest.raises(DataFileProblem, match="not Parquet"):
        load(folder, load_card(folder))


def test_a_column_the_file_lacks_is_named_with_the_nearest_one(tmp_path):
    told = columns(sise={"role": "numeric"})
    del told["size"]
    folder = dataset(tmp_path / "tiny", columns=told)
    with pytest.raises(DataFileProblem, match=r"no column called 'sise'; did you mean 'size'\?"):
        load(folder, load_card(folder))
