"""The records that the pages show: loaded once, shared by all visitors, looked at again every few seconds."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from anime_models.errors import AnimeModelsError, RecordError
from anime_models.hub import local_folder
from anime_models.record_store import EMBEDDED, Problem, RecordStore, Snapshot
from anime_models.records import RunRecord, read_record
from anime_models.run_files import Predictions, RunFiles
from apps.dashboard.frame import records_frame
from apps.dashboard.settings import Settings

LOOK_AGAIN_SECONDS = 5.0
RUN_ID = 0  # of a row's facts


@dataclass(frozen=True)
class Library:
    """What one run of a page knows.

    Attributes:
        table: a row for each record (`apps.dashboard.frame.records_frame`).
        problems: files and sources that could not be read.
        num_copies: files left out because another one holds the same run.
        sources: where records were looked for.
    """

    table: pd.DataFrame
    problems: tuple[Problem, ...]
    num_copies: int
    sources: tuple[str, ...]

    def record(self, run_id: str) -> RunRecord | None:
        """The whole record of a run, or None where there is none (any more)."""
        path = self.path(run_id)
        if path is None:
            return None
        try:
            return _record(path)
        except (RecordError, OSError):
            return None

    def path(self, run_id: str) -> Path | None:
        """The file of a run's record."""
        paths = self.table.loc[self.table["run_id"] == run_id, "path"]
        return Path(paths.iloc[0]) if len(paths) else None

    def files(self, run_id: str) -> RunFiles | None:
        """What a run left beside its record."""
        record, path = self.record(run_id), self.path(run_id)
        return RunFiles(path, record) if record is not None and path is not None else None

    def predictions(self, run_id: str, split: str = "test") -> Predictions | None:
        """A run's predictions on a split, or None where there are none; damaged ones are named on the page."""
        files = self.files(run_id)
        if files is None or files.folder is None:
            return None
        try:
            return _predictions(files, split)
        except RecordError as error:
            st.warning(str(error))
            return None


def library() -> Library:
    """The records as they are now, give or take `LOOK_AGAIN_SECONDS`."""
    settings = Settings.current()
    shelf = _shelf(settings.sources, settings.shipped)
    snapshot = shelf.snapshot()
    return Library(
        table=_frame(snapshot, shelf.shipped),
        problems=(*shelf.unreachable, *map(shelf.named, snapshot.problems)),
        num_copies=snapshot.num_copies,
        sources=("the package",) * settings.shipped + settings.sources,
    )


class Shelf:
    """The store of all sources, and its last snapshot."""

    def __init__(self, sources: Sequence[str], with_shipped: bool) -> None:
        self._folders: dict[str, Path] = {}
        unreachable: list[Problem] = []
        for source in sources:
            try:
                self._folders[source] = _folder(source)
            except AnimeModelsError as error:
                unreachable.append(Problem(source, "unreachable", str(error)))
        self.unreachable = tuple(unreachable)
        self.shipped = _shipped_runs() if with_shipped else frozenset()
        self._store = RecordStore([*([EMBEDDED] if with_shipped else []), *self._folders.values()])
        self._looked, self._snapshot = time.monotonic(), self._store.snapshot()

    def named(self, problem: Problem) -> Problem:
        """A problem with the name of its source instead of the folder that this was fetched into."""
        for source, folder in self._folders.items():
            if Path(problem.place).is_relative_to(folder):
                place = f"{source}/{Path(problem.place).relative_to(folder).as_posix()}"
                return Problem(place, problem.kind, problem.message.replace(problem.place, place))
        return problem

    def snapshot(self) -> Snapshot:
        """The records as they were a few seconds ago at most."""
        if time.monotonic() - self._looked > LOOK_AGAIN_SECONDS:
            self._snapshot, self._looked = self._store.snapshot(), time.monotonic()
        return self._snapshot


@st.cache_resource(show_spinner="Reading the records …", max_entries=4)
def _shelf(sources: tuple[str, ...], with_shipped: bool) -> Shelf:
    return Shelf(sources, with_shipped)


def version(path: Path) -> tuple[str, int]:
    """What tells a file from what it was before."""
    return str(path), path.stat().st_mtime_ns


@st.cache_data(show_spinner=False, max_entries=2, hash_funcs={Snapshot: lambda snapshot: snapshot.fingerprint})
def _frame(snapshot: Snapshot, shipped: frozenset[str]) -> pd.DataFrame:
    return records_frame(snapshot, shipped)


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs={type(Path()): version})
def _record(path: Path) -> RunRecord:
    return read_record(path)


@st.cache_data(
    show_spinner=False, max_entries=64, hash_funcs={RunFiles: lambda files: (str(files.path), files.last_change())}
)
def _predictions(files: RunFiles, split: str) -> Predictions | None:
    return files.predictions(split)


def _folder(source: str) -> Path:
    """The folder of a source; ``runs`` need not be there."""
    path = Path(source)
    if path.is_dir() or source == Settings().sources[0]:
        return path
    return local_folder(source, repo_type="dataset")


def _shipped_runs() -> frozenset[str]:
    """The runs whose models ship with the package."""
    snapshot = RecordStore([EMBEDDED]).snapshot()
    found = zip(snapshot.paths, snapshot.rows, strict=True)
    return frozenset(str(row.facts[RUN_ID]) for path, row in found if path.name == "record.json")
