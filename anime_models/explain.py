"""Where the model looked: Grad-CAM heat maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from timm.models import VisionTransformer
from torch import Tensor
from torch.nn import functional

from anime_models.classifier import Classifier
from anime_models.errors import ConfigError

# Control points of the overlay's colours (R, G, B), from little to much: dark violet, magenta, orange, light yellow.
HEAT_COLOURS = np.array([[13, 8, 135], [156, 23, 158], [237, 121, 83], [240, 249, 33]], dtype=float)


def heat_map(classifier: Classifier, crop: Image.Image, label: str | None = None) -> np.ndarray:
    """Grad-CAM (Selvaraju et al., 2017) of one class on an RGB face crop.

    Args:
        classifier: a convolutional one is explained by its last map, a ViT by the tokens that enter its last block
            (what leaves that block does not matter: only the class token is read).
        crop: the face.
        label: class to explain; the most probable one if None.

    Returns:
        float32 ``[H, W]`` in [0, 1] at the crop's size; zero outside the square that the model sees of the crop, and
        everywhere when nothing speaks for the class.

    Raises:
        ConfigError: when the model has no such class.
    """
    names = classifier.label_names
    if label is not None and label not in names:
        raise ConfigError(f"The model has no class {label!r}. Choose one of: {', '.join(names)}.")
    model = classifier.model
    with torch.no_grad():
        activations = _activations(model.backbone, classifier.input([crop]))
    with torch.enable_grad():
        activations.requires_grad_()
        logits = model.head(_pooled(model.backbone, activations))[0, : len(names)]
        target = logits.argmax() if label is None else torch.tensor(names.index(label))
        (gradients,) = torch.autograd.grad(logits[target], activations)
    maps, slopes = _as_map(activations.detach()), _as_map(gradients)
    heat = functional.relu((slopes.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1, keepdim=True))
    preprocessing = classifier.config.preprocessing
    seen = max(1, round(min(crop.size) * preprocessing.image_size / preprocessing.resize))
    heat = functional.interpolate(heat, size=(seen, seen), mode="bicubic", align_corners=False)[0, 0].clamp(min=0)
    whole = np.zeros((crop.height, crop.width), dtype=np.float32)
    top, left = round((crop.height - seen) / 2), round((crop.width - seen) / 2)
    whole[top : top + seen, left : left + seen] = (heat / heat.max().clamp(min=1e-12)).float().numpy()
    return whole


def overlay(crop: Image.Image, heat: np.ndarray) -> Image.Image:
    """Lay a heat map, float ``[H, W]`` in [0, 1], over an RGB crop of that size."""
    position = np.clip(heat, 0, 1) * (len(HEAT_COLOURS) - 1)
    channels = [np.interp(position, np.arange(len(HEAT_COLOURS)), HEAT_COLOURS[:, c]) for c in range(3)]
    colours = np.stack(channels, axis=-1)
    opacity = 0.25 + 0.45 * np.clip(heat, 0, 1)[..., None]
    mixed = np.asarray(crop, dtype=float) * (1 - opacity) + colours * opacity
    return Image.fromarray(mixed.round().astype(np.uint8))


def _activations(backbone: Any, images: Tensor) -> Tensor:
    """The layer to explain by: a map ``[1, F, h, w]``, or the tokens ``[1, 1 + n, F]`` before a ViT's last block."""
    if not _is_vit(backbone):
        features: Tensor = backbone.forward_features(images)
        return features
    ((patches, prefix),) = backbone.forward_intermediates(
        images,
        indices=[len(backbone.blocks) - 2],
        return_prefix_tokens=True,
        stop_early=True,
        output_fmt="NLC",
        intermediates_only=True,
    )
    return torch.cat([prefix, patches], dim=1)


def _pooled(backbone: Any, activations: Tensor) -> Tensor:
    """The rest of the backbone, from :func:`_activations` to pooled features ``[1, F]``."""
    if _is_vit(backbone):
        activations = backbone.norm(backbone.blocks[-1](activations))
    pooled: Tensor = backbone.forward_head(activations)
    return pooled


def _is_vit(backbone: Any) -> bool:
    return isinstance(backbone, VisionTransformer)


def _as_map(features: Tensor) -> Tensor:
    """Features as a map ``[N, F, h, w]``: a convolutional map stays, ViT patch tokens are laid out on their square."""
    if features.ndim == 4:
        return features
    patches = features[:, 1:]
    side = round(patches.shape[1] ** 0.5)
    return patches.transpose(1, 2).reshape(features.shape[0], features.shape[2], side, side)
