"""The cells of a grid as tasks of a Ray cluster whose nodes share the folders; Ray is needed for nothing else."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from anime_models.errors import ConfigError
from training.studies.attempts import Outcome, Workplace, run_cell
from training.studies.cells import Cell
from training.studies.engines import POLL_SECONDS
from training.studies.runs import Runs

MAX_RETRIES = 5  # how many nodes may die under one cell
CONNECT_SECONDS = 10


class RayPool:
    """Runs each cell as a task; one whose node dies is resumed on another node."""

    def __init__(self, ray: ModuleType, place: Workplace) -> None:
        self._ray, self.place, self._runs = ray, place, Runs(place.runs)
        self._cells: dict[Any, Cell] = {}
        self._task = ray.remote(num_cpus=place.threads, max_retries=MAX_RETRIES)(run_cell)

    def num_slots(self) -> int:
        """How many cells the living nodes can run at a time."""
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        return sum(int(resources.get("CPU", 0)) // self.place.threads for resources in nodes)

    def submit(self, cell: Cell) -> Any:
        """Begin a cell."""
        ticket = self._task.remote(cell, self.place)
        self._cells[ticket] = cell
        return ticket

    def wait(self, tickets: Collection[Any]) -> Collection[Any]:
        """Those that have ended, after a second at most."""
        done: list[Any] = self._ray.wait(list(tickets), timeout=POLL_SECONDS)[0]
        return done

    def outcome(self, ticket: Any) -> Outcome:
        """What became of a cell that has ended."""
        cell = self._cells.pop(ticket)
        try:
            outcome: Outcome = self._ray.get(ticket)
        except self._ray.exceptions.RayError as error:
            return Outcome(cell, "failed", str(error).strip().splitlines()[0])
        if outcome.status == "finished" and self._runs.find(cell).finished is None:
            note = f"its node does not share {self._runs.folder}; put --out on a file system that all nodes see"
            return Outcome(cell, "failed", note)
        return outcome

    def cancel(self, tickets: Collection[Any]) -> None:
        """Kill what still runs; the pool cannot be used any more."""
        for ticket in tickets:
            self._ray.cancel(ticket, force=True)


@contextmanager
def ray_pool(place: Workplace, address: str) -> Iterator[RayPool]:
    """A pool on a Ray cluster.

    Args:
        place: its folders are seen by all nodes under the same paths.
        address: of the cluster; ``auto`` for the one that runs on this machine, ``local`` to start one here.

    Raises:
        ConfigError: without Ray, without a cluster at the address, or when no node has as many processors as a cell
            has threads.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray = import_module("ray")
    except ImportError as error:
        raise ConfigError('--engine ray needs Ray: pip install "ray>=2.40,<3"') from error
    more = {"include_dashboard": False} if address == "local" else {}
    on_termination = signal.getsignal(signal.SIGTERM)
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **more)
    except OSError as error:
        raise ConfigError(
            f"There is no Ray cluster at {address} ({error}). Start one with `ray start --head`, or leave "
            "--ray-address out for one of this machine alone."
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"Ray knows no cluster by {address!r} ({error}). Give --ray-address as host:port, such as 10.0.0.1:6379, "
            "or auto or local."
        ) from error
    signal.signal(signal.SIGTERM, on_termination)  # Ray sets its own, which leaves without a word
    try:
        pool = RayPool(ray, place)
        if not pool.num_slots():
            raise ConfigError(f"No node of the Ray cluster has {place.threads} processors; give fewer --threads.")
        yield pool
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise an ``OSError`` where nothing listens at ``host:port``; Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host:
        socket.create_connection((host.strip("[]"), port), timeout=CONNECT_SECONDS).close()
