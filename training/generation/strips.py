"""Pictures of what each named direction does, to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from anime_models.generator_checkpoint import GeneratorCheckpoint
from training.generation.measure import save_grid

AMOUNTS = np.linspace(-1, 1, 7, dtype=np.float32)
NUM_FACES = 6


def save_strips(checkpoint: GeneratorCheckpoint, folder: Path, seed: int) -> None:
    """Write a grid for each direction: a face in each row, from -strength on the left to +strength on the right."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    size = (NUM_FACES, 1, checkpoint.config.generator.latent_size)
    faces = torch.from_numpy(rng.standard_normal(size, dtype=np.float32))
    for info, vector in zip(checkpoint.config.directions, checkpoint.directions, strict=True):
        steps = info.strength * torch.from_numpy(AMOUNTS)[None, :, None] * vector
        with torch.inference_mode():
            pictures = checkpoint.generator((faces + steps).flatten(0, 1))
        save_grid(pictures, folder / f"{info.name.replace(' ', '-')}.webp", columns=len(AMOUNTS))
