"""Runs over group folds: to measure a recipe (``--folds``), to calibrate on more than validation (``--cross-fit``)."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from anime_models.calibration import calibrated
from anime_models.checkpoints import load_checkpoint
from anime_models.errors import ConfigError
from anime_models.face_datasets import FaceDataset, concatenate
from anime_models.records import Result, RunRecord, write_record
from training.calibrate import Fitting, calibrate, fitting_on, joined
from training.classifier_run import begin, failure_recorded, finish, finished_record, run, train
from training.folds import group_folds, held_out_folds
from training.job import Job
from training.measure import classification_results
from training.run_state import forget_state
from training.strangers import Strangers, strangers_of_fold

OUT_OF_FOLD = "out_of_fold.npz"


def cross_validate(job: Job, num_folds: int, folder: Path) -> RunRecord:
    """Run every fold that is not finished, then write the record with their mean and standard deviation."""
    record = begin(job, folder)
    with failure_recorded(record, folder):
        _cross_validate(job, num_folds, folder, record)
    return record


def _cross_validate(job: Job, num_folds: int, folder: Path, record: RunRecord) -> None:
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


def cross_fit(job: Job, num_folds: int, folder: Path) -> RunRecord:
    """Train on train and validation together, and calibrate on what models of the folds say of the faces they lack.

    So nothing is lost to validation, and confidences are fitted on every face that is not test. The models of the folds
    differ from the final one by the pictures that they lack, so its label sets have no guarantee of coverage (after
    cross-conformal prediction, Vovk, 2015, which combines the folds' models instead): it has to be measured.

    Raises:
        ConfigError: when the recipe chooses its epoch on validation: nothing is left to choose on.
    """
    if job.recipe.keep != "last":
        raise ConfigError(f"A cross-fit needs a recipe that keeps the last epoch; {job.recipe.name} does not.")
    everything = _without_validation(job)
    record = begin(everything, folder)
    with failure_recorded(record, folder):
        folds = held_out_folds(everything.splits["train"], num_folds, job.seed)
        fitting = joined([_out_of_fold(everything, splits, folder / f"fold-{i}") for i, splits in enumerate(folds)])
        train(everything, folder, record)
        checkpoint = load_checkpoint(folder / "checkpoint")
        checkpoint = calibrate(checkpoint, everything.splits["train"], fitting, "out_of_fold")
        assert checkpoint.config.calibration is not None
        probabilities = calibrated(fitting.logits, checkpoint.config.calibration.temperature)
        record.results = classification_results("out_of_fold", fitting.labels, probabilities, job.label_names)
        finish(everything, folder, record, checkpoint)
    return record


def _without_validation(job: Job) -> Job:
    """The job with its validation faces and strangers joined to the training ones."""
    joined_train = concatenate([job.splits["train"], job.splits["validation"]])
    others = {name: data for name, data in job.splits.items() if name not in ("train", "validation")}
    strangers = job.strangers
    if strangers is not None:
        strangers = Strangers(
            concatenate([strangers.train, strangers.validation]), _empty(strangers.validation), strangers.test
        )
    return dataclasses.replace(job, splits={"train": joined_train, **others}, strangers=strangers)


def _out_of_fold(job: Job, splits: dict[str, FaceDataset], folder: Path) -> Fitting:
    """Train on a fold's part and say what the model makes of the rest; once, then from its file."""
    path = folder / OUT_OF_FOLD
    if not path.is_file():
        strangers = None
        if job.strangers is not None:
            in_training = Strangers(job.strangers.train, job.strangers.validation, _empty(job.strangers.test))
            strangers = strangers_of_fold(in_training, splits)
            if not len(strangers.validation):
                raise ConfigError(
                    "No stranger shares a group with the faces that a fold lacks, so none can be held out with them; "
                    "cross-fit with --strangers neutral or none."
                )
        fold = dataclasses.replace(job, splits=splits, strangers=strangers)
        record = begin(fold, folder)
        with failure_recorded(record, folder):
            train(fold, folder, record)
            unknown = strangers.validation if strangers is not None else None
            checkpoint = load_checkpoint(folder / "checkpoint")
            _save(fitting_on(checkpoint, splits["train"], splits["validation"], unknown), path)
            record.status = "finished"
            write_record(record, folder / "record.json")
            forget_state(folder)
    return _load(path)


def _save(fitting: Fitting, path: Path) -> None:
    arrays: dict[str, Any] = {"logits": fitting.logits, "labels": fitting.labels}
    for name in ("known_scores", "stranger_scores"):
        arrays |= {f"{name}/{method}": scores for method, scores in getattr(fitting, name).items()}
    temporary = path.with_suffix(".tmp.npz")
    np.savez(temporary, **arrays)
    temporary.replace(path)


def _load(path: Path) -> Fitting:
    with np.load(path) as arrays:
        parts = {
            name: {key.partition("/")[2]: arrays[key] for key in arrays.files if key.startswith(f"{name}/")}
            for name in ("known_scores", "stranger_scores")
        }
        return Fitting(arrays["logits"], arrays["labels"], parts["known_scores"], parts["stranger_scores"])


def _empty(data: FaceDataset) -> FaceDataset:
    return data.select(np.arange(0))
