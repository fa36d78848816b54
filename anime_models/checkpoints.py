"""Checkpoint folder <-> model: safetensors only, strict, complete or not there.

A folder holds ``model.safetensors``, ``config.json``, ``README.md`` (model card) and ``record.json`` (the run that
made it); with strangers told by distance also ``class_means.safetensors``. ``config.json`` is written last, so that its
being there means that the folder is complete.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from anime_models.backbones import FaceModel, build_model
from anime_models.calibration import Calibration
from anime_models.errors import CheckpointError, ConfigError
from anime_models.preprocessing import Preprocessing
from anime_models.records import RunRecord, read_record, write_record
from anime_models.strangers import StrangerRule

WEIGHTS, CONFIG, RECORD, CARD, MEANS = (
    "model.safetensors",
    "config.json",
    "record.json",
    "README.md",
    "class_means.safetensors",
)

EMBEDDING = "embedding"
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_TYPES = (*_FLOATS, torch.int32, torch.int64, torch.uint8, torch.bool)
# More than anybody needs, and little enough that a config of a stranger cannot ask for all memory.
MAX_OUTPUTS = 20_000


class CheckpointConfig(BaseModel):
    """All that inference needs besides the weights (``config.json``).

    The task ``embedding`` names no classes: its head gives ``embedding_size`` numbers, and its backbone is there to
    start classifiers from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: Literal[1] = 1
    task: str
    backbone: str
    head: str
    label_names: tuple[str, ...] = Field(max_length=MAX_OUTPUTS)
    label_details: tuple[dict[str, str], ...] = ()
    preprocessing: Preprocessing
    test_time_flip: bool = False
    stranger_output: bool = False
    calibration: Calibration | None = None
    strangers: StrangerRule | None = None
    start_weights: str
    embedding_size: int | None = Field(default=None, ge=1, le=MAX_OUTPUTS, validate_default=True)

    @field_validator("label_names")
    @classmethod
    def _names_differ(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("task") == EMBEDDING:
            if names:
                raise ValueError("an embedding names no classes")
        elif len(names) < 2:
            raise ValueError("a classifier tells at least 2 classes apart")
        if len(set(names)) < len(names):
            raise ValueError("two classes have the same name")
        return names

    @field_validator("label_details")
    @classmethod
    def _one_for_each_name(
        cls, details: tuple[dict[str, str], ...], info: ValidationInfo
    ) -> tuple[dict[str, str], ...]:
        if details and len(details) != len(info.data.get("label_names", details)):
            raise ValueError("must be empty or as long as label_names")
        return details

    @field_validator("stranger_output", "calibration", "strangers")
    @classmethod
    def _belongs_to_classes(cls, value: object, info: ValidationInfo) -> object:
        if value and info.data.get("task") == EMBEDDING:
            raise ValueError("an embedding names no classes that this could be about")
        return value

    @field_validator("embedding_size")
    @classmethod
    def _goes_with_the_task(cls, size: int | None, info: ValidationInfo) -> int | None:
        if (size is not None) != (info.data.get("task") == EMBEDDING):
            raise ValueError(f"goes with the task {EMBEDDING!r}, and only with that")
        return size

    @property
    def num_outputs(self) -> int:
        """Width of the model's last layer: the classes and, where there is one, the output for strangers.

        That of an embedding is its size.
        """
        return self.embedding_size or len(self.label_names) + self.stranger_output


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint; the model is in eval mode."""

    model: FaceModel
    config: CheckpointConfig
    record: RunRecord | None
    class_means: np.ndarray | None
    folder: Path


Config = TypeVar("Config", bound=BaseModel)


def load_checkpoint(folder: str | Path) -> Checkpoint:
    """Load a checkpoint folder strictly.

    Raises:
        CheckpointError: when a file is missing or damaged, or a key is missing, unexpected or misshapen; it names both.
        RecordError: when ``record.json`` is there but damaged.
    """
    folder = Path(folder)
    config = read_config(folder, CheckpointConfig)
    try:
        model = build_model(config.backbone, config.head, config.num_outputs, config.preprocessing.image_size)
    except ConfigError as error:
        raise CheckpointError(f"{folder / CONFIG}: {error}") from error
    load_weights(model, folder / WEIGHTS)
    needs_means = config.strangers is not None and config.strangers.method == "distance"
    means = _read_means(folder / MEANS, (len(config.label_names), model.backbone.num_features)) if needs_means else None
    record = read_record(folder / RECORD) if (folder / RECORD).is_file() else None
    return Checkpoint(model.eval(), config, record, means, folder)


def read_config(folder: Path, model: type[Config]) -> Config:
    """Read ``config.json`` of a folder into its pydantic model, or raise a ``CheckpointError`` that names the key."""
    path = folder / CONFIG
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}); name a complete checkpoint folder."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise CheckpointError(f"{path}: {key}: {first['msg']}. Publish the checkpoint again.") from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file, all finite, or a ``CheckpointError`` that names it."""
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist; name a complete checkpoint folder.")
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); fetch the checkpoint again.") from error
    for key, tensor in tensors.items():
        if tensor.dtype not in _TYPES:
            raise CheckpointError(f"{path}: the key {key} is of the type {tensor.dtype}; save it as float32.")
        # One of them turns every answer into NaN, which no threshold withholds.
        if not tensor.isfinite().all():
            raise CheckpointError(f"{path}: the key {key} holds NaN or infinite values; train the model again.")
    return tensors


