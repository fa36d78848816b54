"""Training of generators: run folders, resuming, what stops it, and what is refused."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from anime_models.dcgan import Discriminator, DiscriminatorSpec, Generator, GeneratorSpec
from anime_models.drawn_faces import draw_face
from anime_models.errors import ConfigError
from anime_models.gan_metrics import packaged_extractor
from anime_models.generator_checkpoint import load_generator
from anime_models.novelty import NoveltyIndex
from anime_models.records import RunRecord, read_record, write_record
from tests.parquet_files import write_split
from tests.small_models import make_record
from training import train_gan
from training.common.locks import Lock
from training.generation import loop, measure, sweep
from training.generation import run as train_gan_run
from training.generation.augment import KINDS, differentiable
from training.generation.loop import COLLAPSED, COLLAPSED_EPOCHS, FID, Adversaries, reason_to_stop, training_latents
from training.generation.losses import discriminator_loss, generator_loss, gradient_penalty
from training.generation.recipe import GAN_RECIPES, NING_LEARNING_RATES, GanRecipe, gan_at_scale, gan_recipe
from training.generation.run import GanJob

SMOKE = ("--scale", "smoke", "--threads", "1", "--precision", "fp32")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 drawn faces of two sources to train on, 8 held out."""
    folder = tmp_path_factory.mktemp("data") / "faces64"
    for split, start, count in (("train", 0, 40), ("validation", 100, 8)):
        images = [draw_face(identity=start + i, emotion="Happy", size=64, seed=i) for i in range(count)]
        write_split(folder / f"{split}.parquet", images, source=[("web", "games")[i % 2] for i in range(count)])
    return folder


