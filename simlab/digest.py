"""Digests: equal content, equal name. Artifacts and cache keys are made of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from simlab.errors import SimlabError


def is_table(value: Any) -> bool:
    """Whether a value is an Arrow table (asked without importing Arrow)."""
    return type(value).__module__.startswith("pyarrow") and type(value).__name__ == "Table"


def table_digest(table: Any) -> str:
    """SHA-256 of an Arrow table's names, types and values.

    Equal tables have equal digests, whatever their chunks and slices, and whatever bytes lie under
    a missing value; metadata does not count.
    """
    total = hashlib.sha256(json.dumps([[field.name, str(field.type)] for field in table.schema]).encode())
    total.update(str(table.num_rows).encode())
    for column in table.columns:
        for part in _column_bytes(column):
            total.update(part)
    return total.hexdigest()


def _column_bytes(column: Any) -> Iterator[Any]:
    """Which values of a column are missing, and the bytes of those that are not."""
    import numpy as np
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    whole = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], kind)
    missing = whole.is_null().to_numpy(zero_copy_only=False)
    yield missing.tobytes()
    if not len(whole) or pa.types.is_null(kind):
        return
    if pa.types.is_boolean(kind):
        whole, kind = whole.cast(pa.uint8()), pa.uint8()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        filled = whole.fill_null("") if whole.null_count else whole
        _, places, text = filled.buffers()
        width = np.int64 if pa.types.is_large_string(kind) else np.int32
        ends = np.frombuffer(places, width, len(filled) + 1 + filled.offset)[filled.offset :].astype(np.int64)
        yield np.diff(ends).tobytes()
        if text is not None:
            yield memoryview(text)[ends[0] : ends[-1]]
    elif pa.types.is_primitive(kind):
        plain = np.dtype(f"u{kind.bit_width // 8}")
        values = np.frombuffer(whole.buffers()[1], plain, len(whole) + whole.offset)[whole.offset :]
        yield np.where(missing, plain.type(0), values).tobytes() if missing.any() else values.tobytes()
    else:
        yield repr(whole.to_pylist()).encode()


def digest(value: Any) -> str:
    """Content digest of a noun or a plain value; a noun inside another counts by its own digest.

    Raises
    ------
    SimlabError
        The value holds something that is no content: a function, an open file.

    >>> from simlab.artifacts import Trial
    >>> digest(Trial(1, {"a": 1}, 0.5)) == digest(Trial(1, {"a": 1}, 0.5))
    True
    """
    noun = is_dataclass(value)
    if noun and "_digest" in value.__dict__:
        return str(value.__dict__["_digest"])
    if noun:
        body: Any = {"$noun": type(value).__name__}
        body |= {f.name: _shape(getattr(value, f.name)) for f in fields(value)}
    else:
        body = _shape(value)
    found = hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    if noun:
        object.__setattr__(value, "_digest", found)  # its content is frozen, so the digest may be kept
    return found


def _shape(value: Any) -> Any:
    """A value as JSON can say it, with digests for what it cannot."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else {"$float": repr(value)}
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    if is_dataclass(value):
        return {"$digest": digest(value)}
    if is_table(value):
        return {"$table": table_digest(value)}
    if isinstance(value, bytes):
        return {"$bytes": hashlib.sha256(value).hexdigest()}
    if isinstance(value, Mapping):
        return {"$map": [[str(k), _shape(v)] for k, v in value.items()]}
    if isinstance(value, (tuple, list)):
        return [_shape(v) for v in value]
    if hasattr(value, "item"):
        return _shape(value.item())
    raise SimlabError(f"a noun may not hold a {type(value).__name__}: {value!r}")
