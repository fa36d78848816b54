"""Start weights as commands take them, and as records name them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from anime_models.checkpoints import CONFIG, EMBEDDING, WEIGHTS, CheckpointConfig, read_config
from anime_models.errors import CheckpointError
from anime_models.hub import local_folder

WITHOUT_FOLDER = ("imagenet", "packaged", "random")


@dataclass(frozen=True)
class StartWeights:
    """What a record says of start weights.

    Attributes:
        name: a distilled backbone's teacher, ``distilled:…``; others as they were given.
        digest: of the checkpoint's weights, ``sha256:…``; weights without a folder have none.
    """

    name: str
    digest: str | None = None


def start_weights(given: str) -> StartWeights:
    """Name and digest of start weights: ``imagenet``, ``packaged``, ``random``, or a checkpoint's folder or Hub name.

    Raises:
        HubError, CheckpointError: where a folder or Hub repository holds no complete checkpoint.
    """
    if given in WITHOUT_FOLDER:
        return StartWeights(given)
    folder = local_folder(given)
    config = read_config(folder, CheckpointConfig)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise CheckpointError(f"{folder} holds {CONFIG}, but no {WEIGHTS}; copy the folder again, or train anew.")
    digest = f"sha256:{hashlib.sha256(weights.read_bytes()).hexdigest()}"
    return StartWeights(config.start_weights if config.task == EMBEDDING else given, digest)
