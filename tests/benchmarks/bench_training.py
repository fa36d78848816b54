"""How much faster the training loop is than a plain one, at the same accuracy.

    python -m tests.benchmarks.bench_training
    python -m tests.benchmarks.bench_training --data ../shared/data/characters --start START_FOLDER --seeds 3

The plain loop has the same model, start weights, pictures in memory, augmentation, epochs and threads; it runs in fp32
and puts every picture through the whole network in every epoch. Both are timed in turn, validation included. Exits
with 1 when a strategy is not as much faster as it is meant to be, or (with two seeds and more) less accurate than the
plain loop by more than a standard error: that over seeds, or that of a share of the test pictures if it is larger.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from anime_models import metrics
from anime_models.backbones import FaceModel
from anime_models.drawn_faces import make_dataset
from anime_models.face_datasets import SPLITS, FaceDataset, load_split
from anime_models.preprocessing import Preprocessing, eval_input, normalise, train_transform
from training.classification.job import Job, Validator, preprocessing_of, start_model, training_pixels
from training.classification.loop import Setting, fit
from training.classification.phases import num_open_stages, open_stages, set_training
from training.classification.pixels import TrainingPixels, batches
from training.classification.segments import stages
from training.common.optimisation import parameter_groups, seed_everything
from training.common.precision import fastest_precision
from training.common.processes import current_processes
from training.recipes import at_scale, recipe_named

# Strategy, epochs, and how many times faster than the plain loop it is to be.
AIMS = (("linear_probe", 20, 10.0), ("partial", 20, 2.5), ("full", 4, 1.5))


@dataclass(frozen=True)
class Run:
    """Seconds and test accuracy of one training."""

    seconds: float
    accuracy: float


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each strategy; 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, help="dataset folder; procedural faces by default")
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--start", default="random")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or make_dataset(
            Path(folder) / "data", task="character", num_identities=8, images_per_identity=40, size=128
        )
        splits = {split: load_split(Path(data), split) for split in SPLITS}
        missed = [
            strategy
            for strategy, epochs, aim in AIMS
            if not _compare(splits, strategy, epochs, aim, options, Path(folder))
        ]
    return 1 if missed else 0


def _compare(
    splits: dict[str, FaceDataset], strategy: str, epochs: int, aim: float, options: argparse.Namespace, folder: Path
) -> bool:
    """Run both loops with every seed and print what they took and reached; whether the aims are met."""
    recipe = replace(at_scale(recipe_named(f"santoro-{strategy}"), "cpu"), epochs=epochs, patience=0)
    plain, ours = [], []
    for seed in range(42, 42 + options.seeds):
        job = Job(
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
        preprocessing = preprocessing_of(job)
        pixels = training_pixels(job, preprocessing)
        plain.append(_plain(job, pixels, preprocessing))
        ours.append(_ours(job, pixels, preprocessing, folder / f"{strategy}-{seed}"))
    ratio = sum(run.seconds for run in plain) / sum(run.seconds for run in ours)
    accuracies = [np.array([run.accuracy for run in runs]) for runs in (plain, ours)]
    mean, count = float(accuracies[0].mean()), len(splits["test"])
    of_test = np.sqrt(mean * (1 - mean) / count)
    of_seeds = accuracies[0].std(ddof=1) / np.sqrt(options.seeds) if options.seeds > 1 else float("nan")
    print(
        f"{strategy:12s} {epochs} epochs: plain {np.mean([run.seconds for run in plain]):.1f} s, "
        f"ours {np.mean([run.seconds for run in ours]):.1f} s: {ratio:.1f} times faster (aim {aim:g}); test accuracy "
        f"plain {mean:.4f}, ours {accuracies[1].mean():.4f}; standard error of the plain one {of_seeds:.4f} over "
        f"{options.seeds} seeds, {of_test:.4f} by the {count} test pictures",
        flush=True,
    )
    error = np.nanmax([of_seeds, of_test])
    as_accurate = options.seeds == 1 or accuracies[1].mean() >= mean - error
    return ratio >= aim and bool(as_accurate)


def _plain(job: Job, pixels: TrainingPixels, preprocessing: Preprocessing) -> Run:
    """The loop that one writes first."""
    recipe = job.recipe
    seed_everything(job.seed)
    model = start_model(job).to(memory_format=torch.contiguous_format)
    started = time.perf_counter()
    open_stages(model, num_open_stages(recipe, 0, len(stages(model))))
    groups = [
        {**group, "params": [parameter for parameter in group["params"] if parameter.requires_grad]}
        for group in parameter_groups(model, recipe)
    ]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]])
    transform = train_transform(preprocessing, recipe.augmentation)
    validation = eval_input(job.splits["validation"].images, preprocessing).contiguous()
    for epoch in range(recipe.epochs):
        set_training(model)
        generator = torch.Generator().manual_seed(job.seed * 1000 + epoch)
        for rows in batches(pixels, pixels.num_steps(recipe.batch_size), recipe.batch_size, generator):
            images = normalise(torch.stack([transform(pixels.pixels[row]) for row in rows]), preprocessing)
            loss = functional.cross_entropy(model(images.contiguous()), pixels.labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for batch in validation.split(64):
                model(batch)
    return Run(time.perf_counter() - started, _test_accuracy(model, job, preprocessing))


def _ours(job: Job, pixels: TrainingPixels, preprocessing: Preprocessing, folder: Path) -> Run:
    """The loop of the program, with all that it does besides: measuring the precision, caching, saving each epoch."""
    folder.mkdir()
    processes = current_processes()
    seed_everything(job.seed)
    model = start_model(job)
    started = time.perf_counter()
    precision = fastest_precision(model, preprocessing.image_size, processes.device)
    recipe = replace(job.recipe, keep="last")
    validate = Validator(job, preprocessing, processes.device)
    setting = Setting(folder, precision, job.cache, processes)
    fitted = fit(model, pixels, validate, recipe, preprocessing, job.seed, setting)
    return Run(time.perf_counter() - started, _test_accuracy(fitted.model, job, preprocessing))


def _test_accuracy(model: FaceModel, job: Job, preprocessing: Preprocessing) -> float:
    model.eval()
    images = eval_input(job.splits["test"].images, preprocessing)
    with torch.inference_mode():
        predictions = torch.cat([model(batch) for batch in images.split(64)]).argmax(dim=1).numpy()
    return metrics.accuracy(job.splits["test"].labels, predictions)


if __name__ == "__main__":
    sys.exit(main())
