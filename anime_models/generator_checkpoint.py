"""Checkpoint folder of a face generator <-> networks: the classifiers' format with what a generator has besides.

``model.safetensors`` is the generator (moving average of its weights), ``discriminator.safetensors`` the network that
it was trained against, ``directions.safetensors`` the named directions of the latent space, ``novelty.safetensors``
what its faces are compared with, and ``epochs/`` one fixed noise after each epoch of training.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor

from anime_models.checkpoints import (
    RECORD,
    WEIGHTS,
    load_weights,
    read_config,
    read_tensors,
    save_checkpoint,
    write_config,
    write_tensors,
)
from anime_models.dcgan import Discriminator, DiscriminatorSpec, Generator, GeneratorSpec
from anime_models.errors import CheckpointError
from anime_models.records import RunRecord, read_record

DISCRIMINATOR, DIRECTIONS, NOVELTY = "discriminator.safetensors", "directions.safetensors", "novelty.safetensors"
EPOCHS = "epochs"
GENERATION = "generation"


class DirectionInfo(BaseModel):
    """One named direction of the latent space.

    Attributes:
        name: what it changes, in a few words.
        method: ``sefa`` (eigenvector of the first layer's weights; Shen and Zhou, 2021) or ``pca`` (principal component
            of the first feature maps; Härkönen et al., 2020).
        strength: the longest step along the unit direction that still gives faces, in units of z.
        effects: what changes from ``-strength`` to ``+strength``, by measure, in standard deviations of this measure
            over random faces.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    method: Literal["sefa", "pca"]
    strength: float = Field(gt=0)
    effects: dict[str, float] = Field(default_factory=dict)


class GeneratorConfig(BaseModel):
    """All that generating needs besides the weights (``config.json``)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: Literal[1] = 1
    task: Literal["generation"] = "generation"
    family: Literal["dcgan"] = "dcgan"
    generator: GeneratorSpec
    discriminator: DiscriminatorSpec
    directions: tuple[DirectionInfo, ...] = ()
    fixed_noise_seed: int = Field(ge=0)
    start_weights: str = "random"

    @field_validator("directions")
    @classmethod
    def _names_differ(cls, directions: tuple[DirectionInfo, ...]) -> tuple[DirectionInfo, ...]:
        names = [direction.name for direction in directions]
        if len(set(names)) < len(names):
            raise ValueError("two directions have the same name")
        return directions


@dataclass(frozen=True)
class GeneratorCheckpoint:
    """A loaded generator; both networks are in eval mode.

    Attributes:
        directions: unit vectors ``[K, latent_size]`` in the order of ``config.directions``.
    """

    generator: Generator
    discriminator: Discriminator
    config: GeneratorConfig
    directions: Tensor
    record: RunRecord | None
    folder: Path


def load_generator(folder: str | Path) -> GeneratorCheckpoint:
    """Load a generator's checkpoint folder strictly.

    Raises:
        CheckpointError: when a file is missing or damaged, or a key is missing, unexpected or misshapen; it names both.
        RecordError: when ``record.json`` is there but damaged.
    """
    folder = Path(folder)
    config = read_config(folder, GeneratorConfig)
    generator, discriminator = Generator(config.generator), Discriminator(config.discriminator)
    load_weights(generator, folder / WEIGHTS)
    load_weights(discriminator, folder / DISCRIMINATOR)
    directions = _read_directions(folder, config)
    record = read_record(folder / RECORD) if (folder / RECORD).is_file() else None
    return GeneratorCheckpoint(generator.eval(), discriminator.eval(), config, directions, record, folder)


def save_generator(
    folder: str | Path,
    generator: Generator,
    discriminator: Discriminator,
    config: GeneratorConfig,
    record: RunRecord,
    card: str,
) -> None:
    """Write a generator's checkpoint folder; a kill leaves it without ``config.json``, so that it does not load."""
    others = {DISCRIMINATOR: discriminator.state_dict()}
    save_checkpoint(folder, generator, config, record, card, others=others)


def save_directions(folder: str | Path, directions: Tensor, infos: tuple[DirectionInfo, ...]) -> None:
    """Give a stored generator named directions: unit vectors ``[K, latent_size]`` and what is known of each."""
    folder = Path(folder)
    config = read_config(folder, GeneratorConfig)
    write_config(folder, config.model_copy(update={"directions": ()}))  # a kill in between leaves no wrong names
    write_tensors({"directions": directions.float().contiguous()}, folder / DIRECTIONS)
    write_config(folder, GeneratorConfig(**{**config.model_dump(), "directions": infos}))


def _read_directions(folder: Path, config: GeneratorConfig) -> Tensor:
    shape = (len(config.directions), config.generator.latent_size)
    if not config.directions:
        return torch.zeros(shape)
    path = folder / DIRECTIONS
    stored = read_tensors(path)
    if set(stored) != {"directions"} or tuple(stored["directions"].shape) != shape:
        raise CheckpointError(f"{path}: it has to hold the key directions alone, with the shape {list(shape)}.")
    if not stored["directions"].is_floating_point():
        raise CheckpointError(f"{path}: directions are {stored['directions'].dtype}; they have to be floating-point.")
    return stored["directions"].float()
