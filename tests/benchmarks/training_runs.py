"""Trainings as the program runs them, for benchmarks that compare them with others."""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from anime_models import metrics
from anime_models.backbones import FaceModel
from anime_models.drawn_faces import make_dataset
from anime_models.face_datasets import SPLITS, FaceDataset, load_split
from anime_models.preprocessing import Preprocessing, eval_input
from training.classification.job import Job, Validator, preprocessing_of, start_model
from training.classification.loop import Setting, fit
from training.classification.phases import open_most
from training.classification.pixels import TrainingPixels
from training.common.optimisation import seed_everything
from training.common.precision import fastest_precision
from training.common.processes import current_processes
from training.recipes import at_scale, recipe_named

FIRST_SEED = 42


@dataclass(frozen=True)
class Run:
    """Seconds and test accuracy of one training."""

    seconds: float
    accuracy: float


def training_parser(description: str, seeds: int) -> argparse.ArgumentParser:
    """The flags that say what is trained.

    Args:
        description: of the benchmark.
        seeds: how many by default.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, help="dataset folder; procedural faces by default")
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--start", default="random")
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser


@contextlib.contextmanager
def prepared(options: argparse.Namespace) -> Iterator[tuple[dict[str, FaceDataset], Path]]:
    """The pictures of each split, and a folder that is gone afterwards."""
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or make_dataset(
            Path(folder) / "data", task="character", num_identities=8, images_per_identity=40, size=128
        )
        yield {split: load_split(Path(data), split) for split in SPLITS}, Path(folder)


def jobs(
    splits: dict[str, FaceDataset], strategy: str, epochs: int, options: argparse.Namespace, folder: Path
) -> Iterator[Job]:
    """What a strategy of Santoro et al. trains, at 128 px, with each seed."""
    recipe = replace(at_scale(recipe_named(f"santoro-{strategy}"), "cpu"), epochs=epochs, patience=0, keep="last")
    for seed in range(FIRST_SEED, FIRST_SEED + options.seeds):
        yield Job(
            task="character",
            data_name="benchmark",
            revision="",
            splits=splits,
            strangers=None,
            backbone=options.backbone,
            head="plain",
            start=options.start,
            recipe=recipe,
            seed=seed,
            precision="auto",
            cache=folder / "cache",
        )


def our_run(job: Job, pixels: TrainingPixels, folder: Path) -> Run:
    """The loop of the program, with all that it does besides: measuring the precision, caching, saving each epoch."""
    folder.mkdir()
    processes, preprocessing = current_processes(), preprocessing_of(job)
    seed_everything(job.seed)
    model = start_model(job)
    started = time.perf_counter()
    precision = job.precision
    if precision == "auto":
        open_most(model, job.recipe)
        precision = fastest_precision(model, preprocessing.image_size, processes.device)
    validate = Validator(job, preprocessing, processes.device)
    setting = Setting(folder, precision, job.cache, processes)
    with contextlib.redirect_stdout(io.StringIO()):  # a line for each epoch
        fitted = fit(model, pixels, validate, job.recipe, preprocessing, job.seed, setting)
    return Run(time.perf_counter() - started, accuracy_on_test(fitted.model, job, preprocessing))


def accuracy_on_test(model: FaceModel, job: Job, preprocessing: Preprocessing) -> float:
    """Share of the test pictures that a model names right, in fp32."""
    model.eval()
    images = eval_input(job.splits["test"].images, preprocessing)
    with torch.inference_mode():
        predictions = torch.cat([model(batch) for batch in images.split(64)]).argmax(dim=1).numpy()
    return metrics.accuracy(job.splits["test"].labels, predictions)
