"""Faces to learn features on without their labels, and those that have to stay unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from anime_models.errors import DatasetError
from anime_models.face_datasets import FaceDataset, dataset_revision, load_split
from anime_models.preprocessing import resize_square
from training.classification.strangers import KNOWN_GROUPS, difference_hashes, without_duplicates

UNLABELLED = ("faces64", "faces128")
LEARNT_FROM = (*UNLABELLED, "characters", "emotions", "gender")
# Some drawings of `stickers` are in `emotions` as well, cut closer than hashes can tell and split otherwise. So nothing
# is learnt from the stickers of either. Nor from known characters in `emotions`, the other source they are tested on.
STICKERS, ALSO_STICKERS_PREFIX = "stickers", "sk/"
TRAIN = "train"
LARGEST_SIDE = 160  # a quarter more than the largest input, so that random crops lose no detail
CHUNK_SIZE = 256  # pictures compared at a time with all that are held out


@dataclass(frozen=True)
class Faces:
    """Pictures in memory: uint8 ``[3, s, s]`` of side ``s`` up to ``LARGEST_SIDE``, and an id for each."""

    pixels: tuple[Tensor, ...]
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True)
class DistillationData:
    """What a student learns on, and what its loss is reported on.

    Attributes:
        train: training pictures of all data sets, without near duplicates of any picture that is held out.
        validation: validation pictures of the unlabelled data sets.
        num_duplicates: how many training pictures were left out as near duplicates, also mirrored ones.
        revision: digest of all files that were read.
    """

    train: Faces
    validation: Faces
    num_duplicates: int
    revision: str

    @property
    def num_images(self) -> dict[str, int]:
        """Pictures in each split, and those left out."""
        return {"train": len(self.train), "validation": len(self.validation), "duplicates": self.num_duplicates}


def load_faces(root: Path) -> DistillationData:
    """Read the data sets beside one another in ``root``.

    What is learnt from are training files (``train``, ``…_train``); every other file, and all of ``stickers``, is held
    out.

    Raises:
        DatasetError: when data sets are missing, names all that are; or when a file cannot be read.
    """
    folders = [root / name for name in (*LEARNT_FROM, STICKERS)]
    missing = [folder.name for folder in folders if not folder.is_dir()]
    if missing:
        raise DatasetError(f"{root} holds no {', '.join(missing)}; name the folder that holds all the data sets.")
    hashes = _held_out_hashes(folders)
    train, num_duplicates = Faces((), ()), 0
    for folder in folders:
        for split in _training_files(folder):
            part = load_split(folder, split, _may_be_learnt_from)
            kept = [_faces(without_duplicates(chunk, hashes)) for chunk in _chunks(part)]
            train = _joined([train, *kept])
            num_duplicates += len(part) - sum(map(len, kept))
    validation = _joined([_faces(load_split(root / name, "validation")) for name in UNLABELLED])
    revisions = "".join(dataset_revision(folder) for folder in folders)
    return DistillationData(train, validation, num_duplicates, f"sha256:{_digest(revisions)}")


def _training_files(folder: Path) -> list[str]:
    names = {path.stem for path in folder.glob("*.parquet")} | {TRAIN}
    return [] if folder.name == STICKERS else sorted(name for name in names if name.split("_")[-1] == TRAIN)


def _may_be_learnt_from(row: dict[str, Any]) -> bool:
    group = row.get("group") or ""
    return group not in KNOWN_GROUPS and not group.startswith(ALSO_STICKERS_PREFIX)


def _held_out_hashes(folders: list[Path]) -> np.ndarray:
    """Difference hashes ``[N, 64]`` of all pictures that must not be learnt from, and of their mirror images."""
    parts = []
    for folder in folders:
        learnt_from = _training_files(folder)
        held_out = sorted(path.stem for path in folder.glob("*.parquet") if path.stem not in learnt_from)
        parts += [load_split(folder, split) for split in held_out]
        parts += [load_split(folder, split, lambda row: not _may_be_learnt_from(row)) for split in learnt_from]
    hashes = np.concatenate([difference_hashes(part) for part in parts if len(part)])
    # The mirror image's, up to pixels that are as bright as their neighbour.
    mirrored = ~hashes.reshape(-1, 8, 8)[:, :, ::-1].reshape(-1, 64)
    return np.concatenate([hashes, mirrored])


def _chunks(faces: FaceDataset) -> Iterator[FaceDataset]:
    for start in range(0, len(faces), CHUNK_SIZE):
        yield faces.select(np.arange(start, min(start + CHUNK_SIZE, len(faces))))


def _faces(part: FaceDataset) -> Faces:
    pixels = tuple(resize_square(image, min(*image.size, LARGEST_SIDE)) for image in part.images)
    return Faces(pixels, part.ids)


def _joined(parts: list[Faces]) -> Faces:
    return Faces(tuple(p for part in parts for p in part.pixels), tuple(name for part in parts for name in part.ids))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
