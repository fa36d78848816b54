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
from typing import Any

import torch

from anime_models.backbones import BACKBONES, backbone_spec
from anime_models.checkpoints import EMBEDDING, Checkpoint, load_checkpoint
from anime_models.errors import ConfigError
from anime_models.face_datasets import SPLITS, load_split
from anime_models.hub import local_folder
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
from training.distillation.teacher import EMBEDDING_SIZE, TEACHER, preprocessing_at

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
        "--start", metavar="FOLDER", help="checkpoint of a taught student to go on from; a ViT-B grows from a ViT-S"
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


def recipe_of(backbone: str, length: DistillRecipe, start: Checkpoint | None) -> DistillRecipe:
    """The recipe for a student: one that has weights to keep, and a transformer, learn at a lower rate.

    One that was taught before sees pictures of full size alone, which are what it is made for. One that has grown, of
    whatever run, computes what the narrow one does, and large steps would undo that.
    """
    if start is not None:
        rate = 3e-5 if backbone in GROWS_FROM else length.finish_lr
        return replace(length, finish_lr=rate, finish_share=1.0, **taught_before(start))
    if backbone in RELATIVES:
        return replace(length, inherits=True, lr=3e-4, finish_share=0.5)
    return replace(length, lr=3e-4) if backbone_spec(backbone).sized else length


def taught_before(start: Checkpoint) -> dict[str, Any]:
    """What a recipe says of the student that it goes on from: its run, and the teaching behind it, as far as known."""
    record = start.record
    if record is None:
        return {"goes_on_from": start.config.backbone}
    seconds = (record.timing and record.timing.total_seconds) or 0.0
    return {
        "goes_on_from": record.run_id,
        "epochs_before": record.recipe.get("epochs", 0.0) + record.recipe.get("epochs_before", 0.0),
        "minutes_before": seconds / 60 + record.recipe.get("minutes_before", 0.0),
    }


def earlier_student(backbone: str, folder: str | None) -> Checkpoint | None:
    """The checkpoint that a student goes on from, or None.

    Raises:
        ConfigError: when it is no taught student, or neither of this backbone nor of one that it can grow from.
        HubError, CheckpointError: when there is none.
    """
    if folder is None:
        return None
    checkpoint, narrow = load_checkpoint(local_folder(folder)), GROWS_FROM.get(backbone)
    if (checkpoint.config.task, checkpoint.config.embedding_size) != (EMBEDDING, EMBEDDING_SIZE):
        raise ConfigError(f"{folder} is a model for {checkpoint.config.task}; name what this command has taught.")
    if checkpoint.config.backbone not in (backbone, narrow):
        raise ConfigError(
            f"{backbone} cannot go on from the {checkpoint.config.backbone} of {folder}; "
            f"name a {backbone}{f' or a {narrow}' if narrow else ''}."
        )
    return checkpoint


def distillation(options: argparse.Namespace) -> Distillation:
    """Read the data and resolve the flags."""
    start = earlier_student(options.backbone, options.start)
    length = DistillRecipe(
        epochs=options.epochs, minutes=None if options.epochs else options.minutes, image_size=options.image_size
    )
    return Distillation(
        backbone=options.backbone,
        data_name=options.data.resolve().name,
        data=load_faces(options.data),
        probed={split: load_split(options.data / PROBED, split) for split in SPLITS},
        recipe=recipe_of(options.backbone, length, start),
        seed=options.seed,
        precision=options.precision,
        cache=options.cache,
        start=start,
    )


if __name__ == "__main__":
    sys.exit(main())
