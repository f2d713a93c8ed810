"""Captured requests and ground truth as SageMaker writes them: JSON Lines by hour, without a loop over rows.

Everything here is text in, text out: Arrow tables become files by name. The other way round is
`simlab.capture_format.reading`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import NAMESPACE_DNS, UUID, uuid5

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Mode = Literal["Input", "Output", "InputAndOutput"]
"""SageMaker's CaptureMode: what of a request is kept."""

Encoding = Literal["CSV", "JSON"]
"""How the data of a record is written; the service also knows BASE64, which is read and not written."""

CONTENT = {
    "CSV": ("text/csv", "text/csv; charset=utf-8"),
    "JSON": ("application/json", "application/json"),
}
"""Content types of request and answer, by encoding."""

ANSWER = "prediction"
"""Column of the answers."""


def capture_lines(
    table: pa.Table,
    *,
    endpoint: str,
    features: Sequence[str],
    clock: str,
    mode: Mode = "InputAndOutput",
    encoding: Encoding = "CSV",
) -> pa.Array:
    """One captured record per row, as JSON text with a line's end.

    Parameters
    ----------
    table
        `inference_id`, the event time, the features and `prediction`.
    endpoint
        Name of the endpoint; with the inference id it makes the event id (a UUID of version 5).
    features
        Columns of the request, in their order.
    clock
        Column of the event times.
    mode
        What of a request is written.
    encoding
        CSV: a line of values, nothing where one is missing. JSON: an object by column, with null.
    """
    parts: list[Any] = ['{"captureData":{']
    sides = {"endpointInput": ("INPUT", list(features)), "endpointOutput": ("OUTPUT", [ANSWER])}
    if mode != "InputAndOutput":
        sides = {f"endpoint{mode}": sides[f"endpoint{mode}"]}
    for place, (side, (direction, columns)) in enumerate(sides.items()):
        kind = CONTENT[encoding][direction == "OUTPUT"]
        data = _escaped(_records(table, columns, encoding))
        parts += [
            f'{"," if place else ""}"{side}":{{"observedContentType":"{kind}","mode":"{direction}","data":"',
            data,
            f'","encoding":"{encoding}"}}',
        ]
    ids = _text(table["inference_id"])
    parts += ['},"eventMetadata":{"eventId":"', _event_ids(endpoint, ids), '","inferenceId":"', _escaped(ids)]
    parts += ['","inferenceTime":"', _moments(table[clock]), '"},"eventVersion":"0"}\n']
    return _joined(parts, table.num_rows)


def truth_lines(table: pa.Table) -> pa.Array:
    """One ground truth record per row, as JSON text with a line's end.

    The event id is the capture's inference id, by which the service joins where there is one.

    Parameters
    ----------
    table
        `inference_id` and `label`.
    """
    parts = [
        '{"groundTruthData":{"data":"',
        _escaped(_records(table, ["label"], "CSV")),
        '","encoding":"CSV"}',
    ]
    parts += [',"eventMetadata":{"eventId":"', _escaped(_text(table["inference_id"]))]
    parts += ['"},"eventVersion":"0"}\n']
    return _joined(parts, table.num_rows)


def by_hour(lines: pa.Array, moments: pa.ChunkedArray, prefix: str, salt: str) -> Iterator[tuple[str, bytes]]:
    """Files of lines, one per hour: `PREFIX/yyyy/mm/dd/hh/MM-SS-mmm-ID.jsonl`.

    Parameters
    ----------
    lines
        One record each, with a line's end.
    moments
        Whose hour each record belongs to; within a file they are in its order, and the file's name says
        its first.
    prefix
        Folder of the years.
    salt
        Tells this file of an hour from others of the same one: the file's id is made of it.
    """
    import numpy as np
    import pyarrow as pa

    at = moments.to_numpy().astype("datetime64[us]").astype(np.int64)
    order = np.argsort(at, kind="stable")
    hour = at[order] // 3_600_000_000
    begins = np.flatnonzero(np.diff(hour, prepend=hour[:1] - 1)).tolist()
    sorted_lines = lines if (np.diff(order) == 1).all() else lines.take(pa.array(order))
    for first, last in zip(begins, [*begins[1:], len(hour)][: len(begins)], strict=True):
        moment = datetime(1970, 1, 1) + timedelta(microseconds=int(at[order[first]]))
        name = f"{moment:%M-%S}-{moment.microsecond // 1000:03d}-{_uuid4(f'{prefix}/{salt}/{hour[first]}')}"
        yield f"{prefix}/{moment:%Y/%m/%d/%H}/{name}.jsonl", _bytes(sorted_lines, first, last)


def _bytes(lines: pa.Array, first: int, last: int) -> bytes:
    """The text of some lines, one after the other: as it lies in memory."""
    import numpy as np

    _, places, text = lines.buffers()
    ends = np.frombuffer(places, np.int64, len(lines) + 1 + lines.offset)[lines.offset :]
    return bytes(memoryview(text)[ends[first] : ends[last]])


