"""Checkpoint and seeds or latents in, drawn faces out: the same bytes for the same seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from PIL import Image

from anime_models.arguments import real_number
from anime_models.epoch_pictures import epoch_pictures
from anime_models.generator_checkpoint import (
    EPOCHS,
    DirectionInfo,
    GeneratorCheckpoint,
    GeneratorConfig,
    load_generator,
)
from anime_models.hub import loading_from
from anime_models.latents import checked_latent, checked_latents, seed_latent, truncate
from anime_models.permalinks import FacePoint, check_names, from_text, to_text
from anime_models.picture_tensors import to_pictures, to_tensor
from anime_models.projection import NUM_STEPS, Projection, Report, ShouldStop, project
from anime_models.records import RunRecord

EMBEDDED = Path(__file__).parent / "embedded" / "generator"


class FaceGenerator:
    """A generator of drawn faces, on the CPU. Safe to share between threads: generating changes nothing.

    Attributes:
        name: what it was loaded as: a folder or a Hub id; the folder's own name where it was not said.
        fingerprint: eight hexadecimal digits of the weights and directions, which permalinks carry.
        epochs: pictures of one fixed noise after each epoch of training, oldest first; empty when there are none.
    """

    def __init__(self, checkpoint: GeneratorCheckpoint, name: str | None = None) -> None:
        self.config: GeneratorConfig = checkpoint.config
        self.record: RunRecord | None = checkpoint.record
        self.generator = checkpoint.generator.requires_grad_(False)
        self.discriminator = checkpoint.discriminator.requires_grad_(False)
        self.folder = checkpoint.folder
        self.name = checkpoint.folder.name if name is None else name
        self.epochs = epoch_pictures(checkpoint.folder / EPOCHS)
        self.fingerprint = _fingerprint(checkpoint)
        self._vectors = checkpoint.directions.numpy()

    @classmethod
    def load(cls, source: str | Path | None = None) -> FaceGenerator:
        """Load a checkpoint folder or Hub id (see :func:`anime_models.hub.local_folder`); None: the embedded one.

        Raises:
            HubError: when there is no such folder or repository.
            CheckpointError: when the checkpoint is damaged; it names file and key.
        """
        if source is None:
            return cls(load_generator(EMBEDDED))
        with loading_from(source) as folder:
            return cls(load_generator(folder), str(source))

    @property
    def directions(self) -> tuple[DirectionInfo, ...]:
        """The named directions, in the order of the checkpoint."""
        return self.config.directions

    @property
    def latent_size(self) -> int:
        """Length of a latent."""
        return self.config.generator.latent_size

    @property
    def image_size(self) -> int:
        """Side of the pictures in pixels."""
        return self.config.generator.image_size

    def latent(self, seed: int, truncation: float = 1.0, clip: float | None = None) -> np.ndarray:
        """The latent ``[latent_size]`` of a seed, truncated as in :func:`anime_models.latents.truncate`.

        Raises:
            ConfigError: for a seed outside 0 to 4294967295, or a truncation or clip outside its range.
        """
        return truncate(seed_latent(seed, self.latent_size), truncation, clip)

    def latent_at(self, point: FacePoint) -> np.ndarray:
        """The latent ``[latent_size]`` that a point stands for: its start, truncated, then moved along the directions.

        Raises:
            ConfigError: for a latent of another length or a direction that this generator does not have.
        """
        return self.move(truncate(point.start(self.latent_size), point.truncation, point.clip), point.directions)

    def move(self, latent: ArrayLike, amounts: Mapping[str, float]) -> np.ndarray:
        """Move a latent ``[latent_size]`` along named directions.

        Args:
            latent: where to start.
            amounts: -1 to 1 by name; 1 is the direction's full strength.

        Raises:
            ConfigError: for a name that is no direction's, an amount outside [-1, 1] or a latent of another shape.
        """
        moved = checked_latent(latent, self.latent_size).astype(np.float64)
        check_names(amounts, [direction.name for direction in self.directions])
        for direction, vector in zip(self.directions, self._vectors, strict=True):
            if direction.name in amounts:
                amount = real_number(f"amount of '{direction.name}'", amounts[direction.name], -1, 1)
                moved += amount * direction.strength * vector
        return moved.astype(np.float32)

    def images(self, latents: ArrayLike) -> list[Image.Image]:
        """RGB pictures of latents ``[N, latent_size]``.

        They are made one at a time: in a batch the CPU sums in another order, so that the last bits of a picture would
        depend on the pictures beside it.

        Raises:
            ConfigError: for another shape, NaN or numbers beyond +-100.
        """
        rows = torch.from_numpy(checked_latents(latents, self.latent_size))
        with torch.inference_mode():
            return [to_pictures(self.generator(row[None]))[0] for row in rows]

    def image(self, point: FacePoint) -> Image.Image:
        """The RGB picture of a point; errors as in `latent_at`."""
        return self.images(self.latent_at(point)[None])[0]

    def scores(self, pictures: Sequence[Image.Image]) -> np.ndarray:
        """Logits ``[N]`` of the discriminator for RGB pictures, higher for what looks more real to it.

        Pictures are seen one at a time, so that a score does not depend on the others; where the discriminator looks at
        the variety of a batch, that part is the same for all. The logits rank pictures; they are no probabilities.
        """
        with torch.inference_mode():
            scores = [self.discriminator(to_tensor([picture], self.image_size)) for picture in pictures]
        return torch.cat(scores).numpy() if scores else np.zeros(0, np.float32)

    def project(
        self,
        picture: Image.Image,
        *,
        steps: int = NUM_STEPS,
        seed: int = 0,
        progress: Report | None = None,
        should_stop: ShouldStop | None = None,
    ) -> Projection:
        """Find the latent whose picture comes nearest to an RGB crop; see :func:`anime_models.projection.project`."""
        return project(self.generator, picture, steps=steps, seed=seed, progress=progress, should_stop=should_stop)

    def permalink(self, point: FacePoint) -> str:
        """The compact text of a point, fit for a URL; errors as in :func:`anime_models.permalinks.to_text`."""
        return to_text(point, self.fingerprint, [direction.name for direction in self.directions])

    def from_permalink(self, text: str) -> FacePoint:
        """The point of a text of `permalink`; errors as in :func:`anime_models.permalinks.from_text`."""
        names = [direction.name for direction in self.directions]
        return from_text(text, self.fingerprint, names, self.latent_size)


def _fingerprint(checkpoint: GeneratorCheckpoint) -> str:
    """The start of the SHA-256 of the generator's weights and its directions, all that a point's picture depends on."""
    digest = hashlib.sha256()
    for tensor in (*checkpoint.generator.state_dict().values(), checkpoint.directions):
        digest.update(tensor.contiguous().numpy().tobytes())
    digest.update(repr([(each.name, each.strength) for each in checkpoint.config.directions]).encode())
    return digest.hexdigest()[:8]
