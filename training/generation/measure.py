"""What is measured of a generator after an epoch: FID and KID on held-out faces, and whether it has collapsed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torchvision.utils import make_grid

from anime_models.dcgan import Generator
from anime_models.errors import DatasetError
from anime_models.gan_metrics import FeatureExtractor, features, frechet_distance, kernel_distance
from training.generation.data import GanData, to_signed
from training.generation.loop import COLLAPSED, FID
from training.generation.recipe import GanRecipe

KID = "held_out/kid"
BATCH_SIZE = 64
FIXED_NOISE_SEED, NUM_FIXED, COLUMNS = 0, 16, 4
NUM_COMPARED, THUMBNAIL = 64, 16  # pictures whose differences tell a collapse, and their side in pixels
COLLAPSED_BELOW = 0.3  # of the differences between real pictures


class EpochMeasure:
    """Renders the fixed noise after each epoch and measures every few of them.

    FID and KID compare ``num_measured`` generated pictures with the held-out ones; after the last of ``num_epochs``
    they always do.
    """

    def __init__(
        self, data: GanData, recipe: GanRecipe, extractor: FeatureExtractor, samples: Path, num_epochs: int
    ) -> None:
        self.recipe, self.extractor, self.samples, self.num_epochs = recipe, extractor, samples, num_epochs
        self.held_out = features(extractor, picture_batches(data.held_out))
        self.real_differences = differences(to_signed(data.held_out[:NUM_COMPARED]))
        if not self.real_differences:
            raise DatasetError(f"The held-out pictures of {data.name} are all the same; name other data.")

    def __call__(self, kept: Generator, trained: Generator, epoch: int) -> dict[str, float]:
        """Figures after an epoch, counted from 0.

        A collapse shows in the generator that is ``trained``; a moving average lags behind it.
        """
        self.samples.mkdir(parents=True, exist_ok=True)
        with evaluating(kept, trained):
            save_grid(fixed_faces(kept), self.samples / f"epoch-{epoch + 1:03}.webp")
            spread = differences(generated(trained, NUM_COMPARED, FIXED_NOISE_SEED)) / self.real_differences
            line = {"samples/spread": spread, COLLAPSED: float(spread < COLLAPSED_BELOW)}
            return line | self._distances(kept, epoch)

    def _distances(self, generator: Generator, epoch: int) -> dict[str, float]:
        """FID and KID, where they fall due."""
        last = epoch + 1 == self.num_epochs
        if not last and (epoch + 1) % self.recipe.measure_every:
            return {}
        fake = features(self.extractor, generated_batches(generator, self.recipe.num_measured, seed=epoch + 1))
        return {FID: frechet_distance(self.held_out, fake), KID: kernel_distance(self.held_out, fake)[0]}


@contextmanager
def evaluating(*networks: nn.Module) -> Iterator[None]:
    """Networks in eval mode, and back in the mode that they were in."""
    modes = [network.training for network in networks]
    for network in networks:
        network.eval()
    yield
    for network, mode in zip(networks, modes, strict=True):
        network.train(mode)


def generated_batches(generator: Generator, count: int, seed: int, truncation: float = 1.0) -> Iterator[Tensor]:
    """Pictures ``[B, 3, S, S]`` in [-1, 1] of random latents times the truncation, in batches."""
    random = torch.Generator().manual_seed(seed)
    latents = truncation * torch.randn(count, generator.spec.latent_size, generator=random)
    with torch.inference_mode():
        for batch in latents.split(BATCH_SIZE):
            yield generator(batch)


def generated(generator: Generator, count: int, seed: int) -> Tensor:
    """The same in one tensor."""
    return torch.cat(list(generated_batches(generator, count, seed)))


def picture_batches(pixels: Tensor) -> Iterator[Tensor]:
    """Pictures kept as bytes ``[N, 3, S, S]`` in batches in [-1, 1]."""
    for batch in pixels.split(BATCH_SIZE):
        yield to_signed(batch)


def differences(pictures: Tensor) -> float:
    """Mean absolute difference between two pictures of a set, seen small."""
    small = functional.adaptive_avg_pool2d(pictures, THUMBNAIL).flatten(1)
    return float(torch.pdist(small, p=1).mean() / small.shape[1])


def fixed_faces(generator: Generator) -> Tensor:
    """Pictures of the noise that is the same in every epoch and run."""
    return generated(generator, NUM_FIXED, FIXED_NOISE_SEED)


def save_grid(pictures: Tensor, path: Path, columns: int = COLUMNS) -> None:
    """Write pictures in [-1, 1] as one grid without gaps."""
    grid = make_grid(pictures.clamp(-1, 1), nrow=columns, padding=0)
    pixels = grid.add(1).mul(127.5).round().byte().permute(1, 2, 0).numpy()
    temporary = path.with_suffix(".tmp")
    Image.fromarray(np.ascontiguousarray(pixels)).save(temporary, format="WEBP", quality=90)
    temporary.replace(path)
