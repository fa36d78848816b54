"""Pictures of a generator that nobody has picked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from anime_models.dcgan import Generator
from anime_models.latents import seed_latent, truncate
from training.generation.measure import save_grid

NUM_UNCURATED, TRUNCATION = 50, 0.7  # seeds from 0 on
COLUMNS, BATCH_SIZE = 10, 16


def save_uncurated(generator: Generator, path: Path) -> None:
    """Write a grid of the faces of the first seeds, row by row."""
    size = generator.spec.latent_size
    rows = [truncate(seed_latent(seed, size), TRUNCATION) for seed in range(NUM_UNCURATED)]
    latents = torch.from_numpy(np.stack(rows))
    with torch.inference_mode():
        pictures = torch.cat([generator(batch) for batch in latents.split(BATCH_SIZE)])
    save_grid(pictures, path, columns=COLUMNS)
