"""One cell of a grid: its subprocess, its log, its second try."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Literal

from training.studies import leash
from training.studies.cells import Cell
from training.studies.runs import Runs

TRAINER = "training.train_classifier"
ATTEMPTS = 2
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Workplace:
    """What all cells of a grid share.

    Attributes:
        folder: where relative paths begin: the working directory of every subprocess.
        trainer: the module that takes the flags of a cell.
    """

    out: Path
    data: Path
    cache: Path
    threads: int
    folder: Path
    trainer: str = TRAINER

    @property
    def runs(self) -> Path:
        """The folder of all runs, seen from any working directory."""
        return self.folder / self.out

    def arguments(self, cell: Cell, resume: Path | None) -> list[str]:
        """The trainer and the flags that run a cell, or go on with its run folder."""
        places = {"data": self.data, "cache": self.cache, "threads": self.threads, "out": self.out}
        flags = [part for name, value in places.items() for part in (f"--{name}", str(value))]
        more = ["--resume", str(self.out / resume.name)] if resume else []
        return [self.trainer, *cell.flags, *flags, *more]

    def log(self, cell: Cell) -> Path:
        """Where the output of a cell's subprocesses goes."""
        return self.out / "logs" / f"{cell.file_stem}.log"


@dataclass(frozen=True)
class Outcome:
    """What became of a cell: ``elsewhere`` is with another grid. ``note`` says why it is not finished."""

    cell: Cell
    status: Literal["started", "finished", "failed", "elsewhere"]
    note: str = ""


def run_cell(cell: Cell, place: Workplace, stopped: Event | None = None) -> Outcome:
    """Run a cell, resuming what there is of it, and try once more when that fails.

    Raises:
        KeyboardInterrupt: once ``stopped`` is set; the subprocess is killed.
    """
    runs = Runs(place.runs)
    resumable = True
    for _ in range(ATTEMPTS):
        resume = runs.find(cell).unfinished if resumable else None
        begun = _last_change(resume)
        status = _run(place.arguments(cell, resume), place.folder, place.folder / place.log(cell), stopped)
        if runs.find(cell).finished is not None:
            return Outcome(cell, "finished")
        # A run that cannot be resumed, since it began with other settings, is left as it is: then start anew.
        resumable = resume is None or _last_change(resume) != begun
    log = place.log(cell)
    # A trainer that ends well says figures last, which are no reason.
    reason = (_last_line(place.folder / log) or f"exit status {status}") if status else "it left no finished record"
    return Outcome(cell, "failed", f"{reason} ({log})")


def _run(arguments: Sequence[str], folder: Path, log: Path, stopped: Event | None) -> int:
    """Run a module to its end; it is killed when this process is, or is interrupted or stopped."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as output:
        print("$ python -m", *arguments, file=output, flush=True)
        process = subprocess.Popen(
            [sys.executable, "-m", leash.__name__, *arguments],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches the grid alone, which then ends the command in its own way
        )
        try:
            while stopped is None or not stopped.is_set():
                with suppress(subprocess.TimeoutExpired):
                    return process.wait(POLL_SECONDS)
            raise KeyboardInterrupt
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


def _last_change(run_folder: Path | None) -> int | None:
    return (run_folder / "record.json").stat().st_mtime_ns if run_folder else None


def _last_line(log: Path) -> str:
    """The last line of a log that says something, unless it is the command."""
    lines = [line.strip() for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines and not lines[-1].startswith("$ ") else ""
