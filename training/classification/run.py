"""One run of a classifier's training: a folder with its record, from the first epoch to the measured checkpoint."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
import torch

from anime_models.checkpoints import Checkpoint, CheckpointConfig, load_checkpoint, save_checkpoint
from anime_models.classifier import Classifier
from anime_models.errors import ConfigError
from anime_models.records import (
    DatasetPart,
    ModelPart,
    RunRecord,
    SelectionPart,
    TimingPart,
    current_code,
    current_environment,
    peak_rss_mb,
)
from training.classification.calibrate import calibrate, validation_fitting
from training.classification.cards import model_card
from training.classification.job import Job, Validator, preprocessing_of, start_model, training_pixels
from training.classification.loop import LOSS_OF, Fitted, Setting, fit
from training.classification.measure import inference_milliseconds, measure, with_cost, write_predictions
from training.classification.phases import open_most
from training.common.optimisation import seed_everything
from training.common.precision import fastest_precision
from training.common.processes import current_processes
from training.common.run_folders import REPOSITORY, failure_recorded, interrupted_record, store
from training.common.run_state import forget_state
from training.common.start_weights import start_weights


def run(job: Job, folder: Path) -> RunRecord:
    """Train, calibrate and measure; writes the run folder and returns its record."""
    record = begin(job, folder)
    with failure_recorded(record, folder):
        train(job, folder, record)
        if current_processes().is_main:
            checkpoint = load_checkpoint(folder / "checkpoint")
            fitting = validation_fitting(checkpoint, job.splits, job.strangers)
            finish(job, folder, record, calibrate(checkpoint, job.splits["train"], fitting, "validation"))
    return record


def begin(job: Job, folder: Path) -> RunRecord:
    """Write the record of a run that begins or goes on.

    Raises:
        ConfigError: when the folder holds a run that began with other settings.
    """
    record = started_record(job, folder.name)
    begun = interrupted_record(record, folder, _settings)
    if begun is not None and begun.environment is not None:
        measured = begun.environment.precision  # at the start; the run goes on as it began
        if "auto" not in (measured, job.precision) and measured != job.precision:
            raise ConfigError(f"The run {folder} began in {measured}, not {job.precision}; resume it with that.")
        record.run_id, record.environment = begun.run_id, begun.environment
    store(record, folder)
    return record


def _settings(record: RunRecord) -> dict[str, object]:
    """What must not change when a run is resumed."""
    stored = record.model_dump(mode="json")
    names = {name: stored[name] for name in ("study", "seed")}
    model = {name: stored["model"][name] for name in ("backbone", "head", "start_weights", "start_digest")}
    data = {name: stored["dataset"][name] for name in ("revision", "num_images")}
    return {**names, **model, **data, **stored["recipe"]}


def train(job: Job, folder: Path, record: RunRecord) -> Fitted:
    """Train and store the weights that are kept, not calibrated yet; fills in the record's training side."""
    started = time.perf_counter()
    seed_everything(job.seed)
    model, preprocessing = start_model(job), preprocessing_of(job)
    processes = current_processes()
    model.to(processes.device)
    assert record.environment is not None
    if record.environment.precision == "auto":
        open_most(model, job.recipe)  # of a frozen backbone only the forward pass matters
        precision = fastest_precision(model, preprocessing.image_size, processes.device)
        record.environment.precision = processes.agree(precision)
        store(record, folder)
    seed_everything(job.seed)
    pixels = training_pixels(job, preprocessing)
    validate = Validator(job, preprocessing, processes.device) if "validation" in job.splits else None
    setting = Setting(folder, record.environment.precision, job.cache, processes)
    fitted = fit(model, pixels, validate, job.recipe, preprocessing, job.seed, setting)
    rule = {"last": "last epoch"}.get(job.recipe.keep, LOSS_OF[job.recipe.keep])
    record.selection = SelectionPart(metric=rule, best_epoch=fitted.best_epoch)
    record.model.num_trainable = fitted.num_trainable
    earlier_seconds = sum(line["seconds"] for line in fitted.epochs[: fitted.num_restored])
    record.timing = timing(fitted, len(job.splits["train"]), time.perf_counter() - started + earlier_seconds)
    if processes.is_main:
        config = CheckpointConfig(
            task=job.task,
            backbone=job.backbone,
            head=job.head,
            label_names=job.label_names,
            label_details=job.splits["train"].details,
            preprocessing=preprocessing,
            test_time_flip=job.recipe.test_time_flip,
            stranger_output=job.stranger_output,
            start_weights=start_weights(job.start).name,
        )
        save_checkpoint(folder / "checkpoint", fitted.model, config, record, card="")
    return fitted


def finish(job: Job, folder: Path, record: RunRecord, checkpoint: Checkpoint) -> None:
    """Measure the weights as they are stored, and complete checkpoint, predictions and record."""
    started = time.perf_counter()
    classifier = Classifier(checkpoint)
    measured = measure(classifier, job.splits, job.strangers)
    record.results += measured.results
    record.calibration = measured.calibration
    record.model = with_cost(record.model, classifier)
    assert record.timing is not None
    record.timing.inference_ms = inference_milliseconds(classifier, job.splits["test"])
    record.timing.total_seconds = (record.timing.total_seconds or 0.0) + time.perf_counter() - started
    record.timing.peak_rss_mb = peak_rss_mb()
    record.status = "finished"
    write_predictions(measured.outputs, folder / "predictions.parquet")
    card = model_card(checkpoint.config, record)
    save_checkpoint(folder / "checkpoint", checkpoint.model, checkpoint.config, record, card, checkpoint.class_means)
    store(record, folder)
    forget_state(folder)
    for result in record.results:
        if result.split == "test" and result.class_name is None:
            print(f"test/{result.metric}: {result.value:.4f}", flush=True)


def started_record(job: Job, run_id: str) -> RunRecord:
    """The record of a run that has just begun."""
    start = start_weights(job.start)
    return RunRecord(
        run_id=run_id,
        kind="measured",
        status="running",
        task=job.task,
        study=job.study,
        model=ModelPart(backbone=job.backbone, head=job.head, start_weights=start.name, start_digest=start.digest),
        strategy=job.recipe.strategy,
        seed=job.seed,
        recipe={**dataclasses.asdict(job.recipe), "processes": current_processes().count},
        dataset=DatasetPart(id=job.data_name, revision=job.revision, num_images=job.num_images),
        environment=current_environment(job.precision, torch.get_num_threads(), current_processes().device.type),
        code=current_code(REPOSITORY),
    )


def timing(fitted: Fitted, num_images: int, total_seconds: float) -> TimingPart:
    """Durations of the training."""
    seconds = float(np.mean([line["seconds"] for line in fitted.epochs]))
    return TimingPart(
        seconds_per_epoch=seconds,
        images_per_second=num_images / seconds,
        total_seconds=total_seconds,
        epochs_run=len(fitted.epochs),
    )
