"""What is fitted after training: temperature, conformal sets, abstention, the rule for strangers.

It is fitted on pictures whose labels the weights were not trained on: validation, or out-of-fold ones of a cross-fit.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from anime_models.calibration import fit_calibration
from anime_models.checkpoints import Checkpoint
from anime_models.face_datasets import FaceDataset
from anime_models.strangers import Method, StrangerRule, best_method, class_means, threshold_at
from training.classification.measure import outputs_of, scores_by_method
from training.classification.strangers import Strangers

KNOWN_RATE = 0.05


@dataclass(frozen=True)
class Fitting:
    """What calibration is fitted on.

    Attributes:
        logits: of known faces, ``[N, C]``.
        labels: of known faces, ``[N]``.
        known_scores: stranger scores of known faces by method, ``[N]`` each; empty without strangers.
        stranger_scores: of strangers by method, ``[M]`` each; empty without strangers.
    """

    logits: np.ndarray
    labels: np.ndarray
    known_scores: dict[Method, np.ndarray]
    stranger_scores: dict[Method, np.ndarray]


def fitting_on(
    checkpoint: Checkpoint, train: FaceDataset, known: FaceDataset, strangers: FaceDataset | None
) -> Fitting:
    """Outputs of a checkpoint on pictures that it was not trained on; ``train`` is what it was trained on."""
    num_classes = len(checkpoint.config.label_names)
    outputs = outputs_of(checkpoint, known)
    scores: tuple[dict[Method, np.ndarray], dict[Method, np.ndarray]] = ({}, {})
    if strangers is not None and len(strangers):
        scores = scores_by_method(outputs, outputs_of(checkpoint, strangers), _means(checkpoint, train), num_classes)
    return Fitting(outputs.known_logits(num_classes), known.labels, *scores)


def joined(parts: list[Fitting]) -> Fitting:
    """The folds of a cross-fit as one."""

    def by_method(name: str) -> dict[Method, np.ndarray]:
        every = [getattr(part, name) for part in parts]
        return {method: np.concatenate([scores[method] for scores in every]) for method in every[0]}

    return Fitting(
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.labels for part in parts]),
        by_method("known_scores"),
        by_method("stranger_scores"),
    )


def calibrate(checkpoint: Checkpoint, train: FaceDataset, fitting: Fitting, fitted_on: str) -> Checkpoint:
    """The checkpoint with its calibration and, where there are strangers, the rule with the best AUROC."""
    calibration = fit_calibration(fitting.logits, fitting.labels, fitted_on=fitted_on)
    rule, means = None, None
    if fitting.stranger_scores:
        method = best_method(fitting.known_scores, fitting.stranger_scores)
        rule = StrangerRule(
            method=method,
            threshold=threshold_at(fitting.known_scores[method], KNOWN_RATE),
            known_rate=KNOWN_RATE,
            fitted_on=fitted_on,
            num_known=len(fitting.labels),
            num_strangers=len(fitting.stranger_scores[method]),
        )
        means = _means(checkpoint, train) if method == "distance" else None
    config = checkpoint.config.model_copy(update={"calibration": calibration, "strangers": rule})
    return dataclasses.replace(checkpoint, config=config, class_means=means)


def validation_fitting(checkpoint: Checkpoint, splits: dict[str, FaceDataset], strangers: Strangers | None) -> Fitting:
    """Outputs on the validation split."""
    unknown = strangers.validation if strangers is not None else None
    return fitting_on(checkpoint, splits["train"], splits["validation"], unknown)


def _means(checkpoint: Checkpoint, train: FaceDataset) -> np.ndarray:
    features = outputs_of(checkpoint, train).outputs.features
    return class_means(features, train.labels, len(checkpoint.config.label_names))
