"""The feature store: Feast, DuckDB behind the training join, SQLite behind the online reads.

One definition serves both: each view of the schema is one Feast feature view. What Feast leaves
open is closed here, and only here:

- Ties. Of several values of one key at one moment the last one given stands, offline and online.
- Keys. The two stores know every key as text under a name of its own (`key_origin`), so that a
  column may be a key and a feature at once.
- Order online. Feast lets an older value overwrite a newer one; here the newer one stays.
- Time to live online. Feast does not check it there; here it is checked against simulated time.
- Columns of nothing but nulls. Feast skips such writes, and the old value would live on.

The last three rest on one more column, the event time in microseconds, kept as a feature of every
view: Feast's own online time stamp is cut to seconds and reads wrong around a change of the
machine's clock.
"""

from __future__ import annotations

import logging
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import typeguard

from simlab.artifacts import Schema, View
from simlab.errors import SimlabError, did_you_mean

# Two thirds of Feast's import is typeguard rewriting its constructors; they are called from here alone.
_typechecked = typeguard.typechecked
typeguard.typechecked = lambda f=None, **_: f if f is not None else (lambda g: g)
try:
    import feast.infra.offline_stores.duckdb
    import feast.infra.online_stores.sqlite
    import feast.infra.passthrough_provider  # noqa: F401
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.infra.key_encoding_utils import serialize_entity_key
    from feast.infra.online_stores.helpers import extract_text_and_num
    from feast.infra.online_stores.sqlite import (
        SqliteOnlineStore,
        SqliteOnlineStoreConfig,
        _quote_id,
        _table_id,
    )
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
    from feast.protos.feast.types.Value_pb2 import Value as ValueProto
    from feast.repo_config import RegistryConfig
    from feast.types import Float64, Int64, String
    from feast.utils import to_naive_utc
finally:
    typeguard.typechecked = _typechecked

logging.getLogger("feast").setLevel(logging.ERROR)

PROJECT = "simlab"
MOMENT = "event_timestamp"
"""Event time, in the stores."""
ROW = "row__"
"""A row's place, carried through the training join."""
PIECE = 5_000
"""Most rows written or read online in one call: SQLite takes some 32,000 keys, and memory is bounded."""
MEMORY = "1GB"
"""What a training join may take before it spills to disk."""
RESERVED = frozenset({MOMENT, ROW, "entity_row_id", "event_expire_timestamp", "rn"})
ONLINE = ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -32768")
"""Settings of the online store's SQLite: whole after a killed process, without a sync at every push."""


class BulkSqliteOnlineStoreConfig(SqliteOnlineStoreConfig):  # type: ignore[misc]
    """Settings of the online store below, which Feast finds by this name."""

    type: str = ""


class BulkSqliteOnlineStore(SqliteOnlineStore):  # type: ignore[misc]
    """Feast's SQLite store, written and read many values at a time.

    The table is the one that Feast's own class writes, to the byte: either reads the other's. Feast's
    own sends every value as a statement of its own, and parses a time stamp with each that it reads.
    """

    def online_write_batch(self, config: Any, table: Any, data: Any, progress: Any) -> None:
        """Write rows of (entity key, values by feature, event time, creation time)."""
        version = config.entity_key_serialization_version

        def cells() -> Iterator[tuple[Any, ...]]:
            for entity_key, values, moment, created in data:
                key = serialize_entity_key(entity_key, entity_key_serialization_version=version)
                stamps = (_stamp(moment), _stamp(created))
                for name, value in values.items():
                    yield key, name, value.SerializeToString(), extract_text_and_num(value, False)[0], *stamps

        columns = ("entity_key", "feature_name", "value", "value_text", "event_ts", "created_ts")
        connection = self._get_conn(config)
        with connection:
            connection.executemany(
                f"INSERT INTO {_table(config, table)} ({', '.join(columns)}) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT(entity_key, feature_name) DO UPDATE SET "
                + ", ".join(f"{name} = excluded.{name}" for name in columns[2:]),
                cells(),
            )

    def online_read(
        self, config: Any, table: Any, entity_keys: Any, requested_features: Any = None
    ) -> list[tuple[datetime | None, dict[str, Any] | None]]:
        """Event time and values by feature of each key; None and None where nothing is stored."""
        version = config.entity_key_serialization_version
        keys = [serialize_entity_key(key, entity_key_serialization_version=version) for key in entity_keys]
        values: dict[bytes, dict[str, Any]] = {key: {} for key in keys}
        moments: dict[bytes, int] = {}
        marks = ", ".join("?" * len(keys))
        # The cast keeps sqlite3 from making a datetime of every single value's time stamp.
        for key, name, value, moment in self._get_conn(config).execute(
            "SELECT entity_key, feature_name, value, CAST(event_ts AS INTEGER) "
            f"FROM {_table(config, table)} WHERE entity_key IN ({marks})",
            keys,
        ):
            values[key][name] = ValueProto.FromString(value)
            moments[key] = moment
        return [
            (datetime.fromtimestamp(moments[key]).replace(tzinfo=UTC), values[key])
            if values[key]
            else (None, None)
            for key in keys
        ]


