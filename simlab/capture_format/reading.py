"""Captured requests and ground truth read back from SageMaker's JSON Lines, the real service's or ours.

A line that cannot be read is set aside with a reason, and counted; none is dropped in silence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from simlab.capture_format.quick import plain_columns
from simlab.capture_format.records import Unreadable, id_of, object_of, part_of, values_of
from simlab.capture_format.writing import ANSWER

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN = 200
"""Characters of a bad line that are kept."""

Source = Path | Sequence[Path] | Mapping[str, bytes]
"""A folder, a file, several files, or the files' content by name."""

Kind = Literal["numeric", "categorical"]
_Cells = list[str | None]


@dataclass(frozen=True)
class BadLine:
    """A line that was set aside."""

    file: str
    line: int
    """Counted from 1."""
    reason: str
    text: str
    """Its beginning."""


@dataclass(frozen=True)
class Captures:
    """Captured requests as a table."""

    table: pa.Table
    """`event_id`, `inference_id` (null where none was sent), `inference_time`, the answers' columns and
    the requests' columns; null where a side was not captured."""
    records: tuple[str, ...]
    """The lines themselves, in the table's order."""
    bad: tuple[BadLine, ...]
    """Lines that were set aside; with the table's rows they are all there were."""


@dataclass(frozen=True)
class Truth:
    """Ground truth as a table."""

    table: pa.Table
    """`event_id` and `label`: a number where all of them are, else text."""
    bad: tuple[BadLine, ...]


@dataclass(frozen=True)
class Merged:
    """What the merge job makes: captured requests whose label is known."""

    table: pa.Table
    """The captures' columns and `label`."""
    records: tuple[str, ...]
    """The merge job's lines: each capture with its `groundTruthData`."""
    unlabelled: int
    """Captured requests that no label was found for; they are dropped."""
    unasked: int
    """Labels of requests that were not captured; they are dropped."""
    repeated: int
    """Labels that a later one of the same id took the place of."""


def read_captures(
    source: Source, features: Sequence[str] | Mapping[str, Kind] = (), outputs: Sequence[str] = (ANSWER,)
) -> Captures:
    """Read capture files, in the order of their names.

    Parameters
    ----------
    source
        Where they are; of a folder every `*.jsonl` below it.
    features
        Columns of a request, in the order of its values; with kinds, a value of a numeric column that is
        no number makes a line bad. Left out, JSON objects name their own columns, values without names
        are `_c0`, `_c1` … as Model Monitor has them, and a column of numbers is numeric.
    outputs
        Columns of an answer.
    """
    kinds: Mapping[str, Kind] = features if isinstance(features, Mapping) else {}
    whole = list(_lines(source))
    if quickly := _quickly([text for _, _, text in whole], kinds, outputs):
        return quickly
    lines, bad = _Lines(), []
    names = list(features)
    for file, number, text in whole:
        try:
            lines.add(text, file, number, names, list(outputs))
        except (Unreadable, ValueError, RecursionError) as wrong:
            bad.append(BadLine(file, number, _reason(wrong), text[:SHOWN]))
    return lines.captures(kinds, names, list(outputs), bad)


def _quickly(texts: list[str], kinds: Mapping[str, Kind], outputs: Sequence[str]) -> Captures | None:
    """What plain lines say, by whole columns; None where they are not plain, or the kinds are not known."""
    import pyarrow as pa

    if not kinds or not outputs or {*kinds} & {*outputs} or len({*outputs}) < len(outputs):
        return None
    try:
        body = "\n".join(texts).encode()
    except UnicodeEncodeError:
        return None
    sides = {"endpointInput": list(kinds), "endpointOutput": outputs}
    columns = plain_columns(body, len(texts), sides, [n for n, kind in kinds.items() if kind != "numeric"])
    if columns is None:
        return None
    ids = {"event_id": "eventId", "inference_id": "inferenceId", "inference_time": "inferenceTime"}
    made = {name: columns[key] for name, key in ids.items()}
    try:
        for name in (*outputs, *kinds):
            column = columns[name]
            made[name] = column if pa.types.is_floating(column.type) else _typed(column, kinds.get(name))
    except pa.ArrowInvalid:
        return None
    return Captures(pa.table(made), tuple(texts), ())


