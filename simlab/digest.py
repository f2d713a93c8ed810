"""Digests: equal content, equal name. Artifacts and cache keys are made of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from simlab.errors import SimlabError


def is_table(value: Any) -> bool:
    """Whether a value is an Arrow table (asked without importing Arrow)."""
    return type(value).__module__.startswith("pyarrow") and type(value).__name__ == "Table"


def table_digest(table: Any) -> str:
    """SHA-256 of an Arrow table's schema and values, whatever its chunks or slices.

    Equal tables have equal digests; metadata does not count.
    """
    import numpy as np
    import pyarrow as pa

    whole = table.replace_schema_metadata(None).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, whole.schema) as writer:
        for piece in whole.to_batches():
            # A slice keeps its parent's buffers; taking every row copies just what is seen.
            if any(column.offset for column in piece.columns):
                piece = piece.take(pa.array(np.arange(piece.num_rows)))
            writer.write_batch(piece)
    return hashlib.sha256(sink.getvalue()).hexdigest()


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
