"""Train a generator of faces, keep its best epoch by FID on held-out faces, measure it and leave a run folder.

    python -m training.train_gan --data ../shared/data/faces64 --recipe ours --scale cpu
    python -m training.train_gan --data ../shared/data/faces64 --recipe ning --source getchu --learning-rates

``--seeds N`` trains one after another with seeds from ``--seed`` on; ``--learning-rates`` repeats Ning's comparison.
Both go on with what is in ``--out`` when they are called again, and a run that fails stops no other. A killed single
run goes on from its last epoch with ``--resume RUN_FOLDER`` and the same other flags; ``--stop-now`` besides ends it
with the best epoch that it has.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from anime_models.errors import ConfigError
from anime_models.gan_metrics import inception_extractor, packaged_extractor
from anime_models.generator_checkpoint import GENERATION
from anime_models.records import new_run_id
from training.common.commands import SAME_COMMAND, exit_status, resumable, with_resume
from training.common.flags import positive_float, positive_int, seed, share
from training.common.precision import PRECISIONS
from training.common.run_folders import new_run_folder, resumed_folder
from training.generation.augment import KINDS
from training.generation.data import load_gan_data
from training.generation.recipe import GAN_RECIPES, GAN_SCALES, NING_LEARNING_RATES, GanRecipe, gan_at_scale, gan_recipe
from training.generation.run import FAMILY, GanJob, run
from training.generation.start import gan_start
from training.generation.sweep import run_all

EXTRACTORS = {"packaged": packaged_extractor, "inception": inception_extractor}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    return exit_status(lambda: train(options))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Flags of the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.train_gan", description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="dataset folder with train and validation.parquet")
    parser.add_argument("--source", help="only the pictures of this source")
    parser.add_argument("--recipe", choices=tuple(GAN_RECIPES), default="ours")
    parser.add_argument("--scale", choices=GAN_SCALES, default="full", help="widths and epochs of the recipe")
    parser.add_argument("--epochs", type=positive_int, help="instead of the recipe's")
    parser.add_argument("--image-size", type=int, choices=(64, 128, 256), help="instead of the recipe's")
    parser.add_argument("--start", help="generator's folder or Hub repository to start both networks from")
    parser.add_argument(
        "--residual", type=int, choices=range(1, 9), help="residual blocks at each size of the generator's feature maps"
    )
    parser.add_argument(
        "--augmentation", nargs="+", choices=tuple(KINDS), help="DiffAugment of what the discriminator sees"
    )
    parser.add_argument("--typical-share", type=share, help="of the pictures, the most typical ones, to train on")
    parser.add_argument("--num-images", type=positive_int, help="train on so many pictures, drawn at random")
    parser.add_argument("--learning-rate", type=positive_float, help="of both networks, instead of the recipe's")
    parser.add_argument("--learning-rates", action="store_true", help="one run for each of Ning's learning rates")
    parser.add_argument("--patience", type=positive_int, help="epochs without a lower FID after which training stops")
    parser.add_argument("--measure-every", type=positive_int, help="epochs between measurements of FID and KID")
    parser.add_argument("--seed", type=seed, default=42)
    parser.add_argument("--seeds", type=positive_int, default=1, help="how many, from --seed on")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="auto: measured at the start")
    parser.add_argument("--threads", type=positive_int, default=torch.get_num_threads())
    parser.add_argument(
        "--extractor", choices=tuple(EXTRACTORS), default="packaged", help="whose features FID and KID compare"
    )
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--resume", type=Path, help="run folder to go on with")
    parser.add_argument("--stop-now", action="store_true", help="end the resumed run with the epochs that it has")
    return parser.parse_args(arguments)


def train(options: argparse.Namespace) -> None:
    """Train everything that the flags ask for, one run after another."""
    if options.resume and (options.seeds > 1 or options.learning_rates):
        raise ConfigError("--resume goes on with one run; leave --seeds and --learning-rates out.")
    if options.stop_now and not options.resume:
        raise ConfigError("--stop-now ends a run that was interrupted; say which one with --resume RUN_FOLDER.")
    base = recipe_from(options)
    if options.learning_rate and options.learning_rates:
        raise ConfigError("--learning-rates runs Ning's five rates; leave --learning-rate out.")
    data = load_gan_data(options.data, base.image_size, options.source, options.num_images)
    extractor = EXTRACTORS[options.extractor]()
    start = gan_start(options.start, base, data, extractor.name) if options.start is not None else None
    jobs = [
        GanJob(data, recipe, number, options.precision, extractor, start, options.stop_now)
        for recipe in recipes(options, base)
        for number in range(options.seed, options.seed + options.seeds)
    ]
    if len(jobs) > 1:
        with resumable(SAME_COMMAND):
            run_all(jobs, options.out)
    else:
        folder = run_folder(options, jobs[0])
        with resumable(with_resume(folder)):
            run(jobs[0], folder)


def recipe_from(options: argparse.Namespace) -> GanRecipe:
    """The recipe with the flags' changes."""
    rate = options.learning_rate
    changes = {
        "epochs": options.epochs,
        "image_size": options.image_size,
        "generator_lr": rate,
        "discriminator_lr": rate,
        "residual": options.residual,
        "augmentation": tuple(options.augmentation) if options.augmentation else None,
        "typical_share": options.typical_share,
        "patience": options.patience,
        "measure_every": options.measure_every,
    }
    recipe = gan_at_scale(gan_recipe(options.recipe), options.scale)
    return dataclasses.replace(recipe, **{name: value for name, value in changes.items() if value is not None})


def recipes(options: argparse.Namespace, recipe: GanRecipe) -> Iterator[GanRecipe]:
    """The recipe itself, or with each of Ning's learning rates."""
    if not options.learning_rates:
        yield recipe
        return
    for rate in NING_LEARNING_RATES:
        yield dataclasses.replace(recipe, generator_lr=rate, discriminator_lr=rate)


def run_folder(options: argparse.Namespace, job: GanJob) -> Path:
    """The folder to resume, or a new one."""
    if options.resume:
        return resumed_folder(options.resume)
    return new_run_folder(options.out, new_run_id(GENERATION, FAMILY, job.recipe.name, job.seed))


if __name__ == "__main__":
    sys.exit(main())