@pytest.fixture(scope="module")
def finished(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    out = tmp_path_factory.mktemp("runs")
    assert train_gan.main(["--data", str(faces), *SMOKE, "--out", str(out)]) == 0
    (folder,) = out.iterdir()
    return folder


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
        assert not list(finished.glob("*.pt"))


def untimed_epochs(folder: Path) -> list[dict[str, float]]:
    """The figures of a run's epochs, but how long they took."""
    lines = (json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines())
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


class TestResume:
    def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(
        self,
        faces: Path,
        finished: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        whole_measure = measure.EpochMeasure.__call__

        def cut_off(*given: Any) -> dict[str, float]:
            if given[-1] == 1:
                raise KeyboardInterrupt
            return whole_measure(*given)

        with monkeypatch.context() as patch:
            patch.setattr(measure.EpochMeasure, "__call__", cut_off)
            assert train_gan.main(["--data", str(faces), *SMOKE, "--out", str(tmp_path)]) == 130
        (folder,) = tmp_path.iterdir()
        assert f"Stopped. The same command with --resume {folder} goes on" in capsys.readouterr().err
        assert read_record(folder / "record.json").status == "running"
        assert train_gan.main(["--data", str(faces), *SMOKE, "--resume", str(folder)]) == 0
        whole = (finished / "checkpoint" / "model.safetensors").read_bytes()
        assert (folder / "checkpoint" / "model.safetensors").read_bytes() == whole
        assert untimed_epochs(folder) == untimed_epochs(finished)

    def test_other_pictures_are_refused(
        self, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(train_gan, "run", lambda job, folder: train_gan_run.begin(job, folder))
        assert train_gan.main(["--data", str(faces), *SMOKE, "--num-images", "20", "--out", str(tmp_path)]) == 0
        (folder,) = tmp_path.iterdir()
        assert train_gan.main(["--data", str(faces), *SMOKE, "--resume", str(folder)]) == 1
        assert "began with num_images" in capsys.readouterr().err

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
        recipe = GanRecipe(name="x", epochs=10)
        epochs = [{"epoch": float(i), COLLAPSED: 1.0} for i in range(COLLAPSED_EPOCHS)]
        assert "all faces have looked alike for 3 of them" in str(reason_to_stop(epochs, recipe))
        assert reason_to_stop([*epochs[:-1], {"epoch": 2.0, COLLAPSED: 0.0}], recipe) is None

    def test_a_run_that_stops_early_says_so(
        self, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(measure, "COLLAPSED_BELOW", 100.0)
        monkeypatch.setattr(loop, "COLLAPSED_EPOCHS", 1)
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
        assert "error: 1 of 2 runs failed; the same command tries them again." in error
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


class TestStep:
    @pytest.fixture(params=list(GAN_RECIPES))
    def adversaries(self, request: pytest.FixtureRequest) -> Adversaries:
        return Adversaries(gan_at_scale(gan_recipe(request.param), "smoke"), 10, "fp32", seed=0)

    def test_both_networks_learn_and_stay_finite(self, adversaries: Adversaries) -> None:
        size = adversaries.recipe.image_size
        before = {name: p.clone() for name, p in adversaries.generator.named_parameters()}
        judged = {name: p.clone() for name, p in adversaries.discriminator.named_parameters()}
        line = adversaries.step(torch.rand(4, 3, size, size) * 2 - 1)
        assert all(np.isfinite(value) for value in line.values())
        assert all(not torch.equal(before[name], p) for name, p in adversaries.generator.named_parameters())
        assert any(not torch.equal(judged[name], p) for name, p in adversaries.discriminator.named_parameters())
        assert all(p.requires_grad for p in adversaries.discriminator.parameters())

    def test_the_generators_step_leaves_the_discriminator_alone(self) -> None:
        adversaries = Adversaries(gan_at_scale(gan_recipe("ning"), "smoke"), 10, "fp32", seed=0)
        adversaries.step(torch.rand(4, 3, 64, 64) * 2 - 1)
        (first, *_) = adversaries.discriminator.parameters()
        steps = adversaries.optimizers["discriminator"].state[first]["step"]
        assert float(steps) == 1

    def test_learning_rates_fall_to_zero_at_the_end(self) -> None:
        recipe = GanRecipe(name="x", epochs=1, generator_width=8, discriminator_width=8, decay_share=0.5)
        adversaries = Adversaries(recipe, 4, "fp32", seed=0)
        rates = []
        for _ in range(4):
            rates.append(adversaries.optimizers["generator"].param_groups[0]["lr"] / recipe.generator_lr)
            adversaries.step(torch.rand(4, 3, 64, 64) * 2 - 1)
        assert rates == [1.0, 1.0, 1.0, 0.5]

    def test_latents_are_of_all_the_lengths_that_the_recipe_says(self) -> None:
        torch.manual_seed(0)
        recipe = replace(gan_recipe("ours"), latent_size=1024)
        lengths = training_latents(2000, recipe).norm(dim=1) / recipe.latent_size**0.5  # of N(0, 1): 1 ± 0.02
        assert lengths.min() > 0.45
        assert lengths.max() < 1.1
        assert lengths.mean() == pytest.approx(0.75, abs=0.01), "evenly from a half to one"
        whole = training_latents(2000, replace(recipe, shortest_latent=1.0)).norm(dim=1) / recipe.latent_size**0.5
        assert whole.min() > 0.9

    def test_the_penalty_falls_due_every_few_steps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A resumed run goes on in the same turn."""
        penalties: list[torch.Tensor] = []

        def penalty(logits: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
            penalties.append(torch.ones(()))
            return penalties[-1]

        def taken(adversaries: Adversaries, num_steps: int) -> list[int]:
            """How many penalties each step takes."""
            counts = [len(penalties)]
            for _ in range(num_steps):
                adversaries.step(torch.rand(4, 3, 64, 64))
                counts.append(len(penalties))
            return [after - before for before, after in itertools.pairwise(counts)]

        monkeypatch.setattr(loop, "gradient_penalty", penalty)
        recipe = GanRecipe(name="x", epochs=1, generator_width=8, discriminator_width=8, r1=10.0, r1_every=3)
        adversaries, resumed = (Adversaries(recipe, 9, "fp32", seed=0) for _ in range(2))
        assert taken(adversaries, 5) == [1, 0, 0, 1, 0]
        parts: dict[str, Any] = dict(adversaries.parts)
        restored: dict[str, Any] = dict(resumed.parts)
        for name, part in parts.items():
            restored[name].load_state_dict(part.state_dict())
        assert taken(resumed, 3) == [0, 1, 0]


class TestLosses:
    def test_bce_is_binary_cross_entropy(self) -> None:
        real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
        bce = torch.nn.functional.binary_cross_entropy_with_logits
        wanted = bce(real, torch.ones(2)) + bce(fake, torch.zeros(2))
        assert discriminator_loss(real, fake, "bce") == pytest.approx(float(wanted))
        assert generator_loss(fake, "bce") == pytest.approx(float(bce(fake, torch.ones(2))))

    def test_hinge_is_flat_where_the_discriminator_is_sure(self) -> None:
        assert discriminator_loss(torch.tensor([1.5]), torch.tensor([-2.0]), "hinge") == 0
        assert discriminator_loss(torch.tensor([0.0]), torch.tensor([0.5]), "hinge") == pytest.approx(2.5)

    def test_the_penalty_is_the_gradients_squared_norm(self) -> None:
        pictures = torch.rand(2, 3, 64, 64, requires_grad=True)
        penalty = gradient_penalty(3 * pictures.flatten(1).sum(dim=1), pictures)
        assert float(penalty) == pytest.approx(0.5 * 9 * 3 * 64 * 64, rel=1e-4)

    def test_the_penalty_in_bf16_is_about_that_in_fp32(self) -> None:
        torch.manual_seed(0)
        network, pictures = Discriminator(DiscriminatorSpec(width=16)), torch.rand(8, 3, 64, 64, requires_grad=True)
        penalties = []
        for autocast in (False, True):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
                logits = network(pictures).float()
            penalties.append(float(gradient_penalty(logits, pictures).detach()))
        assert penalties[1] == pytest.approx(penalties[0], rel=0.05)
        assert penalties[0] > 0


class TestAugmentation:
    @pytest.mark.parametrize("kind", list(KINDS))
    def test_gradients_pass_and_pictures_differ(self, kind: str) -> None:
        torch.manual_seed(0)
        pictures = (torch.rand(6, 3, 16, 16) * 2 - 1).requires_grad_(True)
        changed = differentiable(pictures, (kind,))
        assert changed.shape == pictures.shape
        assert not torch.equal(changed, pictures)
        changed.sum().backward()
        assert pictures.grad is not None
        assert pictures.grad.abs().sum() > 0

    def test_a_translation_moves_by_whole_pixels(self) -> None:
        torch.manual_seed(0)
        pictures = torch.zeros(20, 1, 16, 16)
        pictures[:, :, 8, 8] = 1.0
        moved = differentiable(pictures.expand(20, 3, 16, 16), ("translation",))
        assert (moved.sum(dim=(1, 2, 3)) == 3).all()
        assert len({int(picture[0].argmax()) for picture in moved}) > 5

    def test_an_unknown_kind_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="no augmentation 'blur'"):
            differentiable(torch.zeros(1, 3, 8, 8), ("blur",))


class TestRecipes:
    def test_unknown_names_are_refused(self) -> None:
        with pytest.raises(ConfigError, match="Choose one of: ning, chen, hu, ours"):
            gan_recipe("stylegan")
        with pytest.raises(ConfigError, match="no scale 'tiny'"):
            gan_at_scale(gan_recipe("ning"), "tiny")

    def test_the_papers_settings_are_theirs(self) -> None:
        ning, hu = gan_recipe("ning"), gan_recipe("hu")
        assert (ning.image_size, ning.latent_size, ning.batch_size, ning.epochs, ning.loss) == (
            64,
            128,
            128,
            100,
            "bce",
        )
        assert (hu.image_size, hu.batch_size, hu.generator_lr, hu.discriminator_lr) == (256, 4, 1e-4, 2e-5)
        assert gan_recipe("chen").epochs == 150

    def test_scale_cpu_changes_widths_and_epochs_alone(self) -> None:
        full, cpu = gan_recipe("ning"), gan_at_scale(gan_recipe("ning"), "cpu")
        changed = {name for name in vars(full) if getattr(full, name) != getattr(cpu, name)}
        assert changed == {"scale", "epochs", "generator_width", "discriminator_width"}


@pytest.mark.parametrize("image_size", [64, 128, 256])
@pytest.mark.parametrize("upsampling", ["transposed", "nearest"])
def test_networks_of_every_size(image_size: int, upsampling: str) -> None:
    spec = {"image_size": image_size, "width": 4}
    generator = Generator(GeneratorSpec.model_validate({**spec, "upsampling": upsampling, "latent_size": 16}))
    pictures = generator(torch.randn(3, 16))
    assert pictures.shape == (3, 3, image_size, image_size)
    assert float(pictures.detach().abs().max()) <= 1
    for normalisation in ("batch", "spectral", "none"):
        discriminator = Discriminator(DiscriminatorSpec.model_validate({**spec, "normalisation": normalisation}))
        discriminator(generator(torch.randn(3, 16))).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in generator.parameters())
