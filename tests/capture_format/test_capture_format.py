"""Captures and ground truth: written as SageMaker writes them, read back whole, bad lines set aside."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlab.capture_format import (
    by_hour,
    capture_lines,
    event_id,
    merge,
    read_captures,
    read_truth,
    truth_lines,
)

AT = datetime(2022, 4, 18, 0, 20, 48, 871_000)
REAL = (
    '{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"132,25,113.2",'
    '"encoding":"CSV"},"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT",'
    '"data":"0.0106","encoding":"CSV"}},"eventMetadata":{"eventId":"feca1ab1-8025-47e3-8f6a-99e3fdd7b8d9",'
    '"inferenceId":"my-id","customAttributes":["x=1"],"inferenceTime":"2022-04-18T00:21:48Z"},"eventVersion":"0"}\n'
)
"""A line of the real service's, as its documentation shows it."""


def rows(**columns: Any) -> pa.Table:
    first = next(iter(columns.values()))
    moments = [AT + timedelta(minutes=30 * n) for n in range(len(first))]
    return pa.table(
        {
            "inference_id": list(range(len(first))),
            "at": pa.array(moments, pa.timestamp("us")),
            **columns,
            "prediction": pa.array([0.5] * len(first)),
        }
    )


def written(table: pa.Table, **settings: Any) -> dict[str, bytes]:
    features = [n for n in table.column_names if n not in ("inference_id", "at", "prediction")]
    lines = capture_lines(table, endpoint="churn", features=features, clock="at", **settings)
    return dict(by_hour(lines, table["at"], "capture/churn/AllTraffic", "0"))


def test_a_record_is_the_services_to_the_byte_but_for_its_event_id() -> None:
    table = pa.table(
        {
            "inference_id": ["my-id"],
            "at": pa.array([datetime(2022, 4, 18, 0, 21, 48)], pa.timestamp("us")),
            "days": [132], "calls": [25.0], "minutes": [113.2], "prediction": [0.0106],
        }
    )  # fmt: skip
    (body,) = written(table).values()
    expected = REAL.replace('"customAttributes":["x=1"],', "").replace(
        "feca1ab1-8025-47e3-8f6a-99e3fdd7b8d9", event_id("churn", "my-id")
    )
    assert body.decode() == expected


def test_files_lie_by_the_hour_of_the_request_and_are_named_after_their_first() -> None:
    files = written(rows(age=[30.0, 40.0, 50.0]))
    names = sorted(files)
    assert [n.rpartition("/")[0] for n in names] == [
        f"capture/churn/AllTraffic/2022/04/18/{h}" for h in ("00", "01")
    ]
    stamp, _, name = names[0].rpartition("/")[2].partition("-871-")
    assert stamp == "20-48" and uuid.UUID(name.removesuffix(".jsonl")).version == 4
    assert [body.count(b"\n") for _, body in sorted(files.items())] == [2, 1]
    assert written(rows(age=[30.0, 40.0, 50.0])) == files


def test_event_ids_are_uuids_of_version_5() -> None:
    (line, *_) = "".join(b.decode() for b in written(rows(age=[1.0, 2.0])).values()).splitlines()
    found = json.loads(line)["eventMetadata"]["eventId"]
    assert found == event_id("churn", "0") and uuid.UUID(found).version == 5


@pytest.mark.parametrize(("mode", "side"), [("Input", "endpointInput"), ("Output", "endpointOutput")])
def test_one_side_alone(mode: str, side: str) -> None:
    (body,) = written(rows(age=[30.0]), mode=mode).values()
    assert list(json.loads(body)["captureData"]) == [side]
    found = read_captures({"a.jsonl": body}, ["age"])
    assert found.table["age"].to_pylist() == ([30.0] if mode == "Input" else [None])
    assert found.table["prediction"].to_pylist() == ([None] if mode == "Input" else [0.5])


cells = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6).filter(
    lambda t: t.strip("\r\n")
)


@given(
    jobs=st.lists(st.none() | cells, min_size=1, max_size=5),
    ages=st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=5, max_size=5),
    encoding=st.sampled_from(["CSV", "JSON"]),
)
def test_what_is_written_is_read_back(
    jobs: list[str | None], ages: list[float | None], encoding: str
) -> None:
    table = rows(age=pa.array(ages[: len(jobs)], pa.float64()), job=pa.array(jobs, pa.string()))
    found = read_captures(written(table, encoding=encoding), {"age": "numeric", "job": "categorical"})
    assert found.bad == ()
    assert found.table["age"].to_pylist() == table["age"].to_pylist()
    assert found.table["job"].to_pylist() == jobs
    assert found.table["inference_id"].to_pylist() == [str(n) for n in range(len(jobs))]


