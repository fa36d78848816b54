"""Image datasets on disk: Parquet splits in, pictures and labels out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import ClassLabel, Dataset, Features, load_dataset
from datasets import Image as ImageFeature
from datasets.exceptions import DatasetGenerationError
from PIL import Image

from anime_models.errors import DatasetError
from anime_models.images import load_image

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class FaceDataset:
    """One split in memory.

    Attributes:
        images: upright RGB pictures.
        labels: class index of each picture, ``[N]``; -1 where there is no label.
        label_names: names of the classes; empty where there are no labels.
        ids: an id for each picture, ``split/row`` by default.
        groups: what must not straddle two splits (a character, a drawing), as a string for each picture.
        sources: where each picture comes from.
        details: what else is known of each class, such as ``{"series": "Vocaloid"}``.
    """

    images: tuple[Image.Image, ...]
    labels: np.ndarray
    label_names: tuple[str, ...]
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    sources: tuple[str, ...]
    details: tuple[dict[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def select(self, rows: np.ndarray) -> FaceDataset:
        """The pictures at the given row numbers."""
        return FaceDataset(
            images=tuple(self.images[row] for row in rows),
            labels=self.labels[rows],
            label_names=self.label_names,
            ids=tuple(self.ids[row] for row in rows),
            groups=tuple(self.groups[row] for row in rows),
            sources=tuple(self.sources[row] for row in rows),
            details=self.details,
        )


def concatenate(parts: list[FaceDataset]) -> FaceDataset:
    """Join splits or data sets with the same classes, in order."""
    return FaceDataset(
        images=tuple(image for part in parts for image in part.images),
        labels=np.concatenate([part.labels for part in parts]),
        label_names=parts[0].label_names,
        ids=tuple(name for part in parts for name in part.ids),
        groups=tuple(group for part in parts for group in part.groups),
        sources=tuple(source for part in parts for source in part.sources),
        details=parts[0].details,
    )


def load_split(folder: Path, split: str, keep: Callable[[dict[str, Any]], bool] | None = None) -> FaceDataset:
    """Read one Parquet file of a dataset folder.

    Args:
        folder: holds ``train.parquet``, ``validation.parquet``, ``test.parquet``.
        split: the file's name without its ending.
        keep: decides from a row without its image whether it is read.

    Raises:
        DatasetError: when the file is missing, cannot be read or has no ``image`` column.
    """
    rows = _read_parquet(folder / f"{split}.parquet")
    if keep is not None:
        columns = rows.remove_columns("image")
        rows = rows.select([index for index in range(len(rows)) if keep(columns[index])])
    label_names = _label_names(rows.features)
    labels = np.asarray(rows["label"] if label_names else [-1] * len(rows), dtype=np.int64)
    images = tuple(load_image(row["bytes"]) for row in rows["image"])
    ids = tuple(f"{folder.name}/{split}/{hashlib.sha256(row['bytes']).hexdigest()[:16]}" for row in rows["image"])
    return FaceDataset(
        images=images,
        labels=labels,
        label_names=label_names,
        ids=ids,
        groups=_strings(rows, "group", ids),
        sources=_strings(rows, "source", ("",) * len(rows)),
        details=_class_details(rows, labels, label_names),
    )


def dataset_revision(folder: Path) -> str:
    """Digest of a dataset folder's Parquet files, ``sha256:…``, whatever the order of the file system."""
    digest = hashlib.sha256()
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise DatasetError(f"{folder} holds no Parquet file; name a folder with train, validation and test.parquet.")
    for file in files:
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return f"sha256:{digest.hexdigest()}"


def _read_parquet(path: Path) -> Dataset:
    if not path.is_file():
        raise DatasetError(f"{path} does not exist; a dataset folder holds train, validation and test.parquet.")
    try:
        rows = load_dataset("parquet", data_files={"rows": str(path)}, split="rows")
    except (DatasetGenerationError, ValueError, OSError) as error:
        raise DatasetError(f"{path} cannot be read as Parquet ({error}); make it again or fetch it again.") from error
    if "image" not in rows.column_names:
        raise DatasetError(f"{path} has no column 'image'; it has {', '.join(rows.column_names)}.")
    return rows.cast_column("image", ImageFeature(decode=False))


def _label_names(features: Features) -> tuple[str, ...]:
    label = features.get("label")
    return tuple(label.names) if isinstance(label, ClassLabel) else ()


def _strings(rows: Dataset, column: str, default: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(value) for value in rows[column]) if column in rows.column_names else default


def _class_details(rows: Dataset, labels: np.ndarray, names: tuple[str, ...]) -> tuple[dict[str, str], ...]:
    if "series" not in rows.column_names:
        return tuple({} for _ in names)
    series = list(rows["series"])
    first_row = {int(label): row for row, label in reversed(list(enumerate(labels)))}
    return tuple({"series": str(series[first_row[index]])} if index in first_row else {} for index in range(len(names)))