def _joined(parts: list[Any], rows: int) -> pa.Array:
    """Constant and varying parts of a text, put together row by row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not rows:
        return pa.array([], pa.large_string())
    pieces = [pa.scalar(p, pa.large_string()) if isinstance(p, str) else p for p in parts]
    return pc.binary_join_element_wise(*pieces, pa.scalar("", pa.large_string()))


def _text(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A column as text; numbers in their shortest form that reads back as the same number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
    text = column.cast(pa.large_string())
    if not isinstance(text, pa.ChunkedArray):
        return text
    return pa.concat_arrays(text.chunks) if text.num_chunks else pa.array([], pa.large_string())


def _records(table: pa.Table, columns: Sequence[str], encoding: Encoding) -> pa.Array:
    """The data of every record: a line of CSV, or a JSON object."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if encoding == "CSV":
        cells = [_csv_cells(table[name]) for name in columns]
        return pc.binary_join_element_wise(*cells, pa.scalar(",", pa.large_string()))
    parts: list[Any] = []
    for place, name in enumerate(columns):
        parts += [
            ("," if place else "{") + json.dumps(name, ensure_ascii=False) + ":",
            _json_cells(table[name]),
        ]
    return _joined([*parts, "}"], table.num_rows)


def _csv_cells(column: pa.ChunkedArray) -> pa.Array:
    """Cells as RFC 4180 has them: quoted where they must be, empty where a value is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = _text(column)
    if _is_text(column):
        risky = pc.match_substring_regex(text, '[",\r\n]')
        if pc.any(risky).as_py():
            quoted = pc.replace_substring(text, '"', '""')
            mark = pa.scalar('"', pa.large_string())
            quoted = pc.binary_join_element_wise(mark, quoted, mark, pa.scalar("", pa.large_string()))
            text = pc.if_else(risky, quoted, text)
    return text.fill_null("")


def _json_cells(column: pa.ChunkedArray) -> pa.Array:
    """Cells as JSON values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = _text(column)
    if _is_text(column):
        mark = pa.scalar('"', pa.large_string())
        text = pc.binary_join_element_wise(mark, _escaped(text), mark, pa.scalar("", pa.large_string()))
    return text.fill_null("null")


def _is_text(column: pa.ChunkedArray) -> bool:
    """Whether a column holds text, which may hold anything."""
    import pyarrow as pa

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _escaped(text: pa.Array) -> pa.Array:
    """Text as it stands between the quotes of a JSON string."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.any(pc.match_substring_regex(text, r'[\x00-\x1f"\\]')).as_py():
        return text
    if pc.any(pc.match_substring_regex(text, r"[\x00-\x08\x0b\x0c\x0e-\x1f]")).as_py():
        plain = [None if t is None else json.dumps(t, ensure_ascii=False)[1:-1] for t in text.to_pylist()]
        return pa.array(plain, pa.large_string())
    for raw, said in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = pc.replace_substring(text, raw, said)
    return text


def _moments(column: pa.ChunkedArray) -> pa.Array:
    """Times as AWS writes them, to the second: 2022-04-18T00:21:48Z."""
    import pyarrow as pa
    import pyarrow.compute as pc

    seconds = pc.cast(column, pa.timestamp("s"), safe=False)
    return _text(pc.strftime(seconds, format="%Y-%m-%dT%H:%M:%SZ"))


# --- ids ----------------------------------------------------------------------------------------


def event_id(endpoint: str, inference_id: str) -> str:
    """The event id of a captured request: a UUID of version 5 of its endpoint and inference id.

    >>> event_id("churn", "17") == event_id("churn", "17"), event_id("churn", "17")[14]
    (True, '5')
    """
    return str(uuid5(uuid5(NAMESPACE_DNS, endpoint), inference_id))


def _event_ids(endpoint: str, ids: pa.Array) -> pa.Array:
    """`event_id` of many at once."""
    import numpy as np
    import pyarrow as pa

    space = hashlib.sha1(uuid5(NAMESPACE_DNS, endpoint).bytes, usedforsecurity=False)
    digests = []
    for text in ids.to_pylist():
        one = space.copy()
        one.update(text.encode())
        digests.append(one.digest())
    raw = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 20)[:, :16].copy()
    return pa.array(_hyphened(raw), pa.large_string())


def _hyphened(raw: np.ndarray) -> list[str]:
    """UUIDs of 16 bytes each as text, marked with version 5 and RFC 4122's variant."""
    raw[:, 6] = raw[:, 6] & 0x0F | 5 << 4
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    text = raw.tobytes().hex()
    return [
        f"{text[i : i + 8]}-{text[i + 8 : i + 12]}-{text[i + 12 : i + 16]}-{text[i + 16 : i + 20]}"
        f"-{text[i + 20 : i + 32]}"
        for i in range(0, len(text), 32)
    ]


def _uuid4(name: str) -> str:
    """An id of a UUID's version 4 by its looks, made of a name instead of drawn."""
    return str(UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=4))
