"""What each fault of schema and quality does, on data small enough to check by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from simlab.injectors._faults import chances
from simlab.reference import Reference
from simlab.signature import find, module_of

START = datetime(2026, 1, 5)
ROWS = pa.table(
    {
        "inference_id": pa.array([7, 8, 9, 10]),
        "event_time": pa.array([START + timedelta(hours=h) for h in (1, 2, 3, 4)], pa.timestamp("us")),
        "hours": pa.array([40, 20, None, 60]),
        "wage": [10.0, 12.5, 8.0, None],
        "city": ["Köln", None, "Bonn", "Köln"],
    }
)
ALL = np.ones(4, bool)
FIRST_TWO = np.array([True, True, False, False])
BASELINE = pa.table(
    {
        "hours": pa.array(np.arange(101)),
        "wage": np.linspace(0, 20, 101),
        "city": pa.array(["Bonn", "Köln", "Ulm", None, *["Bonn"] * 97], pa.string()),
    }
)
REFERENCE = Reference({"hours": (40.0, 10.0), "wage": (10.0, 2.0)}, BASELINE)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def does(
    kind: str, rows: pa.Table = ROWS, mask: np.ndarray | None = None, strength: float = 1.0, **given: Any
):
    touched = np.ones(rows.num_rows, bool) if mask is None else mask
    return find("injectors", kind)(rows, touched, strength, rng(), REFERENCE, **given)


def size_of(kind: str, rows: pa.Table, after: pa.Table, strength: float = 1.0, **given: Any):
    mask = np.ones(rows.num_rows, bool)
    return module_of("injectors", kind).size(rows, after, mask, strength, REFERENCE, **given)


def many(rows: int = 20_000) -> pa.Table:
    x = np.random.default_rng(1).normal(40, 10, rows)
    wage = np.random.default_rng(2).normal(10, 2, rows)
    y = (x + np.random.default_rng(3).normal(0, 10, rows) > 40).astype(float)
    return pa.table({"hours": x, "wage": wage, "target": y})


# --- schema -------------------------------------------------------------------------------------


def test_a_column_that_no_row_sends_is_absent_and_one_that_some_send_is_empty():
    assert does("drop_column", mask=FIRST_TWO, column="hours")["hours"].to_pylist() == [None, None, None, 60]
    assert "hours" not in does("drop_column", column="hours").column_names
    assert does("drop_column", ROWS.slice(0, 0), column="hours").column_names == ROWS.column_names


def test_an_undeclared_column_is_empty_where_it_does_not_come():
    constant = does("add_column", mask=FIRST_TWO, name="campaign", value="spring")
    assert constant.column_names == [*ROWS.column_names, "campaign"]
    assert constant["campaign"].to_pylist() == ["spring", "spring", None, None]
    noise = does("add_column", many(), name="noise")["noise"].to_numpy()
    assert noise.mean() == pytest.approx(0, abs=0.03) and noise.std() == pytest.approx(1, abs=0.03)
    with pytest.raises(ValueError, match="already"):
        does("add_column", name="wage")


def test_columns_in_another_order_are_harmless_by_name_and_cruel_by_position():
    by_name = does("reorder_columns", columns=("hours", "wage"), read_by="name")
    assert by_name.column_names == ["inference_id", "event_time", "wage", "hours", "city"]
    assert by_name.select(ROWS.column_names).equals(ROWS)
    by_position = does("reorder_columns", mask=FIRST_TWO, columns=("hours", "wage"))
    assert by_position.column_names == ROWS.column_names
    assert by_position["hours"].to_pylist() == [10.0, 12.5, None, 60.0]
    assert by_position["wage"].to_pylist() == [40.0, 20.0, 8.0, None]


def test_values_of_three_columns_move_one_on():
    rows = pa.table({"a": [1.0], "b": [2.0], "c": [3.0]})
    assert does("reorder_columns", rows, columns=("a", "b", "c")).to_pylist() == [{"a": 3, "b": 1, "c": 2}]
    named = does("reorder_columns", rows, columns=("a", "b", "c"), read_by="name")
    assert named.to_pylist() == [{"a": 1, "b": 2, "c": 3}] and named.column_names == ["c", "a", "b"]


def test_numbers_and_text_change_places_as_text():
    swapped = does("swap_columns", mask=FIRST_TWO, column="hours", other="city")
    assert swapped["hours"].to_pylist() == ["Köln", None, None, "60"]
    assert swapped["city"].to_pylist() == ["40", "20", "Bonn", "Köln"]
    with pytest.raises(ValueError, match="itself"):
        does("swap_columns", column="hours", other="hours")


@pytest.mark.parametrize(
    ("style", "texts"),
    [
        ("mojibake", ["KÃ¶ln", None, "Bonn", "Köln"]),
        ("accents", ["Köln", None, "Bonn", "Köln"]),
        ("plain", ["Koln", None, "Bonn", "Köln"]),
    ],
)
def test_text_in_the_wrong_encoding(style, texts):
    assert does("garble_text", mask=FIRST_TWO, column="city", style=style)["city"].to_pylist() == texts


def test_plain_vowels_get_an_accent():
    assert does("garble_text", column="city", style="accents")["city"].to_pylist()[2] == "Bónn"


@pytest.mark.parametrize(
    ("style", "codes"),
    [
        ("number", ["1", None, "0", "Köln"]),
        ("case", ["kÖLN", None, "bONN", "Köln"]),
        ("shift", ["Ulm", None, "Köln", "Köln"]),
    ],
)
def test_categories_by_another_code_of_the_baselines_list(style, codes):
    mask = np.array([True, True, True, False])
    assert does("recode_category", mask=mask, column="city", style=style)["city"].to_pylist() == codes


def test_a_category_that_nobody_agreed_on_has_no_code():
    rows = pa.table({"city": ["Rom", "Ulm"]})
    assert does("recode_category", rows, column="city")["city"].to_pylist() == ["Rom", "2"]


# --- quality ------------------------------------------------------------------------------------


def test_a_sensor_sticks_at_the_first_touched_value_or_at_the_mean_or_at_a_number():
    touched = np.array([False, True, True, True])
    assert does("stick_column", mask=touched, column="hours")["hours"].to_pylist() == [40, 20, None, 20]
    assert does("stick_column", column="wage", at="mean")["wage"].to_pylist() == [10, 10, 10, None]
    assert does("stick_column", column="wage", value=-1)["wage"].to_pylist() == [-1, -1, -1, None]


def test_values_beyond_the_baselines_quantiles_are_sent_as_these():
    assert does("clip_column", column="hours", tail=0.3)["hours"].to_pylist() == [40, 30, None, 60]
    assert does("clip_column", column="hours", tail=0.45)["hours"].to_pylist() == pytest.approx(
        [45, 45, None, 55]
    )


def test_digits_are_lost_and_half_goes_to_the_even_neighbour():
    rows = pa.table({"x": [12.34, 0.5, 1.5, -17.0, None, 1.7e308]})
    assert does("round_column", rows, column="x")["x"].to_pylist() == [12, 0, 2, -17, None, 1.7e308]
    assert does("round_column", rows, column="x", digits=1)["x"].to_pylist()[0] == 12.3
    assert does("round_column", rows, column="x", digits=-1)["x"].to_pylist()[:4] == [10, 0, 0, -20]


def test_a_sentinel_is_a_number_among_numbers_and_text_makes_text_of_them():
    assert does("set_sentinel", column="wage", share=1.0)["wage"].to_pylist() == [-999] * 4
    filled = does("set_sentinel", column="hours", share=1.0, instead_of="missing")["hours"]
    assert filled.to_pylist() == [40, 20, -999, 60]
    text = does("set_sentinel", column="hours", share=1.0, instead_of="missing", value="n/a")["hours"]
    assert text.to_pylist() == ["40", "20", "n/a", "60"]
    assert (
        does("set_sentinel", column="city", share=1.0, instead_of="missing")["city"].to_pylist()[1] == "-999"
    )


def test_a_source_that_is_down_loses_all_of_its_columns_together():
    lost = does("black_out", mask=FIRST_TWO, columns=("hours", "city"))
    assert lost["hours"].to_pylist() == [None, None, None, 60]
    assert lost["city"].to_pylist() == [None, None, "Bonn", "Köln"]
    half = does("black_out", many(), strength=0.5, columns=("hours", "wage"))
    assert half["hours"].is_null().equals(half["wage"].is_null()) and 9000 < half["hours"].null_count < 11000


# --- missing values -----------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("beta", [0.1, 1.0, 8.0, -8.0])
def test_the_rate_is_solved_for_on_the_rows_at_hand(share, beta):
    z = np.random.default_rng(4).lognormal(0, 1.5, 5_000)  # nothing like a normal column
    among = np.arange(5_000) % 3 > 0
    chance = chances(beta * z, among, share)
    assert chance[among].mean() == pytest.approx(share, abs=1e-12)
    assert ((chance >= 0) & (chance <= 1)).all()
    inside = (chance > 1e-9) & (chance < 1 - 1e-9)
    odds = np.log(chance[inside]) - np.log1p(-chance[inside])
    slope = np.diff(odds) / np.diff(z[inside])
    np.testing.assert_allclose(slope, beta, rtol=1e-3, atol=1e-3)


def test_all_or_none_may_be_lost_whatever_the_driver():
    assert chances(np.array([1.0, -5.0]), np.array([True, True]), 1.0).tolist() == [1, 1]
    assert chances(np.array([1.0, -5.0]), np.array([False, False]), 0.2).tolist() == [0.2, 0.2]


@pytest.mark.parametrize(("side", "sign"), [("high", 1), ("low", -1)])
def test_missing_at_random_follows_the_driver_and_not_the_value(side, sign):
    rows = many()
    settings = {"column": "wage", "driver": "hours", "share": 0.4, "beta": 2.0, "side": side}
    lost = does("miss_at_random", rows, strength=0.5, **settings)["wage"].is_null().to_numpy()
    hours, wage = rows["hours"].to_numpy(), rows["wage"].to_numpy()
    assert lost.mean() == pytest.approx(0.2, abs=0.01)
    assert sign * (hours[lost].mean() - hours[~lost].mean()) > 5
    assert wage[lost].mean() == pytest.approx(wage[~lost].mean(), abs=0.1)
    found = size_of(
        "miss_at_random", rows, does("miss_at_random", rows, strength=0.5, **settings), 0.5, **settings
    )
    assert found.declared == 0.2 and found.off() < 3
    # Rows with chances of their own scatter less than as many with the same chance.
    assert 0 < found.error < (0.2 * 0.8 / 20_000) ** 0.5


@pytest.mark.parametrize(("side", "sign"), [("high", 1), ("low", -1)])
def test_missing_not_at_random_loses_the_values_of_the_side_it_says(side, sign):
    rows = many()
    hours = rows["hours"].to_numpy()
    left = does("miss_not_at_random", rows, column="hours", share=0.3, beta=2.0, side=side)["hours"]
    lost = left.is_null().to_numpy()
    assert lost.mean() == pytest.approx(0.3, abs=0.01)
    assert sign * (hours[lost].mean() - hours.mean()) > 5, "high values are lost on the side high"
    assert sign * (left.drop_null().to_numpy().mean() - hours.mean()) < -2, "so what is left is too low"


def test_missing_on_both_sides_narrows_what_is_left_and_keeps_its_mean():
    rows = many()
    hours = rows["hours"].to_numpy()
    left = does("miss_not_at_random", rows, column="hours", share=0.3, beta=4.0, side="both")["hours"]
    kept = left.drop_null().to_numpy()
    assert kept.mean() == pytest.approx(hours.mean(), abs=0.3) and kept.std() < 0.75 * hours.std()


def test_only_the_touched_rows_count_for_the_rate():
    rows = many()
    oldest = rows["hours"].to_numpy() > 50
    left = does("miss_not_at_random", rows, mask=oldest, column="hours", share=0.3)["hours"]
    lost = left.is_null().to_numpy()
    assert not lost[~oldest].any() and lost[oldest].mean() == pytest.approx(0.3, abs=0.03)


# --- leakage ------------------------------------------------------------------------------------


@pytest.mark.parametrize("correlation", [-1.0, -0.4, 0.0, 0.9, 1.0])
def test_a_leak_has_exactly_the_correlation_it_declares_and_looks_like_the_column(correlation):
    rows = many()
    leaky = does("leak_target", rows, column="wage", correlation=correlation)["wage"].to_numpy()
    wage, y = rows["wage"].to_numpy(), rows["target"].to_numpy()
    assert np.corrcoef(leaky, y)[0, 1] == pytest.approx(correlation, abs=1e-9)
    assert (leaky.mean(), leaky.std()) == pytest.approx((wage.mean(), wage.std()))


def test_a_leak_comes_by_degrees_from_what_the_column_knew_anyway():
    rows = many()
    before = np.corrcoef(rows["hours"].to_numpy(), rows["target"].to_numpy())[0, 1]
    half = does("leak_target", rows, strength=0.5, column="hours", correlation=0.9)
    found = size_of("leak_target", rows, half, 0.5, column="hours", correlation=0.9)
    assert before > 0.4 and found.declared == pytest.approx((before + 0.9) / 2) and found.off() == 0


def test_nothing_leaks_where_all_answers_are_the_same():
    rows = pa.table({"wage": [1.0, 2.0, 3.0], "target": [1.0, 1.0, 1.0]})
    assert does("leak_target", rows, column="wage") is rows


# --- delivery -----------------------------------------------------------------------------------


def test_copies_have_ids_of_their_own_and_come_behind_all_others():
    again = does("duplicate_rows", mask=FIRST_TWO, share=1.0, times=1, gap=timedelta(minutes=5))
    assert again.slice(0, 4).equals(ROWS)
    assert again.slice(4)["inference_id"].to_pylist() == [11, 12]
    assert again.slice(4)["wage"].to_pylist() == [10.0, 12.5]
    assert again.slice(4)["event_time"].to_pylist() == [START + timedelta(hours=h, minutes=5) for h in (1, 2)]


def test_further_copies_come_further_behind_in_time():
    rows = pa.concat_tables([ROWS] * 50).set_column(0, "inference_id", pa.array(np.arange(200)))
    again = does("duplicate_rows", rows, share=1.0, times=3, gap=timedelta(minutes=5)).slice(200)
    gaps = {(again["event_time"][n].as_py() - START) % timedelta(hours=1) for n in range(again.num_rows)}
    assert gaps == {timedelta(minutes=m) for m in (5, 10, 15)}
    assert again.num_rows / 200 == pytest.approx(2, abs=0.2)


def test_ids_that_cannot_be_counted_on_are_refused():
    rows = ROWS.set_column(0, "inference_id", pa.array(["a", "b", "c", "d"]))
    with pytest.raises(TypeError, match="not whole numbers"):
        does("duplicate_rows", rows, share=1.0)


def test_late_rows_happened_earlier_than_they_say_they_arrived():
    late = does("delay_rows", mask=FIRST_TWO, share=1.0, by=timedelta(hours=30))
    hours = [(t - START) / timedelta(hours=1) for t in late["event_time"].to_pylist()]
    assert hours == [-29, -28, 3, 4] and late["inference_id"].equals(ROWS["inference_id"])


def test_an_exponential_delay_has_the_mean_it_says():
    rows = pa.table(
        {"inference_id": np.arange(20_000), "event_time": pa.array([START] * 20_000, pa.timestamp("us"))}
    )
    late = does("delay_rows", rows, share=1.0, by=timedelta(hours=2), law="exponential")
    hours = [(START - t) / timedelta(hours=1) for t in late["event_time"].to_pylist()]
    assert np.mean(hours) == pytest.approx(2, rel=0.03) and np.std(hours) == pytest.approx(2, rel=0.05)


def test_rows_out_of_order_are_the_same_rows():
    rows = pa.concat_tables([ROWS] * 50).set_column(0, "inference_id", pa.array(np.arange(200)))
    mixed = does("delay_rows", rows, strength=0.5, share=1.0, by=timedelta(0), shuffle=True)
    assert not mixed.equals(rows) and mixed.sort_by("inference_id").equals(rows)
    kept = (mixed["inference_id"].to_numpy() == np.arange(200)).mean()
    assert 0.35 < kept < 0.65, "half of them keep their place"


# --- sizes --------------------------------------------------------------------------------------

SIZED: dict[str, dict[str, Any]] = {
    "drop_column": {"column": "hours"},
    "add_column": {"name": "new", "value": 1.0},
    "reorder_columns": {"columns": ("hours", "wage")},
    "swap_columns": {"column": "hours", "other": "wage", "share": 0.5},
    "stick_column": {"column": "hours"},
    "clip_column": {"column": "hours", "tail": 0.3},
    "round_column": {"column": "hours"},
    "miss_at_random": {"column": "hours", "driver": "wage", "beta": 3.0},
    "miss_not_at_random": {"column": "hours", "beta": 3.0, "side": "both"},
    "black_out": {"columns": ("hours", "wage")},
    "set_sentinel": {"column": "hours"},
    "garble_text": {"column": "city"},
    "recode_category": {"column": "city", "style": "shift"},
    "duplicate_rows": {"share": 0.6, "times": 4},
    "delay_rows": {"share": 0.6, "shuffle": True},
}


@pytest.mark.parametrize("kind", SIZED)
def test_the_measured_size_scatters_about_the_declared_one_as_it_says(kind):
    """Over many draws the distance in standard errors is a standard normal's, neither less nor more."""
    count, strength = 400, 0.4
    rows = many(count).append_column("city", pa.array((["Köln", "Bonn", "Zürich"] * count)[:count]))
    rows = rows.append_column("inference_id", pa.array(np.arange(count)))
    rows = rows.append_column("event_time", pa.array([START] * count, pa.timestamp("us")))
    module, mask = module_of("injectors", kind), np.arange(count) % 4 > 0
    distances = []
    for seed in range(300):
        after = find("injectors", kind)(rows, mask, strength, rng(seed), REFERENCE, **SIZED[kind])
        found = module.size(rows, after, mask, strength, REFERENCE, **SIZED[kind])
        assert found.declared is not None and found.measured is not None and found.error > 0
        distances.append((found.measured - found.declared) / found.error)
    assert np.mean(distances) == pytest.approx(0, abs=0.2)  # 3.5 standard errors of a mean of 300
    assert np.std(distances) == pytest.approx(1, abs=0.17)  # four standard errors of a spread