def _read_means(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Class means ``[C, F]`` of the file that holds them and nothing else."""
    stored = read_tensors(path)
    if set(stored) != {"class_means"}:
        problem = f"the key {sorted(stored)[0]} is unexpected" if stored else "the key class_means is missing"
        raise CheckpointError(f"{path}: {problem}; it has to hold class_means alone.")
    means = stored["class_means"]
    if tuple(means.shape) != shape:
        raise CheckpointError(f"{path}: class_means has the shape {list(means.shape)} instead of {list(shape)}.")
    return means.numpy()


def load_weights(model: nn.Module, path: Path) -> None:
    """Load a safetensors file into a model: every key there, none left over, every shape right."""
    stored, wanted = read_tensors(path), model.state_dict()
    missing, unexpected = sorted(wanted.keys() - stored.keys()), sorted(stored.keys() - wanted.keys())
    if missing or unexpected:
        problem = f"the key {missing[0]} is missing" if missing else f"the key {unexpected[0]} is unexpected"
        raise CheckpointError(f"{path}: {problem}; its config.json names another architecture.")
    for key, tensor in stored.items():
        if tensor.shape != wanted[key].shape:
            shapes = f"{list(tensor.shape)} instead of {list(wanted[key].shape)}"
            raise CheckpointError(f"{path}: the key {key} has the shape {shapes}; its config.json is another model's.")
    model.load_state_dict(stored)


def save_checkpoint(
    folder: str | Path,
    model: nn.Module,
    config: BaseModel,
    record: RunRecord,
    card: str,
    class_means: np.ndarray | None = None,
    others: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> None:
    """Write a checkpoint folder; a kill leaves it without ``config.json``, so that it does not load.

    Matrices and kernels are stored in half precision, which halves the file; loading turns them back to float32.
    ``others`` are further networks by file name.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).unlink(missing_ok=True)
    for name, weights in {WEIGHTS: model.state_dict(), **(others or {})}.items():
        write_tensors({key: _stored(tensor) for key, tensor in weights.items()}, folder / name)
    if class_means is not None:
        write_tensors({"class_means": torch.from_numpy(np.ascontiguousarray(class_means))}, folder / MEANS)
    (folder / CARD).write_text(card, "utf-8")
    write_record(record, folder / RECORD)
    write_config(folder, config)


def write_config(folder: Path, config: BaseModel) -> None:
    """Write ``config.json`` atomically."""
    temporary = folder / "config.tmp"
    temporary.write_text(json.dumps(config.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n", "utf-8")
    temporary.replace(folder / CONFIG)


def write_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    """Write a safetensors file so that a kill leaves the old one or the new one."""
    temporary = path.with_suffix(".tmp")
    save_file(tensors, temporary)
    temporary.chmod(0o644)  # safetensors makes files that only their owner can read
    temporary.replace(path)


def _stored(tensor: Tensor) -> Tensor:
    halved = tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor
    return halved.contiguous().clone()
