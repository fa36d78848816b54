"""What the folder of all runs has of a cell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anime_models.errors import RecordError
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
