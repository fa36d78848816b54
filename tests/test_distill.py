"""Distilled start weights: what is learnt from, what a run leaves behind, how it goes on after a kill."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ImageOps
from torch import Tensor

from anime_models.backbones import build_model
from anime_models.checkpoints import Checkpoint, load_checkpoint
from anime_models.classifier import Classifier
from anime_models.errors import CheckpointError, DatasetError
from anime_models.face_datasets import SPLITS, load_split
from anime_models.records import read_record
from tests.parquet_files import write_split
from tests.small_distillations import FACES, SIZE, write_faces
from tests.small_models import noise
from tests.small_runs import Killed, epoch_lines, interrupted, killed_after
from training.classification.job import preprocessing_of, start_model
from training.classification.strangers import DUPLICATE_BITS, difference_hashes
from training.common.run_state import RunState
from training.common.start_weights import start_weights
from training.distill import main
from training.distillation import loop as distill_loop
from training.distillation import run as distill_run
from training.distillation import teacher as distill_teacher
from training.distillation.data import load_faces
from training.distillation.loop import DistillRecipe, fit_student, small_size
from training.distillation.teacher import VARIED, WHOLE, Lessons, held_out_results, prepare_lessons
from training.train_classifier import job_from, parse

FLAGS = ("--backbone", "mobilenet_v2", "--image-size", "64", "--epochs", "10", "--precision", "fp32", "--threads", "1")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All data sets, small. Not to be written to."""
    return write_faces(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the teacher says of them."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def lessons(faces: Path, cache: Path) -> tuple[Lessons, Lessons]:
    return prepare_lessons(load_faces(faces), "fp32", cache)


@pytest.fixture(scope="module")
def finished(faces: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run. Not to be written to."""
    return distill(faces, cache, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def checkpoint(finished: Path) -> Checkpoint:
    return load_checkpoint(finished / "checkpoint")


def command(faces: Path, cache: Path, out: Path, flags: Sequence[str] = FLAGS) -> list[str]:
    return ["--data", str(faces), "--cache", str(cache), "--out", str(out), *flags]


def distill(faces: Path, cache: Path, out: Path, flags: Sequence[str] = FLAGS) -> Path:
    """Run the command line as it is typed; return the run folder that it made."""
    assert main(command(faces, cache, out, flags)) == 0
    (folder,) = out.iterdir()
    return folder


class TestData:
    def test_only_training_files_are_learnt_from(self, faces: Path) -> None:
        data = load_faces(faces)
        learnt_from = {name.rsplit("/", 1)[0] for name in data.train.ids}
        assert learnt_from == {
            "faces64/train",
            "faces128/train",
            "characters/train",
            "emotions/train",
            "emotions/neutral_train",
            "gender/train",
        }
        assert {name.rsplit("/", 1)[0] for name in data.validation.ids} == {"faces64/validation", "faces128/validation"}
        assert data.num_images["validation"] == sum(validation for _, validation in FACES.values())

    def test_no_picture_is_like_one_that_is_held_out(self, faces: Path) -> None:
        held_out = [
            load_split(path.parent, path.stem)
            for path in sorted(faces.glob("*/*.parquet"))
            if not path.stem.endswith("train") or path.parent.name == "stickers"
        ]
        hashes = np.concatenate([difference_hashes(part) for part in held_out])
        learnt_from = set(load_faces(faces).train.ids)
        for path in sorted(faces.glob("*/*train.parquet")):
            part = load_split(path.parent, path.stem)
            distances = (difference_hashes(part)[:, None] != hashes).sum(axis=-1).min(axis=1)
            assert not {part.ids[row] for row in np.flatnonzero(distances <= DUPLICATE_BITS)} & learnt_from

    @pytest.mark.parametrize(
        ("folder", "split"),
        [
            ("characters", "test"),
            ("characters", "validation"),
            ("emotions", "test"),
            ("emotions", "neutral_test"),
            ("gender", "test"),
            ("stickers", "train"),
            ("faces128", "validation"),
        ],
    )
    def test_copies_of_held_out_pictures_are_left_out(self, tmp_path: Path, folder: str, split: str) -> None:
        root = write_noise(tmp_path)
        before = load_faces(root)
        seen = load_split(root / folder, split).images[0]
        copies = [seen.resize((48, 48)), ImageOps.mirror(seen)]
        others = list(load_split(root / "faces64", "train").images)
        write_split(root / "faces64" / "train.parquet", [*copies, *others])
        after = load_faces(root)
        assert after.num_duplicates == before.num_duplicates + 2
        assert after.train.ids == before.train.ids

    @pytest.mark.parametrize("group", ["sk/Rin", "p3/aigis"])
    def test_drawings_of_other_tests_are_left_out(self, tmp_path: Path, group: str) -> None:
        """Stickers are in `emotions` too, and known characters there are the other source that they are tested on."""
        root = write_noise(tmp_path)
        before = load_faces(root)
        drawing = noise(12345)
        groups = [group, *load_split(root / "emotions", "train").groups]
        images = [drawing, *load_split(root / "emotions", "train").images]
        write_split(root / "emotions" / "train.parquet", images, group=groups)
        others = list(load_split(root / "faces64", "train").images)
        write_split(root / "faces64" / "train.parquet", [drawing.resize((48, 48)), *others])
        assert load_faces(root).train.ids == before.train.ids

    def test_missing_data_sets_are_named(self, faces: Path, tmp_path: Path) -> None:
        for name in ("faces64", "characters", "gender", "stickers"):
            (tmp_path / name).symlink_to(faces / name)
        with pytest.raises(DatasetError, match=r"holds no faces128, emotions; name the folder"):
            load_faces(tmp_path)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        root = write_noise(tmp_path)
        (root / "gender" / "train.parquet").unlink()
        with pytest.raises(DatasetError, match=r"gender/train\.parquet does not exist"):
            load_faces(root)

    def test_large_pictures_are_made_smaller(self, tmp_path: Path) -> None:
        root = write_noise(tmp_path)
        write_split(root / "faces128" / "train.parquet", [noise(7, (300, 240)), noise(8, (50, 50))])
        shapes = {tuple(pixels.shape) for pixels in load_faces(root).train.pixels}
        assert shapes == {(3, 160, 160), (3, 50, 50), (3, 64, 64)}


def write_noise(root: Path) -> Path:
    """Every data set, of pictures as different from one another as can be."""
    files = {"emotions": ("train", "test", "neutral_test"), "gender": ("train", "test"), "stickers": ("train",)}
    for number, name in enumerate(("faces64", "faces128", "characters", *files)):
        for place, split in enumerate(files.get(name, SPLITS)):
            images = [noise(100 * number + 10 * place + i) for i in range(3)]
            write_split(root / name / f"{split}.parquet", images, group=[f"someone/{i}" for i in range(3)])
    return root


class TestLessons:
    def test_a_view_is_the_same_at_every_size(self, lessons: tuple[Lessons, Lessons]) -> None:
        rows = torch.arange(8)
        (large, targets), (small, same) = (lessons[0].batch(1, rows, size) for size in (128, 64))
        assert large.shape == (8, 3, 128, 128)
        assert torch.equal(targets, same)
        shrunk = torch.nn.functional.interpolate(large, size=(64, 64), mode="area")
        assert (shrunk - small).abs().mean() < 0.05
        assert (shrunk - small.roll(1, dims=0)).abs().mean() > 0.2

    def test_views_differ_and_repeat(self, lessons: tuple[Lessons, Lessons]) -> None:
        rows = torch.tensor([3])
        first, second, third = (lessons[0].batch(view, rows, 64) for view in range(3))
        assert not torch.equal(first[0], second[0])
        assert not torch.equal(first[1], second[1])
        assert torch.equal(first[0], third[0])
        assert torch.equal(first[1], third[1])

    def test_a_picture_does_not_depend_on_its_batch(self, lessons: tuple[Lessons, Lessons]) -> None:
        many, alone = (lessons[0].batch(0, rows, 64)[0] for rows in (torch.arange(9), torch.tensor([4])))
        assert torch.equal(many[4:5], alone)

    def test_targets_are_standardised_over_all_views(self, lessons: tuple[Lessons, Lessons]) -> None:
        rows = torch.arange(lessons[0].num_images)
        targets = torch.cat([lessons[0].batch(view, rows, 64)[1] for view in range(distill_teacher.NUM_VIEWS)])
        assert targets.mean(dim=0).abs().max() < 1e-3
        spread = targets.std(dim=0, correction=0)
        assert spread.max() < 1.01
        assert (spread > 0.99).float().mean() > 0.9  # the others hardly vary at all

    def test_targets_are_the_teacher_s_features_of_the_same_pixels(self, lessons: tuple[Lessons, Lessons]) -> None:
        rows = torch.tensor([2, 5])
        inputs, targets = lessons[0].batch(1, rows, distill_teacher.TEACHER_SIZE)
        with torch.inference_mode():
            features = distill_teacher.teacher_model().features(inputs)
        scale = lessons[0].scale
        assert torch.allclose((features - scale.mean) / scale.std, targets, atol=0.02)

    def test_held_out_pictures_are_whole(self, lessons: tuple[Lessons, Lessons]) -> None:
        assert (lessons[0].augmentation, lessons[1].augmentation) == (VARIED, WHOLE)
        assert lessons[1].scale is lessons[0].scale
        pixels = lessons[1].faces.pixels[0]
        inputs, _ = lessons[1].batch(0, torch.tensor([0]), pixels.shape[-1])
        assert torch.allclose(inputs[0], pixels.float() / 127.5 - 1, atol=1e-6)

    def test_the_teacher_looks_once(
        self, faces: Path, cache: Path, lessons: tuple[Lessons, Lessons], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def teacher(images: Tensor) -> Tensor:
            raise AssertionError("the features are there")

        blind = distill_teacher.teacher_model()
        monkeypatch.setattr(blind, "features", teacher)
        monkeypatch.setattr(distill_teacher, "teacher_model", lambda: blind)
        again = prepare_lessons(load_faces(faces), "bf16", cache)
        assert torch.equal(again[0].batch(0, torch.arange(4), 64)[1], lessons[0].batch(0, torch.arange(4), 64)[1])


class TestRun:
    def test_the_folder_is_complete_and_nothing_is_left_over(self, finished: Path) -> None:
        assert finished.name.endswith("Z-embedding-mobilenet_v2-distill-s42")
        assert {path.name for path in finished.iterdir()} == {"record.json", "metrics.jsonl", "checkpoint"}
        files = {path.name for path in (finished / "checkpoint").iterdir()}
        assert files == {"model.safetensors", "config.json", "README.md", "record.json"}

    def test_pictures_grow(self, finished: Path) -> None:
        lines = epoch_lines(finished)
        sizes = [line["image_size"] for line in lines]
        assert sizes == sorted(sizes)
        assert set(sizes) == {SIZE // 2, SIZE}
        assert lines[-1]["epoch"] == pytest.approx(10, abs=1)

    def test_the_loss_falls(self, lessons: tuple[Lessons, Lessons], tmp_path: Path) -> None:
        recipe = DistillRecipe(epochs=12, image_size=SIZE, batch_size=16)
        torch.manual_seed(0)
        model = build_model("resnet18", "plain", distill_teacher.EMBEDDING_SIZE, small_size(SIZE))
        (before,) = held_out_results(model.eval(), lessons[1], SIZE // 2, "fp32")
        lines = fit_student(model, lessons[0], recipe, 0, "fp32", tmp_path)
        assert lines[-1]["train/loss"] < 0.95 * lines[0]["train/loss"]
        (after,) = held_out_results(model.eval(), lessons[1], SIZE, "fp32")
        assert after.value < before.value

    def test_the_record_says_how_it_was_got(self, finished: Path, faces: Path) -> None:
        record, data = read_record(finished / "record.json"), load_faces(faces)
        assert (record.kind, record.status, record.task) == ("measured", "finished", "embedding")
        assert (record.strategy, record.seed, record.run_id) == ("distill", 42, finished.name)
        assert record.dataset.num_images == data.num_images
        assert record.dataset.revision == data.revision
        assert record.recipe["epochs"] == 10
        assert record.recipe["teacher"] == "efficientnet_lite0"
        assert record.model.start_weights == "distilled:efficientnet_lite0"
        assert record.environment is not None
        assert record.environment.precision == "fp32"
        assert record.timing is not None
        assert record == read_record(finished / "checkpoint" / "record.json")

    def test_the_record_compares_student_random_start_and_teacher(self, finished: Path) -> None:
        record = read_record(finished / "record.json")
        loss = record.value("distillation_loss", "validation")
        assert loss is not None
        assert 0 < loss < 1
        for metric in (distill_run.PROBE, distill_run.RANDOM_PROBE, distill_run.TEACHER_PROBE):
            for split in ("validation", "test"):
                value = record.value(metric, split)
                assert value is not None, (metric, split)
                assert 0 <= value <= 1
        card = (finished / "checkpoint" / "README.md").read_text()
        assert f"| distillation_loss | validation | {loss:.4f} |" in card
        assert "names no classes" in card

    def test_minutes_become_epochs(self, faces: Path, cache: Path, tmp_path: Path) -> None:
        flags = ("--backbone", "resnet18", "--image-size", "32", "--minutes", "0.001", "--threads", "1")
        record = read_record(distill(faces, cache, tmp_path, flags) / "record.json")
        assert record.recipe["minutes"] == 0.001
        assert record.recipe["epochs"] > 0
        assert record.environment is not None
        assert record.environment.precision in ("fp32", "bf16")


class TestGoingOn:
    def test_it_starts_where_the_other_ended(self, finished: Path, faces: Path, cache: Path, tmp_path: Path) -> None:
        flags = ("--backbone", "mobilenet_v2", "--image-size", "64", "--epochs", "0.5", "--precision", "fp32")
        folder = distill(faces, cache, tmp_path, (*flags, "--start", str(finished / "checkpoint")))
        first, second = (read_record(run / "record.json") for run in (finished, folder))
        assert second.recipe["goes_on_from"] == first.run_id
        assert second.recipe["epochs_before"] == 10
        assert first.timing is not None
        assert second.recipe["minutes_before"] == pytest.approx((first.timing.total_seconds or 0) / 60)
        assert {line["image_size"] for line in epoch_lines(folder)} == {64}, "small pictures were for the start"
        assert epoch_lines(folder)[0]["train/loss"] < epoch_lines(finished)[0]["train/loss"] - 0.1


class TestStartWeights:
    def test_they_load_strictly(self, checkpoint: Checkpoint) -> None:
        config = checkpoint.config
        assert (config.task, config.backbone, config.label_names) == ("embedding", "mobilenet_v2", ())
        assert config.start_weights == "distilled:efficientnet_lite0"
        assert config.preprocessing.image_size == SIZE
        with torch.inference_mode():
            assert checkpoint.model(torch.zeros(2, 3, SIZE, SIZE)).shape == (2, config.embedding_size)

    @pytest.mark.parametrize("image_size", [SIZE, 96])
    def test_a_classifier_starts_from_them(
        self, checkpoint: Checkpoint, drawn_characters: Path, image_size: int
    ) -> None:
        job = classifier_job(drawn_characters, checkpoint.folder, image_size)
        assert start_weights(job.start).name == "distilled:efficientnet_lite0"
        assert preprocessing_of(job).mean == checkpoint.config.preprocessing.mean
        model, taught = start_model(job), checkpoint.model.backbone.state_dict()
        assert all(torch.equal(tensor, taught[name]) for name, tensor in model.backbone.state_dict().items())

    def test_they_are_no_classifier(self, finished: Path) -> None:
        with pytest.raises(CheckpointError, match=r"holds an embedding, which names no classes; train a classifier"):
            Classifier.load(finished / "checkpoint")


def classifier_job(data: Path, start: Path, image_size: int) -> Any:
    flags = ["--task", "character", "--backbone", "mobilenet_v2", "--image-size", str(image_size)]
    options = parse(["--data", str(data), "--start", str(start), "--recipe", "smoke", *flags])
    return job_from(options, {split: load_split(data, split) for split in SPLITS}, None)


class TestKilled:
    @pytest.mark.parametrize("num_saves", [1, 9])  # while the pictures are small, and once they are not
    def test_it_goes_on_as_if_nothing_had_been(
        self, faces: Path, cache: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_saves: int
    ) -> None:
        monkeypatch.setattr(RunState, "save", killed_after(num_saves, RunState.save))
        with pytest.raises(Killed):
            main(command(faces, cache, tmp_path))
        monkeypatch.undo()
        (folder,) = tmp_path.iterdir()
        assert read_record(folder / "record.json").status == "running"
        assert len(epoch_lines(folder)) == num_saves
        assert main([*command(faces, cache, tmp_path), "--resume", str(folder)]) == 0
        assert epoch_lines(folder) == epoch_lines(finished)
        assert weights(folder) == weights(finished)

    def test_a_vit_goes_on_at_the_other_size(
        self, faces: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flags = ("--backbone", "vit_small_16", "--image-size", "64", "--epochs", "3", "--precision", "fp32")
        whole = distill(faces, cache, tmp_path / "whole", flags)
        monkeypatch.setattr(RunState, "save", killed_after(len(epoch_lines(whole)), RunState.save))
        monkeypatch.setattr(distill_run, "save_checkpoint", killed_after(0, distill_run.save_checkpoint))
        with pytest.raises(Killed):
            main(command(faces, cache, tmp_path / "killed", flags))
        monkeypatch.undo()
        (folder,) = (tmp_path / "killed").iterdir()
        assert main([*command(faces, cache, tmp_path, flags), "--resume", str(folder)]) == 0
        assert weights(folder) == weights(whole)
        assert load_checkpoint(folder / "checkpoint").model.backbone.pos_embed.shape[1] == 1 + (64 // 16) ** 2

    def test_a_stopped_run_says_how_to_go_on(
        self,
        faces: Path,
        cache: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(distill_run, "teach", interrupted)
        assert main(command(faces, cache, tmp_path)) == 130
        (folder,) = tmp_path.iterdir()
        (line,) = capsys.readouterr().err.splitlines()
        assert line == f"Stopped. The same command with --resume {folder} goes on from here."
        assert read_record(folder / "record.json").status == "running"

    def test_what_was_planned_stays(
        self, faces: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flags = ("--backbone", "mobilenet_v2", "--image-size", "32", "--minutes", "0.001", "--threads", "1")
        monkeypatch.setattr(RunState, "save", killed_after(1, RunState.save))
        with pytest.raises(Killed):
            main(command(faces, cache, tmp_path, flags))
        monkeypatch.undo()
        (folder,) = tmp_path.iterdir()
        begun = read_record(folder / "record.json")
        monkeypatch.setattr(distill_run, "planned_epochs", killed_after(0, distill_run.planned_epochs))
        assert main([*command(faces, cache, tmp_path, flags), "--resume", str(folder)]) == 0
        assert read_record(folder / "record.json").recipe == begun.recipe


def weights(folder: Path) -> bytes:
    return (folder / "checkpoint" / "model.safetensors").read_bytes()


class TestRefused:
    @pytest.mark.parametrize(
        ("backbone", "message"),
        [
            ("efficientnet_lite0", "efficientnet_lite0 is the teacher"),
            ("resnet19", "There is no backbone 'resnet19'. Choose one of: mobilenet_v2"),
        ],
    )
    def test_wrong_students(
        self, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], backbone: str, message: str
    ) -> None:
        assert main(command(faces, tmp_path, tmp_path / "out", ("--backbone", backbone))) == 1
        assert message in capsys.readouterr().err
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        "flags",
        [
            ("--minutes", "0"),
            ("--minutes", "inf"),
            ("--minutes", "nan"),
            ("--epochs", "-1"),
            ("--epochs", "inf"),
            ("--epochs", "1", "--minutes", "1"),
        ],
    )
    def test_wrong_lengths(self, faces: Path, tmp_path: Path, flags: tuple[str, ...]) -> None:
        with pytest.raises(SystemExit):
            main(command(faces, tmp_path, tmp_path, ("--backbone", "resnet18", *flags)))

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (("--image-size", "8"), "The image size 8 cannot be used"),
            (("--data", "nowhere"), "nowhere holds no faces64, faces128"),
            (("--start", "nowhere"), 'There is no folder "nowhere"'),
            (("--cache", __file__), f"--cache: {__file__} is not a folder"),
            (("--cache", f"{__file__}/below"), f"--cache: {__file__} is not a folder"),
        ],
    )
    def test_no_folder_is_made_for_what_cannot_be_run(
        self, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], message: str
    ) -> None:
        assert main(command(faces, tmp_path, tmp_path / "out", ("--backbone", "resnet18", *flags))) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ")
        assert message in line
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (("--seed", "7"), "began with seed 42, not 7"),
            (("--backbone", "resnet18"), "began with backbone 'mobilenet_v2', not 'resnet18'"),
            (("--image-size", "96"), "began with image_size 64, not 96"),
            (("--epochs", "11"), "began with epochs 10.0, not 11.0"),
        ],
    )
    def test_other_settings_when_resuming(
        self,
        faces: Path,
        cache: Path,
        finished: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        flags: tuple[str, ...],
        message: str,
    ) -> None:
        record = json.loads((finished / "record.json").read_text())
        (tmp_path / "record.json").write_text(json.dumps({**record, "status": "running"}))
        assert main([*command(faces, cache, tmp_path, (*FLAGS, *flags)), "--resume", str(tmp_path)]) == 1
        assert message in capsys.readouterr().err

    def test_a_run_of_another_task(
        self, faces: Path, tmp_path: Path, finished_run: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        record = json.loads((finished_run / "record.json").read_text())
        (tmp_path / "record.json").write_text(json.dumps({**record, "status": "running"}))
        assert main([*command(faces, tmp_path, tmp_path), "--resume", str(tmp_path)]) == 1
        message = f"The run {tmp_path} began with task 'character', not 'embedding'; resume it with the command"
        assert message in capsys.readouterr().err

    def test_a_finished_run_and_no_run(
        self, faces: Path, cache: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for folder, message in ((finished, "is finished"), (tmp_path, "There is no run folder")):
            assert main([*command(faces, cache, tmp_path), "--resume", str(folder)]) == 1
            assert message in capsys.readouterr().err

    def test_divergence(
        self,
        faces: Path,
        cache: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def nowhere(embeddings: Tensor, targets: Tensor) -> Tensor:
            return embeddings.sum() * float("nan")

        monkeypatch.setattr(distill_loop, "distillation_loss", nowhere)
        assert main(command(faces, cache, tmp_path)) == 1
        assert "Training diverged in round 0" in capsys.readouterr().err
        (folder,) = tmp_path.iterdir()
        assert read_record(folder / "record.json").status == "failed"