def _table(config: Any, view: Any) -> str:
    return str(
        _quote_id(_table_id(config.project, view, config.registry.enable_online_feature_view_versioning))
    )


def _stamp(moment: datetime | None) -> int | None:
    """A time stamp as Feast keeps it: whole seconds, its UTC read on the machine's own clock."""
    return None if moment is None else int(to_naive_utc(moment).timestamp())


def _stored(name: str) -> str:
    """A feature's name in the stores; Feast's join loses names that end in _y, and needs some itself."""
    return f"{name}_value" if name.endswith("_y") or name in RESERVED else name


def _clock(view: View) -> str:
    return f"{view.name}__event_us"


def _key(entity: str) -> str:
    return f"key_{entity}"


def _source(view: View, folder: Path) -> Path:
    return folder / "offline" / f"{view.name}.parquet"


# --- definition ---------------------------------------------------------------------------------


def define(schema: Schema, folder: Path) -> None:
    """Define the schema's views in a feature store under the folder; doing it again changes nothing.

    Parameters
    ----------
    schema
        Its views become Feast feature views, its keys Feast entities.
    folder
        Where registry, offline files and the online store lie; made if it does not exist.
    """
    _store(schema, folder)


def _store(schema: Schema, folder: Path) -> Any:
    folder = folder.resolve()
    if not (folder / "registry.db").exists():
        _open.cache_clear()  # a folder of that name may have been removed
    return _open(schema, folder)


@lru_cache(maxsize=8)
def _open(schema: Schema, folder: Path) -> Any:
    (folder / "offline").mkdir(parents=True, exist_ok=True)
    store = FeatureStore(
        config=RepoConfig(
            project=PROJECT,
            provider="local",
            registry=RegistryConfig(path=str(folder / "registry.db"), cache_ttl_seconds=0),
            offline_store={"type": "duckdb"},
            online_store={"type": f"{__name__}.BulkSqliteOnlineStore", "path": str(folder / "online.db")},
            entity_key_serialization_version=3,
        )
    )
    entities = {
        view.entity: Entity(
            name=_key(view.entity), join_keys=[_key(view.entity)], value_type=ValueType.STRING
        )
        for view in schema.views
    }
    views = [
        FeatureView(
            name=view.name,
            entities=[entities[view.entity]],
            ttl=timedelta(seconds=view.ttl_seconds),
            schema=[
                Field(name=_key(view.entity), dtype=String),
                *(
                    Field(name=_stored(c.name), dtype=Float64 if c.kind == "numeric" else String)
                    for c in view.columns
                ),
                Field(name=_clock(view), dtype=Int64),
            ],
            source=FileSource(path=str(_source(view, folder)), timestamp_field=MOMENT),
            online=True,
        )
        for view in schema.views
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store.apply([*entities.values(), *views])
    online = store.provider.online_store._get_conn(store.config)
    for setting in ONLINE:
        online.execute(f"PRAGMA {setting}")
    return store


def _shaped(view: View, schema: Schema, table: pa.Table | None) -> pa.Table:
    """A view's rows as the stores hold them: key, moment, features, and the moment as a number.

    Rows without a key are left out; of rows with the same key and moment the last one stays.
    """
    if table is None:
        table = pa.table(
            {view.entity: pa.array([], pa.string()), schema.event_time: pa.array([], pa.timestamp("us"))}
        )
    for name in (view.entity, schema.event_time):
        if name not in table.column_names:
            raise SimlabError(
                f"view {view.name}: its rows have no column called {name!r}"
                + did_you_mean(name, table.column_names)
            )
    moments = table[schema.event_time].cast(pa.timestamp("us"))
    columns = {_key(view.entity): table[view.entity].cast(pa.string()), MOMENT: moments}
    for column in view.columns:
        columns[_stored(column.name)] = _typed(table, column.name, column.kind)
    columns[_clock(view)] = moments.cast(pa.int64())
    shaped = pa.table(columns)
    shaped = shaped.filter(pc.and_(shaped[_key(view.entity)].is_valid(), moments.is_valid()))
    keys = _codes(shaped[_key(view.entity)])
    return shaped.take(pa.array(_last(keys, shaped[_clock(view)].to_numpy())))


def _named(view: View, schema: Schema, shaped: pa.Table) -> pa.Table:
    """The inverse of `_shaped`: a view's rows under their own names, keys as text."""
    names = [view.entity, schema.event_time, *(column.name for column in view.columns)]
    return shaped.drop_columns([_clock(view)]).rename_columns(names)


def _typed(table: pa.Table, name: str, kind: str) -> pa.ChunkedArray:
    """A feature as double or string; a column that did not come is null throughout."""
    wanted = pa.float64() if kind == "numeric" else pa.string()
    if name not in table.column_names:
        return pa.chunked_array([pa.nulls(table.num_rows, wanted)])
    try:
        values = table[name].cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as wrong:
        raise SimlabError(f"column {name!r} cannot be read as {kind}: {wrong}") from wrong
    if kind == "numeric":
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, wanted), values)
    return values


