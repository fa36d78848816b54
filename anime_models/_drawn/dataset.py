"""Drawn faces as a dataset folder: a Parquet file per split, and a card."""

import io
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anime_models._drawn.expressions import EMOTIONS
from anime_models._drawn.looks import SEXES
from anime_models._drawn.pictures import render_face
from anime_models.errors import DatasetError

_SPLITS = ("train", "validation", "test")
_HELD_OUT = 0.15
_IDENTITIES_PER_SEED = 1_000
_TEXT_COLUMNS = ("character", "series", "source", "group")


@dataclass(frozen=True)
class _Drawing:
    """One row before it is drawn."""

    identity: int
    sex: str
    emotion: str | None
    seed: int
    label: int
    group: str

    @property
    def character(self) -> str:
        return f"Character {self.identity:03d}"


def write_dataset(folder: Path, task: str, num_identities: int, images_per_identity: int, size: int, seed: int) -> Path:
    """Draw and write all splits; see `anime_models.drawn_faces.make_dataset`."""
    identities = range(seed * _IDENTITIES_PER_SEED, seed * _IDENTITIES_PER_SEED + num_identities)
    names = [f"Character {identity:03d}" for identity in identities] if task == "character" else list(EMOTIONS)
    chance = random.Random(f"dataset {task} {seed}")
    plan = _by_drawing if task == "character" else _by_identity
    splits = plan(identities, images_per_identity, chance)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "README.md").unlink(missing_ok=True)
        for split in _SPLITS:
            table = pa.Table.from_pylist([_row(drawing, size) for drawing in splits[split]], schema=_schema(names))
            buffer = io.BytesIO()
            pq.write_table(table, buffer)
            _replace(folder / f"{split}.parquet", buffer.getvalue())
        _replace(folder / "README.md", _card(folder, task, names, splits).encode())
    except OSError as error:
        raise DatasetError(f"The dataset cannot be written to {folder}: {error}. Choose another folder.") from error
    return folder


def _by_drawing(identities: Sequence[int], count: int, chance: random.Random) -> dict[str, list[_Drawing]]:
    """Every character in every split; each drawing is its own group."""
    splits: dict[str, list[_Drawing]] = {split: [] for split in _SPLITS}
    for label, identity in enumerate(identities):
        moods = [(None, *EMOTIONS)[i % (len(EMOTIONS) + 1)] for i in range(count)]
        chance.shuffle(moods)
        for i, split in enumerate(_shares(count)):
            group = f"drawing-{identity:03d}-{i:04d}"
            splits[split].append(_Drawing(identity, _sex(identity), moods[i], i, label, group))
    return splits


def _by_identity(identities: Sequence[int], count: int, chance: random.Random) -> dict[str, list[_Drawing]]:
    """Every character in one split, with all emotions; the character is the group."""
    splits: dict[str, list[_Drawing]] = {split: [] for split in _SPLITS}
    shuffled = chance.sample(identities, len(identities))
    for identity, split in zip(shuffled, _shares(len(shuffled)), strict=True):
        for i in range(count):
            label, group = i % len(EMOTIONS), f"character-{identity:03d}"
            splits[split].append(_Drawing(identity, _sex(identity), EMOTIONS[label], i, label, group))
    return splits


def _shares(count: int) -> Iterator[str]:
    """The split of each of `count` things; at least one in every split."""
    held_out = max(1, round(count * _HELD_OUT))
    yield from ("test",) * held_out
    yield from ("validation",) * held_out
    yield from ("train",) * (count - 2 * held_out)


def _sex(identity: int) -> str:
    return SEXES[identity % 3 == 2]


def _row(drawing: _Drawing, size: int) -> dict[str, Any]:
    buffer = io.BytesIO()
    render_face(drawing.identity, drawing.emotion, drawing.sex, size, drawing.seed).save(buffer, "PNG")
    return {
        "image": {"bytes": buffer.getvalue(), "path": f"{drawing.group}-{drawing.seed:04d}.png"},
        "label": drawing.label,
        "character": drawing.character,
        "series": f"Drawn Faces {'ABC'[drawing.identity % 3]}",
        "source": "drawn_faces",
        "group": drawing.group,
    }


def _schema(names: list[str]) -> pa.Schema:
    """Columns, with the feature types that `datasets` reads from the file's metadata."""
    features: dict[str, Any] = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    features |= {name: {"dtype": "string", "_type": "Value"} for name in _TEXT_COLUMNS}
    columns = [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("label", pa.int64()),
        *((name, pa.string()) for name in _TEXT_COLUMNS),
    ]
    return pa.schema(columns, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.replace(path)


def _card(folder: Path, task: str, names: list[str], splits: dict[str, list[_Drawing]]) -> str:
    total = sum(map(len, splits.values()))
    sizes = {split: (folder / f"{split}.parquet").stat().st_size for split in _SPLITS}
    category = "n<1K" if total < 1_000 else "1K<n<10K" if total < 10_000 else "10K<n<100K"
    lines = [
        "---",
        f"pretty_name: Drawn faces, {task}",
        "license: apache-2.0",
        "task_categories:",
        "- image-classification",
        "size_categories:",
        f"- {category}",
        "tags:",
        "- anime",
        "- synthetic",
        "configs:",
        "- config_name: default",
        "  data_files:",
        *(line for split in _SPLITS for line in (f"  - split: {split}", f"    path: {split}.parquet")),
        "dataset_info:",
        "  features:",
        "  - name: image",
        "    dtype: image",
        "  - name: label",
        "    dtype:",
        "      class_label:",
        "        names:",
        *(f"          '{number}': {name}" for number, name in enumerate(names)),
        *(line for name in _TEXT_COLUMNS for line in (f"  - name: {name}", "    dtype: string")),
        "  splits:",
        *(
            line
            for split in _SPLITS
            for line in (
                f"  - name: {split}",
                f"    num_bytes: {sizes[split]}",
                f"    num_examples: {len(splits[split])}",
            )
        ),
        f"  download_size: {sum(sizes.values())}",
        f"  dataset_size: {sum(sizes.values())}",
        "---",
        "",
        f"# Drawn faces, {task}",
        "",
        f"{total} procedural anime-style faces, drawn by the program itself (`anime_models.drawn_faces`): no picture of"
        " anybody's went into them.",
        "",
        "| split | images | groups |",
        "|---|---:|---:|",
        *(f"| {split} | {len(rows)} | {len({row.group for row in rows})} |" for split, rows in splits.items()),
        "",
        "Columns: `image`, `label`, `character`, `series`, `source`, `group`. No group is in two splits.",
        "",
    ]
    return "\n".join(lines)
