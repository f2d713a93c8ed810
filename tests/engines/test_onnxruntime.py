"""Scoring a graph: by column name, whatever the order and the encoding of the table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("lightgbm")

from simlab.engines import engine
from simlab.errors import SimlabError
from tests.engines.worlds import features

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def graph() -> bytes:
    return engine("onnx").export(engine("lightgbm").fit(features(), {}, rounds=20, seed=1))


def test_columns_are_found_by_name_in_any_order_beside_others(graph: bytes):
    table = features().table
    turned = table.select(list(reversed(table.column_names)))
    assert (
        engine("onnxruntime").score(graph, turned).tolist()
        == engine("onnxruntime").score(graph, table).tolist()
    )


@pytest.mark.parametrize("algorithm", ["lightgbm", "linear"])
def test_a_row_gets_the_same_bits_alone_and_among_others(algorithm: str):
    world = features()
    graph = engine("onnx").export(engine(algorithm).fit(world, {}, rounds=20, seed=1))
    together = engine("onnxruntime").score(graph, world.table)
    for some in (1, 3, 50):
        parts = [world.table.slice(at, some) for at in range(0, 600, some)]
        assert (
            np.concatenate([engine("onnxruntime").score(graph, p) for p in parts]).tolist()
            == together.tolist()
        )


def test_dictionary_columns_and_several_chunks_change_nothing(graph: bytes):
    table = features().table
    coded = table.set_column(
        table.schema.get_field_index("place"), "place", table["place"].dictionary_encode()
    )
    pieces = pa.concat_tables([coded.slice(0, 100), coded.slice(100)])
    assert (
        engine("onnxruntime").score(graph, pieces).tolist()
        == engine("onnxruntime").score(graph, table).tolist()
    )


def test_null_empty_and_unseen_categories_are_the_same_unknown(graph: bytes):
    row = {"age": [60.0] * 3, "hours": [40.0] * 3, "place": [None, "", "moon"], "job": ["clerk"] * 3}
    answers = engine("onnxruntime").score(graph, pa.table(row))
    assert len(set(answers.tolist())) == 1


def test_whole_numbers_and_nan_are_taken_as_numbers(graph: bytes):
    row = {"hours": [40.0, 40.0], "place": ["town"] * 2, "job": ["clerk"] * 2}
    whole = engine("onnxruntime").score(graph, pa.table({"age": pa.array([60, None], pa.int64()), **row}))
    real = engine("onnxruntime").score(graph, pa.table({"age": [60.0, float("nan")], **row}))
    assert whole.tolist() == real.tolist()


def test_no_rows_give_no_answers(graph: bytes):
    answers = engine("onnxruntime").score(graph, features().table.slice(0, 0))
    assert answers.shape == (0,) and answers.dtype == np.float64


def test_a_missing_column_is_named_with_the_nearest_one(graph: bytes):
    table = features().table
    renamed = table.rename_columns(["Age" if name == "age" else name for name in table.column_names])
    with pytest.raises(SimlabError, match="no column 'age'; did you mean 'Age'"):
        engine("onnxruntime").score(graph, renamed)


def test_text_in_a_numeric_column_is_refused(graph: bytes):
    table = features().table
    text = table.set_column(0, "age", pa.array(["7"] * table.num_rows))
    with pytest.raises(SimlabError, match="'age' must hold numbers, and is string"):
        engine("onnxruntime").score(graph, text)