def _codes(values: pa.ChunkedArray) -> np.ndarray:
    """A whole number for each distinct value; -1 for null."""
    indices = values.combine_chunks().dictionary_encode().indices
    codes: np.ndarray = pc.fill_null(indices, -1).to_numpy(zero_copy_only=False)
    return codes


def _last(keys: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Places of the last row of each (key, moment), ascending."""
    order = np.lexsort((np.arange(len(keys)), moments, keys))
    newer = (np.diff(keys[order]) != 0) | (np.diff(moments[order]) != 0)
    return np.sort(order[np.append(newer, True)[: len(order)]])


def _newest(keys: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Places of the newest row of each key, ascending."""
    order = np.lexsort((np.arange(len(keys)), moments, keys))
    return np.sort(order[np.append(np.diff(keys[order]) != 0, True)[: len(order)]])


# --- training -----------------------------------------------------------------------------------


def join_training(schema: Schema, rows: pa.Table, updates: Mapping[str, pa.Table], folder: Path) -> pa.Table:
    """Join to each row the values known at its event time, from every view.

    A value is known from its event time on and for as long as its view's time to live; of
    several the newest counts.

    Parameters
    ----------
    schema
        Who is who.
    rows
        Entity key, event time, further keys, the rows' own features, target.
    updates
        Rows of the views that have tables of their own, by view name.
    folder
        The feature store's folder.

    Returns
    -------
    pa.Table
        In the order of the rows: entity key, event time, every feature (double or string, null
        where unknown), target.

    Raises
    ------
    SimlabError
        A row was lost or came out twice, or a column cannot be read.
    """
    store = _store(schema, folder)
    moments = rows[schema.event_time].cast(pa.timestamp("us"))
    for view in schema.views:
        table = _shaped(view, schema, rows if view.from_rows else updates.get(view.name))
        pq.write_table(table, _source(view, folder.resolve()), coerce_timestamps="us")
    asked = {ROW: np.arange(rows.num_rows), MOMENT: moments.to_pandas().dt.tz_localize("UTC")}
    for view in schema.views:
        asked[_key(view.entity)] = rows[view.entity].cast(pa.string()).to_pandas()
    names = [f"{view.name}:{_stored(column.name)}" for view in schema.views for column in view.columns]
    with _duckdb(folder):
        joined = store.get_historical_features(entity_df=pd.DataFrame(asked), features=names).to_arrow()
    places = joined[ROW].to_numpy()
    order = np.argsort(places, kind="stable")
    if len(places) != rows.num_rows or not np.array_equal(places[order], np.arange(rows.num_rows)):
        raise SimlabError(f"the training join took {rows.num_rows} rows and gave {len(places)}")
    joined = joined.take(pa.array(order))
    columns = {schema.entity: rows[schema.entity], schema.event_time: moments}
    for column in schema.features:
        wanted = pa.float64() if column.kind == "numeric" else pa.string()
        columns[column.name] = joined[_stored(column.name)].cast(wanted)
    if schema.target in rows.column_names:
        columns[schema.target] = rows[schema.target].cast(pa.float64())
    return pa.table(columns)


@contextmanager
def _duckdb(folder: Path) -> Iterator[None]:
    """A DuckDB of its own for one join: it fetches no extensions, spills into the folder, and goes away."""
    spill = folder.resolve() / "offline" / "spill"
    before = ibis.options.default_backend
    backend = ibis.duckdb.connect(
        temp_directory=str(spill), autoinstall_known_extensions=False, memory_limit=MEMORY
    )
    ibis.set_backend(backend)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        ibis.options.default_backend = before
        backend.disconnect()
        shutil.rmtree(spill, ignore_errors=True)


# --- online -------------------------------------------------------------------------------------


def push(schema: Schema, tables: Mapping[str, pa.Table], folder: Path) -> None:
    """Write rows of views to the online store; of one key the newest event stands.

    A row older than the one stored is left out, in whatever order the rows come; of two with the
    same event time the one given later stands. What is stored is looked up first, which costs one
    read of the pushed keys.

    Parameters
    ----------
    schema
        Who is who.
    tables
        Rows by view name: the view's entity, the event time, features.
    folder
        The feature store's folder.

    Raises
    ------
    SimlabError
        There is no such view, or its rows lack the key or the event time, or cannot be read.
    """
    store = _store(schema, folder)
    for name, table in tables.items():
        view = _view(schema, name)
        _write(store, view, _not_older(store, view, _shaped(view, schema, table)))


def _view(schema: Schema, name: str) -> View:
    for view in schema.views:
        if view.name == name:
            return view
    raise SimlabError(f"no view called {name!r}{did_you_mean(name, (view.name for view in schema.views))}")


def _write(store: Any, view: View, shaped: pa.Table) -> None:
    """Write rows online over whatever is there; of one key the newest row alone."""
    _put(
        store,
        view,
        shaped,
        _newest(_codes(shaped[_key(view.entity)]), shaped[_clock(view)].to_numpy()),
    )


def _put(store: Any, view: View, shaped: pa.Table, places: np.ndarray) -> None:
    """Write the rows at the places, as `write_to_online_store` does once it has taken a frame apart.

    Feast's own taking apart looks at every value several times and costs as much as SQLite does.
    """
    known = store.get_feature_view(view.name)
    names = [*(_stored(column.name) for column in view.columns), _clock(view)]
    for start in range(0, len(places), PIECE):
        piece = shaped.take(pa.array(places[start : start + PIECE]))
        values = zip(*(_protos(piece[name]) for name in names), strict=True)
        features = [dict(zip(names, row, strict=True)) for row in values]
        keys = _entity_keys(view, piece[_key(view.entity)].to_pylist())
        moments = [moment.replace(tzinfo=UTC) for moment in piece[MOMENT].to_pylist()]
        rows = list(zip(keys, features, moments, repeat(None)))
        store.provider.online_write_batch(store.config, known, rows, progress=None)


_UNKNOWN = ValueProto()
_FIELDS = {"double": "double_val", "int64": "int64_val", "string": "string_val"}


def _protos(column: pa.ChunkedArray) -> list[Any]:
    """Values as Feast stores them; null is a value that says nothing."""
    field = _FIELDS[str(column.type)]
    return [_UNKNOWN if value is None else ValueProto(**{field: value}) for value in column.to_pylist()]


def _entity_keys(view: View, keys: Sequence[str]) -> list[Any]:
    """Keys as Feast stores them."""
    name = [_key(view.entity)]
    return [EntityKeyProto(join_keys=name, entity_values=[ValueProto(string_val=key)]) for key in keys]


def _not_older(store: Any, view: View, shaped: pa.Table) -> pa.Table:
    """The rows that are not older than what is stored under their keys."""
    keys = shaped[_key(view.entity)].combine_chunks().dictionary_encode()
    stored, _ = _lookup(store, view, keys.dictionary.to_pylist(), features=())
    # Nothing stored is NaN, and no row is older than that.
    return shaped.filter(pa.array(~(stored[keys.indices.to_numpy()] > shaped[_clock(view)].to_numpy())))


def _lookup(
    store: Any, view: View, keys: Sequence[str], features: Sequence[str] | None = None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Stored event times in microseconds (NaN: nothing stored) and features, for distinct keys in order.

    Event times fit a double: 2**53 microseconds are 285 years.
    """
    kinds = {_stored(column.name): column.kind for column in view.columns}
    wanted = list(kinds) if features is None else list(features)
    known = store.get_feature_view(view.name)
    clock = np.full(len(keys), np.nan)
    found = {
        name: np.full(len(keys), np.nan) if kinds[name] == "numeric" else np.full(len(keys), None, object)
        for name in wanted
    }
    for start in range(0, len(keys), PIECE):
        some = slice(start, start + PIECE)
        answer = store.provider.online_read(
            store.config, known, _entity_keys(view, keys[some]), [*wanted, _clock(view)]
        )
        rows = [values or {} for _, values in answer]
        clock[some] = _read(rows, _clock(view), "int64_val", np.nan)
        for name in wanted:
            if kinds[name] == "numeric":
                found[name][some] = _read(rows, name, "double_val", np.nan)
            else:
                found[name][some] = _read(rows, name, "string_val", None)
    return clock, found


def _read(rows: Sequence[Mapping[str, Any]], name: str, field: str, unknown: Any) -> list[Any]:
    """One stored feature of every row."""
    values = [row.get(name, _UNKNOWN) for row in rows]
    return [getattr(value, field) if value.HasField(field) else unknown for value in values]


def _answer(
    store: Any,
    view: View,
    keys: pa.ChunkedArray,
    at: np.ndarray,
    columns: dict[str, np.ndarray],
    places: np.ndarray,
) -> None:
    """Fill the columns, at the places, with what is stored under the keys and not too old at the moments."""
    distinct = keys.combine_chunks().dictionary_encode()
    if not len(distinct.dictionary):
        return
    clock, values = _lookup(store, view, distinct.dictionary.to_pylist())
    codes = pc.fill_null(distinct.indices, -1).to_numpy(zero_copy_only=False)
    known = codes >= 0
    age = at - clock[codes]
    known &= ~np.isnan(age)
    if view.ttl_seconds:
        known &= age <= view.ttl_seconds * 1e6
    for name, stored in values.items():
        columns[name][places[known]] = stored[codes[known]]


def _blank(view: View, rows: int) -> dict[str, np.ndarray]:
    return {
        _stored(column.name): np.full(rows, np.nan)
        if column.kind == "numeric"
        else np.full(rows, None, object)
        for column in view.columns
    }


def _arrow(view: View, columns: Mapping[str, np.ndarray]) -> dict[str, pa.Array]:
    """A view's features under their own names, NaN as null."""
    return {
        column.name: pa.array(columns[_stored(column.name)], pa.float64(), from_pandas=True)
        if column.kind == "numeric"
        else pa.array(columns[_stored(column.name)], pa.string())
        for column in view.columns
    }


def read(schema: Schema, keys: pa.Table, folder: Path, *, at: datetime) -> pa.Table:
    """Read the features of entity keys from the online store, as they stand.

    Parameters
    ----------
    schema
        Who is who.
    keys
        One row per answer, with the key columns of the schema's views.
    folder
        The feature store's folder.
    at
        Simulated time (UTC) at which the values are asked for: a value older than its view's time
        to live is null. The store holds the newest value alone, so it cannot tell the past.

    Returns
    -------
    pa.Table
        The key columns and every feature, in the order of the keys; null where nothing is known.

    Raises
    ------
    SimlabError
        A key column is missing.
    """
    store = _store(schema, folder)
    moments = np.full(keys.num_rows, pa.scalar(at, pa.timestamp("us")).cast(pa.int64()).as_py(), np.float64)
    features: dict[str, pa.Array] = {}
    for view in schema.views:
        columns = _blank(view, keys.num_rows)
        _answer(store, view, _keys(keys, view), moments, columns, np.arange(keys.num_rows))
        features |= _arrow(view, columns)
    entities = dict.fromkeys(view.entity for view in schema.views)
    return pa.table({name: keys[name] for name in entities if name not in features} | features)


def _keys(rows: pa.Table, view: View) -> pa.ChunkedArray:
    if view.entity not in rows.column_names:
        raise SimlabError(
            f"view {view.name}: the rows have no column called {view.entity!r}"
            + did_you_mean(view.entity, rows.column_names)
        )
    return rows[view.entity].cast(pa.string())


def replay_window(
    schema: Schema,
    rows: pa.Table,
    updates: Mapping[str, pa.Table],
    folder: Path,
    *,
    forget: bool = False,
) -> tuple[pa.Table, dict[str, pa.Table]]:
    """Push a window's rows to the online store and read its features back, in event-time order.

    Each row is answered from what was stored at its event time: a view's updates are pushed up to
    that moment, and later ones only after the row was read, so an answer equals the point-in-time
    one. Updates that no row falls between are pushed together, and a key is read once between two
    pushes.

    Parameters
    ----------
    schema
        Who is who.
    rows
        The window: entity key, event time, further keys, the rows' own features; a feature that
        did not come is null.
    updates
        New rows of the views that have tables of their own, by view name.
    folder
        The feature store's folder. Rows of earlier windows are forgotten: only the newest window's
        own features can be read back afterwards.
    forget
        Empty the online store first. The store cannot tell the past, so rows that are older than
        what it holds need this.

    Returns
    -------
    tuple
        The window with every feature (double or string) in place of the columns of that name,
        in the same row order; and by view what was written of its own table, so that a `push`
        of it brings a lost store back.

    Raises
    ------
    SimlabError
        A key or the event time is missing, or a column cannot be read.
    """
    store = _store(schema, folder)
    moments = rows[schema.event_time].cast(pa.timestamp("us")).cast(pa.int64())
    if moments.null_count:
        raise SimlabError(f"{moments.null_count} of {rows.num_rows} rows have no event time")
    at = moments.to_numpy()
    features: dict[str, pa.Array] = {}
    written: dict[str, pa.Table] = {}
    for view in schema.views:
        columns = _blank(view, rows.num_rows)
        if forget or view.from_rows:
            _empty(store, view)
        if view.from_rows:
            _replay_rows(store, view, schema, rows, at, columns)
        else:
            written[view.name] = _replay_table(store, view, schema, rows, at, updates.get(view.name), columns)
        features |= _arrow(view, columns)
    untouched = {name: rows[name] for name in rows.column_names if name not in features}
    return pa.table(untouched | features), written


def _empty(store: Any, view: View) -> None:
    """Forget a view's online values: its table is dropped and made again."""
    known = store.get_feature_view(view.name)
    store.provider.update_infra(PROJECT, [known], [], [], [], partial=True)
    store.provider.update_infra(PROJECT, [], [known], [], [], partial=True)


def _replay_rows(
    store: Any, view: View, schema: Schema, rows: pa.Table, at: np.ndarray, columns: dict[str, np.ndarray]
) -> None:
    """The rows' own features: written and read back, first each key's first row, then its second."""
    keys = _keys(rows, view)
    turn = _turns(_codes(keys), at)
    for number in range(turn.max(initial=-1) + 1):
        places = np.flatnonzero(turn == number)
        some = rows if len(places) == rows.num_rows else rows.take(pa.array(places))
        _write(store, view, _shaped(view, schema, some))
        _answer(store, view, _keys(some, view), at[places].astype(np.float64), columns, places)


def _turns(keys: np.ndarray, at: np.ndarray) -> np.ndarray:
    """How many earlier moments each row's key was seen at."""
    order = np.lexsort((at, keys))
    new_key = np.append(True, np.diff(keys[order]) != 0)[: len(order)]
    new_moment = np.append(True, np.diff(at[order]) != 0)[: len(order)] & ~new_key
    count = np.cumsum(new_moment)
    turns = np.empty(len(order), np.int64)
    turns[order] = count - np.maximum.accumulate(np.where(new_key, count, 0))
    return np.where(keys < 0, 0, turns)  # a row without a key is never written


def _replay_table(
    store: Any,
    view: View,
    schema: Schema,
    rows: pa.Table,
    at: np.ndarray,
    table: pa.Table | None,
    columns: dict[str, np.ndarray],
) -> pa.Table:
    """A view with its own table: pushes and reads in event-time order; what was written."""
    keys = _keys(rows, view)
    shaped = _shaped(view, schema, table)
    shaped = shaped.take(pa.array(np.argsort(shaped[_clock(view)].to_numpy(), kind="stable")))
    # From here on moments only rise, so that nothing stored later is newer than what is written next.
    shaped = _not_older(store, view, shaped)
    codes, moments = _codes(shaped[_key(view.entity)]), shaped[_clock(view)].to_numpy()
    # How many updates precede each row; rows of one count are read together.
    before = np.searchsorted(moments, at, side="right")
    done, written = 0, []
    for count in np.unique(np.append(before, len(moments))):
        if count > done:
            places = done + _newest(codes[done:count], moments[done:count])
            _put(store, view, shaped, places)
            written.append(places)
            done = int(count)
        places = np.flatnonzero(before == count)
        _answer(store, view, keys.take(pa.array(places)), at[places].astype(np.float64), columns, places)
    return _named(view, schema, shaped.take(pa.array(np.concatenate([*written, np.array([], np.int64)]))))
