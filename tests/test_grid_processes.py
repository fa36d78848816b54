import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.small_grids import TRAINER, Hanging, SmallGrid
from training.common.locks import Lock, lock_path
from training.studies.attempts import Workplace
from training.studies.cells import Cell
from training.studies.engines import LocalPool, run_cells
from training.studies.plan import planned_cells
from training.studies.runs import Runs

ROOT = Path(__file__).parent.parent
TWO = ("--backbones", "resnet18", "--strategies", "linear_probe,full")
TWO_RUNS = ["resnet18 santoro-linear_probe s42", "resnet18 santoro-full s42"]


@pytest.fixture
def grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallGrid:
    monkeypatch.chdir(ROOT)  # where Python finds the stand-in
    return SmallGrid(tmp_path)


class TestKills:
    @pytest.fixture
    def hanging(self, grid: SmallGrid) -> Hanging:
        """The second of two runs hangs in its first epoch."""
        hanging = Hanging(grid.folder / "pipe")
        grid.misbehave(hang={TWO_RUNS[1]: hanging.path})
        return hanging

    def check_that_it_goes_on(self, grid: SmallGrid) -> None:
        assert [record.status for record in grid.records()] == ["finished", "running"]
        grid.calls()
        assert grid.run(*TWO) == 0
        assert grid.calls() == [f"{TWO_RUNS[1]} resumed"]
        assert [record.status for record in grid.records()] == ["finished", "finished"]
        assert [line["epoch"] for line in grid.epochs()[1]] == [0, 1, 2]
        assert [line["resumed"] for line in grid.epochs()[1]] == [False, True, True]

    @pytest.fixture
    def interruptible(self) -> Iterator[None]:
        """SIGINT interrupts, also where a shell has started the tests in the background, which ignore it."""
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
        signal.signal(signal.SIGINT, before)

    @pytest.mark.usefixtures("interruptible")
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_stopped_grid_stops_its_run_and_goes_on_later(
        self, grid: SmallGrid, hanging: Hanging, number: signal.Signals, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def stop() -> None:
            hanging.wait_for_begin()
            os.kill(os.getpid(), number)
            hanging.wait_for_death()

        stopper = threading.Thread(target=stop)
        stopper.start()
        assert grid.run(*TWO) == 130
        stopper.join()
        assert "The same command goes on from here." in capsys.readouterr().err
        self.check_that_it_goes_on(grid)

    def test_a_killed_grid_takes_its_run_with_it(self, grid: SmallGrid, hanging: Hanging) -> None:
        program = f"import sys; from training.grid import main; main(sys.argv[1:], trainer={TRAINER!r})"
        command = [sys.executable, "-c", program, *grid.flags(*TWO)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
            hanging.wait_for_begin()
            process.kill()
            hanging.wait_for_death()
        self.check_that_it_goes_on(grid)


class TestSeveralGrids:
    def cells(self, grid: SmallGrid) -> list[Cell]:
        revision = grid.revision()
        return planned_cells("strategies", 1, "full", "random", revision, backbones=["resnet18", "resnet50"])

    def test_what_another_grid_has_is_left_to_it(self, grid: SmallGrid, capsys: pytest.CaptureFixture[str]) -> None:
        cell = next(cell for cell in self.cells(grid) if cell.variant == "linear_probe")
        lock = Lock.take(lock_path(grid.out, cell.file_stem))
        assert lock is not None
        assert grid.run(*TWO) == 0
        assert grid.calls() == [f"{TWO_RUNS[1]} new"]
        error = capsys.readouterr().err
        assert "1 of 2 runs are another grid's" in error
        assert f"resnet18 linear_probe s42: process {os.getpid()} on" in error
        lock.release()
        assert grid.run(*TWO) == 0
        assert grid.calls() == [f"{TWO_RUNS[0]} new"]

    def test_a_lock_file_of_a_dead_process_stops_nobody(self, grid: SmallGrid) -> None:
        for cell in self.cells(grid):
            path = lock_path(grid.out, cell.file_stem)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("process 1 on another-machine\n")
        assert grid.run(*TWO) == 0
        assert len(grid.calls()) == 2

    def test_two_grids_share_the_work(self, grid: SmallGrid) -> None:
        place = Workplace(grid.out, grid.data, grid.out / "cache", 1, Path.cwd(), TRAINER)
        cells = self.cells(grid)
        with LocalPool(place, 1) as one, LocalPool(place, 1) as other:
            shares = run_cells(cells, Runs(grid.out), one), run_cells(cells[::-1], Runs(grid.out), other)
            grids = [threading.Thread(target=list, args=(share,)) for share in shares]
            for thread in grids:
                thread.start()
            for thread in grids:
                thread.join()
        assert Counter(grid.calls()) == {f"{cell.backbone} {cell.recipe} s42 new": 1 for cell in cells}


class TestSideBySide:
    def test_a_pool_runs_several_and_is_stopped_as_a_whole(self, grid: SmallGrid) -> None:
        pipes = [Hanging(grid.folder / name) for name in ("pipe", "another")]
        grid.misbehave(hang={name: pipe.path for name, pipe in zip(TWO_RUNS, pipes, strict=True)})
        cells = planned_cells(
            "strategies",
            1,
            "full",
            "random",
            grid.revision(),
            backbones=["resnet18"],
            strategies=["linear_probe", "full"],
        )
        place = Workplace(grid.out, grid.data, grid.out / "cache", 2, Path.cwd(), TRAINER)
        with LocalPool(place, num_processors=5) as pool:
            assert pool.num_slots() == 2
            outcomes = run_cells(cells, Runs(grid.out), pool)
            assert [next(outcomes).status for _ in pipes] == ["started", "started"]
            for pipe in pipes:
                pipe.wait_for_begin()
            outcomes.close()
            for pipe in pipes:
                pipe.wait_for_death()
        assert len(grid.calls()) == 2, "what was stopped is not tried again"
