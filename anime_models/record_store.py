"""Many run records at once: from folders and from data sets on the Hub, quickly, with the broken ones named.

A folder is searched at any depth for ``record.json`` (run folders, checkpoints) and, where it or a folder below it is
called ``records``, for any ``*.json``; so are the ``*.json`` directly in the folder that is given. What lies inside a
run folder (its checkpoint, its folds) is part of that run. Links to other folders and hidden folders are passed over.
"""

from __future__ import annotations

import gc
import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import DirEntry, scandir, stat_result
from pathlib import Path
from typing import Literal

from pydantic_core import from_json

from anime_models.errors import RecordError
from anime_models.record_table import FlatRecord, flatten
from anime_models.records import read_record

__all__ = ["EMBEDDED", "Problem", "RecordStore", "Snapshot", "record_files"]

EMBEDDED = Path(__file__).parent / "embedded"
RECORD, COLLECTION = "record.json", "records"


@dataclass(frozen=True)
class Problem:
    """A file that is no readable record, and why; or a source that could not be searched.

    Attributes:
        place: the file or the source.
        kind: ``half-written`` (the file ends too early), ``newer version`` (of the schema), ``damaged`` (anything else
            that is no record) or ``unreachable`` (a source).
        message: what is wrong and what to do.
    """

    place: str
    kind: Literal["half-written", "newer version", "damaged", "unreachable"]
    message: str


@dataclass(frozen=True)
class Snapshot:
    """What a store held at one moment.

    Attributes:
        paths: the file of each record, in the order of the sources, then by name.
        rows: the records as rows of a table, one for each of ``paths``.
        problems: the files that could not be read.
        num_copies: files left out because another one holds the same run.
        fingerprint: changes whenever a file changes, comes or goes.
    """

    paths: tuple[Path, ...]
    rows: tuple[FlatRecord, ...]
    problems: tuple[Problem, ...]
    num_copies: int
    fingerprint: str


@dataclass(frozen=True)
class _File:
    path: str
    modified_ns: int
    size: int


class RecordStore:
    """The records of some folders, each file read again only when it has changed. Safe to share between threads."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folders)
        self._lock = threading.Lock()
        self._read: dict[_File, FlatRecord | Problem] = {}
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}

    def snapshot(self) -> Snapshot:
        """Look at every file, and read what is new; a folder that is not there holds nothing."""
        with self._lock, _without_collecting():
            files = list(dict.fromkeys(file for folder in self.folders for file in _files(folder)))
            known = {file: self._read.get(file) or self._row(file) for file in files}
            self._read = {file: row for file, row in known.items() if row is not None}
        kept = _one_each(self._read)
        return Snapshot(
            paths=tuple(Path(file.path) for file in kept),
            rows=tuple(kept.values()),
            problems=tuple(row for row in self._read.values() if isinstance(row, Problem)),
            num_copies=sum(isinstance(row, FlatRecord) for row in self._read.values()) - len(kept),
            fingerprint=hashlib.sha256(repr(files).encode()).hexdigest(),
        )

    def _row(self, file: _File) -> FlatRecord | Problem | None:
        path = Path(file.path)
        try:
            row = flatten(read_record(path))
        except RecordError as error:
            return _problem(path, error)
        # Rows of the same columns share their names, which are most of a row's size.
        return FlatRecord(row.facts, self._names.setdefault(row.names, row.names), row.values)


def record_files(folder: Path) -> list[Path]:
    """The files of a folder that are read as records, as the module's docstring says."""
    return [Path(file.path) for file in _files(folder)]


def _files(folder: Path) -> list[_File]:
    return sorted(_searched(str(folder), is_root=True), key=lambda file: file.path)


def _searched(folder: str, is_root: bool = False, is_collection: bool = False) -> Iterator[_File]:
    record = f"{folder}/{RECORD}"
    if (state := _state(record)) is not None:
        yield _File(record, state.st_mtime_ns, state.st_size)
        return
    for entry in _entries(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _searched(entry.path, is_collection=is_collection or entry.name == COLLECTION)
        elif (is_root or is_collection) and entry.name.endswith(".json") and (state := _state(entry.path)) is not None:
            yield _File(entry.path, state.st_mtime_ns, state.st_size)


def _entries(folder: str) -> list[DirEntry[str]]:
    try:
        with scandir(folder) as entries:
            return list(entries)
    except OSError:  # not there, not allowed, or gone in this moment
        return []


def _state(path: str) -> stat_result | None:
    try:
        return Path(path).stat()
    except OSError:
        return None


def _one_each(read: dict[_File, FlatRecord | Problem]) -> dict[_File, FlatRecord]:
    """One file for each run: its run folder rather than a copy of its checkpoint, else the first."""
    best: dict[str | None, _File] = {}
    rows = {file: row for file, row in read.items() if isinstance(row, FlatRecord)}
    for file, row in rows.items():
        run_id = row.facts[0]
        if run_id not in best or (_is_run_folder(file, run_id) and not _is_run_folder(best[run_id], run_id)):
            best[run_id] = file
    chosen = set(best.values())
    return {file: row for file, row in rows.items() if file in chosen}


def _is_run_folder(file: _File, run_id: str | None) -> bool:
    return Path(file.path).parent.name == run_id


def _problem(path: Path, error: RecordError) -> Problem | None:
    """What is wrong with a file; None when it has gone since it was found."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        return Problem(str(path), "damaged", str(error))
    try:
        loaded = from_json(content)
    except ValueError as reason:
        if "EOF" in str(reason):
            message = f"{path} ends too early: its run is writing it at this moment, or was killed while it did."
            return Problem(str(path), "half-written", message)
        return Problem(str(path), "damaged", str(error))
    version = loaded.get("schema_version") if isinstance(loaded, dict) else None
    if isinstance(version, int) and version > 1:
        message = f"{path} is of schema version {version}, this program reads version 1; update Anime Models."
        return Problem(str(path), "newer version", message)
    return Problem(str(path), "damaged", str(error))


@contextmanager
def _without_collecting() -> Iterator[None]:
    """No garbage collection: reading thousands of records makes many objects and no cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
