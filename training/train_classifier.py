"""Train a classifier of face crops, calibrate it, measure it and leave a run folder.

    python -m training.train_classifier --data ../shared/data/emotions --task emotion --strangers neutral --cross-fit 4
    python -m training.train_classifier --data ../shared/data/emotions --task emotion --folds 5
    accelerate launch --multi_gpu --num_processes 2 -m training.train_classifier --data DATASET --task character

A killed run goes on from its last epoch with ``--resume RUN_FOLDER`` and the same other flags; a run that ended in an
error is marked ``failed`` and can be resumed as well.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import torch

from anime_models.backbones import BACKBONES
from anime_models.errors import ConfigError
from anime_models.face_datasets import SPLITS, FaceDataset, dataset_revision, load_split
from anime_models.heads import HEADS
from anime_models.records import new_run_id, read_record
from training.classification.corruptions import internet_like
from training.classification.cross_validation import check_cross_fit, cross_fit, cross_validate
from training.classification.job import Job, check_data, check_labels, check_start
from training.classification.other_source import other_source
from training.classification.run import run
from training.classification.strangers import STRANGERS, Strangers, load_strangers
from training.common.commands import exit_status, resumable, with_resume
from training.common.flags import check_folder, num_folds, positive_int, seed
from training.common.precision import PRECISIONS
from training.common.processes import current_processes
from training.common.run_folders import RECORD, new_run_folder, resumed_folder
from training.common.start_weights import default_start
from training.recipes import SCALES, at_scale, recipe_named
from training.studies.cells import STUDIES


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    return exit_status(lambda: train(options))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Flags of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.train_classifier",
        description=__doc__.split("\n\n")[0],
        allow_abbrev=False,  # a record tells by its command how it was validated
    )
    parser.add_argument("--data", type=Path, required=True, help="dataset folder with train, validation, test.parquet")
    parser.add_argument("--task", choices=("character", "emotion"), required=True)
    parser.add_argument("--backbone", choices=tuple(BACKBONES), default="efficientnet_lite0")
    parser.add_argument("--head", choices=HEADS, default="plain")
    parser.add_argument(
        "--start",
        help="packaged (efficientnet_lite0 alone, its default), imagenet (timm's weights from the Hub, the default of "
        "the others), random, a checkpoint folder or Hub id",
    )
    parser.add_argument("--recipe", help="name in training/recipes.py; the task's own by default")
    parser.add_argument("--scale", choices=SCALES, default="full", help="image size and epochs of the recipe")
    parser.add_argument("--study", choices=tuple(STUDIES), help="the study that the run belongs to")
    parser.add_argument("--strangers", choices=("none", *STRANGERS), default="none")
    parser.add_argument("--epochs", type=positive_int, help="instead of the recipe's")
    parser.add_argument("--image-size", type=positive_int, help="instead of the recipe's")
    parser.add_argument("--seed", type=seed, default=42)
    several = parser.add_mutually_exclusive_group()
    several.add_argument("--folds", type=num_folds, default=0, help="cross-validate by group over all splits")
    several.add_argument(
        "--cross-fit",
        type=num_folds,
        default=0,
        help="train on train and validation, calibrate on that many folds of them",
    )
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="auto: measured at the start")
    parser.add_argument("--threads", type=positive_int, default=torch.get_num_threads())
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="folder for features of frozen stages")
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--resume", type=Path, help="run folder to go on with")
    return parser.parse_args(arguments)


def train(options: argparse.Namespace) -> None:
    """Do what the flags ask for; all that can be refused at once is refused before there is a run folder."""
    check_flags(options)
    splits = load_splits(options)
    strangers = None if options.strangers == "none" else load_strangers(options.strangers, options.data)
    job = job_from(options, splits, strangers)
    if options.folds or options.cross_fit:
        check_labels(job)
    else:
        check_data(job)
    check_start(job)
    if options.cross_fit:
        check_cross_fit(job.recipe)
    folder = run_folder(options, job.recipe.strategy)
    with resumable(with_resume(folder)):
        if options.folds:
            cross_validate(job, options.folds, folder)
        elif options.cross_fit:
            cross_fit(job, options.cross_fit, folder)
        else:
            run(job, folder)


def check_flags(options: argparse.Namespace) -> None:
    """Refuse flags that do not go together, and a cache that cannot be made.

    Raises:
        ConfigError: when there are such.
    """
    if current_processes().count > 1 and (options.folds or options.cross_fit):
        raise ConfigError("Folds run one after the other in one process; start them without accelerate launch.")
    study = STUDIES[options.study] if options.study else None
    if study and study.task != options.task:
        raise ConfigError(
            f"The study {options.study} is about the task {study.task}, not {options.task}; give --task {study.task} "
            "with its data, or leave --study out."
        )
    check_folder(options.cache, "--cache")


def load_splits(options: argparse.Namespace) -> dict[str, FaceDataset]:
    """The splits of the data set; for the study of characters also its two further tests."""
    splits = {split: load_split(options.data, split) for split in SPLITS}
    if options.study == "characters":
        splits["internet"] = internet_like(splits["test"])
        elsewhere = other_source(options.data, splits["train"].label_names)
        if elsewhere is not None:
            splits["other_source"] = elsewhere
    return splits


def job_from(options: argparse.Namespace, splits: dict[str, FaceDataset], strangers: Strangers | None) -> Job:
    """Resolve the flags into a job."""
    recipe = at_scale(recipe_named(options.recipe or f"{options.task}s"), options.scale)
    changes = {"epochs": options.epochs, "image_size": options.image_size}
    recipe = dataclasses.replace(recipe, **{name: value for name, value in changes.items() if value is not None})
    if strangers is None:
        recipe = dataclasses.replace(recipe, stranger_share=0.0)
    return Job(
        task=options.task,
        data_name=options.data.resolve().name,
        revision=dataset_revision(options.data),
        splits=splits,
        strangers=strangers,
        backbone=options.backbone,
        head=options.head,
        start=default_start(options.backbone) if options.start is None else options.start,
        recipe=recipe,
        seed=options.seed,
        precision=options.precision,
        cache=options.cache,
        study=options.study,
    )


def run_folder(options: argparse.Namespace, strategy: str) -> Path:
    """The folder to resume, or a new one."""
    if options.folds or options.cross_fit:
        strategy += f"-folds{options.folds}" if options.folds else f"-crossfit{options.cross_fit}"
    if not options.resume:
        return new_run_folder(options.out, new_run_id(options.task, options.backbone, strategy, options.seed))
    folder = resumed_folder(options.resume)
    begun = read_record(folder / RECORD).run_id
    if f"-{strategy}-s" not in begun:
        raise ConfigError(f"{begun} is not a run of {strategy}; resume it with the flags that it began with.")
    return folder


if __name__ == "__main__":
    sys.exit(main())
