"""Training pictures of a generator, in memory as bytes, and the batches of an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from anime_models.errors import DatasetError
from anime_models.face_datasets import dataset_revision, load_split

LEAST = 4  # pictures of each set that is compared


@dataclass(frozen=True)
class GanData:
    """Pictures ``[N, 3, S, S]`` as uint8: to train on, and held out to measure with."""

    name: str
    revision: str
    train: Tensor
    held_out: Tensor


def load_gan_data(folder: Path, image_size: int, source: str | None = None, num_images: int | None = None) -> GanData:
    """Read the ``train`` and ``validation`` splits of a dataset folder at one size.

    On demand those of one ``source``, and no more than ``num_images`` of training, always the same ones.

    Raises:
        DatasetError: when a split is missing or holds no picture of the source.
    """
    train, held_out = (_pixels(folder, split, image_size, source) for split in ("train", "validation"))
    if num_images is not None:
        train = train[torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:num_images]]
    name = folder.resolve().name + (f":{source}" if source else "")
    return GanData(name, dataset_revision(folder), train, held_out)


def _pixels(folder: Path, split: str, image_size: int, source: str | None) -> Tensor:
    images = load_split(folder, split, None if source is None else lambda row: row.get("source") == source).images
    if len(images) < LEAST:
        of_source = "" if source is None else f" of the source {source!r}"
        raise DatasetError(
            f"{folder / split}.parquet holds {len(images)} pictures{of_source}, and {LEAST} are the least that "
            f"precision and recall can be told of; name another {'folder' if source is None else 'source'}."
        )
    return stacked(list(images), image_size)


def stacked(images: list[Image.Image], image_size: int) -> Tensor:
    """Pictures as one tensor ``[N, 3, S, S]`` of uint8."""
    pixels = np.empty((len(images), image_size, image_size, 3), np.uint8)
    for row, image in enumerate(images):
        fitting = image.size == (image_size, image_size)
        pixels[row] = np.asarray(image if fitting else image.resize((image_size, image_size), Image.Resampling.LANCZOS))
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def to_signed(pixels: Tensor) -> Tensor:
    """Bytes to floats in [-1, 1]."""
    return pixels.float().div_(127.5).sub_(1)


def gan_batches(data: GanData, batch_size: int, mirror: bool, random: torch.Generator) -> Iterator[Tensor]:
    """One epoch of shuffled batches in [-1, 1]; a last batch that is not full is left out, since BatchNorm needs it."""
    order = torch.randperm(len(data.train), generator=random)
    for rows in order[: len(order) // batch_size * batch_size].split(batch_size):
        pixels = to_signed(data.train[rows])
        if mirror:
            flipped = torch.rand(len(rows), generator=random) < 0.5
            pixels[flipped] = pixels[flipped].flip(-1)
        yield pixels.to(memory_format=torch.channels_last)