def test_a_file_of_the_real_service_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "AllTraffic/2022/04/18/00"
    folder.mkdir(parents=True)
    (folder / "20-48-871-0b7b.jsonl").write_text(REAL)
    found = read_captures(tmp_path)
    row = found.table.to_pylist()[0]
    assert row["inference_id"] == "my-id" and row["prediction"] == 0.0106
    assert (row["_c0"], row["_c1"], row["_c2"]) == (132.0, 25.0, 113.2)


@pytest.mark.parametrize(
    ("data", "encoding", "kind"),
    [
        (base64.b64encode(b"30,baker").decode(), "BASE64", "text/csv"),
        (base64.b64encode(b'{"age":30,"job":"baker"}').decode(), "BASE64", "application/json"),
        ('{"instances":[[30,"baker"]]}', "JSON", "application/json"),
        ('{"job":"baker","age":30}', "JSON", "application/json"),
        ('30,"baker"\n', "CSV", "text/csv"),
    ],
)
def test_every_encoding_is_read(data: str, encoding: str, kind: str) -> None:
    record = json.loads(REAL)
    record["captureData"]["endpointInput"] |= {
        "data": data,
        "encoding": encoding,
        "observedContentType": kind,
    }
    record["captureData"]["endpointOutput"] |= {
        "data": '{"predictions":[{"score":0.25}]}',
        "encoding": "JSON",
    }
    found = read_captures({"a": json.dumps(record).encode()}, {"age": "numeric", "job": "categorical"})
    assert found.bad == ()
    assert found.table.select(["prediction", "age", "job"]).to_pylist() == [
        {"prediction": 0.25, "age": 30.0, "job": "baker"}
    ]


def bad(**change: Any) -> bytes:
    record = json.loads(REAL)
    for key, value in change.items():
        if key in record:
            record[key] = value
        else:
            record["captureData"]["endpointInput"][key] = value
    return json.dumps(record).encode()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"captureData":', "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (bad(eventMetadata={}), "no eventMetadata.eventId"),
        (bad(captureData=3), "no captureData"),
        (bad(captureData={}), "neither endpointInput nor endpointOutput"),
        (bad(data="1,2"), "endpointInput holds 2 values where 3 were expected"),
        (bad(data="1,2,3\n4,5,6"), "holds 2 records in one request"),
        (bad(data="1,x,3"), "b: 'x' is no number"),
        (bad(data="!", encoding="BASE64"), "no BASE64"),
        (bad(encoding="XML"), "'XML', which is none of CSV, JSON and BASE64"),
        (bad(data='{"a":1,"z":2}', encoding="JSON"), "columns that nobody expected: 'z'"),
        (bad(data='{"a":[{}],"b":1}', encoding="JSON"), "is nested"),
        (bad(eventMetadata={"eventId": "a", "inferenceId": 3}), "must be text"),
    ],
)
def test_a_bad_line_is_set_aside_with_its_reason_and_its_place(line: bytes, reason: str) -> None:
    body = REAL.encode() + line + b"\n\n" + REAL.encode()
    found = read_captures({"f.jsonl": body}, dict.fromkeys("abc", "numeric"))
    assert found.table.num_rows == len(found.records) == 2
    (told,) = found.bad
    assert (told.file, told.line) == ("f.jsonl", 2) and reason in told.reason


plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"\r\n,'), min_size=1, max_size=5)


@given(
    jobs=st.lists(st.none() | plain, min_size=1, max_size=5),
    ages=st.lists(
        st.sampled_from(["", "1", "-2.5e3", "nan", " 3", "x", "0x1", "1_0", "+4", "1."]),
        min_size=5,
        max_size=5,
    ),
    spoil=st.sampled_from(["", "", "not JSON", '{"a":1}']),
)
def test_both_readers_read_the_same(jobs: list[str | None], ages: list[str], spoil: str) -> None:
    table = rows(age=ages[: len(jobs)], job=pa.array(jobs, pa.string()))
    files = written(table)
    if spoil:
        files |= {"z": spoil.encode()}
    kinds = {"age": "numeric", "job": "categorical"}
    one = read_captures(files, kinds)
    with mock.patch("simlab.capture_format.reading.plain_columns", return_value=None):
        other = read_captures(files, kinds)
    # NaN is not itself.
    assert (
        str(one.table.to_pylist()) == str(other.table.to_pylist()) and one.table.schema == other.table.schema
    )
    assert (one.records, one.bad) == (other.records, other.bad)


@given(data=st.lists(st.text('ab,"', min_size=1, max_size=9), min_size=1, max_size=4))
def test_both_readers_make_the_same_of_quotes(data: list[str]) -> None:
    body = b"\n".join(bad(data=text) for text in data)
    kinds = dict.fromkeys("abc", "categorical")
    one = read_captures({"f": body}, kinds)
    with mock.patch("simlab.capture_format.reading.plain_columns", return_value=None):
        other = read_captures({"f": body}, kinds)
    assert one.table.equals(other.table) and one.bad == other.bad


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text('ab[{"\\\n', max_size=3)
objects = st.dictionaries(st.sampled_from(["a", "b", "c"]), values | st.lists(values, max_size=2), max_size=3)


