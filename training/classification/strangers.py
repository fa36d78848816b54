"""Faces that a classifier should not know: what the extra class is trained on, and what strangers are measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from anime_models.errors import ConfigError
from anime_models.face_datasets import SPLITS, FaceDataset, concatenate, load_split
from training.classification.folds import fold_of_groups

STRANGERS = ("neutral", "faces", "faces-no-emotions")
# Groups of `emotions` that show a character of `characters`, and which: known faces, not strangers.
KNOWN_GROUPS = {"dm/reimu": "Hakurei Reimu", "p3/aigis": "Aigis", "sk/Miku": "Hatsune Miku"}
NUM_GETCHU_TRAIN, NUM_GETCHU_VALIDATION = 1500, 150
DUPLICATE_BITS = 6


@dataclass(frozen=True)
class Strangers:
    """Strangers by split; no picture of one split has a near duplicate in a later one."""

    train: FaceDataset
    validation: FaceDataset
    test: FaceDataset

    def split(self, name: str) -> FaceDataset:
        """The strangers of ``train``, ``validation`` or ``test``."""
        splits: dict[str, FaceDataset] = {"train": self.train, "validation": self.validation, "test": self.test}
        return splits[name]


def load_strangers(kind: str, data: Path) -> Strangers:
    """Load the strangers that go with a dataset folder.

    Args:
        kind: ``neutral`` for the dataset's own ``neutral_*.parquet`` (faces without one of the emotions), ``faces``
            for faces of other people: ``faces64`` (source getchu), ``gender`` and ``emotions`` beside the dataset;
            ``faces-no-emotions`` for these without ``emotions``, so that a model of emotions can start from the result
            without having seen its faces.
        data: the dataset folder.
    """
    if kind == "neutral":
        return Strangers(*(load_split(data, f"neutral_{split}") for split in SPLITS))
    if kind in ("faces", "faces-no-emotions"):
        return _other_faces(data.parent, with_emotions=kind == "faces")
    raise ConfigError(f"There are no strangers called {kind!r}. Choose {', '.join(STRANGERS)}.")


def _other_faces(root: Path, with_emotions: bool) -> Strangers:
    rng = np.random.default_rng(42)
    emotions = {split: load_split(root / "emotions", split, _unknown) for split in SPLITS} if with_emotions else {}
    getchu_test = load_split(root / "faces64", "validation", _from_getchu)
    getchu = _sample(load_split(root / "faces64", "train", _one_in_three(_from_getchu)), rng)
    gender_test = load_split(root / "gender", "test")
    gender = load_split(root / "gender", "train")
    order = rng.permutation(len(gender))
    parts = {
        "train": [gender.select(order[1::2]), getchu.select(np.arange(NUM_GETCHU_VALIDATION, len(getchu)))],
        "validation": [gender.select(order[::2]), getchu.select(np.arange(NUM_GETCHU_VALIDATION))],
        "test": [gender_test, getchu_test],
    }
    train, validation, test = ([*_only(emotions, split), *parts[split]] for split in SPLITS)
    test_hashes = np.concatenate([difference_hashes(part) for part in test])
    validation = [without_duplicates(_unlabelled(part), test_hashes) for part in validation]
    held_out = np.concatenate([test_hashes, *(difference_hashes(part) for part in validation)])
    train = [without_duplicates(_unlabelled(part), held_out) for part in train]
    return Strangers(concatenate(train), concatenate(validation), concatenate([_unlabelled(part) for part in test]))


def _only(splits: dict[str, FaceDataset], name: str) -> list[FaceDataset]:
    return [splits[name]] if name in splits else []


def _unknown(row: dict[str, Any]) -> bool:
    return row["group"] not in KNOWN_GROUPS


def _from_getchu(row: dict[str, Any]) -> bool:
    return row["source"] == "getchu"


def _one_in_three(keep: Callable[[dict[str, Any]], bool]) -> Callable[[dict[str, Any]], bool]:
    """Thin out evenly while reading: decoding the whole of a large set would take longer than it is worth."""
    seen = 0

    def thinned(row: dict[str, Any]) -> bool:
        nonlocal seen
        if not keep(row):
            return False
        seen += 1
        return seen % 3 == 0

    return thinned


def _sample(faces: FaceDataset, rng: np.random.Generator) -> FaceDataset:
    return faces.select(rng.permutation(len(faces))[: NUM_GETCHU_TRAIN + NUM_GETCHU_VALIDATION])


def _unlabelled(faces: FaceDataset) -> FaceDataset:
    return FaceDataset(
        images=faces.images,
        labels=np.full(len(faces), -1),
        label_names=(),
        ids=faces.ids,
        groups=faces.groups,
        sources=tuple(f"{name.split('/')[0]}:{source}" for name, source in zip(faces.ids, faces.sources, strict=True)),
    )


def difference_hashes(faces: FaceDataset) -> np.ndarray:
    """64-bit difference hashes, bool ``[N, 64]``: is a pixel brighter than its right neighbour?"""
    thumbnails = [np.asarray(image.convert("L").resize((9, 8), Image.Resampling.LANCZOS)) for image in faces.images]
    pixels = np.array(thumbnails, dtype=np.int16).reshape(-1, 8, 9)
    return (pixels[:, :, :-1] > pixels[:, :, 1:]).reshape(len(faces), 64)


def without_duplicates(faces: FaceDataset, hashes: np.ndarray) -> FaceDataset:
    """Leave out the pictures whose hash is within ``DUPLICATE_BITS`` of one of ``hashes`` (bool ``[M, 64]``)."""
    distances = (difference_hashes(faces)[:, None, :] != hashes[None]).sum(axis=-1)
    return faces.select(np.flatnonzero(distances.min(axis=1, initial=hashes.shape[1]) > DUPLICATE_BITS))


def strangers_of_fold(strangers: Strangers, fold: dict[str, FaceDataset]) -> Strangers:
    """Deal strangers out anew so that each is in the split of a fold that holds the known faces of its group.

    Strangers whose group has no known face train.
    """
    everyone = concatenate([strangers.train, strangers.validation, strangers.test])
    where = fold_of_groups(everyone.groups, fold)
    rows = {split: np.flatnonzero(where == split) for split in ("validation", "test")}
    rows["train"] = np.flatnonzero((where == "train") | (where == ""))
    return Strangers(*(everyone.select(rows[split]) for split in SPLITS))
