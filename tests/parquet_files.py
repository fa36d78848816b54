"""Image datasets as Parquet files, with the metadata that `datasets` writes."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Features, Value
from datasets import Image as ImageFeature
from PIL import Image


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def write_split(
    path: Path,
    images: Sequence[Image.Image | bytes | None],
    labels: Sequence[int | None] | None = None,
    names: Sequence[str] = (),
    **columns: Sequence[str | None],
) -> Path:
    """Write one split; `columns` are further columns of strings, an image of None is a row without bytes."""
    kinds: dict[str, Any] = {"image": ImageFeature(), **{name: Value("string") for name in columns}}
    values: dict[str, Sequence[Any]] = {"image": [_cell(image) for image in images], **columns}
    if labels is not None:
        kinds["label"], values["label"] = ClassLabel(names=list(names)), labels
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=Features(kinds).arrow_schema), path)
    return path


def _cell(image: Image.Image | bytes | None) -> dict[str, bytes | str | None]:
    return {"bytes": png(image) if isinstance(image, Image.Image) else image, "path": None}