@settings(max_examples=400)
@given(data=st.lists(objects | values | st.lists(values, max_size=2), min_size=1, max_size=3))
def test_both_readers_make_the_same_of_json(data: list[Any]) -> None:
    body = b"\n".join(bad(data=json.dumps(value), encoding="JSON") for value in data)
    body = body.replace(rb'"data": "0.0106", "encoding": "CSV"', rb'"data": "0.5", "encoding": "CSV"')
    one = read_captures({"f": body}, {"a": "numeric", "b": "categorical"})
    with mock.patch("simlab.capture_format.reading.plain_columns", return_value=None):
        other = read_captures({"f": body}, {"a": "numeric", "b": "categorical"})
    assert str(one.table.to_pylist()) == str(other.table.to_pylist()) and one.bad == other.bad


@pytest.mark.parametrize("encoding", ["CSV", "JSON"])
def test_plain_lines_are_read_by_whole_columns(encoding: str) -> None:
    files = written(rows(age=[30.0, None], job=['the "baker", sir', None]), encoding=encoding)
    with mock.patch("simlab.capture_format.reading.object_of", side_effect=AssertionError):
        found = read_captures(files, {"age": "numeric", "job": "categorical"})
    assert found.table.select(["age", "job"]).to_pylist() == [
        {"age": 30.0, "job": 'the "baker", sir'},
        {"age": None, "job": None},
    ]


# --- ground truth -------------------------------------------------------------------------------


def test_ground_truth_is_the_services_to_the_byte() -> None:
    lines = truth_lines(pa.table({"inference_id": ["aaaa-bbbb-cccc"], "label": [1.0]}))
    assert lines.to_pylist() == [
        '{"groundTruthData":{"data":"1","encoding":"CSV"},"eventMetadata":{"eventId":"aaaa-bbbb-cccc"},'
        '"eventVersion":"0"}\n'
    ]


def a_label(name: str, data: str, encoding: str = "CSV") -> bytes:
    record = {"groundTruthData": {"data": data, "encoding": encoding}, "eventMetadata": {"eventId": name}}
    return json.dumps({**record, "eventVersion": "0"}).encode() + b"\n"


def test_labels_are_joined_by_inference_id_and_else_by_event_id() -> None:
    first, nameless = json.loads(REAL), json.loads(REAL)
    del nameless["eventMetadata"]["inferenceId"]
    nameless["eventMetadata"]["eventId"] = "an-event"
    lone = json.loads(REAL) | {"eventMetadata": {"eventId": "an-event", "inferenceId": "never labelled"}}
    body = "\n".join(map(json.dumps, (first, nameless, lone))).encode()
    captures = read_captures({"a": body})
    truth = read_truth(
        {
            "b": a_label("my-id", "0") + a_label("an-event", "1") + a_label("nobody", "1"),
            "c": a_label("my-id", "1", "JSON") + b"{}\n",
        }
    )
    found = merge(captures, truth)
    assert found.table["label"].to_pylist() == [1.0, 1.0]
    assert (found.unlabelled, found.unasked, found.repeated) == (1, 1, 1)
    assert [line.reason for line in truth.bad] == ["no eventMetadata"]
    record = json.loads(found.records[0])
    assert record["groundTruthData"] == {"data": "1", "encoding": "CSV"}
    assert {k: v for k, v in record.items() if k != "groundTruthData"} == first


@pytest.mark.parametrize("data", ["", "1,0", "1\n0"])
def test_a_label_is_one_value(data: str) -> None:
    found = read_truth({"a": a_label("x", data)})
    assert found.table.num_rows == 0 and len(found.bad) == 1


def test_labels_may_be_text() -> None:
    captures = read_captures({"a": REAL.encode()})
    found = merge(captures, read_truth({"b": a_label("my-id", '"yes, please"')}))
    assert found.table["label"].to_pylist() == ["yes, please"]
    again = read_truth({"m": (found.records[0] + "\n").encode()})
    assert again.table["label"].to_pylist() == ["yes, please"]


def test_nothing_is_nothing() -> None:
    nothing = rows(age=[30.0]).slice(0, 0)
    assert written(nothing) == {}
    found = merge(read_captures({}, ["age"]), read_truth({}))
    assert found.table.num_rows == 0 and found.table.column_names[-1] == "label"


def test_rows_need_no_order() -> None:
    table = rows(age=list(range(6))).take(pa.array(np.array([5, 0, 3, 2, 4, 1])))
    found = read_captures(written(table), ["age"])
    assert found.table["age"].to_pylist() == [0, 1, 2, 3, 4, 5]
