"""Image datasets on disk: Parquet splits in, pictures and labels out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Features
from PIL import Image

from anime_models.errors import DatasetError, ImageError
from anime_models.images import load_image

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class FaceDataset:
    """One split in memory.

    Attributes:
        images: upright RGB pictures.
        labels: class index of each picture, ``[N]``; -1 where there is no label.
        label_names: names of the classes; empty where there are no labels.
        ids: an id for each picture, ``dataset/split/digest`` of its file; copies share one.
        groups: what must not straddle two splits (a character, a drawing), as a string for each picture; the digest of
            its file where the data set names none, so that copies stay together.
        sources: where each picture comes from; empty where unknown.
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
        DatasetError: when the file is missing, cannot be read, has no ``image`` column or a picture cannot be read.
    """
    path = folder / f"{split}.parquet"
    rows = _read_parquet(path)
    if keep is not None:
        rows = rows.filter(pa.array([keep(row) for row in rows.drop_columns("image").to_pylist()], pa.bool_()))
    label_names = _label_names(rows.schema)
    labels = _labels(rows, label_names)
    files = [_image_bytes(path, number, cell) for number, cell in enumerate(rows["image"].to_pylist())]
    digests = tuple(hashlib.sha256(file).hexdigest()[:16] for file in files)
    return FaceDataset(
        images=tuple(_picture(path, number, file) for number, file in enumerate(files)),
        labels=labels,
        label_names=label_names,
        ids=tuple(f"{folder.name}/{split}/{digest}" for digest in digests),
        groups=_strings(rows, "group", digests),
        sources=_strings(rows, "source", ("",) * len(files)),
        details=_class_details(rows, labels, label_names),
    )


def dataset_revision(folder: Path) -> str:
    """Digest of a dataset folder's Parquet files, ``sha256:…``, whatever the order of the file system.

    Raises:
        DatasetError: when the folder holds no Parquet file.
    """
    digest = hashlib.sha256()
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise DatasetError(f"{folder} holds no Parquet file; name a folder with train, validation and test.parquet.")
    for file in files:
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return f"sha256:{digest.hexdigest()}"


def _read_parquet(path: Path) -> pa.Table:
    if not path.is_file():
        raise DatasetError(f"{path} does not exist; a dataset folder holds train, validation and test.parquet.")
    try:
        rows = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"{path} cannot be read as Parquet ({error}); make it again or fetch it again.") from error
    if "image" not in rows.column_names:
        raise DatasetError(f"{path} has no column 'image'; it has {', '.join(rows.column_names)}.")
    return rows


def _image_bytes(path: Path, number: int, cell: Any) -> bytes:
    file = cell.get("bytes") if isinstance(cell, dict) else cell
    if not isinstance(file, bytes):
        raise DatasetError(f"{path}: row {number} holds no image bytes; write the images into the Parquet file.")
    return file


def _picture(path: Path, number: int, file: bytes) -> Image.Image:
    try:
        return load_image(file)
    except ImageError as error:
        raise DatasetError(f"{path}: the image of row {number}: {error}") from error


def _label_names(schema: pa.Schema) -> tuple[str, ...]:
    label = Features.from_arrow_schema(schema).get("label")
    return tuple(label.names) if isinstance(label, ClassLabel) else ()


def _labels(rows: pa.Table, names: tuple[str, ...]) -> np.ndarray:
    values = rows["label"].to_pylist() if names else [None] * len(rows)
    return np.array([-1 if value is None else value for value in values], dtype=np.int64)


def _strings(rows: pa.Table, column: str, default: tuple[str, ...]) -> tuple[str, ...]:
    if column not in rows.column_names:
        return default
    values = rows[column].to_pylist()
    return tuple(other if value is None else str(value) for value, other in zip(values, default, strict=True))


def _class_details(rows: pa.Table, labels: np.ndarray, names: tuple[str, ...]) -> tuple[dict[str, str], ...]:
    details: tuple[dict[str, str], ...] = tuple({} for _ in names)
    if "series" in rows.column_names:
        for label, series in zip(labels, rows["series"].to_pylist(), strict=True):
            if label >= 0 and series is not None:
                details[label].setdefault("series", str(series))
    return details
