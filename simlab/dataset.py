"""Datasets: a folder with `card.yaml`, which says who is who and what to beware of, and Parquet.

The card is checked in full before a row is read, and every file against the digest in the card.
Instead of files a card may name a generator: such a dataset is synthetic, and its law is known.
What the card calls an outcome or never a feature is left out of the rows, so no stage can use it
by mistake.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from simlab.artifacts import Column, Schema, View
from simlab.card import CARD, Card, ColumnCard, DayKey, Table, Target
from simlab.errors import DataFileProblem, ScenarioInvalid, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa


def dataset_folders() -> tuple[Path, ...]:
    """Where datasets are looked for, nearest first.

    `SIMLAB_DATASETS`, the working folder's `datasets/`, the checkout's, the installed package's.
    """
    package = Path(__file__).resolve().parent
    named = os.environ.get("SIMLAB_DATASETS")
    places = [Path(named)] if named else []
    places += [Path.cwd() / "datasets", package.parent / "datasets", package / "_datasets"]
    return tuple(dict.fromkeys(place.absolute() for place in places if place.is_dir()))


def dataset_names(folders: Iterable[Path] | None = None) -> tuple[str, ...]:
    """Names of the datasets there are, in alphabetical order."""
    places = dataset_folders() if folders is None else folders
    return tuple(sorted({card.parent.name for place in places for card in place.glob(f"*/{CARD}")}))


def find_dataset(name: str, folders: Sequence[Path] | None = None) -> Path:
    """The folder of the named dataset.

    Raises
    ------
    ScenarioInvalid
        There is none of that name; the message holds the nearest right one.
    """
    places = dataset_folders() if folders is None else tuple(folders)
    for place in places:
        # not a path: `../elsewhere` is no name
        if Path(name).name == name and (place / name / CARD).is_file():
            return place / name
    known = dataset_names(places)
    hint = did_you_mean(name, known) if known else f"; looked in {', '.join(map(str, places)) or 'no folder'}"
    raise ScenarioInvalid("dataset", [f"no dataset called {name!r}{hint}"])


def schema(card: Card) -> Schema:
    """Who is who among the columns, as the stages see it.

    The rows' own features form one view, named after the entity; each table of the card is
    another.
    """
    own = _features(card.columns)
    name = card.entity.column.removesuffix("_id")
    views = [View(name, card.entity.column, own, from_rows=True)]
    for view, table in card.views.items():
        views.append(View(view, table.entity, _features(table.columns), int(table.ttl.total_seconds())))
    return Schema(
        problem=card.problem,
        target=card.target_name,
        entity=card.entity.column,
        event_time=card.event_time.column,
        columns=own,
        keys=tuple(name for name, field in card.columns.items() if field.role == "key"),
        views=tuple(views),
        ordered=not card.event_time.simulated,
        key_per_row=card.entity.simulated,
    )


def _features(columns: Mapping[str, ColumnCard]) -> tuple[Column, ...]:
    found = []
    for name, field in columns.items():
        if field.role == "numeric" or field.role == "categorical":
            found.append(Column(name, field.role, field.sensitive, field.integral))
    return tuple(found)


def verify(folder: Path, card: Card) -> None:
    """Check every file of a dataset against the digest in its card.

    Raises
    ------
    DataFileProblem
        A file is missing or is not the one the card describes.
    """
    for file in card.files.values():
        _read(folder, card, file)


def _read(folder: Path, card: Card, file: str) -> bytes:
    """A file's bytes, once they are known to be the right ones."""
    path = folder / file
    try:
        content = path.read_bytes()
    except OSError as wrong:
        raise DataFileProblem(
            f"{path}: cannot be read: {wrong.strerror}; restore it (git checkout -- brings it back), "
            f"or name another dataset"
        ) from wrong
    found, expected = hashlib.sha256(content).hexdigest(), card.digest[file]
    if found != expected:
        raise DataFileProblem(
            f"{path}: not the file its card describes: SHA-256 {found} found, {expected} expected; "
            f"restore it (git checkout -- brings it back), or, if you changed it on purpose, "
            f"write the new digest into {folder / CARD}"
        )
    return content


