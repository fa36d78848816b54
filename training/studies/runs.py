"""What the folder of all runs has of a cell, and which process may work on it."""

from __future__ import annotations

import fcntl
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from anime_models.errors import ConfigError, RecordError
from anime_models.records import RunRecord, read_record
from training.studies.cells import Cell


@dataclass(frozen=True)
class Found:
    """What there is of a cell: the record of a finished run, else the folder of one to go on with, else neither."""

    finished: RunRecord | None = None
    unfinished: Path | None = None
    status: str = "missing"


class Runs:
    """The records of all runs in a folder, each read again only when it has changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[Path, tuple[int, RunRecord | RecordError]] = {}

    def records(self) -> dict[Path, RunRecord]:
        """The readable records by run folder, oldest run first."""
        records = {}
        for path in sorted(self.folder.glob("*/record.json")):
            changed = path.stat().st_mtime_ns
            if self._read.get(path, (None,))[0] != changed:
                self._read[path] = (changed, _record_or_error(path))
            record = self._read[path][1]
            if isinstance(record, RunRecord):
                records[path.parent] = record
        return records

    def damaged(self) -> list[str]:
        """What is wrong with the records that could not be read; their runs are treated as not being there."""
        self.records()
        return [str(record) for _, record in self._read.values() if isinstance(record, RecordError)]

    def find(self, cell: Cell) -> Found:
        """The newest finished run of a cell, else its newest unfinished one."""
        found = Found()
        for folder, record in self.records().items():
            if not cell.is_of(record):
                continue
            if record.status == "finished":
                found = Found(finished=record, status="finished")
            elif found.finished is None:
                found = Found(unfinished=folder, status="failed" if record.status == "failed" else "unfinished")
        return found


def _record_or_error(path: Path) -> RunRecord | RecordError:
    try:
        return read_record(path)
    except RecordError as error:
        return error


class Lock:
    """The right of one process to work on something, held by an advisory lock on a file (flock).

    The operating system takes the lock back when the process ends, however it ends: a file that a killed process left
    behind is not locked, so it stops nobody. What is written in it only says who holds it.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Lock | None:
        """Lock a file, or return None when another process has it.

        Raises:
            ConfigError: when its folder cannot be written to.
        """
        return cls._locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @classmethod
    def wait_for(cls, path: Path) -> Lock:
        """Lock a file as soon as no other process has it."""
        lock = cls._locked(path, fcntl.LOCK_EX)
        assert lock is not None
        return lock

    @classmethod
    def _locked(cls, path: Path, operation: int) -> Lock | None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written ({error.strerror}); name another --out.") from error
        try:
            fcntl.flock(descriptor, operation)
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {platform.node()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let others have it. The file stays: another process may have opened it and be about to lock it."""
        os.close(self._descriptor)


def lock_path(runs: Path, name: str) -> Path:
    """Where the lock of that name lies in the folder of all runs."""
    return runs / "locks" / f"{name}.lock"


def holder(path: Path) -> str:
    """Who wrote themselves into a lock file last."""
    return path.read_text("utf-8").strip() or "another process"
