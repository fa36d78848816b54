"""Project a picture into the latent space: the latent whose generated face looks most like it (Zhu et al., 2016)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from anime_models.arguments import whole_number
from anime_models.dcgan import Generator
from anime_models.latents import checked_seed
from anime_models.perceptual import PerceptualDistance
from anime_models.picture_tensors import to_pictures, to_tensor

NUM_STEPS = 200
MAX_STEPS = 1000
NUM_STARTS = 64
_START_BATCH = 16
_LEARNING_RATE = 0.1
_PRIOR_WEIGHT = 0.5

Report: TypeAlias = Callable[[float, Image.Image], None]
ShouldStop: TypeAlias = Callable[[], bool]


@dataclass(frozen=True)
class Projection:
    """What a projection found.

    Attributes:
        latent: float32 ``[latent_size]``, rounded to half precision, so that a permalink tells it exactly.
        picture: the generated face of this latent.
        losses: loss before each step.
        start_distance: of the best random face from the picture; see :class:`anime_models.perceptual`.
        end_distance: of ``picture`` from the picture.
        complete: whether all steps were made; False when it was stopped.
    """

    latent: np.ndarray
    picture: Image.Image
    losses: tuple[float, ...]
    start_distance: float
    end_distance: float
    complete: bool


def project(
    generator: Generator,
    picture: Image.Image,
    *,
    steps: int = NUM_STEPS,
    seed: int = 0,
    progress: Report | None = None,
    should_stop: ShouldStop | None = None,
) -> Projection:
    """Find the latent whose picture comes nearest to an RGB crop.

    Of 64 random faces the nearest is where Adam starts. The loss is the distance of
    :class:`anime_models.perceptual.PerceptualDistance` and a penalty that keeps the latent near the sphere of radius
    ``sqrt(latent_size)``, where random latents lie and faces are sound. The best latent on the way is the answer.

    Args:
        generator: in eval mode, without gradients of its own.
        picture: a square crop around a face; resized to the generator's pictures.
        steps: 1 to 1000.
        seed: of the random faces, 0 to 4294967295; the same seed gives the same answer.
        progress: called with a share in [0, 1] and the picture so far after each step.
        should_stop: asked before each step; the answer is then what was found until there.

    Raises:
        ConfigError: for steps or a seed outside their ranges.
    """
    whole_number("number of steps", steps, 1, MAX_STEPS)
    target = to_tensor([picture.convert("RGB")], generator.spec.image_size)
    with torch.enable_grad():
        search = _Search(generator, PerceptualDistance(target), seed)
        losses: list[float] = []
        while len(losses) < steps and not (should_stop is not None and should_stop()):
            losses.append(search.step(_LEARNING_RATE * (1 + math.cos(math.pi * len(losses) / steps)) / 2))
            if progress is not None:
                progress(len(losses) / steps, to_pictures(search.picture)[0])
        return search.result(tuple(losses), len(losses) == steps)


class _Search:
    """The walk of Adam through the latent space, and the best latent on it."""

    def __init__(self, generator: Generator, distance: PerceptualDistance, seed: int) -> None:
        self.generator = generator
        self.distance = distance
        start, self.start_distance = self._best_start(seed)
        self.best_latent, self.best_loss = start, math.inf
        self.latent = start.clone().requires_grad_()
        self.picture = generator(start[None])
        self.optimiser = torch.optim.Adam([self.latent])

    def step(self, learning_rate: float) -> float:
        """Go one step; the loss before it."""
        self.optimiser.param_groups[0]["lr"] = learning_rate
        self.optimiser.zero_grad()
        self.picture = self.generator(self.latent[None])
        loss = self.distance(self.picture)[0] + _PRIOR_WEIGHT * _off_sphere(self.latent)
        loss.backward()
        value = float(loss.detach())
        if value < self.best_loss:
            self.best_latent, self.best_loss = self.latent.detach().clone(), value
        self.optimiser.step()
        return value

    def result(self, losses: tuple[float, ...], complete: bool) -> Projection:
        """The best latent so far, the last one included, as a permalink can tell it."""
        with torch.no_grad():
            candidates = torch.stack([self.best_latent, self.latent.detach()]).half().float()
            judged = [self._judged(latent) for latent in candidates]
        end_distance, latent, picture = min(judged, key=lambda candidate: candidate[0])
        return Projection(latent.numpy(), to_pictures(picture)[0], losses, self.start_distance, end_distance, complete)

    def _judged(self, latent: Tensor) -> tuple[float, Tensor, Tensor]:
        picture = self.generator(latent[None])
        return float(self.distance(picture)), latent, picture

    def _best_start(self, seed: int) -> tuple[Tensor, float]:
        latents = torch.from_numpy(_random_latents(seed, self.generator.spec.latent_size))
        with torch.no_grad():
            distances = torch.cat([self.distance(self.generator(some)) for some in latents.split(_START_BATCH)])
        best = int(distances.argmin())
        return latents[best], float(distances[best])


def _random_latents(seed: int, latent_size: int) -> np.ndarray:
    rng = np.random.Generator(np.random.PCG64(checked_seed(seed)))
    return rng.standard_normal((NUM_STARTS, latent_size), dtype=np.float32)


def _off_sphere(latent: Tensor) -> Tensor:
    """How far the norm is from that of random latents: 0 on the sphere, 1 at its centre."""
    return (latent.square().mean().sqrt() - 1).square()
