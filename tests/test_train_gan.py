"""Training of generators: run folders, resuming, what stops it, and what is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from anime_models.drawn_faces import draw_face
from anime_models.errors import ConfigError
from anime_models.gan_metrics import packaged_extractor
from anime_models.generator_checkpoint import load_generator
from anime_models.novelty import NoveltyIndex
from anime_models.records import RunRecord, read_record, write_record
from tests.parquet_files import write_split
from tests.small_gans import SMOKE, train_small_gan, write_gan_faces
from tests.small_models import make_record
from training import train_gan
from training.common.locks import Lock
from training.generation import loop, measure, sweep
from training.generation import run as train_gan_run
from training.generation.loop import COLLAPSED, FID, reason_to_stop
from training.generation.recipe import NING_LEARNING_RATES, GanRecipe
from training.generation.run import GanJob


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 drawn faces of two sources to train on, 8 held out."""
    return write_gan_faces(tmp_path_factory.mktemp("data") / "faces64")


@pytest.fixture(scope="module")
def finished(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    return train_small_gan(faces, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def record(finished: Path) -> RunRecord:
    return read_record(finished / "record.json")


class TestFinishedRun:
    def test_record_says_what_was_trained_and_what_came_of_it(self, record: RunRecord) -> None:
        assert (record.status, record.task, record.study, record.strategy) == (
            "finished",
            "generation",
            "generation",
            "ours",
        )
        assert record.dataset.num_images == {"train": 40, "validation": 8}
        assert record.timing is not None
        assert record.timing.epochs_run == 2
        assert record.recipe["extractor"] == packaged_extractor().name

    def test_every_distance_names_its_extractor_and_stands_beside_its_floor(self, record: RunRecord) -> None:
        extractor = packaged_extractor().name
        for split in ("validation", "train"):
            for name in ("fid", "kid", "precision", "recall"):
                assert record.value(f"{name}/{extractor}", split) is not None
                assert record.value(f"{name}_floor/{extractor}", split) is not None
            assert record.value("num_generated", split)

    def test_it_tells_how_near_the_faces_are_to_training_faces(self, record: RunRecord) -> None:
        share = record.value("nearer_than_typical_held_out", "train")
        assert share is not None
        assert 0 <= share <= 1
        assert record.value("nearer_than_typical_held_out_base_rate", "train") == pytest.approx(0.5, abs=0.2)

    def test_the_kept_epoch_is_that_of_the_lowest_fid(self, finished: Path, record: RunRecord) -> None:
        lines = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
        assert record.selection is not None
        assert record.selection.best_epoch == int(np.argmin([line[FID] for line in lines]))
        wanted = {"train/discriminator_loss", "train/generator_loss", "train/real_score", "train/fake_score", "seconds"}
        assert all(line.keys() >= wanted for line in lines)

    def test_checkpoint_has_both_networks_and_pictures_of_every_epoch(self, finished: Path) -> None:
        checkpoint = load_generator(finished / "checkpoint")
        with torch.inference_mode():
            faces = checkpoint.generator(torch.randn(2, checkpoint.config.generator.latent_size))
            assert faces.shape == (2, 3, 64, 64)
            assert checkpoint.discriminator(faces).shape == (2,)
        for name, size in (
            ("epochs/epoch-001", (256, 256)),
            ("epochs/epoch-002", (256, 256)),
            ("uncurated", (640, 320)),
        ):
            with Image.open(finished / "checkpoint" / f"{name}.webp") as picture:
                assert picture.size == size
        assert NoveltyIndex.load(finished / "checkpoint" / "novelty.safetensors")
        assert "uncurated.webp" in (finished / "checkpoint" / "README.md").read_text()

    def test_nothing_to_resume_from_is_left(self, finished: Path) -> None:
        assert not (finished / train_gan_run.LOCK).exists()
        assert not list(finished.glob("*.pt"))


def untimed_epochs(folder: Path) -> list[dict[str, float]]:
    """The figures of a run's epochs, but how long they took."""
    lines = (json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines())
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


class TestResume:
    @pytest.fixture
    def cut_off(self, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
        """Starts a run and breaks it off in an epoch; returns its folder."""
        whole_measure = measure.EpochMeasure.__call__

        def start(epoch: int) -> Path:
            def break_off(*given: Any) -> dict[str, float]:
                if given[-1] == epoch:
                    raise KeyboardInterrupt
                return whole_measure(*given)

            with monkeypatch.context() as patch:
                patch.setattr(measure.EpochMeasure, "__call__", break_off)
                assert train_gan.main(["--data", str(faces), *SMOKE, "--out", str(tmp_path)]) == 130
            (folder,) = tmp_path.iterdir()
            return folder

        return start

    def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(
        self, faces: Path, finished: Path, cut_off: Callable[[int], Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = cut_off(1)
        assert f"Stopped. The same command with --resume {folder} goes on" in capsys.readouterr().err
        assert read_record(folder / "record.json").status == "running"
        assert train_gan.main(["--data", str(faces), *SMOKE, "--resume", str(folder)]) == 0
        whole = (finished / "checkpoint" / "model.safetensors").read_bytes()
        assert (folder / "checkpoint" / "model.safetensors").read_bytes() == whole
        assert untimed_epochs(folder) == untimed_epochs(finished)

    def test_a_run_that_was_cut_off_can_be_ended_as_it_is(
        self, faces: Path, finished: Path, cut_off: Callable[[int], Path]
    ) -> None:
        folder = cut_off(1)
        assert train_gan.main(["--data", str(faces), *SMOKE, "--resume", str(folder), "--stop-now"]) == 0
        record = read_record(folder / "record.json")
        assert (record.status, record.selection and record.selection.best_epoch) == ("finished", 0)
        assert record.timing is not None
        assert (record.timing.epochs_run, record.timing.stop_reason) == (1, "Stopped by hand after 1 epochs.")
        assert untimed_epochs(folder) == untimed_epochs(finished)[:1]
        load_generator(folder / "checkpoint")

    def test_a_picture_of_an_epoch_without_figures_is_left_out(
        self, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def break_off(*given: Any) -> dict[str, float]:
            if given[-1] == 1:
                raise KeyboardInterrupt
            return {}

        flags = ["--data", str(faces), *SMOKE, "--epochs", "2", "--measure-every", "2"]
        with monkeypatch.context() as patch:
            patch.setattr(measure.EpochMeasure, "_distances", break_off)
            assert train_gan.main([*flags, "--out", str(tmp_path)]) == 130
        (folder,) = tmp_path.iterdir()
        assert len(list((folder / "samples").iterdir())) == 2
        assert train_gan.main([*flags, "--resume", str(folder), "--stop-now"]) == 0
        assert [path.name for path in (folder / "checkpoint" / "epochs").iterdir()] == ["epoch-001.webp"]

    def test_a_run_without_an_epoch_cannot_be_ended(
        self, faces: Path, cut_off: Callable[[int], Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = cut_off(0)
        assert train_gan.main(["--data", str(faces), *SMOKE, "--resume", str(folder), "--stop-now"]) == 1
        assert "leave --stop-now out" in capsys.readouterr().err

    def test_what_is_ended_has_to_be_said(
        self, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert train_gan.main(["--data", str(faces), *SMOKE, "--out", str(tmp_path), "--stop-now"]) == 1
        assert "say which one with --resume" in capsys.readouterr().err

    def test_other_pictures_are_refused(
        self, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(train_gan, "run", lambda job, folder: train_gan_run.begin(job, folder))
        assert train_gan.main(["--data", str(faces), *SMOKE, "--num-images", "20", "--out", str(tmp_path)]) == 0
        (folder,) = tmp_path.iterdir()
        assert train_gan.main(["--data", str(faces), *SMOKE, "--resume", str(folder)]) == 1
        assert "began with num_images" in capsys.readouterr().err

    def test_other_threads_and_another_precision_are_refused(
        self, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(train_gan, "run", lambda job, folder: train_gan_run.begin(job, folder))
        start = ["--data", str(faces), "--scale", "smoke"]
        assert train_gan.main([*start, "--threads", "1", "--precision", "fp32", "--out", str(tmp_path)]) == 0
        (folder,) = tmp_path.iterdir()
        resume = [*start, "--resume", str(folder)]
        assert train_gan.main([*resume, "--threads", "2", "--precision", "fp32"]) == 1
        assert "began with 1 threads, not 2; add --threads 1" in capsys.readouterr().err
        assert train_gan.main([*resume, "--threads", "1", "--precision", "bf16"]) == 1
        assert "began in fp32" in capsys.readouterr().err
        assert train_gan.main([*resume, "--threads", "1"]) == 0

    def test_a_run_of_before_a_field_was_in_the_recipe_goes_on(
        self, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(train_gan, "run", lambda job, folder: train_gan_run.begin(job, folder))
        start = ["--data", str(faces), *SMOKE, "--recipe", "ning"]
        assert train_gan.main([*start, "--out", str(tmp_path)]) == 0
        (folder,) = tmp_path.iterdir()
        record = read_record(folder / "record.json")
        del record.recipe["shortest_latent"]
        write_record(record, folder / "record.json")
        assert train_gan.main([*start, "--resume", str(folder)]) == 0

    def test_what_another_process_trains_is_left_to_it(
        self, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lock = Lock.take(tmp_path / train_gan_run.LOCK)
        assert lock is not None
        write_record(make_record(status="running"), tmp_path / "record.json")
        assert train_gan.main(["--data", str(faces), *SMOKE, "--resume", str(tmp_path)]) == 1
        assert "is being trained by process" in capsys.readouterr().err
        lock.release()

    def test_a_run_of_another_task_is_refused(
        self, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_record(make_record(status="running"), tmp_path / "record.json")
        assert train_gan.main(["--data", str(faces), *SMOKE, "--resume", str(tmp_path)]) == 1
        message = f"The run {tmp_path} began with task 'emotion', not 'generation'; resume it with the command"
        assert message in capsys.readouterr().err

    def test_other_flags_and_finished_runs_are_refused(
        self, faces: Path, finished: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert train_gan.main(["--data", str(faces), *SMOKE, "--resume", str(finished)]) == 1
        assert "is finished" in capsys.readouterr().err
        assert train_gan.main(["--data", str(faces), *SMOKE, "--resume", str(finished), "--seeds", "2"]) == 1
        assert "leave --seeds" in capsys.readouterr().err


class TestWhatStopsATraining:
    def test_patience_counts_epochs_without_a_lower_fid(self) -> None:
        recipe = GanRecipe(name="x", epochs=10, patience=2)
        epochs = [{"epoch": float(i), FID: value} for i, value in enumerate((5.0, 3.0, 4.0, 3.5))]
        assert reason_to_stop(epochs[:3], recipe) is None
        assert reason_to_stop(epochs, recipe) == "Stopped after 4 epochs: the FID has not fallen for 2 of them."

    def test_patience_waits_for_a_second_measurement(self) -> None:
        recipe = GanRecipe(name="x", epochs=20, patience=2, measure_every=5)
        epochs = [{"epoch": float(i), **({FID: 5.0 + i} if i in (4, 9) else {})} for i in range(10)]
        assert reason_to_stop(epochs[:9], recipe) is None
        assert reason_to_stop(epochs, recipe) is not None

    def test_a_collapse_that_lasts_stops_it(self) -> None:
        recipe = GanRecipe(name="x", epochs=30)
        varied, alike = {"epoch": 0.0, COLLAPSED: 0.0}, [{"epoch": i + 1.0, COLLAPSED: 1.0} for i in range(3)]
        assert "all faces have looked alike for 3 of them" in str(reason_to_stop([varied, *alike], recipe))
        assert reason_to_stop([varied, *alike[:-1]], recipe) is None
        assert reason_to_stop([varied, *alike, {"epoch": 4.0, COLLAPSED: 0.0}], recipe) is None

    def test_a_generator_that_has_yet_to_learn_is_given_longer(self) -> None:
        recipe = GanRecipe(name="x", epochs=30)
        epochs = [{"epoch": float(i), COLLAPSED: 1.0} for i in range(10)]
        assert reason_to_stop(epochs[:-1], recipe) is None
        assert "Stopped after 10 epochs: all faces have looked alike" in str(reason_to_stop(epochs, recipe))
        assert "Stopped after 3 epochs" in str(reason_to_stop(epochs[:3], recipe, started=True)), "one that had learnt"

    def test_a_run_that_stops_early_says_so(
        self, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(measure, "COLLAPSED_BELOW", 100.0)
        monkeypatch.setattr(loop, "SLOW_START", 1)
        assert train_gan.main(["--data", str(faces), *SMOKE, "--out", str(tmp_path)]) == 0
        (folder,) = tmp_path.iterdir()
        timing = read_record(folder / "record.json").timing
        assert timing is not None
        assert timing.epochs_run == 1
        assert timing.stop_reason == "Stopped after 1 epochs: all faces have looked alike for 1 of them."
        assert str(timing.stop_reason) in capsys.readouterr().out
        assert str(timing.stop_reason) in (folder / "checkpoint" / "README.md").read_text()

    def test_pictures_that_are_all_alike_are_a_collapse(self) -> None:
        varied = torch.rand(8, 3, 64, 64) * 2 - 1
        alike = varied[:1].expand(8, 3, 64, 64) + 0.01 * varied
        assert measure.differences(alike) < measure.COLLAPSED_BELOW * measure.differences(varied)

    def test_a_loss_that_is_no_number_is_told(
        self, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(loop, "generator_loss", lambda logits, kind: logits.sum() * float("nan"))
        assert train_gan.main(["--data", str(faces), *SMOKE, "--out", str(tmp_path)]) == 1
        assert "diverged in epoch 1" in capsys.readouterr().err
        (folder,) = tmp_path.iterdir()
        assert read_record(folder / "record.json").status == "failed"


def test_learning_rates_and_seeds_each_make_a_run(faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[float, float, int]] = []
    monkeypatch.setattr(
        sweep,
        "run",
        lambda job, folder: started.append((job.recipe.generator_lr, job.recipe.discriminator_lr, job.seed)),
    )
    flags = ["--data", str(faces), *SMOKE, "--out", str(tmp_path), "--recipe", "ning"]
    assert train_gan.main([*flags, "--learning-rates", "--seeds", "2"]) == 0
    assert started == [(rate, rate, seed) for rate in NING_LEARNING_RATES for seed in (42, 43)]


class TestSeveralRuns:
    @pytest.fixture
    def seeds(self, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
        """Calls the command for two seeds; their runs are begun and finished without training."""

        def quick_run(job: GanJob, folder: Path) -> None:
            record = train_gan_run.begin(job, folder)
            record.status = "finished"
            write_record(record, folder / "record.json")

        monkeypatch.setattr(sweep, "run", quick_run)
        return lambda: train_gan.main(["--data", str(faces), *SMOKE, "--out", str(tmp_path), "--seeds", "2"])

    def test_what_is_finished_is_left(
        self, seeds: Callable[[], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert seeds() == 0
        before = {path: path.read_bytes() for path in tmp_path.glob("*/record.json")}
        assert len(before) == 2
        assert seeds() == 0
        assert {path: path.read_bytes() for path in tmp_path.glob("*/record.json")} == before
        assert "2/2 ours, rate 0.0005, seed 43: finished before" in capsys.readouterr().out

    def test_one_that_was_cut_off_goes_on_in_its_folder(self, seeds: Callable[[], int], tmp_path: Path) -> None:
        assert seeds() == 0
        path = max(tmp_path.glob("*/record.json"))
        record = read_record(path)
        record.status = "running"
        write_record(record, path)
        assert seeds() == 0
        assert read_record(path).status == "finished"
        assert len(list(tmp_path.glob("*/record.json"))) == 2

    def test_a_failure_stops_no_other(
        self,
        seeds: Callable[[], int],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        quick_run = sweep.run

        def first_fails(job: GanJob, folder: Path) -> None:
            if job.seed == 42:
                raise ConfigError("Training diverged in epoch 1.")
            quick_run(job, folder)

        monkeypatch.setattr(sweep, "run", first_fails)
        assert seeds() == 1
        error = capsys.readouterr().err
        assert "1/2 ours, rate 0.0005, seed 42: failed: Training diverged" in error
        assert "error: 1 of 2 runs failed, for the reasons above; once these are mended" in error
        assert [read_record(path).seed for path in tmp_path.glob("*/record.json")] == [43]

    def test_what_another_process_runs_is_left_to_it(
        self, seeds: Callable[[], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert seeds() == 0
        locks = [Lock.take(path) for path in (tmp_path / "locks").iterdir()]
        assert seeds() == 0
        assert capsys.readouterr().out.count("left to process") == len(locks) == 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--source", "films"], "no picture|0 pictures of the source 'films'"),
        (["--num-images", "10"], "make no batch of 16"),
        (["--learning-rate", "0.01", "--learning-rates"], "leave --learning-rate out"),
    ],
)
def test_pictures_that_do_not_suffice_are_refused(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    assert train_gan.main(["--data", str(faces), *SMOKE, "--out", str(tmp_path), *flags]) == 1
    error = capsys.readouterr().err
    assert any(part in error for part in message.split("|"))


def test_one_source_and_fewer_pictures_can_be_asked_for(faces: Path) -> None:
    games = train_gan.load_gan_data(faces, 64, "games")
    assert (len(games.train), len(games.held_out), games.name) == (20, 4, "faces64:games")
    some, again = (train_gan.load_gan_data(faces, 32, None, 12).train for _ in range(2))
    assert some.shape == (12, 3, 32, 32)
    assert torch.equal(some, again)


@pytest.mark.parametrize(
    ("identities", "message"), [((1, 2, 3), "3 pictures, and 4 are the least"), ((1,) * 5, "are all the same")]
)
def test_held_out_faces_that_nothing_can_be_measured_with_are_refused_at_once(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], identities: tuple[int, ...], message: str
) -> None:
    data = tmp_path / "data"
    shutil.copytree(faces, data)
    held_out = [draw_face(identity=identity, emotion="Happy", size=64, seed=0) for identity in identities]
    write_split(data / "validation.parquet", held_out, source=["web"] * len(held_out))
    assert train_gan.main(["--data", str(data), *SMOKE, "--out", str(tmp_path / "runs")]) == 1
    told = capsys.readouterr()
    assert message in told.err
    assert "epoch=0" not in told.out


def test_how_often_is_measured_and_how_long_is_waited_can_be_said(faces: Path, tmp_path: Path) -> None:
    flags = ["--measure-every", "2", "--patience", "5", "--out", str(tmp_path)]
    assert train_gan.main(["--data", str(faces), *SMOKE, "--epochs", "3", *flags]) == 0
    (folder,) = tmp_path.iterdir()
    assert [FID in line for line in untimed_epochs(folder)] == [False, True, True], "and after the last one"
    assert read_record(folder / "record.json").recipe["patience"] == 5


def test_a_discriminator_that_sees_augmented_faces_learns_otherwise(
    faces: Path, finished: Path, tmp_path: Path
) -> None:
    folder = train_small_gan(faces, tmp_path, "--augmentation", "color", "translation")
    assert read_record(folder / "record.json").recipe["augmentation"] == ["color", "translation"]
    assert untimed_epochs(folder) != untimed_epochs(finished), "the same seed without it"
