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
from anime_models.records import Result, RunRecord
from training.classification.calibrate import Fitting, calibrate, fitting_on, joined
from training.classification.folds import group_folds, held_out_folds
from training.classification.job import Job, check_data
from training.classification.measure import calibrated_results, classification_results
from training.classification.run import begin, finish, run, train
from training.classification.strangers import Strangers, strangers_of_fold
from training.common.run_folders import failure_recorded, finished_record, store
from training.common.run_state import forget_state
from training.recipes import Recipe

OUT_OF_FOLD = "out_of_fold"  # as a split


def cross_validate(job: Job, num_folds: int, folder: Path) -> RunRecord:
    """Run every fold that is not finished, then write the record with their mean and standard deviation."""
    record = begin(job, folder)
    with failure_recorded(record, folder):
        _cross_validate(job, num_folds, folder, record)
    return record


def _cross_validate(job: Job, num_folds: int, folder: Path, record: RunRecord) -> None:
    scores: dict[str, list[float]] = {"accuracy": [], "macro_f1": []}
    folds = []
    for splits in group_folds(job.splits, num_folds, job.seed):
        strangers = strangers_of_fold(job.strangers, splits) if job.strangers else None
        folds.append(dataclasses.replace(job, splits=splits, strangers=strangers))
    _check_all(folds)
    for index, fold_job in enumerate(folds):
        fold_folder = folder / f"fold-{index}"
        fold = finished_record(fold_folder) or run(_as_precise(fold_job, record), fold_folder)
        _share_precision(fold, record)
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
    store(record, folder)


def check_cross_fit(recipe: Recipe) -> None:
    """Refuse a recipe that chooses its epoch on validation: a cross-fit leaves nothing to choose on.

    Raises:
        ConfigError: when it does.
    """
    if recipe.keep != "last":
        raise ConfigError(f"A cross-fit needs a recipe that keeps the last epoch; {recipe.name} does not.")


def cross_fit(job: Job, num_folds: int, folder: Path) -> RunRecord:
    """Train on train and validation together, and calibrate on what models of the folds say of the faces they lack.

    So nothing is lost to validation, and confidences are fitted on every face that is not test. The models of the folds
    differ from the final one by the pictures that they lack, so its label sets have no guarantee of coverage (after
    cross-conformal prediction, Vovk, 2015, which combines the folds' models instead): it has to be measured.
    The recipe has to be one that :func:`check_cross_fit` lets through.
    """
    everything = _without_validation(job)
    record = begin(everything, folder)
    with failure_recorded(record, folder):
        folds = [
            _without_held_out(everything, splits)
            for splits in held_out_folds(everything.splits["train"], num_folds, job.seed)
        ]
        _check_all([everything, *folds])
        fitting = joined([_out_of_fold(fold, folder / f"fold-{index}", record) for index, fold in enumerate(folds)])
        train(everything, folder, record)
        checkpoint = load_checkpoint(folder / "checkpoint")
        checkpoint = calibrate(checkpoint, everything.splits["train"], fitting, OUT_OF_FOLD)
        assert checkpoint.config.calibration is not None
        groups = [group for fold in folds for group in fold.splits["validation"].groups]
        plain, adjusted = (calibrated(fitting.logits, t) for t in (1.0, checkpoint.config.calibration.temperature))
        record.results = [
            *classification_results(OUT_OF_FOLD, fitting.labels, plain, job.label_names, groups),
            *calibrated_results(OUT_OF_FOLD, fitting.labels, adjusted, groups),
        ]
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


def _without_held_out(job: Job, splits: dict[str, FaceDataset]) -> Job:
    """The job on a fold's part, with the rest, and the strangers that share its groups, for validation."""
    if job.strangers is None:
        return dataclasses.replace(job, splits=splits)
    in_training = Strangers(job.strangers.train, job.strangers.validation, _empty(job.strangers.test))
    strangers = strangers_of_fold(in_training, splits)
    if not len(strangers.validation):
        raise ConfigError(
            "No stranger shares a group with the faces that one of the folds lacks, so none can be held out with them; "
            "cross-fit with fewer folds, or leave --strangers out."
        )
    return dataclasses.replace(job, splits=splits, strangers=strangers)


def _check_all(jobs: list[Job]) -> None:
    """Refuse what cannot be trained on before any of the folds takes its time."""
    for job in jobs:
        check_data(job)


def _as_precise(job: Job, record: RunRecord) -> Job:
    """The job in the precision of the whole run, once its first fold has measured which that is."""
    assert record.environment is not None
    return dataclasses.replace(job, precision=record.environment.precision)


def _share_precision(fold: RunRecord, record: RunRecord) -> None:
    assert fold.environment is not None
    assert record.environment is not None
    record.environment.precision = fold.environment.precision


def _out_of_fold(job: Job, folder: Path, whole: RunRecord) -> Fitting:
    """Train on a fold's part and say what the model makes of the rest; once, then from its file."""
    path = folder / f"{OUT_OF_FOLD}.npz"
    fold = finished_record(folder) or begin(_as_precise(job, whole), folder)
    with failure_recorded(fold, folder):
        if not path.is_file():
            train(job, folder, fold)
            unknown = job.strangers.validation if job.strangers is not None else None
            checkpoint = load_checkpoint(folder / "checkpoint")
            _save(fitting_on(checkpoint, job.splits["train"], job.splits["validation"], unknown), path)
        fold.status = "finished"
        store(fold, folder)
        forget_state(folder)
    _share_precision(fold, whole)
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
