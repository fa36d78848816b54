"""Run every cell of a study that is not finished: backbones x heads or strategies x seeds.

    python -m training.grid --study strategies --seeds 3 --data ../shared/data/emotions --start "runs/start/{backbone}"
    python -m training.grid --study strategies --scale smoke

Each cell is one `train_classifier` in a process of its own, with a log in OUT/logs. Finished runs are skipped, killed
ones go on, failed ones are tried once more: after a kill, the same command does what is left. Several grids on one OUT
share the work. At the end stands a table over seeds, made from the runs' records.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from anime_models.drawn_faces import make_dataset
from anime_models.face_datasets import dataset_revision
from anime_models.records import RunRecord
from training.common.commands import SAME_COMMAND, exit_status, resumable
from training.common.flags import check_folder, positive_int
from training.common.locks import Lock, lock_path
from training.recipes import SCALES
from training.studies.attempts import TRAINER, Outcome, Workplace
from training.studies.cells import STUDIES, Cell
from training.studies.engines import LocalPool, Pool, run_cells
from training.studies.plan import check_splits, fetch_start_weights, planned_cells
from training.studies.ray import ray_pool
from training.studies.report import Display, Durations, spoken
from training.studies.runs import Runs
from training.studies.table import check_table, table, write_table

PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
# Few and small pictures, of every class in every split.
DRAWN = {
    "character": {"num_identities": 4, "images_per_identity": 12, "size": 48},
    "emotion": {"num_identities": 6, "images_per_identity": 12, "size": 48},
}


def main(arguments: list[str] | None = None, trainer: str = TRAINER) -> int:
    """Run the command line; returns the exit status. ``trainer`` is the module that each cell runs."""
    options = parse(arguments)
    return exit_status(lambda: stoppable_grid(options, trainer))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Flags of the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.grid", description=__doc__.split("\n\n")[0])
    parser.add_argument("--study", choices=tuple(STUDIES), required=True)
    parser.add_argument("--seeds", type=positive_int, default=1, help="how many, from 42 on")
    parser.add_argument("--scale", choices=SCALES, default="full")
    parser.add_argument(
        "--data", type=Path, help="dataset folder; drawn at scale smoke, else data/characters or data/emotions"
    )
    parser.add_argument(
        "--start",
        help="as of train_classifier, with {backbone} for its name; imagenet by default, random on drawn data",
    )
    parser.add_argument("--backbones", type=_names, default=(), help="only these, separated by commas")
    parser.add_argument("--heads", type=_names, default=(), help="only these")
    parser.add_argument("--strategies", type=_names, default=(), help="only these")
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    parser.add_argument(
        "--ray-address", default="local", help="auto: the cluster of this machine; starts one by default"
    )
    parser.add_argument(
        "--threads",
        type=positive_int,
        help="of each run; fewer than processors let runs go side by side; all by default, 1 at scale smoke",
    )
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--cache", type=Path, help="features of frozen parts; OUT/cache by default")
    parser.add_argument("--table", type=Path, help="Markdown file for the table over seeds")
    parser.add_argument("--dry-run", action="store_true", help="tell what would be run")
    return parser.parse_args(arguments)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def stoppable_grid(options: argparse.Namespace, trainer: str) -> int:
    """Do what the flags ask for until a signal stops it; returns the exit status."""
    with terminated_like_interrupted(), resumable(SAME_COMMAND):
        return grid(options, trainer)


def grid(options: argparse.Namespace, trainer: str) -> int:
    """Do what the flags ask for; returns the exit status."""
    check_places(options)
    data, revision = data_of(options)
    cells = planned_cells(
        options.study,
        options.seeds,
        options.scale,
        options.start or ("random" if is_drawn(options) else "imagenet"),
        revision,
        backbones=options.backbones,
        heads=options.heads,
        strategies=options.strategies,
    )
    runs = Runs(options.out)
    for problem in runs.damaged():
        print(f"warning: passed over {problem}", file=sys.stderr)
    if options.dry_run:
        print_plan(cells, runs)
        return 0
    cache = options.cache or options.out / "cache"
    threads = options.threads or (1 if options.scale == "smoke" else PROCESSORS)
    place = Workplace(options.out, data, cache, threads, Path.cwd(), trainer)
    unfinished = []
    if missing := [cell for cell in cells if runs.find(cell).finished is None]:
        fetch_start_weights(missing)
        with ray_pool(place, options.ray_address) if options.engine == "ray" else LocalPool(place, PROCESSORS) as pool:
            unfinished = run_missing(cells, runs, pool)
    text = table(cells, finished_records(cells, runs))
    print(f"\n{text}")
    if options.table:
        write_table(text, options.table, cells, data)
    return report(unfinished, len(cells))


def check_places(options: argparse.Namespace) -> None:
    """Refuse places that the cells or the table cannot be written to, once instead of in each cell.

    Raises:
        ConfigError: when there is one.
    """
    check_folder(options.out, "--out")
    if options.cache:
        check_folder(options.cache, "--cache")
    if options.table:
        check_table(options.table)


def is_drawn(options: argparse.Namespace) -> bool:
    """Whether the grid draws its own data: a try that names none."""
    return options.data is None and options.scale == "smoke"


def data_of(options: argparse.Namespace) -> tuple[Path, str]:
    """The dataset folder, drawn if need be, and the digest of its files."""
    task = STUDIES[options.study].task
    if not is_drawn(options):
        data = options.data or Path("data") / f"{task}s"
        revision = dataset_revision(data)
        check_splits(data)
        return data, revision
    data = options.out / "data" / f"drawn_{task}s"
    card = data / "README.md"  # is written last
    if options.dry_run:
        return data, dataset_revision(data) if card.is_file() else "not drawn yet"
    lock = Lock.wait_for(lock_path(options.out, data.name))
    try:
        if not card.is_file():
            make_dataset(data, task=task, **DRAWN[task])
    finally:
        lock.release()
    return data, dataset_revision(data)


def run_missing(cells: Sequence[Cell], runs: Runs, pool: Pool[Any]) -> list[Outcome]:
    """Run what is not finished; returns what came of the cells that still are not."""
    finished, durations = finished_records(cells, runs), Durations()
    for cell, record in finished.items():
        durations.learn(cell, record)
    missing = [cell for cell in cells if cell not in finished]
    unfinished: list[Outcome] = []
    elsewhere: list[Cell] = []
    with Display(missing, len(finished), durations) as display:
        # What another grid had at first is looked at again at the end: it may have been killed.
        for batch, is_last in ((missing, False), (elsewhere, True)):
            with closing(run_cells(batch, runs, pool, display.refresh)) as outcomes:
                for outcome in outcomes:
                    if outcome.status == "elsewhere" and not is_last:
                        elsewhere.append(outcome.cell)
                        continue
                    display.show(outcome, runs.find(outcome.cell).finished)
                    if outcome.status in ("failed", "elsewhere"):
                        unfinished.append(outcome)
    return unfinished


def finished_records(cells: Sequence[Cell], runs: Runs) -> dict[Cell, RunRecord]:
    """The records of those cells that are finished."""
    found = {cell: runs.find(cell).finished for cell in cells}
    return {cell: record for cell, record in found.items() if record is not None}


def print_plan(cells: Sequence[Cell], runs: Runs) -> None:
    """Print what there is of each cell and what is missing, and how long that will take where it is known."""
    durations, left = Durations(), []
    for cell, record in finished_records(cells, runs).items():
        durations.learn(cell, record)
    for cell in cells:
        found = runs.find(cell)
        if found.finished is None:
            left.append(cell)
        place = found.unfinished.name if found.unfinished else found.finished.run_id if found.finished else ""
        print(f"{found.status:<10}  {cell!s:<36}  {place}".rstrip())
    seconds = durations.total(left)
    time_left = f", about {spoken(seconds)} one after the other" if seconds else ""
    print(f"{len(cells)} runs, {len(cells) - len(left)} of them finished{time_left}.")


def report(unfinished: Sequence[Outcome], num_cells: int) -> int:
    """List what is not finished; returns the exit status, 1 when a run failed."""
    for status, what in (("elsewhere", "are another grid's"), ("failed", "failed")):
        some = [outcome for outcome in unfinished if outcome.status == status]
        if some:
            print(f"{len(some)} of {num_cells} runs {what}:", file=sys.stderr)
        for outcome in some:
            print(f"  {outcome.cell}: {outcome.note}", file=sys.stderr)
    return int(any(outcome.status == "failed" for outcome in unfinished))


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM end a block as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