def read_truth(source: Source) -> Truth:
    """Read ground truth files, in the order of their names.

    Parameters
    ----------
    source
        Where they are; of a folder every `*.jsonl` below it.
    """
    import pyarrow as pa

    ids, labels, bad = [], [], []
    for file, number, text in _lines(source):
        try:
            record = object_of(text)
            name = id_of(record)
            values = values_of(part_of(record, "groundTruthData"), [], "groundTruthData")
            if len(values) != 1 or values[0] in (None, ""):
                raise Unreadable(f"groundTruthData holds {len(values)} values where one label was expected")
        except (Unreadable, ValueError, RecursionError) as wrong:
            bad.append(BadLine(file, number, _reason(wrong), text[:SHOWN]))
            continue
        ids.append(name)
        labels.append(values[0])
    return Truth(pa.table({"event_id": pa.array(ids, pa.string()), "label": _guessed(labels)}), tuple(bad))


def merge(captures: Captures, truth: Truth) -> Merged:
    """Join captured requests with their labels, as the merge job does.

    The key is the inference id where the caller sent one, and the event id where not. Of several labels
    of one id the last counts.
    """
    import pyarrow as pa

    label_at = {name: place for place, name in enumerate(truth.table["event_id"].to_pylist())}
    events, sent = captures.table["event_id"].to_pylist(), captures.table["inference_id"].to_pylist()
    keys = [event if inference is None else inference for event, inference in zip(events, sent, strict=True)]
    rows = [place for place, key in enumerate(keys) if key in label_at]
    labels = truth.table["label"].take(pa.array([label_at[keys[row]] for row in rows], pa.int64()))
    told = [_csv_text(label) for label in labels.to_pylist()]
    records = tuple(
        captures.records[row].rstrip()[:-1]
        + f',"groundTruthData":{{"data":{json.dumps(label, ensure_ascii=False)},"encoding":"CSV"}}}}'
        for row, label in zip(rows, told, strict=True)
    )
    return Merged(
        table=captures.table.take(pa.array(rows, pa.int64())).append_column("label", labels),
        records=records,
        unlabelled=len(keys) - len(rows),
        unasked=len(label_at.keys() - set(keys)),
        repeated=truth.table.num_rows - len(label_at),
    )


def _csv_text(label: Any) -> str:
    """A label as a line of CSV has it."""
    if isinstance(label, float):
        return str(int(label)) if label.is_integer() and abs(label) < 2**53 else repr(label)
    return '"' + label.replace('"', '""') + '"' if any(c in label for c in ',"\r\n') else str(label)


# --- lines ----------------------------------------------------------------------------------------


def _lines(source: Source) -> Iterator[tuple[str, int, str]]:
    """File, number and text of every line that is not blank."""
    if isinstance(source, Mapping):
        files = [(name, source[name]) for name in sorted(source)]
    else:
        paths = [source] if isinstance(source, Path) else source
        found = [f for path in paths for f in (path.rglob("*.jsonl") if path.is_dir() else [path])]
        files = [(str(path), path.read_bytes()) for path in sorted(found)]
    for name, body in files:
        for number, raw in enumerate(body.split(b"\n"), start=1):
            if raw.strip():
                yield name, number, raw.decode(errors="surrogateescape")


def _reason(wrong: BaseException) -> str:
    if isinstance(wrong, Unreadable):
        return str(wrong)
    return f"not JSON: {wrong}"


# --- many records ---------------------------------------------------------------------------------


