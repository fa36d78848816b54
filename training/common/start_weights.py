"""Start weights as commands take them, and as records name them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from anime_models.backbones import PACKAGED_BACKBONE, build_model, check_packaged
from anime_models.checkpoints import CONFIG, EMBEDDING, WEIGHTS, CheckpointConfig, read_config
from anime_models.errors import CheckpointError, ConfigError
from anime_models.hub import local_folder

WITHOUT_FOLDER = ("imagenet", "packaged", "random")


@dataclass(frozen=True)
class StartWeights:
    """What a record says of start weights.

    Attributes:
        name: a distilled backbone's teacher, ``distilled:…``; others as they were given.
        digest: of the checkpoint's weights, ``sha256:…``; weights without a folder have none.
        backbone: that the checkpoint holds; None without a folder.
    """

    name: str
    digest: str | None = None
    backbone: str | None = None


def default_start(backbone: str) -> str:
    """ImageNet weights: the packaged ones where they are this backbone's, else timm's from the Hub."""
    return "packaged" if backbone == PACKAGED_BACKBONE else "imagenet"


def fetch_imagenet(backbone: str, image_size: int) -> None:
    """Fetch timm's ImageNet weights of a backbone, unless they are cached.

    Raises:
        HubError: when they cannot be fetched.
    """
    build_model(backbone, "plain", 1, image_size, pretrained=True)


def fitting_start_weights(given: str, backbone: str) -> StartWeights:
    """What :func:`start_weights` says of start weights that a backbone can take.

    Raises:
        ConfigError: when they are another backbone's.
        HubError, CheckpointError: where a folder or Hub repository holds no complete checkpoint.
    """
    if given == "packaged":
        check_packaged(backbone)
    found = start_weights(given)
    if found.backbone not in (None, backbone):
        raise ConfigError(f"{given} holds a {found.backbone}; start {backbone} from one of its own kind.")
    return found


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
    name = config.start_weights if config.task == EMBEDDING else given
    return StartWeights(name, digest, config.backbone)
