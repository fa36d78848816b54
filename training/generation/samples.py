"""Pictures of a generator that nobody has picked."""

from __future__ import annotations

from pathlib import Path

import torch

from anime_models.dcgan import Generator
from training.generation.measure import save_grid

UNCURATED = "uncurated.webp"
NUM_UNCURATED, UNCURATED_SEED, UNCURATED_TRUNCATION = 50, 1, 0.7
COLUMNS, BATCH_SIZE = 10, 16


def save_uncurated(generator: Generator, path: Path) -> None:
    """Write a grid of the first faces of one seed."""
    random = torch.Generator().manual_seed(UNCURATED_SEED)
    latents = UNCURATED_TRUNCATION * torch.randn(NUM_UNCURATED, generator.spec.latent_size, generator=random)
    with torch.inference_mode():
        pictures = torch.cat([generator(batch) for batch in latents.split(BATCH_SIZE)])
    save_grid(pictures, path, columns=COLUMNS)
