"""Training under each strategy: frozen means frozen, cached features change nothing, stopping early, processes."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from anime_models.backbones import FaceModel, build_model
from anime_models.checkpoints import load_checkpoint
from anime_models.preprocessing import Augmentation, Preprocessing
from anime_models.records import read_record
from tests.small_runs import Killed, epoch_lines, killed_after, train
from training.classification import loop
from training.classification.loop import Fitted, Setting, fit
from training.classification.pixels import Pool, TrainingPixels
from training.classification.segments import frozen_state, stages
from training.common.precision import fastest_precision
from training.common.processes import Processes
from training.recipes import Recipe, at_scale, recipe_named

ALONE = Processes(0, 1, torch.device("cpu"))
PREPROCESSING = Preprocessing(image_size=32, resize=32)
NUM_IMAGES, NUM_CLASSES = 24, 3


def pixels() -> TrainingPixels:
    """Pictures whose brightness is their class, with noise."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(NUM_IMAGES) % NUM_CLASSES
    noise = torch.randint(0, 80, (NUM_IMAGES, 3, 40, 40), generator=generator)
    images = (noise + 80 * labels.view(-1, 1, 1, 1)).to(torch.uint8)
    return TrainingPixels(images, labels, (Pool(torch.arange(NUM_IMAGES), torch.ones(NUM_IMAGES), 1.0),))


def start() -> FaceModel:
    torch.manual_seed(0)
    return build_model("resnet18", "plain", NUM_CLASSES, 32)


def fitted(folder: Path, recipe: Recipe, model: FaceModel, losses: Sequence[float] | None = None) -> Fitted:
    """Train; `losses` are what validation gives in each epoch, falling ones by default."""
    setting = Setting(folder, "fp32", folder / "cache", ALONE)
    folder.mkdir(exist_ok=True)
    measured = iter(losses or [1 / (epoch + 1) for epoch in range(recipe.epochs)])

    def validate(_: FaceModel, num_open: int) -> dict[str, float]:
        return {"validation/loss": next(measured)}

    return fit(model, pixels(), validate, recipe, PREPROCESSING, 1, setting)


def smoke(name: str, **changes: Any) -> Recipe:
    return replace(at_scale(recipe_named(name), "smoke"), batch_size=8, **changes)


class TestFrozenMeansFrozen:
    @pytest.mark.parametrize(
        ("name", "num_open"),
        [("santoro-linear_probe", 1), ("santoro-partial", 2), ("santoro-progressive", 3), ("santoro-full", 6)],
    )
    def test_weights_and_statistics_of_frozen_stages_are_bit_identical(
        self, tmp_path: Path, name: str, num_open: int
    ) -> None:
        model, before = start(), start().state_dict()
        recipe = smoke(name, epochs=3, weight_decay=0.1)
        result = fitted(tmp_path, recipe, model)
        after, frozen = model.state_dict(), frozen_state(model, num_open)
        assert len(frozen) == {1: 120, 2: 90, 3: 60, 6: 0}[num_open]
        assert all(torch.equal(after[key], before[key]) for key in frozen)
        moved = [key for key in after if key not in frozen and not key.endswith("num_batches_tracked")]
        assert all(not torch.equal(after[key], before[key]) for key in moved)
        open_parameters = {name for stage in stages(model)[:num_open] for name in stage.parameters}
        sizes = {key: parameter.numel() for key, parameter in model.named_parameters()}
        assert result.num_trainable == sum(sizes[key] for key in open_parameters)

    def test_each_phase_of_progressive_leaves_the_rest_alone(self, tmp_path: Path) -> None:
        model, before = start(), start().state_dict()
        fitted(tmp_path, smoke("santoro-progressive", epochs=1), model)
        after = model.state_dict()
        assert {key for key in after if not torch.equal(after[key], before[key])} == {"head.weight", "head.bias"}


