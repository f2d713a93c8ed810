"""Captured requests read by whole columns, where every line is as plain as they usually are.

What is not so plain (JSON, BASE64, a line's end within a value, a line that must be set aside) is left to
the reader that goes line by line and can say what is wrong; where both read, they read the same.
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


def plain_columns(body: bytes, lines: int, sides: Mapping[str, Sequence[str]]) -> dict[str, pa.Array] | None:
    """Ids and values of captured requests as text by column; None where a line is not plain.

    Parameters
    ----------
    body
        The lines of all files.
    lines
        How many there are.
    sides
        The names of the values of `endpointInput` and `endpointOutput`.
    """
    import pyarrow as pa
    from pyarrow import json

    text = pa.string()
    side = pa.struct([("data", text), ("encoding", text)])
    data = pa.struct([(name, side) for name in sides])
    meta = pa.struct([("eventId", text), ("inferenceId", text), ("inferenceTime", text)])
    try:
        table = json.read_json(
            BytesIO(body),
            # A block must hold a line, and a line may be as long as a request.
            read_options=json.ReadOptions(
                use_threads=False, block_size=max(1 << 20, min(len(body), 1 << 26))
            ),
            parse_options=json.ParseOptions(
                explicit_schema=pa.schema([("captureData", data), ("eventMetadata", meta)]),
                unexpected_field_behavior="ignore",
            ),
        ).combine_chunks()
    except pa.ArrowInvalid:
        return None
    if table.num_rows != lines or not lines:
        return None
    captured, events = (_field(table[n]) for n in ("captureData", "eventMetadata"))
    found = {n: _field(events, n) for n in ("eventId", "inferenceId", "inferenceTime")}
    if found["eventId"].null_count or "" in found["eventId"].unique().to_pylist():
        return None
    for name, columns in sides.items():
        values = _plain(_field(captured, name), columns)
        if values is None:
            return None
        found |= values
    return found


def _field(column: Any, name: str = "") -> pa.Array:
    """A column in one piece, or a field of it that is null wherever the whole is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if name:
        return pc.struct_field(column, name)
    return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column


def _plain(side: pa.Array, columns: Sequence[str]) -> dict[str, pa.Array] | None:
    """The values of one side of every request, where each is one line of as many cells."""
    import pyarrow.compute as pc
    from pyarrow import ArrowInvalid, csv, string

    data, encoding = _field(side, "data"), _field(side, "encoding")
    if data.null_count or encoding.null_count or encoding.unique().to_pylist() != ["CSV"]:
        return None
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
    if table.num_rows != len(data):
        return None
    return {name: table[name].chunk(0) for name in columns}
