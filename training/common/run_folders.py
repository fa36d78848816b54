"""Run folders: where a new one is made, what may go on in an old one, and how a record tells what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from anime_models.errors import ConfigError
from anime_models.records import CodePart, RunRecord, read_record, write_record
from training.common.processes import current_processes

RECORD = "record.json"
REPOSITORY = Path(__file__).parents[2]


def new_run_folder(out: Path, run_id: str) -> Path:
    """Make the folder of a new run, with a number after its name where another run began in the same second.

    Raises:
        ConfigError: when ``out`` cannot be written to.
    """
    processes = current_processes()
    try:
        name = _new_folder(out, run_id) if processes.is_main else run_id
    except OSError as error:
        raise ConfigError(f"No run folder can be made in {out} ({error.strerror}); name another --out.") from error
    return out / processes.agree(name)


def _new_folder(out: Path, run_id: str) -> str:
    out.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        name = run_id if number == 1 else f"{run_id}-{number}"
        with suppress(FileExistsError):
            (out / name).mkdir()
            break
    return name


def resumed_folder(folder: Path) -> Path:
    """The folder of a run to go on with.

    Raises:
        ConfigError: when there is none, or its run is finished.
    """
    if not (folder / RECORD).is_file():
        raise ConfigError(f"There is no run folder {folder}; leave --resume out to start a new run.")
    if finished_record(folder) is not None:
        raise ConfigError(f"The run {folder} is finished; leave --resume out to start a new run.")
    return folder.resolve()


def finished_record(folder: Path) -> RunRecord | None:
    """The record of a run folder, if the run is finished."""
    record = read_record(folder / RECORD) if (folder / RECORD).is_file() else None
    return record if record is not None and record.status == "finished" else None


def interrupted_record(
    record: RunRecord, folder: Path, settings: Callable[[RunRecord], dict[str, object]]
) -> RunRecord | None:
    """The record that a run which now goes on as ``record`` left in its folder; None for a new run.

    ``record`` takes over the code that the run began with.

    Raises:
        ConfigError: when it is of another task or began with other ``settings``.
    """
    if not (folder / RECORD).is_file():
        return None
    begun = read_record(folder / RECORD)
    if begun.task != record.task:  # then it has other settings altogether
        raise _began_otherwise(folder, "task", begun.task, record.task)
    before, now = settings(begun), settings(record)
    changed = [name for name, value in now.items() if before.get(name) != value]
    if changed:
        raise _began_otherwise(folder, changed[0], before.get(changed[0]), now[changed[0]])
    record.code = _code_of_both(begun.code, record.code)
    return begun


def _began_otherwise(folder: Path, setting: str, before: object, now: object) -> ConfigError:
    return ConfigError(
        f"The run {folder} began with {setting} {before!r}, not {now!r}; resume it with the command and the flags that "
        "it began with."
    )


def _code_of_both(begun: CodePart | None, now: CodePart | None) -> CodePart | None:
    """The code that a resumed run began with, which is dirty where it went on with another one."""
    if begun is None or now is None:
        return now
    return begun.model_copy(update={"dirty": begun.dirty or now.dirty or begun.commit != now.commit})


def store(record: RunRecord, folder: Path) -> None:
    """Write a run's record, from the first process alone."""
    if current_processes().is_main:
        write_record(record, folder / RECORD)


@contextmanager
def failure_recorded(record: RunRecord, folder: Path) -> Iterator[None]:
    """Mark the record ``failed`` when an error ends the run; a kill leaves it ``running``."""
    try:
        yield
    except Exception:
        record.status = "failed"
        store(record, folder)
        raise