class _Lines:
    """Good lines as they come: their ids, their values, and where they stood."""

    def __init__(self) -> None:
        self.ids: list[tuple[str, str | None, str | None]] = []
        self.texts: list[str] = []
        self.places: list[tuple[str, int]] = []
        self.inputs: list[list[Any] | None] = []
        self.answers: list[list[Any] | None] = []

    def add(self, text: str, file: str, number: int, names: list[str], outputs: list[str]) -> None:
        """Take a line in.

        Raises
        ------
        Unreadable
            It is no captured request.
        """
        record = object_of(text)
        name, meta, data = id_of(record), record["eventMetadata"], part_of(record, "captureData")
        asked, said = data.get("endpointInput"), data.get("endpointOutput")
        if asked is None and said is None:
            raise Unreadable("captureData holds neither endpointInput nor endpointOutput")
        for side, found in (("endpointInput", asked), ("endpointOutput", said)):
            if found is not None and not isinstance(found, dict):
                raise Unreadable(f"{side} is no object")
        inputs = None if asked is None else values_of(asked, names, "endpointInput")
        answers = None if said is None else values_of(said, outputs, "endpointOutput")
        sent, moment = meta.get("inferenceId"), meta.get("inferenceTime")
        if not all(value is None or isinstance(value, str) for value in (sent, moment)):
            raise Unreadable("eventMetadata.inferenceId and inferenceTime must be text")
        self.inputs.append(inputs)
        self.answers.append(answers)
        self.ids.append((name, sent, moment))
        self.texts.append(text)
        self.places.append((file, number))

    def captures(
        self, kinds: Mapping[str, Kind], names: list[str], outputs: list[str], bad: list[BadLine]
    ) -> Captures:
        """All of them as a table; those whose values are not of their column's kind are bad as well."""
        import pyarrow as pa

        width = len(names)
        columns: dict[str, _Cells] = {
            name: list(c) for name, c in zip(outputs, _turned(self.answers, len(outputs)), strict=True)
        }
        columns |= {name: list(c) for name, c in zip(names, _turned(self.inputs, width), strict=True)}
        wrong: dict[int, str] = {}
        for name, cells in columns.items():
            if kinds.get(name) == "numeric" and not _numbers(cells):
                wrong |= {
                    row: f"{name}: {cell!r} is no number"
                    for row, cell in enumerate(cells)
                    if not _number(cell)
                }
        bad += [BadLine(*self.places[row], why, self.texts[row][:SHOWN]) for row, why in wrong.items()]
        kept = [row for row in range(len(self.ids)) if row not in wrong]
        event, inference, moment = zip(*self.ids, strict=True) if self.ids else ((), (), ())
        made = {
            "event_id": pa.array(event, pa.string()),
            "inference_id": pa.array(inference, pa.string()),
            "inference_time": pa.array(moment, pa.string()),
        }
        for name, cells in columns.items():
            if wrong:
                cells = [None if row in wrong else cell for row, cell in enumerate(cells)]
            made[name] = _typed(cells, kinds.get(name))
        table = pa.table(made)
        if wrong:
            table = table.take(pa.array(kept, pa.int64()))
        return Captures(table, tuple(self.texts[row] for row in kept), tuple(sorted(bad, key=_place)))


def _place(line: BadLine) -> tuple[str, int]:
    return line.file, line.line


def _turned(rows: list[list[Any] | None], width: int) -> list[tuple[Any, ...]]:
    """Rows as columns; a row without values has nothing in each."""
    nothing = [None] * width
    filled = [nothing if row is None else row for row in rows]
    return list(zip(*filled, strict=True)) if filled else [()] * width


def _numbers(cells: Sequence[str | None] | pa.Array) -> bool:
    """Whether all cells that are there are numbers."""
    import pyarrow as pa

    try:
        pa.array(cells, pa.string()).cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


def _number(cell: str | None) -> bool:
    return _numbers([cell])


def _typed(cells: Sequence[str | None] | pa.Array, kind: Kind | None) -> pa.Array:
    import pyarrow as pa

    if kind is None:
        return _guessed(cells)
    text = pa.array(cells, pa.string())
    return text.cast(pa.float64()) if kind == "numeric" else text


def _guessed(cells: Sequence[str | None] | pa.Array) -> pa.Array:
    """Numbers where all cells are, else text."""
    import pyarrow as pa

    text = pa.array(cells, pa.string())
    return text.cast(pa.float64()) if _numbers(cells) else text
