"""Group k-fold cross-validation over all splits of a data set: a single split flatters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from anime_models.errors import ConfigError
from anime_models.face_datasets import SPLITS, FaceDataset, concatenate

VALIDATION_SHARE = 8  # one in eight of the pictures that are not tested validates


def group_folds(splits: dict[str, FaceDataset], num_folds: int, seed: int) -> Iterator[dict[str, FaceDataset]]:
    """Yield train, validation and test of each fold; no group is in two of them, classes are spread evenly.

    Raises:
        ConfigError: when there are too few groups for that many folds.
    """
    everything = concatenate([splits[split] for split in SPLITS])
    groups = np.array(everything.groups)
    check_groups(everything, num_folds, more=VALIDATION_SHARE)
    for rest, test in _split(everything.labels, groups, num_folds, seed):
        train, validation = next(_split(everything.labels[rest], groups[rest], VALIDATION_SHARE, seed))
        rows = {"train": rest[train], "validation": rest[validation], "test": test}
        yield {split: everything.select(chosen) for split, chosen in rows.items()}


def held_out_folds(data: FaceDataset, num_folds: int, seed: int) -> Iterator[dict[str, FaceDataset]]:
    """Yield train and validation of each fold of one split, so that each picture is held out once, with its group.

    Raises:
        ConfigError: when there are too few groups for that many folds.
    """
    groups = np.array(data.groups)
    check_groups(data, num_folds, more=0)
    for train, validation in _split(data.labels, groups, num_folds, seed):
        yield {"train": data.select(train), "validation": data.select(validation)}


def check_groups(data: FaceDataset, num_folds: int, more: int) -> None:
    """Refuse fewer than 2 folds, or fewer groups than folds and ``more``, in all or of one class."""
    labels, groups = data.labels, np.array(data.groups)
    of_class = {name: len(set(groups[labels == label])) for label, name in enumerate(data.label_names)}
    counts = {"all": len(set(data.groups)), **of_class}
    for name, num_groups in counts.items():
        needed = num_folds + (more if name == "all" else 0)
        if num_folds < 2 or num_groups < needed:
            what = "" if name == "all" else f" of {name}"
            raise ConfigError(
                f"Cannot make {num_folds} folds of {num_groups} groups{what}; give at least 2 folds, and at least as "
                f"many groups, of each class too, as folds{f' and {more} more in all' if more else ''}."
            )


def fold_of_groups(groups: tuple[str, ...], fold: dict[str, FaceDataset]) -> np.ndarray:
    """Name of the split of a fold that each group belongs to, ``[N]``; empty where it belongs to none."""
    where = {group: split for split, data in fold.items() for group in data.groups}
    return np.array([where.get(group, "") for group in groups])


def _split(
    labels: np.ndarray, groups: np.ndarray, num_folds: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of the rest and of the held-out part of each fold."""
    try:
        yield from StratifiedGroupKFold(num_folds, shuffle=True, random_state=seed).split(groups, labels, groups)
    except ValueError as error:
        raise ConfigError(f"Cannot make {num_folds} parts of {len(labels)} pictures: {error} Add pictures.") from error
