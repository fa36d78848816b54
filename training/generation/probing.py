"""What a direction of the latent space does to faces: pictures on both ends of it, measured."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from scipy.special import log_softmax, logsumexp
from torch import Tensor

from anime_models.classifier import Classifier
from anime_models.generator_checkpoint import GeneratorCheckpoint
from anime_models.picture_tensors import to_pictures
from training.generation.face_measures import EMOTION_NAMES, Measures, face_measures

STEPS = (2.0, 3.0, 4.0, 5.0)  # along a direction, in units of z; a random latent goes beyond 3 once in 370
LARGEST_DROP = 0.5  # of the discriminator's mean logit, in standard deviations over random faces
_BATCH = 64


class Probe:
    """Moves a fixed set of random faces along directions.

    Args:
        checkpoint: the generator and its discriminator.
        emotions: classifier whose probabilities are measures too; None for none.
        num_faces: random faces that are moved; the first ``num_read`` of them are also read by the classifier.
        seed: of these faces.
    """

    def __init__(
        self, checkpoint: GeneratorCheckpoint, emotions: Classifier | None, num_faces: int, num_read: int, seed: int
    ) -> None:
        self.checkpoint, self.emotions, self.num_read = checkpoint, emotions, num_read
        rng = np.random.default_rng(seed)
        size = (num_faces, checkpoint.config.generator.latent_size)
        self.latents = torch.from_numpy(rng.standard_normal(size, dtype=np.float32))
        pictures = self._pictures(self.latents)
        self.deviations = {name: float(values.std()) for name, values in self._measures(pictures).items()}
        self.logit_deviation = float(self._logits(pictures).std())

    def strength(self, vector: np.ndarray, num_faces: int) -> float:
        """The longest step both ways along a unit vector ``[L]`` after which the discriminator is still content.

        That is: its mean logit has fallen by at most half a standard deviation. The shortest step where none is.
        """
        latents = self.latents[:num_faces]
        before = float(self._logits(self._pictures(latents)).mean())
        strength = STEPS[0]
        for step in STEPS[1:]:
            ends = self._ends(latents, vector, step)
            drops = [before - float(self._logits(self._pictures(end)).mean()) for end in ends]
            if max(drops) > LARGEST_DROP * self.logit_deviation:
                break
            strength = step
        return strength

    def effects(self, vector: np.ndarray, strength: float) -> dict[str, float]:
        """Mean change of each measure from one end of a direction to the other, in standard deviations."""
        low, high = (self._measures(self._pictures(end)) for end in self._ends(self.latents, vector, strength))
        return {
            name: float((high[name] - low[name]).mean()) / deviation
            for name, deviation in self.deviations.items()
            if deviation > 0
        }

    def _ends(self, latents: Tensor, vector: np.ndarray, step: float) -> tuple[Tensor, Tensor]:
        move = step * torch.from_numpy(vector)
        return latents - move, latents + move

    def _pictures(self, latents: Tensor) -> Tensor:
        return torch.cat(list(self._batches(self.checkpoint.generator, latents)))

    def _logits(self, pictures: Tensor) -> Tensor:
        return torch.cat(list(self._batches(self.checkpoint.discriminator, pictures)))

    @staticmethod
    def _batches(network: torch.nn.Module, inputs: Tensor) -> Iterator[Tensor]:
        with torch.inference_mode():
            for batch in inputs.split(_BATCH):
                yield network(batch)

    def _measures(self, pictures: Tensor) -> Measures:
        pixels = pictures.add(1).div(2).permute(0, 2, 3, 1).numpy()
        return {**face_measures(pixels), **self._emotions(pictures[: self.num_read])}

    def _emotions(self, pictures: Tensor) -> Measures:
        """Log-odds of each emotion."""
        if self.emotions is None or not len(pictures):
            return {}
        logits = self.emotions.outputs(to_pictures(pictures)).logits[:, : len(self.emotions.label_names)]
        names = [EMOTION_NAMES.get(label, f"more {label.lower()}") for label in self.emotions.label_names]
        return dict(zip(names, log_odds(logits).T, strict=True))


def log_odds(logits: np.ndarray) -> np.ndarray:
    """Log of p / (1 - p) for each class of logits ``[N, C]``."""
    logs = log_softmax(logits, axis=1)
    others = [logsumexp(np.delete(logs, index, axis=1), axis=1) for index in range(logs.shape[1])]
    odds: np.ndarray = logs - np.stack(others, axis=1)
    return odds
