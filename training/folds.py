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
    for rest, test in _folder(num_folds, seed).split(groups, everything.labels, groups):
        inner = _folder(VALIDATION_SHARE, seed).split(groups[rest], everything.labels[rest], groups[rest])
        train, validation = next(iter(inner))
        rows = {"train": rest[train], "validation": rest[validation], "test": test}
        yield {split: everything.select(chosen) for split, chosen in rows.items()}


def held_out_folds(data: FaceDataset, num_folds: int, seed: int) -> Iterator[dict[str, FaceDataset]]:
    """Yield train and validation of each fold of one split, so that each picture is held out once, with its group.

    Raises:
        ConfigError: when there are too few groups for that many folds.
    """
    groups = np.array(data.groups)
    check_groups(data, num_folds, more=0)
    for train, validation in _folder(num_folds, seed).split(groups, data.labels, groups):
        yield {"train": data.select(train), "validation": data.select(validation)}


def check_groups(data: FaceDataset, num_folds: int, more: int) -> None:
    """Refuse fewer than 2 folds, or fewer groups than folds and ``more``."""
    num_groups = len(set(data.groups))
    if num_folds < 2 or num_groups < num_folds + more:
        raise ConfigError(
            f"Cannot make {num_folds} folds of {num_groups} groups; give at least 2 folds, and at least as many groups "
            f"as folds{f' and {more} more' if more else ''}."
        )


def fold_of_groups(groups: tuple[str, ...], fold: dict[str, FaceDataset]) -> np.ndarray:
    """Name of the split of a fold that each group belongs to, ``[N]``; empty where it belongs to none."""
    where = {group: split for split, data in fold.items() for group in data.groups}
    return np.array([where.get(group, "") for group in groups])


def _folder(num_folds: int, seed: int) -> StratifiedGroupKFold:
    return StratifiedGroupKFold(num_folds, shuffle=True, random_state=seed)
