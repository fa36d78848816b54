"""What is fitted after training, on validation: temperature, conformal sets, abstention, the rule for strangers."""

from __future__ import annotations

import dataclasses

from anime_models.calibration import fit_calibration
from anime_models.checkpoints import Checkpoint
from anime_models.face_datasets import FaceDataset
from anime_models.strangers import StrangerRule, best_method, class_means, threshold_at
from training.measure import outputs_of, scores_by_method
from training.strangers import Strangers

KNOWN_RATE = 0.05


def calibrate(checkpoint: Checkpoint, splits: dict[str, FaceDataset], strangers: Strangers | None) -> Checkpoint:
    """The checkpoint with its calibration and, where there are strangers, the rule with the best validation AUROC."""
    num_classes = len(checkpoint.config.label_names)
    known = outputs_of(checkpoint, splits["validation"])
    calibration = fit_calibration(known.known_logits(num_classes), splits["validation"].labels)
    update: dict[str, object] = {"calibration": calibration, "strangers": None}
    means = None
    if strangers is not None and len(strangers.validation):
        train = outputs_of(checkpoint, splits["train"])
        means = class_means(train.outputs.features, splits["train"].labels, num_classes)
        unknown = outputs_of(checkpoint, strangers.validation)
        known_scores, stranger_scores = scores_by_method(known, unknown, means, num_classes)
        method = best_method(known_scores, stranger_scores)
        update["strangers"] = StrangerRule(
            method=method,
            threshold=threshold_at(known_scores[method], KNOWN_RATE),
            known_rate=KNOWN_RATE,
            fitted_on="validation",
            num_known=len(known.data),
            num_strangers=len(unknown.data),
        )
        means = means if method == "distance" else None
    config = checkpoint.config.model_copy(update=update)
    return dataclasses.replace(checkpoint, config=config, class_means=means)
