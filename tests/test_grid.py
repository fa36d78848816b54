import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anime_models.drawn_faces import EMOTIONS
from anime_models.face_datasets import SPLITS, dataset_revision, load_split
from anime_models.records import read_record
from tests.small_grids import TRAINER, SmallGrid
from tests.small_models import write_checkpoint
from training.grid import main
from training.studies.plan import planned_cells
from training.studies.report import Durations

ROOT = Path(__file__).parent.parent
ONE, ONE_RUN = ("--backbones", "resnet18", "--strategies", "full"), "resnet18 santoro-full s42"
TWO = ("--backbones", "resnet18", "--strategies", "linear_probe,full")
TWO_RUNS = ["resnet18 santoro-linear_probe s42", ONE_RUN]


@pytest.fixture
def grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallGrid:
    monkeypatch.chdir(ROOT)  # where Python finds the stand-in
    return SmallGrid(tmp_path)


class TestMissingRuns:
    def test_everything_is_run_once(self, grid: SmallGrid) -> None:
        assert grid.run("--seeds", "2") == 0
        calls = grid.calls()
        assert len(set(calls)) == len(calls) == 4 * 4 * 2
        assert {record.status for record in grid.records()} == {"finished"}
        assert {record.study for record in grid.records()} == {"strategies"}
        assert grid.run("--seeds", "2") == 0
        assert grid.calls() == [], "what is finished is not run again"

    def test_more_seeds_are_added(self, grid: SmallGrid) -> None:
        assert grid.run(*TWO) == 0
        assert grid.calls() == [f"{name} new" for name in TWO_RUNS]
        assert grid.run(*TWO, "--seeds", "2") == 0
        assert grid.calls() == [f"{name.replace('s42', 's43')} new" for name in TWO_RUNS]

    def test_another_scale_is_another_cell(self, grid: SmallGrid) -> None:
        assert grid.run(*ONE) == 0
        assert grid.run(*ONE, "--scale", "cpu") == 0
        assert grid.calls() == [f"{ONE_RUN} new"] * 2

    def test_a_run_from_a_checkpoint_is_known_again(self, grid: SmallGrid) -> None:
        start = write_checkpoint(grid.folder / "start", backbone="resnet18")
        assert grid.run(*ONE, "--start", str(start)) == 0
        assert grid.run(*ONE, "--start", str(start)) == 0
        assert grid.calls() == [f"{ONE_RUN} new"]
        write_checkpoint(start, backbone="resnet18", seed=1)
        assert grid.run(*ONE, "--start", str(start)) == 0
        assert grid.calls() == [f"{ONE_RUN} new"]

    def test_other_data_are_other_cells(self, grid: SmallGrid) -> None:
        assert grid.run(*ONE) == 0
        (grid.data / "test.parquet").write_bytes(b"more")
        grid.misbehave()
        assert grid.run(*ONE) == 0
        assert grid.calls() == [f"{ONE_RUN} new"] * 2

    @pytest.mark.parametrize(
        "change",
        [
            lambda fields: fields["recipe"].update(epochs=1),
            lambda fields: fields["recipe"].update(image_size=64),
            lambda fields: fields.update(code={"commit": "", "dirty": False, "command": ["train", "--folds", "5"]}),
        ],
        ids=["epochs", "image size", "folds"],
    )
    def test_a_run_by_hand_with_other_settings_is_not_of_the_study(
        self, grid: SmallGrid, change: Callable[[dict[str, Any]], None]
    ) -> None:
        assert grid.run(*ONE) == 0
        (path,) = grid.out.glob("*/record.json")
        fields = json.loads(path.read_text())
        change(fields)
        path.write_text(json.dumps(fields))
        assert grid.run(*ONE) == 0
        assert grid.calls() == [f"{ONE_RUN} new"] * 2

    def test_heads_are_told_apart(self, grid: SmallGrid) -> None:
        assert grid.run("--backbones", "xception", study="characters") == 0
        assert [record.model.head for record in grid.records()] == ["plain", "dropout"]
        assert grid.run("--backbones", "xception", "--heads", "dropout", study="characters") == 0
        assert len(grid.calls()) == 2

    def test_a_damaged_record_is_named_and_passed_over(
        self, grid: SmallGrid, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = grid.out / "damaged" / "record.json"
        path.parent.mkdir(parents=True)
        path.write_text("{")
        assert grid.run(*ONE) == 0
        assert str(path) in capsys.readouterr().err
        assert grid.calls() == [f"{ONE_RUN} new"]

    def test_output_is_in_a_log(self, grid: SmallGrid) -> None:
        assert grid.run(*ONE) == 0
        (log,) = (grid.out / "logs").iterdir()
        assert "--recipe santoro-full --scale full --seed 42 --start random" in log.read_text()


class TestFailures:
    def test_a_failed_run_is_tried_once_more(self, grid: SmallGrid) -> None:
        grid.misbehave(fail_once=[TWO_RUNS[0]])
        assert grid.run(*TWO) == 0
        assert grid.calls() == [f"{TWO_RUNS[0]} new", f"{TWO_RUNS[0]} resumed", f"{TWO_RUNS[1]} new"]
        assert len(grid.records()) == 2

    def test_others_go_on_when_one_fails(self, grid: SmallGrid, capsys: pytest.CaptureFixture[str]) -> None:
        grid.misbehave(fail_always=[TWO_RUNS[0]])
        assert grid.run(*TWO) == 1
        assert grid.calls() == [f"{TWO_RUNS[0]} new", f"{TWO_RUNS[0]} resumed", f"{TWO_RUNS[1]} new"]
        output = capsys.readouterr()
        assert "1 of 2 runs failed" in output.err
        assert "resnet18 linear_probe s42: error: broken on purpose" in output.err
        assert "| resnet18 | linear_probe | 0 of 1 | — |" in output.out
        grid.misbehave()
        assert grid.run(*TWO) == 0
        assert grid.calls() == [f"{TWO_RUNS[0]} resumed"]

    def test_a_run_that_cannot_be_resumed_is_started_anew(self, grid: SmallGrid) -> None:
        grid.misbehave(fail_always=[ONE_RUN])
        assert grid.run(*ONE) == 1
        grid.calls()
        grid.misbehave(refuse_to_resume=[ONE_RUN])
        assert grid.run(*ONE) == 0
        assert grid.calls() == [f"{ONE_RUN} resumed", f"{ONE_RUN} new"]
        assert [record.status for record in grid.records()] == ["failed", "finished"]

    def test_a_run_that_leaves_no_record_failed(self, grid: SmallGrid, capsys: pytest.CaptureFixture[str]) -> None:
        grid.misbehave(leave_nothing=[ONE_RUN])
        assert grid.run(*ONE) == 1
        assert "it left no finished record" in capsys.readouterr().err


class TestReports:
    def test_table(self, grid: SmallGrid, capsys: pytest.CaptureFixture[str]) -> None:
        path = grid.folder / "tables" / "strategies.md"
        assert grid.run("--seeds", "3", *TWO, "--table", str(path)) == 0
        rows = [
            "| backbone | strategy | seeds | accuracy | macro F1 | ECE |",
            "| --- | --- | ---: | ---: | ---: | ---: |",
            "| resnet18 | linear_probe | 3 | 0.600 ± 0.100 | 0.400 ± 0.000 | 0.020 ± 0.000 |",
            "| resnet18 | full | 3 | 0.600 ± 0.100 | 0.400 ± 0.000 | 0.020 ± 0.000 |",
        ]
        assert "\n".join(rows) in capsys.readouterr().out
        assert "\n".join(rows) in path.read_text()
        assert "Test split of `data`, scale full, start weights random" in path.read_text()

    def test_table_of_a_single_seed(self, grid: SmallGrid, capsys: pytest.CaptureFixture[str]) -> None:
        assert grid.run("--backbones", "xception", study="characters") == 0
        output = capsys.readouterr().out
        assert "| backbone | head | seeds |" in output
        assert "| xception | dropout | 1 | 0.500 | 0.400 | 0.020 |" in output

    def test_dry_run(self, grid: SmallGrid, capsys: pytest.CaptureFixture[str]) -> None:
        grid.misbehave(fail_always=[TWO_RUNS[1]])
        assert grid.run(*TWO) == 1
        grid.calls()
        names = [record.run_id for record in grid.records()]
        capsys.readouterr()
        assert grid.run(*TWO, "--seeds", "2", "--dry-run") == 0
        assert grid.calls() == []
        lines = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert lines[:4] == [
            ["finished", "resnet18", "linear_probe", "s42", names[0]],
            ["failed", "resnet18", "full", "s42", names[1]],
            ["missing", "resnet18", "linear_probe", "s43"],
            ["missing", "resnet18", "full", "s43"],
        ]
        assert " ".join(lines[4]).startswith("4 runs, 1 of them finished, about ")

    def test_time_left_is_judged_by_finished_runs(self, grid: SmallGrid) -> None:
        assert grid.run(*ONE) == 0
        (record,) = grid.records()
        assert record.timing is not None
        durations = Durations()
        cells = {
            (cell.backbone, cell.variant, cell.seed): cell
            for cell in planned_cells("strategies", 2, "full", "random", "")
        }
        assert durations.total(cells.values()) is None, "nothing is known yet"
        durations.learn(cells["resnet18", "full", 42], record)
        same, larger = cells["resnet18", "full", 43], cells["vit_base_16", "full", 43]
        assert durations.expected(same) == record.timing.total_seconds
        guess, cheaper = durations.expected(larger), durations.expected(cells["vit_base_16", "linear_probe", 43])
        assert guess is not None
        assert cheaper is not None
        assert record.timing.total_seconds is not None
        assert guess > 5 * record.timing.total_seconds
        assert cheaper < guess / 5
        durations.learn(larger, record.model_copy(deep=True))
        assert durations.expected(cells["vit_base_16", "full", 42]) == record.timing.total_seconds
        assert durations.total([same, larger]) == 2 * record.timing.total_seconds

    def test_progress_is_told_run_by_run(self, grid: SmallGrid, capsys: pytest.CaptureFixture[str]) -> None:
        assert grid.run(*TWO) == 0
        first, second = capsys.readouterr().out.splitlines()[:2]
        assert first.startswith("1/2 resnet18 linear_probe s42: finished, test accuracy 0.500; about ")
        assert second == "2/2 resnet18 full s42: finished, test accuracy 0.500; nothing left"


class TestDrawnData:
    def test_a_try_needs_no_data(self, grid: SmallGrid, capsys: pytest.CaptureFixture[str]) -> None:
        flags = ["--study", "strategies", "--scale", "smoke", *ONE, "--threads", "1", "--out", str(grid.out)]
        assert main([*flags, "--dry-run"], TRAINER) == 0
        assert not grid.out.exists(), "a dry run draws nothing"
        assert main(flags, TRAINER) == 0
        data = grid.out / "data" / "drawn_emotions"
        for split in SPLITS:
            drawn = load_split(data, split)
            assert drawn.label_names == EMOTIONS
            assert set(drawn.labels) == set(range(len(EMOTIONS))), "every class is in every split"
        (record,) = grid.records()
        assert (record.model.start_weights, record.dataset.id) == ("random", "drawn_emotions")
        revision = dataset_revision(data)
        assert main([*flags, "--dry-run"], TRAINER) == 0
        assert "finished    resnet18 full s42" in capsys.readouterr().out
        assert main(flags, TRAINER) == 0
        assert dataset_revision(data) == revision
        assert len((data / "calls.txt").read_text().splitlines()) == 1


def test_the_real_training_takes_the_flags_and_leaves_the_record_of_its_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    cell = ("--backbones", "resnet18", "--strategies", "linear_probe")
    assert main(["--study", "strategies", "--scale", "smoke", *cell, "--out", str(tmp_path)]) == 0
    (path,) = tmp_path.glob("*/record.json")
    record = read_record(path)
    assert record.value("accuracy") is not None
    assert f"| resnet18 | linear_probe | 1 | {record.value('accuracy'):.3f} |" in capsys.readouterr().out


class TestErrors:
    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (["--start", "packaged"], "no packaged weights for resnet18"),
            (["--start", "nowhere/{backbone}"], "no checkpoint folder nowhere/resnet18 for resnet18"),
            (["--start", "nowhere/at/all"], 'There is no folder "nowhere/at/all"'),
            (["--backbones", "xception"], "--backbones: the study strategies has no 'xception'. Choose from: resnet18"),
            (["--strategies", "magic"], "--strategies: the study strategies has no 'magic'"),
            (["--heads", "dropout"], "--heads: the study strategies has no 'dropout'"),
            (["--data", "nowhere"], "nowhere holds no Parquet file"),
            (["--out", __file__], f"--out: {__file__} is not a folder"),
            (["--cache", f"{__file__}/below"], f"--cache: {__file__} is not a folder"),
            (["--table", f"{__file__}/below/table.md"], f"--table: {__file__} is not a folder"),
            (["--table", str(ROOT)], f"--table: {ROOT} is a folder; name a file"),
        ],
    )
    def test_settings(
        self, grid: SmallGrid, capsys: pytest.CaptureFixture[str], flags: list[str], message: str
    ) -> None:
        assert grid.run(*flags) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ")
        assert message in line
        assert grid.calls() == []

    @pytest.mark.parametrize("split", SPLITS)
    def test_a_missing_split(self, grid: SmallGrid, capsys: pytest.CaptureFixture[str], split: str) -> None:
        (grid.data / f"{split}.parquet").unlink()
        assert grid.run(*ONE) == 1
        assert f"{grid.data} holds no {split}.parquet; name a folder" in capsys.readouterr().err
        assert grid.calls() == []

    def test_start_weights_of_another_backbone(self, grid: SmallGrid, capsys: pytest.CaptureFixture[str]) -> None:
        start = write_checkpoint(grid.folder / "start", backbone="mobilenet_v2")
        assert grid.run(*ONE, "--start", str(start)) == 1
        assert f"{start} holds a mobilenet_v2; start resnet18 from one of its own kind" in capsys.readouterr().err
        assert grid.calls() == []

    def test_a_hub_out_of_reach(self, grid: SmallGrid, hub_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert grid.run("--start", "imagenet", "--dry-run") == 0, "a plan needs no weights"
        assert grid.run("--start", "imagenet") == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "The ImageNet weights of resnet18 could not be fetched" in line
        assert grid.calls() == []

    @pytest.mark.parametrize("flags", [["--seeds", "0"], ["--threads", "no"], ["--study", "magic"]])
    def test_flags_that_make_no_sense(
        self, grid: SmallGrid, capsys: pytest.CaptureFixture[str], flags: list[str]
    ) -> None:
        with pytest.raises(SystemExit) as exit_info:
            grid.run(*flags)
        assert exit_info.value.code == 2
        assert flags[0] in capsys.readouterr().err

    def test_ray_is_optional(
        self, grid: SmallGrid, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "ray", None)
        assert grid.run(*ONE, "--engine", "ray") == 1
        assert 'pip install "ray>=2.40,<3"' in capsys.readouterr().err
