"""Checkpoint and face crops in, predictions with calibrated confidences out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from anime_models.backbones import FaceModel
from anime_models.calibration import calibrated, label_sets
from anime_models.checkpoints import EMBEDDING, Checkpoint, CheckpointConfig, load_checkpoint
from anime_models.errors import CheckpointError, ConfigError
from anime_models.hub import loading_from
from anime_models.preprocessing import eval_input
from anime_models.records import RunRecord
from anime_models.strangers import stranger_scores

BATCH_SIZE = 64
EMBEDDED = Path(__file__).parent / "embedded"


class Verdict(str, Enum):
    """What the answer is: the first candidate, a withheld answer, or nobody that the model knows."""

    LABEL = "label"
    NOT_SURE = "not_sure"
    STRANGER = "stranger"


@dataclass(frozen=True)
class Candidate:
    """One class with its calibrated confidence in [0, 1] and what is known of it (``{"series": "Vocaloid"}``)."""

    label: str
    confidence: float
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of one face.

    Attributes:
        candidates: every class, highest confidence first.
        verdict: whether the first candidate is the answer.
        conformal_set: labels that together hold the truth at least 90% of the time (for known faces); never empty.
        stranger_score: higher is stranger; NaN when the checkpoint has no rule for strangers.
    """

    candidates: tuple[Candidate, ...]
    verdict: Verdict
    conformal_set: tuple[str, ...]
    stranger_score: float

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.candidates[0].label

    @property
    def confidence(self) -> float:
        """Calibrated confidence of the most probable class, in [0, 1]."""
        return self.candidates[0].confidence


@dataclass(frozen=True)
class Outputs:
    """What the network says of ``N`` faces: ``logits`` ``[N, num_outputs]`` and pooled ``features`` ``[N, F]``."""

    logits: np.ndarray
    features: np.ndarray


class Classifier:
    """A calibrated classifier of face crops. Safe to share between threads: predicting changes nothing.

    Attributes:
        name: what it was loaded as: a folder or a Hub id; the folder's own name where it was not said.
    """

    def __init__(self, checkpoint: Checkpoint, name: str | None = None) -> None:
        if checkpoint.config.task == EMBEDDING:
            raise CheckpointError(
                f"{checkpoint.folder} holds an embedding, which names no classes; train a classifier from it: "
                f"python -m training.train_classifier --start {checkpoint.folder} ..."
            )
        if checkpoint.config.calibration is None:
            raise CheckpointError(
                f"{checkpoint.folder / 'config.json'}: calibration is null; a classifier answers with calibrated "
                "confidences, so finish its training run first."
            )
        self.calibration = checkpoint.config.calibration
        self.config: CheckpointConfig = checkpoint.config
        self.record: RunRecord | None = checkpoint.record
        self.model = checkpoint.model.to(memory_format=torch.channels_last)
        self.class_means = checkpoint.class_means
        self.name = checkpoint.folder.name if name is None else name

    @classmethod
    def load(cls, source: str | Path) -> Classifier:
        """Load a checkpoint folder or Hub id (see :func:`anime_models.hub.local_folder`)."""
        with loading_from(source) as folder:
            return cls(load_checkpoint(folder), str(source))

    @classmethod
    def embedded(cls, name: str) -> Classifier:
        """Load a checkpoint that ships with the package: ``characters`` or ``emotions``."""
        return cls(load_checkpoint(EMBEDDED / name))

    def to(self, device: str) -> Classifier:
        """Move the network to a device, such as ``cuda``, where it predicts from then on; returns the classifier."""
        self.model.to(device)
        return self

    @property
    def task(self) -> str:
        """``character`` or ``emotion``."""
        return self.config.task

    @property
    def label_names(self) -> tuple[str, ...]:
        """The classes, in the order of the logits."""
        return self.config.label_names

    def predict(self, crops: Sequence[Image.Image], abstain_below: float | None = None) -> list[Prediction]:
        """Predict RGB face crops of any size.

        Args:
            crops: square crops around one face each.
            abstain_below: confidence in [0, 1] below which the verdict is ``NOT_SURE``; the checkpoint's own if None.

        Raises:
            ConfigError: when ``abstain_below`` lies outside [0, 1].
        """
        threshold = self.calibration.abstention.threshold if abstain_below is None else abstain_below
        if not 0 <= threshold <= 1:
            raise ConfigError(f"The confidence to abstain below is {threshold}; give a number from 0 to 1.")
        if not crops:
            return []
        outputs = self.outputs(crops)
        known = outputs.logits[:, : len(self.label_names)]
        probabilities = calibrated(known, self.calibration.temperature)
        sets = label_sets(probabilities, self.calibration.conformal)
        scores = self._stranger_scores(outputs)
        return [
            Prediction(
                candidates=self._candidates(row),
                verdict=self._verdict(row, score, threshold),
                conformal_set=tuple(self.label_names[index] for index in chosen),
                stranger_score=float(score),
            )
            for row, chosen, score in zip(probabilities, sets, scores, strict=True)
        ]

    def outputs(self, crops: Sequence[Image.Image]) -> Outputs:
        """Logits and features of RGB face crops."""
        return network_outputs(self.model, self.config, crops)

    def input(self, crops: Sequence[Image.Image]) -> Tensor:
        """Normalised model input ``[N, 3, image_size, image_size]`` of RGB crops."""
        return eval_input(crops, self.config.preprocessing)

    def _stranger_scores(self, outputs: Outputs) -> np.ndarray:
        rule = self.config.strangers
        if rule is None:
            return np.full(len(outputs.logits), np.nan)
        return stranger_scores(rule.method, outputs.logits, outputs.features, self.class_means, len(self.label_names))

    def _verdict(self, probabilities: np.ndarray, stranger_score: float, abstain_below: float) -> Verdict:
        rule = self.config.strangers
        if rule is not None and stranger_score > rule.threshold:
            return Verdict.STRANGER
        return Verdict.NOT_SURE if probabilities.max() < abstain_below else Verdict.LABEL

    def _candidates(self, probabilities: np.ndarray) -> tuple[Candidate, ...]:
        details = self.config.label_details or ({},) * len(self.label_names)
        order = np.argsort(-probabilities, kind="stable")
        return tuple(Candidate(self.label_names[i], float(probabilities[i]), details[i]) for i in order)


def network_outputs(model: FaceModel, config: CheckpointConfig, crops: Sequence[Image.Image]) -> Outputs:
    """Logits and features of RGB face crops, averaged over the mirrored crop where the checkpoint says so."""
    logits, features = [], []
    device = next(model.parameters()).device
    for start in range(0, len(crops), BATCH_SIZE):
        images = eval_input(crops[start : start + BATCH_SIZE], config.preprocessing).to(device)
        with torch.inference_mode():
            views = [images, images.flip(-1)] if config.test_time_flip else [images]
            seen = torch.stack([model.features(view) for view in views])
            logits.append(model.head(seen).mean(dim=0))
            features.append(seen.mean(dim=0))
    return Outputs(*(torch.cat(parts).double().cpu().numpy() for parts in (logits, features)))
