"""How alike two drawn faces look: feature maps of the character classifier beside coarse colours."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from anime_models.backbones import PACKAGED_BACKBONE, FaceModel, build_model, load_packaged_weights
from anime_models.classifier import EMBEDDED, Classifier

CLASSIFIER = "characters"
INPUT_SIZE = 96  # pixels; the classifier was trained at more, but this keeps a projection quick
STAGES = (2, 3, 4, 5)  # of the backbone: strokes to parts of a face; later ones tell who it is, not how it looks
COARSE_SIZE = 16  # pixels, where colours and masses are compared
_COLOUR_WEIGHT = 2.0


class PerceptualDistance:
    """Distance of pictures to one target: 0 for the same picture, about 1 for two different faces.

    Feature maps of the first stages of the embedded character classifier (where it is left out, as on a Space that has
    its models from the Hub, of the packaged ImageNet weights that it began from), with unit length across channels at
    each place as in LPIPS (Zhang et al., 2018), and the mean absolute difference of 16 x 16 colours.
    """

    def __init__(self, target: Tensor) -> None:
        """Take the target as ``[1, 3, S, S]`` in [-1, 1]."""
        with torch.no_grad():
            self.features = _features(target)
            self.colours = _coarse(target)

    def __call__(self, pictures: Tensor) -> Tensor:
        """Distances ``[N]`` of pictures ``[N, 3, S, S]`` in [-1, 1], with a gradient."""
        parts = zip(_features(pictures), self.features, strict=True)
        shapes = torch.stack([(seen - wanted).square().sum(dim=1).mean(dim=(1, 2)) for seen, wanted in parts])
        colours = (_coarse(pictures) - self.colours).abs().mean(dim=(1, 2, 3))
        return shapes.mean(dim=0) + _COLOUR_WEIGHT * colours


def _coarse(pictures: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(pictures, COARSE_SIZE)


def _features(pictures: Tensor) -> list[Tensor]:
    """Feature maps of each stage, of unit length across channels."""
    sized = F.interpolate(pictures, (INPUT_SIZE, INPUT_SIZE), mode="bilinear", antialias=True)
    maps = _backbone().backbone.forward_intermediates(
        sized, indices=list(STAGES), stop_early=True, intermediates_only=True, extra_blocks=True
    )
    return [F.normalize(each, dim=1) for each in maps]


@cache
def _backbone() -> FaceModel:
    if (EMBEDDED / CLASSIFIER).is_dir():
        return Classifier.embedded(CLASSIFIER).model.requires_grad_(False)
    model = build_model(PACKAGED_BACKBONE, "plain", 2, INPUT_SIZE)
    load_packaged_weights(model, PACKAGED_BACKBONE)
    return model.eval().requires_grad_(False)
