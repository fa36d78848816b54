"""Several runs, one after another: what is finished is left, what was cut off goes on, and a failure stops no other."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from anime_models.errors import AnimeModelsError, ConfigError, RecordError
from anime_models.generator_checkpoint import GENERATION
from anime_models.records import new_run_id, read_record
from training.common.locks import Lock, holder, lock_path
from training.common.run_folders import RECORD, new_run_folder
from training.generation.run import FAMILY, GanJob, run, settings, started_record


def run_all(jobs: Sequence[GanJob], out: Path) -> None:
    """Run what is missing of these in a folder of run folders, each with a line about what became of it.

    Raises:
        ConfigError: when a run failed; all others have been tried.
    """
    failed = 0
    for number, job in enumerate(jobs, start=1):
        name = f"{number}/{len(jobs)} {job.recipe.name}, rate {job.recipe.generator_lr:g}, seed {job.seed}"
        try:
            print(f"{name}: {_run_missing(job, out)}", flush=True)
        except AnimeModelsError as error:
            failed += 1
            print(f"{name}: failed: {error}", file=sys.stderr, flush=True)
    if failed:
        raise ConfigError(
            f"{failed} of {len(jobs)} runs failed, for the reasons above; once these are mended, the "
            "same command tries them again."
        )


def _run_missing(job: GanJob, out: Path) -> str:
    wanted = settings(started_record(job, run_id=""))
    digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:8]
    path = lock_path(out, f"{GENERATION}-{job.recipe.name}-s{job.seed}-{digest}")
    lock = Lock.take(path)
    if lock is None:
        return f"left to {holder(path)}"
    try:
        folder, status = _earlier(out, wanted)
        if status == "finished":
            return f"finished before, in {folder}"
        if folder is None:
            folder = new_run_folder(out, new_run_id(GENERATION, FAMILY, job.recipe.name, job.seed))
        run(job, folder)
        return "finished"
    finally:
        lock.release()


def _earlier(out: Path, wanted: dict[str, object]) -> tuple[Path | None, str]:
    """The folder and status of a run with these settings: of a finished one, else of the newest that was cut off."""
    found: tuple[Path | None, str] = (None, "missing")
    for path in sorted(out.glob(f"*/{RECORD}")):
        with suppress(RecordError):  # a damaged record is no run to go on with
            record = read_record(path)
            if record.task == GENERATION and settings(record) == wanted:
                found = (path.parent, record.status)
                if record.status == "finished":
                    break
    return found
