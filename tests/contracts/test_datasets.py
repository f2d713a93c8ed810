"""What holds for every dataset's folder."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from simlab.card import load_card
from simlab.dataset import load, schema, verify
from simlab.generated import draw

DATASETS = Path(__file__).parents[2] / "datasets"
FOLDERS = sorted(card.parent for card in DATASETS.glob("*/card.yaml"))


def load_all(folder):
    """The dataset's tables, drawn first where a generator makes them."""
    card = load_card(folder)
    return load(folder, card, draw(card) if card.synthetic else None)


pytestmark = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def test_the_files_are_those_of_the_card(folder):
    card = load_card(folder)
    verify(folder, card)
    assert {path.name for path in folder.glob("*.parquet")} == set(card.files.values()) == set(card.digest)


def test_every_column_of_every_file_has_a_role(folder):
    card = load_card(folder)
    found = draw(card).column_names if card.synthetic else pq.read_schema(folder / card.files["rows"]).names
    told = {name for name, column in card.columns.items() if column.day_key is None}
    told |= {part.column for part in (card.entity, card.event_time) if not part.simulated}
    assert set(found) == told
    for view in card.views.values():
        found = pq.read_schema(folder / card.files[view.file]).names
        assert set(found) == {*view.columns, view.entity} | ({view.event_time} - {None})


def test_people_are_told_where_it_comes_from_and_what_to_beware_of(folder):
    card = load_card(folder)
    for text in (card.title, card.about, card.source, card.attribution, card.known_drift, card.licence.basis):
        assert len(text) > 5
    assert len(card.traps) >= 3
    assert all(trap.endswith((".", "?", '"')) for trap in card.traps)


def test_a_made_dataset_says_so_in_its_title(folder):
    card = load_card(folder)
    assert card.title.endswith(" (synthetic)") == card.synthetic


def test_a_replay_may_begin_where_the_card_says(folder):
    card = load_card(folder)
    assert (card.replay is None) == card.event_time.simulated
    if card.replay is not None:
        times = load_all(folder)[0][card.event_time.column]
        start = pa.scalar(card.replay.start, pa.timestamp("us"))
        before = pc.sum(pc.less(times, start)).as_py()
        assert 2000 <= before <= len(times) - 2000


def test_rows_hold_what_stages_may_see_and_nothing_else(folder):
    card = load_card(folder)
    told = schema(card)
    rows, views = load_all(folder)
    clock = [] if card.event_time.simulated else [told.event_time]
    own = [column.name for column in told.columns]
    assert rows.column_names[: 1 + len(clock)] == [told.entity, *clock]
    assert rows.column_names[-1] == told.target
    assert set(rows.column_names) == {told.entity, *clock, *told.keys, *own, told.target}
    assert set(views) == {view.name for view in told.views if not view.from_rows}
    for view in told.views:
        if not view.from_rows:
            assert views[view.name].column_names == [
                view.entity,
                told.event_time,
                *(c.name for c in view.columns),
            ]
            assert view.entity in rows.column_names


def test_values_have_the_types_of_their_roles(folder):
    card = load_card(folder)
    told = schema(card)
    rows, views = load_all(folder)
    for view in told.views:
        table = rows if view.from_rows else views[view.name]
        for column in view.columns:
            assert table[column.name].type == (pa.float64() if column.kind == "numeric" else pa.string())
            assert table[column.name].null_count < table.num_rows
            if column.kind == "numeric":
                assert not pc.any(pc.is_nan(table[column.name])).as_py()
            if column.integral:
                assert pc.all(pc.equal(table[column.name], pc.round(table[column.name]))).as_py()
        if told.event_time in table.column_names:
            assert table[told.event_time].type == pa.timestamp("us")
            assert table[told.event_time].null_count == 0


def test_every_row_has_a_target_and_a_key_of_its_own(folder):
    card = load_card(folder)
    told = schema(card)
    rows, views = load_all(folder)
    assert rows[told.target].type == pa.float64()
    assert rows[told.target].null_count == 0
    if told.problem == "binary":
        assert sorted(pc.unique(rows[told.target]).to_pylist()) == [0.0, 1.0]
    assert pc.count_distinct(rows[told.entity]).as_py() == rows.num_rows
    for view in told.views:
        if not view.from_rows:
            pairs = views[view.name].group_by([view.entity, told.event_time]).aggregate([])
            assert pairs.num_rows == views[view.name].num_rows


def test_exactly_one_view_is_the_rows_own(folder):
    told = schema(load_card(folder))
    assert [view.entity for view in told.views if view.from_rows] == [told.entity]
    names = [column.name for column in told.features]
    assert len(names) == len(set(names))


def test_loading_twice_gives_equal_rows(folder):
    (rows, views), (again, views_again) = load_all(folder), load_all(folder)
    assert rows.equals(again)
    assert all(views[name].equals(views_again[name]) for name in views)
