"""What one line of SageMaker's JSON Lines says: an id, and the values of its data."""

from __future__ import annotations

import base64
import binascii
import csv
import json
from collections.abc import Mapping
from io import StringIO
from typing import Any


class Unreadable(ValueError):
    """A record is not what it should be; the message is the reason."""


def object_of(text: str) -> dict[str, Any]:
    """A line's object.

    Raises
    ------
    Unreadable
        It is no JSON object, or no UTF-8.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as wrong:
            raise Unreadable("not UTF-8") from wrong
    record = json.loads(text)
    if not isinstance(record, dict):
        raise Unreadable("not a JSON object")
    return record


def part_of(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A part of a record that is an object.

    Raises
    ------
    Unreadable
        There is no such part.
    """
    found = record.get(name)
    if not isinstance(found, dict):
        raise Unreadable(f"no {name}")
    return found


def id_of(record: Mapping[str, Any]) -> str:
    """A record's event id.

    Raises
    ------
    Unreadable
        It has none.
    """
    found = part_of(record, "eventMetadata").get("eventId")
    if not isinstance(found, str) or not found:
        raise Unreadable("no eventMetadata.eventId")
    return found


# --- data ------------------------------------------------------------------------------------------


def values_of(side: Mapping[str, Any], names: list[str], where: str) -> list[Any]:
    """The values of one side of a record, in the order of the names.

    JSON objects whose columns nobody named add their keys to the names.

    Raises
    ------
    Unreadable
        Its encoding is unknown, or its data are not one record of these columns.
    """
    data, encoding = side.get("data"), side.get("encoding", "CSV")
    if not isinstance(data, str):
        raise Unreadable(f"{where} has no data")
    if encoding == "BASE64":
        try:
            data = base64.b64decode(data, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as wrong:
            raise Unreadable(f"{where} is no BASE64 of text") from wrong
        encoding = "JSON" if "json" in str(side.get("observedContentType", "")) else "CSV"
    if encoding == "JSON":
        return _from_json(data, names, where)
    if encoding != "CSV":
        raise Unreadable(f"{where} has the encoding {encoding!r}, which is none of CSV, JSON and BASE64")
    return _fitting(_from_csv(data, where), names, where)


def _from_csv(data: str, where: str) -> list[Any]:
    data = data.rstrip("\r\n")
    if '"' not in data and "\n" not in data and "\r" not in data:
        return [cell or None for cell in data.split(",")]
    rows = [row for row in csv.reader(StringIO(data, newline="")) if row]
    if len(rows) != 1:
        raise Unreadable(f"{where} holds {len(rows)} records in one request; one a request can be told apart")
    return [cell or None for cell in rows[0]]


def _from_json(data: str, names: list[str], where: str) -> list[Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as wrong:
        raise Unreadable(f"{where} is not JSON: {wrong}") from wrong
    # {"instances": [[1, 2]]}, {"predictions": [{"score": 0.1}]} and the like hold one record.
    while True:
        if (
            isinstance(found, dict)
            and len(found) == 1
            and isinstance(inner := next(iter(found.values())), list)
        ):
            found = inner
        elif isinstance(found, list) and found and isinstance(found[0], (list, dict)):
            if len(found) != 1:
                raise Unreadable(
                    f"{where} holds {len(found)} records in one request; one a request can be told apart"
                )
            found = found[0]
        else:
            break
    if not isinstance(found, dict):
        cells = found if isinstance(found, list) else [found]
        return _fitting([_cell(cell, where) for cell in cells], names, where)
    if not names:
        cells = [_cell(value, where) for value in found.values()]
        names += [str(key) for key in found]
        return cells
    if len(names) == len(found) == 1 and names[0] not in found:  # an answer's only value, however called
        return [_cell(next(iter(found.values())), where)]
    if unknown := [key for key in found if key not in names]:
        raise Unreadable(f"{where} has columns that nobody expected: {', '.join(map(repr, unknown))}")
    return [_cell(found.get(name), where) for name in names]


def _cell(value: Any, where: str) -> Any:
    if isinstance(value, (dict, list)):
        raise Unreadable(f"{where} is nested; a value must be a number or text")
    if value is None or isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, bool) else str(value)


def _fitting(cells: list[Any], names: list[str], where: str) -> list[Any]:
    if not names:
        if where != "groundTruthData":
            names += [f"_c{place}" for place in range(len(cells))]
    elif len(cells) != len(names):
        raise Unreadable(f"{where} holds {len(cells)} values where {len(names)} were expected")
    return cells