class TestCache:
    @pytest.mark.parametrize("name", ["santoro-linear_probe", "santoro-partial"])
    def test_cached_features_give_what_the_pictures_give(self, tmp_path: Path, name: str) -> None:
        """Without random augmentation both see the same pictures; half precision is all the difference."""
        models = [start(), start()]
        for model, views in zip(models, ((), (1, 1)), strict=True):
            fitted(tmp_path / str(len(views)), smoke(name, views=views, augmentation=Augmentation()), model)
        assert not (tmp_path / "0" / "cache").exists()
        assert (tmp_path / "2" / "cache").exists()
        for one, other in zip(*(model.state_dict().values() for model in models), strict=True):
            torch.testing.assert_close(one, other, rtol=2e-2, atol=2e-3)

    def test_another_seed_or_head_of_the_same_features_computes_nothing_anew(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        recipe = smoke("kanata")
        fitted(tmp_path, recipe, start())
        assert "view 1 of 1" in capsys.readouterr().out
        setting = Setting(tmp_path / "other", "fp32", tmp_path / "cache", ALONE)
        setting.folder.mkdir()
        model = FaceModel(start().backbone, build_model("resnet18", "dropout", NUM_CLASSES, 32).head)
        fit(model, pixels(), lambda *_: {"validation/loss": 1.0}, recipe, PREPROCESSING, 2, setting)
        assert "view" not in capsys.readouterr().out


class TestStopping:
    def test_it_stops_when_the_loss_no_longer_falls_and_keeps_the_best_epoch(self, tmp_path: Path) -> None:
        recipe = smoke("santoro-full", epochs=20, patience=3)
        model = start()
        result = fitted(tmp_path, recipe, model, losses=[3.0, 2.0, 1.0, 1.5, 1.5, 1.0, 0.5])
        assert len(result.epochs) == 6
        assert result.best_epoch == 2
        kept = torch.load(tmp_path / "best_epoch.pt", weights_only=True)
        assert all(torch.equal(kept[name], tensor) for name, tensor in model.state_dict().items())

    def test_without_patience_it_goes_on(self, tmp_path: Path) -> None:
        recipe = smoke("santoro-full", epochs=4, patience=0)
        assert len(fitted(tmp_path, recipe, start(), losses=[1.0, 2.0, 3.0, 4.0]).epochs) == 4

    def test_a_killed_progressive_run_ends_as_if_nothing_had_been(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recipe = smoke("santoro-progressive", epochs=4)
        whole, resumed = start(), start()
        fitted(tmp_path / "whole", recipe, whole)
        with monkeypatch.context() as patch:
            patch.setattr(loop, "best_epoch", killed_after(2, loop.best_epoch))
            with pytest.raises(Killed):
                fitted(tmp_path / "killed", recipe, start())
        fitted(tmp_path / "killed", recipe, resumed, losses=[1 / 3, 1 / 4])
        assert all(
            torch.equal(one, other)
            for one, other in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True)
        )


def test_measuring_the_precision_leaves_the_model_as_it_was() -> None:
    model, before = start(), start().state_dict()
    assert fastest_precision(model, 32, torch.device("cpu")) in ("fp32", "bf16")
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_two_processes_give_what_one_gives(drawn_characters: Path, tmp_path: Path) -> None:
    """`accelerate launch` on two CPU processes; a ViT, since batch statistics are each process's own.

    With `--cpu` the launcher starts one process unless there is MPI; `--multi_gpu` starts both wherever it runs.
    """
    flags = (
        *("--backbone", "vit_small_16", "--start", "random", "--recipe", "santoro-full", "--scale", "smoke"),
        *("--threads", "1", "--precision", "fp32"),
    )
    one = train(drawn_characters, tmp_path / "one", flags=flags)
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--multi_gpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    ports = ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    command = ["-m", "training.train_classifier", "--data", str(drawn_characters), "--task", "character"]
    environment = {**os.environ, "HF_HOME": str(tmp_path / "huggingface")}
    subprocess.run(
        [*launch, *ports, *command, "--out", str(tmp_path / "two"), *flags], check=True, env=environment, timeout=300
    )
    (two,) = (tmp_path / "two").iterdir()
    assert read_record(two / "record.json").recipe["processes"] == 2
    assert read_record(two / "record.json").status == "finished"
    for lines in zip(epoch_lines(one), epoch_lines(two), strict=True):
        assert lines[0] == pytest.approx(lines[1], rel=1e-2, abs=1e-3)
    weights = [load_checkpoint(folder / "checkpoint").model.state_dict() for folder in (one, two)]
    for name, tensor in weights[0].items():
        assert torch.allclose(weights[1][name], tensor, rtol=1e-2, atol=1e-3), name
