"""Running the cells of a grid side by side, on this machine or wherever a pool runs them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Protocol, TypeVar

from training.common.locks import Lock, holder, lock_path
from training.studies.attempts import Outcome, Workplace, run_cell
from training.studies.cells import Cell
from training.studies.runs import Runs

POLL_SECONDS = 1.0
Ticket = TypeVar("Ticket")


class Pool(Protocol[Ticket]):
    """Something that runs cells; a ticket stands for one that has been handed in."""

    def num_slots(self) -> int:
        """How many cells it can run at a time; may change."""

    def submit(self, cell: Cell) -> Ticket:
        """Begin a cell."""

    def wait(self, tickets: Collection[Ticket]) -> Collection[Ticket]:
        """Those that have ended, after a second at most."""

    def outcome(self, ticket: Ticket) -> Outcome:
        """What became of a cell that has ended."""

    def cancel(self, tickets: Collection[Ticket]) -> None:
        """Kill what still runs; the pool cannot be used any more."""


def run_cells(
    cells: Sequence[Cell], runs: Runs, pool: Pool[Ticket], on_wait: Callable[[], None] = lambda: None
) -> Generator[Outcome, None, None]:
    """Run cells, each unless another process has it or has finished it; when closed early, kill what still runs.

    ``on_wait`` is called every second or so.
    """
    waiting = deque(cells)
    running: dict[Ticket, Lock] = {}
    try:
        while waiting or running:
            while waiting and len(running) < max(1, pool.num_slots()):
                cell = waiting.popleft()
                claim = claimed(cell, runs)
                if isinstance(claim, Outcome):
                    yield claim
                else:
                    running[pool.submit(cell)] = claim
                    yield Outcome(cell, "started")
            for ticket in pool.wait(running.keys()) if running else ():
                running.pop(ticket).release()
                yield pool.outcome(ticket)
            on_wait()
    finally:
        if running:
            pool.cancel(running.keys())
        for claim in running.values():
            claim.release()


def claimed(cell: Cell, runs: Runs) -> Lock | Outcome:
    """The right to run a cell, or what has become of it meanwhile."""
    path = lock_path(runs.folder, cell.file_stem)
    lock = Lock.take(path)
    if lock is None:
        return Outcome(cell, "elsewhere", holder(path))
    if runs.find(cell).finished is not None:
        lock.release()
        return Outcome(cell, "finished")
    return lock


class LocalPool:
    """Runs as many cells on this machine as it has processors for their threads."""

    def __init__(self, place: Workplace, num_processors: int) -> None:
        self.place = place
        self._slots = max(1, num_processors // place.threads)
        self._stopped = threading.Event()
        self._threads = ThreadPoolExecutor(self._slots)  # each waits for a subprocess

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._threads.shutdown()

    def num_slots(self) -> int:
        """How many cells run at a time."""
        return self._slots

    def submit(self, cell: Cell) -> Future[Outcome]:
        """Begin a cell."""
        return self._threads.submit(run_cell, cell, self.place, self._stopped)

    def wait(self, tickets: Collection[Future[Outcome]]) -> Collection[Future[Outcome]]:
        """Those that have ended, after a second at most."""
        return wait(tickets, POLL_SECONDS, FIRST_COMPLETED).done

    def outcome(self, ticket: Future[Outcome]) -> Outcome:
        """What became of a cell that has ended."""
        return ticket.result()

    def cancel(self, tickets: Collection[Future[Outcome]]) -> None:
        """Kill what still runs; the pool cannot be used any more."""
        self._stopped.set()
        wait(tickets)
