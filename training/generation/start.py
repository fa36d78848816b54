"""A trained generator and its discriminator to go on from, as commands take them and as records name them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from anime_models.checkpoints import WEIGHTS
from anime_models.dcgan import Discriminator, Generator
from anime_models.errors import ConfigError
from anime_models.generator_checkpoint import DISCRIMINATOR, load_generator
from anime_models.hub import local_folder
from training.generation.networks import networks
from training.generation.recipe import GanRecipe


@dataclass(frozen=True)
class GanStart:
    """Both networks at the start of a training.

    Attributes:
        name: the run that made it, where its record tells; else the folder or Hub repository, as it was given.
        digest: of the weights of both, ``sha256:…``.
    """

    name: str
    digest: str
    generator: Generator
    discriminator: Discriminator


def gan_start(given: str, recipe: GanRecipe) -> GanStart:
    """The networks of a generator's checkpoint folder or Hub repository.

    Raises:
        ConfigError: when they are other networks than the recipe's.
        HubError, CheckpointError: where there is no complete checkpoint of a generator.
    """
    stored = load_generator(local_folder(given))
    for found, wanted in zip((stored.generator, stored.discriminator), networks(recipe), strict=True):
        if found.spec != wanted.spec:
            raise ConfigError(
                f"{given} holds another {type(found).__name__.lower()} ({found.spec!r}) than the recipe's "
                f"({wanted.spec!r}); start from one of the same kind, or choose the recipe and scale that it had."
            )
    digest = hashlib.sha256()
    for name in (WEIGHTS, DISCRIMINATOR):
        digest.update((stored.folder / name).read_bytes())
    name = given if stored.record is None else stored.record.run_id
    return GanStart(name, f"sha256:{digest.hexdigest()}", stored.generator, stored.discriminator)
