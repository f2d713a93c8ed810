"""Artifacts on disk, named by content digest; the same folder is the step cache.

A noun is written as ``objects/ab/abcdef…/noun.json`` plus one file per table or byte string, in a
temporary folder that is synced and renamed, so that a reader sees all of it or nothing.
``steps/`` maps a step's cache key to the artifact it made and the facts it said.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import simlab.artifacts as nouns
from simlab.digest import digest, is_table
from simlab.errors import SimlabError


def _write(value: Any, folder: Path, files: list[str]) -> Any:
    """JSON-able form of a value; its tables and bytes are written into the folder."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else {"$float": repr(value)}
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    if is_dataclass(value):
        inner = {f.name: _write(getattr(value, f.name), folder, files) for f in fields(value)}
        return {"$noun": type(value).__name__, **inner}
    if is_table(value):
        files.append(f"{len(files)}.parquet")
        _write_parquet(value, folder / files[-1])
        return {"$table": files[-1]}
    if isinstance(value, bytes):
        files.append(f"{len(files)}.bin")
        (folder / files[-1]).write_bytes(value)
        return {"$bytes": files[-1]}
    if isinstance(value, Mapping):
        return {"$map": [[str(k), _write(v, folder, files)] for k, v in value.items()]}
    if isinstance(value, (tuple, list)):
        return [_write(v, folder, files) for v in value]
    if hasattr(value, "item"):
        return _write(value.item(), folder, files)
    raise SimlabError(f"a noun may not hold a {type(value).__name__}: {value!r}")


def _write_parquet(table: Any, path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd", compression_level=1)


def read_parquet(path: Path) -> Any:
    """The one Parquet reader: single-threaded, because the threaded one may abort at exit."""
    import pyarrow.parquet as pq

    # ParquetFile, because read_table imports Arrow's dataset module, and with it pandas.
    with pq.ParquetFile(path) as file:
        return file.read(use_threads=False)


def _revive(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return tuple(_revive(v, folder) for v in value)
    if not isinstance(value, dict):
        return value
    if "$table" in value:
        return read_parquet(folder / value["$table"])
    if "$bytes" in value:
        return (folder / value["$bytes"]).read_bytes()
    if "$float" in value:
        return float(value["$float"])
    if "$time" in value:
        return datetime.fromisoformat(value["$time"])
    if "$map" in value:
        return {k: _revive(v, folder) for k, v in value["$map"]}
    kind = getattr(nouns, value["$noun"])
    known = {f.name for f in fields(kind)}
    return kind(**{k: _revive(v, folder) for k, v in value.items() if k in known})


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, text: str, *, sync: bool = True) -> None:
    """Write a small file so that a reader sees the old or the new one, never half of it.

    Without `sync` a power cut may lose it, or leave it empty.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as out:
            out.write(text)
            out.flush()
            if sync:
                os.fsync(out.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


class Store:
    """Artifacts and remembered steps of one home.

    Parameters
    ----------
    root
        Folder of the store; made at the first write.
    """

    def __init__(self, root: Path):
        self.root = root

    def folder(self, name: str) -> Path:
        """Where the artifact of that digest lives."""
        return self.root / "objects" / name[:2] / name

    def save(self, noun: Any) -> str:
        """Write a noun once; its digest."""
        name = digest(noun)
        final = self.folder(name)
        if final.exists():
            return name
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=final.parent, prefix=".new-"))
        try:
            body = _write(noun, temporary, [])
            (temporary / "noun.json").write_text(json.dumps(body))
            for file in temporary.iterdir():
                _sync(file)
            _sync(temporary)
            try:
                temporary.rename(final)
            except OSError:
                if not final.exists():  # somebody else was first: fine; anything else is not
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return name

    def load(self, name: str) -> Any:
        """Read a noun back.

        Raises
        ------
        FileNotFoundError
            The store has no such artifact.
        """
        folder = self.folder(name)
        noun = _revive(json.loads((folder / "noun.json").read_text()), folder)
        if is_dataclass(noun):
            object.__setattr__(noun, "_digest", name)
        return noun

    def remember(self, key: str, artifact: str, facts: list[dict[str, Any]]) -> None:
        """Note what a step made and said, under its cache key."""
        body = json.dumps({"artifact": artifact, "facts": facts})
        # Not synced: a step that a power cut takes is done again and says the same.
        write_whole(self.root / "steps" / key[:2] / f"{key}.json", body, sync=False)

    def recall(self, key: str) -> tuple[str, list[dict[str, Any]]] | None:
        """What the step of that key made and said, if it is known and its artifact is whole."""
        try:
            step = json.loads((self.root / "steps" / key[:2] / f"{key}.json").read_text())
            whole = (self.folder(step["artifact"]) / "noun.json").exists()
            return (step["artifact"], step["facts"]) if whole else None
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # damaged: as good as forgotten
            return None
