"""Train a classifier of face crops, calibrate it, measure it and leave a run folder.

    python -m training.train_classifier --data ../shared/data/emotions --task emotion --strangers neutral
    python -m training.train_classifier --data ../shared/data/emotions --task emotion --folds 5

A killed run goes on from its last epoch with ``--resume RUN_FOLDER`` and the same other flags; a run that ended in an
error is marked ``failed`` and can be resumed as well.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

import numpy as np
import torch

from anime_models.backbones import BACKBONES
from anime_models.checkpoints import CheckpointConfig, load_checkpoint, save_checkpoint
from anime_models.classifier import Classifier
from anime_models.errors import AnimeModelsError, ConfigError
from anime_models.face_datasets import SPLITS, FaceDataset, dataset_revision, load_split
from anime_models.heads import HEADS
from anime_models.records import (
    DatasetPart,
    ModelPart,
    Result,
    RunRecord,
    SelectionPart,
    TimingPart,
    current_code,
    current_environment,
    new_run_id,
    peak_rss_mb,
    read_record,
    write_record,
)
from training.calibrate import calibrate
from training.cards import model_card
from training.folds import group_folds
from training.job import Job, check_data, preprocessing_of, start_model, training_pixels, validator
from training.loop import Fitted, fit, forget_state, seed_everything
from training.measure import inference_milliseconds, measure, model_part, write_predictions
from training.recipes import recipe_named
from training.strangers import Strangers, load_strangers, strangers_of_fold

REPOSITORY = Path(__file__).parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    try:
        splits = {split: load_split(options.data, split) for split in SPLITS}
        strangers = None if options.strangers == "none" else load_strangers(options.strangers, options.data)
        job = job_from(options, splits, strangers)
        folder = run_folder(options)
        if options.folds:
            cross_validate(job, options.folds, folder)
        else:
            run(job, folder)
    except AnimeModelsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Flags of the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.train_classifier", description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="dataset folder with train, validation, test.parquet")
    parser.add_argument("--task", choices=("character", "emotion"), required=True)
    parser.add_argument("--backbone", choices=tuple(BACKBONES), default="efficientnet_lite0")
    parser.add_argument("--head", choices=HEADS, default="plain")
    parser.add_argument("--start", default="packaged", help="imagenet, packaged, random, a checkpoint folder or Hub id")
    parser.add_argument("--recipe", help="name in training/recipes.py; the task's own by default")
    parser.add_argument("--strangers", choices=("none", "neutral", "faces"), default="none")
    parser.add_argument("--epochs", type=_positive, help="instead of the recipe's")
    parser.add_argument("--image-size", type=_positive, help="instead of the recipe's")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--folds", type=int, default=0, help="cross-validate by group over all splits")
    parser.add_argument("--no-flip", action="store_true", help="do not average over the mirror image when predicting")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--threads", type=_positive, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--resume", type=Path, help="run folder to go on with")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not above 0")
    return number


def job_from(options: argparse.Namespace, splits: dict[str, FaceDataset], strangers: Strangers | None) -> Job:
    """Resolve the flags into a job."""
    recipe = recipe_named(options.recipe or f"{options.task}s")
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
        start=options.start,
        recipe=recipe,
        seed=options.seed,
        precision=options.precision,
        test_time_flip=not options.no_flip,
    )


def run_folder(options: argparse.Namespace) -> Path:
    """The folder to resume, or a new one."""
    if options.resume:
        if not options.resume.is_dir():
            raise ConfigError(f"There is no run folder {options.resume}; leave --resume out to start a new run.")
        if finished_record(options.resume) is not None:
            raise ConfigError(f"The run {options.resume} is finished; leave --resume out to start a new run.")
        return Path(options.resume)
    strategy = f"full-folds{options.folds}" if options.folds else "full"
    return Path(options.out) / new_run_id(options.task, options.backbone, strategy, options.seed)


def run(job: Job, folder: Path) -> RunRecord:
    """Train, calibrate and measure; writes the run folder and returns its record."""
    record = begin(job, folder)
    try:
        train(job, folder, record)
    except Exception:
        record.status = "failed"
        write_record(record, folder / "record.json")
        raise
    forget_state(folder)
    return record


def begin(job: Job, folder: Path) -> RunRecord:
    """Write the record of a run that begins or goes on.

    Raises:
        ConfigError: when the folder holds a run that began with other settings.
    """
    record = started_record(job, folder.name)
    if (folder / "record.json").is_file():
        before, now = (_settings(each) for each in (read_record(folder / "record.json"), record))
        changed = [name for name, value in now.items() if before.get(name) != value]
        if changed:
            raise ConfigError(
                f"The run {folder} began with {changed[0]} {before.get(changed[0])!r}, not {now[changed[0]]!r}; "
                "resume it with the flags that it began with."
            )
    write_record(record, folder / "record.json")
    return record


def _settings(record: RunRecord) -> dict[str, object]:
    """What must not change when a run is resumed."""
    stored = record.model_dump(mode="json")
    names = {name: stored[name] for name in ("task", "seed")}
    model = {name: stored["model"][name] for name in ("backbone", "head", "start_weights")}
    data = {name: stored["dataset"][name] for name in ("revision", "num_images")}
    return {**names, **model, **data, **stored["recipe"]}


def train(job: Job, folder: Path, record: RunRecord) -> None:
    """All of a run but its first record and its cleaning up; fills in the record."""
    started = time.perf_counter()
    check_data(job)
    seed_everything(job.seed)
    model, preprocessing = start_model(job), preprocessing_of(job)
    pixels = training_pixels(job, preprocessing)
    validate = validator(job, preprocessing)
    fitted = fit(model, pixels, validate, job.recipe, preprocessing, job.seed, folder, job.precision)
    config = CheckpointConfig(
        task=job.task,
        backbone=job.backbone,
        head=job.head,
        label_names=job.label_names,
        label_details=job.splits["train"].details,
        preprocessing=preprocessing,
        test_time_flip=job.test_time_flip,
        stranger_output=job.stranger_output,
        start_weights=job.start,
    )
    record.selection = SelectionPart(metric="validation/loss at its best temperature", best_epoch=fitted.best_epoch)
    record.timing = timing(fitted, len(job.splits["train"]))
    record.model.num_trainable = sum(p.numel() for p in fitted.model.parameters() if p.requires_grad)
    save_checkpoint(folder / "checkpoint", fitted.model, config, record, card="")
    earlier_seconds = sum(line["seconds"] for line in fitted.epochs[: fitted.num_restored])
    finish(job, folder, record, started - earlier_seconds)


def finish(job: Job, folder: Path, record: RunRecord, started: float) -> None:
    """Calibrate and measure the weights as they are stored, and complete checkpoint, predictions and record."""
    checkpoint = calibrate(load_checkpoint(folder / "checkpoint"), job.splits, job.strangers)
    classifier = Classifier(checkpoint)
    measured = measure(classifier, job.splits, job.strangers)
    record.results, record.calibration = measured.results, measured.calibration
    record.model = model_part(classifier, record.model.num_trainable)
    timing = record.timing or TimingPart()
    timing.inference_ms = inference_milliseconds(classifier, job.splits["validation"])
    timing.total_seconds = time.perf_counter() - started
    timing.peak_rss_mb = peak_rss_mb()
    record.timing = timing
    record.status = "finished"
    write_predictions(measured.outputs, folder / "predictions.parquet")
    card = model_card(checkpoint.config, record)
    save_checkpoint(folder / "checkpoint", checkpoint.model, checkpoint.config, record, card, checkpoint.class_means)
    write_record(record, folder / "record.json")
    for result in record.results:
        if result.split == "test" and result.class_name is None:
            print(f"test/{result.metric}: {result.value:.4f}", flush=True)


def cross_validate(job: Job, num_folds: int, folder: Path) -> RunRecord:
    """Run every fold that is not finished, then write the record with their mean and standard deviation."""
    record = begin(job, folder)
    scores: dict[str, list[float]] = {"accuracy": [], "macro_f1": []}
    for index, splits in enumerate(group_folds(job.splits, num_folds, job.seed)):
        strangers = strangers_of_fold(job.strangers, splits) if job.strangers else None
        fold_folder = folder / f"fold-{index}"
        fold = finished_record(fold_folder) or run(
            dataclasses.replace(job, splits=splits, strangers=strangers), fold_folder
        )
        for metric, values in scores.items():
            value = fold.value(metric)
            assert value is not None
            values.append(value)
            record.results.append(Result(split=f"fold_{index}", metric=metric, value=value))
    for metric, values in scores.items():
        record.results.append(Result(split="folds", metric=f"{metric}_mean", value=float(np.mean(values))))
        record.results.append(Result(split="folds", metric=f"{metric}_sd", value=float(np.std(values, ddof=1))))
        print(f"{metric} over {num_folds} folds: {np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}")
    record.status = "finished"
    write_record(record, folder / "record.json")
    return record


def finished_record(folder: Path) -> RunRecord | None:
    """The record of a run folder, if the run is finished."""
    path = folder / "record.json"
    record = read_record(path) if path.is_file() else None
    return record if record is not None and record.status == "finished" else None


def started_record(job: Job, run_id: str) -> RunRecord:
    """The record of a run that has just begun."""
    return RunRecord(
        run_id=run_id,
        kind="measured",
        status="running",
        task=job.task,
        model=ModelPart(backbone=job.backbone, head=job.head, start_weights=job.start),
        strategy="full",
        seed=job.seed,
        recipe={**dataclasses.asdict(job.recipe), "test_time_flip": job.test_time_flip},
        dataset=DatasetPart(id=job.data_name, revision=job.revision, num_images=job.num_images),
        environment=current_environment(job.precision, torch.get_num_threads()),
        code=current_code(REPOSITORY),
    )


def timing(fitted: Fitted, num_images: int) -> TimingPart:
    """Durations of the training epochs."""
    seconds = float(np.mean([line["seconds"] for line in fitted.epochs]))
    return TimingPart(seconds_per_epoch=seconds, images_per_second=num_images / seconds)


if __name__ == "__main__":
    sys.exit(main())
