"""A data set folder as a repository: Parquet files or an image folder, with a card that `datasets` and the Hub read.

``train``, ``validation`` and ``test.parquet`` are the splits of the configuration "default"; ``NAME_SPLIT.parquet`` are
those of a configuration of that name (``neutral_test.parquet``); ``annotations.parquet``, a row for each label that an
annotator gave, stands as a configuration of its own beside the consensus.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from datasets import DatasetInfo, Features, load_dataset
from datasets.exceptions import DatasetsError
from datasets.info import DatasetInfosDict
from datasets.splits import SplitDict, SplitInfo
from huggingface_hub import DatasetCardData

from anime_models.errors import DatasetError
from anime_models.face_datasets import SPLITS
from training.publishing.licences import check_redistributable, read_card
from training.publishing.staging import CARD, Stage, copy_into

DEFAULT, ANNOTATIONS = "default", "annotations"
METADATA = "metadata.jsonl"
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
EXTRA_FILES = ("LICENSE", "LICENSE.md", "eval.yaml")
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(frozen=True)
class Split:
    """One split of one configuration: its files as a pattern, and what is in them."""

    config: str
    name: str
    pattern: str
    features: Features
    num_bytes: int
    num_examples: int
    file_bytes: int


def stage_dataset(folder: Path, staged: Path) -> Stage:
    """Stage a data set.

    Raises:
        DatasetError: it must not be given away, or is no data set of ours.
    """
    check_redistributable(folder)
    files, splits = _parquet_splits(folder)
    if not splits:
        files, splits = _picture_splits(folder)
    files += [name for name in EXTRA_FILES if (folder / name).is_file()]
    for name in files:
        copy_into(staged, name, folder / name)
    (staged / CARD).write_text(_card(folder, splits), "utf-8")
    taken = {*files, CARD}
    others = [p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*")) if p.is_file()]
    notes = tuple(f"{name} is no part of the data set and stays here" for name in others if name not in taken)
    total = sum(split.num_examples for split in splits if split.config != ANNOTATIONS)
    return Stage(staged, "dataset", f"{total} pictures in {len(splits)} splits", notes)


def _parquet_splits(folder: Path) -> tuple[list[str], list[Split]]:
    paths = sorted(folder.glob("*.parquet"))
    splits = [_parquet_split(path) for path in paths]
    _check_groups({path.stem: path for path in paths if path.stem in SPLITS})
    return [path.name for path in paths], splits


def _parquet_split(path: Path) -> Split:
    config, _, name = path.stem.rpartition("_")
    if path.stem == ANNOTATIONS:
        config, name = ANNOTATIONS, "train"
    elif name not in SPLITS:
        raise DatasetError(
            f"{path} is neither a split ({', '.join(SPLITS)}), nor NAME_SPLIT, nor {ANNOTATIONS}. Rename it."
        )
    return parquet_split(path, config or DEFAULT, name)


def parquet_split(path: Path, config: str, name: str) -> Split:
    """What a Parquet file holds, as a split of a configuration.

    Raises:
        DatasetError: it is none, or a row's picture is not in it.
    """
    try:
        with pq.ParquetFile(path) as file:
            rows, schema, has_pictures = file.metadata, file.schema_arrow, _holds_pictures(file)
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"{path} cannot be read as Parquet ({error}); make it again.") from error
    if not has_pictures:
        raise DatasetError(f"{path}: a row holds no image bytes; write the images into the Parquet file.")
    num_bytes = sum(rows.row_group(i).total_byte_size for i in range(rows.num_row_groups))
    features = Features.from_arrow_schema(schema)
    return Split(config, name, path.name, features, num_bytes, rows.num_rows, path.stat().st_size)


def _holds_pictures(file: pq.ParquetFile) -> bool:
    """Whether every row's picture is in the file: a path would lead to nothing on another machine."""
    schema = file.schema_arrow
    if "image" not in schema.names:
        return True
    if not pa.types.is_struct(schema.field("image").type) or schema.field("image").type.get_field_index("bytes") < 0:
        return False
    batches = file.iter_batches(batch_size=256, columns=["image.bytes"])
    return not any(batch.column(0).field("bytes").null_count for batch in batches)


