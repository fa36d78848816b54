"""Pictures with face boxes: reading them, and what is kept back from training to choose and to measure with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from anime_models.errors import DatasetError
from anime_models.images import load_image

Boxes = NDArray[np.float32]
NO_BOXES: Boxes = np.zeros((0, 4), np.float32)

# Three quarters of this source's face crops are cut from the detection test pictures themselves.
LEAKING_SOURCE = "AO7108/anime-face-classifier"
CROP_SETS = {"characters": 10_000, "emotions": 10_000, "stickers": 10_000, "faces128": 10_000, "faces64": 5_000}
"""Data sets of face crops, and how many pictures of each are taken at most."""
_HELD_OUT_SOURCE = "srg2912/AnimaLink"
_LARGEST_HELD_OUT_GROUP = 50


@dataclass(frozen=True)
class Picture:
    """An RGB picture and the boxes [n, 4] (x0, y0, x1, y1, pixels) of all its faces."""

    image: Image.Image
    boxes: Boxes
    kind: str = ""
    source: str = ""


@dataclass(frozen=True)
class DetectionData:
    """Everything that training reads: pictures by use.

    `negatives` train, `held_out_negatives` only count false faces; the crops have no boxes; `drawn` are procedural.
    """

    scenes: list[Picture]
    negatives: list[Picture]
    held_out_negatives: list[Picture]
    validation: list[Picture]
    crops: list[Picture]
    validation_crops: list[Picture]
    drawn: tuple[Picture, ...] = ()


def read_detection_data(data: Path, extra: Path | None) -> DetectionData:
    """Read the scenes and negatives of `data` and the face crops of the data sets in `extra` (None: no crops).

    Raises:
        DatasetError: when a file or an image column is missing.
    """
    pictures = read_pictures(data / "train.parquet")
    negatives = [picture for picture in pictures if picture.kind == "negative"]
    held_out = held_out_mask(negatives)
    return DetectionData(
        scenes=[picture for picture in pictures if picture.kind != "negative"],
        negatives=[picture for picture, held in zip(negatives, held_out, strict=True) if not held],
        held_out_negatives=[picture for picture, held in zip(negatives, held_out, strict=True) if held],
        validation=read_pictures(data / "validation.parquet"),
        crops=[] if extra is None else read_crops(extra, "train"),
        validation_crops=[] if extra is None else read_crops(extra, "validation"),
    )


def read_pictures(path: Path, limit: int | None = None) -> list[Picture]:
    """Read a Parquet file with `image` and, where it has them, `boxes`, `kind` and `source`.

    Args:
        path: the file.
        limit: at most this many rows, evenly spread over the file.

    Raises:
        DatasetError: when the file or its image column is missing.
    """
    if not path.is_file():
        raise DatasetError(f"There is no file {path}. Name the folder that holds it with --data or --extra.")
    table = pq.read_table(path)
    if "image" not in table.column_names:
        raise DatasetError(f"{path} has no column 'image'; it has {', '.join(table.column_names)}.")
    if limit is not None and limit < len(table):
        table = table.take(np.linspace(0, len(table) - 1, limit).astype(int))
    return [
        Picture(
            load_image(row["image"]["bytes"]),
            np.asarray(row.get("boxes") or NO_BOXES, np.float32).reshape(-1, 4),
            row.get("kind", ""),
            row.get("source", ""),
        )
        for row in table.to_pylist()
    ]


def read_crops(folder: Path, split: str) -> list[Picture]:
    """Face crops (without boxes) of the data sets in a folder, without those cut from detection test pictures.

    `kind` names the data set.
    """
    crops = [
        Picture(picture.image, picture.boxes, name, picture.source)
        for name, limit in CROP_SETS.items()
        if (folder / name).is_dir()
        for picture in read_pictures(folder / name / f"{split}.parquet", limit)
        if picture.source != LEAKING_SOURCE
    ]
    if not crops:
        raise DatasetError(f"{folder} holds none of the face crop data sets {', '.join(CROP_SETS)}; omit --extra.")
    return crops


def held_out_mask(negatives: Sequence[Picture]) -> list[bool]:
    """Which face-free pictures are kept back: one source wholly, and of the others each fourth group of look-alikes."""
    others = [picture for picture in negatives if picture.source != _HELD_OUT_SOURCE]
    groups = group_by_colour(others)
    order = list(dict.fromkeys(groups))
    held_groups = {group for group in order[3::4] if groups.count(group) < _LARGEST_HELD_OUT_GROUP}
    held = iter([group in held_groups for group in groups])
    return [picture.source == _HELD_OUT_SOURCE or next(held) for picture in negatives]


def group_by_colour(pictures: Sequence[Picture], distance: float = 0.2) -> list[int]:
    """Group numbers that join crops of one background, so that it is never both learnt from and measured on.

    Two pictures join where their histograms of 64 colours differ by less than `distance` in total variation, and groups
    grow by single linkage: rather too large a group than a shared background.
    """
    levels = [np.asarray(picture.image.resize((64, 64))) // 64 for picture in pictures]
    histograms = [
        np.bincount(((level[..., 0] * 4 + level[..., 1]) * 4 + level[..., 2]).ravel(), minlength=64) / 4096
        for level in levels
    ]
    groups = list(range(len(pictures)))
    for i, first in enumerate(histograms):
        for j in range(i):
            if np.abs(first - histograms[j]).sum() / 2 < distance and groups[i] != groups[j]:
                old, new = groups[i], groups[j]
                groups = [new if group == old else group for group in groups]
    return groups


def letterbox(picture: Picture, size: int, centred: bool = False) -> Picture:
    """Scale the picture to fit a grey `size` x `size` square, in its upper left corner or in its middle."""
    scale = size / max(picture.image.size)
    width, height = (max(1, round(side * scale)) for side in picture.image.size)
    offset = ((size - width) // 2, (size - height) // 2) if centred else (0, 0)
    square = Image.new("RGB", (size, size), (127, 127, 127))
    square.paste(picture.image.resize((width, height), Image.Resampling.BILINEAR), offset)
    return Picture(square, picture.boxes * scale + np.asarray(offset * 2, np.float32))