def load(folder: Path, card: Card, made: pa.Table | None = None) -> tuple[pa.Table, dict[str, pa.Table]]:
    """Read a dataset: labelled rows, and a table for each view that has one.

    Rows hold entity key, event time (none when the card says it is simulated: the scenario's
    clock gives it), keys and features in the card's order, and the target as double. Rows without
    a target are dropped. View tables hold their entity, the event time (under the rows' name for
    it: the moment a value became known) and features. Numeric features are double, categorical
    ones and keys string, null where unknown; times are UTC, in microseconds, without a zone. A
    simulated entity key is the row's place in the file, counted before rows are dropped.

    Parameters
    ----------
    folder, card
        The dataset.
    made
        The rows of a synthetic dataset, which no file holds (`simlab.generated.draw`).

    Raises
    ------
    DataFileProblem
        A file is missing, is not the one the card describes, or lacks a column of the card.
    """
    import numpy as np
    import pyarrow as pa

    clock = card.event_time
    if made is None:
        raw = _parquet(folder, card, card.files["rows"])
        real = [part.column for part in (card.entity, clock) if not part.simulated]
        _expect(folder / card.files["rows"], raw, card.columns, *real)
    else:
        raw = made
    columns: dict[str, pa.ChunkedArray] = {}
    columns[card.entity.column] = (
        pa.chunked_array([pa.array(np.arange(raw.num_rows))])
        if card.entity.simulated
        else _key(raw[card.entity.column])
    )
    if not clock.simulated:
        columns[clock.column] = _utc(raw[clock.column], clock.zone)
    columns |= _cast(raw, card.columns, columns.get(clock.column))
    columns[card.target_name] = _target(raw[card.target.column], card.target)
    rows = pa.table(columns)
    rows = rows.filter(rows[card.target_name].is_valid()).combine_chunks()
    return rows, {name: _view(folder, card, table) for name, table in card.views.items()}


def _view(folder: Path, card: Card, table: Table) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    file = card.files[table.file]
    raw = _parquet(folder, card, file)
    _expect(folder / file, raw, table.columns, *filter(None, (table.entity, table.event_time)))
    if table.event_time is not None:
        known = pc.add(_utc(raw[table.event_time], "UTC"), pa.scalar(table.known_after, pa.duration("us")))
    else:
        assert table.known_since is not None
        moment = table.known_since
        moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        known = pa.chunked_array([pa.repeat(pa.scalar(moment, pa.timestamp("us")), raw.num_rows)])
    columns = {table.entity: _key(raw[table.entity]), card.event_time.column: known}
    return pa.table(columns | _cast(raw, table.columns, known)).combine_chunks()


def _parquet(folder: Path, card: Card, file: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = _read(folder, card, file)
    try:
        # One thread: the threaded reader aborts at the end of the process now and then.
        return pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False).replace_schema_metadata(None)
    except (pa.ArrowInvalid, OSError) as wrong:
        raise DataFileProblem(f"{folder / file}: not Parquet: {wrong}") from wrong


def _expect(path: Path, raw: pa.Table, columns: Mapping[str, ColumnCard], *further: str) -> None:
    for name in (*further, *(name for name, field in columns.items() if field.day_key is None)):
        if name not in raw.column_names:
            raise DataFileProblem(f"{path}: no column called {name!r}{did_you_mean(name, raw.column_names)}")


def _cast(
    raw: pa.Table, columns: Mapping[str, ColumnCard], when: pa.ChunkedArray | None
) -> dict[str, pa.ChunkedArray]:
    """What stages may see of a file, each column cast as its role says."""
    cast: dict[str, pa.ChunkedArray] = {}
    for name, field in columns.items():
        if field.role == "numeric":
            cast[name] = _numeric(raw[name], field.null_above)
        elif field.role in ("categorical", "text"):
            cast[name] = _string(raw[name])
        elif field.role == "key":
            cast[name] = _day_key(raw, field.day_key, when) if field.day_key else _string(raw[name])
    return cast


def _numeric(values: pa.ChunkedArray, null_above: float | None) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = values.cast(pa.float64())
    unknown = pc.is_nan(numbers)
    if null_above is not None:
        unknown = pc.or_(unknown, pc.greater(numbers, null_above))
    return pc.if_else(unknown, pa.scalar(None, pa.float64()), numbers)


def _string(values: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    return values.cast(pa.string())


def _key(values: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    return values.cast(pa.int64() if pa.types.is_integer(values.type) else pa.string())


def _day_key(raw: pa.Table, key: DayKey, when: pa.ChunkedArray | None) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    day = pc.subtract(when, pa.scalar(key.behind, pa.duration("us"))).cast(pa.date32())
    return pc.binary_join_element_wise(_string(raw[key.of]), day.cast(pa.string()), "-")


def _target(values: pa.ChunkedArray, target: Target) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if target.positive is not None:
        wanted = pa.scalar(str(target.positive), pa.string())
        return pc.equal(_string(values), wanted).cast(pa.float64())
    if target.above is not None:
        return pc.greater(values.cast(pa.float64()), target.above).cast(pa.float64())
    return _numeric(values, None)


def _utc(values: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    """Times of a zone as UTC without a zone; an hour that the clock shows twice is its first."""
    import pyarrow as pa

    times = values.cast(pa.timestamp("us"))
    if zone == "UTC":
        return times
    # Python's own time zones: Arrow's need files that a slim machine lacks.
    there = ZoneInfo(zone)
    moments = [
        None if moment is None else moment.replace(tzinfo=there).astimezone(UTC).replace(tzinfo=None)
        for moment in times.to_pylist()
    ]
    return pa.chunked_array([pa.array(moments, pa.timestamp("us"))])