def _check_groups(paths: dict[str, Path]) -> None:
    """A group in two splits would let a model be tested on what it was trained on."""
    seen: dict[str, str] = {}
    for split, path in paths.items():
        if "group" not in pq.read_schema(path).names:
            continue
        for group in set(pq.read_table(path, columns=["group"])["group"].to_pylist()):
            if group is not None and seen.setdefault(group, split) != split:
                raise DatasetError(f"The group {group!r} is in the splits {seen[group]} and {split}; split by group.")


def _picture_splits(folder: Path) -> tuple[list[str], list[Split]]:
    """Splits of an image folder, ``SPLIT/*.png`` with ``SPLIT/metadata.jsonl``."""
    files, splits = [], []
    for name in SPLITS:
        found = sorted(p for p in (folder / name).rglob("*") if p.suffix.lower() in PICTURES or p.name == METADATA)
        if not found:
            continue
        files += [path.relative_to(folder).as_posix() for path in found]
        splits.append(_picture_split(folder / name, sum(path.stat().st_size for path in found)))
    if not splits:
        raise DatasetError(
            f"{folder} holds neither Parquet files nor folders of pictures called {', '.join(SPLITS)}; name a data set."
        )
    return files, splits


def _picture_split(folder: Path, file_bytes: int) -> Split:
    try:
        with tempfile.TemporaryDirectory() as cache:
            pictures = load_dataset("imagefolder", data_dir=str(folder), split="train", cache_dir=cache)
            features, num_bytes, rows = pictures.features, pictures.data.nbytes, len(pictures)
    except (DatasetsError, ValueError) as error:
        raise DatasetError(
            f"{folder} is no folder of pictures that `datasets` reads: {error}. Correct {METADATA}."
        ) from error
    return Split(DEFAULT, folder.name, f"{folder.name}/**", features, num_bytes, rows, file_bytes)


def _card(folder: Path, splits: list[Split]) -> str:
    """The folder's own card, with what its files say of themselves in the front matter."""
    own, body = read_card(folder)
    names = _configs(splits)
    total = sum(split.num_examples for split in splits if split.config != ANNOTATIONS)
    fields: dict[str, Any] = {
        "pretty_name": folder.name,
        "task_categories": ["image-classification"],
        "annotations_creators": ["crowdsourced" if ANNOTATIONS in names else "found"],
        "source_datasets": ["original"],
        "tags": ["anime", "manga", "anime-models"],
        **own,
        "size_categories": [next((name for limit, name in SIZES if total < limit), "n>1M")],
        **described(splits),
    }
    return f"---\n{yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)}---\n{body}"


def described(splits: Sequence[Split]) -> dict[str, Any]:
    """The fields of a card's front matter that say which files there are and what is in them."""
    names, data = _configs(splits), DatasetCardData()
    infos = {name: _info([split for split in splits if split.config == name]) for name in names}
    DatasetInfosDict(infos).to_dataset_card_data(data)
    return {
        "configs": [_config(name, splits) for name in names],
        "dataset_info": data.to_dict()["dataset_info"],
    }


def _configs(splits: Sequence[Split]) -> list[str]:
    return list(dict.fromkeys(split.config for split in splits))


def _config(name: str, splits: Sequence[Split]) -> dict[str, Any]:
    files = [{"split": split.name, "path": split.pattern} for split in splits if split.config == name]
    return {"config_name": name, "data_files": files, **({"default": True} if name == DEFAULT else {})}


def _info(splits: list[Split]) -> DatasetInfo:
    split_infos = SplitDict()
    for split in splits:
        split_infos.add(SplitInfo(split.name, num_bytes=split.num_bytes, num_examples=split.num_examples))
    return DatasetInfo(
        features=splits[0].features,
        splits=split_infos,
        download_size=sum(split.file_bytes for split in splits),
        dataset_size=sum(split.num_bytes for split in splits),
        config_name=splits[0].config,
    )
