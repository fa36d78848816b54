"""Training from the command line: what a run leaves behind, how it goes on after a kill, what it refuses."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from anime_models.backbones import build_model, load_packaged_weights
from anime_models.checkpoints import load_checkpoint
from anime_models.classifier import Classifier
from anime_models.drawn_faces import draw_face
from anime_models.face_datasets import SPLITS, load_split
from anime_models.records import read_record
from tests.parquet_files import write_split
from tests.small_models import noise, write_checkpoint
from tests.small_runs import (
    FLAGS,
    FROZEN_STAGES,
    NUM_STRANGERS,
    Killed,
    epoch_lines,
    interrupted,
    killed_after,
    train,
)
from training import recipes, train_classifier
from training.classification import run as classifier_run
from training.classification import sources
from training.classification.segments import stages
from training.common.run_folders import REPOSITORY, new_run_folder
from training.common.start_weights import start_weights
from training.recipes import recipe_named
from training.train_classifier import main

SMOKE = ("--recipe", "smoke", "--epochs", "1", "--image-size", "32", "--threads", "1")


class TestRunFolder:
    def test_it_is_complete_and_nothing_is_left_over(self, finished_run: Path) -> None:
        assert {path.name for path in finished_run.iterdir()} == {
            "record.json",
            "metrics.jsonl",
            "predictions.parquet",
            "checkpoint",
        }
        files = {path.name for path in (finished_run / "checkpoint").iterdir()}
        assert files - {"class_means.safetensors"} == {"model.safetensors", "config.json", "README.md", "record.json"}

    def test_its_name_says_what_it_is(self, finished_run: Path) -> None:
        assert finished_run.name.endswith("Z-character-efficientnet_lite0-full-s42")

    def test_the_record_says_how_it_was_got(self, finished_run: Path, drawn_characters: Path) -> None:
        record = read_record(finished_run / "record.json")
        assert (record.kind, record.status, record.task, record.seed) == ("measured", "finished", "character", 42)
        assert record.run_id == finished_run.name
        assert record.dataset.id == drawn_characters.name
        assert record.dataset.num_images == {
            **{split: len(load_split(drawn_characters, split)) for split in SPLITS},
            **{f"strangers_{split}": NUM_STRANGERS for split in SPLITS},
        }
        assert record.recipe["epochs"] == 2
        assert record.recipe["frozen_stages"] == FROZEN_STAGES
        assert record.model.start_weights == "packaged"
        assert record.environment is not None
        assert record.environment.threads == 1
        assert record.code is not None
        assert len(record.code.commit) in (0, 40)
        assert record.selection is not None
        losses = [line["validation/calibrated_loss"] for line in epoch_lines(finished_run)]
        assert record.selection.best_epoch == int(np.argmin(losses))
        assert record == read_record(finished_run / "checkpoint" / "record.json")

    def test_size_and_cost_are_the_model_s(self, finished_run: Path) -> None:
        record, model = read_record(finished_run / "record.json"), load_checkpoint(finished_run / "checkpoint").model
        frozen = {name for stage in stages(model)[-FROZEN_STAGES:] for name in stage.parameters}
        sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
        assert record.model.num_parameters == sum(sizes.values())
        assert record.model.num_trainable == sum(size for name, size in sizes.items() if name not in frozen)
        # 0.39e9 multiply-adds at 224 px, each counted twice.
        assert record.model.flops == pytest.approx(2 * 0.39e9 * (64 / 224) ** 2, rel=0.1)
        timing = record.timing
        assert timing is not None
        assert timing.seconds_per_epoch is not None
        assert timing.total_seconds is not None
        assert 0 < 2 * timing.seconds_per_epoch < timing.total_seconds

    def test_figures_follow_from_the_predictions(self, finished_run: Path) -> None:
        record = read_record(finished_run / "record.json")
        rows = pq.read_table(finished_run / "predictions.parquet").to_pylist()
        counts = {**{f"strangers_{split}": NUM_STRANGERS for split in ("validation", "test")}}
        for split in SPLITS:
            counts[split] = record.dataset.num_images[split]
        assert {name: sum(row["split"] == name for row in rows) for name in counts} == counts
        assert len(rows) == sum(counts.values())
        assert all((row["label"] == -1) == row["split"].startswith("strangers_") for row in rows)
        for split in ("validation", "test"):
            known = [row for row in rows if row["split"] == split]
            right = np.mean([np.argmax(row["logits"][:3]) == row["label"] for row in known])
            assert record.value("accuracy", split) == pytest.approx(right)
        assert record.calibration is not None
        reliability = record.calibration.after.reliability
        assert len(reliability) == 15
        assert sum(bar.count for bar in reliability) == counts["test"]

    def test_every_figure_that_is_asked_for_is_there(self, finished_run: Path) -> None:
        record = read_record(finished_run / "record.json")
        wanted = [
            *("accuracy", "macro_f1", "weighted_f1", "loss", "top_5_accuracy", "conformal_coverage"),
            *("calibrated_loss", "ece", "aurc"),
            *("conformal_set_size", "shown_set_coverage", "shown_set_size", "answered_share", "stranger_auroc"),
            *("strangers_recognised", "strangers_recognised_at_threshold", "known_called_strangers_at_threshold"),
            *("macro_precision", "macro_recall", "weighted_precision", "weighted_recall"),
        ]
        for split in ("validation", "test"):
            missing = [metric for metric in wanted if record.value(metric, split) is None]
            assert not missing
            for method in ("energy", "distance", "extra_class"):
                assert record.value("stranger_auroc", split, method) is not None
            for label in load_checkpoint(finished_run / "checkpoint").config.label_names:
                assert record.value("f1", split, label) is not None
        low, high = next(r.ci95 for r in record.results if r.metric == "accuracy" and r.split == "test") or (2, 2)
        assert low <= (record.value("accuracy") or 0) <= high <= 1

    def test_the_checkpoint_loads_and_predicts(self, finished_run: Path, drawn_characters: Path) -> None:
        classifier = Classifier.load(finished_run / "checkpoint")
        assert classifier.task == "character"
        assert classifier.config.stranger_output
        assert classifier.config.strangers is not None
        assert classifier.config.calibration is not None
        assert classifier.config.calibration.num_images == len(load_split(drawn_characters, "validation"))
        (prediction,) = classifier.predict([draw_face(identity=0, size=64)])
        assert {candidate.label for candidate in prediction.candidates} == set(classifier.label_names)
        assert prediction.candidates[0].details["series"]

    def test_the_card_shows_the_record_s_figures(self, finished_run: Path) -> None:
        card = (finished_run / "checkpoint" / "README.md").read_text()
        record = read_record(finished_run / "record.json")
        assert card.startswith("---\nlicense: apache-2.0\n")
        for metric in ("accuracy", "macro_f1", "stranger_auroc", "conformal_coverage"):
            assert f"| {metric} | {record.value(metric):.4f} |" in card
        assert all(name in card for name in load_checkpoint(finished_run / "checkpoint").config.label_names)

    def test_frozen_stages_are_bit_for_bit_as_they_started(self, finished_run: Path) -> None:
        trained = load_checkpoint(finished_run / "checkpoint").model
        start = build_model("efficientnet_lite0", "plain", 4, 64)
        load_packaged_weights(start, "efficientnet_lite0")
        frozen = stages(start)[-FROZEN_STAGES:]
        kept = {name for stage in frozen for name in (*stage.parameters, *stage.buffers)}
        before, after = start.state_dict(), trained.state_dict()
        assert any(name.endswith("running_mean") for name in kept)
        for name in kept:
            stored = before[name].half().float() if before[name].ndim > 1 else before[name]
            assert torch.equal(after[name], stored), name
        moved = {name for name in before if name not in kept and not name.startswith("head.")}
        assert all(not torch.equal(after[name], before[name]) for name in moved if name.endswith("running_mean"))


def test_two_runs_that_begin_in_the_same_second_have_a_folder_each(tmp_path: Path) -> None:
    folders = [new_run_folder(tmp_path, "20260101T000000Z-character-resnet18-full-s42") for _ in range(3)]
    assert [folder.name.removeprefix("20260101T000000Z-character-resnet18-full-s42") for folder in folders] == [
        "",
        "-2",
        "-3",
    ]
    assert all(folder.is_dir() for folder in folders)


def test_it_learns_to_tell_characters_apart(drawn_characters: Path, tmp_path: Path) -> None:
    """And without strangers there is no extra output and no rule."""
    folder = train(drawn_characters, tmp_path, flags=("--recipe", "smoke", "--epochs", "4", "--threads", "1"))
    record = read_record(folder / "record.json")
    assert (record.value("accuracy") or 0) > 0.8
    config = load_checkpoint(folder / "checkpoint").config
    assert (config.num_outputs, config.stranger_output, config.strangers) == (3, False, None)
    losses = [line["train/loss"] for line in epoch_lines(folder)]
    assert losses[-1] < losses[0]


class TestResume:
    def assert_same_end(self, folder: Path, reference: Path) -> None:
        assert epoch_lines(folder) == epoch_lines(reference)
        weights = [path / "checkpoint" / "model.safetensors" for path in (folder, reference)]
        assert weights[0].read_bytes() == weights[1].read_bytes()
        assert load_checkpoint(folder / "checkpoint").config == load_checkpoint(reference / "checkpoint").config
        records = [read_record(path / "record.json") for path in (folder, reference)]
        assert records[0].results == records[1].results
        assert records[0].calibration == records[1].calibration
        assert records[0].status == "finished"
        assert {path.name for path in folder.iterdir()} == {path.name for path in reference.iterdir()}

    def resume(self, folder: Path, data: Path, *more: str) -> int:
        return main(["--data", str(data), "--task", "character", *FLAGS, "--resume", str(folder), *more])

    def test_after_a_real_kill_it_ends_as_if_nothing_had_been(
        self, drawn_characters: Path, finished_run: Path, tmp_path: Path
    ) -> None:
        """The process is killed as soon as it has reported its first epoch."""
        flags = ["--data", str(drawn_characters), "--task", "character", "--out", str(tmp_path), *FLAGS]
        command = [sys.executable, "-u", "-m", "training.train_classifier", *flags]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("epoch=0 ")
            os.kill(process.pid, signal.SIGKILL)
        (folder,) = tmp_path.iterdir()
        assert read_record(folder / "record.json").status == "running"
        assert self.resume(folder, drawn_characters) == 0
        self.assert_same_end(folder, finished_run)

    @pytest.mark.parametrize(
        ("module", "name", "calls"),
        [(sources, "normalise", 1), (classifier_run, "calibrate", 0), (classifier_run, "model_card", 0)],
        ids=["in an epoch", "after training", "at the very end"],
    )
    def test_wherever_it_stopped(
        self,
        drawn_characters: Path,
        finished_run: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        module: Any,
        name: str,
        calls: int,
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(module, name, killed_after(calls, getattr(module, name)))
            with pytest.raises(Killed):
                train(drawn_characters, tmp_path)
        (folder,) = tmp_path.iterdir()
        assert read_record(folder / "record.json").status == "running"
        assert self.resume(folder, drawn_characters) == 0
        self.assert_same_end(folder, finished_run)

    def test_a_stopped_run_says_how_to_go_on(
        self,
        drawn_characters: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(classifier_run, "fit", interrupted)
        assert main(["--data", str(drawn_characters), "--task", "character", *FLAGS, "--out", str(tmp_path)]) == 130
        (folder,) = tmp_path.iterdir()
        (line,) = capsys.readouterr().err.splitlines()
        assert line == f"Stopped. The same command with --resume {folder} goes on from here."
        assert read_record(folder / "record.json").status == "running"

    def test_a_command_that_is_stopped_before_it_begins_has_nothing_to_go_on_with(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(train_classifier, "load_split", interrupted)
        assert main(["--data", "somewhere", "--task", "emotion", "--out", str(tmp_path / "runs")]) == 130
        assert capsys.readouterr().err == "Stopped.\n"
        assert not (tmp_path / "runs").exists()

    def test_a_run_that_ended_in_an_error_says_so(
        self, drawn_characters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*arguments: object) -> None:
            raise RuntimeError("no memory")

        monkeypatch.setattr(classifier_run, "fit", fail)
        with pytest.raises(RuntimeError, match="no memory"):
            train(drawn_characters, tmp_path)
        (folder,) = tmp_path.iterdir()
        assert read_record(folder / "record.json").status == "failed"

    def test_other_settings_are_refused(
        self, finished_run: Path, drawn_characters: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = Path(shutil.copytree(finished_run, tmp_path / finished_run.name))
        fields = json.loads((folder / "record.json").read_text())
        (folder / "record.json").write_text(json.dumps({**fields, "status": "running"}))
        assert self.resume(folder, drawn_characters, "--seed", "7") == 1
        assert "began with seed 42, not 7" in capsys.readouterr().err
        assert self.resume(folder, drawn_characters, "--epochs", "3") == 1
        assert "began with epochs 2, not 3" in capsys.readouterr().err
        assert read_record(folder / "record.json").seed == 42

    def test_another_precision_is_refused_and_a_renamed_folder_is_not(
        self, finished_run: Path, drawn_characters: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = Path(shutil.copytree(finished_run, tmp_path / "renamed"))
        fields = json.loads((folder / "record.json").read_text())
        (folder / "record.json").write_text(json.dumps({**fields, "status": "running"}))
        assert self.resume(folder, drawn_characters, "--precision", "bf16") == 1
        assert "began in fp32, not bf16" in capsys.readouterr().err
        assert self.resume(folder, drawn_characters) == 0
        assert read_record(folder / "record.json").run_id == finished_run.name

    def test_a_finished_run_is_left_alone(
        self, finished_run: Path, drawn_characters: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = (finished_run / "record.json").read_bytes()
        assert self.resume(finished_run, drawn_characters) == 1
        assert "is finished; leave --resume out" in capsys.readouterr().err
        assert (finished_run / "record.json").read_bytes() == before


class TestDiverging:
    def test_diverging_is_said_and_not_kept(
        self,
        drawn_characters: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        wild = dataclasses.replace(recipe_named("smoke"), name="wild", head_lr=float("inf"))
        monkeypatch.setitem(recipes.RECIPES, "wild", wild)
        arguments = ["--data", str(drawn_characters), "--task", "character", "--out", str(tmp_path)]
        assert main([*arguments, "--recipe", "wild", "--threads", "1"]) == 1
        assert "diverged in epoch 0" in capsys.readouterr().err
        (folder,) = tmp_path.iterdir()
        assert read_record(folder / "record.json").status == "failed"
        assert not (folder / "checkpoint").exists()


class TestErrors:
    @pytest.fixture(scope="class")
    @staticmethod
    def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
        return write_checkpoint(tmp_path_factory.mktemp("models") / "vit", backbone="vit_small_16")

    def refusal(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
        """What the command line says when it exits with 1: one line on stderr, no traceback."""
        assert main([*arguments, "--threads", "1"]) == 1
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("error: ")
        return lines[0]

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (["--recipe", "magic"], "no recipe 'magic'. Choose one of: characters"),
            (["--start", "nowhere/at/all"], 'There is no folder "nowhere/at/all"'),
            (["--start", "packaged", "--backbone", "resnet18"], "no packaged weights for 'resnet18'"),
            (["--start", "imagenet"], "or start from 'packaged' or 'random'"),
            (["--backbone", "resnet18"], "ImageNet weights of resnet18 could not be fetched"),
            (["--study", "strategies"], "is about the task emotion, not character; give --task emotion"),
            (["--cache", __file__], f"--cache: {__file__} is not a folder"),
            (["--cross-fit", "2"], "needs a recipe that keeps the last epoch"),
            (["--strangers", "faces"], "train.parquet does not exist"),
            (["--image-size", "8"], "image size 8 cannot be used"),
            (["--resume", "nowhere"], "no run folder nowhere; leave --resume out"),
            (["--out", __file__], "No run folder can be made in"),
        ],
    )
    def test_settings(
        self,
        drawn_characters: Path,
        hub_cache: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        flags: list[str],
        message: str,
    ) -> None:
        data = ["--data", str(drawn_characters), "--task", "character", "--recipe", "smoke"]
        assert message in self.refusal(capsys, *data, "--out", str(tmp_path / "runs"), *flags)
        assert not (tmp_path / "runs").exists()

    def test_start_weights_of_another_kind(
        self, drawn_characters: Path, vit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        flags = ["--data", str(drawn_characters), "--task", "character", "--start", str(vit), "--recipe", "smoke"]
        assert "holds a vit_small_16" in self.refusal(capsys, *flags, "--out", str(tmp_path / "runs"))
        assert not (tmp_path / "runs").exists()

    def test_no_data(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        message = self.refusal(capsys, "--data", str(tmp_path), "--task", "emotion", "--out", str(tmp_path / "runs"))
        assert "train.parquet does not exist" in message
        assert not (tmp_path / "runs").exists()

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            ({"train": None, "validation": None, "test": None}, "data/train: every picture needs a label"),
            ({"train": [0, 1], "validation": [0, None], "test": [0]}, "data/validation: every picture needs a label"),
            ({"train": [0, 0], "validation": [0, 1], "test": [0]}, "data/train: there is no picture of 'Sad'"),
            ({"train": [0, 1], "validation": [], "test": [0]}, "data/validation: every picture needs a label"),
        ],
    )
    def test_data_that_cannot_be_learnt_from(
        self,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        labels: dict[str, list[int | None] | None],
        message: str,
    ) -> None:
        for split, values in labels.items():
            pictures = [noise(i) for i in range(2 if values is None else len(values))]
            write_split(tmp_path / "data" / f"{split}.parquet", pictures, values, names=("Happy", "Sad"))
        data = ["--data", str(tmp_path / "data"), "--task", "emotion", "--recipe", "smoke"]
        assert message in self.refusal(capsys, *data, "--out", str(tmp_path / "runs"))
        assert not (tmp_path / "runs").exists()

    def test_folds_may_divide_anew_what_a_split_lacks(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for split, label in (("train", 0), ("validation", 1), ("test", 0)):
            write_split(
                tmp_path / "data" / f"{split}.parquet", [noise(0), noise(1)], [label] * 2, names=("Happy", "Sad")
            )
        numbers: list[int] = []
        monkeypatch.setattr(train_classifier, "cross_validate", lambda job, folds, folder: numbers.append(folds))
        data = ["--data", str(tmp_path / "data"), "--task", "emotion", "--recipe", "smoke", "--threads", "1"]
        assert main([*data, "--out", str(tmp_path / "runs"), "--folds", "2"]) == 0
        assert numbers == [2]

    def test_splits_with_other_classes(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for split in SPLITS:
            names = ("Happy", "Sad") if split != "test" else ("Sad", "Happy")
            write_split(tmp_path / "data" / f"{split}.parquet", [noise(0), noise(1)], [0, 1], names=names)
        data = ["--data", str(tmp_path / "data"), "--task", "emotion", "--recipe", "smoke"]
        assert "data/test: its classes" in self.refusal(capsys, *data, "--out", str(tmp_path / "runs"))

    @pytest.mark.parametrize(
        "flags",
        [
            ["--epochs", "0"],
            ["--image-size", "-3"],
            ["--threads", "0"],
            ["--task", "age"],
            ["--seed", "-1"],
            ["--seed", "1000000"],
            ["--fold", "5"],
            ["--folds", "1"],
            ["--cross-fit", "1"],
        ],
    )
    def test_flags_that_make_no_sense(self, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as exit_info:
            main(["--data", "somewhere", "--task", "emotion", *flags])
        assert exit_info.value.code == 2
        assert flags[0] in capsys.readouterr().err


def test_a_vit_starts_from_one_of_another_image_size(drawn_characters: Path, tmp_path: Path) -> None:
    """Its position embedding is resampled; all else is as it was."""
    start = write_checkpoint(tmp_path / "vit", backbone="vit_small_16")  # at 64 px
    flags = ("--backbone", "vit_small_16", "--start", str(start), "--recipe", "kanata", "--epochs", "1")
    more = ("--image-size", "96", "--threads", "1", "--precision", "fp32", "--cache", str(tmp_path / "cache"))
    folder = train(drawn_characters, tmp_path / "runs", flags=(*flags, *more))
    before, after = (load_checkpoint(path).model.backbone.state_dict() for path in (start, folder / "checkpoint"))
    assert {name for name in before if not torch.equal(before[name], after[name])} == {"pos_embed"}
    assert after["pos_embed"].shape[1] == (96 // 16) ** 2 + 1


def test_a_trained_checkpoint_is_a_start(finished_run: Path, drawn_characters: Path, tmp_path: Path) -> None:
    start = finished_run / "checkpoint"
    folder = train(drawn_characters, tmp_path, "--start", str(start), flags=SMOKE)
    record = read_record(folder / "record.json")
    assert record.status == "finished"
    # By these two a grid knows the run of a cell again.
    known = start_weights(str(start))
    assert (record.model.start_weights, record.model.start_digest) == (known.name, known.digest)
    assert known.digest
    assert load_checkpoint(folder / "checkpoint").config.start_weights == str(start)
