import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.small_grids import Hanging, SmallGrid

ROOT = Path(__file__).parent.parent
RAY = ("--engine", "ray", "--threads", "1", "--backbones", "resnet18")
FOUR = (*RAY, "--strategies", "linear_probe,full", "--seeds", "2")
START_SECONDS = 120  # more than Ray's own, for machines that have other things to do
ONE, ONE_RUN = (*RAY, "--strategies", "full"), "resnet18 santoro-full s42"


@pytest.fixture
def grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallGrid:
    monkeypatch.chdir(ROOT)  # where Python finds the stand-in
    return SmallGrid(tmp_path)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two Ray nodes on this machine that run a cell each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    on_termination = signal.getsignal(signal.SIGTERM)
    before = set(psutil.Process().children(recursive=True))
    light = {"num_cpus": 1, "include_dashboard": False, "include_log_monitor": False, "wait": False}
    cluster = Cluster(initialize_head=True, head_node_args=light)
    try:
        cluster.add_node(num_cpus=1, wait=False)
        cluster.wait_for_nodes(START_SECONDS)
        yield cluster
    finally:
        cluster.shutdown()
        signal.signal(signal.SIGTERM, on_termination)
        left = set(psutil.Process().children(recursive=True)) - before
        _, alive = psutil.wait_procs(left, timeout=20)
        assert not alive


def raylet_pid(node: Any) -> str:
    return str(node.all_processes["raylet"][0].process.pid)


def test_a_node_dies_and_all_runs_complete(grid: SmallGrid, cluster: Any) -> None:
    (doomed,) = cluster.worker_nodes
    hanging = Hanging(grid.folder / "pipe")
    gate = grid.folder / "gate"
    os.mkfifo(gate)
    grid.misbehave(hang_on_node={"node": raylet_pid(doomed), "fifo": hanging.path, "gate": str(gate)})

    def kill() -> None:
        hanging.wait_for_begin()
        cluster.remove_node(doomed, allow_graceful=False)
        hanging.wait_for_death()
        opened.append(os.open(gate, os.O_RDWR))  # stays open for those who come later

    opened: list[int] = []
    killer = threading.Thread(target=kill)
    killer.start()
    assert grid.run(*FOUR, "--ray-address", cluster.address) == 0
    killer.join()
    os.close(opened[0])
    assert [record.status for record in grid.records()] == ["finished"] * 4
    assert sorted(call.rpartition(" ")[2] for call in grid.calls()) == ["new"] * 4 + ["resumed"]
    assert all([line["epoch"] for line in epochs] == [0, 1, 2] for epochs in grid.epochs())


def test_a_stopped_grid_stops_its_tasks_and_goes_on_later(
    grid: SmallGrid, cluster: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    hanging = Hanging(grid.folder / "pipe")
    grid.misbehave(hang={ONE_RUN: hanging.path})

    def stop() -> None:
        hanging.wait_for_begin()
        os.kill(os.getpid(), signal.SIGTERM)
        hanging.wait_for_death()

    stopper = threading.Thread(target=stop)
    stopper.start()
    assert grid.run(*ONE, "--ray-address", cluster.address) == 130
    stopper.join()
    assert grid.run(*ONE, "--ray-address", cluster.address) == 0
    assert grid.calls() == [f"{ONE_RUN} new", f"{ONE_RUN} resumed"]


def test_a_failed_task_is_reported(grid: SmallGrid, cluster: Any, capsys: pytest.CaptureFixture[str]) -> None:
    grid.misbehave(fail_always=[ONE_RUN])
    assert grid.run(*ONE, "--ray-address", cluster.address) == 1
    assert "resnet18 full s42: error: broken on purpose" in capsys.readouterr().err
    assert grid.calls() == [f"{ONE_RUN} new", f"{ONE_RUN} resumed"]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no-such-host.invalid:6379"])
def test_no_cluster_at_the_address(grid: SmallGrid, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert grid.run(*ONE, "--ray-address", address) == 1
    assert f"There is no Ray cluster at {address}" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["foo", ""])
def test_what_is_no_address(grid: SmallGrid, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert grid.run(*ONE, "--ray-address", address) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: Ray knows no cluster by {address!r}")
    assert "host:port, such as 10.0.0.1:6379, or auto or local" in line


def test_more_threads_than_any_node_has(grid: SmallGrid, cluster: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert grid.run(*ONE, "--threads", "64", "--ray-address", cluster.address) == 1
    assert "No node of the Ray cluster has 64 processors" in capsys.readouterr().err
