"""How much faster the training loop is than a plain one, at the same accuracy.

    python -m tests.benchmarks.bench_training
    python -m tests.benchmarks.bench_training --data ../shared/data/characters --start START_FOLDER

The plain loop has the same model, start weights, pictures in memory, augmentation, learning rates, epochs and threads;
it runs in fp32 and puts every picture through the whole network in every epoch. Both are timed in turn, validation
included. Exits with 1 when a strategy is not as much faster as it is meant to be, or (with two seeds and more) less
accurate than the plain loop by more than the standard error of that one's mean over the seeds.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from anime_models.face_datasets import FaceDataset
from anime_models.preprocessing import eval_input, normalise, train_transform
from tests.benchmarks.training_runs import Run, accuracy_on_test, jobs, our_run, prepared, training_parser
from training.classification.job import Job, preprocessing_of, start_model, training_pixels
from training.classification.phases import num_open_stages, open_stages, set_training
from training.classification.pixels import TrainingPixels, batches
from training.classification.segments import stages
from training.common.optimisation import learning_rate_factor, parameter_groups, seed_everything

# Strategy, epochs, and how many times faster than the plain loop it is to be.
AIMS = (("linear_probe", 20, 10.0), ("partial", 20, 2.5), ("full", 4, 1.5))


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each strategy; 1 when an aim is missed."""
    options = training_parser(__doc__.split("\n\n")[0], seeds=3).parse_args(arguments)
    with prepared(options) as (splits, folder):
        met = [_compare(splits, strategy, epochs, aim, options, folder) for strategy, epochs, aim in AIMS]
    return 0 if all(met) else 1


def _compare(
    splits: dict[str, FaceDataset], strategy: str, epochs: int, aim: float, options: argparse.Namespace, folder: Path
) -> bool:
    """Run both loops with every seed and print what they took and reached; whether the aims are met."""
    plain, ours = [], []
    for job in jobs(splits, strategy, epochs, options, folder):
        pixels = training_pixels(job, preprocessing_of(job))
        plain.append(_plain_run(job, pixels))
        ours.append(our_run(job, pixels, folder / f"{strategy}-{job.seed}"))
    ratio = sum(run.seconds for run in plain) / sum(run.seconds for run in ours)
    accuracies, mine = (np.array([run.accuracy for run in runs]) for runs in (plain, ours))
    # Seeds can agree to the picture; half a picture is no difference.
    half_picture = 0.5 / len(splits["test"])
    error = max(accuracies.std(ddof=1) / np.sqrt(len(plain)), half_picture) if len(plain) > 1 else float("inf")
    print(
        f"{strategy:12s} {epochs} epochs, {len(plain)} seeds: plain {np.mean([run.seconds for run in plain]):.1f} s, "
        f"ours {np.mean([run.seconds for run in ours]):.1f} s: {ratio:.1f} times faster (aim {aim:g}); test accuracy "
        f"plain {accuracies.mean():.4f} (standard error {error:.4f}), ours {mine.mean():.4f}",
        flush=True,
    )
    return ratio >= aim and bool(mine.mean() >= accuracies.mean() - error)


def _plain_run(job: Job, pixels: TrainingPixels) -> Run:
    """The loop that one writes first."""
    recipe, preprocessing = job.recipe, preprocessing_of(job)
    seed_everything(job.seed)
    model = start_model(job).to(memory_format=torch.contiguous_format)
    started = time.perf_counter()
    open_stages(model, num_open_stages(recipe, 0, len(stages(model))))
    groups = [
        {**group, "params": [parameter for parameter in group["params"] if parameter.requires_grad]}
        for group in parameter_groups(model, recipe)
    ]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]])
    num_steps = pixels.num_steps(recipe.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, learning_rate_factor(recipe, num_steps * recipe.epochs))
    transform = train_transform(preprocessing, recipe.augmentation)
    validation = eval_input(job.splits["validation"].images, preprocessing).contiguous()
    for epoch in range(recipe.epochs):
        set_training(model)
        generator = torch.Generator().manual_seed(job.seed * 1000 + epoch)
        for rows in batches(pixels, num_steps, recipe.batch_size, generator):
            images = normalise(torch.stack([transform(pixels.pixels[row]) for row in rows]), preprocessing)
            loss = functional.cross_entropy(model(images.contiguous()), pixels.labels[rows])
            optimizer.zero_grad()
            loss.backward()
            if recipe.clip_norm:
                torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            for batch in validation.split(64):
                model(batch)
    return Run(time.perf_counter() - started, accuracy_on_test(model, job, preprocessing))


if __name__ == "__main__":
    sys.exit(main())
