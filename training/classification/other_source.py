"""Known characters in pictures of another source: the test that no corruption of the own pictures can replace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from anime_models.face_datasets import SPLITS, FaceDataset, concatenate, load_split
from training.classification.strangers import DUPLICATE_BITS, KNOWN_GROUPS, difference_hashes, without_duplicates

# The same drawings as some of `stickers`, cut closer than difference hashes can tell.
ALSO_STICKERS_GROUP = "sk/Miku"


def other_source(data: Path, label_names: tuple[str, ...]) -> FaceDataset | None:
    """Gather what ``emotions`` and ``stickers`` beside a dataset folder show of its characters, from all their files.

    Left out are near duplicates (difference hash) of a picture of the dataset itself, and of those that are near
    duplicates of one another all but the first.

    Args:
        data: the folder of the characters; the other two lie beside it.
        label_names: its classes, which the labels count in.

    Returns:
        The pictures, or None where there are none: the folders are missing or show none of the characters.

    Raises:
        DatasetError: when a file that is there cannot be read.
    """
    parts = [
        _known_faces(file, name_of, label_names)
        for folder, name_of in (("emotions", _name_by_group), ("stickers", _name_by_character))
        for file in sorted((data.parent / folder).glob("*.parquet"))
    ]
    parts = [part for part in parts if len(part)]
    if not parts:
        return None
    own = np.concatenate([difference_hashes(load_split(data, split)) for split in SPLITS])
    kept = without_duplicates(_distinct(concatenate(parts)), own)
    return kept if len(kept) else None


def _name_by_group(row: dict[str, Any]) -> str | None:
    return None if row.get("group") == ALSO_STICKERS_GROUP else KNOWN_GROUPS.get(row.get("group", ""))


def _name_by_character(row: dict[str, Any]) -> str | None:
    return row.get("character")


def _known_faces(
    file: Path, name_of: Callable[[dict[str, Any]], str | None], label_names: tuple[str, ...]
) -> FaceDataset:
    labels: list[int] = []

    def known(row: dict[str, Any]) -> bool:
        name = name_of(row)
        if name is None or name not in label_names:
            return False
        labels.append(label_names.index(name))
        return True

    faces = load_split(file.parent, file.stem, known)
    return replace(faces, labels=np.array(labels, dtype=np.int64), label_names=label_names, details=())


def _distinct(faces: FaceDataset) -> FaceDataset:
    """Leave out the pictures whose hash is near that of an earlier one that stays."""
    hashes, rows = difference_hashes(faces), [0]
    for row in range(1, len(faces)):
        if (hashes[rows] != hashes[row]).sum(axis=1).min() > DUPLICATE_BITS:
            rows.append(row)
    return faces.select(np.array(rows))
