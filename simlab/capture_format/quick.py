"""Captured requests read by whole columns, where every line is as plain as they usually are.

What is not so plain (BASE64, a line's end within a value, JSON that is no object of the columns, a line that
must be set aside) is left to the reader that goes line by line and can say what is wrong; where both read,
they read the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_CELL = r'(?:"(?:[^"\r\n]|"")*"|[^",\r\n]*)'
_LINE = f"^{_CELL}(?:,{_CELL})*$"
"""A line of RFC 4180; what other lines mean is what their reader makes of them."""


def plain_columns(
    body: bytes, lines: int, sides: Mapping[str, Sequence[str]], text: Sequence[str]
) -> dict[str, pa.Array] | None:
    """Ids and values of captured requests by column, text or numbers; None where a line is not plain.

    Parameters
    ----------
    body
        The lines of all files.
    lines
        How many there are.
    sides
        The names of the values of `endpointInput` and `endpointOutput`.
    text
        Those of them that are text; the others are numbers.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    side = pa.struct([("data", pa.string()), ("encoding", pa.string())])
    fields = {
        "captureData": pa.struct([(name, side) for name in sides]),
        "eventMetadata": pa.struct([(n, pa.string()) for n in ("eventId", "inferenceId", "inferenceTime")]),
    }
    table = _objects(body, lines, fields, "ignore")
    if table is None:
        return None
    captured, events = (table[name].chunk(0) for name in fields)
    found = {n: pc.struct_field(events, n) for n in ("eventId", "inferenceId", "inferenceTime")}
    if found["eventId"].null_count or pc.any(pc.equal(found["eventId"], "")).as_py():
        return None
    for name, columns in sides.items():
        values = _plain(pc.struct_field(captured, name), columns, text)
        if values is None:
            return None
        found |= values
    return found


def _objects(body: bytes, lines: int, fields: Mapping[str, Any], more: str) -> pa.Table | None:
    """JSON objects as a table, in one piece; None where one does not fit the fields or is not in its line.

    Parameters
    ----------
    more
        What becomes of further fields: "ignore" or "error".
    """
    import pyarrow as pa
    from pyarrow import json

    # A block must hold a line, and a line may be as long as a request.
    size = max(1 << 20, min(len(body), 1 << 26))
    try:
        table = json.read_json(
            BytesIO(body),
            read_options=json.ReadOptions(use_threads=False, block_size=size),
            parse_options=json.ParseOptions(
                explicit_schema=pa.schema(list(fields.items())), unexpected_field_behavior=more
            ),
        ).combine_chunks()
    except pa.ArrowInvalid:
        return None
    return table if lines and table.num_rows == lines else None


def _plain(side: pa.Array, columns: Sequence[str], text: Sequence[str]) -> dict[str, pa.Array] | None:
    """The values of one side of every request, where all are of one encoding and one record each."""
    import pyarrow.compute as pc

    data, encoding = pc.struct_field(side, "data"), pc.struct_field(side, "encoding")
    kinds = encoding.unique().to_pylist()
    if data.null_count or len(kinds) != 1:
        return None
    if kinds == ["JSON"]:
        return _plain_json(data, columns, text)
    return _plain_csv(data, columns) if kinds == ["CSV"] else None


def _plain_json(data: pa.Array, columns: Sequence[str], text: Sequence[str]) -> dict[str, pa.Array] | None:
    """Objects of these columns and of no others."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pc.any(pc.match_substring_regex(data, r"^[^{]|^$|[\r\n]|^\{\s*\}")).as_py():
        return None
    body = b"\n".join(data.cast(pa.binary()).to_pylist())
    fields = {name: pa.string() if name in text else pa.float64() for name in columns}
    table = _objects(body, len(data), fields, "error")
    return None if table is None else {name: table[name].chunk(0) for name in columns}


def _plain_csv(data: pa.Array, columns: Sequence[str]) -> dict[str, pa.Array] | None:
    """Lines of CSV with as many cells."""
    import pyarrow.compute as pc
    from pyarrow import ArrowInvalid, csv, string

    if not pc.all(pc.match_substring_regex(data, _LINE)).as_py() or pc.any(pc.equal(data, "")).as_py():
        return None
    body = b"\n".join(data.cast("binary").to_pylist())
    try:
        table = csv.read_csv(
            BytesIO(body),
            read_options=csv.ReadOptions(column_names=list(columns), use_threads=False, block_size=1 << 24),
            parse_options=csv.ParseOptions(ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(columns, string()), null_values=[""], strings_can_be_null=True
            ),
        ).combine_chunks()
    except ArrowInvalid:
        return None
    return {n: table[n].chunk(0) for n in columns} if table.num_rows == len(data) else None
