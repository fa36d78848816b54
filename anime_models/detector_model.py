"""The face detector's network: an EfficientNet-Lite0 trunk, a small feature pyramid and a centre-point head.

One output map at 1/8 of the input: a score that a face is centred in a cell, and the face's edges as distances from
the cell's centre. After CenterNet (Zhou et al., 2019, "Objects as Points") and TTFNet (Liu et al., 2020,
"Training-Time-Friendly Network for Real-Time Object Detection"); the pyramid after FPN (Lin et al., 2017).
"""

from __future__ import annotations

import itertools
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

__all__ = ["STRIDE", "FaceNet", "decode", "fold_batch_norm"]

STRIDE = 8
TRUNK_MULTIPLE = 32
"""Input sides must be multiples of this, the stride of the trunk's deepest stage."""

_PYRAMID_CHANNELS = (40, 112, 192)
_PYRAMID_STAGES = (2, 4, 5)
_DEEPEST_BLOCKS = 2
_NUM_EARLY = 2
_LARGEST_LOG_DISTANCE = 4.5


class _Separable(nn.Sequential):
    """Depthwise 5x5 and pointwise convolution, both normalised: a wide view at little cost."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(channels, channels, 5, padding=2, groups=channels, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.act1 = nn.ReLU6()
        self.conv_pw = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.act2 = nn.ReLU6()


def _output(channels: int, num_outputs: int, bias: float) -> nn.Conv2d:
    conv = nn.Conv2d(channels, num_outputs, 1)
    assert conv.bias is not None
    nn.init.normal_(conv.weight, std=0.01)
    nn.init.constant_(conv.bias, bias)
    return conv


class FaceNet(nn.Module):
    """Drawn-face detector.

    Args:
        channels: width of the pyramid and of the head.
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        trunk: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
        self.conv_stem: nn.Module = trunk.conv_stem
        self.bn1: nn.Module = trunk.bn1
        self.blocks = nn.Sequential(*trunk.blocks[:5], trunk.blocks[5][:_DEEPEST_BLOCKS])
        self.lateral = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in _PYRAMID_CHANNELS)
        self.smooth = nn.ModuleList(_Separable(channels) for _ in _PYRAMID_CHANNELS)
        self.head = nn.Sequential(_Separable(channels), _Separable(channels))
        # A face is rare among cells: begin near the base rate, as in focal loss (Lin et al., 2017).
        self.score = _output(channels, 1, bias=-4.0)
        self.distances = _output(channels, 4, bias=1.5)

    def train(self, mode: bool = True) -> FaceNet:
        """Switch to training or evaluation; the early stages are never trained and their norms stay as they are."""
        super().train(mode)
        for module in (self.bn1, *self.blocks[:_NUM_EARLY]):
            module.eval()
        return self

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map normalised images [N, 3, H, W] to score logits [N, 1, H/8, W/8] and edge distances [N, 4, H/8, W/8].

        H and W are multiples of 32; the distances (left, top, right, bottom of the cell's centre) are in input pixels.
        """
        return self.answer(self.early_features(images))

    def early_features(self, images: Tensor) -> Tensor:
        """What the stem and the first two stages make of images [N, 3, H, W]: [N, 24, H/4, W/4]."""
        features: Tensor = self.blocks[:_NUM_EARLY](self.bn1(self.conv_stem(images)))
        return features

    def answer(self, early_features: Tensor) -> tuple[Tensor, Tensor]:
        """The rest of `forward`."""
        x = early_features
        levels = []
        for stage, block in enumerate(self.blocks[_NUM_EARLY:], start=_NUM_EARLY):
            x = block(x)
            if stage in _PYRAMID_STAGES:
                levels.append(x)
        merged = self.smooth[-1](self.lateral[-1](levels[-1]))
        for index in (1, 0):
            coarse = functional.interpolate(merged, scale_factor=2.0, mode="nearest")
            merged = self.smooth[index](self.lateral[index](levels[index]) + coarse)
        features = self.head(merged)
        log_distances = self.distances(features).clamp(max=_LARGEST_LOG_DISTANCE)
        return self.score(features), log_distances.exp() * STRIDE


def cell_centres(height: int, width: int) -> Tensor:
    """Centres of an [height, width] map's cells in input pixels, [2, height, width] as x, y."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return (torch.stack([x, y]).float() + 0.5) * STRIDE


def to_boxes(distances: Tensor) -> Tensor:
    """Turn edge distances [N, 4, H, W] into boxes [N, 4, H, W] (x0, y0, x1, y1) in input pixels."""
    centres = cell_centres(*distances.shape[-2:]).to(distances.device)
    return torch.cat([centres - distances[:, :2], centres + distances[:, 2:]], dim=1)


def decode(maps: tuple[Tensor, Tensor], threshold: float, max_faces: int) -> tuple[Tensor, Tensor]:
    """Read the peaks of one picture's maps.

    Args:
        maps: score logits [1, 1, H, W] and edge distances [1, 4, H, W], as `FaceNet` gives them.
        threshold: least score of a face.
        max_faces: most peaks to return.

    Returns:
        Boxes [K, 4] in input pixels and their scores [K], best first, not yet freed of overlapping ones.
    """
    score_logits, distances = maps
    scores = score_logits.sigmoid()
    peaks = scores * (functional.max_pool2d(scores, 3, stride=1, padding=1) == scores)
    best, where = peaks.flatten().topk(min(max_faces, peaks.numel()))
    kept = best >= threshold
    boxes = to_boxes(distances)[0].flatten(1).T
    return boxes[where[kept]], best[kept]


def fold_batch_norm(network: nn.Module) -> None:
    """Fold every batch norm into the convolution before it, in place: the same answers in less time, in eval mode only.

    Works on modules that name their pairs as timm's blocks do (`conv_dw` and `bn1`, ...).
    """
    for module in network.modules():
        for conv_name, norm_name in _pairs(module):
            conv, norm = getattr(module, conv_name), getattr(module, norm_name)
            conv.weight, conv.bias = fuse_conv_bn_weights(
                conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
            )
            setattr(module, norm_name, getattr(norm, "act", nn.Identity()))


def _pairs(module: nn.Module) -> list[tuple[str, str]]:
    names = [name for name, child in module.named_children() if isinstance(child, nn.Conv2d | nn.BatchNorm2d)]
    return [
        (first, second)
        for first, second in itertools.pairwise(names)
        if isinstance(getattr(module, first), nn.Conv2d) and isinstance(getattr(module, second), nn.BatchNorm2d)
    ]
