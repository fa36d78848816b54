"""Start weights without the Hub: a backbone learns the packaged EfficientNet-Lite0's features of drawn faces.

    python -m training.distill --backbone resnet18 --data ../shared/data --minutes 12
    python -m training.train_classifier --data ../shared/data/characters --task character --backbone resnet18 \
        --start runs/RUN/checkpoint

The faces need no labels. The teacher looks at them once, for all students. A killed run goes on from its last round
with ``--resume RUN_FOLDER`` and the same other flags.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch

from anime_models.backbones import BACKBONES, backbone_spec
from anime_models.checkpoints import Checkpoint, load_checkpoint
from anime_models.errors import ConfigError
from anime_models.face_datasets import SPLITS, load_split
from anime_models.records import new_run_id
from training.common.commands import exit_status, resumable, with_resume
from training.common.flags import check_folder, positive_float, positive_int, seed
from training.common.precision import PRECISIONS
from training.common.run_folders import new_run_folder, resumed_folder
from training.distillation.data import load_faces
from training.distillation.growth import GROWS_FROM
from training.distillation.inheritance import RELATIVES
from training.distillation.loop import DistillRecipe
from training.distillation.run import STRATEGY, Distillation, run
from training.distillation.teacher import TEACHER, preprocessing_at

MINUTES = 12.0
PROBED = "characters"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    return exit_status(lambda: distill(options))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Flags of the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.distill", description=__doc__.split("\n\n")[0])
    parser.add_argument("--backbone", required=True, help=f"the student: {', '.join(students())}")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds all the data sets")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=positive_float, default=MINUTES, help="training time, planned at the start")
    length.add_argument("--epochs", type=positive_float, help="passes over the faces, instead of a time")
    parser.add_argument(
        "--grow-from", metavar="FOLDER", help="checkpoint of a taught student half as wide, for a ViT-B"
    )
    parser.add_argument("--image-size", type=positive_int, default=DistillRecipe.image_size)
    parser.add_argument("--seed", type=seed, default=42)
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="auto: measured at the start")
    parser.add_argument("--threads", type=positive_int, default=torch.get_num_threads())
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="folder for the teacher's features")
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--resume", type=Path, help="run folder to go on with")
    return parser.parse_args(arguments)


def distill(options: argparse.Namespace) -> None:
    """Do what the flags ask for; what can be refused at once is refused before there is a run folder."""
    check_student(options.backbone)
    preprocessing_at(options.image_size)
    check_folder(options.cache, "--cache")
    resumed = resumed_folder(options.resume) if options.resume else None
    job = distillation(options)
    folder = resumed or new_run_folder(options.out, new_run_id("embedding", job.backbone, STRATEGY, job.seed))
    with resumable(with_resume(folder)):
        run(job, folder)


def students() -> tuple[str, ...]:
    """The backbones that can be taught."""
    return tuple(name for name in BACKBONES if name != TEACHER)


def check_student(backbone: str) -> None:
    """Refuse a name that is no backbone's, or the teacher's."""
    if backbone == TEACHER:
        raise ConfigError(
            f"{TEACHER} is the teacher and starts from its own weights ('packaged'). "
            f"Choose a student: {', '.join(students())}."
        )
    backbone_spec(backbone)


def recipe_of(backbone: str, length: DistillRecipe, grows_from: str) -> DistillRecipe:
    """The recipe for a student: one that has weights to keep, and a transformer, learn at a lower rate.

    One that has grown computes what the narrow one does from the start; large steps and small pictures would undo that.
    """
    if backbone in RELATIVES:
        return replace(length, inherits=True, lr=3e-4, finish_share=0.5)
    if grows_from:
        return replace(length, grows_from=grows_from, finish_lr=3e-5, finish_share=1.0)
    return replace(length, lr=3e-4) if backbone_spec(backbone).sized else length


def narrow_student(backbone: str, folder: str | None) -> Checkpoint | None:
    """The checkpoint that a student grows from, or None.

    Raises:
        ConfigError: when it is not of the backbone half as wide.
        CheckpointError: when there is none.
    """
    if folder is None:
        return None
    checkpoint, wanted = load_checkpoint(folder), GROWS_FROM.get(backbone)
    if checkpoint.config.backbone != wanted:
        raise ConfigError(
            f"{backbone} cannot grow from the {checkpoint.config.backbone} of {folder}; "
            f"{f'name a {wanted}' if wanted else f'only {next(iter(GROWS_FROM))} can'}."
        )
    return checkpoint


def distillation(options: argparse.Namespace) -> Distillation:
    """Read the data and resolve the flags."""
    narrow = narrow_student(options.backbone, options.grow_from)
    length = DistillRecipe(
        epochs=options.epochs, minutes=None if options.epochs else options.minutes, image_size=options.image_size
    )
    return Distillation(
        backbone=options.backbone,
        data_name=options.data.resolve().name,
        data=load_faces(options.data),
        probed={split: load_split(options.data / PROBED, split) for split in SPLITS},
        recipe=recipe_of(options.backbone, length, "" if narrow is None else narrow_name(narrow)),
        seed=options.seed,
        precision=options.precision,
        cache=options.cache,
        narrow=None if narrow is None else narrow.model,
    )


def narrow_name(narrow: Checkpoint) -> str:
    """What a record calls a narrower student: the run that made it, if it is known."""
    return narrow.record.run_id if narrow.record else narrow.config.backbone


if __name__ == "__main__":
    sys.exit(main())
